"""How far classes are apart: the Jeffries-Matusita distance of normal distributions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: A variance below this share of the largest is noise of the computation.
_FLOOR = 1e-9


def shrunk_covariance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance (p, p) of samples (n, p), drawn towards a multiple of the identity: regular for few samples.

    Oracle approximating shrinkage (Chen, Wiesel, Eldar, Hero 2010, eq. 23), as in scikit-learn's `OAS`. The features
    must be on one scale.
    """
    n, p = values.shape
    centred = values - values.mean(axis=0)
    covariance = centred.T @ centred / n
    mean_variance = float(np.trace(covariance)) / p
    alpha = float(np.mean(covariance**2))
    numerator = alpha + mean_variance**2
    denominator = (n + 1.0) * (alpha - mean_variance**2 / p)
    shrinkage = 1.0 if denominator <= 0 else min(numerator / denominator, 1.0)
    shrunk: NDArray[np.float64] = (1 - shrinkage) * covariance
    shrunk[np.diag_indices(p)] += shrinkage * mean_variance
    return shrunk


def jeffries_matusita(
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    other_mean: NDArray[np.float64],
    other_covariance: NDArray[np.float64],
) -> float:
    """Jeffries-Matusita distance of two normal distributions, 0 (the same) to 2 (apart).

    2 (1 - exp(-B)) with the Bhattacharyya distance B = 1/8 d' S^-1 d + 1/2 ln(|S| / sqrt(|S1| |S2|)), d the difference
    of the means and S the mean of the covariances (Richards and Jia, Remote Sensing Digital Image Analysis, 4th
    edition 2006, eq. 10.4 and 10.5; Swain and King 1973).
    """
    difference = mean - other_mean
    middle = (covariance + other_covariance) / 2
    determinants = [np.linalg.slogdet(matrix)[1] for matrix in (middle, covariance, other_covariance)]
    bhattacharyya = (
        difference @ np.linalg.solve(middle, difference) / 8
        + (determinants[0] - (determinants[1] + determinants[2]) / 2) / 2
    )
    return float(2 * (1 - np.exp(-max(bhattacharyya, 0.0))))


def separabilities(samples: Mapping[int, NDArray[np.float64]]) -> dict[tuple[int, int], float]:
    """Jeffries-Matusita distance of every pair of classes.

    Args:
        samples: per class its samples (n, p), all of the same features. A class of fewer than two samples is left out.

    Features are brought to one scale (their standard deviation over all classes) first; those that never vary tell
    nothing and are left out.
    """
    used = {code: values for code, values in samples.items() if len(values) >= 2}
    if len(used) < 2:
        return {}
    whole = np.concatenate(list(used.values()))
    deviation = whole.std(axis=0)
    varies = deviation > _FLOOR * max(float(np.abs(whole).max()), 1.0)
    if not varies.any():
        return dict.fromkeys(_pairs(used), 0.0)
    scaled = {
        code: (values[:, varies] - whole[:, varies].mean(axis=0)) / deviation[varies] for code, values in used.items()
    }
    means = {code: values.mean(axis=0) for code, values in scaled.items()}
    covariances = {code: shrunk_covariance(values) for code, values in scaled.items()}
    for matrix in covariances.values():
        # A class that is the same everywhere still has the width of rounding.
        matrix[np.diag_indices(len(matrix))] += _FLOOR
    return {
        (one, other): jeffries_matusita(means[one], covariances[one], means[other], covariances[other])
        for one, other in _pairs(used)
    }


def _pairs(samples: Mapping[int, object]) -> list[tuple[int, int]]:
    codes = list(samples)
    return [(one, other) for i, one in enumerate(codes) for other in codes[i + 1 :]]
