"""Smooth random fields that depend on a key and on place alone, so that they can be made window by window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def smooth_noise(
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    *,
    key: int,
    wavelength: float,
    octaves: int = 1,
    persistence: float = 0.5,
) -> NDArray[np.float32]:
    """Random field of about zero mean and unit standard deviation at the crossings of `rows` and `columns` (pixels).

    Random numbers at the knots of a lattice of `wavelength` pixels are interpolated by cubic B-splines; each further
    octave halves the wavelength and multiplies the amplitude by `persistence`. Returns (rows, columns) float32.
    """
    field = np.zeros((len(rows), len(columns)), dtype=np.float32)
    variance = 0.0
    for octave in range(octaves):
        spacing, amplitude = wavelength / 2**octave, persistence**octave
        field += np.float32(amplitude) * _spline_field(rows / spacing, columns / spacing, key * 64 + octave)
        variance += amplitude**2
    return field / np.float32(_SPLINE_DEVIATION * np.sqrt(variance))


def _spline_field(rows: NDArray[np.float64], columns: NDArray[np.float64], key: int) -> NDArray[np.float32]:
    """One octave: coordinates are in units of the lattice."""
    # Lattices of several octaves share no knot, which would show as a pattern.
    row_shift, column_shift = uniform_at(key, np.array([[-1]]), np.array([[-1, -2]]))[0] * np.float32(0.5)
    first_row, row_weights = _spline_weights(rows + row_shift)
    first_column, column_weights = _spline_weights(columns + column_shift)
    top, left = int(first_row.min()), int(first_column.min())
    lattice = uniform_at(
        key,
        np.arange(top, int(first_row.max()) + 4)[:, None],
        np.arange(left, int(first_column.max()) + 4)[None, :],
    )
    across = np.zeros((lattice.shape[0], len(columns)), dtype=np.float32)
    for tap in range(4):
        across += lattice[:, first_column - left + tap] * column_weights[tap][None, :]
    field = np.zeros((len(rows), len(columns)), dtype=np.float32)
    for tap in range(4):
        field += across[first_row - top + tap] * row_weights[tap][:, None]
    return field


def _spline_weights(positions: NDArray[np.float64]) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
    """First of the four knots round each position, and the weights of a uniform cubic B-spline for them."""
    whole = np.floor(positions)
    t = (positions - whole).astype(np.float32)
    weights = [
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    ]
    return whole.astype(np.int64) - 1, [weight.astype(np.float32) for weight in weights]


def uniform_at(key: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Numbers evenly spread over [-1, 1), by the splitmix64 mixer of (key, row, column) (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        state = _mix(np.full((1, 1), key % 2**63, dtype=np.uint64))
        state = _mix(state + rows.astype(np.uint64))
        state = _mix(state + columns.astype(np.uint64))
    return ((state >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23)) - np.float32(1.0)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


def _spline_deviation() -> float:
    """Standard deviation of one octave: knots vary by 1/sqrt(3), the spline averages them (mean over positions)."""
    _, weights = _spline_weights((np.arange(64) + 0.5) / 64)
    power = float(np.mean(sum(weight.astype(np.float64) ** 2 for weight in weights)))
    return power / float(np.sqrt(3.0))


_SPLINE_DEVIATION = _spline_deviation()
