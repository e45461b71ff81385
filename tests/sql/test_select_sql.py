"""Selection of pixels: strategies by hand, samplers against independent computations, laws by hypothesis."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pytest
from cases import fill, rows, select, split
from hypothesis import given, settings
from hypothesis import strategies as st

from i2db.store.database import Database
from i2db.store.statement import load

#: Pixels of the learn polygons per class: one polygon a class, nothing to validate.
SIZES = {1: 30, 2: 74, 3: 10}


@pytest.fixture
def learnable(database: Database) -> Database:
    fill(database, SIZES, {1: 1, 2: 2, 3: 3})
    split(database, is_split=False)
    return database


def drawn(database: Database) -> dict[int, int]:
    return dict(
        rows(
            database,
            "SELECT class_code, count(*) FROM selection "
            "JOIN candidate USING (sample_id) JOIN polygon USING (polygon_id) GROUP BY ALL",
        )
    )


@pytest.mark.parametrize(
    ("strategy", "options", "required"),
    [
        ("all", {}, {1: 30, 2: 74, 3: 10}),
        ("smallest", {}, {1: 10, 2: 10, 3: 10}),
        ("constant", {"count": 20}, {1: 20, 2: 20, 3: 20}),
        # floor(0.5 + p T)
        ("percent", {"percent": 0.25}, {1: 8, 2: 19, 3: 3}),
        # trunc(0.5 + v T / sum T) with sum 114
        ("total", {"total": 50}, {1: 13, 2: 32, 3: 4}),
    ],
)
@pytest.mark.parametrize("sampler", ["random", "periodic"])
def test_strategies(learnable: Database, strategy: str, options: dict, required: dict, sampler: str) -> None:
    select(learnable, strategy, sampler=sampler, **options)
    assert dict(rows(learnable, "SELECT class_code, n_required FROM quota")) == required
    assert drawn(learnable) == {code: min(n, SIZES[code]) for code, n in required.items()}


def test_byclass(learnable: Database) -> None:
    wanted = [{"region": "1", "class_code": 2, "n_wanted": 5}, {"region": "1", "class_code": 9, "n_wanted": 7}]
    select(learnable, "byclass", wanted=wanted)
    assert drawn(learnable) == {2: 5}
    learnable.run("select/find_missing_classes", wanted_classes=wanted)
    assert rows(learnable, "SELECT item FROM finding") == [("class 9, region 1",)]


def test_asking_for_more_takes_all_and_says_so(learnable: Database) -> None:
    select(learnable, "constant", count=20)
    learnable.run("select/find_shortages")
    ((item, message),) = rows(learnable, "SELECT item, message FROM finding")
    assert item == "class 3 (3), region 1, run 0"
    assert message == "20 pixels asked for, 10 available"


@pytest.mark.parametrize(("needed", "total"), [(10, 30), (15, 30), (1, 30), (29, 30), (7, 30)])
def test_periodic_takes_evenly_spaced_pixels(database: Database, needed: int, total: int) -> None:
    fill(database, {1: total}, {1: 1})
    split(database, is_split=False)
    select(database, "constant", count=needed, sampler="periodic")
    taken = [row[0] - 10_000 + 1 for row in rows(database, "SELECT sample_id FROM selection ORDER BY 1")]
    # By integers: pixel i (from 1) is taken iff ceil(i N / T) > ceil((i - 1) N / T).
    expected = [i for i in range(1, total + 1) if -(-i * needed // total) > -(-(i - 1) * needed // total)]
    assert taken == expected
    assert taken[0] == 1


def test_rate_of_a_third_takes_1_4_7(database: Database) -> None:
    fill(database, {1: 9}, {1: 1})
    split(database, is_split=False)
    select(database, "constant", count=3, sampler="periodic")
    assert [row[0] - 10_000 + 1 for row in rows(database, "SELECT sample_id FROM selection ORDER BY 1")] == [1, 4, 7]


def test_jitter_moves_picks_within_their_step(database: Database) -> None:
    fill(database, {1: 100}, {1: 1})
    split(database, is_split=False)
    select(database, "constant", count=20, sampler="periodic", jitter=3.0)
    taken = [row[0] - 10_000 for row in rows(database, "SELECT sample_id FROM selection ORDER BY 1")]
    assert len(taken) == 20
    assert all(5 * k <= place <= 5 * k + 3 for k, place in enumerate(taken))
    assert taken != [5 * k for k in range(20)]


def test_jitter_is_drawn_from_md5(database: Database) -> None:
    fill(database, {1: 100}, {1: 1}, runs=2, random_seed=5)
    split(database, is_split=False)
    select(database, "constant", count=40, sampler="periodic", jitter=1.0)
    for run in (0, 1):
        shares = [
            int(hashlib.md5(f"{5 + run}|{run}|1|1|{k}".encode()).hexdigest()[:13], 16) / 16**13 for k in range(40)
        ]
        expected = [10_000 + math.floor(2.5 * k + share) for k, share in enumerate(shares)]
        found = rows(database, f"SELECT sample_id FROM selection WHERE run = {run} ORDER BY 1")
        assert [row[0] for row in found] == expected


def most_rows(operator: dict[str, Any]) -> int:
    """Rows that the busiest operator of a profile gave."""
    below = [most_rows(child) for child in operator["children"]]
    return max([operator.get("operator_cardinality", 0), *below])


def test_jitter_does_not_multiply_pixels_by_picks(database: Database) -> None:
    fill(database, {1: 1000}, {1: 1})
    split(database, is_split=False)
    select(database, "constant", count=500, sampler="periodic", jitter=1.0)
    (drawing,) = [statement.text for statement in load("select/selection") if "INSERT" in statement.text]
    strategies = [{"region": "1", "jitter": 1.0, "rand": None}]
    explained = database.connection.execute(f"EXPLAIN (ANALYZE, FORMAT json) {drawing}", {"strategies": strategies})
    ((_, profile),) = explained.fetchall()
    assert 1000 <= most_rows(json.loads(profile)) <= 2000


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"a": 5, "b": 5}, []),
        ({"a": 5, "b": 0}, [("b", "has no learning sample: its pixels are not classified")]),
    ],
)
def test_a_region_that_draws_nothing_is_told(database: Database, counts: dict[str, int], told: list[tuple]) -> None:
    fill(database, {1: 30, 2: 30}, {1: 1, 2: 1}, regions={1: "a", 2: "b"}, runs=2)
    split(database, is_split=False)
    select(database, "byclass", wanted=[{"region": name, "class_code": 1, "n_wanted": n} for name, n in counts.items()])
    database.run("select/find_empty_regions")
    assert rows(database, "SELECT item, message FROM finding") == told


def test_a_region_without_polygons_is_told_if_a_tile_lies_there(database: Database) -> None:
    fill(database, {1: 30}, {1: 1}, regions={1: "a"}, runs=2)
    split(database, is_split=False)
    place = database.connection.execute
    place("INSERT INTO tile BY NAME SELECT 'T1' AS tile, ST_MakeEnvelope(0, 0, 10, 10) AS geom")
    place("INSERT INTO region VALUES ('b', 2, ST_MakeEnvelope(5, 0, 15, 10)), ('c', 3, ST_MakeEnvelope(50, 0, 60, 10))")
    select(database, "all")
    database.run("select/find_empty_regions")
    assert rows(database, "SELECT subject, item, severity FROM finding") == [("region", "b", "warning")]


def test_a_region_that_draws_nothing_in_some_runs_is_told(database: Database) -> None:
    fill(database, {1: 30}, {1: 1}, runs=3)
    split(database, is_split=False)
    select(database, "all")
    database.connection.execute("DELETE FROM quota WHERE run = 1")
    database.run("select/find_empty_regions")
    assert rows(database, "SELECT message FROM finding") == [
        ("has no learning sample in 1 runs: its pixels are not classified",)
    ]


def test_random_draw_is_the_order_of_md5(learnable: Database) -> None:
    select(learnable, "constant", count=5, rand=3)
    ids = [row[0] for row in rows(learnable, "SELECT sample_id FROM candidate WHERE polygon_id = 1")]
    ranked = sorted(ids, key=lambda i: (hashlib.md5(f"3|0|{i}".encode()).hexdigest(), i))
    taken = {row[0] for row in rows(learnable, "SELECT sample_id FROM selection") if row[0] < 20_000}
    assert taken == set(ranked[:5])


def test_draws_are_nested(learnable: Database) -> None:
    sets = []
    for count in (5, 9, 28):
        select(learnable, "constant", count=count)
        sets.append({row[0] for row in rows(learnable, "SELECT sample_id FROM selection")})
    assert sets[0] < sets[1] < sets[2]


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    count=st.integers(1, 80),
    sampler=st.sampled_from(["random", "periodic"]),
    jitter=st.sampled_from([0.0, 2.0]),
)
def test_quotas_are_met_exactly_and_never_exceeded(sizes: list[int], count: int, sampler: str, jitter: float) -> None:
    with Database.in_memory(threads=1) as database:
        database.create_schema()
        fill(database, dict(enumerate(sizes, 1)), dict.fromkeys(range(1, len(sizes) + 1), 1), runs=2)
        split(database, is_split=False)
        select(database, "constant", count=count, sampler=sampler, jitter=jitter)
        found = rows(database, "SELECT run, count(*), count(DISTINCT sample_id) FROM selection GROUP BY run")
        n = min(count, sum(sizes))
        assert sorted(found) == [(0, n, n), (1, n, n)]
        assert rows(database, "SELECT max(rate) <= 1 FROM quota") == [(True,)]


def test_percent_rounds_half_up() -> None:
    assert math.floor(0.5 + 0.25 * 30) == 8
