from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from i2db.errors import ContractError, InputError
from i2db.learn.fitting import fit
from i2db.learn.forest import Forest, check_forest, pack_forest
from i2db.learn.packing import floor_to_float32, sort_keys
from i2db.learn.specification import ClassifierSpec, LearningSpec

Samples = tuple[NDArray[np.float32], NDArray[np.int64]]


def samples(
    n: int = 600, n_features: int = 20, codes: tuple[int, ...] = (3, 11, 40_000, 255), seed: int = 0
) -> Samples:
    generator = np.random.default_rng(seed)
    labels = generator.choice(codes, n)
    signal = np.searchsorted(np.sort(codes), labels)[:, None] * np.linspace(0, 1, n_features)
    return (signal + generator.normal(0, 1, (n, n_features))).astype(np.float32), labels


@pytest.fixture(scope="module")
def model() -> Any:
    features, labels = samples()
    return RandomForestClassifier(25, max_depth=12, min_samples_split=6, random_state=1).fit(features, labels)


@pytest.mark.parametrize("is_wide", [False, True])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 128, 129, 1000])
def test_equals_scikit_learn_to_the_last_bit(model: Any, is_wide: bool, n: int) -> None:
    forest = pack_forest(model, is_wide=is_wide)
    pixels = samples(max(n, 1), seed=2)[0][:n]
    expected = model.predict_proba(pixels) if n else np.empty((0, 4))
    labels, confidence = forest.predict(pixels)
    np.testing.assert_array_equal(forest.predict_proba(pixels), expected)
    np.testing.assert_array_equal(labels, model.classes_[expected.argmax(axis=1)])
    np.testing.assert_array_equal(confidence, expected.max(axis=1, initial=0).astype(np.float32))
    assert labels.dtype == np.uint16
    assert forest.is_wide is is_wide


@pytest.mark.parametrize("n_threads", [2, 3, 50])
def test_threads_and_memory_order_change_nothing(model: Any, n_threads: int) -> None:
    forest = pack_forest(model)
    pixels = samples(777, seed=3)[0]
    labels, confidence = forest.predict(pixels)
    padded = np.zeros((777, 40), np.float32)
    padded[:, ::2] = pixels
    for array in (pixels, np.asfortranarray(pixels), padded[:, ::2]):
        other_labels, other_confidence = forest.predict(array, n_threads=n_threads)
        np.testing.assert_array_equal(other_labels, labels)
        np.testing.assert_array_equal(other_confidence, confidence)
    np.testing.assert_array_equal(forest.predict(pixels[::-1])[0], labels[::-1])


def test_pixels_on_thresholds_go_the_way_they_go_in_scikit_learn(model: Any) -> None:
    """Thresholds themselves, their float32 neighbours, both zeros and the extremes as features."""
    tree = model.estimators_[0].tree_
    near = tree.threshold[tree.feature >= 0].astype(np.float32)
    values = np.concatenate([near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))])
    values = np.concatenate([values, np.array([0.0, -0.0, 1e30, -1e30, 1e-45, -1e-45], np.float32)])
    pixels = np.random.default_rng(4).choice(values, (2000, 20)).astype(np.float32)
    np.testing.assert_array_equal(pack_forest(model).predict_proba(pixels), model.predict_proba(pixels))


