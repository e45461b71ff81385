"""The compiled way from loaded reflectances to features: choice of product, gap-filling, bands, indices.

Importing this module imports numba. Reflectances are x 10000, normalised indices x 1000, as iota2 has them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.raster.flags import NODATA, OUTSIDE
from i2db.raster.gapfill import neighbours

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


@njit(nogil=True, cache=True)
def _normalised(a: np.float32, b: np.float32, correction: np.float32) -> np.float32:
    total = a + b + correction
    if abs(total) < np.float32(_TINY):
        return np.float32(0)
    return (a - b - correction) / total * np.float32(_FACTOR)


@njit(nogil=True, cache=True)
def _chosen_product(flags: NDArray[np.uint8], first: int, end: int) -> tuple[int, bool]:
    """The first clear product of a day, else the first with data, else -1; and whether it is clear."""
    fallback = -1
    for product in range(first, end):
        if flags[product] == 0:
            return product, True
        if fallback < 0 and flags[product] & (NODATA | OUTSIDE) == 0:
            fallback = product
    return fallback, False


@njit(nogil=True, cache=True)
def _fill(
    reflectance: NDArray[np.float32],
    clear: NDArray[np.int64],
    clear_days: NDArray[np.float64],
    n_clear: int,
    recipe: Recipe,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    weight: NDArray[np.float32],
    series: NDArray[np.float32],
) -> None:
    """Fill one pixel's series (targets, bands) from its reflectances (products, bands)."""
    neighbours(clear_days, n_clear, recipe.target_days, before, after, weight)
    n_bands = series.shape[1]
    for target in range(series.shape[0]):
        first, second = reflectance[clear[before[target]]], reflectance[clear[after[target]]]
        share = weight[target]
        for band in range(n_bands):
            series[target, band] = first[band] + share * (second[band] - first[band])


@njit(nogil=True, cache=True)
def _copy_raw(
    reflectance: NDArray[np.float32], choice: NDArray[np.int64], recipe: Recipe, series: NDArray[np.float32]
) -> None:
    """One pixel's raw series (targets, bands): NO_DATA in all bands where the date has none."""
    for target in range(series.shape[0]):
        place = recipe.target_places[target]
        product = choice[place] if place >= 0 else -1
        for band in range(series.shape[1]):
            series[target, band] = reflectance[product, band] if product >= 0 else np.float32(NO_DATA)


@njit(nogil=True, cache=True)
def _write(series: NDArray[np.float32], recipe: Recipe, features: NDArray[np.float32]) -> None:
    """One pixel's features (n) from its series (targets, bands), date by date, then index by index."""
    n_targets, n_bands = series.shape
    correction = np.float32(recipe.correction)
    place = 0
    if recipe.is_band_copied:
        if recipe.is_relative:
            for target in range(n_targets):
                red = series[target, recipe.red]
                has_data = not abs(red - np.float32(NO_DATA)) < np.float32(0.1)
                for band in range(n_bands):
                    number = series[target, band]
                    if band != recipe.red and has_data:
                        number = _normalised(number, red, correction)
                    features[target * n_bands + band] = number
        else:
            for target in range(n_targets):
                for band in range(n_bands):
                    features[target * n_bands + band] = series[target, band]
        place = n_targets * n_bands
    for code in recipe.indices:
        for target in range(n_targets):
            features[place + target] = _index(series[target], code, recipe.red, recipe.nir, recipe.swir, correction)
        place += n_targets
    if not recipe.is_filled:
        _clear_indices(series, len(recipe.indices), features)


@njit(nogil=True, cache=True)
def _index(values: NDArray[np.float32], code: int, red: int, nir: int, swir: int, correction: np.float32) -> np.float32:
    if code == NDVI:
        return _normalised(values[nir], values[red], correction)
    if code == NDWI:
        return _normalised(values[swir], values[nir], correction)
    even, odd = np.float32(0), np.float32(0)  # two sums, so that one need not wait for the other
    n_pairs = len(values) // 2
    for pair in range(n_pairs):
        even += values[2 * pair] * values[2 * pair]
        odd += values[2 * pair + 1] * values[2 * pair + 1]
    if len(values) % 2:
        even += values[-1] * values[-1]
    return np.float32(np.sqrt(even + odd))


@njit(nogil=True, cache=True)
def _clear_indices(series: NDArray[np.float32], n_indices: int, features: NDArray[np.float32]) -> None:
    """Set the indices of raw dates without data to NO_DATA."""
    n_targets = series.shape[0]
    first = len(features) - n_indices * n_targets
    for target in range(n_targets):
        is_missing = False
        for number in series[target]:
            is_missing |= abs(number - np.float32(NO_DATA)) < np.float32(0.1)
        if is_missing:
            for index in range(n_indices):
                features[first + index * n_targets + target] = NO_DATA


@njit(nogil=True, cache=True)
def compute_block(
    reflectance: NDArray[np.float32],
    flags: NDArray[np.uint8],
    first_product: NDArray[np.int64],
    days: NDArray[np.float64],
    n_pixels: int,
    recipe: Recipe,
    features: NDArray[np.float32],
    is_valid: NDArray[np.bool_],
) -> None:
    """Features (pixels, features) of a block from reflectances (pixels, products, bands) and flags (pixels, products).

    `days` are those of the dates; products of date t are first_product[t] up to first_product[t + 1]. A pixel without
    a clear date gets 0 everywhere and is not valid.
    """
    n_dates, n_bands = len(days), reflectance.shape[2]
    n_targets = len(recipe.target_places)
    series = np.empty((n_targets, n_bands), dtype=np.float32)
    clear, choice = np.empty(n_dates, dtype=np.int64), np.empty(n_dates, dtype=np.int64)
    clear_days = np.empty(n_dates, dtype=np.float64)
    before, after = np.empty(n_targets, dtype=np.int64), np.empty(n_targets, dtype=np.int64)
    weight = np.empty(n_targets, dtype=np.float32)
    for pixel in range(n_pixels):
        n_clear = 0
        for date in range(n_dates):
            product, is_clear = _chosen_product(flags[pixel], first_product[date], first_product[date + 1])
            choice[date] = product
            if is_clear:
                clear[n_clear] = product
                clear_days[n_clear] = days[date]
                n_clear += 1
        is_valid[pixel] = n_clear > 0
        if n_clear == 0:
            features[pixel, :] = 0
        else:
            if recipe.is_filled:
                _fill(reflectance[pixel], clear, clear_days, n_clear, recipe, before, after, weight, series)
            else:
                _copy_raw(reflectance[pixel], choice, recipe, series)
            _write(series, recipe, features[pixel])
