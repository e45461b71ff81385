"""Splits by blocks and by what is left out: rows made by hand, and laws."""

from __future__ import annotations

import random

import pytest
from cases import fill, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from i2db.store.database import Database


def units(database: Database, of_polygon: dict[int, dict[str, float]]) -> None:
    """Fill polygon_unit."""
    database.replace(
        "polygon_unit",
        [
            {"polygon_id": polygon, "unit": unit, "weight": weight}
            for polygon, held in of_polygon.items()
            for unit, weight in held.items()
        ],
    )


def leave_out(database: Database, *held_out: str) -> None:
    """Say what the runs leave out, and split."""
    for run, name in enumerate(held_out):
        database.connection.execute("UPDATE run SET held_out = ? WHERE run = ?", [name, run])
    database.run("split/split_units")


def sides(database: Database, run: int = 0) -> dict[object, object]:
    return dict(rows(database, f"SELECT polygon_id, split FROM polygon_split WHERE run = {run}"))  # type: ignore[arg-type]


def test_what_is_left_out_validates_and_what_touches_it_does_neither(database: Database) -> None:
    fill(database, dict.fromkeys(range(1, 6), 2), dict.fromkeys(range(1, 6), 1), runs=2)
    # 2 is mostly in a and a little in b; 4 is in neither, and always learns.
    units(database, {1: {"a": 9}, 2: {"a": 5, "b": 4}, 3: {"b": 9}, 5: {"b": 3, "c": 1}})
    leave_out(database, "a", "b")
    assert sides(database, 0) == {1: "val", 2: "val", 3: "learn", 4: "learn", 5: "learn"}
    assert sides(database, 1) == {1: "learn", 2: "buffer", 3: "val", 4: "learn", 5: "val"}
    assert rows(database, "SELECT count(*) FROM polygon_split") == [(10,)]


def test_equal_shares_go_to_the_smaller_name(database: Database) -> None:
    fill(database, {1: 2, 2: 2}, {1: 1, 2: 1})
    units(database, {1: {"b": 4, "a": 4}, 2: {"b": 1}})
    leave_out(database, "b")
    assert sides(database) == {1: "buffer", 2: "val"}


def test_a_group_is_where_most_of_it_is(database: Database) -> None:
    fill(database, dict.fromkeys(range(1, 5), 2), dict.fromkeys(range(1, 5), 1), groups={1: 1, 2: 1})
    units(database, {1: {"a": 5}, 2: {"b": 6}, 3: {"a": 1}, 4: {"b": 1}})
    leave_out(database, "a")
    assert sides(database) == {1: "buffer", 2: "buffer", 3: "val", 4: "learn"}


def test_blocks_are_counted_from_the_origin(database: Database) -> None:
    fill(database, {1: 12}, {1: 1})
    database.append("grid", [{"crs": "EPSG:32631", "resolution_x": 10.0, "resolution_y": 10.0}])
    database.connection.execute("UPDATE candidate SET grid_row = -1, grid_column = grid_column - 3")
    database.run("split/units_of_blocks", block_size=50.0)
    # Columns -3 to 8, that is -25 to 85 metres; the row is north of the origin.
    assert sorted(rows(database, "SELECT unit, weight FROM polygon_unit")) == [("-1_-1", 3), ("0_-1", 5), ("1_-1", 4)]


def test_tiles_and_values_are_units(database: Database) -> None:
    fill(database, {1: 3, 2: 2}, {1: 1, 2: 1, 3: 1})
    database.connection.execute("UPDATE candidate SET tile = 'T2' WHERE sample_id = 10000")
    database.run("split/units_of_tiles")
    assert sorted(rows(database, "FROM polygon_unit")) == [(1, "T1", 2.0), (1, "T2", 1.0), (2, "T1", 2.0)]
    database.connection.execute("UPDATE polygon SET split_value = '2018' WHERE polygon_id <> 2")
    database.run("split/units_of_values")
    # 3 has no pixel.
    assert rows(database, "FROM polygon_unit") == [(1, "2018", 1.0)]


