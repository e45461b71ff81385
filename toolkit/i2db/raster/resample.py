"""Loading pixels of layers as reflectances, with cubic interpolation where a file pixel spans several grid pixels.

The kernel is Keys' cubic convolution with a = -0.5 (IEEE Trans. ASSP 29(6), 1981), the one GDAL calls cubic. As in
GDAL, a pixel whose 4 x 4 neighbourhood does not fit into the file is interpolated bilinearly from what there is.
A pixel's arithmetic is the same whatever the block, the window or the way (row by row or pixel by pixel) it comes in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.raster.cube import Layers
from i2db.raster.flags import NODATA
from i2db.raster.grid import Window

#: How a row or column of grid pixels is interpolated: all four taps in the file, some not, or beyond the file.
_INNER, _EDGE, _BEYOND = 0, 1, 2


class Source(NamedTuple):
    """Layers as the kernels take them."""

    #: (layers, rows, columns).
    numbers: NDArray[Any]
    #: Which layers to load.
    chosen: NDArray[np.int64]
    #: Product of each layer, and place of its band among the loaded ones.
    product: NDArray[np.int64]
    band: NDArray[np.int64]
    #: (layers, 3): scale, offset, and the number that means no data.
    calibration: NDArray[np.float32]
    factor: int


class Block(NamedTuple):
    """A rectangle of the cube's window, counted from its north-west."""

    first_row: int
    n_rows: int
    first_column: int
    n_columns: int


class Taps(NamedTuple):
    """For each row (or column) of a window: which four file rows it is made of, and with which weights."""

    #: (n, 4): places in the layers' rasters, held within them.
    place: NDArray[np.int64]
    #: (n, 4): weights of the cubic kernel, and of linear interpolation (0 beyond the file, sum 1).
    cubic: NDArray[np.float32]
    linear: NDArray[np.float32]
    #: (n): _INNER, _EDGE or _BEYOND.
    kind: NDArray[np.int64]


