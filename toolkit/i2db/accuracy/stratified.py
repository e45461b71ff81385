"""Accuracy and areas from a stratified random sample: Stehman's estimators, which hold Olofsson's as a special case.

Stehman (2014), International Journal of Remote Sensing 35(13), 4923-4939; Olofsson et al. (2014), Remote Sensing of
Environment 148, 42-57. Where the strata are the classes of the map, both are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError, InputError

#: Half width of a 95 % interval in standard errors, as Olofsson et al. take it.
Z = 1.96


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate and its standard error; None where undefined (a stratum with one point has no variance)."""

    value: float | None
    standard_error: float | None

    @property
    def half_width(self) -> float | None:
        """Half width of the 95 % interval."""
        return None if self.standard_error is None else Z * self.standard_error


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """What a sample tells of a map: all per class in the order of `codes`.

    proportions: (n, n) estimated shares of the map's area, rows the map, columns the reference (Olofsson's eq. 4).
    mapped: (n,) area of each class on the map, in the unit of the strata's areas. area: estimated area of each class.
    """

    codes: tuple[int, ...]
    counts: NDArray[np.int64]
    proportions: NDArray[np.float64]
    overall: Estimate
    user: tuple[Estimate, ...]
    producer: tuple[Estimate, ...]
    area: tuple[Estimate, ...]
    mapped: tuple[float, ...]
    total_area: float


