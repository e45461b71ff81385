"""validation: matrices, RESULTS.txt, difference maps, figures and the report, from the views."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.config.reader import flat
from i2db.files import write_whole
from i2db.raster.write import BLOCK, raster_sink
from i2db.report import collect
from i2db.report.figures import confusion_figure, curve_figure
from i2db.report.importance import importance_figure
from i2db.report.intervals import interval_rows, interval_text
from i2db.report.matrix import matrix_text
from i2db.report.results import results_text
from i2db.stages.assessment import assess
from i2db.stages.fused_results import fused_outputs, write_results
from i2db.stages.mosaic import FINAL

#: Codes of the difference map, as iota2's; 0 is no data.
DIFFERENCE_COLORS = {1: (202, 0, 32), 2: (5, 113, 176), 3: (244, 165, 130), 4: (146, 197, 222)}

#: Pictures that earlier versions left beside the maps; the report has its own.
_RETIRED = ("TMP/map.png", "TMP/confidence.png")


def _tasks(project: Project) -> Sequence[Task]:
    runs = range(project.config.arg_train.runs)
    identity = [
        [row for row in flat(project.config) if row[0] != "execution" and row[1] != "output_path"],
        project.published(
            "catalogue",
            "candidate",
            "split",
            "select",
            "extract",
            "learn",
            "curve",
            "classify",
            "fuse",
            "smooth",
            "mosaic",
        ),
    ]
    outputs = ["report.html", f"{FINAL}/RESULTS.txt", *(f"{FINAL}/{name}" for name in fused_outputs(project))]
    for run in runs:
        outputs += [
            f"{FINAL}/TMP/Classif_Seed_{run}.csv",
            f"{FINAL}/Confusion_Matrix_Classif_Seed_{run}.png",
            *([f"{FINAL}/diff_seed_{run}.tif"] if project.scene.chunks else []),
        ]
    return [STAGE.task("all", identity, outputs=tuple(outputs))]


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    database, folder = project.database, project.folder / FINAL
    assess(project)
    confusions = collect.confusions(database)
    intervals = interval_rows(
        database.rows("evaluate/summary"), database.rows("evaluate/intervals"), range(len(confusions))
    )
    (folder / "TMP").mkdir(parents=True, exist_ok=True)
    for run, confusion in enumerate(confusions):
        write_whole(folder / "TMP" / f"Classif_Seed_{run}.csv", matrix_text(confusion))
        confusion_figure(folder / f"Confusion_Matrix_Classif_Seed_{run}.png", confusion, title=f"Confusion, run {run}")
        if project.scene.chunks:
            _write_difference(project, run, folder / f"diff_seed_{run}.tif")
    _write_before_merge(project)
    told = collect.caveats(database, is_resubstitution=not project.config.arg_train.split_ground_truth)
    write_results(project, folder, results_text(confusions, told, interval_text(intervals)))
    _model_figures(project)
    collect.write_report(database, project.folder)
    for name in _RETIRED:
        (folder / name).unlink(missing_ok=True)
    # What a larger number of runs left behind.
    for pattern in ("TMP/Classif_Seed_{}.csv", "Confusion_Matrix_Classif_Seed_{}.png", "diff_seed_{}.tif"):
        for path in folder.glob(pattern.format("*")):
            if path.relative_to(folder).as_posix() not in {pattern.format(run) for run in range(len(confusions))}:
                path.unlink()


def _write_before_merge(project: Project) -> None:
    """The matrices class by class, where annual classes are merged in the others; what an earlier run left goes."""
    folder = project.folder / FINAL
    written = set()
    if project.database.rows("evaluate/annual_classes"):
        for run, confusion in enumerate(collect.confusions_before_merge(project.database)):
            path = folder / f"MatrixBeforeClassMerge_{run}.csv"
            write_whole(path, matrix_text(confusion))
            written.add(path)
    for path in folder.glob("MatrixBeforeClassMerge_*.csv"):
        if path not in written:
            path.unlink()


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


def _model_figures(project: Project) -> None:
    """A heat map of importance per method that was measured, and the learning curve, where there are any."""
    rows, folder = project.database.rows("evaluate/importance"), project.folder / FINAL
    written = []
    for method in dict.fromkeys(str(row["method"]) for row in rows):
        written.append(folder / f"Feature_Importance_{method}.png")
        importance_figure(written[-1], [row for row in rows if row["method"] == method], method)
    if points := project.database.rows("curve/accuracy"):
        written.append(folder / "Learning_Curve.png")
        curve_figure(written[-1], points)
    for path in (*folder.glob("Feature_Importance_*.png"), *folder.glob("Learning_Curve.png")):
        if path not in written:
            path.unlink()


STAGE = Stage(
    name="evaluate",
    group="validation",
    title="accuracy, figures, report",
    reads=(
        "prediction",
        "derived_prediction",
        "held_group",
        "map_accuracy",
        "map_confusion",
        "map_polygon",
        "region_model",
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
        "function_cost",
        "configuration",
        "confusion",
        "confusion_before_merge",
        "accuracy_class",
        "annual_class",
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
        "accuracy",
        "chunk",
        "tile",
        "top_confusion",
    ),
    writes=("accuracy_interval", "class_area", "class_separability"),
    needs=("mosaic",),
    version=7,
    sql=(
        *collect.REPORT_SQL,
        "evaluate/annual_classes",
        "evaluate/class_samples",
        "evaluate/dated_features",
        "evaluate/fused_confusion",
        "evaluate/fused_polygons",
        "evaluate/difference",
        "evaluate/runs",
        "evaluate/unit_confusion",
    ),
    tasks=_tasks,
    publish=_publish,
    writes_files=True,
)
