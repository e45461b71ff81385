"""sampling: which pixels of the learn polygons are drawn, in every run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.errors import InputError
from i2db.fingerprint import file_fingerprint
from i2db.stages.previous import load_candidates, previous_state


def _tasks(project: Project) -> Sequence[Task]:
    strategies, wanted = _strategies(project)
    files = sorted({row["path"] for row in strategies if row["path"]})
    identity = [
        project.published("catalogue", "candidate", "split"),
        [{key: cell for key, cell in row.items() if key != "path"} for row in strategies],
        [file_fingerprint(Path(path)) for path in files],
        previous_state(project.config),
    ]
    return [STAGE.task("all", identity, (strategies, wanted))]


def _strategies(project: Project) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row per model (the strategy of its region), and a row per model and class of its byclass file."""
    strategies, wanted = [], []
    for row in project.database.rows("select/regions"):
        model = row["model"]
        chosen = project.config.arg_train.sample_selection.for_region(row["region"])
        strategies.append(
            {
                "region": model,
                "sampler": chosen.sampler,
                "strategy": chosen.strategy,
                "percent": chosen.percent,
                "count": chosen.count,
                "total": chosen.total,
                "jitter": float(chosen.jitter or 0),
                "rand": chosen.rand,
                "path": str(chosen.byclass_path) if chosen.byclass_path else None,
            }
        )
        if chosen.strategy == "byclass" and chosen.byclass_path is not None:
            counts = read_class_counts(chosen.byclass_path)
            wanted += [{"region": model, "class_code": code, "n_wanted": n} for code, n in counts.items()]
    return strategies, wanted


def read_class_counts(path: Path, key: str = "strategy.byclass.in") -> dict[int, int]:
    """Pixels wanted per class, from a file of `class,count` lines; the separator is found among tab ; , and blank.

    `key` is the key of the configuration that names the file.

    Raises:
        InputError: the file is missing or a line does not hold two integers.
    """
    if not path.is_file():
        raise InputError(f"{key} {path} does not exist")
    text = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    separator = next((mark for mark in "\t;, " if any(mark in line for line in text)), ",")
    counts: dict[int, int] = {}
    for number, line in enumerate(text, start=1):
        if not line:
            continue
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
        try:
            code, count = int(cells[0]), int(cells[1])
        except (IndexError, ValueError) as error:
            raise InputError(f"{path}:{number}: {line!r} is not class{separator}count") from error
        if count < 0 or code in counts:
            raise InputError(f"{path}:{number}: class {code} has a negative count or occurs twice")
        counts[code] = count
    return counts


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """Draw, and tell what could not be drawn; an InputError where nothing at all is."""
    strategies, wanted = changed[0].task.payload
    columns = ("region", "sampler", "strategy", "percent", "count", "total")
    database = project.database
    load_candidates(project)
    database.run(
        "select/quota", strategies=[{key: row[key] for key in columns} for row in strategies], wanted_classes=wanted
    )
    database.run(
        "select/selection", strategies=[{key: row[key] for key in ("region", "jitter", "rand")} for row in strategies]
    )
    (count,) = database.rows("select/count_selection")
    if count["n"] == 0:
        raise InputError(
            f"no pixel is drawn for learning: the strategies ask for none of the classes of "
            f"{project.config.chain.ground_truth}",
            hint="see arg_train.sample_selection (with byclass, the classes of its file), and arg_train.ratio",
        )
    _check_folds(project)
    database.run("catalogue/clear_findings", stage=STAGE.name)
    database.run("select/find_empty_regions")
    database.run("select/find_shortages")
    database.run("select/find_missing_classes", wanted_classes=wanted)
    database.run("previous/shortages")


def _check_folds(project: Project) -> None:
    """An InputError, before anything is extracted, where a search on whole polygons has a class of one polygon."""
    classifier = project.config.classifier
    if not (classifier.search and classifier.is_grouped):
        return
    for row in project.database.rows("select/lone_polygons"):
        raise InputError(
            f"run {row['run']}, region {row['region']}: class {row['class_name']} ({row['class_code']}) has one "
            "polygon to learn from, so no fold of scikit_models_parameters.cross_validation_grouped can both learn "
            "and test it",
            hint="add polygons of it there, leave it out (chain.excluded_classes), or do not group the folds",
        )


STAGE = Stage(
    name="select",
    group="sampling",
    title="draw pixels for learning",
    reads=(
        "candidate",
        "polygon",
        "polygon_split",
        "region",
        "region_model",
        "polygon_model",
        "run",
        "class",
        "quota",
        "tile",
        "annual_class",
        "previous_candidate",
        "learnable_pixel",
    ),
    writes=("previous_candidate", "quota", "selection", "finding"),
    version=4,
    sql=(
        "select/regions",
        "select/quota",
        "select/selection",
        "select/count_selection",
        "select/lone_polygons",
        "select/find_empty_regions",
        "select/find_shortages",
        "select/find_missing_classes",
        "previous/shortages",
        "previous/candidates",
    ),
    tasks=_tasks,
    publish=_publish,
)