@pytest.mark.parametrize(("n", "ratio", "n_learn"), [(2, 0.9, 1), (4, 0.5, 2), (5, 0.5, 3), (10, 0.75, 8)])
def test_number_of_learn_blocks(database: Database, n: int, ratio: float, n_learn: int) -> None:
    fill(database, dict.fromkeys(range(3 * n), 1), {i: 1 + i % 2 for i in range(3 * n)}, runs=2)
    units(database, {i: {str(i % n): 1} for i in range(3 * n)})
    database.run("split/split_blocks", ratio=ratio)
    counted = rows(
        database,
        "SELECT run, count(DISTINCT unit) FROM polygon_split JOIN polygon_unit USING (polygon_id) "
        "WHERE split = 'learn' GROUP BY run ORDER BY run",
    )
    assert counted == [(0, n_learn), (1, n_learn)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks=st.lists(st.integers(0, 6), min_size=2, max_size=30), seed=st.integers(0, 1000))
def test_blocks_stay_whole_and_order_changes_nothing(blocks: list[int], seed: int) -> None:
    results = []
    for shuffled in (False, True):
        with Database.in_memory(threads=1 + shuffled) as database:
            database.create_schema()
            ids = list(range(len(blocks)))
            if shuffled:
                random.Random(seed).shuffle(ids)
            fill(database, dict.fromkeys(ids, 1), {i: 1 + i % 2 for i in ids}, runs=2, random_seed=seed)
            units(database, {i: {str(blocks[i]): 1} for i in ids})
            database.run("split/split_blocks", ratio=0.5)
            found = rows(database, "SELECT run, polygon_id, split FROM polygon_split ORDER BY ALL")
            assert len(found) == 2 * len(blocks)
            assert all(len({row[2] for row in found if row[0] == 0 and blocks[row[1]] == b}) <= 1 for b in range(7))  # type: ignore[index]
            results.append(found)
    assert results[0] == results[1]


def test_what_is_too_near_learns_no_more(database: Database) -> None:
    fill(database, dict.fromkeys(range(1, 4), 2), dict.fromkeys(range(1, 4), 1), runs=2)
    units(database, {1: {"a": 1}, 2: {"b": 1}, 3: {"c": 1}})
    leave_out(database, "a", "b")
    near = [{"run": 0, "polygon_id": 2, "nearest_polygon_id": 1, "distance": 4.0}]
    database.replace("polygon_buffer", near)
    database.run("split/leave_out")
    assert sides(database, 0) == {1: "val", 2: "buffer", 3: "learn"}
    assert sides(database, 1) == {1: "learn", 2: "val", 3: "learn"}
    database.run("split/find_left_out", is_told=True)
    assert rows(database, "SELECT severity, item, message FROM finding") == [
        ("note", "0, without a", "1 polygons are near to val, or partly in what is left out")
    ]


def test_a_run_without_validation_is_told(database: Database) -> None:
    fill(database, {1: 2, 2: 2}, {1: 1, 2: 1})
    units(database, {1: {"a": 1}, 2: {"b": 1}})
    leave_out(database, "z")
    database.run("split/find_left_out", is_told=True)
    assert rows(database, "SELECT severity, item, message FROM finding") == [
        ("warning", "0, without z", "has no polygon for validation")
    ]


def test_the_audit_finds_what_learns_in_the_unit_left_out(database: Database) -> None:
    fill(database, {1: 2, 2: 2}, {1: 1, 2: 1})
    units(database, {1: {"a": 1}, 2: {"b": 1}})
    leave_out(database, "a")
    assert database.rows("audit/learn_within_buffer") == []
    database.connection.execute("UPDATE polygon_split SET split = 'learn'")
    assert [row["polygon_id"] for row in database.rows("audit/learn_within_buffer")] == [1]
