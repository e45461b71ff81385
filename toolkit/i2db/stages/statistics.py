"""sampling: class_statistics.csv, the counts of learning samples as iota2 writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.files import write_whole

NAME = "class_statistics.csv"


def _run_name(run: int) -> str:
    return f"learningSamples/class_statistics_seed{run}_learn.csv"


def _tasks(project: Project) -> Sequence[Task]:
    runs = range(project.config.arg_train.runs)
    identity = project.published("catalogue", "candidate", "split", "select", "extract")
    return [STAGE.task("all", identity, outputs=(NAME, *(_run_name(run) for run in runs)))]


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    rows = project.database.rows("statistics/class_statistics")
    by_run: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_run.setdefault(row["run"], []).append(row)
    folder = project.folder / "learningSamples"
    folder.mkdir(exist_ok=True)
    whole = []
    for run, of_run in by_run.items():
        table = statistics_table(of_run)
        _write(project.folder / _run_name(run), table)
        whole += [[*line, run] for line in table[1:]]
        header = [*table[0], "Run"]
    _write(project.folder / NAME, [header, *whole])
    # What a larger number of runs left behind.
    written = {_run_name(run) for run in by_run}
    for path in folder.glob("class_statistics_seed*_learn.csv"):
        if path.relative_to(project.folder).as_posix() not in written:
            path.unlink()


def statistics_table(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """iota2's table of one run: label, class, label, a column per region, total; the last line holds the sums."""
    regions = list(dict.fromkeys(row["region"] for row in rows))
    lines: dict[int, list[Any]] = {}
    for row in rows:
        code = row["class_code"]
        lines.setdefault(code, [code, row["class_name"], code]).append(row["n_learn"])
    body = [[*line, sum(line[3:])] for line in lines.values()]
    sums = [sum(line[i] for line in body) for i in range(3, 4 + len(regions))]
    header = ["", "Class", "Label", *(f"Region {region}" for region in regions), "Total"]
    return [header, *body, ["Total", "", "", *sums]]


def _write(path: Path, lines: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    write_whole(path, text.getvalue())


STAGE = Stage(
    name="statistics",
    group="sampling",
    title="class_statistics.csv",
    reads=(
        "run",
        "region",
        "class",
        "candidate",
        "polygon",
        "polygon_split",
        "quota",
        "selection",
        "sample",
        "rejection",
        "class_statistics",
        "previous_candidate",
    ),
    writes=(),
    version=2,
    sql=("statistics/class_statistics",),
    tasks=_tasks,
    publish=_publish,
    writes_files=True,
)
