"""Fewer features: principal components of all features, or of those of each band, date or sensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from i2db.errors import InputError
from i2db.learn.specification import Reduction, ReductionMode


@dataclass(frozen=True, slots=True)
class FeatureKey:
    """What a feature is: its name, sensor, band, and date as text (None where it has none)."""

    name: str
    sensor: str
    band: str
    date: str | None


def reduction_of(features: Sequence[FeatureKey], mode: ReductionMode, n_components: int) -> Reduction:
    """The groups of a mode, in the order of their first feature.

    Features without a date, which iota2 would leave out, are a group of their own where groups are dates.

    Raises:
        InputError: no group has more features than components, so that nothing would be reduced.
    """
    groups: dict[str, list[int]] = {}
    for column, feature in enumerate(features):
        groups.setdefault(_group(feature, mode), []).append(column)
    if all(len(columns) <= n_components for columns in groups.values()):
        largest = max((len(columns) for columns in groups.values()), default=0)
        raise InputError(
            f"dim_red.target_dimension {n_components} reduces nothing: the largest group of reduction_mode {mode} has "
            f"{largest} features",
            hint="ask for fewer components, or for another dim_red.reduction_mode",
        )
    made = tuple((name, tuple(columns)) for name, columns in groups.items())
    return Reduction(groups=made, n_components=n_components)


def _group(feature: FeatureKey, mode: ReductionMode) -> str:
    date = feature.date or "undated"
    return {
        "global": "all",
        "sensor_band": f"{feature.sensor}_{feature.band}",
        "sensor_date": f"{feature.sensor}_{date}",
        "date": date,
        "band": feature.band,
    }[mode]


def reducer(reduction: Reduction, n_samples: int) -> Any:
    """The unfitted transformer: each group standardised, then turned to its first principal components.

    A group keeps no more components than it has features, or than there are samples.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    steps = []
    for name, columns in reduction.groups:
        n = min(reduction.n_components, len(columns), n_samples)
        components = PCA(n_components=n, svd_solver="covariance_eigh" if n_samples > len(columns) else "full")
        steps.append((name, Pipeline([("scaler", StandardScaler()), ("components", components)]), list(columns)))
    return ColumnTransformer(steps)
