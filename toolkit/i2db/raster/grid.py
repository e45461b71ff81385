"""The one grid of a project: every pixel has a column and a row in it, and from them its sample_id."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from i2db.projection import spoken

#: Added to row and column so that both are positive; sample_id = row part * SPAN + column part, readable in decimal.
OFFSET = 500_000_000
SPAN = 1_000_000_000

#: How far from a whole pixel (in pixels) a coordinate may lie and still count as on the grid.
ALIGNMENT_TOLERANCE = 1e-3

_Place = TypeVar("_Place", float, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of grid pixels: column and row of its north-west pixel, and its size in pixels."""

    column: int
    row: int
    n_columns: int
    n_rows: int

    @property
    def column_end(self) -> int:
        """First column east of the window."""
        return self.column + self.n_columns

    @property
    def row_end(self) -> int:
        """First row south of the window."""
        return self.row + self.n_rows

    @property
    def n_pixels(self) -> int:
        """Number of pixels in the window."""
        return self.n_columns * self.n_rows

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns), as numpy wants it."""
        return self.n_rows, self.n_columns

    def intersection(self, other: Window) -> Window | None:
        """The pixels that both windows hold, or None."""
        column, row = max(self.column, other.column), max(self.row, other.row)
        n_columns = min(self.column_end, other.column_end) - column
        n_rows = min(self.row_end, other.row_end) - row
        return Window(column, row, n_columns, n_rows) if n_columns > 0 and n_rows > 0 else None

    def union(self, other: Window) -> Window:
        """The smallest window that holds both."""
        column, row = min(self.column, other.column), min(self.row, other.row)
        return Window(
            column, row, max(self.column_end, other.column_end) - column, max(self.row_end, other.row_end) - row
        )

    def grown(self, pixels: int) -> Window:
        """The window with a margin of `pixels` on its four sides."""
        return Window(self.column - pixels, self.row - pixels, self.n_columns + 2 * pixels, self.n_rows + 2 * pixels)

    def slices_in(self, outer: Window) -> tuple[slice, slice]:
        """(row slice, column slice) of this window inside an array that covers `outer`."""
        top, left = self.row - outer.row, self.column - outer.column
        return slice(top, top + self.n_rows), slice(left, left + self.n_columns)


@dataclass(frozen=True, slots=True)
class Grid:
    """Projection, pixel size and origin: pixel (column 0, row 0) has its north-west corner there.

    Rows grow southwards, as in an image: a point (x, y) lies in column floor((x - origin_x) / resolution_x) and row
    floor((origin_y - y) / resolution_y). The origin is the projection's, or the one of chain.grid_origin: the grid of
    a project does not depend on its tiles, and neither does a sample_id.
    """

    crs: str
    resolution_x: float
    resolution_y: float
    origin_x: float = 0.0
    origin_y: float = 0.0

    def __str__(self) -> str:
        """EPSG:32631, pixels of 10.0 x 10.0"""
        origin = f" from ({self.origin_x}, {self.origin_y})" if self.origin_x or self.origin_y else ""
        return f"{spoken(self.crs)}, pixels of {self.resolution_x} x {self.resolution_y}{origin}"

    @property
    def identity(self) -> tuple[str | float, ...]:
        """What tells one grid from another; the origin only where it is not the projection's."""
        origin = (self.origin_x, self.origin_y)
        return (self.crs, self.resolution_x, self.resolution_y, *(origin if any(origin) else ()))

    def centres(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Abscissas and ordinates of the centres of pixels (same shape), in map units."""
        x = self.origin_x + (columns.astype(np.float64) + 0.5) * self.resolution_x
        y = self.origin_y - (rows.astype(np.float64) + 0.5) * self.resolution_y
        return x, y

    def column_of(self, x: _Place) -> _Place:
        """Fractional column of an abscissa in map units (or of an array of them)."""
        return (x - self.origin_x) / self.resolution_x

    def row_of(self, y: _Place) -> _Place:
        """Fractional row of an ordinate in map units (or of an array of them)."""
        return (self.origin_y - y) / self.resolution_y

    def window_of_bounds(self, left: float, bottom: float, right: float, top: float) -> Window:
        """The smallest window whose pixels cover the bounds (map units); edges on the grid stay where they are."""
        column = math.floor(self.column_of(left) + ALIGNMENT_TOLERANCE)
        row = math.floor(self.row_of(top) + ALIGNMENT_TOLERANCE)
        column_end = math.ceil(self.column_of(right) - ALIGNMENT_TOLERANCE)
        row_end = math.ceil(self.row_of(bottom) - ALIGNMENT_TOLERANCE)
        return Window(column, row, column_end - column, row_end - row)

    def bounds(self, window: Window) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of a window in map units."""
        return (
            self.origin_x + window.column * self.resolution_x,
            self.origin_y - window.row_end * self.resolution_y,
            self.origin_x + window.column_end * self.resolution_x,
            self.origin_y - window.row * self.resolution_y,
        )

    def transform(self, window: Window) -> tuple[float, float, float, float, float, float]:
        """The six affine coefficients (a, b, c, d, e, f) of a raster that covers the window."""
        left, _, _, top = self.bounds(window)
        return self.resolution_x, 0.0, left, 0.0, -self.resolution_y, top

    def is_aligned(self, left: float, top: float) -> bool:
        """Whether a raster's north-west corner falls on a corner of the grid."""
        column, row = self.column_of(left), self.row_of(top)
        return abs(column - round(column)) < ALIGNMENT_TOLERANCE and abs(row - round(row)) < ALIGNMENT_TOLERANCE


def sample_ids(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sample ids of grid rows and columns (same shape); sorting by them is scan order from the north-west."""
    return (rows.astype(np.int64) + OFFSET) * SPAN + (columns.astype(np.int64) + OFFSET)


def rows_columns(ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Grid rows and columns of sample ids: the inverse of `sample_ids`."""
    return ids // SPAN - OFFSET, ids % SPAN - OFFSET
