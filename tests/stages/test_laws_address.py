"""The chain on a Dask scheduler that runs apart, with two workers that were started by themselves."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from i2db.simulate import Scene
from scenes import TO_MOSAIC, assert_same, run_scene

pytestmark = pytest.mark.slow


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a scheduler with two worker processes."""
    file = tmp_path / "scheduler.json"
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--no-show"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1"]
    commands = [[*scheduler, "--scheduler-file", str(file)], *[[*worker, "--no-dashboard"]] * 2]
    processes = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        end = time.monotonic() + 60
        while not file.exists() or not file.read_text():
            assert time.monotonic() < end, "the scheduler did not start"
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def test_the_same_comes_out(scene: Scene, address: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    chunks = "python_data_managing.number_of_chunks=3"
    run_scene(scene.config, here, chunks, stages=TO_MOSAIC)
    settings = ["execution.scheduler_type=cluster", f"execution.scheduler_address='{address}'"]
    run_scene(scene.config, there, chunks, *settings, stages=TO_MOSAIC)
    assert_same(here, there)
