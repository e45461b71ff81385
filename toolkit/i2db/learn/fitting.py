"""From samples to a model: augmentation, reduction, scaling, search, fit; inside the folds where there are any."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from i2db.errors import InputError
from i2db.learn.augmentation import augment
from i2db.learn.catalogue import (
    as_it_takes,
    build,
    confidence_of,
    is_hard_vote,
    kind_of,
    searched_name,
    set_calibration,
)
from i2db.learn.classifier import Classifier
from i2db.learn.forest import check_learning_set, pack_forest
from i2db.learn.importance import Importance, impurity, mean_over_folds, permutation
from i2db.learn.reduction import reducer
from i2db.learn.scikit import ScikitModel
from i2db.learn.specification import Augmentation, LearningSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchScore:
    """Overall accuracy of one setting of the search in one fold."""

    setting: int
    parameters: str
    fold: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A fitted model and what is known of it.

    Attributes:
        chosen: the parameters that the search found best; empty without a search.
        n_samples: (code, number) of what it was fitted on, augmentation included.
    """

    model: Classifier
    chosen: dict[str, Any]
    n_samples: tuple[tuple[int, int], ...]
    scores: tuple[SearchScore, ...] = ()
    importances: tuple[Importance, ...] = ()
    #: (class, class that it is given out of fold, samples), where the specification asks for it.
    confusion: tuple[tuple[int, int, int], ...] = ()


