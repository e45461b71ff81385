"""Where the pixels of a file lie in the grid of the project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from i2db.errors import InputError
from i2db.raster.grid import ALIGNMENT_TOLERANCE, Grid, Window


@dataclass(frozen=True, slots=True)
class Placement:
    """The grid pixels that a file covers, and how many of them its pixels span.

    `factor` is the number of grid pixels per file pixel along each axis where the two align, 0 where a warp is needed.
    """

    window: Window
    factor: int

    def native_part(self, window: Window, margin: int) -> Window | None:
        """File pixels (column and row counted in the file) needed for a window, `margin` of them around; or None.

        Only for files that align; the answer stays within the file.
        """
        part = self.window.intersection(window)
        if part is None:
            return None
        column, column_end = part.column - self.window.column, part.column_end - self.window.column
        row, row_end = part.row - self.window.row, part.row_end - self.window.row
        factor = self.factor
        needed = Window(
            column // factor - margin,
            row // factor - margin,
            -(-column_end // factor) - column // factor + 2 * margin,
            -(-row_end // factor) - row // factor + 2 * margin,
        )
        return needed.intersection(Window(0, 0, self.window.n_columns // factor, self.window.n_rows // factor))


def placement(dataset: Any, grid: Grid) -> Placement:
    """Where an open rasterio dataset lies in the grid.

    Raises:
        InputError: the file has no projection.
    """
    from rasterio.crs import CRS
    from rasterio.warp import transform_bounds

    if dataset.crs is None:
        raise InputError(f"{dataset.name} has no projection", hint="get the product again, or assign its projection")
    target = CRS.from_user_input(grid.crs)
    transform = dataset.transform
    if dataset.crs == target:
        factor = _factor(transform, dataset.width, dataset.height, grid)
        if factor and grid.is_aligned(transform.c, transform.f):
            column, row = round(grid.column_of(transform.c)), round(grid.row_of(transform.f))
            return Placement(Window(column, row, dataset.width * factor, dataset.height * factor), factor)
    bounds = dataset.bounds if dataset.crs == target else transform_bounds(dataset.crs, target, *dataset.bounds)
    return Placement(grid.window_of_bounds(*bounds), 0)


def _factor(transform: Any, width: int, height: int, grid: Grid) -> int:
    """Grid pixels per file pixel if that is the same whole number along both axes, north up; else 0."""
    factor = round(transform.a / grid.resolution_x)
    drift_x = abs(transform.a / grid.resolution_x - factor) * width
    drift_y = abs(-transform.e / grid.resolution_y - factor) * height
    is_north_up = transform.b == 0 and transform.d == 0
    fits = is_north_up and factor >= 1 and max(drift_x, drift_y) < ALIGNMENT_TOLERANCE
    return factor if fits else 0
