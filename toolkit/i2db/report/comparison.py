"""Accuracy of projects side by side, as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2db.files import replacing

#: Okabe and Ito (2008), and a mark for each, so that colour is not all that tells projects apart.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")

_NAMES = {"overall_accuracy": "Overall accuracy", "kappa": "Kappa", "f_score": "Mean F-score"}


def comparison_figure(path: Path, accuracy: Sequence[Mapping[str, Any]], classes: Sequence[Mapping[str, Any]]) -> None:
    """Draw means with their corrected intervals: of the map above, of each class below, a mark per project.

    Args:
        path: PNG.
        accuracy: rows with project, metric, mean, corrected_half_width.
        classes: rows with class_name, project, mean (F-score), corrected_half_width.
    """
    from matplotlib.figure import Figure

    projects = list(dict.fromkeys(str(row["project"]) for row in accuracy))
    rows = [(_NAMES[str(row["metric"])], row) for row in accuracy]
    rows += [(f"F-score, {row['class_name']}", row) for row in classes]
    labels = list(dict.fromkeys(label for label, _ in rows))
    height = 1.4 + len(labels) * (0.16 * len(projects) + 0.22)
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.add_subplot()
    for number, project in enumerate(projects):
        shown = [(labels.index(label), row) for label, row in rows if row["project"] == project]
        shown = [(place, row) for place, row in shown if row["mean"] is not None]
        shift = (number - (len(projects) - 1) / 2) * 0.8 / len(projects)
        axes.errorbar(
            [row["mean"] for _, row in shown],
            [place + shift for place, _ in shown],
            xerr=[row["corrected_half_width"] or 0.0 for _, row in shown],
            fmt=_MARKS[number % len(_MARKS)],
            color=_COLORS[number % len(_COLORS)],
            markersize=5,
            capsize=2,
            linewidth=1,
            label=project,
        )
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.set_xlabel("mean over the runs, with 95 % interval (Nadeau and Bengio)")
    figure.legend(loc="outside upper center", ncols=min(3, len(projects)), frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)
