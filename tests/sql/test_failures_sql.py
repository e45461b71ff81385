"""The views of where a map fails, against pandas, scikit-learn, scipy and hand-made rows."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from accuracy_rows import fill_predictions
from cases import fill, rows
from scipy import stats
from sklearn.metrics import brier_score_loss

from i2db.store.database import Database


@pytest.fixture
def pixels(database: Database) -> pd.DataFrame:
    return fill_predictions(database)


def by(frame: pd.DataFrame, bins: pd.Series) -> list[tuple[int, float, int, int, float]]:
    """(run, bin, polygons, pixels, accuracy), sorted."""
    found = []
    for (run, low), part in frame.groupby([frame["run"], bins], dropna=False):
        accuracy = (part["reference"] == part["predicted"]).mean()
        found.append((run, low, part["polygon_id"].nunique(), len(part), pytest.approx(accuracy)))
    return sorted(found, key=lambda row: (row[0], row[1] if row[1] == row[1] else np.inf))


def told(database: Database, name: str) -> list[tuple[object, ...]]:
    return rows(
        database,
        f"SELECT run, at_least, n_polygons, n_pixels, accuracy FROM accuracy_by_circumstance "
        f"WHERE circumstance = '{name}' ORDER BY run, at_least NULLS LAST",
    )


def test_circumstances_of_pixels(database: Database, pixels: pd.DataFrame) -> None:
    edge = (pixels["edge_distance"] // 10).clip(upper=10)
    assert told(database, "pixels from the edge") == by(pixels, edge)
    valid = database.connection.execute("SELECT min(n_valid), max(n_valid), max(longest_gap) FROM candidate").fetchone()
    assert valid is not None
    least, most, longest = valid
    step = int(np.ceil((most - least + 1) / 10))
    assert told(database, "clear dates") == by(pixels, least + (pixels["n_valid"] - least) // step * step)
    step = 5 * int(np.ceil((longest + 1) / 50))
    assert told(database, "longest gap in days") == by(pixels, pixels["longest_gap"] // step * step)
    words = rows(database, "SELECT DISTINCT bin FROM accuracy_by_circumstance WHERE circumstance = 'clear dates'")
    assert f"{least} to {least + 3}" in {word for (word,) in words}


def test_circumstances_of_polygons(database: Database, pixels: pd.DataFrame) -> None:
    sizes = dict(rows(database, "SELECT polygon_id, count(*) FROM candidate GROUP BY ALL"))
    edges = [0, 10, 20, 50, 100, 200, 500]
    of_size = pixels["polygon_id"].map(sizes).map(lambda n: max(edge for edge in edges if edge <= n))
    assert told(database, "pixels of the polygon") == by(pixels, of_size)
    distances = {
        (run, polygon): distance
        for run, polygon, distance in rows(database, "SELECT run, polygon_id, distance FROM polygon_distance")
    }
    steps = [0, 2, 10, 50, 100, 500]
    near = pd.Series(
        [
            max(s for s in steps if s <= float(distances[key]) / 10) if key in distances else np.nan  # type: ignore[arg-type]
            for key in zip(pixels["run"], pixels["polygon_id"], strict=True)
        ],
        index=pixels.index,
    )
    expected = [(run, None if low != low else low, *rest) for run, low, *rest in by(pixels, near)]
    assert told(database, "pixels from the nearest learn polygon") == expected
    for name in ("tile", "region"):
        found = rows(
            database,
            f"SELECT run, bin, n_polygons, n_pixels, accuracy FROM accuracy_by_circumstance "
            f"WHERE circumstance = '{name}' ORDER BY run, bin",
        )
        assert found == sorted(by(pixels, pixels[name]))


def test_calibration(database: Database, pixels: pd.DataFrame) -> None:
    for run, accuracy, confidence, error, largest, brier in rows(
        database,
        "SELECT run, accuracy, confidence, calibration_error, largest_error, brier_score FROM calibration",
    ):
        part = pixels[pixels["run"] == run]
        is_right = (part["reference"] == part["predicted"]).to_numpy()
        sure = part["confidence"].to_numpy()
        assert brier == pytest.approx(brier_score_loss(is_right, sure))
        assert (accuracy, confidence) == (pytest.approx(is_right.mean()), pytest.approx(sure.mean()))
        tenth = np.minimum((sure * 10).astype(int), 9)
        gaps = {t: abs(sure[tenth == t].mean() - is_right[tenth == t].mean()) for t in np.unique(tenth)}
        assert error == pytest.approx(sum(gap * (tenth == t).mean() for t, gap in gaps.items()))
        assert largest == pytest.approx(max(gaps.values()))
    assert rows(database, "SELECT sum(n_pixels), max(confidence_from) FROM reliability") == [(len(pixels), 0.9)]


def test_full_confidence_is_in_the_last_tenth(database: Database, pixels: pd.DataFrame) -> None:
    database.connection.execute("UPDATE prediction SET confidence = 1")
    assert rows(database, "SELECT DISTINCT confidence_from, confidence FROM reliability") == [(0.9, 1.0)]


def label(database: Database, labels: dict[int, list[tuple[int, float]]], run: int) -> None:
    """Predictions (class, confidence) of the first pixels of some polygons in a run."""
    database.append(
        "prediction",
        [
            {"run": run, "region": "1", "kind": "rf", "tile": "T1", "chunk": 0, "sample_id": polygon * 10_000 + i}
            | {"class_code": code, "confidence": confidence}
            for polygon, pairs in labels.items()
            for i, (code, confidence) in enumerate(pairs)
        ],
    )


def test_suspects_are_wrong_in_every_run_in_which_they_validate(database: Database) -> None:
    fill(database, dict.fromkeys((1, 2, 3, 4), 4), {1: 10, 2: 10, 3: 20, 4: 20}, runs=2)
    database.append(
        "polygon_split",
        [
            {"run": run, "polygon_id": polygon, "split": "learn" if (polygon, run) == (2, 1) else "val"}
            for run in (0, 1)
            for polygon in (1, 2, 3, 4)
        ],
    )
    right, wrong = (20, 0.6), (20, 0.9)
    label(database, {1: [(20, 0.8)] * 3 + [(10, 0.5)], 2: [wrong] * 4, 3: [right] * 4, 4: [(10, 0.7)] * 4}, run=0)
    # Polygon 2 learns in run 1: what it is called there says nothing. Polygon 4 is right there.
    label(database, {1: [(20, 0.4)] * 4, 2: [(10, 0.9)] * 4, 3: [right] * 4, 4: [right] * 4}, run=1)
    found = rows(
        database,
        "SELECT polygon_id, suggested_code, n_runs, n_pixels, share, confidence, sure_share FROM suspect_polygon",
    )
    # Where 20 is right it has 0.6: the 0.8 of run 0 is sure, the 0.4 of run 1 is not.
    assert found == [
        (2, 20, 1, 4, 1.0, pytest.approx(0.9), 1.0),
        (1, 20, 2, 4, 7 / 8, pytest.approx((3 * 0.8 + 4 * 0.4) / 7), 3 / 8),
    ]


def test_resubstitution_has_no_suspects(database: Database, pixels: pd.DataFrame) -> None:
    assert rows(database, "SELECT polygon_id FROM suspect_polygon") != []
    database.connection.execute("UPDATE run SET evaluated_split = 'learn'")
    assert rows(database, "SELECT polygon_id FROM suspect_polygon") == []


def test_outliers_in_time(database: Database) -> None:
    fill(database, dict.fromkeys(range(1, 9), 3), dict.fromkeys(range(1, 8), 10) | {8: 20})
    date = datetime.date(2018, 5, 1)
    feature = {"feature_group": "s2", "sensor": "sentinel2", "feature_name": "x"}
    database.append(
        "feature",
        [
            feature | {"feature_id": 1, "feature_rank": 1, "band": "B2", "date": date},
            feature | {"feature_id": 2, "feature_rank": 2, "band": "B2", "date": datetime.date(2018, 6, 1)},
            feature | {"feature_id": 3, "feature_rank": 3, "band": "NDVI", "date": date},
        ],
    )
    means = np.array([100.0, 104, 98, 101, 97, 103, 900])
    database.append(
        "sample",
        [
            # Polygon 7 lies under a cloud in May; polygon 8 is the only one of its class.
            {"sample_id": polygon * 10_000 + i, "feature_group": "s2", "tile": "T1", "chunk": 0}
            | {"features": [(5000.0 if polygon == 8 else means[polygon - 1]) + i - 1, 7.0, -1.0]}
            for polygon in range(1, 9)
            for i in range(3)
        ],
    )
    found = rows(
        database, "SELECT date, polygon_id, n_samples, n_polygons, mean, median, robust_z FROM time_outlier('b2')"
    )
    z = 0.6745 * (900 - np.median(means)) / stats.median_abs_deviation(means)
    assert found == [(date, 7, 3, 7, 900.0, 101.0, pytest.approx(z))]
