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
    #: (layers, rows): whether a row of a layer lacks data somewhere.
    is_incomplete: NDArray[np.bool_]
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
    useless: int,
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """Load `n` pixels of a row of the cube's window, from column `first`, as reflectances x 10000.

    They go to `reflectance` (products, bands, pixels); NODATA is set in `flags` (products, pixels) where a band has no
    data. A product whose pixels all have one of the `useless` flags is left out.
    """
    if source.factor > 1:
        _load_row_cubic(source, row_taps, column_taps, row, first, n, useless, reflectance, flags)
        return
    # Unsigned counters here and below: numba then tests none of them for being negative, and makes vector code.
    for chosen in source.chosen:
        layer, k, b = np.uint64(chosen), np.uint64(source.product[chosen]), np.uint64(source.band[chosen])
        if _is_useless(flags, source.product[chosen], n, useless):
            continue
        scale, offset, nodata = source.calibration[chosen]
        line, shift = np.uint64(row), np.uint64(first)
        for pixel in range(np.uint64(n)):
            reflectance[k, b, pixel] = np.float32(source.numbers[layer, line, shift + pixel]) * scale + offset
        if source.is_incomplete[layer, line]:
            for pixel in range(np.uint64(n)):
                number = np.float32(source.numbers[layer, line, shift + pixel])
                if number == nodata or number != number:
                    flags[k, pixel] |= NODATA


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
                    source.numbers, layer, row_taps, column_taps, rows[pixel], columns[pixel], nodata
                )
            else:
                number = np.float32(source.numbers[layer, rows[pixel], columns[pixel]])
                is_missing = (number == nodata) or (number != number)
            reflectance[k, b, pixel] = number * scale + offset
            if is_missing:
                flags[k, pixel] |= NODATA


