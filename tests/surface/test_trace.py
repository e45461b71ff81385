"""Where pixels, polygons and cells of the matrix came from, and what became of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from sklearn.ensemble import RandomForestClassifier
from test_compare import i2db

from i2db import tracing
from i2db.errors import ConfigError
from i2db.learn.fitting import fit
from i2db.learn.forest import pack_forest
from i2db.learn.specification import ClassifierSpec, LearningSpec
from i2db.store.database import Database
from i2db.tracing import trace_cell, trace_polygon, trace_sample, tree_votes, votes_of
from scenes import ask


@pytest.fixture(scope="module")
def wrong(clean: Path) -> tuple[int, int, int, int]:
    """A pixel that a run gets wrong and another run, or the same, has features for: run, id, reference, predicted."""
    rows = ask(
        clean,
        "SELECT run, sample_id, reference_code, predicted_code FROM evaluated_pixel "
        "WHERE predicted_code <> reference_code ORDER BY run, sample_id LIMIT 1",
    )
    run, sample, reference, predicted = rows[0]
    return run, sample, reference, predicted


def test_votes_are_those_of_the_trees() -> None:
    generator = np.random.default_rng(3)
    features = generator.normal(size=(300, 6)).astype(np.float32)
    labels = 1 + (features[:, 0] > 0).astype(int) + (features[:, 1] > 0.3)
    model = RandomForestClassifier(15, max_depth=5, random_state=0).fit(features, labels)
    for is_wide in (False, True):
        forest = pack_forest(model, is_wide=is_wide)
        for pixel in features[:10]:
            leaves = [tree.predict_proba(pixel[None])[0].argmax() for tree in model.estimators_]
            assert tree_votes(forest, pixel) == [leaves.count(i) for i in range(3)]


def test_votes_of_a_forest_behind_a_scaler_are_counted_as_well() -> None:
    generator = np.random.default_rng(3)
    features = (generator.normal(size=(200, 6)) * 100).astype(np.float32)
    labels = 1 + (features[:, 0] > 0) + (features[:, 1] > 30)
    votes = {}
    for is_standardized in (False, True):
        classifier = ClassifierSpec(parameters={"n_estimators": 15}, is_standardized=is_standardized)
        model = fit(LearningSpec(classifier=classifier), features, labels, random_state=4).model
        votes[is_standardized] = [votes_of(model, pixel[None]) for pixel in features[:20]]
    # Trees split ranks, which scaling keeps.
    assert votes[True] == votes[False]
    assert sum(votes[True][0] or []) == 15
    bayes = fit(LearningSpec(classifier=ClassifierSpec(model_type="GaussianNB")), features, labels, random_state=4)
    assert votes_of(bayes.model, features[:1]) is None


def test_a_pixel(clean: Path, wrong: tuple[int, int, int, int]) -> None:
    run, sample, reference, _ = wrong
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        sections = trace_sample(database, clean, sample, run=run, n_nearest=4)
    (origin,) = sections["origin"]
    ((polygon, tile, chunk, column, row),) = ask(
        clean,
        f"SELECT polygon_id, tile, chunk, grid_column, grid_row FROM candidate WHERE sample_id = {sample}",
    )
    told = [origin[name] for name in ("polygon_id", "tile", "chunk", "grid_column", "grid_row", "class_code")]
    assert told == [polygon, tile, chunk, column, row, reference]
    assert (origin["x"], origin["y"]) == ((column + 0.5) * 10, -(row + 0.5) * 10)
    (became,) = sections["runs"]
    assert (became["split"], became["is_drawn"], became["is_right"]) == ("val", False, False)
    assert became["rate"] == pytest.approx(became["n_drawn"] / became["n_available"])
    # The first of the votes is what the model says, with the confidence that was kept.
    assert sections["votes"][0]["class_name"] == became["predicted"]
    assert sections["votes"][0]["probability"] == pytest.approx(became["confidence"], abs=1e-6)
    assert sum(row["n_votes"] for row in sections["votes"]) == 10
    assert [r["stored"] for r in sections["features"]] == ask(
        clean, f"SELECT features FROM sample WHERE sample_id = {sample}"
    )[0][0]
    assert became["model"].startswith("parts/learn/")
    assert (clean / became["model"]).is_dir()


@pytest.mark.parametrize("rows_at_a_time", [7, 100_000])
def test_the_nearest_are_the_nearest(
    clean: Path, wrong: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch, rows_at_a_time: int
) -> None:
    monkeypatch.setattr(tracing, "_ROWS_AT_A_TIME", rows_at_a_time)
    run, sample, _, _ = wrong
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        nearest = trace_sample(database, clean, sample, run=run, n_nearest=6)["nearest"]
    learnt = ask(
        clean,
        f"SELECT sample_id, features FROM sample JOIN candidate USING (sample_id) WHERE region = (SELECT region FROM "
        f"candidate WHERE sample_id = {sample}) AND sample_id IN (SELECT sample_id FROM selection WHERE run = {run})",
    )
    features = np.array([row[1] for row in learnt], dtype=float)
    pixel = np.array(ask(clean, f"SELECT features FROM sample WHERE sample_id = {sample}")[0][0])
    deviation = features.std(axis=0)
    deviation[deviation == 0] = 1
    distances = np.sqrt((((features - pixel) / deviation) ** 2).mean(axis=1))
    expected = sorted(zip(distances, (row[0] for row in learnt), strict=True))[:6]
    assert [row["sample_id"] for row in nearest] == [key for _, key in expected]
    assert [row["distance"] for row in nearest] == pytest.approx([d for d, _ in expected])
    assert [row["rank"] for row in nearest] == [1, 2, 3, 4, 5, 6]


def test_a_pixel_that_learnt_is_not_its_own_neighbour(clean: Path) -> None:
    ((run, sample),) = ask(clean, "SELECT run, sample_id FROM selection ORDER BY ALL LIMIT 1")
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        sections = trace_sample(database, clean, sample, run=run)
    assert sections["runs"][0]["is_drawn"]
    assert sample not in {row["sample_id"] for row in sections["nearest"]}


def test_a_cell_is_that_of_the_matrix(clean: Path, wrong: tuple[int, int, int, int], tmp_path: Path) -> None:
    _, _, reference, predicted = wrong
    expected = ask(
        clean, f"SELECT run, polygon_id FROM evaluated_pixel WHERE reference_code = {reference} "
        f"AND predicted_code = {predicted}"
    )  # fmt: skip
    ((name,),) = ask(clean, f"SELECT class_name FROM class WHERE class_code = {reference}")
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        rows = trace_cell(database, name.upper(), str(predicted))["polygons"]
    assert {(row["run"], row["polygon_id"]): row["n_pixels"] for row in rows} == Counter(expected)
    path = tmp_path / "cell.gpkg"
    assert i2db("trace", clean, "--cell", reference, predicted, "-o", path).code == 0
    layer = pyogrio.read_dataframe(path, layer="cell")
    assert len(layer) == len(expected)
    assert set(layer.geometry.geom_type) == {"Point"}


def test_a_polygon(clean: Path) -> None:
    ((polygon,),) = ask(clean, "SELECT polygon_id FROM polygon_split WHERE split = 'val' ORDER BY ALL LIMIT 1")
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        sections = trace_polygon(database, polygon)
    for row in sections["polygon"]:
        (expected,) = ask(
            clean,
            "SELECT count(*), count(*) FILTER (class_code = "
            f"(SELECT class_code FROM polygon WHERE polygon_id = {polygon})) FROM prediction "
            f"WHERE run = {row['run']} AND sample_id IN "
            f"(SELECT sample_id FROM candidate WHERE polygon_id = {polygon})",
        )
        assert (row["n_predicted"], row["n_right"]) == expected
        assert row["n_candidates"] == len(sections["pixels"]) == expected[0]
        given = Counter(
            code
            for (code,) in ask(
                clean,
                f"SELECT class_code FROM prediction WHERE run = {row['run']} AND class_code IS NOT NULL "
                f"AND sample_id IN (SELECT sample_id FROM candidate WHERE polygon_id = {polygon})",
            )
        )
        most = min(given, key=lambda code: (-given[code], code))
        assert ask(clean, f"SELECT class_name FROM class WHERE class_code = {most}") == [(row["mostly_predicted"],)]
    assert sum(row["n_right"] for row in sections["pixels"]) == sum(row["n_right"] for row in sections["polygon"])


def test_the_command(clean: Path, wrong: tuple[int, int, int, int]) -> None:
    run, sample, reference, _ = wrong
    said = json.loads(i2db("trace", clean, "--sample", sample, "--run", run, "-f", "json").out)
    assert list(said) == ["origin", "runs", "votes", "maps", "nearest", "features"]
    assert said["origin"][0]["class_code"] == reference
    for arguments, message in (
        (("trace", clean), "trace what"),
        (("trace", clean, "--sample", 1, "--polygon", 1), "trace what"),
        (("trace", clean, "--sample", 1), "no candidate pixel 1"),
        (("trace", clean, "--polygon", -1), "no polygon -1"),
        (("trace", clean, "--sample", sample, "--run", 99), "there is no run 99"),
        (("trace", clean, "--cell", "nothing", reference), "there is no class nothing"),
        (("trace", clean, "--cell", reference, reference, "--run", 99), "there is no run 99"),
    ):
        with pytest.raises(ConfigError, match=message):
            i2db(*arguments)


def test_a_cell_without_pixels_says_so(clean: Path) -> None:
    empty = ask(
        clean,
        "SELECT run.run, a.class_code, b.class_code FROM run, class AS a, class AS b WHERE (run.run, a.class_code, "
        "b.class_code) NOT IN (SELECT (run, reference_code, predicted_code) FROM evaluated_pixel "
        "WHERE predicted_code IS NOT NULL) ORDER BY ALL LIMIT 1",
    )
    ((run, reference, predicted),) = empty
    said = i2db("trace", clean, "--cell", reference, predicted, "--run", run, "--section", "polygons")
    assert said.out.endswith("\n(none)\n")