def assess_sample(
    stratum: NDArray[np.int64],
    produced: NDArray[np.int64],
    reference: NDArray[np.int64],
    stratum_areas: Sequence[float],
    codes: Sequence[int],
    mapped: Sequence[float],
) -> Assessment:
    """Estimate accuracy and areas.

    Args:
        stratum: (k,) place of each point's stratum in `stratum_areas`.
        produced: (k,) place of its class on the map in `codes`.
        reference: (k,) place of its class in truth in `codes`.
        stratum_areas: area of every stratum; all of them must have points.
        codes: the classes.
        mapped: area of each class on the map, handed on.

    Raises:
        ContractError: a stratum has no point.
    """
    n_strata, n = len(stratum_areas), len(codes)
    counts = np.zeros((n_strata, n, n), dtype=np.int64)
    np.add.at(counts, (stratum, produced, reference), 1)
    n_points = counts.sum(axis=(1, 2))
    if (n_points == 0).any():
        raise ContractError(f"strata without points: {np.flatnonzero(n_points == 0).tolist()}")
    total = math.fsum(stratum_areas)
    sample = _Sample(np.asarray(stratum_areas) / total, n_points)
    everything = counts.sum(axis=(1, 2))
    right = counts.diagonal(axis1=1, axis2=2)
    areas = [sample.ratio(counts[:, :, k].sum(axis=1), everything) for k in range(n)]
    return Assessment(
        codes=tuple(codes),
        counts=counts.sum(axis=0),
        proportions=np.einsum("h,hij->ij", sample.weights / n_points, counts),
        overall=sample.ratio(right.sum(axis=1), everything),
        user=tuple(sample.ratio(right[:, k], counts[:, k, :].sum(axis=1)) for k in range(n)),
        producer=tuple(sample.ratio(right[:, k], counts[:, :, k].sum(axis=1)) for k in range(n)),
        area=tuple(Estimate(_times(one.value, total), _times(one.standard_error, total)) for one in areas),
        mapped=tuple(mapped),
        total_area=total,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Weights (H,) of the strata, and their numbers of points (H,)."""

    weights: NDArray[np.float64]
    n_points: NDArray[np.int64]

    def ratio(self, hits: NDArray[np.int64], cases: NDArray[np.int64]) -> Estimate:
        """Share of the hits among the cases, of which they are some; both (H,) are counts of points per stratum.

        Stehman's eq. 27 and 28: the ratio R of two estimated means; its variance is that of the mean of y - R x, over
        the mean of x squared. Where all points are cases it is the estimate of a mean (his eq. 3 and 25).
        """
        mean_hits = float(self.weights @ (hits / self.n_points))
        mean_cases = float(self.weights @ (cases / self.n_points))
        if mean_cases == 0:
            return Estimate(None, None)
        ratio = mean_hits / mean_cases
        # y and x are 0 or 1, and y is 1 only where x is: sums and sums of squares of y - R x follow from the counts.
        sums = hits - ratio * cases
        squares = hits * (1 - 2 * ratio) + ratio**2 * cases
        n = self.n_points
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (squares - sums**2 / n) / (n - 1) / n
        # A lone point that is no case says nothing of the ratio, and takes nothing from it.
        variance = np.where((n == 1) & (cases == 0), 0.0, variance)
        error = math.sqrt(max(float(self.weights**2 @ variance), 0.0)) / mean_cases if (n > 0).all() else math.nan
        return Estimate(ratio, None if math.isnan(error) or not np.isfinite(variance).all() else error)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def sample_size(
    weights: NDArray[np.float64], user_accuracies: NDArray[np.float64], target: float, n_pixels: int
) -> int:
    """Points that a standard error of the overall accuracy needs: Olofsson et al. (2014), eq. 13 (Cochran's 5.25).

    Args:
        weights: (n,) shares of the strata in the area.
        user_accuracies: (n,) guesses of their user's accuracy.
        target: the standard error wanted, e.g. 0.01.
        n_pixels: pixels of the map.

    Raises:
        InputError: a guess or the target is no share.
    """
    if not 0 < target < 0.5:
        raise InputError(f"a standard error of {target:g} cannot be aimed at", hint="it is a share, e.g. 0.01")
    if ((user_accuracies <= 0) | (user_accuracies >= 1)).any():
        raise InputError("an expected accuracy must lie between 0 and 1", hint="e.g. 0.8; at 0 or 1 it tells no size")
    deviations = np.sqrt(user_accuracies * (1 - user_accuracies))
    exact = float((weights @ deviations) ** 2 / (target**2 + weights @ deviations**2 / n_pixels))
    # 640.6 points are 641; 640.0000000001 is rounding.
    return math.ceil(exact - 1e-6)


def allocate(
    n: int,
    weights: NDArray[np.float64],
    available: NDArray[np.int64],
    least: int,
    how: str,
    deviations: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Points per stratum.

    Args:
        n: points in all; more where the least of all strata needs more.
        weights: (H,) shares of the strata in the area.
        available: (H,) their pixels: no stratum gets more points.
        least: points that a stratum gets at least, where it has as many pixels: Olofsson et al. (2014), section 5.1.
        how: proportional (to the area), equal, or neyman (to area times deviation).
        deviations: (H,) expected standard deviation of being right, sqrt(U (1 - U)).
    """
    wanted = {"proportional": weights, "equal": np.ones(len(weights)), "neyman": weights * deviations}[how]
    floor = np.minimum(least, available)
    given = floor.copy()
    # Who would get less than the least gets the least; the others share what is left, until nobody is below.
    is_free = np.ones(len(weights), dtype=bool)
    while is_free.any():
        left = max(n - int(given[~is_free].sum()), 0)
        shares = left * wanted[is_free] / wanted[is_free].sum()
        bounded = np.clip(shares, floor[is_free], available[is_free])
        outside = bounded != shares
        if not outside.any():
            given[is_free] = _rounded(shares, left)
            break
        # The floors first: what they take is missing elsewhere, and a ceiling may then be no ceiling.
        fixed = outside & (shares < floor[is_free]) if (shares < floor[is_free]).any() else outside
        places = np.flatnonzero(is_free)[fixed]
        given[places] = bounded[fixed]
        is_free[places] = False
    return np.asarray(given, dtype=np.int64)


def _rounded(shares: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Whole numbers next to the shares that add up to the total: largest remainders first."""
    whole = np.floor(shares + 1e-9).astype(np.int64)
    order = np.lexsort((np.arange(len(shares)), -(shares - whole)))
    whole[order[: total - int(whole.sum())]] += 1
    return whole
