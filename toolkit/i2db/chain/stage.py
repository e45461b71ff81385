"""A stage of the chain: what it reads and writes, its tasks, its work, its publication."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from i2db.chain.project import Project
from i2db.chain.task import Decision, Task, WorkContext
from i2db.fingerprint import fingerprint
from i2db.store.parts import Part
from i2db.store.statement import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step.

    Attributes:
        name: a noun or verb, e.g. extract.
        group: iota2's step group (init, sampling, learning, classification, mosaic, validation).
        title: what it does, for `--only-summary`.
        reads, writes: tables; the SQL of the stage keeps to them (a test holds it to that).
        needs: stages whose parts it reads as files.
        version: raised when the Python of the stage changes meaning.
        sql: the files under sql/ that it runs; their texts enter its fingerprints.
        tasks: the tasks, from the configuration and the tables.
        work: makes a part of a task in a worker that never sees the database; None where SQL does it all.
        publish: brings the results into the tables, inside a transaction; it is given what is new or changed, and the
            units that are no more.
        writes_files: whether publishing also writes files for people, which a plan must not.
    """

    name: str
    group: str
    title: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    version: int
    sql: tuple[str, ...] = ()
    tasks: Callable[[Project], Sequence[Task]]
    work: Callable[[Task, WorkContext], Part] | None = None
    publish: Callable[[Project, Sequence[Decision], Sequence[str]], None]
    writes_files: bool = False

    def task(self, unit: str, identity: Any, payload: Any = None, outputs: tuple[str, ...] = ()) -> Task:
        """A task of this stage; `identity` is all that its result depends on, besides the stage itself."""
        digest = fingerprint(self.name, self.version, [text_of(name) for name in self.sql], unit, identity)
        return Task(stage=self.name, unit=unit, fingerprint=digest, payload=payload, outputs=outputs)
