"""Running the stages in order: submit what is missing, register parts as they come, publish stage by stage."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from typing import Protocol

from i2db.chain.executor import Executor
from i2db.chain.plan import StagePlan, decide
from i2db.chain.project import Project
from i2db.chain.publish import publish
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Outcome, Tally
from i2db.errors import StageError

logger = logging.getLogger("i2db.run")


class Progress(Protocol):
    """Whoever wants to be told how far the run is."""

    def start(self, stage: Stage, n_tasks: int, n_current: int) -> None:
        """A stage begins: tasks to run, tasks that are up to date."""

    def advance(self, stage: Stage, outcome: Outcome) -> None:
        """A task has ended."""

    def finish(self, stage: Stage) -> None:
        """The stage's results are in the tables."""

    def warn(self, text: str) -> None:
        """Something a person should know before it is too late."""


def run(
    project: Project,
    stages: Sequence[Stage],
    executor: Executor,
    progress: Progress,
    *,
    memory: tuple[int, int] | None = None,
    force: bool = False,
) -> Tally:
    """Bring the tables and files of the stages up to date.

    Args:
        project: to work on.
        stages: in their order.
        executor: runs the tasks of stages that have workers.
        progress: is told how far it is.
        memory: (bytes that the database may use while SQL alone works, and while workers are busy); None leaves it to
            DuckDB.
        force: run every task, whatever is there.

    Raises:
        StageError: tasks failed; the others of their stage were finished and are kept.
    """
    tally = Tally()
    for stage in stages:
        if memory is not None:
            project.database.limit_memory(memory[0] if stage.work is None else memory[1])
        tasks = stage.tasks(project)
        staged = decide(project, stage, tasks, force=force)
        _run_stage(project, staged, executor, progress, tally)
    return tally


def _run_stage(project: Project, staged: StagePlan, executor: Executor, progress: Progress, tally: Tally) -> None:
    stage, decisions = staged.stage, list(staged.decisions or ())
    pending = [decision for decision in decisions if not decision.is_current and decision.part is None and stage.work]
    current = sum(decision.is_current for decision in decisions)
    progress.start(stage, len(pending), current)
    tally.add(stage.name, "current", current)
    reasons = {decision.task.unit: decision.reason for decision in pending}
    made: dict[str, Decision] = {}
    failures: list[Outcome] = []
    for outcome in executor.run(stage.work, [decision.task for decision in pending]) if stage.work and pending else ():
        reason = reasons[outcome.task.unit]
        _register(project, outcome, str(reason))
        progress.advance(stage, outcome)
        if outcome.failure is None:
            made[outcome.task.unit] = Decision(outcome.task, reason, outcome.part)
            continue
        failures.append(outcome)
        if outcome.failure.is_hopeless:
            break
    tally.add(stage.name, "run", len(made))
    if failures:
        tally.add(stage.name, "failed", len(failures))
        raise StageError(_failure_message(stage, failures, len(pending)), hint="what was done is kept: run again")
    changed = [made.get(decision.task.unit, decision) for decision in decisions if not decision.is_current]
    if stage.work is None:
        tally.add(stage.name, "run", len(changed))
    else:
        tally.add(stage.name, "adopted", len(changed) - len(made))
    if changed or staged.retired:
        publish(project, stage, changed, staged.retired)
    progress.finish(stage)


def _register(project: Project, outcome: Outcome, reason: str) -> None:
    """Enter a task that ran, as soon as it has ended."""
    failure = outcome.failure
    project.database.append(
        "task_run",
        [
            {
                "stage": outcome.task.stage,
                "unit": outcome.task.unit,
                "fingerprint": outcome.task.fingerprint,
                "reason": reason,
                "outcome": "failed" if failure else "done",
                "attempt": outcome.attempt,
                "started_at": datetime.datetime.fromtimestamp(outcome.started_at, datetime.UTC),
                "wall_seconds": outcome.wall_seconds,
                "cpu_seconds": outcome.cpu_seconds,
                "peak_megabytes": outcome.peak_megabytes,
                "message": failure.message if failure else None,
            }
        ],
    )
    costs = outcome.part.details.get("functions", ()) if outcome.part is not None else ()
    project.database.append(
        "function_run",
        [
            {
                "stage": outcome.task.stage,
                "unit": outcome.task.unit,
                "fingerprint": outcome.task.fingerprint,
                "started_at": datetime.datetime.fromtimestamp(outcome.started_at, datetime.UTC),
                **cost,
            }
            for cost in costs
        ],
    )
    if failure and failure.details:
        logger.debug("%s %s failed\n%s", outcome.task.stage, outcome.task.unit, failure.details)


def _failure_message(stage: Stage, failures: Sequence[Outcome], n_tasks: int, shown: int = 5) -> str:
    lines = [f"{len(failures)} of {n_tasks} tasks of stage {stage.name} failed"]
    for outcome in failures[:shown]:
        text = outcome.failure.message if outcome.failure else ""
        lines.append(f"  {outcome.task.unit}: {text}")
    if len(failures) > shown:
        lines.append(f"  and {len(failures) - shown} more: `i2db show` lists them in task_run")
    return "\n".join(lines)
