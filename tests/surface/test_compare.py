"""Projects side by side, and what changed from one to the other."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from scipy import stats
from typer.testing import CliRunner

from i2db.cli.main import app
from i2db.comparison.compare import compare, differing_keys, paired_interval, short_names
from i2db.comparison.diff import diff
from i2db.errors import ConfigError
from i2db.simulate import Scene
from scenes import ask, run_scene

DRAW = 'arg_train.sample_selection={"sampler": "random", "strategy": "constant", "strategy.constant.nb": 15}'


@pytest.fixture(scope="session")
def variant(scene: Scene, clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clean run with another sampling strategy; the images are not read again."""
    folder = tmp_path_factory.mktemp("variant") / "few"
    run_scene(scene.config, folder, DRAW, lenders=(clean / "parts",))
    return folder


@pytest.fixture(scope="session")
def sections(clean: Path, variant: Path) -> dict[str, list[dict[str, object]]]:
    return compare([clean, variant])


@dataclass(frozen=True)
class Said:
    """Exit code and standard output of a command."""

    code: int
    out: str


def i2db(*arguments: object) -> Said:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, done.stdout)


def test_only_keys_that_differ_are_shown(sections: dict[str, list[dict[str, object]]]) -> None:
    rows = {row["key"]: (row["out"], row["few"]) for row in sections["configuration"]}
    before, now = rows["arg_train.sample_selection.strategy"]
    assert (json.loads(str(before)), json.loads(str(now))) == ("all", "constant")
    assert set(rows) == {"arg_train.sample_selection.strategy", "arg_train.sample_selection.strategy.constant.nb"}


def test_keys_one_by_one() -> None:
    one = {"a.x": '{"p": 1, "q": {"r": [1]}}', "a.y": "1", "chain.output_path": '"u"', "execution.memory": "1"}
    other = {"a.x": '{"p": 1, "q": {"r": [2]}}', "a.z": "1", "chain.output_path": '"v"', "execution.memory": "2"}
    assert differing_keys({"one": one, "other": other}) == [
        {"key": "a.x.q.r", "one": "[1]", "other": "[2]"},
        {"key": "a.y", "one": "1", "other": None},
        {"key": "a.z", "one": None, "other": "1"},
    ]


def test_samples_are_those_of_the_tables(
    sections: dict[str, list[dict[str, object]]], clean: Path, variant: Path
) -> None:
    n_runs = ask(clean, "SELECT count(*) FROM run")[0][0]
    for name, folder in (("out", clean), ("few", variant)):
        expected = ask(
            folder,
            "SELECT class_name, count(*) FROM selection JOIN candidate USING (sample_id) JOIN polygon "
            "USING (polygon_id) JOIN class USING (class_code) GROUP BY class_name",
        )
        drawn = {row["class_name"]: row["n_selected"] for row in sections["samples"] if row["project"] == name}
        assert {key: n for key, n in drawn.items() if n} == {key: n / n_runs for key, n in expected}


def test_paired_differences_are_those_of_the_runs(
    sections: dict[str, list[dict[str, object]]], clean: Path, variant: Path
) -> None:
    values = [dict(ask(folder, "SELECT run, overall_accuracy FROM accuracy")) for folder in (clean, variant)]
    differences = [values[1][run] - values[0][run] for run in values[0]]
    (row,) = [r for r in sections["paired"] if r["metric"] == "overall_accuracy"]
    assert row["difference"] == pytest.approx(np.mean(differences))
    sides = ask(clean, "SELECT run, count(DISTINCT group_id) FILTER (split = 'val') / count(DISTINCT group_id) "
                       "FILTER (split = 'learn') FROM polygon_split GROUP BY run")  # fmt: skip
    ratio = np.mean([share for _, share in sides])
    n = len(differences)
    half = stats.t.ppf(0.975, n - 1) * np.std(differences, ddof=1) * np.sqrt(1 / n + ratio)
    assert row["half_width"] == pytest.approx(half)


def test_the_corrected_interval_by_hand() -> None:
    # Mean 0.02, variance 0.0001; t(0.975, 2) = 4.3027 (standard table); 1/3 + 1/2 = 5/6.
    row = paired_interval([0.01, 0.02, 0.03], 0.5)
    assert row["half_width"] == pytest.approx(4.3027 * 0.01 * (5 / 6) ** 0.5, rel=1e-4)
    assert row["verdict"] == "no difference shown"
    assert paired_interval([0.1, 0.1001], 0.5)["verdict"] == "better"
    assert paired_interval([-0.1, -0.1001], 0.5)["verdict"] == "worse"
    assert paired_interval([0.0, 0.0], 0.5)["verdict"] == "equal"
    assert paired_interval([0.1], 0.5)["half_width"] is None


