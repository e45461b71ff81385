"""What would run, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from i2db.chain.project import Project
from i2db.chain.publish import publish
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Reason, Task
from i2db.store.parts import Part


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The decisions on a stage's tasks; None where they depend on stages that have to run first."""

    stage: Stage
    decisions: tuple[Decision, ...] | None
    retired: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return (
            self.decisions is not None and not self.retired and all(decision.is_current for decision in self.decisions)
        )


def decide(project: Project, stage: Stage, tasks: Sequence[Task], *, force: bool = False) -> StagePlan:
    """Compare a stage's tasks with what the tables hold and what lies among the parts."""
    published = project.publications(stage.name)
    failed = {row["unit"] for row in project.database.rows("catalogue/last_outcome", stage=stage.name)}
    decisions = []
    for task in tasks:
        part = project.parts.find(stage.name, task.unit, task.fingerprint) if stage.work else None
        decisions.append(
            _decide(
                stage,
                task,
                part,
                published.get(task.unit),
                folder=project.folder,
                has_failed=task.unit in failed,
                force=force,
            )
        )
    units = {task.unit for task in tasks}
    return StagePlan(stage, tuple(decisions), tuple(sorted(set(published) - units)))


def _decide(
    stage: Stage,
    task: Task,
    found: Part | None,
    published: str | None,
    *,
    folder: Path,
    has_failed: bool,
    force: bool,
) -> Decision:
    if force:
        return Decision(task, Reason.FORCED)
    is_there = (found is not None or stage.work is None) and all((folder / path).exists() for path in task.outputs)
    if published == task.fingerprint and is_there:
        return Decision(task, None, found)
    if has_failed:
        reason = Reason.FAILED
    elif published is not None and published != task.fingerprint:
        reason = Reason.CHANGED
    else:
        reason = Reason.MISSING
    return Decision(task, reason, found, is_adopted=found is not None)


def plan(project: Project, stages: Sequence[Stage], *, force: bool = False) -> Iterator[StagePlan]:
    """The plan of every stage in order; a stage that reads what an earlier one would change is left open (upstream).

    A project that is not there yet is planned in memory: what is there already as parts, or is SQL alone, is brought
    into its tables, so that the plan reaches as far as the first task that has to run.
    """
    dirty: set[str] = set()
    for stage in stages:
        if dirty & {*stage.reads, *stage.needs}:
            staged = StagePlan(stage, None)
        else:
            staged = decide(project, stage, stage.tasks(project), force=force)
        pending = [decision for decision in staged.decisions or () if not decision.is_current]
        has_parts = stage.work is None or all(decision.part is not None for decision in pending)
        if staged.decisions is not None and project.database.path is None and has_parts and not stage.writes_files:
            publish(project, stage, pending, staged.retired)
        elif not staged.is_current:
            dirty |= {*stage.writes, stage.name}
        yield staged
