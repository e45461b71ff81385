"""Numbers between pixel centres: the nearest pixel, bilinear, and OTB's bicubic of any radius."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.errors import ContractError

Method = Literal["nn", "linear", "bco"]
_CODES: dict[str, int] = {"nn": 0, "linear": 1, "bco": 2}


def reach(method: Method, radius: int = 2) -> int:
    """How many pixels around a place its number depends on."""
    return {"nn": 1, "linear": 1, "bco": radius + 1}[method]


def interpolate(
    source: NDArray[Any],
    first_column: int,
    first_row: int,
    shape: tuple[int, int],
    columns: NDArray[np.float64],
    rows: NDArray[np.float64],
    method: Method,
    *,
    radius: int = 2,
    nodata: float | None = None,
    repeats_edge: bool = True,
) -> NDArray[np.float64]:
    """Numbers of a raster at places between its pixel centres; NaN beyond the raster and where data are missing.

    - nn: the pixel that floor(place + 1/2) names;
    - linear: the four pixels around;
    - bco: 2 radius + 1 pixels along each axis around the nearest, with Keys' kernel (1981) of a = -1/2 stretched over
      the radius, weights made to sum to 1 (otb::BCOInterpolateImageFunction; with radius 2 the usual bicubic).
    Pixels beyond the raster's edge are those at the edge, or with `repeats_edge` False missing.

    Args:
        source: (rows, columns), the part of the raster from `first_row` and `first_column` on that the places reach.
        first_column: column of the raster of the part's first column.
        first_row: row of the raster of the part's first row.
        shape: (rows, columns) of the whole raster.
        columns: places in columns of the raster, 0 at the centre of the first; any shape.
        rows: places in rows, of the same shape.
        method: as above.
        radius: of bco, in pixels.
        nodata: a number that means no data, besides NaN; it counts where its weight is not 0.
        repeats_edge: see above.

    Raises:
        ContractError: the two shapes differ, or the radius is below 1.
    """
    if columns.shape != rows.shape or radius < 1:
        raise ContractError(f"places {columns.shape} and {rows.shape} must agree, radius {radius} be at least 1")
    result = np.full(columns.size, np.nan)
    _fill(
        source,
        first_column,
        first_row,
        shape[0],
        shape[1],
        columns.ravel(),
        rows.ravel(),
        _CODES[method],
        radius,
        np.nan if nodata is None else float(nodata),
        repeats_edge,
        result,
    )
    return result.reshape(columns.shape)


@njit(nogil=True, cache=True)
def _fill(
    source: NDArray[Any],
    first_column: int,
    first_row: int,
    n_rows: int,
    n_columns: int,
    columns: NDArray[np.float64],
    rows: NDArray[np.float64],
    method: int,
    radius: int,
    nodata: float,
    repeats_edge: bool,
    result: NDArray[np.float64],
) -> None:
    n_taps = 1 if method == 0 else 2 if method == 1 else 2 * radius + 1
    across, down = np.empty(n_taps), np.empty(n_taps)
    for place in range(len(columns)):
        x, y = columns[place], rows[place]
        if not (-0.5 <= x < n_columns - 0.5 and -0.5 <= y < n_rows - 0.5):
            continue
        left, top = _weights(x, method, radius, across), _weights(y, method, radius, down)
        total = 0.0
        is_missing = False
        for i in range(n_taps):
            is_beyond = top + i < 0 or top + i >= n_rows
            row = min(max(top + i, 0), n_rows - 1) - first_row
            part = 0.0
            for j in range(n_taps):
                if down[i] == 0 or across[j] == 0:
                    continue
                if not repeats_edge and (is_beyond or left + j < 0 or left + j >= n_columns):
                    is_missing = True
                    continue
                column = min(max(left + j, 0), n_columns - 1) - first_column
                number = float(source[row, column])
                is_missing |= (number == nodata) or (number != number)
                part += across[j] * number
            total += down[i] * part
        if not is_missing:
            result[place] = total


@njit(nogil=True, cache=True)
def _weights(place: float, method: int, radius: int, weights: NDArray[np.float64]) -> int:
    """Fill the weights of the taps along one axis; the first tap."""
    if method == 0:
        weights[0] = 1.0
        return int(np.floor(place + 0.5))
    if method == 1:
        first = np.floor(place)
        weights[1] = place - first
        weights[0] = 1.0 - weights[1]
        return int(first)
    nearest = np.floor(place + 0.5)
    total = 0.0
    for tap in range(2 * radius + 1):
        d = abs((place - (nearest + tap - radius)) * 2.0 / radius)
        if d <= 1:
            weights[tap] = (1.5 * d - 2.5) * d * d + 1.0
        elif d <= 2:
            weights[tap] = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
        else:
            weights[tap] = 0.0
        total += weights[tap]
    for tap in range(2 * radius + 1):
        weights[tap] /= total
    return int(nearest) - radius
