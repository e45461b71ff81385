"""Models fitted through i2db against scikit-learn used directly, on the same samples with the same parameters."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.inspection import permutation_importance
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from i2db.errors import ContractError, InputError
from i2db.learn import estimator_file
from i2db.learn.catalogue import MODEL_TYPES, build
from i2db.learn.fitting import Learnt, fit, folds
from i2db.learn.forest import Forest, pack_forest
from i2db.learn.importance import mean_over_folds, permutation
from i2db.learn.model import load_model, model_card, save_model
from i2db.learn.reduction import FeatureKey, reduction_of
from i2db.learn.scikit import BLOCK, ScikitModel
from i2db.learn.specification import Augmentation, ClassifierSpec, LearningSpec

SEED = 11
#: Few members and iterations: what the tests need, fast.
SMALL: dict[str, dict[str, Any]] = {
    "RandomForestClassifier": {"n_estimators": 5},
    "ExtraTreesClassifier": {"n_estimators": 5},
    "AdaBoostClassifier": {"n_estimators": 5, "estimator": {"model_type": "DecisionTreeClassifier", "max_depth": 2}},
    "BaggingClassifier": {"n_estimators": 4},
    "GradientBoostingClassifier": {"n_estimators": 4, "subsample": 0.8},
    "HistGradientBoostingClassifier": {"max_iter": 5},
    "VotingClassifier": {"estimators": {"Tree": "DecisionTreeClassifier", "bayes": "GaussianNB"}},
    "MLPClassifier": {"hidden_layer_sizes": [6], "max_iter": 30},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
}


def samples(n: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Three classes that overlap, in six features of different scales."""
    generator = np.random.default_rng(seed)
    labels = generator.choice([5, 11, 300], n, p=[0.5, 0.3, 0.2]).astype(np.int32)
    shift = np.searchsorted([5, 11, 300], labels)[:, None] * np.array([1.5, 1.0, 0.5, 0.0, 0.0, -1.0])
    features = (generator.normal(size=(n, 6)) + shift) * [1, 10, 100, 1, 1, 1000] + 50
    return features.astype(np.float32), labels


FEATURES, LABELS = samples(240)
PIXELS = samples(500, seed=1)[0]
NAMES = tuple(f"f{i}" for i in range(6))


def learnt(model_type: str, parameters: dict[str, Any] | None = None, **options: Any) -> Learnt:
    of_spec = {
        key: options.pop(key) for key in ("search", "n_folds", "is_grouped", "is_standardized") if key in options
    }
    polygons, n_threads = options.pop("polygons", None), options.pop("n_threads", 1)
    given = SMALL.get(model_type, {}) if parameters is None else parameters
    spec = LearningSpec(classifier=ClassifierSpec(model_type=model_type, parameters=given, **of_spec), **options)
    return fit(spec, FEATURES, LABELS, polygons=polygons, random_state=SEED, n_threads=n_threads)


DIRECT: dict[str, Any] = {
    "RandomForestClassifier": RandomForestClassifier(5, random_state=SEED),
    "ExtraTreesClassifier": ExtraTreesClassifier(5, random_state=SEED),
    "AdaBoostClassifier": AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=5, random_state=SEED),
    "BaggingClassifier": BaggingClassifier(n_estimators=4, random_state=SEED),
    "GradientBoostingClassifier": GradientBoostingClassifier(n_estimators=4, subsample=0.8, random_state=SEED),
    "HistGradientBoostingClassifier": HistGradientBoostingClassifier(max_iter=5, random_state=SEED),
    "VotingClassifier": VotingClassifier(
        [("tree", DecisionTreeClassifier(random_state=SEED)), ("bayes", GaussianNB())], voting="soft"
    ),
    "KNeighborsClassifier": KNeighborsClassifier(),
    "SVC": CalibratedClassifierCV(SVC(), ensemble=False, cv=5),
}