@given(arrays_of.arrays(np.float32, 30, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_sort_keys_keep_the_order(values: NDArray[np.float32]) -> None:
    keys = sort_keys(values).astype(np.int64)
    smaller = values[:, None] < values[None, :]
    assert (keys[:, None] < keys[None, :])[smaller].all()
    assert keys.max() < 0x7F800000


@given(st.floats(-3e38, 3e38), st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_rounded_thresholds_decide_alike(threshold: float, value: float) -> None:
    rounded = floor_to_float32(np.array([threshold]))
    assert (value > float(rounded[0])) == (value > threshold)
    keys = sort_keys(np.array([value], np.float32)), sort_keys(rounded)
    assert (keys[0][0] > keys[1][0]) == (value > threshold)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([None, 1, 2, 25]), st.integers(2, 5))
def test_any_forest_equals_scikit_learn(seed: int, n_trees: int, max_depth: int | None, n_classes: int) -> None:
    """Few distinct values: many ties between features, thresholds and classes."""
    generator = np.random.default_rng(seed)
    features = generator.integers(-2, 3, (60, 4)).astype(np.float32)
    labels = np.arange(60) % n_classes + 1
    fitted = RandomForestClassifier(n_trees, max_depth=max_depth, random_state=seed).fit(features, labels)
    for is_wide in (False, True):
        forest = pack_forest(fitted, is_wide=is_wide)
        np.testing.assert_array_equal(forest.predict_proba(features), fitted.predict_proba(features))
        np.testing.assert_array_equal(forest.predict(features)[0], fitted.predict(features))
        assert check_forest(forest) == []


def test_a_tree_with_too_many_nodes_is_packed_wide() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(80_000, 2)).astype(np.float32)
    labels = generator.integers(1, 6, 80_000)
    fitted = RandomForestClassifier(1, random_state=0, bootstrap=False).fit(features, labels)
    forest = pack_forest(fitted)
    assert fitted.estimators_[0].tree_.node_count > 65_536
    assert forest.is_wide
    assert forest.n_nodes == fitted.estimators_[0].tree_.node_count
    np.testing.assert_array_equal(forest.predict(features)[0], labels)


def test_too_many_features_are_packed_wide() -> None:
    features = np.zeros((40, 65_600), np.float32)
    labels = np.arange(40) % 2 + 1
    features[:, 65_599] = labels
    forest = pack_forest(RandomForestClassifier(3, max_features=None, random_state=0).fit(features, labels))
    assert forest.is_wide
    np.testing.assert_array_equal(forest.predict(features)[0], labels)


def test_a_learnt_forest_is_scikit_learns_whatever_the_number_of_threads() -> None:
    features, labels = samples(300)
    spec = LearningSpec(classifier=ClassifierSpec(parameters={"n_estimators": 7, "max_depth": 25}))
    one, two, other = (
        fit(spec, features, labels, random_state=seed, n_threads=n).model for seed, n in ((3, 1), (3, 2), (4, 1))
    )
    assert isinstance(one, Forest)
    assert isinstance(other, Forest)
    for name in ("classes", "nodes", "offsets", "leaf_values", "importances"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    fitted = RandomForestClassifier(7, max_depth=25, random_state=3).fit(features, labels)
    np.testing.assert_array_equal(one.predict_proba(features), fitted.predict_proba(features))
    np.testing.assert_array_equal(one.importances, fitted.feature_importances_)
    assert one.classes.tolist() == [3, 11, 255, 40_000]
    assert one.confidence_kind == "mean leaf probability"
    assert (one.n_features, one.n_trees) == (20, 7)
    assert other.nodes.tobytes() != one.nodes.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite_are_refused_by_index(model: Any, value: float) -> None:
    pixels = samples(300)[0]
    pixels[299, 17] = value
    with pytest.raises(InputError, match=f"feature 17 of row 299 is {value}"):
        pack_forest(model).predict(pixels, n_threads=2)
    with pytest.raises(InputError, match=r"cannot learn in region 4: feature 17 of row 299"):
        fit(LearningSpec(), pixels, samples(300)[1], random_state=0, region="4")


@pytest.mark.parametrize("array", [np.zeros((4, 19), np.float32), np.zeros((4, 20)), np.zeros(20, np.float32)])
def test_features_of_another_shape_or_type_are_refused(model: Any, array: NDArray[np.float32]) -> None:
    with pytest.raises(ContractError, match=r"float32 features of shape \(n, 20\)"):
        pack_forest(model).predict(array)


def test_what_cannot_be_learnt_says_why() -> None:
    features, labels = samples(30)
    with pytest.raises(InputError, match=r"all 30 samples in region 2 are of class 11"):
        fit(LearningSpec(), features, np.full(30, 11), random_state=0, region="2")
    with pytest.raises(InputError, match="nothing to learn from in region north"):
        fit(LearningSpec(), features[:0], labels[:0], random_state=0, region="north")
    for code in (0, -3, 65_536):
        with pytest.raises(InputError, match=f"class code {code}"):
            fit(LearningSpec(), features, np.where(labels == 3, code, labels), random_state=0)
    with pytest.raises(ContractError, match="n labels"):
        fit(LearningSpec(), features, labels[:-1], random_state=0)


@pytest.mark.parametrize("is_wide", [False, True])
def test_a_forest_that_would_walk_out_of_its_arrays_is_found(model: Any, is_wide: bool) -> None:
    good = pack_forest(model, is_wide=is_wide)
    assert check_forest(good) == []

    def spoilt(**changes: Any) -> list[str]:
        values = {name: getattr(good, name) for name in ("classes", "nodes", "offsets", "leaf_values", "importances")}
        return check_forest(Forest(is_wide=is_wide, **values | changes))

    assert spoilt(importances=good.importances[:2]) == ["a feature beyond the last"]
    assert spoilt(leaf_values=good.leaf_values[:1]) == ["a leaf without values"]
    assert spoilt(offsets=good.offsets[:-1]) == ["tree offsets do not cut the nodes"]
    assert "classes are not ascending" in spoilt(classes=good.classes[::-1])
    nodes = good.nodes.copy()
    nodes[1 if is_wide else 0] &= ~np.int64(0xFFFF)  # the root's left child becomes the root: an endless walk
    assert spoilt(nodes=nodes) == ["a node that points upwards"]
