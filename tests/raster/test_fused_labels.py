"""Agreement by hand; several models as one; evidence combined pixel by pixel and by columns that occur."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from i2db.raster.fusion import agreement, dempster_shafer
from i2db.stages.ensemble import Ensemble, Member, Rule
from i2db.stages.model_files import beliefs_of


def test_agreement_by_hand() -> None:
    labels = np.array([[1, 1, 0, 0, 1], [1, 2, 2, 0, 2], [2, 3, 0, 0, 0]])
    confidences = np.array([[0.9, 0.5, 0, 0, 0.6], [0.7, 0.8, 0.4, 0, 0.6], [0.6, 0.3, 0, 0, 0]], dtype=np.float32)
    fused = np.array([1, 2, 2, 0, 255])
    expected = [(0.9 + 0.7 + 0.4) / 3, (0.5 + 0.8 + 0.7) / 3, 0.4, 0, 0]
    np.testing.assert_allclose(agreement(labels, confidences, fused), expected, rtol=1e-6)


def test_evidence_is_that_of_each_pixel_alone() -> None:
    """Pixels with the same labels are decided once: as if each were decided alone."""
    believed = [{1: 0.8, 2: 0.4, 3: 0.7}, {1: 0.3, 2: 0.9}, {1: 0.5, 2: 0.5, 3: 0.2}]
    combinations = np.array(list(itertools.product([0, 1, 2, 3], repeat=3)), dtype=np.uint16).T
    rng = np.random.default_rng(0)
    order = rng.integers(0, combinations.shape[1], 5000)
    pixels = combinations[:, order].reshape(3, 50, 100)
    alone = np.array([dempster_shafer(column[:, np.newaxis], believed, undecided=9)[0] for column in combinations.T])
    assert np.array_equal(dempster_shafer(pixels, believed, undecided=9), alone[order].reshape(50, 100))


def test_masses_of_belief() -> None:
    cells = [(1, 1, 8), (1, 2, 2), (2, 2, 6), (2, 1, 2), (3, 1, 2)]
    assert dict(beliefs_of(cells, "precision")) == {1: 8 / 12, 2: 6 / 8, 3: 0.0}
    assert dict(beliefs_of(cells, "recall")) == {1: 0.8, 2: 0.75, 3: 0.0}
    assert dict(beliefs_of(cells, "accuracy")) == dict.fromkeys((1, 2, 3), 14 / 20)
    worse_than_chance = [(1, 2, 5), (2, 1, 5)]
    assert dict(beliefs_of(worse_than_chance, "kappa")) == {1: 0.0, 2: 0.0}
    assert beliefs_of([], "precision", [1, 2]) == ()


def test_a_label_that_nothing_tests_is_believed_as_the_others() -> None:
    """A class whose one polygon learns: that all runs agree on it must not come to nothing."""
    cells = [(1, 1, 8), (1, 3, 2), (2, 2, 6), (2, 1, 2)]
    mean = (8 / 10 + 1) / 2
    assert dict(beliefs_of(cells, "precision", [1, 2, 3, 4])) == {1: 8 / 10, 2: 1.0, 3: mean, 4: mean}


class Known:
    """A model whose probabilities are told, one row per pixel; it looks at its features' first column."""

    kind = "known"
    confidence_kind = "told"

    def __init__(self, classes: list[int], probability: list[list[float]]) -> None:
        self.classes = np.array(classes, dtype=np.uint16)
        self.probability = np.array(probability)
        self.seen: list[NDArray[np.float32]] = []

    @property
    def n_features(self) -> int:
        return 1

    def predict(
        self, features: NDArray[np.float32], *, n_threads: int = 1
    ) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        probability = self.predict_proba(features)
        return self.classes[probability.argmax(axis=1)], probability.max(axis=1).astype(np.float32)

    def predict_proba(self, features: NDArray[np.float32], *, n_threads: int = 1) -> NDArray[np.float64]:
        self.seen.append(features)
        return self.probability


#: Pixels: all agree, two against one, all differ (the second is surest).
FIRST = Known([1, 2, 3], [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.5, 0.3, 0.2]])
SECOND = Known([1, 2], [[0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
THIRD = Known([1, 2, 3], [[0.9, 0.0, 0.1], [0.1, 0.8, 0.1], [0.2, 0.1, 0.7]])
FEATURES = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.mark.parametrize(("undecided", "third"), [("maxConfidence", 2), ("learningPriority", 1)])
def test_models_vote(undecided: str, third: int) -> None:
    members = [Member(model=FIRST), Member(model=SECOND, columns=(1,)), Member(model=THIRD)]
    answer = Ensemble(members=members, rule=Rule(undecided=undecided)).predict(FEATURES, class_codes=[1, 2, 3])
    assert answer.label.tolist() == [1, 2, third]
    confidences = {2: (0.5 + 0.9 + 0.3) / 3, 1: (0.5 + 0.1 + 0.3) / 3}
    expected = [(0.8 + 0.7 + 0.9) / 3, (0.4 + 0.8 + 0.8) / 3, confidences[third]]
    np.testing.assert_allclose(answer.confidence, expected, rtol=1e-6)
    # A class that a model does not know has probability 0 there.
    np.testing.assert_allclose(answer.probability[2], [(0.5 + 0.1 + 0.2) / 3, 1.3 / 3, (0.2 + 0 + 0.7) / 3])
    np.testing.assert_array_equal(SECOND.seen[-1], FEATURES[:, 1:])


def test_a_sure_witness_outweighs_two() -> None:
    beliefs = [{1: 0.2, 2: 0.2, 3: 0.2}, {1: 0.95, 2: 0.95}, {1: 0.2, 2: 0.2, 3: 0.2}]
    two_against_one = (
        Known([1, 2, 3], [[0.1, 0.1, 0.8]]),
        Known([1, 2], [[0.9, 0.1]]),
        Known([1, 2, 3], [[0, 0.2, 0.8]]),
    )
    members = [Member(model=model, beliefs=mass) for model, mass in zip(two_against_one, beliefs, strict=True)]
    one = FEATURES[:1]
    assert Ensemble(members=members).predict(one).label.tolist() == [3]
    assert Ensemble(members=members, rule=Rule(method="dempstershafer")).predict(one).label.tolist() == [1]


def test_a_model_alone_is_itself() -> None:
    answer = Ensemble(members=[Member(model=FIRST)]).predict(FEATURES)
    assert (answer.label.tolist(), answer.probability) == ([1, 1, 1], None)
    np.testing.assert_allclose(answer.confidence, [0.8, 0.6, 0.5], rtol=1e-6)


def test_many_that_are_nearly_certain_can_be_combined() -> None:
    sure, surer = {1: 1 - 1e-7, 2: 1 - 1e-9}, {1: 1 - 1e-9, 2: 1 - 1e-7}
    said = np.array([[1], [1], [1], [1], [2], [2], [2], [2]], dtype=np.uint16)
    assert dempster_shafer(said, [sure] * 8, undecided=9).tolist() == [2]
    assert dempster_shafer(said, [surer] * 8, undecided=9).tolist() == [1]
    # As much for the one as for the other, whoever comes first.
    masses = [0.9999, 0.7, 0.99, 0.99, 0.9999, 0.7]
    even = np.array([[1], [1], [1], [2], [2], [2]], dtype=np.uint16)
    assert dempster_shafer(even, [{1: mass, 2: mass} for mass in masses], undecided=9).tolist() == [9]
