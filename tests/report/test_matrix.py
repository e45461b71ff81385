from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics

from i2db.errors import ContractError, InputError
from i2db.report.matrix import Confusion, class_scores, map_scores, mean_counts, mean_interval


def confusion(
    counts: object, names: tuple[str, ...] | None = None, n_polygons: tuple[int, ...] | None = None
) -> Confusion:
    array = np.array(counts, np.int64)
    codes = tuple(range(1, len(array) + 1))
    return Confusion(codes, names or tuple(f"class {code}" for code in codes), array, n_polygons)


def test_constants_of_iota2s_own_test() -> None:
    matrix = confusion([[50, 78, 41], [20, 52, 31], [27, 72, 98]])
    assert matrix.kappa() == pytest.approx(0.15482474945066724, rel=1e-15)
    assert matrix.oa() == pytest.approx(0.42643923240938164, rel=1e-15)


def test_by_hand_with_undefined_values() -> None:
    """Class 2 is never produced, class 3 has no reference, class 4 is in neither."""
    matrix = confusion([[6, 0, 2, 0], [4, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert matrix.oa() == 6 / 12
    assert matrix.precision() == [6 / 10, None, 0.0, None]
    assert matrix.recall() == [6 / 8, 0.0, None, None]
    assert matrix.f_score() == [12 / 18, 0.0, None, None]
    assert matrix.mean_f_score() == 1 / 3
    nothing = confusion(np.zeros((2, 2)))
    assert (nothing.oa(), nothing.kappa(), nothing.mean_f_score()) == (None, None, None)
    assert confusion([[7, 0], [0, 0]]).kappa() is None


@given(arrays_of.arrays(np.int64, (4, 4), elements=st.integers(0, 9)))
def test_equals_scikit_learn(counts: NDArray[np.int64]) -> None:
    counts[np.diag_indices(4)] += 1  # so that all is defined
    rows, columns = np.indices((4, 4))
    reference = np.repeat(rows.ravel(), counts.ravel())
    produced = np.repeat(columns.ravel(), counts.ravel())
    matrix = confusion(counts)
    precision, recall, f_score, support = metrics.precision_recall_fscore_support(reference, produced)
    np.testing.assert_allclose(np.array(matrix.precision(), float), precision)
    np.testing.assert_allclose(np.array(matrix.recall(), float), recall)
    np.testing.assert_allclose(np.array(matrix.f_score(), float), f_score)
    np.testing.assert_array_equal(matrix.n_reference, support)
    assert matrix.oa() == pytest.approx(metrics.accuracy_score(reference, produced))
    assert matrix.kappa() == pytest.approx(metrics.cohen_kappa_score(reference, produced))
    assert matrix.mean_f_score() == pytest.approx(metrics.f1_score(reference, produced, average="macro"))


def test_kappa_of_a_billion_pixels_does_not_overflow() -> None:
    matrix = confusion([[4_000_000_000, 0], [0, 4_000_000_000]])
    assert matrix.kappa() == 1.0


def test_interval_by_the_table_of_students_t() -> None:
    # t(0.975, 1) = 12.706, standard error of (0.8, 1.0) = 0.1
    assert mean_interval([0.8, 1.0])[0] == 0.9
    assert mean_interval([0.8, 1.0])[1] == pytest.approx(1.2706, abs=1e-4)
    # t(0.975, 2) = 4.303, standard deviation 1, n = 3
    assert mean_interval([1, 2, 3])[1] == pytest.approx(4.3027 / 3**0.5, abs=1e-4)
    assert mean_interval([0.5, None, 0.7]) == mean_interval([0.5, 0.7])
    assert mean_interval([0.5, None]) == (0.5, None)
    assert mean_interval([None]) == mean_interval([]) == (None, None)
    assert mean_interval([0.25, 0.25]) == (0.25, 0.0)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12, unique=True), st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_equals_scipys(values: list[float], confidence: float) -> None:
    mean, half_width = mean_interval(values, confidence)
    error = stats.sem(values)
    if error > 0:
        low, high = stats.t.interval(confidence, len(values) - 1, loc=np.mean(values), scale=error)
        assert half_width == pytest.approx((high - low) / 2, rel=1e-6, abs=1e-12)
    assert mean == pytest.approx(np.mean(values))


def test_scores_over_runs() -> None:
    runs = [
        confusion([[8, 2, 0], [0, 0, 0], [1, 1, 2]], ("b", "a", "c"), (2, 0, 1)),
        confusion([[6, 4, 0], [0, 0, 0], [0, 0, 4]], ("b", "a", "c"), (3, 0, 1)),
    ]
    np.testing.assert_array_equal(mean_counts(runs), [[7, 3, 0], [0, 0, 0], [0.5, 0.5, 3]])
    kappa, oa, f_score = map_scores(runs)
    assert oa.per_run == (10 / 14, 10 / 14)
    assert (oa.mean, oa.half_width) == (10 / 14, 0.0)
    assert kappa.per_run[0] == runs[0].kappa()
    assert f_score.per_run[1] == runs[1].mean_f_score()
    first, never, last = class_scores(runs)
    assert first.confused_with == ("b", "a", "c")
    assert last.confused_with == ("c", "b", "a")  # equal counts: reverse alphabetical
    assert (first.n_polygons, first.n_pixels) == (2.5, 10)
    assert never.recall.mean is None
    assert never.precision.per_run == (0.0, 0.0)


def test_runs_must_have_the_same_classes_and_square_counts() -> None:
    with pytest.raises(ContractError, match="different classes"):
        map_scores([confusion(np.eye(2)), confusion(np.eye(3))])
    with pytest.raises(InputError, match="no confusion matrix"):
        class_scores([])
    with pytest.raises(ContractError, match="shape"):
        confusion(np.ones((2, 3)))
    with pytest.raises(ContractError, match="polygons"):
        confusion(np.eye(2), n_polygons=(1,))
