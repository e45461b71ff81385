"""A chain without rasters: `make` doubles numbers in workers, `total` sums them up in the coordinator."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from i2db.chain.executor import InProcess
from i2db.chain.plan import plan
from i2db.chain.project import Project
from i2db.chain.run import run
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Outcome, Task, WorkContext
from i2db.facts import Facts
from i2db.store.database import Database
from i2db.store.parts import Part, PartStore

MEMORY = 1000


@dataclass
class World:
    """What the toy's tasks depend on."""

    numbers: dict[str, int] = field(default_factory=lambda: {"a": 1, "b": 2, "c": 3})
    #: Units whose work raises.
    failing: tuple[str, ...] = ()


class Silent:
    """Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int, int]] = []
        self.finished: list[str] = []
        self.outcomes: list[Outcome] = []
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def start(self, stage: Stage, n_tasks: int, n_current: int) -> None:
        self.started.append((stage.name, n_tasks, n_current))

    def advance(self, stage: Stage, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def finish(self, stage: Stage) -> None:
        self.finished.append(stage.name)


def double(task: Task, context: WorkContext) -> Part:
    """The work of `make`."""
    if task.payload["fails"]:
        raise ValueError(f"no good number in {task.unit}")
    writer = context.writer(task)
    writer.table("number", pa.table({"unit": [task.unit], "n": pa.array([2 * task.payload["n"]], pa.int64())}))
    return writer.finish(memory=context.memory)


def die_once(task: Task, context: WorkContext) -> Part:
    """Like `double`, but the first attempt at a unit kills its own process."""
    mark = context.root.parent / f"died-{task.unit}"
    if task.payload["dies"] and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return double(task, context)


def die_always(task: Task, context: WorkContext) -> Part:
    """Like `double`, but some units kill their process at every attempt."""
    if task.payload["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return double(task, context)


def stages(world: World) -> tuple[Stage, Stage]:
    """`make` and `total` over a world."""

    def make_tasks(project: Project) -> Sequence[Task]:
        return [
            make.task(unit, n, {"n": n, "fails": unit in world.failing, "dies": False})
            for unit, n in world.numbers.items()
        ]

    def make_publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
        connection = project.database.connection
        for unit in (*(decision.task.unit for decision in changed), *retired):
            connection.execute("DELETE FROM toy WHERE unit = ?", [unit])
        for decision in changed:
            assert decision.part is not None
            path = project.parts.verify(decision.part, "number")
            connection.execute("INSERT INTO toy BY NAME FROM read_parquet(?)", [str(path)])

    def total_tasks(project: Project) -> Sequence[Task]:
        return [total.task("all", project.published("make"), outputs=("total.txt",))]

    def total_publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
        rows = project.database.connection.execute("SELECT sum(n) FROM toy").fetchall()
        (project.folder / "total.txt").write_text(str(rows[0][0]))

    general: dict[str, Any] = {"group": "toy", "title": "", "version": 1}
    make = Stage(name="make", reads=(), writes=("toy",), tasks=make_tasks, work=double, publish=make_publish, **general)
    total = Stage(name="total", reads=("toy",), writes=(), tasks=total_tasks, publish=total_publish, **general)
    return make, total


def open_toy(folder: Path, *, lenders: tuple[Path, ...] = ()) -> Project:
    """A project in a folder, with the toy's table beside the real ones."""
    folder.mkdir(parents=True, exist_ok=True)
    database = Database.open(folder / "i2db.duckdb", threads=1)
    database.connection.execute("CREATE TABLE IF NOT EXISTS toy (unit VARCHAR, n BIGINT)")
    return Project(
        config=cast(Any, None),
        folder=folder,
        database=database,
        parts=PartStore(folder / "parts", lenders),
        facts=Facts.load(folder),
        scene=cast(Any, None),
    )


def go(project: Project, world: World, *, force: bool = False) -> tuple[dict[str, dict[str, int]], Silent]:
    """Run the toy chain in this process; the tally and what progress saw."""
    progress = Silent()
    executor = InProcess(WorkContext(root=project.parts.root, memory=MEMORY))
    return run(project, stages(world), executor, progress, force=force).counts, progress


def reasons(project: Project, world: World) -> dict[str, str | None]:
    """Why each unit would run now; '?' for a stage that depends on an earlier one."""
    found: dict[str, str | None] = {}
    for staged in plan(project, stages(world)):
        if staged.decisions is None:
            found[staged.stage.name] = "?"
            continue
        for decision in staged.decisions:
            found[f"{staged.stage.name}/{decision.task.unit}"] = decision.reason and str(decision.reason)
        for unit in staged.retired:
            found[f"{staged.stage.name}/{unit}"] = "retired"
    return found


def numbers(project: Project) -> dict[str, int]:
    """What table `toy` holds."""
    return dict(project.database.connection.execute("SELECT unit, n FROM toy ORDER BY unit").fetchall())