def test_other_splits_are_not_paired(scene: Scene, clean: Path, tmp_path: Path) -> None:
    from scenes import TO_SELECT

    run_scene(scene.config, tmp_path / "seed", "arg_train.random_seed=77", stages=TO_SELECT, lenders=(clean / "parts",))
    rows = compare([clean, tmp_path / "seed"])["paired"]
    assert [row["verdict"] for row in rows] == ["no run has the same split"]
    changed = diff(clean, tmp_path / "seed")["splits"]
    sides = [dict(ask(folder, "SELECT (run, polygon_id)::VARCHAR, split FROM polygon_split"))
             for folder in (clean, tmp_path / "seed")]  # fmt: skip
    moved = sum(sides[0][key] != sides[1][key] for key in sides[0])
    assert sum(int(row["n_polygons"]) for row in changed) == moved > 0


def test_cost_tells_what_was_borrowed(sections: dict[str, list[dict[str, object]]]) -> None:
    cost = {row["stage"]: row for row in sections["cost"] if row["project"] == "few"}
    for stage in ("validity", "candidate", "extract"):
        assert cost[stage]["n_tasks"] == 0
        assert int(str(cost[stage]["n_adopted"])) > 0
    assert int(str(cost["learn"]["n_tasks"])) > 0


def test_what_changed(clean: Path, variant: Path) -> None:
    sections = diff(clean, variant)
    for name in ("polygons", "splits", "features"):
        assert sections[name] == []
    sides = [set(ask(folder, "SELECT run, sample_id FROM selection")) for folder in (clean, variant)]
    drawn = sections["selections"]
    assert sum(row["n_both"] for row in drawn) == len(sides[0] & sides[1])
    assert sum(row["n_removed"] for row in drawn) == len(sides[0] - sides[1])
    assert sum(row["n_added"] for row in drawn) == len(sides[1] - sides[0]) == 0
    labels = [
        {(run, sample): code for run, sample, code in ask(folder, "SELECT run, sample_id, class_code FROM prediction")}
        for folder in (clean, variant)
    ]
    changed = {key for key in labels[0] if labels[0][key] != labels[1][key]}
    assert sum(row["n_changed"] for row in sections["predictions"]) == len(changed)
    assert sum(row["n_pixels"] for row in sections["relabelled"]) == len(changed)
    truth = dict(ask(clean, "SELECT sample_id, class_code FROM candidate JOIN polygon USING (polygon_id)"))
    assert sum(row["n_mended"] for row in sections["predictions"]) == sum(
        labels[1][run, sample] == truth[sample] for run, sample in changed
    )
    for row in sections["map"]:
        arrays = []
        for folder in (clean, variant):
            with rasterio.open(folder / "final" / f"Classif_Seed_{row['run']}.tif") as source:
                arrays.append(source.read(1))
        known = (arrays[0] > 0) & (arrays[1] > 0)
        assert row["n_pixels"] == known.sum()
        assert row["n_changed"] == (arrays[0] != arrays[1])[known].sum()
    areas = sections["areas"]
    by_run = {row["run"] for row in areas}
    for run in by_run:
        assert sum(r["change"] for r in areas if r["run"] == run) == pytest.approx(0, abs=1e-6)


def test_nothing_changed(clean: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "i2db.duckdb").write_bytes((clean / "i2db.duckdb").read_bytes())
    sections = diff(clean, copy)
    for name in ("configuration", "polygons", "splits", "features", "relabelled", "map"):
        assert sections[name] == []
    assert {row["change"] for row in sections["areas"]} == {0}
    assert {row["n_changed"] for row in sections["predictions"]} == {0}


def test_output_in_all_forms(clean: Path, variant: Path, tmp_path: Path) -> None:
    said = i2db("compare", clean, variant, "--figure", tmp_path / "x.png")
    assert said.code == 0
    assert "Keys that differ\n\nkey" in said.out
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    whole = json.loads(i2db("compare", clean, variant, "-f", "json").out)
    assert list(whole) == ["configuration", "samples", "accuracy", "classes", "paired", "cost"]
    rows = list(csv.DictReader(io.StringIO(i2db("compare", clean, variant, "--section", "accuracy", "-f", "csv").out)))
    assert [float(row["mean"]) for row in rows] == pytest.approx([row["mean"] for row in whole["accuracy"]])
    path = tmp_path / "classes.parquet"
    assert i2db("compare", clean, variant, "--section", "classes", "-o", path).code == 0
    assert pq.read_table(path).to_pylist() == whole["classes"]
    assert json.loads(i2db("diff", clean, variant, "--section", "candidates", "-f", "json").out)[0]["n_added"] == 0


def test_what_is_wrong_is_said(clean: Path, variant: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (("compare", clean), "nothing to compare"),
        (("compare", clean, clean), "named twice"),
        (("compare", clean, tmp_path), "no database"),
        (("compare", clean, variant, "--section", "samplez"), "there is no section samplez"),
        (("compare", clean, variant, "-f", "csv"), "csv holds one table"),
        (("diff", clean, clean), "the same folder"),
        (("diff", clean, tmp_path), "no database"),
    ):
        with pytest.raises(ConfigError, match=message):
            i2db(*arguments)


def test_names_are_told_apart() -> None:
    assert short_names([Path("/a/x/out"), Path("/b/x/out"), Path("/c")]) == ["a/x/out", "b/x/out", "/c"]
    assert short_names([Path("/a/one"), Path("/a/two")]) == ["one", "two"]
