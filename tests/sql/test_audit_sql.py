"""Audits find what they are for: a few rows that are as they should be, and one that is not."""

from __future__ import annotations

import pytest
from cases import fill, rows

from i2db.store.audit import audit, broken_rows
from i2db.store.database import Database
from i2db.store.statement import load, names

NAME = "prediction_incomplete"


@pytest.fixture
def predicted(database: Database) -> Database:
    """Two runs, five candidates in two chunks, each predicted once per run."""
    fill(database, {1: 3, 2: 2}, {1: 10, 2: 20}, runs=2)
    connection = database.connection
    connection.execute("UPDATE candidate SET chunk = 1 WHERE polygon_id = 2")
    connection.execute(
        "INSERT INTO prediction BY NAME SELECT run.run, region, 'rf' AS kind, tile, chunk, sample_id, 10 AS class_code "
        "FROM run CROSS JOIN candidate"
    )
    connection.execute(
        "INSERT INTO publication BY NAME SELECT 'classify' AS stage, 'T1-0000' AS unit, 'f' AS fingerprint"
    )
    return database


def found(database: Database) -> list[tuple[object, ...]]:
    (statement,) = load(f"audit/{NAME}")
    columns = "run, tile, chunk, n_expected, n_predictions, n_pixels, n_candidates"
    return rows(database, f"SELECT {columns} FROM ({statement.text.rstrip(';')}) ORDER BY run, tile, chunk")


MISSING = "DELETE FROM prediction WHERE run = 1 AND sample_id = 10001"
DOUBLED = "INSERT INTO prediction FROM prediction WHERE run = 1 AND sample_id = 10002"
FOREIGN = (
    "INSERT INTO prediction SELECT * REPLACE (99 AS sample_id) FROM prediction WHERE run = 1 AND sample_id = 10002"
)
ELSEWHERE = "INSERT INTO prediction SELECT * REPLACE (7 AS chunk) FROM prediction WHERE run = 1 AND sample_id = 10002"
MOVED = "UPDATE prediction SET chunk = 1 WHERE run = 1 AND sample_id = 10001"
NO_RUN = "INSERT INTO prediction SELECT * REPLACE (5 AS run) FROM prediction WHERE run = 1 AND sample_id = 10002"
CHUNK = "DELETE FROM prediction WHERE run = 0 AND chunk = 1"


def test_one_prediction_per_run_is_complete(predicted: Database) -> None:
    assert found(predicted) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([MISSING], [(1, "T1", 0, 3, 2, 2, 2)]),
        ([DOUBLED], [(1, "T1", 0, 3, 4, 3, 4)]),
        ([FOREIGN], [(1, "T1", 0, 3, 4, 4, 3)]),
        # The counts are right, the pixels are not.
        ([MISSING, DOUBLED], [(1, "T1", 0, 3, 3, 2, 3)]),
        ([FOREIGN, MISSING], [(1, "T1", 0, 3, 3, 3, 2)]),
        ([ELSEWHERE], [(1, "T1", 7, 0, 1, 1, 0)]),
        ([MOVED], [(1, "T1", 0, 3, 2, 2, 2), (1, "T1", 1, 2, 3, 3, 2)]),
        ([NO_RUN], [(5, "T1", 0, 0, 1, 1, 1)]),
        ([CHUNK], [(0, "T1", 1, 2, 0, 0, 0)]),
    ],
)
def test_what_is_not_complete_is_found(
    predicted: Database, changes: list[str], expected: list[tuple[object, ...]]
) -> None:
    for change in changes:
        predicted.connection.execute(change)
    assert found(predicted) == expected
    assert audit(predicted)[NAME] == len(expected)


def test_nothing_is_promised_before_there_are_predictions(predicted: Database) -> None:
    predicted.connection.execute("DELETE FROM prediction")
    assert len(found(predicted)) == 4
    predicted.connection.execute("DELETE FROM publication")
    assert found(predicted) == []


def test_an_audit_counts_and_fetches_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("rows were fetched")

    database.connection.execute(
        "INSERT INTO candidate BY NAME SELECT 1 AS sample_id, i AS polygon_id, 'T1' AS tile, 0 AS chunk "
        "FROM range(1000) AS t(i)"
    )
    monkeypatch.setattr(Database, "rows", refuse)
    monkeypatch.setattr(Database, "arrow", refuse)
    found = audit(database)
    assert found["candidate_without_polygon"] == found["candidate_outside_chunk"] == 1000
    assert found["candidate_twice"] == 1
    assert len(broken_rows(database, "candidate_without_polygon", 7).fetchall()) == 7


@pytest.mark.parametrize("name", names("audit"))
def test_every_audit_is_one_statement_that_holds_for_nothing(database: Database, name: str) -> None:
    assert database.count(name) == 0