@njit(nogil=True)
def _load_row_cubic(
    source: Source,
    row_taps: Taps,
    column_taps: Taps,
    row: int,
    first: int,
    n: int,
    useless: int,
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """`load_row` for layers whose pixels span several grid pixels: along the columns, then along the row."""
    left, right = _inner_part(row_taps.kind[row], column_taps.kind[first : first + n])
    places, weights = column_taps.place[first : first + n], column_taps.cubic[first : first + n]
    row_place, row_weight = row_taps.place[row], row_taps.cubic[row]
    vertical = np.empty(source.numbers.shape[2], dtype=np.float32)
    phase = np.empty(n, dtype=np.float32)
    is_missing = np.empty(source.numbers.shape[2], dtype=np.uint8)
    touched = np.empty(n, dtype=np.uint8)
    for layer in source.chosen:
        k, b = source.product[layer], source.band[layer]
        if _is_useless(flags, k, n, useless):
            continue
        scale, offset, nodata = source.calibration[layer]
        if left < right:
            start, end = places[left, 0], places[right - 1, 3] + 1
            _interpolate_columns(source.numbers, layer, row_place, row_weight, start, end, vertical)
            _interpolate_row(
                vertical, places, weights, left, right, source.factor, scale, offset, phase, reflectance, k, b
            )
            n_missing, n_nan = _find_missing(source, layer, row_place, row_weight, start, end, is_missing)
            if n_missing > 0:
                _mark_missing(is_missing, places, weights, left, right, source.factor, touched, k, flags)
            if n_nan > 0:
                # NaN times a weight of 0 is NaN all the same: such pixels are done again, tap by tap.
                for pixel in range(left, right):
                    if np.isnan(reflectance[k, b, pixel]) and flags[k, pixel] & NODATA == 0:
                        number, _ = _interpolated(
                            source.numbers, layer, row_taps, column_taps, row, first + pixel, nodata
                        )
                        reflectance[k, b, pixel] = number * scale + offset
        for outer in range(n - (right - left)):
            pixel = outer if outer < left else outer + right - left
            number, is_without = _interpolated(source.numbers, layer, row_taps, column_taps, row, first + pixel, nodata)
            reflectance[k, b, pixel] = number * scale + offset
            if is_without:
                flags[k, pixel] |= NODATA


@njit(nogil=True)
def _is_useless(flags: NDArray[np.uint8], product: int, n: int, useless: int) -> bool:
    """Whether all of a product's first n pixels have one of some flags."""
    for pixel in range(n):  # noqa: SIM110 (compiled)
        if flags[product, pixel] & useless == 0:
            return False
    return True


@njit(nogil=True)
def _inner_part(row_kind: int, kinds: NDArray[np.int64]) -> tuple[int, int]:
    """First and end of the pixels of a row whose taps all lie in the file; (n, n) where there are none."""
    n = len(kinds)
    if row_kind == _INNER:
        for left in range(n):
            if kinds[left] == _INNER:
                right = left + 1
                while right < n and kinds[right] == _INNER:
                    right += 1
                return left, right
    return n, n


@njit(nogil=True)
def _interpolate_columns(
    numbers: NDArray[Any],
    layer: int,
    place: NDArray[np.int64],
    weight: NDArray[np.float32],
    first: int,
    end: int,
    vertical: NDArray[np.float32],
) -> None:
    """Interpolate columns [first, end) of a layer along one row's taps."""
    raster = np.uint64(layer)
    row_0, row_1, row_2, row_3 = np.uint64(place[0]), np.uint64(place[1]), np.uint64(place[2]), np.uint64(place[3])
    weight_0, weight_1, weight_2, weight_3 = weight[0], weight[1], weight[2], weight[3]
    for column in range(np.uint64(first), np.uint64(end)):
        vertical[column] = (
            weight_0 * np.float32(numbers[raster, row_0, column])
            + weight_1 * np.float32(numbers[raster, row_1, column])
            + weight_2 * np.float32(numbers[raster, row_2, column])
            + weight_3 * np.float32(numbers[raster, row_3, column])
        )


@njit(nogil=True)
def _interpolate_row(
    vertical: NDArray[np.float32],
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    left: int,
    right: int,
    factor: int,
    scale: np.float32,
    offset: np.float32,
    phase: NDArray[np.float32],
    reflectance: NDArray[np.float32],
    product: int,
    band: int,
) -> None:
    """Interpolate pixels [left, right) along the row: those at the same place in their file pixel share the weights."""
    k, b, stride, one = np.uint64(product), np.uint64(band), np.uint64(factor), np.uint64(1)
    for shift in range(min(factor, right - left)):
        first = np.uint64(left + shift)
        tap = np.uint64(places[first, 0])
        weight_0, weight_1, weight_2, weight_3 = (
            weights[first, 0],
            weights[first, 1],
            weights[first, 2],
            weights[first, 3],
        )
        n = np.uint64((right - left - shift + factor - 1) // factor)
        for step in range(n):
            here = tap + step
            phase[step] = (
                weight_0 * vertical[here]
                + weight_1 * vertical[here + one]
                + weight_2 * vertical[here + one + one]
                + weight_3 * vertical[here + one + one + one]
            ) * scale + offset
        for step in range(n):
            reflectance[k, b, first + step * stride] = phase[step]


@njit(nogil=True)
def _find_missing(
    source: Source,
    layer: int,
    place: NDArray[np.int64],
    weight: NDArray[np.float32],
    first: int,
    end: int,
    is_missing: NDArray[np.uint8],
) -> tuple[int, int]:
    """Mark the columns [first, end) of a layer where a row's taps that count lack data; how many, and how many NaN."""
    is_any = False
    raster, nodata = np.uint64(layer), source.calibration[layer, 2]
    n_nan = 0
    for tap in range(4):
        if weight[tap] == 0 or not source.is_incomplete[layer, place[tap]]:
            continue
        if not is_any:
            is_missing[first:end] = 0
            is_any = True
        line = np.uint64(place[tap])
        for column in range(np.uint64(first), np.uint64(end)):
            number = np.float32(source.numbers[raster, line, column])
            is_missing[column] |= np.uint8((number == nodata) | (number != number))
            n_nan += number != number
    return int(np.sum(is_missing[first:end])) if is_any else 0, n_nan


@njit(nogil=True)
def _mark_missing(
    is_missing: NDArray[np.uint8],
    places: NDArray[np.int64],
    weights: NDArray[np.float32],
    left: int,
    right: int,
    factor: int,
    touched: NDArray[np.uint8],
    product: int,
    flags: NDArray[np.uint8],
) -> None:
    """Set NODATA in flags (products, pixels) for the pixels [left, right) with a tap that counts in a marked column."""
    k, stride = np.uint64(product), np.uint64(factor)
    for shift in range(min(factor, right - left)):
        first = np.uint64(left + shift)
        n = np.uint64((right - left - shift + factor - 1) // factor)
        touched[:] = 0
        for j in range(4):
            if weights[first, j] != 0:
                tap = np.uint64(places[first, j])
                for step in range(n):
                    touched[step] |= is_missing[tap + step]
        for step in range(n):
            if touched[step]:
                flags[k, first + step * stride] |= NODATA


@njit(nogil=True, inline="always")
def _interpolated(
    numbers: NDArray[Any], layer: int, row_taps: Taps, column_taps: Taps, row: int, column: int, nodata: np.float32
) -> tuple[np.float32, bool]:
    """One pixel by itself: its number, and whether a tap that counts has no data (or it lies beyond the file)."""
    row_kind, column_kind = row_taps.kind[row], column_taps.kind[column]
    if row_kind == _BEYOND or column_kind == _BEYOND:
        return np.float32(0), True
    is_cubic = row_kind == _INNER and column_kind == _INNER
    row_weights, column_weights = row_taps.linear, column_taps.linear
    if is_cubic:
        row_weights, column_weights = row_taps.cubic, column_taps.cubic
    total = np.float32(0)
    is_missing = False
    for j in range(4):
        if column_weights[column, j] == 0:
            continue
        part = np.float32(0)
        for i in range(4):
            if row_weights[row, i] != 0:
                number = np.float32(numbers[layer, row_taps.place[row, i], column_taps.place[column, j]])
                is_missing |= (number == nodata) or (number != number)
                part += row_weights[row, i] * number
        total += column_weights[column, j] * part
    return total, is_missing