@pytest.mark.parametrize("model_type", DIRECT)
def test_a_model_is_scikit_learns(model_type: str) -> None:
    direct = DIRECT[model_type].fit(FEATURES, LABELS)
    model = learnt(model_type).model
    np.testing.assert_allclose(model.predict_proba(PIXELS), direct.predict_proba(PIXELS), rtol=1e-12, atol=1e-12)
    labels, confidence = model.predict(PIXELS)
    np.testing.assert_array_equal(labels, direct.predict(PIXELS))
    np.testing.assert_allclose(confidence, direct.predict_proba(PIXELS).max(axis=1), rtol=1e-6)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_every_model_is_saved_whole_and_equal(tmp_path: Path, model_type: str) -> None:
    standardized = {"is_standardized": model_type in ("SVC", "MLPClassifier")}
    models = [learnt(model_type, **standardized, n_threads=n_threads) for n_threads in (1, 2)]
    for i, one in enumerate(models):
        card = model_card(
            one.model,
            run=0,
            region="1",
            features=NAMES,
            class_names={5: "a", 11: "b", 300: "c"},
            parameters={"model_type": model_type, **SMALL.get(model_type, {})},
            n_samples=dict(one.n_samples),
        )
        save_model(tmp_path / str(i), one.model, card)
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "01"]
    assert files[0] == files[1], "threads, or the time, change the bytes of a model"
    loaded, loaded_card = load_model(tmp_path / "0")
    assert loaded_card.kind == loaded.kind == MODEL_TYPES[model_type].kind
    assert loaded_card.confidence_kind == loaded.confidence_kind == MODEL_TYPES[model_type].confidence
    expected = models[0].model.predict_proba(PIXELS)
    np.testing.assert_array_equal(loaded.predict_proba(PIXELS), expected)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
    assert loaded.predict(PIXELS)[1].max() <= 1


@pytest.mark.parametrize("model_type", [name for name in MODEL_TYPES if "Forest" not in name and "Extra" not in name])
def test_a_pixel_does_not_depend_on_its_neighbours_nor_on_threads(model_type: str) -> None:
    features = [FeatureKey(name, "s", "b", None) for name in NAMES]
    reduction = reduction_of(features, "global", 3)
    model = learnt(model_type, is_standardized=True, reduction=reduction).model
    pixels = samples(2 * BLOCK + 77, seed=2)[0]
    whole = model.predict_proba(pixels, n_threads=3)
    cuts = [0, 1, 700, BLOCK + 5, len(pixels)]
    pieces = [model.predict_proba(pixels[a:b]) for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    labels, confidence = model.predict(pixels[::-1])
    np.testing.assert_array_equal(labels[::-1], model.classes[whole.argmax(axis=1)])
    np.testing.assert_array_equal(confidence[::-1], np.minimum(whole.max(axis=1), 1).astype(np.float32))
    assert model.predict(pixels[:0])[0].shape == (0,)


def test_a_transformed_forest_is_packed_and_equals_scikit_learns_pipeline(tmp_path: Path) -> None:
    found = learnt("RandomForestClassifier", is_standardized=True)
    assert isinstance(found.model, ScikitModel)
    assert isinstance(found.model.estimator, Forest)
    direct = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=SEED)).fit(FEATURES, LABELS)
    np.testing.assert_array_equal(found.model.predict(PIXELS)[0], direct.predict(PIXELS))
    card = model_card(
        found.model, run=0, region="1", features=NAMES, class_names={5: "a", 11: "b", 300: "c"}, parameters={},
        n_samples=dict(found.n_samples),
    )  # fmt: skip
    save_model(tmp_path / "m", found.model, card)
    assert {path.name for path in (tmp_path / "m").iterdir()} == {"card.json", "forest.npz", "transform.skops"}
    np.testing.assert_array_equal(
        load_model(tmp_path / "m")[0].predict_proba(PIXELS), found.model.predict_proba(PIXELS)
    )
    damaged = bytearray((tmp_path / "m" / "transform.skops").read_bytes())
    damaged[100] ^= 1
    (tmp_path / "m" / "transform.skops").write_bytes(damaged)
    with pytest.raises(ContractError, match=r"transform\.skops is not what its card says"):
        load_model(tmp_path / "m")


def test_votes_by_label_are_shares() -> None:
    members = {"a": "GaussianNB", "b": "KNeighborsClassifier", "c": "DecisionTreeClassifier"}
    model = learnt("VotingClassifier", {"estimators": members, "voting": "hard", "weights": [2, 1, 1]}).model
    votes = np.stack(
        [each.fit(FEATURES, LABELS).predict(PIXELS) for each in (
            GaussianNB(), KNeighborsClassifier(), DecisionTreeClassifier(random_state=SEED)
        )]
    )  # fmt: skip
    shares = np.stack([(votes == code).T @ [0.5, 0.25, 0.25] for code in (5, 11, 300)], axis=1)
    np.testing.assert_allclose(model.predict_proba(PIXELS), shares)
    assert model.confidence_kind == "share of the members' votes"


