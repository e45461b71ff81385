"""The compiled way from a cube to features: loading, choice of product, gap-filling, bands, indices.

A few hundred pixels are worked on together, as one plane per product and band and one plane per feature, which stay
in the cache; neighbours that are clear on the same dates form a run and share the weights of the gap-filling. What a
pixel gets does not depend on its neighbours: each number comes from the same operations in the same order.

Only the entries are cached: helpers are compiled into them. Importing this module imports numba.

Reflectances are x 10000, normalised indices x 1000, as iota2 has them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.raster import flags as flags_module
from i2db.raster import gapfill, resample
from i2db.raster.flags import NODATA, OUTSIDE
from i2db.raster.gapfill import neighbours
from i2db.raster.resample import Source, TapPair, load_pixels, load_row
from i2db.raster.stamp import source_stamp

#: What features hold where a raw date has no data.
NO_DATA = -10_000.0
NDVI, NDWI, BRIGHTNESS = 0, 1, 2
_FACTOR = 1000.0
_TINY = 1e-5


class Recipe(NamedTuple):
    """What the kernel is to do: places of bands in the loaded reflectances, codes of indices, switches."""

    red: int
    nir: int
    swir: int
    indices: NDArray[np.int64]
    is_band_copied: bool
    is_relative: bool
    #: Subtracted from the difference and added to the sum of a normalised index (0 or 0.05 as reflectance x 10000).
    correction: float
    is_filled: bool
    #: Days to fill at; for raw dates the place of each among the dates of the cube, -1 where it is not there.
    target_days: NDArray[np.float64]
    target_places: NDArray[np.int64]
    #: Days of the cube's dates; products of date t are first_product[t] up to first_product[t + 1].
    days: NDArray[np.float64]
    first_product: NDArray[np.int64]


class Scratch(NamedTuple):
    """Arrays of a block of pixels, used again for every block."""

    #: (products, bands, pixels) and (products, pixels).
    reflectance: NDArray[np.float32]
    flags: NDArray[np.uint8]
    #: (targets, bands, pixels) and (features, pixels); where features begin with the series, they share memory.
    series: NDArray[np.float32]
    features: NDArray[np.float32]


def scratch(recipe: Recipe, n_products: int, n_bands: int, n_features: int, n_pixels: int) -> Scratch:
    """Arrays for blocks of up to `n_pixels`."""
    shape = (len(recipe.target_places), n_bands, n_pixels)
    features = np.empty((n_features, n_pixels), dtype=np.float32)
    is_shared = recipe.is_band_copied and not recipe.is_relative
    series = features[: shape[0] * n_bands].reshape(shape) if is_shared else np.empty(shape, dtype=np.float32)
    return Scratch(
        # Layers that lie wholly beyond their file are not loaded: they stay 0, and are flagged.
        reflectance=np.zeros((n_products, n_bands, n_pixels), dtype=np.float32),
        flags=np.zeros((n_products, n_pixels), dtype=np.uint8),
        series=series,
        features=features,
    )


@njit(nogil=True)
def _chosen_product(flags: NDArray[np.uint8], pixel: int, first: int, end: int) -> tuple[int, bool]:
    """The first clear product of a day, else the first with data, else -1; and whether it is clear."""
    fallback = -1
    for product in range(first, end):
        if flags[product, pixel] == 0:
            return product, True
        if fallback < 0 and flags[product, pixel] & (NODATA | OUTSIDE) == 0:
            fallback = product
    return fallback, False


@njit(nogil=True)
def _fill(
    reflectance: NDArray[np.float32],
    earlier: NDArray[np.int64],
    later: NDArray[np.int64],
    weight: NDArray[np.float32],
    start: int,
    end: int,
    series: NDArray[np.float32],
) -> None:
    """Series (targets, bands, pixels) of the pixels [start, end), which share products and weights; -1 is no data."""
    # Unsigned counters: numba then tests none of them for being negative. Slices would cost more than short runs.
    for target in range(np.uint64(series.shape[0])):
        share, first, second = weight[target], np.uint64(max(earlier[target], 0)), np.uint64(max(later[target], 0))
        for band in range(np.uint64(series.shape[1])):
            if earlier[target] < 0:
                for pixel in range(np.uint64(start), np.uint64(end)):
                    series[target, band, pixel] = np.float32(NO_DATA)
            elif share == 0:
                for pixel in range(np.uint64(start), np.uint64(end)):
                    series[target, band, pixel] = reflectance[first, band, pixel]
            else:
                for pixel in range(np.uint64(start), np.uint64(end)):
                    number = reflectance[first, band, pixel]
                    series[target, band, pixel] = number + share * (reflectance[second, band, pixel] - number)


@njit(nogil=True, error_model="numpy")
def _normalise(
    a: NDArray[np.float32], b: NDArray[np.float32], correction: np.float32, result: NDArray[np.float32]
) -> None:
    """1000 (a - b - correction) / (a + b + correction), 0 where the denominator is tiny."""
    for pixel in range(len(result)):
        total = a[pixel] + b[pixel] + correction
        ratio = (a[pixel] - b[pixel] - correction) / total * np.float32(_FACTOR)
        result[pixel] = ratio if abs(total) >= np.float32(_TINY) else np.float32(0)


@njit(nogil=True)
def _index(
    bands: NDArray[np.float32], code: int, recipe: Recipe, start: int, end: int, result: NDArray[np.float32]
) -> None:
    """One index of one date from its bands (bands, pixels)."""
    correction = np.float32(recipe.correction)
    if code == NDVI:
        _normalise(bands[recipe.nir, start:end], bands[recipe.red, start:end], correction, result)
    elif code == NDWI:
        _normalise(bands[recipe.swir, start:end], bands[recipe.nir, start:end], correction, result)
    else:
        result[:] = 0
        for band in range(bands.shape[0]):
            values = bands[band, start:end]
            for pixel in range(end - start):
                result[pixel] += values[pixel] * values[pixel]
        for pixel in range(end - start):
            result[pixel] = np.sqrt(result[pixel])


@njit(nogil=True)
def _write(
    series: NDArray[np.float32],
    earlier: NDArray[np.int64],
    recipe: Recipe,
    start: int,
    end: int,
    features: NDArray[np.float32],
) -> None:
    """Features (features, pixels) of the pixels [start, end): bands date by date, then index by index."""
    n_targets, n_bands = series.shape[0], series.shape[1]
    correction = np.float32(recipe.correction)
    place = 0
    if recipe.is_band_copied and not recipe.is_relative:
        place = n_targets * n_bands  # the series lie there already
    elif recipe.is_band_copied:
        for target in range(n_targets):
            for band in range(n_bands):
                values, result = series[target, band, start:end], features[place, start:end]
                if band != recipe.red and earlier[target] >= 0:
                    _normalise(values, series[target, recipe.red, start:end], correction, result)
                else:
                    result[:] = values
                place += 1
    for code in recipe.indices:
        for target in range(n_targets):
            if earlier[target] < 0:
                features[place, start:end] = np.float32(NO_DATA)
            else:
                _index(series[target], code, recipe, start, end, features[place, start:end])
            place += 1


@njit(nogil=True)
def _find_runs(flags: NDArray[np.uint8], n: int, is_start: NDArray[np.uint8]) -> None:
    """Mark the pixels whose flags (products, pixels) are not those of the pixel before."""
    is_start[:n] = 0
    for product in range(flags.shape[0]):
        line = flags[product]
        for pixel in range(1, n):
            is_start[pixel] |= line[pixel] ^ line[pixel - 1]
    is_start[0] = 1


@njit(nogil=True)
def _plan_run(
    flags: NDArray[np.uint8],
    pixel: int,
    recipe: Recipe,
    earlier: NDArray[np.int64],
    later: NDArray[np.int64],
    weight: NDArray[np.float32],
) -> bool:
    """Products and weights for each target of a run that starts at a pixel; whether it has any clear date."""
    n_dates, n_targets = len(recipe.days), len(recipe.target_places)
    clear, choice = np.empty(n_dates, dtype=np.int64), np.empty(n_dates, dtype=np.int64)
    clear_days = np.empty(n_dates, dtype=np.float64)
    n_clear = 0
    for date in range(n_dates):
        product, is_clear = _chosen_product(flags, pixel, recipe.first_product[date], recipe.first_product[date + 1])
        choice[date] = product
        if is_clear:
            clear[n_clear] = product
            clear_days[n_clear] = recipe.days[date]
            n_clear += 1
    if n_clear == 0:
        return False
    if recipe.is_filled:
        neighbours(clear_days, n_clear, recipe.target_days, earlier, later, weight)
        for target in range(n_targets):
            earlier[target], later[target] = clear[earlier[target]], clear[later[target]]
    else:
        for target in range(n_targets):
            place = recipe.target_places[target]
            earlier[target] = choice[place] if place >= 0 else -1
            weight[target] = 0
    return True


@njit(nogil=True)
def _compute_block(
    work: Scratch, n: int, recipe: Recipe, features: NDArray[np.float32], is_valid: NDArray[np.bool_]
) -> None:
    """Features (pixels, features) of the `n` pixels that were loaded into the scratch arrays."""
    n_targets = len(recipe.target_places)
    is_start = np.empty(n, dtype=np.uint8)
    earlier, later = np.empty(n_targets, dtype=np.int64), np.empty(n_targets, dtype=np.int64)
    weight = np.empty(n_targets, dtype=np.float32)
    _find_runs(work.flags, n, is_start)
    start = 0
    while start < n:
        end = start + 1
        while end < n and is_start[end] == 0:
            end += 1
        is_valid[start:end] = _plan_run(work.flags, start, recipe, earlier, later, weight)
        if is_valid[start]:
            _fill(work.reflectance, earlier, later, weight, start, end, work.series)
            if not recipe.is_filled:
                _write(work.series, earlier, recipe, start, end, work.features)
        else:
            work.series[:, :, start:end] = 0
        start = end
    if recipe.is_filled:
        earlier[:] = 0  # every target has data
        _write(work.series, earlier, recipe, 0, n, work.features)
    _transpose(work.features, n, features)
    for pixel in range(n):
        if not is_valid[pixel]:
            features[pixel, :] = 0


@njit(nogil=True)
def _transpose(planes: NDArray[np.float32], n: int, features: NDArray[np.float32]) -> None:
    """Planes (features, pixels) to rows (pixels, features), a few planes at a time."""
    n_features, step = np.uint64(planes.shape[0]), np.uint64(16)
    for first in range(np.uint64(0), n_features, step):
        end = min(first + step, n_features)
        for pixel in range(np.uint64(n)):
            for feature in range(first, end):
                features[pixel, feature] = planes[feature, pixel]


def _make_kernels(stamp: str) -> tuple[Any, Any]:
    """The two kernels, compiled anew when the files that `stamp` is of have changed (see `i2db.raster.stamp`)."""

    @njit(nogil=True, cache=True)
    def compute_rows(
        sources: tuple[Source, ...],
        taps: tuple[TapPair, ...],
        flags: NDArray[np.uint8],
        first_row: int,
        n_rows: int,
        recipe: Recipe,
        work: Scratch,
        features: NDArray[np.float32],
        is_valid: NDArray[np.bool_],
    ) -> None:
        """Features (pixels, features) of rows of the cube's window, row-major, and which pixels have a clear date.

        `flags` (products, rows, columns) are those of the whole window. A pixel without a clear date gets 0 everywhere.
        """
        _ = stamp
        n_columns, most = flags.shape[2], work.flags.shape[1]
        # What is clouded is not loaded for gap-filling, what was not acquired is never.
        useless = 255 if recipe.is_filled else OUTSIDE
        done = 0
        for row in range(first_row, first_row + n_rows):
            for column in range(0, n_columns, most):
                n = min(most, n_columns - column)
                work.flags[:, :n] = flags[:, row, column : column + n]
                for place in range(len(sources)):
                    rows_taps, columns_taps = taps[place]
                    load_row(
                        sources[place], rows_taps, columns_taps, row, column, n, useless, work.reflectance, work.flags
                    )
                _compute_block(work, n, recipe, features[done : done + n], is_valid[done : done + n])
                done += n

    @njit(nogil=True, cache=True)
    def compute_pixels(
        sources: tuple[Source, ...],
        taps: tuple[TapPair, ...],
        flags: NDArray[np.uint8],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        recipe: Recipe,
        work: Scratch,
        features: NDArray[np.float32],
        is_valid: NDArray[np.bool_],
    ) -> None:
        """As `compute_rows`, for single pixels at `rows` and `columns` of the cube's window."""
        _ = stamp
        most = work.flags.shape[1]
        for done in range(0, len(rows), most):
            end = min(done + most, len(rows))
            for pixel in range(done, end):
                work.flags[:, pixel - done] = flags[:, rows[pixel], columns[pixel]]
            for place in range(len(sources)):
                load_pixels(
                    sources[place], taps[place][0], taps[place][1], rows[done:end], columns[done:end],
                    work.reflectance, work.flags,
                )  # fmt: skip
            _compute_block(work, end - done, recipe, features[done:end], is_valid[done:end])

    return compute_rows, compute_pixels


compute_rows, compute_pixels = _make_kernels(source_stamp(flags_module, gapfill, resample))
