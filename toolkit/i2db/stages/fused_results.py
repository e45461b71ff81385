"""What the validation writes of the fusion of the runs, under iota2's names."""

from __future__ import annotations

from pathlib import Path

from i2db.chain.project import Project
from i2db.files import write_whole
from i2db.report.figures import confusion_figure
from i2db.report.matrix import confusions_of, matrix_text
from i2db.report.results import Caveats, results_text
from i2db.report.words import number, plural

#: Within final/; RESULTS.txt is of the fused map, where there is one, and this of the runs.
RUNS_RESULTS = "RESULTS_seeds.txt"
MATRIX = "merge_final_classifications/confusion_mat_maj_vote.csv"
FIGURE = "fusionConfusion.png"

_METHODS = {"majorityvoting": "majority voting", "dempstershafer": "Dempster and Shafer's rule"}


def fused_outputs(project: Project) -> list[str]:
    """The files within final/, besides RESULTS.txt, where runs are fused."""
    section = project.config.arg_classification
    if not section.merge_final_classifications:
        return []
    return [MATRIX, FIGURE, *([RUNS_RESULTS] if section.keep_runs_results else [])]


def write_results(project: Project, folder: Path, of_runs: str) -> None:
    """RESULTS.txt: of the fused map where there is one, with the runs' beside it, else of the runs; nothing stale.

    Args:
        project: evaluated.
        folder: final/.
        of_runs: the text of the runs' results.
    """
    database, section = project.database, project.config.arg_classification
    wanted = fused_outputs(project)
    for name in (MATRIX, FIGURE, RUNS_RESULTS):
        if name not in wanted:
            (folder / name).unlink(missing_ok=True)
    of_fusion = (folder / MATRIX).parent
    if of_fusion.is_dir() and not any(of_fusion.iterdir()):
        of_fusion.rmdir()
    if not section.merge_final_classifications:
        write_whole(folder / "RESULTS.txt", of_runs)
        return
    (fused,) = confusions_of(
        database.rows("evaluate/fused_confusion"),
        database.rows("evaluate/fused_polygons"),
        {row["class_code"]: str(row["class_name"]) for row in database.rows("evaluate/accuracy_classes")},
        [0],
    )
    (of_map,) = (row for row in database.rows("report/maps") if row["run"] is None and not row["is_smoothed"])
    judges = (
        "that no run learns or validates with"
        if of_map["evaluated_on"] == "held"
        else "of the ground truth, those that learnt among them: this says little about new places"
    )
    n_runs, n_polygons = plural(project.config.arg_train.runs, "run"), plural(of_map["n_polygons"], "polygon")
    method = _METHODS[section.merge_final_classifications_method]
    n_undecided = plural(of_map["n_undecided"], "pixel")
    told = [f"Fusion of {n_runs} by {method}, judged by {n_polygons} {judges}."]
    told.append(f"{n_undecided} undecided, in no matrix; counted as wrong, OA is {number(of_map['share_right'])}.")
    (folder / MATRIX).parent.mkdir(exist_ok=True)
    write_whole(folder / MATRIX, matrix_text(fused))
    confusion_figure(folder / FIGURE, fused, title="Confusion, fusion of the runs")
    is_resubstitution = of_map["evaluated_on"] != "held"
    text = results_text([fused], Caveats(is_resubstitution=is_resubstitution), told, what="Fusion of the runs")
    write_whole(folder / "RESULTS.txt", text)
    if section.keep_runs_results:
        write_whole(folder / RUNS_RESULTS, of_runs)