def test_the_label_of_an_svc_is_that_of_its_probability() -> None:
    plain = SVC(C=3).fit(FEATURES, LABELS).predict(PIXELS)
    labels, _ = learnt("SVC", {"C": 3}).model.predict(PIXELS)
    assert 0.9 < (labels == plain).mean() <= 1


def test_weights_of_classes_are_those_of_class_weight() -> None:
    balanced = RandomForestClassifier(5, class_weight="balanced", random_state=SEED).fit(FEATURES, LABELS)
    found = learnt("RandomForestClassifier", class_weights="balanced").model
    np.testing.assert_allclose(found.predict_proba(PIXELS), balanced.predict_proba(PIXELS), atol=1e-12)
    weights = np.where(LABELS == 11, 4.0, 1.0)
    direct = CalibratedClassifierCV(SVC(), ensemble=False, cv=5).fit(FEATURES, LABELS, sample_weight=weights)
    weighted = learnt("SVC", class_weights=((11, 4.0),)).model
    np.testing.assert_allclose(weighted.predict_proba(PIXELS), direct.predict_proba(PIXELS), atol=1e-9)
    assert (weighted.predict(PIXELS)[0] == 11).sum() > (learnt("SVC").model.predict(PIXELS)[0] == 11).sum()


def test_class_weight_of_a_configuration_has_texts_for_codes() -> None:
    weights = {5: 1.0, 11: 4.0, 300: 0.5}
    direct = RandomForestClassifier(5, random_state=SEED, class_weight=weights).fit(FEATURES, LABELS)
    given = {"n_estimators": 5, "class_weight": {str(code): weight for code, weight in weights.items()}}
    model = learnt("RandomForestClassifier", given).model
    np.testing.assert_allclose(model.predict_proba(PIXELS), direct.predict_proba(PIXELS), rtol=1e-12, atol=1e-12)
    found = learnt("RandomForestClassifier", {"n_estimators": 5}, search={"class_weight": [given["class_weight"]]})
    np.testing.assert_array_equal(found.model.predict_proba(PIXELS), model.predict_proba(PIXELS))


def test_the_search_is_scikit_learns_on_folds_of_whole_polygons() -> None:
    polygons = np.arange(len(LABELS), dtype=np.int64) // 6
    search = {"max_depth": [1, 4], "criterion": ["gini", "entropy"]}
    found = learnt("DecisionTreeClassifier", search=search, is_grouped=True, n_folds=3, polygons=polygons)
    splits = list(folds(LABELS, polygons, 3, SEED))
    for learn, test in splits:
        assert set(polygons[learn]).isdisjoint(polygons[test])
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(len(LABELS)))
    means = {}
    for score in found.scores:
        setting = json.loads(score.parameters)
        direct = cross_val_score(
            DecisionTreeClassifier(random_state=SEED, **setting), FEATURES, LABELS.astype(np.uint16), cv=splits
        )
        assert score.score == pytest.approx(direct[score.fold])
        means[score.setting] = (direct.mean(), setting)
    assert len(found.scores) == 4 * 3
    assert found.chosen == max(means.items(), key=lambda item: (item[1][0], -item[0]))[1][1]
    best = DecisionTreeClassifier(random_state=SEED, **found.chosen).fit(FEATURES, LABELS)
    np.testing.assert_array_equal(found.model.predict(PIXELS)[0], best.predict(PIXELS))


def test_scaling_and_augmentation_are_fitted_inside_the_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = StandardScaler.fit

    def noted(self: StandardScaler, features: Any, *rest: Any, **options: Any) -> Any:
        seen.append(len(features))
        return real(self, features, *rest, **options)

    monkeypatch.setattr(StandardScaler, "fit", noted)
    largest = int(np.unique(LABELS, return_counts=True)[1].max())
    learnt(
        "SVC",
        search={"C": [1.0]},
        n_folds=2,
        is_standardized=True,
        augmentation=Augmentation(method="replicate", target="balance"),
    )
    assert len(seen) == 3  # two folds and the fit
    assert seen[-1] == 3 * largest
    assert all(size < 2 * largest for size in seen[:-1]), "a fold saw samples of the others"


def test_importance_by_permutation_is_scikit_learns() -> None:
    direct = RandomForestClassifier(5, random_state=SEED).fit(FEATURES, LABELS.astype(np.uint16))
    unseen, truth = samples(150, seed=5)
    expected = permutation_importance(direct, unseen, truth, n_repeats=3, random_state=4)
    found = mean_over_folds([permutation(pack_forest(direct), unseen, truth, n_repeats=3, random_state=4)])
    np.testing.assert_allclose(found.values, expected.importances_mean, atol=1e-12)
    np.testing.assert_allclose(found.deviations, expected.importances_std, atol=1e-12)
    assert found.n_samples == 150


