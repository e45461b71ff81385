"""Publishing: the results of a stage into its tables, in one transaction."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision


def publish(project: Project, stage: Stage, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """Clear and fill the tables of a stage for some units: one transaction, the same however often it is done.

    Where files for people are written too, the units are first taken out of what counts as published: killed between
    the files and the end of the transaction, the stage is not taken for current.
    """
    database = project.database
    started = datetime.datetime.now(datetime.UTC)
    units = [decision.task.unit for decision in changed]
    if stage.writes_files:
        with database.transaction():
            database.run("catalogue/publish", stage=stage.name, gone=units, units=[], fingerprints=[])
    with database.transaction():
        stage.publish(project, changed, retired)
        database.run("catalogue/retire_parts", stage=stage.name, units=[*units, *retired])
        database.append(
            "part",
            [
                {
                    "stage": stage.name,
                    "unit": decision.task.unit,
                    "fingerprint": decision.task.fingerprint,
                    "kind": file.kind,
                    "path": f"parts/{stage.name}/{file.name}",
                    "n_rows": file.n_rows,
                    "n_bytes": file.n_bytes,
                    "checksum": file.checksum,
                }
                for decision in changed
                if decision.part is not None
                for file in decision.part.files
            ],
        )
        database.run(
            "catalogue/publish",
            stage=stage.name,
            gone=[*units, *retired],
            units=units,
            fingerprints=[decision.task.fingerprint for decision in changed],
        )
    ended = datetime.datetime.now(datetime.UTC)
    # What workers made was entered as it came; what was there already, or is the database's own work, is entered here.
    _note_run(project, stage, [d for d in changed if stage.work is None or d.is_adopted], started, ended)


def _note_run(
    project: Project,
    stage: Stage,
    changed: Sequence[Decision],
    started: datetime.datetime,
    ended: datetime.datetime,
) -> None:
    """Enter tasks that no worker did: by SQL (their cost is shared out), or adopted with a part that was there."""
    project.database.append(
        "task_run",
        [
            {
                "stage": stage.name,
                "unit": decision.task.unit,
                "fingerprint": decision.task.fingerprint,
                "reason": str(decision.reason),
                "outcome": "done" if stage.work is None else "adopted",
                "attempt": 1,
                "started_at": started,
                "wall_seconds": (ended - started).total_seconds() / len(changed) if stage.work is None else 0.0,
            }
            for decision in changed
        ],
    )
