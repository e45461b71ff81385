"""Added samples: how many (iota2's own example), and what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.learn.augmentation import augment, n_to_add
from i2db.learn.specification import Augmentation

SIZES = {51: 147, 11: 76, 12: 37, 42: 19}
WANTED = ((11, 70), (12, 38), (42, 30), (51, 180))


def samples() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    labels = np.repeat([11, 12, 42, 51], [76, 37, 19, 147]).astype(np.int32)
    features = np.random.default_rng(0).normal(size=(len(labels), 3)) * [1, 5, 0] + labels[:, None]
    return features.astype(np.float32), labels


@pytest.mark.parametrize(
    ("augmentation", "added"),
    [
        (Augmentation(method="smote", target="balance"), {42: 128, 11: 71, 12: 110}),
        (Augmentation(method="smote", target="minNumber", minimum=120), {42: 101, 11: 44, 12: 83}),
        (Augmentation(method="smote", target="byClass", wanted=WANTED), {51: 33, 12: 1, 42: 11}),
    ],
    ids=["balance", "minNumber", "byClass"],
)
def test_numbers_are_those_of_iota2(augmentation: Augmentation, added: dict[int, int]) -> None:
    assert n_to_add(augmentation, SIZES) == added
    features, labels = samples()
    for method in ("replicate", "jitter", "smote"):
        one: Any = Augmentation(
            method=method, target=augmentation.target, minimum=augmentation.minimum, wanted=augmentation.wanted
        )
        more, codes = augment(one, features, labels, random_state=1)
        np.testing.assert_array_equal(more[: len(features)], features)
        np.testing.assert_array_equal(codes[: len(labels)], labels)
        new = dict(zip(*np.unique(codes[len(labels) :], return_counts=True), strict=True))
        assert new == added
        assert more.dtype == np.float32
        again = augment(one, features, labels, random_state=1)[0]
        np.testing.assert_array_equal(more, again)


def test_replicas_go_round_and_jitter_has_the_deviation_of_its_class() -> None:
    features, labels = samples()
    more, codes = augment(Augmentation(method="replicate", target="balance"), features, labels, random_state=0)
    own = features[labels == 42]
    np.testing.assert_array_equal(more[codes == 42], np.concatenate([own] * 7 + [own[: 147 - 7 * 19]]))
    jitter = Augmentation(method="jitter", target="minNumber", minimum=20_000, std_factor=4)
    more, codes = augment(jitter, features, labels, random_state=0)
    noise = more[len(labels) :][codes[len(labels) :] == 42] - own[np.arange(20_000 - 19) % 19]
    np.testing.assert_allclose(noise.std(axis=0), own.std(axis=0) / 4, rtol=0.03, atol=1e-6)
    assert (noise[:, 2] == 0).all()  # a feature that is constant in the class stays so


def test_smote_is_that_of_imbalanced_learn() -> None:
    features, labels = samples()
    smote = Augmentation(method="smote", target="balance", n_neighbors=4)
    more, codes = augment(smote, features, labels, random_state=3)
    expected, expected_codes = SMOTE(
        sampling_strategy={11: 147, 12: 147, 42: 147}, k_neighbors=4, random_state=3
    ).fit_resample(features, labels)
    np.testing.assert_array_equal(more, expected)
    np.testing.assert_array_equal(codes, expected_codes)


def test_smote_in_a_small_class_uses_all_of_it() -> None:
    features, labels = samples()
    few = np.concatenate([np.flatnonzero(labels != 42), np.flatnonzero(labels == 42)[:2]])
    features, labels = features[few], labels[few]
    more, codes = augment(Augmentation(method="smote", target="balance"), features, labels, random_state=0)
    one, other = features[labels == 42].astype(np.float64)
    new = more[len(labels) :][codes[len(labels) :] == 42].astype(np.float64)
    share = (new[:, 0] - one[0]) / (other[0] - one[0])
    assert len(new) == 145
    assert ((share >= -1e-5) & (share <= 1 + 1e-5)).all()
    np.testing.assert_allclose(new[:, 1], one[1] + share * (other[1] - one[1]), rtol=1e-4)
    with pytest.raises(InputError, match="class 42 has one sample: smote draws between samples"):
        augment(Augmentation(method="smote", target="balance"), features[:-1], labels[:-1], random_state=0)