def test_importance_is_measured_on_polygons_that_did_not_learn() -> None:
    polygons = np.arange(len(LABELS), dtype=np.int64) // 6
    found = learnt(
        "ExtraTreesClassifier",
        importance=("impurity", "permutation"),
        n_repeats=2,
        n_folds=3,
        polygons=polygons,
    )
    by_impurity, by_permutation = found.importances
    assert by_impurity.values.sum() == pytest.approx(1)
    total, losses = len(LABELS), np.zeros(6)
    for fold, (learn, test) in enumerate(folds(LABELS, polygons, 3, SEED)):
        forest = ExtraTreesClassifier(5, random_state=SEED).fit(FEATURES[learn], LABELS[learn])
        one = permutation_importance(forest, FEATURES[test], LABELS[test], n_repeats=2, random_state=SEED + fold)
        losses += one.importances_mean * len(test) / total
    np.testing.assert_allclose(by_permutation.values, losses, atol=1e-12)
    assert by_permutation.n_samples == total
    assert by_permutation.values[:3].sum() > by_permutation.values[3:5].sum()
    assert learnt("GaussianNB", importance=("impurity",)).importances == ()


def test_a_class_of_one_polygon_is_not_put_to_the_test() -> None:
    """Left out it would be called something else, and never be believed."""
    polygons = np.where(LABELS == 5, 0, np.where(LABELS == 11, 1, 2) + np.arange(len(LABELS)) % 4 * 2).astype(np.int64)
    confusion = learnt("ExtraTreesClassifier", n_folds=3, polygons=polygons, is_cross_validated=True).confusion
    for code in (11, 300):
        of_class = {predicted: n for reference, predicted, n in confusion if reference == code}
        assert sum(of_class.values()) == np.count_nonzero(code == LABELS)
        assert of_class[code] > 0
    assert not any(reference == 5 for reference, _, _ in confusion)
    assert any(predicted == 5 for _, predicted, _ in confusion)
    lone = np.searchsorted([5, 11, 300], LABELS).astype(np.int64)
    assert learnt("ExtraTreesClassifier", polygons=lone, is_cross_validated=True).confusion == ()


def test_components_have_no_impurity_of_features_but_permutation() -> None:
    features = [FeatureKey(name, "s", "b", None) for name in NAMES]
    found = learnt(
        "RandomForestClassifier",
        reduction=reduction_of(features, "global", 2),
        importance=("impurity", "permutation"),
        n_repeats=1,
        n_folds=2,
    )
    assert [(each.method, each.values.size) for each in found.importances] == [("permutation", 6)]


def test_what_a_classifier_refuses_is_told_by_its_name() -> None:
    spec = LearningSpec(classifier=ClassifierSpec(model_type="MLPClassifier", parameters={"batch_size": "many"}))
    with pytest.raises(InputError, match="MLPClassifier cannot learn from the samples in region 7"):
        fit(spec, FEATURES, LABELS, random_state=0, region="7")
    alone = np.where(np.arange(len(LABELS)) == 0, 9, LABELS)
    with pytest.raises(InputError, match="a class has one sample: the probabilities of an SVC need two"):
        fit(LearningSpec(classifier=ClassifierSpec(model_type="SVC")), FEATURES, alone, random_state=0)
    polygons = (np.arange(len(LABELS)) > 9).astype(np.int64)
    with pytest.raises(InputError, match="5 folds need as many polygons; the samples are of 2"):
        learnt("GaussianNB", search={"var_smoothing": [1e-9]}, is_grouped=True, polygons=polygons)
    pixels, model = PIXELS.copy(), learnt("GaussianNB").model
    pixels[2, 3] = np.nan
    with pytest.raises(InputError, match=r"feature 3 of row 2 is nan"):
        model.predict(pixels)


def test_only_listed_types_are_saved_and_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = build(ClassifierSpec(model_type="DecisionTreeClassifier"), random_state=0).fit(FEATURES, LABELS)
    content = estimator_file.to_bytes(tree)
    monkeypatch.setattr(estimator_file, "TRUSTED", ())
    for use in (lambda: estimator_file.to_bytes(tree), lambda: estimator_file.from_bytes(content)):
        with pytest.raises(ContractError, match=r"sklearn\.tree\._tree\.Tree is not among the types"):
            use()
