"""Margin and entropy against numpy's sort and scipy's entropy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from i2db.raster.uncertainty import entropy, margin, percent


@pytest.mark.parametrize("n_classes", [2, 3, 13])
def test_against_scipy(n_classes: int) -> None:
    rng = np.random.default_rng(1)
    probability = rng.dirichlet(np.full(n_classes, 0.3), size=(20, 30))
    ordered = np.sort(probability, axis=-1)
    np.testing.assert_array_equal(margin(probability), ordered[..., -1] - ordered[..., -2])
    np.testing.assert_allclose(
        entropy(probability), stats.entropy(probability, axis=-1) / np.log(n_classes), atol=1e-12
    )


def test_the_ends_of_the_scales() -> None:
    sure, torn = np.array([[0.0, 1.0, 0.0]]), np.full((1, 4), 0.25)
    assert (margin(sure)[0], entropy(sure)[0]) == (1.0, 0.0)
    assert (margin(torn)[0], entropy(torn)[0]) == (0.0, 1.0)
    assert not np.signbit(entropy(sure)[0])
    one_class = np.ones((2, 1))
    assert (margin(one_class).tolist(), entropy(one_class).tolist()) == ([1.0, 1.0], [0.0, 0.0])


def test_percent_rounds_half_up() -> None:
    assert percent(np.array([0.0, 0.005, 0.0049, 0.125, 1.0])).tolist() == [0, 1, 0, 13, 100]
