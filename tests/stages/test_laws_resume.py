"""Killed and run again is one clean run, wherever the blow fell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from i2db.files import TEMPORARY_PREFIX
from i2db.simulate import Scene
from i2db.stages.chain import CLASSIFICATION
from i2db.store.database import Database
from scenes import FUSED, QUICK, Quiet, ask, assert_same, run_scene

pytestmark = pytest.mark.slow

#: In the order in which a run meets them.
MOMENTS = [
    f"{kind}:{stage.name}"
    for stage in CLASSIFICATION
    if stage.name not in ("curve", "fuse", "smooth")  # none is asked for
    for kind in ("work", "publish")
    if kind == "publish" or stage.work
]


def made(folder: Path) -> set[str]:
    """Stages that have parts."""
    return {path.parent.name for path in (folder / "parts").glob("*/*.json")}


def test_killed_in_every_stage_and_run_again(scene: Scene, clean: Path, tmp_path: Path) -> None:
    """Seventeen blows, one after the other: in the work and in the publication of every stage."""
    folder = tmp_path / "out"
    driver = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, str(driver), str(scene.config), str(folder), *MOMENTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == dict.fromkeys(MOMENTS, -signal.SIGKILL)
    progress = Quiet()
    last = run_scene(scene.config, folder, progress=progress)
    # All of the work was there: what was left is the publication of the last stage.
    assert progress.ran == []
    assert last.tally.counts["evaluate"]["run"] == 1
    assert_same(clean, folder)
    assert not list(folder.rglob(f"{TEMPORARY_PREFIX}*"))
    ((n_done, n_tasks),) = ask(
        folder,
        "SELECT count(*), count(DISTINCT (stage, unit)) FROM task_run WHERE outcome = 'done' AND stage <> 'mosaic'",
    )
    assert n_done <= n_tasks + len(MOMENTS)


def test_killed_while_maps_are_made_of_maps(scene: Scene, tmp_path: Path) -> None:
    """The same for the stages of fusion and smoothing, and for the split and learning that several models need."""
    moments = [f"{kind}:{stage}" for stage in ("split", "learn", "fuse", "smooth") for kind in ("work", "publish")][1:]
    driver = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(driver), str(scene.config), str(tmp_path / "out"), *moments, "--", *FUSED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == dict.fromkeys(moments, -signal.SIGKILL)
    run_scene(scene.config, tmp_path / "out", *FUSED)
    run_scene(scene.config, tmp_path / "clean", *FUSED)
    assert_same(tmp_path / "clean", tmp_path / "out")


def test_a_killed_process_group_with_workers(scene: Scene, clean: Path, tmp_path: Path) -> None:
    """`i2db run` with two workers, all killed at once when the first part of `classify` lies there."""
    folder, stage = tmp_path / "out", "classify"
    settings = [*QUICK[:-1], "python_data_managing.number_of_chunks=4"]
    command = [str(Path(sys.executable).with_name("i2db")), "run", str(scene.config), "-o", str(folder)]
    options = [option for setting in settings for option in ("--set", setting)]
    process = subprocess.Popen(
        [*command, *options, "--scheduler-type", "localCluster", "--nb-parallel-tasks", "2"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while stage not in made(folder) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert stage in made(folder)
    run_scene(scene.config, folder, "python_data_managing.number_of_chunks=4")
    assert_same(clean, folder)


def test_an_interrupted_database_is_usable(scene: Scene, tmp_path: Path) -> None:
    """After a kill the tables hold the last publication whole, and the file opens read-only."""
    driver = Path(__file__).with_name("killing.py")
    folder = tmp_path / "out"
    subprocess.run(
        [sys.executable, str(driver), str(scene.config), str(folder), "publish:select"], check=True, capture_output=True
    )
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        counts = database.connection.execute(
            "SELECT (SELECT count(*) FROM polygon_split) > 0, (SELECT count(*) FROM selection)"
        ).fetchall()
    assert counts == [(True, 0)]
