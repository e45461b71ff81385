"""A map of classes made smoother: every pixel gets the most frequent class around it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.errors import ContractError


def ball(radius: int) -> NDArray[np.bool_]:
    """Which pixels (2 radius + 1 squared) lie in OTB's ball: (dx / (r + 1/2))^2 + (dy / (r + 1/2))^2 <= 1.

    Radius 1 is a square of nine pixels, radius 2 has 21.
    """
    steps = (np.arange(-radius, radius + 1) / (radius + 0.5)) ** 2
    inside: NDArray[np.bool_] = steps[:, np.newaxis] + steps <= 1
    return inside


def regularise(
    labels: NDArray[Any],
    radius: int,
    *,
    nodata: int = 0,
    undecided: int | None = None,
    isolated: int | None = None,
) -> NDArray[Any]:
    """The most frequent label in the ball around each pixel, (rows, columns) of integers with a margin of the radius.

    Pixels without data stay as they are and have no vote; so does what lies beyond the map, which the margin holds as
    `nodata`. Where several labels are most frequent the pixel keeps its own, or gets `undecided` where that is given.

    Args:
        labels: (rows + 2 radius, columns + 2 radius), integers from 0 to 65535.
        radius: of the ball, in pixels, at least 1.
        nodata: label without a vote.
        undecided: label of ties; None to keep them.
        isolated: not None: only pixels whose label occurs at most so often in their ball, themselves included, change.

    Returns:
        (rows, columns), of the type of `labels`.

    Raises:
        ContractError: the array is no larger than its margin, or holds other labels.
    """
    if radius < 1 or min(labels.shape) <= 2 * radius:
        raise ContractError(f"labels of shape {labels.shape} have no margin of {radius} pixels")
    if labels.size and not (labels.min() >= 0 and labels.max() <= np.iinfo(np.uint16).max):
        raise ContractError(f"labels {labels.min()} to {labels.max()} are not within 0 to 65535")
    rows, columns = np.nonzero(ball(radius))
    inner = labels[radius:-radius, radius:-radius]
    result = inner.astype(np.uint16)
    _fill(
        labels.astype(np.uint16),
        rows,
        columns,
        radius,
        nodata,
        -1 if undecided is None else undecided,
        -1 if isolated is None else isolated,
        result,
    )
    return result.astype(labels.dtype)


@njit(nogil=True, cache=True)
def _fill(
    labels: NDArray[np.uint16],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    radius: int,
    nodata: int,
    undecided: int,
    isolated: int,
    result: NDArray[np.uint16],
) -> None:
    counts = np.zeros(65536, dtype=np.int32)
    for row in range(result.shape[0]):
        for column in range(result.shape[1]):
            own = labels[row + radius, column + radius]
            if own == nodata:
                continue
            most, winner, is_tie = 0, own, False
            for tap in range(len(rows)):
                label = labels[row + rows[tap], column + columns[tap]]
                if label == nodata:
                    continue
                counts[label] += 1
                if counts[label] > most:
                    most, winner, is_tie = counts[label], label, False
                elif counts[label] == most and label != winner:
                    is_tie = True
            n_own = counts[own]
            for tap in range(len(rows)):
                counts[labels[row + rows[tap], column + columns[tap]]] = 0
            if isolated >= 0 and n_own > isolated:
                continue
            if not is_tie:
                result[row, column] = winner
            elif undecided >= 0:
                result[row, column] = undecided
