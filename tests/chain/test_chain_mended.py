"""What a review found in the chain, and must not come back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from i2db.chain.cluster import lifetime
from i2db.chain.executor import DaskExecutor, InProcess, execute
from i2db.chain.task import Task, WorkContext
from i2db.cli.main import normalised
from i2db.errors import ConfigError, DiskFullError
from i2db.facts import Facts
from i2db.store.parts import Part


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-config", "c.cfg"], ["run", "--config", "c.cfg"]),
        (
            ["-scheduler_type", "debug", "-config", "c.cfg"],
            ["run", "--scheduler-type", "debug", "--config", "c.cfg"],
        ),
        (["--config=c.cfg"], ["run", "--config=c.cfg"]),
        (["--debug", "-config", "c.cfg"], ["--debug", "run", "--config", "c.cfg"]),
        (["plan", "-config", "c.cfg"], ["plan", "--config", "c.cfg"]),
        (["sql", "out", "SELECT -config"], ["sql", "out", "SELECT -config"]),
    ],
)
def test_iota2_s_command_line(given: list[str], expected: list[str]) -> None:
    assert normalised(given) == expected


def test_a_worker_leaves_before_its_job_is_cut_off() -> None:
    assert lifetime("04:00:00") == 4 * 3600 - 300
    assert lifetime("00:04:00") == 120


def _full(task: Task, context: WorkContext) -> Part:
    raise DiskFullError(f"no room for {task.unit}")


def test_a_full_disk_is_hopeless(tmp_path: Path) -> None:
    outcome = execute(_full, Task(stage="s", unit="a", fingerprint="f"), WorkContext(root=tmp_path, memory=1))
    assert outcome.failure is not None
    assert outcome.failure.is_hopeless


def test_an_address_where_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def refuse(*_: object, **__: object) -> None:
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(distributed, "Client", refuse)
    executor = DaskExecutor(WorkContext(root=tmp_path, memory=1), 1, address="tcp://127.0.0.1:9")
    tasks: Sequence[Task] = [Task(stage="s", unit=unit, fingerprint="f") for unit in "ab"]
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        next(iter(executor.run(_full, tasks)))


def test_the_first_of_two_hopeless_tasks_ends_the_loop(tmp_path: Path) -> None:
    tasks = [Task(stage="s", unit=unit, fingerprint="f") for unit in "ab"]
    outcomes = InProcess(WorkContext(root=tmp_path, memory=1)).run(_full, tasks)
    assert next(iter(outcomes)).task.unit == "a"


def test_a_settled_window_stays(tmp_path: Path) -> None:
    facts = Facts.load(tmp_path)
    assert facts.settled("window", [64]) is None
    facts.settle("window", [64], [1, 2, 64, 64])
    assert facts.settled("window", [64]) == [1, 2, 64, 64]
    assert facts.settled("window", [128]) is None
