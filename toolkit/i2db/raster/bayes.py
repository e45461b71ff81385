"""Probabilities of classes made smoother by those around them, as an empirical Bayesian would."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.errors import ContractError

#: Probabilities are whole parts of this.
PARTS = 1000
#: Logits are summed as whole numbers, this many to one: sums of floats would depend on where a window began.
_FIXED = 2**20
#: Rows that a thread works on at a time.
_ROWS = 16


def logits() -> NDArray[np.float64]:
    """(PARTS + 1,) logit of each probability, ln(p / (1 - p)); 0 and 1 are taken for half a part from there."""
    share = np.clip(np.arange(PARTS + 1), 0.5, PARTS - 0.5) / PARTS
    return np.asarray(np.round(np.log(share / (1 - share)) * _FIXED) / _FIXED)


def bayes_smooth(
    probability: NDArray[Any],
    has_data: NDArray[np.bool_],
    radius: int,
    *,
    variance: float,
    fraction: float,
    n_threads: int = 1,
) -> NDArray[np.float32]:
    """Posterior probabilities of the classes of each pixel, given with a margin of the radius.

    The logit x of a class is taken for a measurement of variance s, and what is expected of it is normal, with mean m
    and variance v of the logits of the pixels around: of the share `fraction` of these, itself among them, where the
    class is likeliest (rounded up). The posterior mean is (v x + s m) / (v + s) (Camara, Assuncao, Carvalho, Simoes,
    Souza, Carlos, Souza, Rorato and Vinhas, 2024, Bayesian inference for post-processing of remote-sensing image
    classification, Remote Sensing 16, 4572, and sits_smooth). Probabilities are brought back to a sum of 1.

    Args:
        probability: (classes, rows + 2 radius, columns + 2 radius), integers in parts per thousand.
        has_data: (rows + 2 radius, columns + 2 radius) which pixels have any.
        radius: of the window, a square of 2 radius + 1 pixels, at least 1.
        variance: s, above 0.
        fraction: above 0, 1 at most.
        n_threads: threads to use; the result does not depend on them.

    Returns:
        (classes, rows, columns), 0 to 1; 0 where a pixel has no data.

    Raises:
        ContractError: the arrays are no larger than their margin, of different shapes, or hold more than 1000 parts.
    """
    n_classes, n_rows, n_columns = probability.shape
    if radius < 1 or min(n_rows, n_columns) <= 2 * radius or has_data.shape != (n_rows, n_columns):
        raise ContractError(
            f"probabilities of shape {probability.shape} and a mask of {has_data.shape} have no margin of {radius}"
        )
    if probability.size and probability.max() > PARTS:
        raise ContractError(f"a probability of {probability.max()} parts per thousand")
    result = np.zeros((n_classes, n_rows - 2 * radius, n_columns - 2 * radius), dtype=np.float32)
    table = logits()

    def work(top: int) -> None:
        rows = slice(top, min(top + _ROWS, result.shape[1]))
        around = slice(rows.start, rows.stop + 2 * radius)
        posterior = np.zeros((n_classes, rows.stop - rows.start, result.shape[2]))
        for one in range(n_classes):
            _posterior(
                np.ascontiguousarray(probability[one, around], dtype=np.uint16),
                has_data[around],
                radius,
                variance,
                fraction,
                table,
                posterior[one],
            )
        # 1 / (1 + exp(-x)), in place: every thread has such a block.
        np.negative(posterior, out=posterior)
        np.exp(posterior, out=posterior)
        posterior += 1
        np.reciprocal(posterior, out=posterior)
        posterior /= posterior.sum(axis=0)
        posterior[:, ~has_data[around][radius:-radius, radius:-radius]] = 0
        result[:, rows] = posterior

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, range(0, result.shape[1], _ROWS)))
    return result


@njit(nogil=True, cache=True)
def _posterior(
    parts: NDArray[np.uint16],
    has_data: NDArray[np.bool_],
    radius: int,
    variance: float,
    fraction: float,
    table: NDArray[np.float64],
    result: NDArray[np.float64],
) -> None:
    """Posterior logits of a class: along each row the window's histogram takes a column in and gives one back.

    `threshold` parts the histogram: what lies above it, and some of what lies in it, are the likeliest ones, whose
    number, sum and sum of squares are kept (Huang, Yang and Tang, 1979, do the same for a running median).
    """
    n_rows, n_columns = result.shape
    side = 2 * radius + 1
    histogram = np.zeros(PARTS + 1, dtype=np.int64)
    fixed = np.empty(PARTS + 1, dtype=np.int64)
    for part in range(PARTS + 1):
        fixed[part] = np.int64(np.round(table[part] * _FIXED))
    for row in range(n_rows):
        histogram[:] = 0
        n, threshold = 0, PARTS // 2
        n_above, total, squares = 0, 0, 0
        for column in range(-side + 1, n_columns):
            for i in range(row, row + side):
                # The column that comes in, and the one that has left.
                for sign in (1, -1):
                    j = column + side - 1 if sign == 1 else column - 1
                    if j < 0 or not has_data[i, j]:
                        continue
                    part = parts[i, j]
                    histogram[part] += sign
                    n += sign
                    if part > threshold:
                        n_above += sign
                        total += sign * fixed[part]
                        squares += sign * fixed[part] * fixed[part]
            if column < 0 or not has_data[row + radius, column + radius]:
                continue
            n_kept = max(1, int(np.ceil(n * fraction - 1e-9)))
            while n_above > n_kept:
                threshold += 1
                n_here = histogram[threshold]
                n_above -= n_here
                total -= n_here * fixed[threshold]
                squares -= n_here * fixed[threshold] * fixed[threshold]
            while n_above + histogram[threshold] < n_kept:
                n_here = histogram[threshold]
                n_above += n_here
                total += n_here * fixed[threshold]
                squares += n_here * fixed[threshold] * fixed[threshold]
                threshold -= 1
            n_here = n_kept - n_above
            summed = float(total + n_here * fixed[threshold]) / _FIXED
            squared = float(squares + n_here * fixed[threshold] * fixed[threshold]) / _FIXED / _FIXED
            mean = summed / n_kept
            spread = max(0.0, squared - summed * mean) / (n_kept - 1) if n_kept > 1 else 0.0
            own = table[parts[row + radius, column + radius]]
            result[row, column] = (spread * own + variance * mean) / (spread + variance)
