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


class Taps(NamedTuple):
    """For each row (or column) of a window: which four file rows it is made of, and with which weights."""

    #: (n, 4): places in the layers' rasters, held within them.
    place: NDArray[np.int64]
    #: (n, 4): weights of the cubic kernel, and of linear interpolation (0 beyond the file, sum 1).
    cubic: NDArray[np.float32]
    linear: NDArray[np.float32]
    #: (n): _INNER, _EDGE or _BEYOND.
    kind: NDArray[np.int64]


#: Taps of rows and columns of a window; empty for layers at the grid's resolution.
TapPair = tuple[Taps, Taps]


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


def layer_taps(layers: Layers, window: Window) -> TapPair:
    """Taps of the rows and of the columns of a window for layers."""
    extent, factor, shape = layers.extent, layers.factor, layers.numbers.shape
    if factor == 1:
        return taps(1, 0, 0, 0, 0, 1), taps(1, 0, 0, 0, 0, 1)
    column, row = window.column - extent.column, window.row - extent.row
    n_rows, n_columns = extent.n_rows // factor, extent.n_columns // factor
    return (
        taps(factor, row, window.n_rows, n_rows, layers.first_row, shape[1]),
        taps(factor, column, window.n_columns, n_columns, layers.first_column, shape[2]),
    )


