"""Linear gap-filling of time series, and how well a pixel was seen.

The rules are those of OTB's ImageTimeSeriesGapFilling with linear interpolation, but for two: days are real days
(leap days count), and a pixel without a clear date is no data instead of 0.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.raster.cube import MaskCube


def day_numbers(dates: Sequence[datetime.date]) -> NDArray[np.int64]:
    """Days of dates, counted in the proleptic Gregorian calendar."""
    return np.array([date.toordinal() for date in dates], dtype=np.int64)


@njit(nogil=True)
def neighbours(
    clear_days: NDArray[np.float64],
    n_clear: int,
    target_days: NDArray[np.float64],
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    weight: NDArray[np.float32],
) -> None:
    """For each target day the clear dates around it and the weight of the second, shared by all bands of a pixel.

    `clear_days` holds `n_clear` (at least 1) rising days; `target_days` rise too. A target at a clear day gets weight
    0 of it, one before the first or after the last that one alone. Results are written to `before`, `after` (places
    in `clear_days`) and `weight`.
    """
    place = 0
    for target in range(len(target_days)):
        day = target_days[target]
        while place + 1 < n_clear and clear_days[place + 1] <= day:
            place += 1
        before[target] = place
        if day <= clear_days[place] or place + 1 == n_clear:
            after[target] = place
            weight[target] = 0
        else:
            after[target] = place + 1
            span = clear_days[place + 1] - clear_days[place]
            weight[target] = np.float32((day - clear_days[place]) / span)


@njit(nogil=True, cache=True)
def fill_series(
    series: NDArray[np.float32],
    invalid: NDArray[np.uint8],
    days: NDArray[np.float64],
    target_days: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values of series at target days, and which pixels have any clear date.

    `series` is (pixels, dates, bands), `invalid` (pixels, dates) with 0 for clear; `days` (of the dates) and
    `target_days` rise. Returns (pixels, targets, bands), 0 where no date is clear, and a boolean per pixel.
    """
    n_pixels, n_dates, n_bands = series.shape
    n_targets = len(target_days)
    filled = np.zeros((n_pixels, n_targets, n_bands), dtype=np.float32)
    is_valid = np.zeros(n_pixels, dtype=np.bool_)
    clear = np.empty(n_dates, dtype=np.int64)
    clear_days = np.empty(n_dates, dtype=np.float64)
    before, after = np.empty(n_targets, dtype=np.int64), np.empty(n_targets, dtype=np.int64)
    weight = np.empty(n_targets, dtype=np.float32)
    for pixel in range(n_pixels):
        n_clear = 0
        for date in range(n_dates):
            if invalid[pixel, date] == 0:
                clear[n_clear] = date
                clear_days[n_clear] = days[date]
                n_clear += 1
        if n_clear == 0:
            continue
        is_valid[pixel] = True
        neighbours(clear_days, n_clear, target_days, before, after, weight)
        for target in range(n_targets):
            first, second = clear[before[target]], clear[after[target]]
            for band in range(n_bands):
                start = series[pixel, first, band]
                filled[pixel, target, band] = start + weight[target] * (series[pixel, second, band] - start)
    return filled, is_valid


def n_valid(masks: MaskCube) -> NDArray[np.uint16]:
    """(rows, columns): number of clear dates; products of one day count once."""
    count = np.zeros(masks.window.shape, dtype=np.uint16)
    for invalid in masks.invalid:
        count += invalid == 0
    return count


def longest_gap(masks: MaskCube) -> NDArray[np.uint16]:
    """(rows, columns): the longest run of days without a clear date, between the first and the last date of the tile.

    The days before a pixel's first clear date and after its last one count too. A pixel clear on every day of the
    span has 0, one that is never clear the number of days in the span.
    """
    gaps = np.zeros(masks.window.shape, dtype=np.uint16)
    _longest_gaps(masks.invalid, day_numbers(masks.dates), gaps)
    return gaps


@njit(nogil=True, cache=True)
def _longest_gaps(invalid: NDArray[np.uint8], days: NDArray[np.int64], gaps: NDArray[np.uint16]) -> None:
    """Fill `gaps` (rows, columns) from `invalid` (dates, rows, columns), one row at a time."""
    n_dates, n_rows, n_columns = invalid.shape
    last_clear = np.empty(n_columns, dtype=np.int64)
    longest = np.empty(n_columns, dtype=np.int64)
    for row in range(n_rows):
        last_clear[:] = days[0] - 1
        longest[:] = 0
        for date in range(n_dates):
            for column in range(n_columns):
                if invalid[date, row, column] == 0:
                    longest[column] = max(longest[column], days[date] - last_clear[column] - 1)
                    last_clear[column] = days[date]
        for column in range(n_columns):
            gaps[row, column] = max(longest[column], days[n_dates - 1] - last_clear[column])
