"""What the report says of the time that the stages took."""

from __future__ import annotations

import datetime

from i2db.external.told_costs import marks, tell_costs
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


def cost(
    stage: str, unit: str, hour: int, seconds: float, *, function: str = "f", kept: float = 0.0
) -> dict[str, object]:
    return {
        "stage": stage,
        "unit": unit,
        "fingerprint": "1",
        "function": function,
        "started_at": datetime.datetime(2018, 5, 14, hour),
        "n_calls": 2,
        "seconds": seconds,
        "peak_megabytes": 10 * seconds,
        "kept_megabytes": kept,
        "n_not_finite": 3,
    }


def test_functions_are_held_against_the_stages_that_called_them(database: Database) -> None:
    tasks = [("extract", "a", 10.0), ("extract", "b", 6.0), ("classify", "a", 8.0), ("learn", "a", 500.0)]
    database.append("task_run", [task(unit, "1", 1, seconds) | {"stage": stage} for stage, unit, seconds in tasks])
    database.append("publication", [{"stage": stage, "unit": unit, "fingerprint": "1"} for stage, unit, _ in tasks])
    database.append(
        "function_run",
        [
            cost("extract", "a", 1, 4.0, kept=70),
            cost("extract", "b", 1, 2.0, kept=50),
            cost("classify", "a", 1, 7.0),
            # An earlier run of the same task no longer counts.
            cost("classify", "a", 0, 900.0),
            cost("classify", "a", 1, 1.0, function="g"),
        ],
    )
    slow, fast = database.rows("catalogue/function_costs")
    assert slow == {
        "function": "f",
        "n_calls": 6,
        "seconds": 13.0,
        "share": 13 / 24,
        "peak_megabytes": 70.0,
        "kept_megabytes": 120.0,
        "n_not_finite": 9,
    }
    assert (fast["function"], fast["share"]) == ("g", 1 / 8)
    assert marks(slow) == [
        "slow: 54 % of the time of its stages",
        "keeps memory: 120 MB not given back",
        "9 pixels are NaN or infinite and have no data",
    ]
    assert marks(fast | {"n_not_finite": 0}) == []
    assert tell_costs([fast, slow])[0].startswith("function f: 13.0 s in 6 calls, 70 MB; slow: 54 %")