def cubic_weights(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel with a = -0.5 of distances in file pixels (any shape)."""
    d = np.abs(distance)
    near = 1.5 * d**3 - 2.5 * d**2 + 1.0
    far = -0.5 * d**3 + 2.5 * d**2 - 4.0 * d + 2.0
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def taps(factor: int, first: int, n: int, n_file: int, first_file: int, n_array: int) -> Taps:
    """Taps of `n` grid rows from row `first` of a file with `n_file` rows of `factor` grid rows each.

    `first` counts grid rows from the file's northern edge and may be negative; the layers' rasters hold `n_array`
    file rows from `first_file`. The same holds for columns.
    """
    fine = np.arange(first, first + n, dtype=np.int64)
    # The centre of grid row k lies at (k + 1/2) / factor - 1/2 in file rows; in whole numbers, so that it is exact.
    base = (2 * fine + 1 - factor) // (2 * factor)
    rest = ((2 * fine + 1 - factor) - base * 2 * factor) / (2 * factor)
    rows = base[:, np.newaxis] + np.arange(-1, 3)
    distance = rest[:, np.newaxis] - np.arange(-1, 3)
    is_in_file = (rows >= 0) & (rows < n_file)
    linear = np.maximum(0.0, 1.0 - np.abs(distance)) * is_in_file
    total = linear.sum(axis=1, keepdims=True)
    linear /= np.where(total > 0, total, 1.0)
    kind = np.where(is_in_file.all(axis=1), _INNER, _EDGE)
    kind[(fine < 0) | (fine >= n_file * factor)] = _BEYOND
    return Taps(
        place=np.clip(rows - first_file, 0, n_array - 1),
        cubic=cubic_weights(distance).astype(np.float32),
        linear=linear.astype(np.float32),
        kind=kind,
    )


def layer_taps(layers: Layers, window: Window) -> tuple[Taps, Taps]:
    """Taps of the rows and of the columns of a window for layers with a factor above 1."""
    extent, factor, shape = layers.extent, layers.factor, layers.numbers.shape
    rows = taps(factor, window.row - extent.row, window.n_rows, extent.n_rows // factor, layers.first_row, shape[1])
    columns = taps(
        factor,
        window.column - extent.column,
        window.n_columns,
        extent.n_columns // factor,
        layers.first_column,
        shape[2],
    )
    return rows, columns


@njit(nogil=True, cache=True)
def _pixel(
    raster: NDArray[Any],
    row_place: NDArray[np.int64],
    row_weight: NDArray[np.float32],
    column_place: NDArray[np.int64],
    column_weight: NDArray[np.float32],
    nodata: np.float32,
) -> tuple[np.float32, bool]:
    """One interpolated number, and whether a tap that counts has no data."""
    total = np.float32(0)
    is_missing = False
    for j in range(4):
        if column_weight[j] == 0:
            continue
        part = np.float32(0)
        for i in range(4):
            if row_weight[i] != 0:
                number = np.float32(raster[row_place[i], column_place[j]])
                is_missing |= (number == nodata) or (number != number)
                part += row_weight[i] * number
        total += column_weight[j] * part
    return total, is_missing


@njit(nogil=True, cache=True)
def load_block(
    source: Source,
    block: Block,
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """Load a block of layers at the grid's resolution into `reflectance` (pixels, products, bands) and `flags`.

    Pixels are row-major in the block; NODATA is set in `flags` (pixels, products) where a band has no data.
    """
    first_row, n_rows, first_column, n_columns = block
    for layer in source.chosen:
        k, b = source.product[layer], source.band[layer]
        calibration = source.calibration[layer]
        scale, offset, nodata = calibration[0], calibration[1], calibration[2]
        is_any_missing = False
        for row in range(n_rows):
            line = source.numbers[layer, first_row + row, first_column : first_column + n_columns]
            for column in range(n_columns):
                number = np.float32(line[column])
                is_any_missing |= (number == nodata) | (number != number)
                reflectance[row * n_columns + column, k, b] = number * scale + offset
        if is_any_missing:
            for row in range(n_rows):
                for column in range(n_columns):
                    number = np.float32(source.numbers[layer, first_row + row, first_column + column])
                    if number == nodata or number != number:
                        flags[row * n_columns + column, k] |= NODATA


@njit(nogil=True, cache=True)
def load_block_cubic(
    source: Source,
    row_taps: Taps,
    column_taps: Taps,
    block: Block,
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """As `load_block`, for layers whose pixels span `factor` grid pixels; taps are those of the cube's window."""
    first_row, n_rows, first_column, n_columns = block
    kinds = column_taps.kind[first_column : first_column + n_columns]
    places = column_taps.place[first_column : first_column + n_columns]
    left, right = n_columns, 0  # the columns that need no care: all taps in the file
    for column in range(n_columns):
        if kinds[column] == _INNER:
            left, right = min(left, column), column + 1
    vertical = np.empty(source.numbers.shape[2], dtype=np.float32)
    line = np.empty(n_columns, dtype=np.float32)
    for layer in source.chosen:
        k, b = source.product[layer], source.band[layer]
        calibration = source.calibration[layer]
        scale, offset, nodata = calibration[0], calibration[1], calibration[2]
        raster = source.numbers[layer]
        for row in range(n_rows):
            first = row * n_columns
            tap_row = first_row + row
            is_inner = row_taps.kind[tap_row] == _INNER and left < right
            if is_inner:
                is_inner = not _vertical(
                    raster, row_taps.place[tap_row], row_taps.cubic[tap_row], nodata,
                    places[left, 0], places[right - 1, 3] + 1, vertical,
                )  # fmt: skip
            start, end = (left, right) if is_inner else (n_columns, n_columns)
            if is_inner:
                _horizontal(vertical, places, column_taps.cubic, first_column, left, right, source.factor, line)
                for column in range(left, right):
                    reflectance[first + column, k, b] = line[column] * scale + offset
            for column in range(n_columns):
                if start <= column < end:
                    continue
                number, is_missing = _careful(raster, row_taps, column_taps, tap_row, first_column + column, nodata)
                reflectance[first + column, k, b] = number * scale + offset
                if is_missing:
                    flags[first + column, k] |= NODATA


@njit(nogil=True, cache=True)
def _vertical(
    raster: NDArray[Any],
    place: NDArray[np.int64],
    weight: NDArray[np.float32],
    nodata: np.float32,
    first: int,
    end: int,
    vertical: NDArray[np.float32],
) -> bool:
    """Interpolate columns [first, end) of a raster along one row's taps; whether any number has no data."""
    row_0, row_1, row_2, row_3 = raster[place[0]], raster[place[1]], raster[place[2]], raster[place[3]]
    weight_0, weight_1, weight_2, weight_3 = weight[0], weight[1], weight[2], weight[3]
    is_missing = False
    for column in range(first, end):
        number_0, number_1 = np.float32(row_0[column]), np.float32(row_1[column])
        number_2, number_3 = np.float32(row_2[column]), np.float32(row_3[column])
        total = weight_0 * number_0 + weight_1 * number_1 + weight_2 * number_2 + weight_3 * number_3
        vertical[column] = total
        is_missing |= (number_0 == nodata) | (number_1 == nodata) | (number_2 == nodata) | (number_3 == nodata)
        is_missing |= total != total
    return is_missing


@njit(nogil=True, cache=True)
def _horizontal(
    vertical: NDArray[np.float32],
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    first_column: int,
    left: int,
    right: int,
    factor: int,
    line: NDArray[np.float32],
) -> None:
    """Interpolate columns [left, right) of a block along the row: one phase of the kernel after the other."""
    for phase in range(min(factor, right - left)):
        start = left + phase
        base = places[start, 0]
        weight = weights[first_column + start]
        weight_0, weight_1, weight_2, weight_3 = weight[0], weight[1], weight[2], weight[3]
        for step in range((right - start + factor - 1) // factor):
            tap = base + step
            line[start + step * factor] = (
                weight_0 * vertical[tap]
                + weight_1 * vertical[tap + 1]
                + weight_2 * vertical[tap + 2]
                + weight_3 * vertical[tap + 3]
            )


@njit(nogil=True, cache=True)
def _careful(
    raster: NDArray[Any], row_taps: Taps, column_taps: Taps, row: int, column: int, nodata: np.float32
) -> tuple[np.float32, bool]:
    """One pixel at the edge of the file, beyond it, or near missing data."""
    row_kind, column_kind = row_taps.kind[row], column_taps.kind[column]
    if row_kind == _BEYOND or column_kind == _BEYOND:
        return np.float32(0), True
    if row_kind == _INNER and column_kind == _INNER:
        row_weight, column_weight = row_taps.cubic[row], column_taps.cubic[column]
    else:
        row_weight, column_weight = row_taps.linear[row], column_taps.linear[column]
    return _pixel(raster, row_taps.place[row], row_weight, column_taps.place[column], column_weight, nodata)


@njit(nogil=True, cache=True)
def load_pixels(
    source: Source,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """As `load_block`, for single pixels at `rows` and `columns` of the cube's window."""
    for layer in source.chosen:
        k, b = source.product[layer], source.band[layer]
        calibration = source.calibration[layer]
        scale, offset, nodata = calibration[0], calibration[1], calibration[2]
        for pixel in range(len(rows)):
            number = np.float32(source.numbers[layer, rows[pixel], columns[pixel]])
            reflectance[pixel, k, b] = number * scale + offset
            if number == nodata or number != number:
                flags[pixel, k] |= NODATA


@njit(nogil=True, cache=True)
def load_pixels_cubic(
    source: Source,
    row_taps: Taps,
    column_taps: Taps,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """As `load_block_cubic`, for single pixels at `rows` and `columns` of the cube's window."""
    for layer in source.chosen:
        k, b = source.product[layer], source.band[layer]
        calibration = source.calibration[layer]
        scale, offset, nodata = calibration[0], calibration[1], calibration[2]
        for pixel in range(len(rows)):
            number, is_missing = _careful(
                source.numbers[layer], row_taps, column_taps, rows[pixel], columns[pixel], nodata
            )
            reflectance[pixel, k, b] = number * scale + offset
            if is_missing:
                flags[pixel, k] |= NODATA
