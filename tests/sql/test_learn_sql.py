"""The learning set with copies between regions, by hand; the summaries of searches and importances."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cases import fill, rows, select, split

from i2db.store.database import Database


def rule(source: str, destination: str, code: int, quantity: int) -> dict[str, Any]:
    return {"source": source, "destination": destination, "class_code": code, "quantity": quantity}


@pytest.fixture
def drawn(database: Database) -> Database:
    """Region a: 6 pixels of class 1 and 3 of class 2; region b: 4 of class 2. All drawn in two runs and extracted."""
    fill(database, {1: 6, 2: 3, 3: 4}, {1: 1, 2: 2, 3: 2}, runs=2, regions={1: "a", 2: "a", 3: "b"})
    split(database, is_split=False)
    select(database, "all")
    database.connection.execute(
        "INSERT INTO sample BY NAME SELECT sample_id, 'sentinel2' AS feature_group FROM candidate"
    )
    return database


def learning_set(database: Database, *copies: dict[str, Any], seed: int = 5) -> list[tuple[Any, ...]]:
    database.run("learn/learning_set", n_groups=1, copies=list(copies), random_seed=seed)
    return database.connection.fetchall()


def test_without_rules_a_model_has_its_own_samples(drawn: Database) -> None:
    found = learning_set(drawn)
    assert found == rows(
        drawn,
        "SELECT selection.run, candidate.region, sample_id, class_code, polygon_id, FALSE FROM selection "
        "JOIN candidate USING (sample_id) JOIN polygon USING (polygon_id) ORDER BY run, candidate.region, sample_id",
    )
    assert len(found) == 26


def test_copies_are_added_in_every_run_and_ranked_by_hash(drawn: Database) -> None:
    found = learning_set(
        drawn, rule("a", "b", 1, 2), rule("b", "a", 2, -1), rule("a", "b", 2, 100), rule("a", "b", 9, 5)
    )
    for run in (0, 1):
        ids = {
            (region, code): [row[2] for row in found if row[:2] == (run, region) and row[3] == code and row[5]]
            for region in "ab"
            for code in (1, 2)
        }
        assert ids["a", 1] == []
        assert ids["a", 2] == [30_000, 30_001, 30_002, 30_003]
        assert ids["b", 2] == [20_000, 20_001, 20_002]
        ranked = sorted(range(10_000, 10_006), key=lambda i: hashlib.md5(f"5|{run}|b|{i}".encode()).hexdigest())
        assert ids["b", 1] == sorted(ranked[:2])
    assert [row[:3] for row in found] == sorted(row[:3] for row in found)
    assert [row for row in found if not row[5]] == learning_set(drawn)
    other = learning_set(drawn, rule("a", "b", 1, 2), seed=6)
    assert [row for row in other if row[5]] != [row for row in found if row[5] and row[3] == 1]


def test_a_sample_that_lacks_a_group_is_neither_learnt_nor_copied(drawn: Database) -> None:
    drawn.connection.execute("DELETE FROM sample WHERE sample_id = 30001")
    copied = [row[2] for row in learning_set(drawn, rule("b", "a", 2, -1)) if row[5] and row[0] == 0]
    assert copied == [30_000, 30_002, 30_003]


def test_a_model_needs_the_chunks_of_its_copies(drawn: Database) -> None:
    drawn.connection.execute("UPDATE candidate SET tile = 'T2' WHERE region = 'b'")
    alone = [tuple(row.values()) for row in drawn.rows("learn/model_chunks", copies=[])]
    assert alone == [(run, region, unit) for run in (0, 1) for region, unit in (("a", "T1-0000"), ("b", "T2-0000"))]
    both = [tuple(row.values()) for row in drawn.rows("learn/model_chunks", copies=[rule("a", "b", 1, 2)])]
    assert both == sorted([*alone, (0, "b", "T1-0000"), (1, "b", "T1-0000")])


def test_the_summary_of_a_search(database: Database) -> None:
    scores = {0: (0.5, 0.7), 1: (0.9, 0.7), 2: (0.8, 0.8), 3: (0.1, 0.2)}
    database.append(
        "search_result",
        [
            {"run": 0, "region": "1", "kind": "svc", "setting": i, "parameters": f"p{i}", "fold": fold, "score": score}
            for i, folds in scores.items()
            for fold, score in enumerate(folds)
        ],
    )
    found = rows(
        database, "SELECT parameters, search_rank, n_folds, mean_score, deviation, is_best FROM search_summary"
    )
    assert [row[:3] for row in found] == [("p1", 1, 2), ("p2", 2, 2), ("p0", 3, 2), ("p3", 4, 2)]
    assert found[0][3:] == (pytest.approx(0.8), pytest.approx(0.1), True)
    assert [row[5] for row in found[1:]] == [False] * 3


def test_importance_is_summed_by_band_and_by_date(database: Database) -> None:
    features = [("B4", "2018-01-01"), ("B4", "2018-01-11"), ("NDVI", "2018-01-01"), ("slope", None)]
    database.append(
        "feature",
        [
            {"feature_id": i, "feature_name": f"f{i}", "sensor": "s", "band": band, "date": date}
            for i, (band, date) in enumerate(features)
        ],
    )
    database.append(
        "feature_importance",
        [
            {"run": 0, "region": "1", "kind": "rf", "method": "impurity", "feature_name": f"f{i}", "importance": share}
            for i, share in enumerate((0.1, 0.2, 0.6, 0.1))
        ],
    )
    by_band = rows(database, "SELECT band, n_features, importance FROM importance_by_band")
    assert by_band == [("NDVI", 1, 0.6), ("B4", 2, pytest.approx(0.3)), ("slope", 1, 0.1)]
    by_date = rows(database, "SELECT date::VARCHAR, n_features, importance FROM importance_by_date")
    assert by_date == [("2018-01-01", 2, pytest.approx(0.7)), ("2018-01-11", 1, 0.2), (None, 1, 0.1)]
