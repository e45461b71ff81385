"""The bootstrap over polygons, against plain loops, theory and the matrices of the report."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import i2db.accuracy.bootstrap as module
from i2db.accuracy.bootstrap import UnitCounts, matrix_of, measures, percentiles, replicates, units_per_class
from i2db.report.matrix import Confusion

CODES = np.array([11, 300, 42])


@pytest.fixture
def counts() -> UnitCounts:
    """Thirty polygons of three classes with up to 40 pixels of each label."""
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(30) * 7, 3)
    return UnitCounts(unit, unit // 7 % 3, np.tile(np.arange(3), 30), rng.integers(1, 40, 90), CODES)


def loop(counts: UnitCounts, random_seed: int, size: int) -> NDArray[np.float64]:
    """The same draws, polygon by polygon."""
    found = np.zeros((size, 3, 3))
    for place_of_class, code in enumerate(CODES.tolist()):
        generator = np.random.Generator(np.random.PCG64([random_seed, code]))
        members = np.unique(counts.unit[counts.reference == place_of_class])
        for i in range(size):
            for place in generator.integers(0, len(members), len(members)):
                for k in np.flatnonzero(counts.unit == members[place]):
                    found[i, counts.reference[k], counts.produced[k]] += counts.n_pixels[k]
    return found


def test_equals_a_plain_loop(counts: UnitCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = replicates(counts, 5, 40)
    np.testing.assert_array_equal(drawn, loop(counts, 5, 40))
    monkeypatch.setattr(module, "_AT_A_TIME", 7)
    np.testing.assert_array_equal(drawn, replicates(counts, 5, 40))
    assert not np.array_equal(drawn, replicates(counts, 6, 40))


def test_rows_in_another_order_give_the_same(counts: UnitCounts) -> None:
    order = np.random.default_rng(1).permutation(90)
    shuffled = UnitCounts(
        *(column[order] for column in (counts.unit, counts.reference, counts.produced)), counts.n_pixels[order], CODES
    )
    np.testing.assert_array_equal(replicates(counts, 0, 20), replicates(shuffled, 0, 20))


def test_a_further_class_moves_no_draw_of_the_others(counts: UnitCounts) -> None:
    more = UnitCounts(
        np.append(counts.unit, 9999),
        np.append(counts.reference + 1, 0),
        np.append(counts.produced + 1, 0),
        np.append(counts.n_pixels, 5),
        np.concatenate([[7], CODES]),
    )
    np.testing.assert_array_equal(replicates(more, 3, 20)[:, 1:, 1:], replicates(counts, 3, 20))


def test_measures_are_those_of_the_report(counts: UnitCounts) -> None:
    shares = np.array([0.2, 0.5, 0.3])
    drawn = replicates(counts, 0, 5)
    found = measures(drawn, shares)
    for i, matrix in enumerate(drawn):
        one = Confusion((1, 2, 3), ("a", "b", "c"), matrix.astype(np.int64))
        assert (found.overall[i], found.kappa[i]) == (pytest.approx(one.oa()), pytest.approx(one.kappa()))
        assert found.mean_f_score[i] == pytest.approx(one.mean_f_score())
        for name, expected in (("precision", one.precision()), ("recall", one.recall()), ("f_score", one.f_score())):
            np.testing.assert_allclose(getattr(found, name)[i], np.array(expected, float))
        # By hand: of the area of each mapped class the share that its column gives to each reference class.
        adjusted = [sum(shares[j] * matrix[k, j] / matrix[:, j].sum() for j in range(3)) for k in range(3)]
        np.testing.assert_allclose(found.shares[i], adjusted)
        right = sum(shares[j] * matrix[j, j] / matrix[:, j].sum() for j in range(3))
        assert found.weighted[i] == pytest.approx(right)


def test_undefined_is_nan() -> None:
    found = measures(np.array([[[4.0, 0, 1], [5, 0, 0], [0, 0, 0]]]), np.array([0.6, 0.0, 0.4]))
    np.testing.assert_array_equal(np.isnan(found.precision[0]), [False, True, False])
    np.testing.assert_array_equal(np.isnan(found.f_score[0]), [False, False, True])
    assert found.mean_f_score[0] == pytest.approx((8 / 14 + 0) / 2)
    np.testing.assert_allclose(found.shares[0], [0.6 * 4 / 9 + 0.4, 0.6 * 5 / 9, 0])
    # A mapped class without a validation pixel leaves the whole open.
    assert np.isnan(measures(np.array([[[4.0, 0], [1, 0]]]), np.array([0.9, 0.1])).weighted[0])


def test_the_spread_is_that_of_polygons_not_of_pixels() -> None:
    """Polygons of equal size, all right or all wrong: the variance is p (1 - p) / polygons, whatever the pixels."""
    n = 100
    produced = (np.arange(n) % 4 == 0).astype(np.int64)
    counts = UnitCounts(np.arange(n), np.zeros(n, np.int64), produced, np.full(n, 50), CODES[:2])
    overall = measures(replicates(counts, 0, 4000), np.array([0.5, 0.5])).overall
    assert overall.mean() == pytest.approx(0.75, abs=0.005)
    assert overall.std() == pytest.approx(np.sqrt(0.75 * 0.25 / n), rel=0.05)
    low, high = percentiles(overall)
    assert (low, high) == (
        pytest.approx(0.75 - 1.96 * 0.0433, abs=0.012),
        pytest.approx(0.75 + 1.96 * 0.0433, abs=0.012),
    )


def test_a_group_is_drawn_as_a_whole() -> None:
    counts = UnitCounts(np.array([1, 1, 2]), np.array([0, 1, 1]), np.array([0, 1, 1]), np.array([9, 1, 10]), CODES[:2])
    drawn = replicates(counts, 0, 50)
    # Unit 1 is mostly of class 0 and alone there: always drawn once, with its pixel of class 1.
    assert {(m[0, 0], m[1, 1]) for m in drawn} == {(9, 11)}
    assert units_per_class(counts).tolist() == [1, 2]
    np.testing.assert_array_equal(matrix_of(counts), [[[9, 0], [0, 11]]])


def test_too_few_defined_replicates_are_no_interval() -> None:
    values = np.arange(100.0)
    assert percentiles(values) == (pytest.approx(2.475), pytest.approx(96.525))
    values[:6] = np.nan
    assert percentiles(values) == (None, None)


def test_polygons_that_all_say_the_same_give_no_interval() -> None:
    """Not one of width 0: three polygons that are all right do not prove that the map is."""
    right = UnitCounts(np.arange(3), np.zeros(3, np.int64), np.zeros(3, np.int64), np.full(3, 9), CODES[:2])
    assert percentiles(measures(replicates(right, 0), np.array([0.5, 0.5])).overall) == (None, None)
    alone = UnitCounts(np.array([1, 2]), np.array([0, 1]), np.array([0, 0]), np.array([9, 4]), CODES[:2])
    assert percentiles(measures(replicates(alone, 0), np.array([0.5, 0.5])).overall) == (None, None)
