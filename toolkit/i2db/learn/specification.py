"""What is to be learnt, and how, with nothing left open: plain values that fingerprints and cards can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

ReductionMode = Literal["global", "sensor_band", "sensor_date", "date", "band"]
AugmentationMethod = Literal["replicate", "jitter", "smote"]
ImportanceMethod = Literal["impurity", "permutation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSpec:
    """A classifier of scikit-learn.

    Attributes:
        model_type: name of the class, e.g. RandomForestClassifier.
        parameters: keywords of the class.
        is_standardized: whether features are brought to mean 0 and deviation 1 first.
        search: settings to try per parameter; empty for none.
        n_folds: folds of the search, and of permutation importance.
        is_grouped: whether the samples of a polygon stay in one fold of the search.
    """

    model_type: str = "RandomForestClassifier"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_standardized: bool = False
    search: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    n_folds: int = 5
    is_grouped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """Principal components of groups of features: (name, columns) of each, and how many components a group keeps."""

    groups: tuple[tuple[str, tuple[int, ...]], ...]
    n_components: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How small classes are filled up.

    Attributes:
        method: replicate copies samples; jitter copies them with noise; smote draws between neighbours.
        target: balance fills every class up to the largest, minNumber to `minimum`, byClass to `wanted`.
        std_factor: the noise of jitter has the deviation of the class divided by this.
        n_neighbors: neighbours that smote draws towards.
    """

    method: AugmentationMethod
    target: Literal["minNumber", "balance", "byClass"]
    minimum: int = 0
    wanted: tuple[tuple[int, int], ...] = ()
    std_factor: float = 10.0
    n_neighbors: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSpec:
    """All that fitting depends on besides the samples.

    Attributes:
        class_weights: "balanced" (inverse to the class's samples), a weight per class code, or None for equal weights.
        importance: how the importance of the features is measured.
        n_repeats: how often each feature is shuffled for permutation importance.
        is_cross_validated: whether it is found out, too, what models of all folds but one say of the samples of that
            one; a polygon's samples stay in one fold.
    """

    classifier: ClassifierSpec = ClassifierSpec()
    reduction: Reduction | None = None
    augmentation: Augmentation | None = None
    class_weights: Literal["balanced"] | tuple[tuple[int, float], ...] | None = None
    importance: tuple[ImportanceMethod, ...] = ()
    n_repeats: int = 5
    is_cross_validated: bool = False
