"""Intervals of a run's accuracy by a bootstrap over polygons: pixels of one polygon are no independent witnesses."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Replicates, and how many of them are in memory at a time.
N_REPLICATES = 1000
_AT_A_TIME = 50

#: An interval needs so many of the replicates to be defined.
_LEAST_DEFINED = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class UnitCounts:
    """Pixels of one run per unit (polygon, or group drawn as a whole), reference class and produced class.

    unit, reference, produced, n_pixels: (k,) integers; reference and produced are places in class_codes (n,).
    """

    unit: NDArray[np.int64]
    reference: NDArray[np.int64]
    produced: NDArray[np.int64]
    n_pixels: NDArray[np.int64]
    class_codes: NDArray[np.int64]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_codes)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Measures of R confusion matrices at once; NaN is undefined. Same definitions as in `report.matrix`.

    overall, kappa, mean_f_score, weighted: (R,); precision, recall, f_score, shares: (R, n).
    weighted is the overall accuracy weighted by the mapped areas, shares are the error-adjusted shares of the map
    (Olofsson et al. 2014, eq. 1, 4 and 9).
    """

    overall: NDArray[np.float64]
    kappa: NDArray[np.float64]
    mean_f_score: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f_score: NDArray[np.float64]
    weighted: NDArray[np.float64]
    shares: NDArray[np.float64]


def measures(matrices: NDArray[np.float64], map_shares: NDArray[np.float64]) -> Measures:
    """Measures of confusion matrices.

    Args:
        matrices: (R, n, n) counts, rows are the reference.
        map_shares: (n,) share of each class in the area of the map; NaN where it is not known.
    """
    right = matrices.diagonal(axis1=1, axis2=2)
    reference, produced, total = matrices.sum(axis=2), matrices.sum(axis=1), matrices.sum(axis=(1, 2))
    chance = (reference * produced).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        # Means of nothing but NaN are NaN, and that is what is wanted.
        warnings.simplefilter("ignore", RuntimeWarning)
        f_score = np.where(reference > 0, 2 * right / (reference + produced), np.nan)
        # A class that is not on the map has no part in it, even where no validation pixel tells what would be there.
        parts = np.where(map_shares > 0, map_shares * matrices / produced[:, None, :], 0.0)
        parts = np.where(np.isnan(map_shares), np.nan, parts)
        return Measures(
            overall=right.sum(axis=1) / total,
            kappa=(right.sum(axis=1) * total - chance) / (total**2 - chance),
            mean_f_score=np.nanmean(f_score, axis=1),
            precision=right / produced,
            recall=right / reference,
            f_score=f_score,
            weighted=parts.diagonal(axis1=1, axis2=2).sum(axis=1),
            shares=parts.sum(axis=2),
        )


def replicates(counts: UnitCounts, random_seed: int, n_replicates: int = N_REPLICATES) -> NDArray[np.float64]:
    """Confusion matrices (R, n, n) of polygons drawn anew, with replacement, as many of each class as there were.

    Polygons are drawn within their class (that of most of their pixels; the first of several) because the split drew
    them so. The draws of a class depend on the random seed and the class alone. Memory: R matrices and 50 x units.
    """
    from scipy.sparse import coo_array

    n, n_cells = counts.n_classes, counts.n_classes**2
    units, place = np.unique(counts.unit, return_inverse=True)
    cells = counts.reference * n + counts.produced
    per_unit = coo_array((counts.n_pixels, (cells, place)), shape=(n_cells, len(units))).tocsr()
    of_class = np.zeros((len(units), n), dtype=np.int64)
    np.add.at(of_class, (place, counts.reference), counts.n_pixels)
    stratum = of_class.argmax(axis=1)
    members = {int(counts.class_codes[k]): np.flatnonzero(stratum == k) for k in np.unique(stratum)}
    generators = {code: np.random.Generator(np.random.PCG64([random_seed, code])) for code in members}
    found = np.empty((n_replicates, n_cells))
    for start in range(0, n_replicates, _AT_A_TIME):
        size = min(_AT_A_TIME, n_replicates - start)
        weights = np.zeros((size, len(units)))
        for code, rows in members.items():
            m = len(rows)
            drawn = generators[code].integers(0, m, size=(size, m)) + m * np.arange(size)[:, None]
            weights[:, rows] = np.bincount(drawn.ravel(), minlength=size * m).reshape(size, m)
        found[start : start + size] = (per_unit @ weights.T).T
    return found.reshape(n_replicates, n, n)


def units_per_class(counts: UnitCounts) -> NDArray[np.int64]:
    """Number of units with pixels of each reference class (n,)."""
    pairs = np.unique(np.stack([counts.unit, counts.reference]), axis=1)
    return np.bincount(pairs[1], minlength=counts.n_classes).astype(np.int64)


def matrix_of(counts: UnitCounts) -> NDArray[np.float64]:
    """The confusion matrix (1, n, n) of all units."""
    matrix = np.zeros((counts.n_classes, counts.n_classes))
    np.add.at(matrix, (counts.reference, counts.produced), counts.n_pixels)
    return matrix[None]


def percentiles(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The 2.5 % and 97.5 % quantiles of the replicates (R,) that are defined; None where too few are.

    None as well where they are equal: drawing the polygons anew changes nothing where each class has one, or all say
    the same, and that is no certainty.
    """
    defined = values[~np.isnan(values)]
    if len(defined) < _LEAST_DEFINED * len(values):
        return None, None
    low, high = np.quantile(defined, [0.025, 0.975])
    return (float(low), float(high)) if low < high else (None, None)
