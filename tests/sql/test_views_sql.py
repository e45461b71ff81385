"""Accuracy views against hand-made matrices, scikit-learn and iota2's own reports."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from cases import rows
from sklearn import metrics

from i2db.report.regroup import Grouping
from i2db.store.database import Database
from i2db.survey import regrouped_confusions


def fill_matrices(
    database: Database, codes: list[int], matrices: list[np.ndarray], *, unknown: int | None = None
) -> None:
    """One polygon per reference class, evaluated in every run, with the pixels of a confusion matrix per run."""
    database.append(
        "class",
        [{"class_code": code, "class_name": f"class {code}", "class_rank": rank} for rank, code in enumerate(codes, 1)],
    )
    database.append("region", [{"region": "1", "region_rank": 1}])
    database.append("polygon", [{"polygon_id": code, "class_code": code} for code in codes])
    for run, matrix in enumerate(matrices):
        database.append("run", [{"run": run, "random_seed": run, "evaluated_split": "val"}])
        database.append(
            "polygon_split",
            [{"run": run, "polygon_id": code, "class_code": code, "region": "1", "split": "val"} for code in codes],
        )
        database.append(
            "model_class",
            [
                {"run": run, "region": "1", "kind": "rf", "class_code": code, "n_samples": 1}
                for code in codes
                if code != unknown
            ],
        )
        candidates, predictions = [], []
        for i, reference in enumerate(codes):
            produced = np.repeat(codes, matrix[i])
            for j, code in enumerate(produced):
                sample_id = run * 1_000_000 + reference * 1000 + j
                candidates.append(
                    {"sample_id": sample_id, "polygon_id": reference, "region": "1", "tile": "T", "chunk": 0}
                )
                predictions.append(
                    {
                        "run": run,
                        "region": "1",
                        "kind": "rf",
                        "tile": "T",
                        "chunk": 0,
                        "sample_id": sample_id,
                        "class_code": int(code) or None,
                        "confidence": 0.5,
                    }
                )
        database.append("candidate", candidates)
        database.append("prediction", predictions)


MATRIX = np.array([[50, 78, 41], [20, 52, 31], [27, 72, 98]])


def test_constants_of_iota2(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [MATRIX])
    ((oa, kappa),) = rows(database, "SELECT overall_accuracy, kappa FROM accuracy")
    assert oa == pytest.approx(0.42643923240938164, abs=1e-12)
    assert kappa == pytest.approx(0.15482474945066724, abs=1e-12)


def test_orientation_is_reference_then_predicted(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [MATRIX])
    assert rows(database, "SELECT n_pixels FROM confusion WHERE reference_code = 1 AND predicted_code = 2") == [(78,)]


def test_class_measures_equal_scikit_learn(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [MATRIX])
    reference = np.repeat([1, 2, 3], MATRIX.sum(axis=1))
    produced = np.concatenate([np.repeat([1, 2, 3], row) for row in MATRIX])
    expected = metrics.precision_recall_fscore_support(reference, produced)
    found = np.array(rows(database, "SELECT precision, recall, f_score, n_reference FROM class_accuracy"), dtype=float)
    np.testing.assert_allclose(found.T, expected, rtol=1e-12)
    ((f_score,),) = rows(database, "SELECT f_score FROM accuracy")
    assert f_score == pytest.approx(metrics.f1_score(reference, produced, average="macro"))


def test_undefined_is_null_and_enters_no_mean(database: Database) -> None:
    # Class 2 is in the reference and never produced; class 3 is produced and has no reference.
    matrix = np.array([[4, 0, 1], [5, 0, 0], [0, 0, 0]])
    fill_matrices(database, [1, 2, 3], [matrix])
    found = rows(database, "SELECT precision, recall, f_score FROM class_accuracy")
    assert found[0] == (pytest.approx(4 / 9), pytest.approx(4 / 5), pytest.approx(8 / 14))
    # A class that the map forgets has F-score 0: leaving it out would flatter the map.
    assert found[1] == (None, 0.0, 0.0)
    assert found[2] == (0.0, None, None)
    assert rows(database, "SELECT f_score FROM accuracy") == [(pytest.approx((8 / 14) / 2),)]


def test_kappa_is_null_where_chance_explains_all(database: Database) -> None:
    fill_matrices(database, [1, 2], [np.array([[5, 0], [0, 0]])])
    assert rows(database, "SELECT overall_accuracy, kappa FROM accuracy") == [(1.0, None)]


def test_interval_has_runs_minus_one_degrees_of_freedom(database: Database, real_data: Path) -> None:
    folder = real_data / "confusion"
    matrices, codes = [], []
    for run in (0, 1):
        lines = (folder / f"Classif_Seed_{run}.csv").read_text().splitlines()
        codes = [int(code) for code in lines[0].split(":")[1].split(",")]
        matrices.append(np.array([[int(n) for n in line.split(",")] for line in lines[2:]]))
    fill_matrices(database, codes, matrices)
    found = {
        row[0]: row[1:]
        for row in rows(
            database, "SELECT metric, mean, half_width, n_runs FROM accuracy_summary WHERE class_code IS NULL"
        )
    }
    # iota2 reports 0.903 and 0.913, with half-widths for 9 degrees of freedom (t = 2.262); one is right (t = 12.706).
    assert found["kappa"][0] == pytest.approx(0.903, abs=5e-4)
    assert found["overall_accuracy"][0] == pytest.approx(0.913, abs=5e-4)
    assert found["kappa"][1] == pytest.approx(0.037 / 2.262 * 12.706, abs=3e-3)
    assert found["overall_accuracy"][1] == pytest.approx(0.033 / 2.262 * 12.706, abs=3e-3)
    values = [np.trace(m) / m.sum() for m in matrices]
    assert found["overall_accuracy"][1] == pytest.approx(12.706 * np.std(values, ddof=1) / math.sqrt(2), rel=1e-4)


def test_one_run_has_no_interval(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [MATRIX])
    assert rows(database, "SELECT DISTINCT half_width FROM accuracy_summary") == [(None,)]


def test_pixels_without_map_and_of_unknown_classes_are_counted_apart(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [MATRIX], unknown=3)
    database.connection.execute("UPDATE prediction SET class_code = NULL WHERE sample_id % 1000 = 0")
    ((n, unclassified, unknown),) = rows(database, "SELECT n_pixels, n_unclassified, n_unknown FROM accuracy")
    assert (n, unclassified, unknown) == (MATRIX.sum(), 3, MATRIX[2].sum())
    assert rows(database, "SELECT sum(n_pixels) FROM confusion") == [(MATRIX.sum() - 3,)]


def test_of_equal_labels_a_polygon_has_the_lowest_code(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [np.array([[0, 0, 0], [0, 0, 0], [2, 3, 3]])])
    # Whatever is met first.
    database.connection.execute("UPDATE prediction SET class_code = 5 - class_code WHERE class_code > 1")
    assert rows(
        database, "SELECT polygon_id, n_pixels, n_correct, majority_code, confidence FROM polygon_accuracy"
    ) == [(3, 8, 3, 2, 0.5)]


def test_runs_keep_their_numbers_when_classes_are_regrouped(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [np.zeros((3, 3), dtype=int), MATRIX])
    found = regrouped_confusions(database, Grouping({1: 9, 2: 9}, {9: "both"}))
    assert {run: one.counts.tolist() for run, one in found.items()} == {1: [[200, 72], [99, 98]]}


def test_top_confusion(database: Database) -> None:
    fill_matrices(database, [1, 2, 3], [MATRIX])
    first = rows(database, "SELECT reference_code, predicted_code, n_pixels, share_of_errors FROM top_confusion")[0]
    assert first == (1, 2, 78, pytest.approx(78 / (MATRIX.sum() - np.trace(MATRIX))))


def test_the_corrected_interval_allows_for_the_overlap_of_the_runs(database: Database) -> None:
    from accuracy_rows import fill_predictions
    from scipy import stats

    pixels = fill_predictions(database, runs=4)
    per_run = [(part["reference"] == part["predicted"]).mean() for _, part in pixels.groupby("run")]
    ((half_width, corrected),) = rows(
        database,
        "SELECT half_width, corrected_half_width FROM accuracy_summary WHERE metric = 'overall_accuracy'",
    )
    # Two of four polygons of each class validate: the correction adds 6 / 6 to 1 / 4.
    deviation, quantile = np.std(per_run, ddof=1), stats.t.ppf(0.975, 3)
    assert half_width == pytest.approx(quantile * deviation * math.sqrt(1 / 4))
    assert corrected == pytest.approx(quantile * deviation * math.sqrt(1 / 4 + 1))
    database.connection.execute("UPDATE polygon_split SET group_id = 1 WHERE split = 'val'")
    ((corrected,),) = rows(
        database, "SELECT corrected_half_width FROM accuracy_summary WHERE metric = 'overall_accuracy'"
    )
    assert corrected == pytest.approx(quantile * deviation * math.sqrt(1 / 4 + 1 / 6)), "groups are what is drawn"
    database.connection.execute("UPDATE run SET evaluated_split = 'learn'")
    ((corrected,),) = rows(
        database, "SELECT corrected_half_width FROM accuracy_summary WHERE metric = 'overall_accuracy'"
    )
    assert corrected is None
