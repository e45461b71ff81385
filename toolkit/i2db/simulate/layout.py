"""Where a scene lies: its pixels in UTM zone 31 north, and the tiles that cut it up."""

from __future__ import annotations

import math
from dataclasses import dataclass

from i2db.raster.grid import Window

CRS = "EPSG:32631"
#: Share of a tile's side that it has in common with its neighbour.
OVERLAP = 0.1
#: South-west corner of tile T31TCJ, metres.
_LEFT, _BOTTOM = 300_000, 4_800_000
#: Letters of the 100 km squares of zone 31, eastwards and northwards.
_EAST, _NORTH = "CDEFGH", "JKLMNP"

MAX_TILES = len(_EAST) * len(_NORTH)


@dataclass(frozen=True, slots=True)
class Extent:
    """All pixels of a scene; (0, 0) is the north-west one. Coordinates and resolution in metres."""

    left: float
    top: float
    n_columns: int
    n_rows: int
    resolution: int

    @property
    def right(self) -> float:
        """Eastern edge, metres."""
        return self.left + self.n_columns * self.resolution

    @property
    def bottom(self) -> float:
        """Southern edge, metres."""
        return self.top - self.n_rows * self.resolution

    @property
    def scale(self) -> float:
        """Lengths of the landscape are thought at 10 m pixels; coarser pixels get larger fields."""
        return self.resolution / 10

    def transform(self, window: Window, factor: int = 1) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients of a raster over the window with pixels of `factor` times the resolution."""
        size = float(self.resolution * factor)
        left = self.left + window.column * self.resolution
        top = self.top - window.row * self.resolution
        return size, 0.0, left, 0.0, -size, top

    def bounds(self, window: Window) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of a window, metres."""
        return (
            self.left + window.column * self.resolution,
            self.top - window.row_end * self.resolution,
            self.left + window.column_end * self.resolution,
            self.top - window.row * self.resolution,
        )


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's name and its window in the scene's extent."""

    name: str
    window: Window


def lay_out(n_tiles: int, size: int, resolution: int) -> tuple[Extent, tuple[Tile, ...]]:
    """Extent and tiles of a square layout, filled from the south-west: T31TCJ, T31TDJ, T31TCK, T31TDK, ...

    Neighbours share about a tenth of their side; all corners lie at even pixels, so that bands at twice the
    resolution start with the others.
    """
    n_across = math.ceil(math.sqrt(n_tiles))
    n_up = math.ceil(n_tiles / n_across)
    step = 2 * round(size * (1 - OVERLAP) / 2)
    n_columns, n_rows = size + step * (n_across - 1), size + step * (n_up - 1)
    pixel = 2 * resolution
    left, bottom = math.floor(_LEFT / pixel) * pixel, math.floor(_BOTTOM / pixel) * pixel
    extent = Extent(left, bottom + n_rows * resolution, n_columns, n_rows, resolution)
    tiles = []
    for number in range(n_tiles):
        north, east = divmod(number, n_across)
        window = Window(east * step, n_rows - size - north * step, size, size)
        tiles.append(Tile(f"T31T{_EAST[east]}{_NORTH[north]}", window))
    return extent, tuple(tiles)
