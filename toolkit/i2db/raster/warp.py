"""Reading files whose grid does not align with the project's, by GDAL's warp, with results that no window changes.

The grid is cut into fixed cells; a cell is always warped whole, from the same source pixels, and then cropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.raster.grid import Grid, Window

#: Side of a cell in grid pixels.
CELL = 256
#: Radius of the cubic kernel in source pixels (of target pixels, where those are larger), and some pixels to spare.
_RADIUS, _SPARE = 2, 3


def warp_band(
    dataset: Any,
    index: int,
    grid: Grid,
    window: Window,
    nodata: float | None,
    valid: tuple[float, float] | None = None,
) -> NDArray[np.float32]:
    """A band in the grid, by cubic interpolation: (rows, columns) of the window.

    NaN where the file has no data (a number of `nodata`, what the file declares as such, NaN, what is beyond the
    lowest and highest `valid` number) in reach of the kernel.
    """

    def read(source: Window) -> NDArray[np.float32]:
        numbers = _read(dataset, index, source).astype(np.float32)
        for missing in {nodata, dataset.nodata} - {None}:
            numbers[numbers == np.float32(missing)] = np.nan
        if valid is not None:
            remove_beyond(numbers, valid)
        return numbers

    return warp_numbers(dataset, read, grid, window, "cubic")


def remove_beyond(numbers: NDArray[np.floating[Any]], valid: tuple[float, float]) -> None:
    """Put NaN, in place, where numbers are beyond the lowest and highest that are valid."""
    numbers[(numbers < valid[0]) | (numbers > valid[1])] = np.nan


def warp_numbers(
    raster: Any, read: Callable[[Window], NDArray[np.float32]], grid: Grid, window: Window, method: str
) -> NDArray[np.float32]:
    """Numbers in the grid by a method of GDAL's (nearest, bilinear, cubic): (rows, columns) of the window.

    `raster` has crs, transform, width and height; `read` gives its pixels, counted in the raster, with NaN where there
    is no data. The result is NaN where a NaN lies in reach of the kernel.
    """
    result = np.full(window.shape, np.nan, dtype=np.float32)
    for cell, part in _cells(window):
        source = _source(raster, grid, cell)
        if source is None:
            continue
        warped = np.full(cell.shape, np.nan, dtype=np.float32)
        _warp(raster, read(source), source, warped, grid, cell, method)
        result[part.slices_in(window)] = warped[part.slices_in(cell)]
    return result


def warp_flags(
    dataset: Any, numbers_to_flags: Any, index: int, grid: Grid, window: Window, fill: int
) -> NDArray[np.uint8]:
    """Flags of a mask in the grid, by the nearest pixel: (rows, columns) of the window, `fill` beyond the file.

    `numbers_to_flags` maps an array of the file's numbers to flags (uint8, same shape).
    """
    result = np.full(window.shape, fill, dtype=np.uint8)
    for cell, part in _cells(window):
        source = _source(dataset, grid, cell)
        if source is None:
            continue
        warped = np.full(cell.shape, fill, dtype=np.uint8)
        flags = numbers_to_flags(_read(dataset, index, source))
        _warp(dataset, flags, source, warped, grid, cell, "nearest")
        result[part.slices_in(window)] = warped[part.slices_in(cell)]
    return result


def covered(dataset: Any, grid: Grid, window: Window) -> NDArray[np.bool_]:
    """Which pixels of a window have their centre in a file: (rows, columns). Nothing is read."""
    result = np.zeros(window.shape, dtype=np.bool_)
    for cell, part in _cells(window):
        source = _source(dataset, grid, cell)
        if source is None:
            continue
        warped = np.zeros(cell.shape, dtype=np.uint8)
        _warp(dataset, np.ones(source.shape, dtype=np.uint8), source, warped, grid, cell, "nearest")
        result[part.slices_in(window)] = warped[part.slices_in(cell)] > 0
    return result


def _cells(window: Window) -> Iterator[tuple[Window, Window]]:
    """Cells that touch a window, each with the part of it that lies in the window."""
    for row in range(window.row // CELL * CELL, window.row_end, CELL):
        for column in range(window.column // CELL * CELL, window.column_end, CELL):
            cell = Window(column, row, CELL, CELL)
            part = cell.intersection(window)
            if part is not None:
                yield cell, part


def _source(dataset: Any, grid: Grid, cell: Window) -> Window | None:
    """The file pixels that a cell may need, or None where it lies beside the file."""
    from rasterio.crs import CRS
    from rasterio.warp import transform_bounds

    bounds = transform_bounds(CRS.from_user_input(grid.crs), dataset.crs, *grid.bounds(cell))
    if not np.isfinite(bounds).all():
        return None
    inverse = ~dataset.transform
    corners = [_applied(inverse, x, y) for x in bounds[::2] for y in bounds[1::2]]
    columns, rows = [corner[0] for corner in corners], [corner[1] for corner in corners]
    margin = [int(np.ceil(_RADIUS * max(1.0, (max(place) - min(place)) / CELL))) + _SPARE for place in (columns, rows)]
    column, row = int(np.floor(min(columns))) - margin[0], int(np.floor(min(rows))) - margin[1]
    column_end, row_end = int(np.ceil(max(columns))) + margin[0], int(np.ceil(max(rows))) + margin[1]
    needed = Window(column, row, column_end - column, row_end - row)
    return needed.intersection(Window(0, 0, dataset.width, dataset.height))


def _applied(transform: Any, x: float, y: float) -> tuple[float, float]:
    """A point through six affine coefficients (a, b, c, d, e, f)."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * x + b * y + c, d * x + e * y + f


def _read(dataset: Any, index: int, source: Window) -> NDArray[Any]:
    from rasterio.windows import Window as FileWindow

    numbers: NDArray[Any] = dataset.read(
        index, window=FileWindow(source.column, source.row, source.n_columns, source.n_rows)
    )
    return numbers


def _warp(
    dataset: Any, numbers: NDArray[Any], source: Window, warped: NDArray[Any], grid: Grid, cell: Window, method: str
) -> None:
    from affine import Affine
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    a, b, _, d, e, _ = tuple(dataset.transform)[:6]
    left, top = _applied(dataset.transform, source.column, source.row)
    reproject(
        source=numbers,
        destination=warped,
        src_transform=Affine(a, b, left, d, e, top),
        src_crs=dataset.crs,
        dst_transform=Affine(*grid.transform(cell)),
        dst_crs=grid.crs,
        resampling=Resampling[method],
        init_dest_nodata=False,
        tolerance=0.0,
    )
