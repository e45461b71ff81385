"""Jeffries-Matusita against an integral and scikit-learn's covariances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.covariance import oas

from i2db.accuracy.separability import jeffries_matusita, separabilities, shrunk_covariance


def test_equals_the_integral_of_the_definition() -> None:
    """The squared distance of the square roots of two densities (Matusita)."""
    one, other = stats.norm(1, 0.7), stats.norm(2.5, 1.4)
    integral, _ = integrate.quad(lambda x: (np.sqrt(one.pdf(x)) - np.sqrt(other.pdf(x))) ** 2, -20, 20)
    found = jeffries_matusita(np.array([1.0]), np.array([[0.49]]), np.array([2.5]), np.array([[1.96]]))
    assert found == pytest.approx(integral, rel=1e-7)


def test_equals_the_integral_in_two_dimensions() -> None:
    means = np.array([0.0, 0.5]), np.array([1.0, -0.3])
    covariances = np.array([[1.0, 0.4], [0.4, 0.6]]), np.array([[0.5, -0.2], [-0.2, 1.5]])
    axis = np.linspace(-9, 9, 721)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    densities = [stats.multivariate_normal(m, c).pdf(grid) for m, c in zip(means, covariances, strict=True)]
    integral = ((np.sqrt(densities[0]) - np.sqrt(densities[1])) ** 2).sum() * (axis[1] - axis[0]) ** 2
    assert jeffries_matusita(means[0], covariances[0], means[1], covariances[1]) == pytest.approx(integral, rel=1e-6)


@pytest.mark.parametrize("n", [3, 8, 500])
def test_covariance_is_scikit_learns(n: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=(n, 6)) @ rng.normal(size=(6, 6))
    np.testing.assert_allclose(shrunk_covariance(values), oas(values)[0])


def test_the_same_is_0_and_what_is_far_apart_is_2() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(100, 10, size=(4000, 5))
    found = separabilities({1: first, 2: rng.normal(100, 10, size=(4000, 5)), 7: first + 1000})
    assert list(found) == [(1, 2), (1, 7), (2, 7)]
    assert found[1, 2] < 0.01
    assert found[1, 7] > 1.999


def test_scale_and_constant_features_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    samples = {code: rng.normal(code, 1, size=(50, 3)) for code in (1, 2)}
    scaled = {c: np.concatenate([v * [1, 1000, 0.01] + 5, np.full((50, 1), 3.0)], axis=1) for c, v in samples.items()}
    assert separabilities(scaled)[1, 2] == pytest.approx(separabilities(samples)[1, 2], rel=1e-9)


def test_few_samples_and_none() -> None:
    rng = np.random.default_rng(0)
    found = separabilities({1: rng.normal(size=(2, 13)), 2: rng.normal(size=(3, 13)), 3: rng.normal(size=(1, 13))})
    assert list(found) == [(1, 2)]
    assert 0 <= found[1, 2] <= 2
    assert separabilities({1: np.ones((4, 2)), 2: np.ones((4, 2))}) == {(1, 2): 0.0}
    assert separabilities({1: np.ones((4, 2))}) == {}
