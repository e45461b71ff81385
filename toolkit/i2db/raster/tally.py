"""Compiled kernels: what the pixels of zones hold - counts per class or value, moments.

A zone's pixels come as spans, rows (zone, row, first column, column end) of a window that are sorted by zone, and a
weight per span: 1, or the share of the pixel that the zone covers. Results are rows sorted by zone, then by class or
value. Sums run in the order of the spans, so that they do not depend on how a window is read.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

#: In an array of codes: no data.
NO_CODE = np.iinfo(np.int32).min


@njit(cache=True, nogil=True)
def count_codes(
    spans: Integers, weights: Floats, codes: NDArray[np.int32], lowest: int, n_codes: int
) -> tuple[Integers, Floats]:
    """Rows (zone, code) and the sum of weights of each, for codes from `lowest` to `lowest` + `n_codes` - 1."""
    keys = np.empty((1024, 2), dtype=np.int64)
    sums = np.empty(1024, dtype=np.float64)
    n_found = 0
    counts = np.zeros(n_codes, dtype=np.float64)
    touched = np.empty(n_codes, dtype=np.int64)
    start = 0
    while start < spans.shape[0]:
        zone = spans[start, 0]
        n_touched = 0
        stop = start
        while stop < spans.shape[0] and spans[stop, 0] == zone:
            row, weight = spans[stop, 1], weights[stop]
            for column in range(spans[stop, 2], spans[stop, 3]):
                code = codes[row, column]
                if code == NO_CODE:
                    continue
                place = code - lowest
                if counts[place] == 0.0:
                    touched[n_touched] = place
                    n_touched += 1
                counts[place] += weight
            stop += 1
        found = np.sort(touched[:n_touched])
        while n_found + n_touched > sums.size:
            keys, sums = _grown(keys, sums)
        for place in found:
            keys[n_found, 0], keys[n_found, 1] = zone, place + lowest
            sums[n_found] = counts[place]
            counts[place] = 0.0
            n_found += 1
        start = stop
    return keys[:n_found].copy(), sums[:n_found].copy()


@njit(cache=True, nogil=True)
def count_numbers(spans: Integers, weights: Floats, numbers: Floats) -> tuple[Integers, Floats, Floats]:
    """Zone, number and sum of weights for every number that a zone holds; NaN is no data."""
    zones = np.empty(1024, dtype=np.int64)
    found = np.empty((1024, 2), dtype=np.float64)
    n_found = 0
    start = 0
    while start < spans.shape[0]:
        zone = spans[start, 0]
        stop = start
        n_pixels = 0
        while stop < spans.shape[0] and spans[stop, 0] == zone:
            n_pixels += spans[stop, 3] - spans[stop, 2]
            stop += 1
        held = np.empty(n_pixels, dtype=np.float64)
        share = np.empty(n_pixels, dtype=np.float64)
        n_held = 0
        for i in range(start, stop):
            for column in range(spans[i, 2], spans[i, 3]):
                number = numbers[spans[i, 1], column]
                if not np.isnan(number):
                    # Adding zero makes one zero of the two signed ones.
                    held[n_held], share[n_held] = number + 0.0, weights[i]
                    n_held += 1
        order = np.argsort(held[:n_held], kind="mergesort")
        while n_found + n_held > zones.size:
            larger, longer = np.empty((2 * zones.size, 2), dtype=np.float64), np.empty(2 * zones.size, dtype=np.int64)
            larger[:n_found] = found[:n_found]
            longer[:n_found] = zones[:n_found]
            found, zones = larger, longer
        first = n_found
        for k in range(n_held):
            number = held[order[k]]
            if n_found == first or found[n_found - 1, 0] != number:
                zones[n_found], found[n_found, 0], found[n_found, 1] = zone, number, 0.0
                n_found += 1
            found[n_found - 1, 1] += share[order[k]]
        start = stop
    return zones[:n_found].copy(), found[:n_found, 0].copy(), found[:n_found, 1].copy()


@njit(cache=True, nogil=True)
def moments(
    spans: Integers, weights: Floats, numbers: Floats, codes: NDArray[np.int32], lowest: int, n_codes: int
) -> tuple[Integers, Floats]:
    """Rows (zone, code) and moments (weight, sum, sum of squared deviations, smallest, largest) of a zone's numbers.

    Pixels without a number (NaN) or without a code count for nothing. For the whole zone give one code to all pixels.
    Deviations are updated pixel by pixel with weights: D. H. D. West, Communications of the ACM 22 (1979), 532-535.
    """
    keys = np.empty((1024, 2), dtype=np.int64)
    found = np.empty((1024, 5), dtype=np.float64)
    n_found = 0
    held = np.zeros((n_codes, 5), dtype=np.float64)
    means = np.zeros(n_codes, dtype=np.float64)
    touched = np.empty(n_codes, dtype=np.int64)
    start = 0
    while start < spans.shape[0]:
        zone = spans[start, 0]
        n_touched = 0
        stop = start
        while stop < spans.shape[0] and spans[stop, 0] == zone:
            row, weight = spans[stop, 1], weights[stop]
            for column in range(spans[stop, 2], spans[stop, 3]):
                number, code = numbers[row, column], codes[row, column]
                if code == NO_CODE or np.isnan(number):
                    continue
                place = code - lowest
                if held[place, 0] == 0.0:
                    touched[n_touched] = place
                    n_touched += 1
                    means[place], held[place, 1], held[place, 2] = 0.0, 0.0, 0.0
                    held[place, 3], held[place, 4] = number, number
                held[place, 0] += weight
                held[place, 1] += weight * number
                step = number - means[place]
                means[place] += step * weight / held[place, 0]
                held[place, 2] += weight * step * step * ((held[place, 0] - weight) / held[place, 0])
                held[place, 3] = min(held[place, 3], number)
                held[place, 4] = max(held[place, 4], number)
            stop += 1
        while n_found + n_touched > keys.shape[0]:
            larger = np.empty((2 * keys.shape[0], 5), dtype=np.float64)
            larger[:n_found] = found[:n_found]
            keys, _ = _grown(keys, np.empty(keys.shape[0], dtype=np.float64))
            found = larger
        for place in np.sort(touched[:n_touched]):
            keys[n_found, 0], keys[n_found, 1] = zone, place + lowest
            found[n_found] = held[place]
            held[place, 0] = 0.0
            n_found += 1
        start = stop
    return keys[:n_found].copy(), found[:n_found].copy()


@njit(cache=True, nogil=True)
def _grown(keys: Integers, sums: Floats) -> tuple[Integers, Floats]:
    """The same arrays with twice the room."""
    larger, longer = np.empty((2 * sums.size, 2), dtype=np.int64), np.empty(2 * sums.size, dtype=np.float64)
    larger[: sums.size] = keys
    longer[: sums.size] = sums
    return larger, longer
