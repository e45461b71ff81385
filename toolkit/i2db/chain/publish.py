"""Publishing: the results of a stage into its tables, in one transaction."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision


def publish(project: Project, stage: Stage, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """Clear and fill the tables of a stage for some units: one transaction, the same however often it is done."""
    database = project.database
    started = datetime.datetime.now(datetime.UTC)
    units = [decision.task.unit for decision in changed]
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
    if stage.work is None:
        ended = datetime.datetime.now(datetime.UTC)
        _note_run(project, stage, changed, started, (ended - started).total_seconds())


def _note_run(
    project: Project, stage: Stage, changed: Sequence[Decision], started: datetime.datetime, seconds: float
) -> None:
    """Enter the cost of a stage that the coordinator does itself."""
    project.database.append(
        "task_run",
        [
            {
                "stage": stage.name,
                "unit": decision.task.unit,
                "fingerprint": decision.task.fingerprint,
                "reason": str(decision.reason),
                "outcome": "done",
                "attempt": 1,
                "started_at": started,
                "wall_seconds": seconds / len(changed),
            }
            for decision in changed
        ],
    )
