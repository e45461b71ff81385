"""validation: matrices, RESULTS.txt, difference maps, figures and the report, from the views."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.config.reader import flat
from i2db.files import write_whole
from i2db.raster.write import BLOCK, raster_sink
from i2db.report import failures
from i2db.report.figures import confidence_figure, confusion_figure, curve_figure, map_figure
from i2db.report.html import Picture, ReportData, Section, StageTime, write_report
from i2db.report.html import Table as ReportTable
from i2db.report.importance import importance_figure, importance_section, search_section
from i2db.report.matrix import Confusion, class_scores, confusions_of, map_scores
from i2db.report.results import Caveats, Unseen, accuracy_notes, results_text
from i2db.report.style import LegendClass
from i2db.stages.assessment import assess
from i2db.stages.mosaic import FINAL

#: Codes of the difference map, as iota2's; 0 is no data.
DIFFERENCE_COLORS = {1: (202, 0, 32), 2: (5, 113, 176), 3: (244, 165, 130), 4: (146, 197, 222)}


def _tasks(project: Project) -> Sequence[Task]:
    runs = range(project.config.arg_train.runs)
    identity = [
        [row for row in flat(project.config) if row[0] != "execution" and row[1] != "output_path"],
        project.published(
            "catalogue", "candidate", "split", "select", "extract", "learn", "curve", "classify", "mosaic"
        ),
    ]
    outputs = ["report.html", f"{FINAL}/RESULTS.txt"]
    for run in runs:
        outputs += [
            f"{FINAL}/TMP/Classif_Seed_{run}.csv",
            f"{FINAL}/Confusion_Matrix_Classif_Seed_{run}.png",
            *([f"{FINAL}/diff_seed_{run}.tif"] if project.scene.chunks else []),
        ]
    return [STAGE.task("all", identity, outputs=tuple(outputs))]


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    database, folder = project.database, project.folder / FINAL
    classes = {row["class_code"]: row for row in database.rows("evaluate/classes")}
    confusions = _confusions(project, classes)
    unseen = [Unseen(**row) for row in database.rows("evaluate/unseen")]
    unvalidated = [row["class_name"] for row in database.rows("evaluate/unvalidated")]
    resubstitution = not project.config.arg_train.split_ground_truth
    assess(project)
    intervals = failures.interval_rows(
        database.rows("evaluate/summary"), database.rows("evaluate/intervals"), range(len(confusions))
    )
    (folder / "TMP").mkdir(parents=True, exist_ok=True)
    for run, confusion in enumerate(confusions):
        _write_matrix(folder / "TMP" / f"Classif_Seed_{run}.csv", confusion)
        confusion_figure(folder / f"Confusion_Matrix_Classif_Seed_{run}.png", confusion, title=f"Confusion, run {run}")
        if project.scene.chunks:
            _write_difference(project, run, folder / f"diff_seed_{run}.tif")
    told = Caveats(is_resubstitution=resubstitution, unvalidated=tuple(unvalidated), unseen=tuple(unseen))
    write_whole(folder / "RESULTS.txt", results_text(confusions, told, failures.interval_text(intervals)))
    sections = [failures.intervals_section(intervals), *_failures(project), *_models(project), _curve(project)]
    _write_report(project, confusions, classes, accuracy_notes(confusions, told), [one for one in sections if one])
    # What a larger number of runs left behind.
    for pattern in ("TMP/Classif_Seed_{}.csv", "Confusion_Matrix_Classif_Seed_{}.png", "diff_seed_{}.tif"):
        for path in folder.glob(pattern.format("*")):
            if path.relative_to(folder).as_posix() not in {pattern.format(run) for run in range(len(confusions))}:
                path.unlink()


def _curve(project: Project) -> Section | None:
    """The figure of the learning curve and its section; None where there is none."""
    path = project.folder / FINAL / "Learning_Curve.png"
    points = project.database.rows("curve/accuracy")
    if not points:
        path.unlink(missing_ok=True)
        return None
    curve_figure(path, points)
    text = "Models from the first samples of each class and region, tested on the same pixels as the map's."
    means: dict[int, list[float]] = {}
    for point in points:
        means.setdefault(point["size"], []).append(point["overall_accuracy"])
    alternative = "; ".join(f"{size}: {np.mean(values):.3f}" for size, values in sorted(means.items()))
    picture = Picture(
        path, "Accuracy by samples per class", f"Mean overall accuracy by samples per class: {alternative}"
    )
    return Section("Learning curve", (text, picture))


def _confusions(project: Project, classes: dict[int, dict[str, Any]]) -> list[Confusion]:
    """The matrix of every run, all over the same classes: those that occur in any."""
    return confusions_of(
        project.database.rows("evaluate/confusion"),
        project.database.rows("evaluate/polygons"),
        {code: str(row["class_name"]) for code, row in classes.items()},
        range(project.config.arg_train.runs),
    )


def _write_matrix(path: Path, confusion: Confusion) -> None:
    """The matrix as OTB writes it: the header names the orientation."""
    text = io.StringIO()
    codes = ",".join(str(code) for code in confusion.codes)
    text.write(f"#Reference labels (rows):{codes}\n#Produced labels (columns):{codes}\n")
    csv.writer(text, lineterminator="\n").writerows(confusion.counts.tolist())
    write_whole(path, text.getvalue())


def _write_difference(project: Project, run: int, path: Path) -> None:
    """1 val wrong, 2 val right, 3 learn wrong, 4 learn right, 0 elsewhere; strip by strip."""
    extent = project.scene.extent
    with raster_sink(
        path,
        project.scene.grid,
        extent,
        n_bands=1,
        dtype=np.uint8,
        nodata=0,
        compress="deflate",
        colormap=DIFFERENCE_COLORS,
        descriptions=("1 val wrong, 2 val right, 3 learn wrong, 4 learn right",),
    ) as sink:
        for top in range(0, extent.n_rows, BLOCK):
            n_rows = min(BLOCK, extent.n_rows - top)
            strip = type(extent)(extent.column, extent.row + top, extent.n_columns, n_rows)
            table = project.database.arrow("evaluate/difference", run=run, first_row=strip.row, end_row=strip.row_end)
            array = np.zeros(strip.shape, dtype=np.uint8)
            rows, columns = table["grid_row"].to_numpy(), table["grid_column"].to_numpy()
            array[rows - strip.row, columns - strip.column] = table["code"].to_numpy()
            sink.write(array, strip)


def _failures(project: Project) -> list[Section | None]:
    """Where the map fails, and what its reader must know."""
    database = project.database
    band = _outlier_band(project)
    dates = database.rows("evaluate/outlying_dates", band=band, n_dates=10) if band else []
    return [
        failures.failures_section(database.rows("evaluate/circumstances")),
        failures.reliability_section(
            database.rows("evaluate/reliability"), database.rows("evaluate/calibration"), _confidence_kind(project)
        ),
        failures.suspects_section(database.rows("evaluate/suspects", n_polygons=20)),
        failures.dates_section(dates, database.rows("evaluate/separability", n_pairs=15), band or ""),
        failures.areas_section(database.rows("evaluate/areas")),
    ]


def _models(project: Project) -> list[Section | None]:
    """What the features are worth to the models, with a heat map per method in final/, and what searches found."""
    rows, folder = project.database.rows("evaluate/importance"), project.folder / FINAL
    pictures = {
        method: folder / f"Feature_Importance_{method}.png"
        for method in ("impurity", "permutation")
        if any(row["method"] == method for row in rows)
    }
    for method, path in pictures.items():
        importance_figure(path, [row for row in rows if row["method"] == method], method)
    for path in folder.glob("Feature_Importance_*.png"):
        if path not in pictures.values():
            path.unlink()
    found = project.database.rows("evaluate/searches", n_settings=10)
    return [importance_section(rows, pictures), search_section(found)]


def _outlier_band(project: Project) -> str | None:
    """The band in which missed clouds are looked for: the first of the features that have a date (blue is)."""
    rows = project.database.rows("evaluate/first_band")
    return str(rows[0]["band"]) if rows else None


def _confidence_kind(project: Project) -> str:
    return str(project.database.rows("evaluate/confidence_kind")[0]["confidence_kind"])


def _write_report(
    project: Project,
    confusions: Sequence[Confusion],
    classes: dict[int, dict[str, Any]],
    notes: Sequence[str],
    sections: Sequence[Section],
) -> None:
    folder = project.folder / FINAL
    legend = [
        LegendClass(code, str(row["class_name"]), (row["red"], row["green"], row["blue"]))
        for code, row in classes.items()
    ]
    pictures = folder / "TMP"
    has_map = bool(project.scene.chunks)
    if has_map:
        map_figure(pictures / "map.png", folder / "Classif_Seed_0.tif", legend, has_legend=False)
    kind = _confidence_kind(project)
    if has_map:
        confidence_figure(pictures / "confidence.png", folder / "Confidence_Seed_0.tif", kind=kind)
    write_report(
        project.folder / "report.html",
        ReportData(
            title="Land cover map",
            facts=_facts(project),
            map_picture=Picture(pictures / "map.png", "Classes of run 0", "Map of the land-cover classes")
            if has_map
            else None,
            legend=legend if has_map else (),
            confidence_picture=Picture(
                pictures / "confidence.png", f"Confidence of run 0: {kind}", "Map of the confidence of the classes"
            )
            if has_map
            else None,
            scores=map_scores(confusions),
            classes=class_scores(confusions),
            notes=notes,
            matrix_pictures=[
                Picture(
                    folder / f"Confusion_Matrix_Classif_Seed_{run}.png",
                    f"Run {run}: rows reference, columns map",
                    "Confusion matrix; the table of classes says the same in numbers",
                )
                for run in range(len(confusions))
            ],
            sections=sections,
            class_statistics=_statistics(project),
            stages=[StageTime(**row) for row in project.database.rows("evaluate/stage_times")],
            configuration=_configuration(project),
        ),
    )


def _facts(project: Project) -> list[tuple[str, str]]:
    (row,) = project.database.rows("evaluate/facts")
    scene = project.scene
    images = [
        ("Tiles", ", ".join(scene.tiles)),
        ("Projection", f"{scene.grid.crs}, pixels of {scene.grid.resolution_x:g} x {scene.grid.resolution_y:g}"),
        (
            "Acquisitions",
            f"{row['n_products']} products on {row['n_dates']} dates, {row['first_date']} to {row['last_date']}",
        ),
    ]
    truth = f"{row['n_polygons']} polygons, {row['n_candidates']} usable pixels"
    if scene.table is not None:
        truth = f"{row['n_candidates']} series of {scene.table.path.name}"
    return [
        *(images if scene.chunks else []),
        ("Features", str(row["n_features"])),
        ("Ground truth", truth),
        ("Runs", f"{project.config.arg_train.runs}, random seed {project.random_seed}"),
        ("Findings", f"{row['n_findings']}: i2db show OUT finding"),
    ]


def _statistics(project: Project) -> ReportTable:
    headings = (
        "Run",
        "Region",
        "Class",
        "Learn polygons",
        "Val polygons",
        "Available",
        "Asked for",
        "Learnt",
        "Val pixels",
    )
    rows = project.database.rows("evaluate/class_statistics")
    return ReportTable(headings, tuple(tuple(row.values()) for row in rows))


def _configuration(project: Project) -> str:
    rows = project.database.rows("evaluate/configuration")
    return "\n".join(f"{row['section']}.{row['key']} = {row['setting']}" for row in rows)


STAGE = Stage(
    name="evaluate",
    group="validation",
    title="accuracy, figures, report",
    reads=(
        "prediction",
        "candidate",
        "polygon",
        "polygon_split",
        "run",
        "class",
        "region",
        "model",
        "learning_curve",
        "model_class",
        "quota",
        "selection",
        "sample",
        "rejection",
        "acquisition",
        "feature",
        "finding",
        "task_run",
        "configuration",
        "confusion",
        "class_accuracy",
        "class_statistics",
        "evaluated_pixel",
        "polygon_group",
        "polygon_distance",
        "grid",
        "accuracy_summary",
        "accuracy_by_circumstance",
        "reliability",
        "calibration",
        "suspect_polygon",
        "feature_importance",
        "search_summary",
    ),
    writes=("accuracy_interval", "class_area", "class_separability"),
    needs=("mosaic",),
    version=4,
    sql=(
        "evaluate/areas",
        "evaluate/calibration",
        "evaluate/circumstances",
        "evaluate/class_samples",
        "evaluate/class_statistics",
        "curve/accuracy",
        "evaluate/classes",
        "evaluate/confidence_kind",
        "evaluate/configuration",
        "evaluate/confusion",
        "evaluate/dated_features",
        "evaluate/difference",
        "evaluate/facts",
        "evaluate/first_band",
        "evaluate/importance",
        "evaluate/intervals",
        "evaluate/outlying_dates",
        "evaluate/polygons",
        "evaluate/reliability",
        "evaluate/runs",
        "evaluate/searches",
        "evaluate/separability",
        "evaluate/stage_times",
        "evaluate/summary",
        "evaluate/suspects",
        "evaluate/unit_confusion",
        "evaluate/unseen",
        "evaluate/unvalidated",
    ),
    tasks=_tasks,
    publish=_publish,
    writes_files=True,
)
