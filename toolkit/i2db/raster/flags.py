"""Flags per product and pixel (valid, invalid, outside of the acquisition), from masks as a sensor declares them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.sensors.declaration import Mask, Rule

#: Clouds, shadows, saturation: whatever a mask calls invalid.
INVALID = 1
#: Beyond the edge of the swath or of the file: not acquired.
OUTSIDE = 2
#: A band has no data there.
NODATA = 4

_TABLE_TYPES = ("uint8", "uint16")


def flags_of(mask: Mask, numbers: NDArray[Any]) -> NDArray[np.uint8]:
    """Flags (INVALID, OUTSIDE, both or none) of a mask's numbers, as an array of the same shape."""
    if numbers.dtype.name in _TABLE_TYPES:
        flags: NDArray[np.uint8] = flag_table(mask, numbers.dtype.name)[numbers]
        return flags
    whole = numbers.astype(np.int64)
    flags = np.zeros(numbers.shape, dtype=np.uint8)
    for rule, flag in ((mask.invalid, INVALID), (mask.outside, INVALID | OUTSIDE)):
        if rule is not None:
            flags[_applies(rule, whole)] |= flag
    return flags


def _applies(rule: Rule, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    applies: NDArray[np.bool_]
    if rule.kind == "nonzero":
        applies = numbers != 0
    elif rule.kind == "bits":
        applies = (numbers & sum(1 << bit for bit in rule.numbers)) != 0
    else:
        applies = np.isin(numbers, rule.numbers)
    return applies


@functools.cache
def flag_table(mask: Mask, dtype: str) -> NDArray[np.uint8]:
    """Flags of every number of an unsigned type of at most 16 bits: index it with the numbers."""
    numbers = np.arange(np.iinfo(dtype).max + 1, dtype=np.int64)
    return flags_of(mask, numbers)


@njit(nogil=True, cache=True)
def add_flags(numbers: NDArray[Any], table: NDArray[np.uint8], flags: NDArray[np.uint8]) -> None:
    """Set the flags that a table gives for numbers (rows, columns) in `flags` (same shape), in place."""
    for row in range(numbers.shape[0]):
        for column in range(numbers.shape[1]):
            flags[row, column] |= table[numbers[row, column]]


@njit(nogil=True, cache=True)
def find_incomplete(numbers: NDArray[Any], nodata: np.float32, is_incomplete: NDArray[np.bool_]) -> None:
    """Tell for each row of an array (rows, columns) whether it holds the number for no data, or NaN."""
    for row in range(numbers.shape[0]):
        found = False
        for column in range(numbers.shape[1]):
            number = np.float32(numbers[row, column])
            found |= (number == nodata) | (number != number)
        is_incomplete[row] = found


def dilate(flags: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Let the INVALID flag grow by a number of pixels along rows, columns and diagonals (a square); others stay.

    Nothing grows in from beyond the array (rows, columns).
    """
    if pixels == 0:
        return flags
    from scipy.ndimage import maximum_filter

    grown = maximum_filter(flags & INVALID, size=2 * pixels + 1, mode="constant", cval=0)
    result: NDArray[np.uint8] = flags | grown
    return result
