"""A piece of work, what it depends on, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from i2db.store.parts import Part, PartWriter


class Reason(StrEnum):
    """Why a task is to run."""

    MISSING = "missing"
    CHANGED = "changed"
    UPSTREAM = "upstream"
    FORCED = "forced"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One unit of a stage.

    Attributes:
        fingerprint: hash of all that its result depends on.
        payload: what its worker needs.
        outputs: files within the output folder that publishing it makes; if one is gone the task is not current.
    """

    stage: str
    unit: str
    fingerprint: str
    payload: Any = None
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that ended badly: what to tell a person, whether its worker died, whether others would fail as well."""

    message: str
    worker_died: bool = False
    is_hopeless: bool = False
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended, and what it cost."""

    task: Task
    part: Part | None = None
    failure: Failure | None = None
    attempt: int = 1
    started_at: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_megabytes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkContext:
    """What a worker may use: where parts go, bytes of memory, threads. None of it changes a result."""

    root: Path
    memory: int
    n_threads: int = 1

    def writer(self, task: Task) -> PartWriter:
        """A writer for a task's part."""
        return PartWriter(self.root, task.stage, task.unit, task.fingerprint)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a task: nothing (no reason), publish a part that is there, or run it."""

    task: Task
    reason: Reason | None
    part: Part | None = None
    #: Whether the part was there before, and no worker made it now.
    is_adopted: bool = False

    @property
    def is_current(self) -> bool:
        """Whether the tables hold its result already."""
        return self.reason is None


@dataclass(slots=True)
class Tally:
    """What a run of the chain did, per stage: tasks run, adopted, up to date, failed."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, stage: str, what: str, n: int = 1) -> None:
        """Count n tasks of a stage."""
        counts = self.counts.setdefault(stage, {"run": 0, "adopted": 0, "current": 0, "failed": 0})
        counts[what] += n

    def total(self, what: str) -> int:
        """Sum over the stages."""
        return sum(counts[what] for counts in self.counts.values())
