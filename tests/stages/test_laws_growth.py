"""What is added moves nothing that was there: dates, tiles, variants; and the database is made again from the parts."""

from __future__ import annotations

import re
import shutil
from itertools import combinations
from pathlib import Path

import geopandas
import pytest

from i2db.config.reader import load
from i2db.runner import plan_chain, rebuild_database
from i2db.simulate import Scene
from i2db.stages.chain import CLASSIFICATION
from scenes import DRAWS, QUICK, TO_SELECT, Quiet, ask, assert_same, copy_scene, run_scene, tables

pytestmark = pytest.mark.slow

CONSTANT = (
    "arg_train.sample_selection.strategy=constant",
    "arg_train.sample_selection.strategy.constant.nb=40",
)


def test_the_database_is_made_again(clean: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    (folder / "i2db.duckdb").unlink()
    tally = rebuild_database(folder, Quiet())
    parts = len(list((folder / "parts").glob("*/*.json")))
    assert tally.total("adopted") == parts
    assert {stage for stage, counts in tally.counts.items() if counts["run"]} == {
        stage.name for stage in CLASSIFICATION if stage.work is None
    }
    assert_same(clean, folder)


def test_a_variant_shares_what_it_can(scene: Scene, clean: Path, tmp_path: Path) -> None:
    """Another strategy reads no image for sampling again, and is what a run of its own would be."""
    progress = Quiet()
    run_scene(scene.config, tmp_path / "variant", *CONSTANT, lenders=(clean / "parts",), progress=progress)
    assert {stage for stage, _ in progress.ran} == {"learn", "classify", "mosaic"}
    for stage in ("validity", "candidate", "extract"):
        for path in (tmp_path / "variant" / "parts" / stage).iterdir():
            assert path.samefile(clean / "parts" / stage / path.name)
    run_scene(scene.config, tmp_path / "alone", *CONSTANT)
    assert_same(tmp_path / "alone", tmp_path / "variant")
    assert tables(clean, ["selection"]) != tables(tmp_path / "variant", ["selection"])
    assert tables(clean, ["polygon_split"]) == tables(tmp_path / "variant", ["polygon_split"])


def test_planning_a_variant_leaves_no_trace(scene: Scene, clean: Path, tmp_path: Path) -> None:
    loaded = load(scene.config, [*QUICK, *CONSTANT])
    planned = plan_chain(loaded, tmp_path / "variant", CLASSIFICATION, lenders=(clean / "parts",))
    assert not (tmp_path / "variant").exists()
    assert planned.rows[0]["stage"] == "catalogue"


def inversions(old: dict[object, bool], new: dict[object, bool]) -> list[tuple[object, object]]:
    """Pairs of which the first was drawn and the second not, and now the other way round."""
    common = [key for key in old if key in new]
    return [(a, b) for a, b in combinations(common, 2) if (old[a] - old[b]) * (new[a] - new[b]) < 0]


def drawn_polygons(folder: Path) -> dict[tuple[object, ...], dict[object, bool]]:
    """Per run, region and class: polygon, and whether it learns."""
    found: dict[tuple[object, ...], dict[object, bool]] = {}
    for run, region, code, polygon, split in ask(
        folder, "SELECT run, region, class_code, polygon_id, split FROM polygon_split"
    ):
        found.setdefault((run, region, code), {})[polygon] = split == "learn"
    return found


def drawn_pixels(folder: Path) -> dict[tuple[object, ...], dict[object, bool]]:
    """Per run, region and class: pixel of a learn polygon, and whether it is drawn."""
    found: dict[tuple[object, ...], dict[object, bool]] = {}
    for run, region, code, sample, is_drawn in ask(
        folder,
        """SELECT polygon_split.run, candidate.region, polygon_split.class_code, candidate.sample_id,
            selection.sample_id IS NOT NULL
        FROM candidate JOIN polygon_split USING (polygon_id)
        LEFT JOIN selection ON selection.run = polygon_split.run AND selection.sample_id = candidate.sample_id
        WHERE polygon_split.split = 'learn'""",
    ):
        found.setdefault((run, region, code), {})[sample] = is_drawn
    return found


def test_a_new_tile_keeps_ids_and_the_order_of_the_draws(scene: Scene, tmp_path: Path) -> None:
    first, second = scene.tiles
    for tiles, folder in ((first, "one"), (second, "other"), (f"{first} {second}", "both")):
        run_scene(scene.config, tmp_path / folder, f"chain.list_tile={tiles}", *CONSTANT, stages=TO_SELECT)
    both = dict(ask(tmp_path / "both", "SELECT sample_id, polygon_id FROM candidate"))
    for folder in ("one", "other"):
        alone = dict(ask(tmp_path / folder, "SELECT sample_id, polygon_id FROM candidate"))
        assert len(alone) > 500
        assert alone.items() <= both.items()
        for drawn in (drawn_polygons, drawn_pixels):
            old, new = drawn(tmp_path / folder), drawn(tmp_path / "both")
            pairs = 0
            for stratum, members in old.items():
                assert inversions(members, new[stratum]) == []
                pairs += len(members)
            assert pairs > 10


def test_a_new_tile_without_new_polygons_changes_no_draw(scene: Scene, tmp_path: Path) -> None:
    config = copy_scene(scene, tmp_path / "scene")
    first, second = scene.tiles
    folder = tmp_path / "out"
    run_scene(config, folder, f"chain.list_tile={first}", stages=TO_SELECT)
    inside = {
        row[0]
        for row in ask(
            folder,
            """SELECT polygon_id FROM polygon WHERE polygon_id IN (SELECT polygon_id FROM candidate)
            AND ST_Within(geom, (SELECT geom FROM tile))""",
        )
    }
    path = tmp_path / "scene" / "ground_truth.gpkg"
    frame = geopandas.read_file(path, fid_as_index=True)
    kept = frame[frame.index.isin(inside)].assign(id=lambda kept: kept.index)
    assert 6 < len(kept) < len(frame)
    path.unlink()
    kept.to_file(path, driver="GPKG")
    identified = "chain.polygon_id_field=id"
    run_scene(config, folder, f"chain.list_tile={first}", identified, stages=TO_SELECT)
    before = tables(folder, DRAWS)
    run_scene(config, folder, f"chain.list_tile={first} {second}", identified, stages=TO_SELECT)
    assert ask(folder, "SELECT count(*) FROM tile") == [(2,)]
    assert tables(folder, DRAWS) == before


def test_a_new_date_changes_no_draw_and_is_announced(scene: Scene, tmp_path: Path) -> None:
    config = copy_scene(scene, tmp_path / "scene")
    folder = tmp_path / "out"
    later = [path for tile in scene.tiles for path in (tmp_path / "scene" / "s2" / tile).iterdir()]
    last = max(path.name.split("_")[1][:8] for path in later)
    aside = tmp_path / "aside"
    for path in later:
        if f"_{last}-" in path.name:
            (aside / path.parent.name).mkdir(parents=True, exist_ok=True)
            path.rename(aside / path.parent.name / path.name)
    done = run_scene(config, folder, stages=TO_SELECT)
    assert not any("--refresh" in note for note in done.notes)
    before, features = tables(folder, DRAWS), tables(folder, ["feature"])
    for path in aside.glob("*/*"):
        path.rename(tmp_path / "scene" / "s2" / path.parent.name / path.name)
    planned = plan_chain(load(config, QUICK), folder, CLASSIFICATION)
    (note,) = [note for note in planned.notes if "--refresh" in note]
    assert "new products would make the dates" in note
    assert planned.rows[0] == {"stage": "catalogue", "to_run": 1, "to_publish": 0, "up_to_date": 0, "why": "1 changed"}
    run_scene(config, folder, stages=TO_SELECT)
    assert f"{last[:4]}-{last[4:6]}-{last[6:]}" in {str(row[0]) for row in ask(folder, "SELECT date FROM acquisition")}
    assert (tables(folder, DRAWS), tables(folder, ["feature"])) == (before, features)
    refreshed = run_scene(config, folder, stages=TO_SELECT, refresh=True)
    assert not any("--refresh" in note for note in refreshed.notes)
    assert tables(folder, DRAWS) == before
    assert len(tables(folder, ["feature"])["feature"]) > len(features["feature"])


def test_an_unset_seed_is_drawn_once_and_kept(scene: Scene, tmp_path: Path) -> None:
    config = copy_scene(scene, tmp_path / "scene")
    text = re.sub(r"random_seed : \d+\n", "", config.read_text())
    assert "random_seed" not in text
    config.write_text(text)
    first = run_scene(config, tmp_path / "out", stages=TO_SELECT)
    again = run_scene(config, tmp_path / "out", stages=TO_SELECT)
    assert first.notes == again.notes
    assert first.notes[-1].startswith("random_seed ")
    assert again.tally.total("run") == 0
    other = run_scene(config, tmp_path / "other", stages=TO_SELECT)
    assert other.notes != first.notes
    assert tables(tmp_path / "out", DRAWS) != tables(tmp_path / "other", DRAWS)


def test_unchanged_input_is_nothing_to_do(scene: Scene, clean: Path) -> None:
    planned = plan_chain(load(scene.config, QUICK), clean, CLASSIFICATION)
    assert planned.explained == []
    assert all(row["to_run"] == row["to_publish"] == 0 and row["why"] == "" for row in planned.rows)
    assert sum(row["up_to_date"] for row in planned.rows) > 15
