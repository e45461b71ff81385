"""What the features are worth to a model: by impurity in its trees, and by shuffling them (Breiman 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.learn.classifier import Classifier
from i2db.learn.forest import Forest
from i2db.learn.scikit import ScikitModel
from i2db.learn.specification import ImportanceMethod


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Importance:
    """Importance of each feature.

    Attributes:
        method: how it was measured.
        values: float64 (n_features); impurity: share of the decrease of impurity, summing to 1; permutation: loss of
            overall accuracy when the feature is shuffled.
        deviations: standard deviation over folds and repeats (n_features); NaN where there is one value.
        n_samples: samples it was measured on: those learnt from, or those of all test folds together.
    """

    method: ImportanceMethod
    values: NDArray[np.float64]
    deviations: NDArray[np.float64]
    n_samples: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Losses:
    """Losses of accuracy (n_features, n_repeats) on some samples."""

    losses: NDArray[np.float64]
    n_samples: int


def impurity(model: Classifier) -> Importance | None:
    """Mean decrease of impurity; None for models without trees, or whose trees saw components, not features."""
    if isinstance(model, ScikitModel) and _is_reduced(model.transform):
        return None
    inner = model.estimator if isinstance(model, ScikitModel) else model
    values = inner.importances if isinstance(inner, Forest) else getattr(inner, "feature_importances_", None)
    if values is None:
        return None
    values = np.asarray(values, np.float64)
    return Importance(method="impurity", values=values, deviations=np.full(values.shape, np.nan))


def _is_reduced(transform: Any) -> bool:
    return transform is not None and "reducer" in transform.named_steps


def permutation(
    model: Classifier,
    features: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    *,
    n_repeats: int,
    random_state: int,
    n_threads: int = 1,
) -> _Losses:
    """Losses of overall accuracy when one feature after the other is shuffled among samples the model has not seen.

    The shuffles are those of sklearn.inspection.permutation_importance with the same random_state. Each feature is
    shuffled in place and put back, so that there is one copy of the features.
    """
    work = np.array(features, order="F")
    seed = np.random.RandomState(random_state).randint(np.iinfo(np.int32).max + 1)
    base = _accuracy(model, work, labels, n_threads)
    losses = np.empty((features.shape[1], n_repeats))
    for column in range(features.shape[1]):
        generator = np.random.RandomState(seed)
        order = np.arange(len(features))
        for repeat in range(n_repeats):
            generator.shuffle(order)
            work[:, column] = work[order, column]
            losses[column, repeat] = base - _accuracy(model, work, labels, n_threads)
        work[:, column] = features[:, column]
    return _Losses(losses, len(features))


def _accuracy(
    model: Classifier, features: NDArray[np.float32], labels: NDArray[np.integer[Any]], n_threads: int
) -> float:
    return float((model.predict(features, n_threads=n_threads)[0] == labels).mean())


def mean_over_folds(found: Sequence[_Losses]) -> Importance:
    """The folds' losses together, weighted by their numbers of samples."""
    n_samples = np.array([each.n_samples for each in found])
    means = np.stack([each.losses.mean(axis=1) for each in found])
    everything = np.concatenate([each.losses for each in found], axis=1)
    return Importance(
        method="permutation",
        values=np.average(means, axis=0, weights=n_samples),
        deviations=everything.std(axis=1),
        n_samples=int(n_samples.sum()),
    )