@njit(nogil=True, cache=True)
def load_row(
    source: Source,
    row_taps: Taps,
    column_taps: Taps,
    row: int,
    first: int,
    n: int,
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """Load `n` pixels of a row of the cube's window, from column `first`, as reflectances x 10000.

    They go to `reflectance` (products, bands, pixels); NODATA is set in `flags` (products, pixels) where a band has no
    data.
    """
    if source.factor > 1:
        _load_row_cubic(source, row_taps, column_taps, row, first, n, reflectance, flags)
        return
    for layer in source.chosen:
        calibration = source.calibration[layer]
        scale, offset, nodata = calibration[0], calibration[1], calibration[2]
        line = source.numbers[layer, row, first : first + n]
        target = reflectance[source.product[layer], source.band[layer]]
        n_missing = 0
        for pixel in range(n):
            number = np.float32(line[pixel])
            n_missing += (number == nodata) | (number != number)
            target[pixel] = number * scale + offset
        if n_missing:
            target_flags = flags[source.product[layer]]
            for pixel in range(n):
                number = np.float32(line[pixel])
                if number == nodata or number != number:
                    target_flags[pixel] |= NODATA


@njit(nogil=True, cache=True)
def load_pixels(
    source: Source,
    row_taps: Taps,
    column_taps: Taps,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """As `load_row`, for single pixels at `rows` and `columns` of the cube's window."""
    for layer in source.chosen:
        k, b = source.product[layer], source.band[layer]
        calibration = source.calibration[layer]
        scale, offset, nodata = calibration[0], calibration[1], calibration[2]
        for pixel in range(len(rows)):
            if source.factor > 1:
                number, is_missing = _interpolated(
                    source.numbers[layer], row_taps, column_taps, rows[pixel], columns[pixel], nodata
                )
            else:
                number = np.float32(source.numbers[layer, rows[pixel], columns[pixel]])
                is_missing = (number == nodata) or (number != number)
            reflectance[k, b, pixel] = number * scale + offset
            if is_missing:
                flags[k, pixel] |= NODATA


@njit(nogil=True, cache=True)
def _load_row_cubic(
    source: Source,
    row_taps: Taps,
    column_taps: Taps,
    row: int,
    first: int,
    n: int,
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """`load_row` for layers whose pixels span several grid pixels: along the columns, then along the row."""
    left, right = n, 0  # the columns that need no care: all taps in the file
    if row_taps.kind[row] == _INNER:
        for pixel in range(n):
            if column_taps.kind[first + pixel] == _INNER:
                left, right = min(left, pixel), pixel + 1
    places, weights = column_taps.place[first : first + n], column_taps.cubic[first : first + n]
    vertical = np.empty(source.numbers.shape[2], dtype=np.float32)
    phase = np.empty(n, dtype=np.float32)
    for layer in source.chosen:
        calibration = source.calibration[layer]
        scale, offset, nodata = calibration[0], calibration[1], calibration[2]
        raster = source.numbers[layer]
        target, target_flags = reflectance[source.product[layer], source.band[layer]], flags[source.product[layer]]
        start, end = n, n
        if left < right:
            tap, tap_end = places[left, 0], places[right - 1, 3] + 1
            if not _interpolate_columns(
                raster, row_taps.place[row], row_taps.cubic[row], nodata, tap, tap_end, vertical
            ):
                start, end = left, right
                _interpolate_row(vertical, places, weights, start, end, source.factor, phase, target)
                for pixel in range(start, end):
                    target[pixel] = target[pixel] * scale + offset
        for pixel in range(n):
            if pixel < start or pixel >= end:
                number, is_missing = _interpolated(raster, row_taps, column_taps, row, first + pixel, nodata)
                target[pixel] = number * scale + offset
                if is_missing:
                    target_flags[pixel] |= NODATA


@njit(nogil=True, cache=True)
def _interpolate_columns(
    raster: NDArray[Any],
    place: NDArray[np.int64],
    weight: NDArray[np.float32],
    nodata: np.float32,
    first: int,
    end: int,
    vertical: NDArray[np.float32],
) -> bool:
    """Interpolate columns [first, end) of a raster along one row's taps; whether any number has no data."""
    row_0, row_1 = raster[place[0], first:end], raster[place[1], first:end]
    row_2, row_3 = raster[place[2], first:end], raster[place[3], first:end]
    weight_0, weight_1, weight_2, weight_3 = weight[0], weight[1], weight[2], weight[3]
    target = vertical[first:end]
    n_missing = 0
    for column in range(end - first):
        number_0, number_1 = np.float32(row_0[column]), np.float32(row_1[column])
        number_2, number_3 = np.float32(row_2[column]), np.float32(row_3[column])
        total = weight_0 * number_0 + weight_1 * number_1 + weight_2 * number_2 + weight_3 * number_3
        target[column] = total
        n_missing += (
            (number_0 == nodata) | (number_1 == nodata) | (number_2 == nodata) | (number_3 == nodata) | (total != total)
        )
    return n_missing > 0


@njit(nogil=True, cache=True)
def _interpolate_row(
    vertical: NDArray[np.float32],
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    start: int,
    end: int,
    factor: int,
    phase: NDArray[np.float32],
    target: NDArray[np.float32],
) -> None:
    """Interpolate pixels [start, end) along the row: those at the same place in their file pixel share the weights."""
    for shift in range(min(factor, end - start)):
        first = start + shift
        weight_0, weight_1, weight_2, weight_3 = weights[first]
        n = (end - first + factor - 1) // factor
        taps_0 = vertical[places[first, 0] : places[first, 0] + n]
        taps_1 = vertical[places[first, 0] + 1 : places[first, 0] + 1 + n]
        taps_2 = vertical[places[first, 0] + 2 : places[first, 0] + 2 + n]
        taps_3 = vertical[places[first, 0] + 3 : places[first, 0] + 3 + n]
        for step in range(n):
            phase[step] = (
                weight_0 * taps_0[step] + weight_1 * taps_1[step] + weight_2 * taps_2[step] + weight_3 * taps_3[step]
            )
        target[first:end:factor] = phase[:n]


@njit(nogil=True, cache=True)
def _interpolated(
    raster: NDArray[Any], row_taps: Taps, column_taps: Taps, row: int, column: int, nodata: np.float32
) -> tuple[np.float32, bool]:
    """One pixel by itself: its number, and whether a tap that counts has no data (or it lies beyond the file)."""
    row_kind, column_kind = row_taps.kind[row], column_taps.kind[column]
    if row_kind == _BEYOND or column_kind == _BEYOND:
        return np.float32(0), True
    row_weight, column_weight = row_taps.cubic[row], column_taps.cubic[column]
    if row_kind != _INNER or column_kind != _INNER:
        row_weight, column_weight = row_taps.linear[row], column_taps.linear[column]
    row_place, column_place = row_taps.place[row], column_taps.place[column]
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
