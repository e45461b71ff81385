"""Accuracy of fused and smoothed maps against scikit-learn; held polygons and parts of regions by hand."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from accuracy_rows import fill_predictions
from cases import fill, rows, select, split
from sklearn import metrics

from i2db.store.database import Database

UNDECIDED = 255


@pytest.fixture
def judged(database: Database) -> pd.DataFrame:
    """Polygons 3 and 11 held back; a fused map with undecided pixels and some without data; the pixels it has there."""
    fill_predictions(database)
    connection = database.connection
    connection.execute("UPDATE polygon_split SET split = 'held' WHERE polygon_id IN (3, 11)")
    connection.execute("INSERT INTO held_group VALUES (3), (11)")
    pixels = connection.execute("SELECT sample_id, tile, chunk, polygon_id FROM candidate ORDER BY sample_id").df()
    rng = np.random.default_rng(8)
    pixels["class_code"] = rng.choice([10, 20, 30, UNDECIDED, 0], len(pixels), p=[0.3, 0.3, 0.3, 0.05, 0.05])
    pixels["class_code"] = pixels["class_code"].replace(0, None).astype("Int64")
    records = pixels.assign(run=None, is_smoothed=False).drop(columns="polygon_id").astype(object)
    database.append("derived_prediction", records.where(records.notna(), None).to_dict("records"))
    smoothed = connection.execute("SELECT run, tile, chunk, sample_id, class_code FROM prediction").df()
    database.append("derived_prediction", smoothed.assign(is_smoothed=True).to_dict("records"))
    query = "SELECT sample_id, polygon_id, class_code AS reference FROM candidate JOIN polygon USING (polygon_id)"
    return connection.execute(f"{query} ORDER BY 1").df().assign(predicted=pixels["class_code"])


def test_the_fused_map_is_judged_by_what_is_held(database: Database, judged: pd.DataFrame) -> None:
    here = judged[judged["polygon_id"].isin([3, 11])]
    known = here[here["predicted"].isin([10, 20, 30])]
    reference, predicted = known["reference"].astype(int), known["predicted"].astype(int)
    ((n_polygons, n_pixels, n_unclassified, n_undecided, accuracy, kappa, f_score, share_right),) = rows(
        database, "SELECT * EXCLUDE (run, is_smoothed, evaluated_on) FROM map_accuracy WHERE run IS NULL"
    )
    assert (n_polygons, n_pixels) == (2, len(here))
    assert n_unclassified == here["predicted"].isna().sum() > 0
    assert n_undecided == (here["predicted"] == UNDECIDED).sum() > 0
    assert accuracy == pytest.approx(metrics.accuracy_score(reference, predicted))
    assert share_right == pytest.approx((reference == predicted).sum() / (len(known) + n_undecided))
    assert share_right < accuracy
    assert kappa == pytest.approx(metrics.cohen_kappa_score(reference, predicted))
    labels = sorted(reference.unique())
    of_class = metrics.f1_score(reference, predicted, labels=labels, average=None)
    assert f_score == pytest.approx(of_class.mean())
    assert dict(
        rows(database, "SELECT class_code, f_score FROM map_class_accuracy WHERE run IS NULL AND n_reference > 0")
    ) == pytest.approx(dict(zip(labels, of_class, strict=True)))


def test_the_runs_are_judged_by_both(database: Database, judged: pd.DataFrame) -> None:
    """On their own val polygons as in `accuracy`, smoothed maps that change nothing alike; and on what is held."""
    usual = rows(database, "SELECT run, n_polygons, n_pixels, overall_accuracy, kappa, f_score FROM accuracy")
    for is_smoothed in (False, True):
        assert usual == rows(
            database,
            "SELECT run, n_polygons, n_pixels, overall_accuracy, kappa, f_score FROM map_accuracy "
            f"WHERE run IS NOT NULL AND is_smoothed = {is_smoothed} AND evaluated_on = 'val' ORDER BY run",
        )
    held = rows(database, "SELECT run, n_polygons, n_pixels FROM map_accuracy WHERE evaluated_on = 'held'")
    n = int(judged["polygon_id"].isin([3, 11]).sum())
    assert held == [(run, 2, n) for run in (0, 0, 1, 1, 2, 2, None)]


def test_without_held_polygons_all_judge(database: Database, judged: pd.DataFrame) -> None:
    database.connection.execute("UPDATE polygon_split SET split = 'val' WHERE split = 'held'; DELETE FROM held_group")
    found = rows(database, "SELECT evaluated_on, n_polygons, n_pixels FROM map_accuracy WHERE run IS NULL")
    assert found == [("all", 12, len(judged))]


def test_polygons_are_held_by_class_and_region(database: Database) -> None:
    """Ten polygons of class 1, four of class 2 and two of class 3 in region a; three of class 1 in region b."""
    classes = (
        dict.fromkeys(range(10), 1) | dict.fromkeys(range(10, 14), 2) | {14: 3, 15: 3} | dict.fromkeys((16, 17, 18), 1)
    )
    regions = {i: "b" if i > 15 else "a" for i in classes}
    fill(database, dict.fromkeys(classes, 3), classes, runs=2, regions=regions)
    database.run("split/hold", random_seed=4, ratio=0.2)
    held = [row[0] for row in rows(database, "SELECT group_id FROM held_group ORDER BY group_id")]

    def first(ids: range, n: int) -> list[int]:
        return sorted(ids, key=lambda i: (hashlib.md5(f"4|held|{i}".encode()).hexdigest(), i))[:n]

    # 0.2 of 10 is 2, of 4 rounds to 1, of 3 to 1; of two none can be spared.
    assert held == sorted([*first(range(10), 2), *first(range(10, 14), 1), *first(range(16, 19), 1)])
    split(database)
    database.run("split/held")
    sides = rows(database, "SELECT run, split, count(*) FROM polygon_split GROUP BY ALL ORDER BY ALL")
    assert sides == [(run, side, n) for run in (0, 1) for side, n in (("held", 4), ("learn", 8), ("val", 7))]
    both = rows(database, "SELECT polygon_id FROM polygon_split WHERE split = 'held' GROUP BY 1 HAVING count(*) = 2")
    assert sorted(row[0] for row in both) == held
    for audit in ("candidate_without_split", "group_on_two_sides", "polygon_on_two_sides"):
        assert database.rows(f"audit/{audit}") == []


def test_a_share_near_one_leaves_two(database: Database) -> None:
    fill(database, dict.fromkeys(range(5), 1), dict.fromkeys(range(5), 1))
    database.run("split/hold", random_seed=0, ratio=0.99)
    assert rows(database, "SELECT count(*) FROM held_group") == [(3,)]


def part(model: str, number: int, n: int, region: str = "1") -> dict[str, object]:
    return {"region": region, "model": model, "part": number, "n_parts": n}


def test_groups_are_dealt_out_to_the_models_of_a_region(database: Database) -> None:
    """Seven polygons of class 1 and two of class 2, three models: class 2 goes round, so that no model lacks it."""
    classes = dict.fromkeys(range(1, 8), 1) | {8: 2, 9: 2}
    fill(database, {i: i for i in classes}, classes, runs=2)
    split(database, is_split=False)
    database.append("region_model", [{"region": "1", "model": f"1f{k}"} for k in (1, 2, 3)])
    database.run("split/deal", parts=[part(f"1f{k + 1}", k, 3) for k in range(3)], random_seed=6)
    for run in (0, 1):
        query = (
            f"SELECT model, list(polygon_id ORDER BY polygon_id) FROM polygon_model WHERE run = {run} GROUP BY model"
        )
        dealt = dict(rows(database, query))
        ranked = sorted(range(1, 8), key=lambda i: hashlib.md5(f"6|part|{run}|{i}".encode()).hexdigest())
        of_two = sorted((8, 9), key=lambda i: hashlib.md5(f"6|part|{run}|{i}".encode()).hexdigest())
        for k in range(3):
            assert dealt[f"1f{k + 1}"] == sorted([*ranked[k::3], of_two[k % 2]])
    select(database, "all", models=["1f1", "1f2", "1f3"])
    ((n,),) = rows(database, "SELECT count(*) FROM quota WHERE n_available = n_drawn AND n_drawn > 0")
    assert n == 2 * 3 * 2
    # Each model draws from its own polygons; a polygon that two of them have is drawn by both.
    assert rows(
        database,
        """SELECT count(*) FROM selection JOIN candidate USING (sample_id)
        ANTI JOIN polygon_model ON polygon_model.run = selection.run AND polygon_model.model = selection.region
            AND polygon_model.polygon_id = candidate.polygon_id""",
    ) == [(0,)]
    ((per_model,),) = rows(database, "SELECT count(*) FROM selection WHERE run = 0")
    ((dealt_pixels,),) = rows(database, "SELECT sum(polygon_id) FROM polygon_model WHERE run = 0")
    assert per_model == dealt_pixels > 45
    for audit in ("selection_off_quota", "selection_outside_learn", "sample_twice"):
        assert database.rows(f"audit/{audit}") == []
    # Region by region the models' samples are told together.
    told = rows(database, "SELECT class_code, n_available, n_selected FROM class_statistics WHERE run = 0")
    assert [row[1] == row[2] for row in told] == [True, True]


def test_models_of_sensors_learn_the_same_pixels(database: Database) -> None:
    fill(database, {1: 20, 2: 20}, {1: 1, 2: 2})
    split(database, is_split=False)
    database.append("region_model", [{"region": "1", "model": f"1_{name}", "sensor": name} for name in ("a", "b")])
    database.run("split/deal", parts=[part("1_a", 0, 1), part("1_b", 0, 1)], random_seed=0)
    select(database, "constant", count=5, models=["1_a", "1_b"])
    drawn = [rows(database, f"SELECT sample_id FROM selection WHERE region = '{name}'") for name in ("1_a", "1_b")]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 10


def test_sizes_of_regions(database: Database) -> None:
    """Area of all polygons of a region; the groups of its largest class that any run learns from at least."""
    classes = dict.fromkeys(range(6), 1) | {6: 2, 7: 2, 8: 1}
    fill(database, dict.fromkeys(classes, 2), classes, runs=2, regions={8: "2"})
    database.connection.execute("UPDATE polygon SET area = 100 * (polygon_id + 1)")
    split(database)
    assert database.rows("split/region_sizes") == [
        {"region": "1", "area": 100.0 * sum(range(1, 9)), "n_groups": 3},
        {"region": "2", "area": 900.0, "n_groups": 1},
    ]