class Augmenter(BaseEstimator):  # type: ignore[misc]
    """Augmentation as a step of imbalanced-learn's Pipeline: it acts on what is fitted, never on what is predicted."""

    def __init__(self, augmentation: Augmentation | None = None, random_state: int = 0) -> None:
        self.augmentation = augmentation
        self.random_state = random_state

    def fit_resample(
        self, features: NDArray[np.float32], labels: NDArray[np.integer[Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.integer[Any]]]:
        """The samples with the added ones after them."""
        assert self.augmentation is not None
        return augment(self.augmentation, features, labels, random_state=self.random_state)


class Learner(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier with what depends on the samples at hand: their weights, and the folds of a calibration."""

    def __init__(self, estimator: Any = None, class_weights: Any = None, is_hard: bool = False) -> None:
        self.estimator = estimator
        self.class_weights = class_weights
        self.is_hard = is_hard

    def fit(self, features: NDArray[np.float32], labels: NDArray[np.integer[Any]]) -> Learner:
        """Fit a copy of the classifier, kept as `model_`."""
        from sklearn.utils.class_weight import compute_sample_weight

        self.model_ = clone(self.estimator)
        self.classes_, counts = np.unique(labels, return_counts=True)
        set_calibration(self.model_, int(counts.min()))
        if self.class_weights is None:
            self.model_.fit(features, labels)
        else:
            weights = self.class_weights
            if not isinstance(weights, str):
                weights = {code: dict(weights).get(code, 1.0) for code in self.classes_.tolist()}
            self.model_.fit(features, labels, sample_weight=compute_sample_weight(weights, labels))
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.integer[Any]]:
        """The class of the largest probability, as in the maps; the vote where the members of a vote have none."""
        if self.is_hard:
            return np.asarray(self.model_.predict(features))
        return np.asarray(self.classes_[self.model_.predict_proba(features).argmax(axis=1)])


def fit(
    spec: LearningSpec,
    features: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    *,
    polygons: NDArray[np.int64] | None = None,
    random_state: int,
    n_threads: int = 1,
    region: str | None = None,
) -> Learnt:
    """Fit a model.

    Args:
        spec: what to fit.
        features: float32 (n, n_features).
        labels: class codes 1 to 65535 (n).
        polygons: polygon of each sample (n): for grouped folds and permutation importance.
        random_state: seeds all that is drawn; the result depends on it, and not on `n_threads`.
        n_threads: threads to use.
        region: serves the messages.

    Raises:
        InputError: the samples cannot be learnt from, or the classifier refuses them.
    """
    check_learning_set(features, labels, region)
    where = f" in region {region}" if region is not None else ""
    codes = labels.astype(np.uint16)
    pipeline = _pipeline(spec, len(features), random_state, n_threads)
    scores: tuple[SearchScore, ...] = ()
    chosen: dict[str, Any] = {}
    is_parallel = kind_of(spec.classifier) == "hist_gradient_boosting"
    with _in_order(n_threads if is_parallel else 1), _explained(spec, where):
        if spec.classifier.search:
            chosen, scores = _search(spec, pipeline, features, codes, polygons, random_state)
            pipeline.set_params(**{_path(spec, name): setting for name, setting in chosen.items()})
        pipeline.fit(features, codes)
        model = _fitted(spec, pipeline, features.shape[1])
        importances = _importances(spec, chosen, model, features, codes, polygons, random_state, n_threads)
        confusion = _confusion(spec, chosen, features, codes, polygons, random_state, n_threads)
    return Learnt(
        model=model,
        chosen=chosen,
        n_samples=_counts(spec, codes),
        scores=scores,
        importances=tuple(importances),
        confusion=confusion,
    )


def _pipeline(spec: LearningSpec, n_samples: int, random_state: int, n_threads: int) -> Any:
    from imblearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    steps: list[tuple[str, Any]] = []
    if spec.augmentation is not None:
        steps.append(("augmenter", Augmenter(spec.augmentation, random_state)))
    if spec.reduction is not None:
        steps.append(("reducer", reducer(spec.reduction, n_samples)))
    if spec.classifier.is_standardized:
        steps.append(("scaler", StandardScaler()))
    estimator = build(spec.classifier, random_state=random_state, n_threads=n_threads)
    return Pipeline([*steps, ("learner", Learner(estimator, spec.class_weights, _is_hard(spec)))])


def _is_hard(spec: LearningSpec) -> bool:
    return spec.classifier.model_type == "VotingClassifier" and is_hard_vote(spec.classifier)


def _path(spec: LearningSpec, name: str) -> str:
    """The name of a parameter of the classifier within the pipeline."""
    return f"learner__estimator__{searched_name(spec.classifier, name)}"


def _search(
    spec: LearningSpec,
    pipeline: Any,
    features: NDArray[np.float32],
    labels: NDArray[np.uint16],
    polygons: NDArray[np.int64] | None,
    random_state: int,
) -> tuple[dict[str, Any], tuple[SearchScore, ...]]:
    """The best setting by mean overall accuracy over the folds (the first of equals), and the accuracy in each."""
    from sklearn.model_selection import GridSearchCV

    classifier = spec.classifier
    groups = polygons if classifier.is_grouped else None
    splits = list(folds(labels, groups, classifier.n_folds, random_state))
    grid = {
        _path(spec, name): [as_it_takes(setting, name) for setting in settings]
        for name, settings in classifier.search.items()
    }
    search = GridSearchCV(pipeline, grid, scoring="accuracy", cv=splits, refit=False, error_score="raise")
    search.fit(features, labels)
    names = {_path(spec, name): name for name in classifier.search}
    results, scores = search.cv_results_, []
    settings = [{names[path]: given for path, given in each.items()} for each in results["params"]]
    for number, setting in enumerate(settings):
        text = json.dumps(setting, sort_keys=True)
        for fold in range(len(splits)):
            score = float(results[f"split{fold}_test_score"][number])
            scores.append(SearchScore(setting=number, parameters=text, fold=fold, score=score))
    return settings[int(search.best_index_)], tuple(scores)


def folds(
    labels: NDArray[np.integer[Any]], groups: NDArray[np.int64] | None, n_folds: int, random_state: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows to fit on and rows to test on, per fold: classes in like shares, groups whole.

    Raises:
        InputError: there are fewer samples of each class, or fewer groups, than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if groups is None:
        largest = int(np.unique(labels, return_counts=True)[1].max())
        if largest < n_folds:
            raise InputError(f"{n_folds} folds need a class of as many samples; the largest has {largest}")
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    else:
        n_groups = np.unique(groups).size
        if n_groups < n_folds:
            raise InputError(f"{n_folds} folds need as many polygons; the samples are of {n_groups}")
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
    import warnings

    with warnings.catch_warnings():
        # That a class has fewer samples than there are folds: it then is missing from the tests of some.
        warnings.filterwarnings("ignore", message="The least populated class in y", category=UserWarning)
        yield from splitter.split(np.zeros(len(labels)), labels, groups)


def _fitted(spec: LearningSpec, pipeline: Any, n_features: int) -> Classifier:
    """The model alone: forests packed, everything else as scikit-learn has it; without a step nothing transforms."""
    from sklearn.pipeline import Pipeline

    learner: Learner = pipeline.named_steps["learner"]
    steps = [(name, step) for name, step in pipeline.steps[:-1] if name != "augmenter"]
    transform = Pipeline(steps) if steps else None
    kind = kind_of(spec.classifier)
    estimator: Any = learner.model_
    if kind == "hist_gradient_boosting":
        estimator._bin_mapper.n_threads = 1  # kept by scikit-learn, and no part of the model
    if kind in ("rf", "extra_trees"):
        estimator = replace(pack_forest(estimator), kind=kind)
        if transform is None:
            packed: Classifier = estimator
            return packed
    return ScikitModel(
        kind=kind,
        classes=learner.classes_.astype(np.uint16),
        n_features=n_features,
        confidence_kind=confidence_of(spec.classifier),
        transform=transform,
        estimator=estimator,
    )


def _importances(
    spec: LearningSpec,
    chosen: dict[str, Any],
    model: Classifier,
    features: NDArray[np.float32],
    labels: NDArray[np.uint16],
    polygons: NDArray[np.int64] | None,
    random_state: int,
    n_threads: int,
) -> Iterator[Importance]:
    if "impurity" in spec.importance and (found := impurity(model)) is not None:
        yield found
    if "permutation" not in spec.importance:
        return
    models = _models_of_folds(
        spec,
        chosen,
        features,
        labels,
        polygons,
        random_state,
        n_threads,
        keeps_classes=False,
    )
    found_in_folds = [
        permutation(
            of_fold,
            features[test],
            labels[test],
            n_repeats=spec.n_repeats,
            random_state=random_state + fold,
            n_threads=n_threads,
        )
        for fold, (of_fold, test) in enumerate(models)
    ]
    yield mean_over_folds(found_in_folds)


def _confusion(
    spec: LearningSpec,
    chosen: dict[str, Any],
    features: NDArray[np.float32],
    labels: NDArray[np.uint16],
    polygons: NDArray[np.int64] | None,
    random_state: int,
    n_threads: int,
) -> tuple[tuple[int, int, int], ...]:
    """What models fitted on all folds but one say of the samples of that one, polygons whole.

    A class of one polygon is not tested: models fitted without it would call it something else, which says nothing of
    one that knows it.
    """
    if not spec.is_cross_validated:
        return ()
    found: Counter[tuple[int, int]] = Counter()
    for of_fold, test in _models_of_folds(
        spec,
        chosen,
        features,
        labels,
        polygons,
        random_state,
        n_threads,
        keeps_classes=True,
    ):
        predicted, _ = of_fold.predict(features[test], n_threads=n_threads)
        found.update(zip(labels[test].tolist(), predicted.tolist(), strict=True))
    return tuple((reference, code, n) for (reference, code), n in sorted(found.items()))


def _models_of_folds(
    spec: LearningSpec,
    chosen: dict[str, Any],
    features: NDArray[np.float32],
    labels: NDArray[np.uint16],
    polygons: NDArray[np.int64] | None,
    random_state: int,
    n_threads: int,
    *,
    keeps_classes: bool,
) -> Iterator[tuple[Classifier, NDArray[np.intp]]]:
    """Per fold a model fitted on the others, and the rows of the fold that it is tested on.

    With `keeps_classes` samples of a class that all the others lack are fitted on, and not tested; a fold without any
    left is passed over.
    """
    n_groups = np.unique(polygons).size if polygons is not None else len(labels)
    for learn, test in folds(labels, polygons, min(spec.classifier.n_folds, n_groups), random_state):
        if keeps_classes:
            is_known = np.isin(labels[test], labels[learn])
            learn, test = np.sort(np.concatenate([learn, test[~is_known]])), test[is_known]
            if not test.size:
                continue
        elif np.unique(labels[learn]).size < 2:
            raise InputError(
                "permutation importance needs models of the polygons of all folds but one, and there is a single class "
                "in these",
                hint="there are too few polygons for it: leave permutation out of arg_train.feature_importance",
            )
        pipeline = _pipeline(spec, len(learn), random_state, n_threads)
        pipeline.set_params(**{_path(spec, name): setting for name, setting in chosen.items()})
        pipeline.fit(features[learn], labels[learn])
        yield _fitted(spec, pipeline, features.shape[1]), test


def _counts(spec: LearningSpec, labels: NDArray[np.uint16]) -> tuple[tuple[int, int], ...]:
    from i2db.learn.augmentation import n_to_add

    codes, counts = np.unique(labels, return_counts=True)
    sizes = dict(zip(codes.tolist(), counts.tolist(), strict=True))
    added = n_to_add(spec.augmentation, sizes) if spec.augmentation is not None else {}
    return tuple((code, n + added.get(code, 0)) for code, n in sizes.items())


@contextmanager
def _in_order(n_threads: int) -> Iterator[None]:
    """Matrix products in one thread, whose sums are then always added in the same order; OpenMP in `n_threads`."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), threadpool_limits(n_threads, user_api="openmp"):
        yield


@contextmanager
def _explained(spec: LearningSpec, where: str) -> Iterator[None]:
    """What scikit-learn refuses, as an error that says which model it was; its warnings are no errors."""
    import warnings

    try:
        # Recorded, and so kept from the terminal: scikit-learn's threads undo each other's filters.
        with warnings.catch_warnings(record=True):
            warnings.filterwarnings("ignore", module="sklearn")
            yield
    except InputError:
        raise
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        text = " ".join(str(error).split())
        raise InputError(
            f"{spec.classifier.model_type} cannot learn from the samples{where}: {text}",
            hint="see its parameters in scikit_models_parameters, and the samples per class in class_statistics",
        ) from error
