"""The commands as a user types them: help, answers, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import geopandas
import pandas
import pyarrow.parquet as pq
import pytest
import rasterio
from commands import Command

from i2db.cli.main import app, normalised
from i2db.simulate import Scene
from i2db.stages.chain import CLASSIFICATION
from scenes import ask, assert_same

COMMANDS = sorted(
    [str(command.name) for command in app.registered_commands]
    + [
        f"{group.name} {command.name}"
        for group in app.registered_groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    ]
)


def test_the_commands_are_those_of_the_readme() -> None:
    promised = {"run", "plan", "check", "rebuild", "sql", "show", "export", "audit", "simulate"}
    assert promised <= set(COMMANDS)
    assert {"config example", "config migrate", "config schema"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(i2db: Command, command: str) -> None:
    answer = i2db(*command.split(), "--help")
    assert answer.code == 0
    assert f"Example: i2db {command}" in " ".join(answer.out.split())


def test_help_and_version(i2db: Command) -> None:
    from i2db import __version__

    assert i2db("--help").code == 0
    assert i2db("--version").out.strip() == f"i2db {__version__}"


def test_an_unknown_option_is_a_usage_error(i2db: Command) -> None:
    answer = i2db("run", "--nonsense")
    assert answer.code == 2
    assert "--nonsense" in answer.err


def test_no_configuration_is_a_usage_error(i2db: Command) -> None:
    answer = i2db("run")
    assert answer.code == 2
    assert "i2db config example" in answer.err


def test_iota2_spelling() -> None:
    assert normalised(["-config", "x.cfg", "-scheduler_type", "debug", "-nb_parallel_tasks=1"]) == [
        "run",
        "--config",
        "x.cfg",
        "--scheduler-type",
        "debug",
        "--nb-parallel-tasks=1",
    ]
    assert normalised(["run", "c", "-o", "out_a", "--only_summary"]) == ["run", "c", "-o", "out_a", "--only-summary"]
    assert normalised(["sql", "out", "SELECT 1 - x"]) == ["sql", "out", "SELECT 1 - x"]


@pytest.mark.slow
def test_iota2_command_line(i2db: Command, scene: Scene, quick: list[str], out: Path) -> None:
    answer = i2db(
        "-config", scene.config, "-scheduler_type", "debug", "-nb_parallel_tasks", 1, "-starting_step", 1,
        "-ending_step", 5, "-restart", "-o", out, *quick,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert ask(out, "SELECT count(*) > 0 FROM selection") == [(True,)]


def test_only_summary(i2db: Command, scene: Scene, out: Path) -> None:
    answer = i2db("run", scene.config, "-only_summary", "-ending_step", 2, "-o", out)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "Group init:"
    assert [line.strip()[:3] for line in lines if "Step" in line] == ["[x]"] * 2 + ["[ ]"] * (len(CLASSIFICATION) - 2)
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-starting_step", "15"], "there is no step 15"),
        (["-starting_step", "0"], "there is no step 0"),
        (["-starting_step", "4", "-ending_step", "2"], "comes after the last"),
    ],
)
def test_steps_out_of_range(i2db: Command, scene: Scene, options: list[str], message: str) -> None:
    answer = i2db("run", scene.config, "-only_summary", *options)
    assert answer.code == 2
    assert message in answer.err


@pytest.mark.slow
def test_in_two_halves_is_as_good_as_at_once(
    i2db: Command, scene: Scene, quick: list[str], out: Path, clean: Path
) -> None:
    assert i2db("run", scene.config, "-ending_step", 6, "-o", out, *quick).code == 0
    assert not (out / "final").exists()
    answer = i2db("run", scene.config, "-starting_step", 7, "-o", out, *quick)
    assert answer.code == 0, answer.err
    assert "map: " in answer.out
    assert_same(clean, out)


@pytest.mark.slow
def test_beginning_late_without_the_beginning_says_so(i2db: Command, scene: Scene, quick: list[str], out: Path) -> None:
    answer = i2db("run", scene.config, "-starting_step", 9, "-o", out, *quick)
    assert answer.code == 2
    assert "begins after learn, but catalogue has not been run with this configuration" in answer.err
    assert "leave first_step out" in answer.err


def test_beginning_late_after_a_change_is_refused(i2db: Command, clean: Path, scene: Scene, quick: list[str]) -> None:
    changed = ["--set", "arg_train.ratio=0.9", "-starting_step", 8]
    answer = i2db("run", scene.config, "-o", clean, *changed, *quick)
    assert answer.code == 2
    assert "split has not been run with this configuration" in answer.err


@pytest.mark.slow
def test_a_window_has_a_folder_of_its_own(i2db: Command, scene: Scene, quick: list[str], tmp_path: Path) -> None:
    settings = ["--set", f"chain.output_path={tmp_path / 'out'}"]
    answer = i2db("run", scene.config, "--window", 64, *settings, *quick)
    assert answer.code == 0, answer.err
    folder = tmp_path / "out_window_64"
    with rasterio.open(folder / "final" / "Classif_Seed_0.tif") as source:
        assert max(source.shape) <= 64
        assert source.read().any()
    assert not (tmp_path / "out").exists()


def test_a_plan_of_nothing_done(i2db: Command, scene: Scene, quick: list[str], out: Path) -> None:
    answer = i2db("plan", scene.config, "-o", out, "--format", "json", *quick)
    assert answer.code == 0
    rows = json.loads(answer.out)
    assert [row["stage"] for row in rows] == [stage.name for stage in CLASSIFICATION]
    assert rows[0]["why"] == "1 missing"
    assert rows[-1]["why"] == "upstream"
    assert not out.exists()


def test_a_plan_explains(i2db: Command, scene: Scene, quick: list[str], clean: Path) -> None:
    assert "everything is up to date" in i2db("plan", scene.config, "-o", clean, "--explain", *quick).err
    changed = [*quick, "--set", "arg_train.ratio=0.6"]
    rows = json.loads(i2db("plan", scene.config, "-o", clean, "--explain", "--format", "json", *changed).out)
    assert rows[0] == {"stage": "split", "unit": "all", "what": "run", "why": "changed"}
    # A ratio moves no polygon, no mask, no candidate.
    names = [stage.name for stage in CLASSIFICATION]
    assert {row["stage"] for row in rows} == set(names[names.index("split") :])


@pytest.mark.parametrize("command", ["plan", "check"])
def test_rows_as_csv_are_csv(i2db: Command, scene: Scene, quick: list[str], out: Path, command: str) -> None:
    colors = out.parent / "colors.txt"
    colors.write_text(f"{scene.class_codes[0]} 1 2 3\n")
    where = ["-o", out] if command == "plan" else ["--set", f"chain.color_table={colors}"]
    answer = i2db(command, scene.config, "--format", "csv", *where, *quick)
    rows = list(csv.reader(io.StringIO(answer.out)))
    assert rows[0][0] in ("stage", "severity")
    assert {len(row) for row in rows} == {5}
    assert len(rows) >= 4


def test_a_graph_is_a_picture(i2db: Command, scene: Scene, quick: list[str], out: Path, tmp_path: Path) -> None:
    graph = tmp_path / "graph.svg"
    answer = i2db("plan", scene.config, "-o", out, "--graph", graph, *quick)
    assert answer.code == 0
    root = ElementTree.parse(graph).getroot()
    assert root.tag.endswith("svg")
    words = " ".join(text for text in root.itertext())
    assert all(stage.name in words for stage in CLASSIFICATION)


def test_a_graph_is_drawn_when_all_is_done(
    i2db: Command, scene: Scene, quick: list[str], clean: Path, tmp_path: Path
) -> None:
    graph = tmp_path / "graph.svg"
    assert i2db("plan", scene.config, "-o", clean, "--explain", "--graph", graph, *quick).code == 0
    assert graph.is_file()


def test_check_of_good_inputs(i2db: Command, scene: Scene) -> None:
    answer = i2db("check", scene.config)
    assert answer.code == 0
    assert "0 errors" in answer.err


def test_sql(i2db: Command, clean: Path) -> None:
    answer = i2db(
        "sql", clean, "SELECT run, count(*) AS n FROM selection GROUP BY run ORDER BY run", "--format", "json"
    )
    assert answer.code == 0
    assert [row["run"] for row in json.loads(answer.out)] == [0, 1]


def test_sql_from_a_file_and_from_standard_input(
    i2db: Command, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "query.sql").write_text("SELECT 6 * 7 AS answer")
    assert i2db("sql", clean, f"@{tmp_path / 'query.sql'}", "-f", "csv").out == "answer\n42\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 6 * 7 AS answer"))
    assert i2db("sql", clean, "-f", "csv").out == "answer\n42\n"
    assert i2db("sql", clean, "@none.sql").code == 2


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELEC 1", "syntax error"),
        ("FROM selecton", "Did you mean"),
        ("SELECT nothing FROM run", "not found"),
        ("DELETE FROM run", "read-only"),
    ],
)
def test_bad_sql_is_answered_in_the_words_of_duckdb(i2db: Command, clean: Path, query: str, message: str) -> None:
    answer = i2db("sql", clean, query)
    assert answer.code == 2
    assert message in answer.err
    assert "i2db show" in answer.err
    assert ask(clean, "SELECT count(*) FROM run") == [(2,)]


def test_show_lists_what_there_is(i2db: Command, clean: Path) -> None:
    answer = i2db("show", clean)
    assert answer.code == 0
    for name in ("polygon_split", "class_statistics", "sample_wide", "profile"):
        assert name in answer.out


def test_show_a_view(i2db: Command, clean: Path) -> None:
    rows = json.loads(i2db("show", clean, "accuracy_summary", "--format", "json").out)
    assert {"overall_accuracy", "kappa", "f_score"} <= {row["metric"] for row in rows}


def test_an_unknown_table_names_the_nearest(i2db: Command, clean: Path) -> None:
    answer = i2db("show", clean, "acuracy")
    assert answer.code == 2
    assert "did you mean accuracy?" in answer.err


def test_a_folder_without_project(i2db: Command, tmp_path: Path) -> None:
    for command in (["sql", tmp_path, "SELECT 1"], ["show", tmp_path], ["audit", tmp_path], ["rebuild", tmp_path]):
        answer = i2db(*command)
        assert answer.code == 2
        assert str(tmp_path) in answer.err


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".gpkg", ".geojson"])
def test_export_of_samples(i2db: Command, clean: Path, scene: Scene, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"samples{suffix}"
    answer = i2db("export", clean, "samples", "--run", 0, "--split", "learn", "-o", path)
    assert answer.code == 0, answer.err
    ((n,),) = ask(clean, "SELECT count(*) FROM selection WHERE run = 0")
    assert f"{n} rows" in answer.err
    if suffix == ".csv":
        frame = pandas.read_csv(path)
    elif suffix == ".parquet":
        frame = geopandas.read_parquet(path)
    else:
        frame = geopandas.read_file(path)
    assert len(frame) == n
    assert set(frame["split"]) == {"learn"}
    ((name, feature),) = ask(
        clean,
        """SELECT feature_name, (SELECT features[feature_rank] FROM sample ORDER BY sample_id LIMIT 1)
        FROM feature WHERE feature_rank = 5""",
    )
    ((first,),) = ask(clean, "SELECT min(sample_id) FROM sample")
    with_first = frame[frame["sample_id"] == first]
    if len(with_first):
        assert with_first[name].iloc[0] == pytest.approx(feature, rel=1e-6)


def test_exported_geoparquet_is_what_others_read(i2db: Command, clean: Path, scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    assert i2db("export", clean, "samples", "-o", path).code == 0
    frame = geopandas.read_parquet(path)
    assert frame.crs.to_epsg() == 32631
    with rasterio.open(clean / "final" / "Classif_Seed_0.tif") as source:
        west, south, east, north = source.bounds
    assert frame.total_bounds[0] > west
    assert frame.total_bounds[3] < north
    assert frame.total_bounds[2] < east
    assert frame.total_bounds[1] > south
    meta = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert meta["version"] == "1.1.0"
    assert meta["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    left, bottom, _, _ = frame.total_bounds
    some = geopandas.read_parquet(path, bbox=(left, bottom, left + 200, bottom + 200))
    assert 0 < len(some) < len(frame)


def test_export_of_a_table(i2db: Command, clean: Path, scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "polygons.gpkg"
    assert i2db("export", clean, "polygon", "-o", path).code == 0
    original = geopandas.read_file(scene.ground_truth, fid_as_index=True)
    frame = geopandas.read_file(path).set_index("polygon_id").sort_index()
    assert frame.crs == original.crs
    assert frame.geometry.geom_equals_exact(original.geometry.loc[frame.index], 1e-6).all()
    assert i2db("export", clean, "accuracy", "-o", tmp_path / "accuracy.csv").code == 0
    assert len(pandas.read_csv(tmp_path / "accuracy.csv")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["samples", "-o", "x.xyz"], ".parquet"),
        (["accuracy", "-o", "x.gpkg"], "no geometry"),
        (["nothing", "-o", "x.csv"], "there is no table or view nothing"),
        (["samples", "--split", "learn", "-o", "x.csv"], "--split needs --run"),
        (["samples", "--run", "0", "--split", "left", "-o", "x.csv"], "it is learn or val"),
        (["samples", "--run", "7", "-o", "x.csv"], "no pixel was extracted for run 7"),
    ],
)
def test_exports_that_cannot_be(
    i2db: Command, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = i2db("export", clean, *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_audit(i2db: Command, clean: Path, tmp_path: Path) -> None:
    assert i2db("audit", clean).code == 0
    from i2db.store.database import Database

    folder = tmp_path / "out"
    folder.mkdir()
    shutil.copy(clean / "i2db.duckdb", folder)
    with Database.open(folder / "i2db.duckdb") as database:
        database.connection.execute("DELETE FROM sample WHERE sample_id = (SELECT min(sample_id) FROM selection)")
    answer = i2db("audit", folder)
    assert answer.code == 3
    assert "selected_unaccounted" in answer.err


@pytest.mark.slow
def test_rebuild(i2db: Command, clean: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    (folder / "i2db.duckdb").write_bytes(b"broken")
    assert i2db("show", folder).code == 3
    answer = i2db("rebuild", folder)
    assert answer.code == 0, answer.err
    assert_same(clean, folder)
    assert not list(folder.glob("*.old*"))


def test_config_example_can_be_read(i2db: Command, tmp_path: Path) -> None:
    answer = i2db("config", "example")
    assert answer.code == 0
    path = tmp_path / "config.cfg"
    path.write_text(answer.out)
    assert i2db("config", "migrate", path, "-o", tmp_path / "config.toml").code == 0
    assert json.loads(i2db("config", "schema").out)["type"] == "object"


@pytest.mark.slow
def test_a_narrow_terminal(clean: Path) -> None:
    """On a terminal of 40 columns no line is wider, and no column is left out."""
    leader, follower = pty.openpty()
    command = [str(Path(sys.executable).with_name("i2db")), "sql", str(clean)]
    query = "SELECT feature_id, feature_name, sensor, unit FROM feature LIMIT 3"
    subprocess.run([*command, query], stdout=follower, env=os.environ | {"COLUMNS": "40"}, check=True)
    os.close(follower)
    lines = os.read(leader, 10_000).decode().splitlines()
    os.close(leader)
    assert len(lines) == 5
    assert max(map(len, lines)) <= 40
    assert len(lines[1].split()) == 4
    assert any("…" in line for line in lines)
