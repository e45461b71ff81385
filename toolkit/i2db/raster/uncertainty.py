"""How sure a classification is, from the probabilities of all classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Maps of uncertainty are in percent; this is no data, for 0 is a number that a pixel can have.
NODATA = 255


def margin(probability: NDArray[Any]) -> NDArray[np.float64]:
    """The largest probability less the second largest, (...) of (..., n_classes): 0 is a tie, 1 certainty."""
    if probability.shape[-1] < 2:
        return np.asarray(probability[..., 0], dtype=np.float64)
    highest = np.partition(probability, -2, axis=-1)
    return np.asarray(highest[..., -1] - highest[..., -2], dtype=np.float64)


def entropy(probability: NDArray[Any]) -> NDArray[np.float64]:
    """Shannon's entropy in parts of its maximum, (...) of (..., n_classes): 0 is certainty, 1 knows nothing.

    H = -sum(p ln p) / ln(n_classes) (Shannon, 1948); a class of probability 0 adds nothing.
    """
    n_classes = probability.shape[-1]
    if n_classes < 2:
        return np.zeros(probability.shape[:-1])
    positive = np.where(probability > 0, probability, 1.0).astype(np.float64, copy=False)
    # A last bit beyond 0 or 1 is rounding.
    return np.asarray(np.clip(-(positive * np.log(positive)).sum(axis=-1) / np.log(n_classes), 0.0, 1.0) + 0.0)


#: The measures by the names of arg_classification.uncertainty_maps.
MEASURES = {"margin": margin, "entropy": entropy}


def percent(share: NDArray[Any]) -> NDArray[np.uint8]:
    """Shares from 0 to 1 as whole percent, rounded half up."""
    return np.asarray(np.floor(share * 100 + 0.5), dtype=np.uint8)
