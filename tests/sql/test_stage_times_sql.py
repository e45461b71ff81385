"""What the report says of the time that the stages took."""

from __future__ import annotations

import datetime

from i2db.store.database import Database


def task(unit: str, fingerprint: str, hour: int, seconds: float, outcome: str = "done") -> dict[str, object]:
    started_at = datetime.datetime(2018, 5, 14, hour)
    return {
        "stage": "extract",
        "unit": unit,
        "fingerprint": fingerprint,
        "outcome": outcome,
        "started_at": started_at,
        "wall_seconds": seconds,
    }


def test_only_the_last_run_of_what_the_tables_hold_counts(database: Database) -> None:
    database.append(
        "task_run",
        [
            task("a", "1", 1, 100.0),
            task("a", "2", 3, 5.0),
            task("a", "2", 2, 200.0),
            # A failure, and a result that was there already, took no time that made the tables.
            task("a", "2", 4, 400.0, "failed"),
            task("a", "2", 5, 800.0, "adopted"),
            task("b", "1", 1, 2.0),
            task("of another chunking", "1", 1, 1000.0),
            task("b", "1", 1, 3.0) | {"stage": "learn"},
        ],
    )
    database.append(
        "publication",
        [
            {"stage": stage, "unit": unit, "fingerprint": fingerprint}
            for stage, unit, fingerprint in (("extract", "a", "2"), ("extract", "b", "1"), ("learn", "b", "1"))
        ],
    )
    assert database.rows("evaluate/stage_times") == [
        {"stage": "extract", "n_run": 2, "seconds": 7.0},
        {"stage": "learn", "n_run": 1, "seconds": 3.0},
    ]
