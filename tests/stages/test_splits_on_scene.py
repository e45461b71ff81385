"""Splits other than by polygon, over the simulated scene: what they promise, held against shapely and geopandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from i2db.config.reader import load
from i2db.errors import ConfigError, InputError
from i2db.runner import audit
from i2db.simulate import Scene
from i2db.store.database import Database
from scenes import TO_SELECT, ask, copy_scene, run_scene, tables

ALONE = ("chain.region_path=None", "arg_train.runs=1")


def split(scene: Scene, clean: Path, folder: Path, *settings: str, config: Path | None = None) -> Path:
    """The chain up to the draw, with the parts of the clean run."""
    run_scene(config or scene.config, folder, *ALONE, *settings, stages=TO_SELECT, lenders=(clean / "parts",))
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        assert audit(database) == {}
    return folder


def shapes(folder: Path) -> dict[int, Any]:
    return {i: shapely.from_wkb(bytes(wkb)) for i, wkb in ask(folder, "SELECT polygon_id, ST_AsWKB(geom) FROM polygon")}


def nearest(folder: Path, run: int) -> dict[str, float]:
    """The smallest distance from a val polygon to any polygon of each side."""
    shape = shapes(folder)
    sides: dict[str, list[Any]] = {"learn": [], "val": [], "buffer": []}
    for polygon, side in ask(folder, f"SELECT polygon_id, split FROM polygon_split WHERE run = {run}"):
        sides[side].append(shape[polygon])
    return {
        side: min((float(shapely.distance(a, b)) for a in held for b in sides["val"]), default=np.inf)
        for side, held in sides.items()
    }


def test_leave_one_tile_out(scene: Scene, clean: Path, tmp_path: Path) -> None:
    folder = split(scene, clean, tmp_path / "out", "arg_train.split_by=tile")
    assert ask(folder, "SELECT run, held_out FROM run ORDER BY run") == [(0, "T31TCJ"), (1, "T31TDJ")]
    learnt = ask(folder, "SELECT DISTINCT run, tile FROM selection JOIN candidate USING (sample_id) ORDER BY ALL")
    assert learnt == [(0, "T31TDJ"), (1, "T31TCJ")]
    # Every polygon validates once: no val is lost.
    assert ask(folder, "SELECT count(*) - count(DISTINCT polygon_id) FROM polygon_split WHERE split = 'val'") == [(0,)]


def test_blocks_with_a_buffer(scene: Scene, clean: Path, tmp_path: Path) -> None:
    plain = split(scene, clean, tmp_path / "plain", "arg_train.split_by=block", "arg_train.block_size=300")
    wide = split(
        scene,
        clean,
        tmp_path / "wide",
        "arg_train.split_by=block",
        "arg_train.block_size=300",
        "arg_train.split_buffer=45",
    )
    assert 0 < nearest(plain, 0)["learn"] < 45 < nearest(wide, 0)["learn"]
    assert nearest(wide, 0)["buffer"] <= 45
    # The buffer takes from learn and moves nothing to val.
    val = "SELECT polygon_id FROM polygon_split WHERE split = 'val' ORDER BY ALL"
    assert ask(plain, val) == ask(wide, val)
    blocks = {
        row[0]: row[1]
        for row in ask(
            plain,
            "SELECT polygon_id, mode(floor((grid_column + 0.5) / 30) || '/' || floor((grid_row + 0.5) / 30)) "
            "FROM candidate GROUP BY polygon_id HAVING count(DISTINCT (grid_column // 30, grid_row // 30)) = 1",
        )
    }
    side_of: dict[str, set[str]] = {}
    for polygon, side in ask(plain, "SELECT polygon_id, split FROM polygon_split"):
        if polygon in blocks:
            side_of.setdefault(blocks[polygon], set()).add(side)
    assert len(side_of) > 5
    assert all(len(found) == 1 for found in side_of.values())


def test_leave_one_region_out(scene: Scene, clean: Path, tmp_path: Path) -> None:
    regions = geopandas.read_file(scene.regions)
    folder = split(
        scene, clean, tmp_path / "out", "arg_train.split_by=region", f"arg_train.split_region_path='{scene.regions}'"
    )
    names = sorted(set(regions["region"].astype(str)))
    assert ask(folder, "SELECT held_out FROM run ORDER BY run") == [(name,) for name in names]
    shape = shapes(folder)
    for run, name in enumerate(names):
        zone = shapely.union_all(regions[regions["region"].astype(str) == name].geometry.to_numpy())
        for polygon, side in ask(folder, f"SELECT polygon_id, split FROM polygon_split WHERE run = {run}"):
            share = shapely.intersection(shape[polygon], zone).area / shape[polygon].area
            assert side == ("learn" if share == 0 else "val" if share > 0.5 else "buffer"), (polygon, share)


@pytest.mark.parametrize(("by", "expected"), [("year", ["2017", "2018", "2019"]), ("field", None)])
def test_leave_one_year_or_value_out(
    scene: Scene, clean: Path, tmp_path: Path, by: str, expected: list[str] | None
) -> None:
    config = copy_scene(scene, tmp_path / "scene")
    frame = geopandas.read_file(scene.ground_truth)
    frame["seen"] = [f"{2017 + i % 3}-06-{1 + i % 20:02d}" for i in range(len(frame))]
    frame.to_file(tmp_path / "scene" / scene.ground_truth.name)
    field = "seen" if by == "year" else "code"
    folder = split(
        scene, clean, tmp_path / "out", f"arg_train.split_by={by}", f"arg_train.split_field={field}", config=config
    )
    if by == "field":
        # A class left out is a class that is never learnt: val is exactly it.
        found = ask(folder, "SELECT class_code, held_out, split FROM polygon_split JOIN run USING (run)")
        assert all((side == "val") == (str(code) == held_out) for code, held_out, side in found)
        return
    assert ask(folder, "SELECT held_out FROM run ORDER BY run") == [(name,) for name in expected or ()]
    sides = ask(
        folder,
        "SELECT held_out, split_value, split FROM polygon_split JOIN run USING (run) JOIN polygon USING (polygon_id)",
    )
    assert all((side == "val") == (year == held_out) for held_out, year, side in sides)


def test_the_default_draws_as_before(scene: Scene, clean: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run_scene(scene.config, folder, "arg_train.split_by=polygon", stages=TO_SELECT, lenders=(clean / "parts",))
    assert tables(folder, ["polygon_split"]) == tables(clean, ["polygon_split"])
    assert ask(folder, "SELECT count(*) FROM polygon_unit") == [(0,)]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            ("arg_train.split_by=tile", "arg_train.runs=3"),
            ConfigError,
            "runs is 3, and split_by tile has 2 to leave out",
        ),
        (("arg_train.split_by=tile", "chain.list_tile=T31TCJ"), ConfigError, "there is only T31TCJ"),
        (("arg_train.split_by=field", "arg_train.split_field=cod"), InputError, "has no field cod"),
        (("arg_train.split_by=block", "arg_train.block_size=1e9"), InputError, "in one block of 1e\\+09"),
        (
            ("arg_train.split_by=tile", "arg_train.split_buffer=1e6"),
            InputError,
            "run 0 .* has no polygon to learn from",
        ),
    ],
)
def test_what_cannot_be_split_is_told(
    scene: Scene, clean: Path, tmp_path: Path, settings: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run_scene(scene.config, tmp_path / "out", *ALONE, *settings, stages=TO_SELECT, lenders=(clean / "parts",))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("arg_train.split_by=block", "needs arg_train.block_size"),
        ("arg_train.split_by=year", "needs arg_train.split_field"),
        ("arg_train.split_by=region", "the models' own regions cannot be left out"),
    ],
)
def test_keys_that_are_missing_are_named(scene: Scene, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(scene.config, [setting])


def test_points_from_a_table_are_the_pixels_around_them(scene: Scene, clean: Path, tmp_path: Path) -> None:
    """Points in the middle of some candidates of the polygons give those candidates, whatever the split."""
    wanted = ask(
        clean,
        "SELECT sample_id, class_code, (grid_column + 0.3) * 10, -(grid_row + 0.6) * 10 "
        "FROM candidate JOIN polygon USING (polygon_id) ORDER BY md5(sample_id::VARCHAR) LIMIT 60",
    )
    config = copy_scene(scene, tmp_path / "scene")
    lines = [f"{sample},{x},{y},{code}" for sample, code, x, y in wanted]
    sample, code, x, y = wanted[0]
    second, its_code, its_x, its_y = wanted[1]
    twin, rival = 999_999_999_999_999_991, 999_999_999_999_999_992
    other = next(row[1] for row in wanted if row[1] != its_code)
    # The same class in the same pixel, and another class in the pixel of the second.
    lines += [
        f"{twin},{x + 1},{y},{code}",
        f"{rival},{its_x},{its_y},{other}",
    ]
    (tmp_path / "scene" / "points.csv").write_text("\n".join(["id,x,y,code", *lines]) + "\n")
    folder = split(
        scene,
        clean,
        tmp_path / "out",
        "chain.ground_truth=points.csv",
        "chain.ground_truth_proj=EPSG:32631",
        "chain.polygon_id_field=id",
        "arg_train.min_distance=15",
        "arg_train.split_buffer=30",
        config=config,
    )
    expected = sorted(row[0] for row in wanted if row[0] != second)
    found = ask(folder, "SELECT sample_id, polygon_id, edge_distance FROM candidate ORDER BY sample_id")
    assert [row[0] for row in found] == expected
    assert all(row[2] is None for row in found)
    assert {row[0]: row[1] for row in found} == {i: i for i in expected}
    told = dict(ask(folder, "SELECT item, message FROM finding WHERE stage = 'candidate' AND subject = 'point'"))
    assert told[str(twin)] == f"lies in the pixel of point {sample}, which has the same class"
    assert told[f"{second} and {rival}"] == "lie in one pixel with different classes"
    assert nearest(folder, 0)["learn"] > 30
