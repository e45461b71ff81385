"""Intervals of the measures: over runs, plain and corrected, and within each run; for the report and RESULTS.txt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from i2db.report.words import ends, half, number

Rows = Sequence[Mapping[str, Any]]

#: Names of the measures, in the order in which they are shown.
_MEASURES = {
    "kappa": "Kappa",
    "overall_accuracy": "Overall accuracy",
    "f_score": "Mean F-score",
    "area_weighted_accuracy": "Accuracy weighted by area",
}


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A measure with all its intervals: over runs (half widths), and within each run (ends)."""

    name: str
    class_code: int | None
    mean: float | None
    half_width: float | None
    corrected: float | None
    within: tuple[tuple[float, float] | None, ...]


def interval_rows(summary: Rows, within: Rows, runs: Sequence[int]) -> list[IntervalRow]:
    """Measures of the whole map and F-score of each class, from rows of accuracy_summary and accuracy_interval."""
    over = {(row["metric"], row["class_code"]): row for row in summary}
    inside = {(row["metric"], row["class_code"], row["run"]): row for row in within}
    wanted: list[tuple[str, int | None, str]] = [(metric, None, name) for metric, name in _MEASURES.items()]
    classes = {row["class_code"]: row["class_name"] for row in within if row["class_code"] is not None}
    wanted += [("f_score", code, f"F-score of {name}") for code, name in classes.items()]
    return [
        _interval_row(title, code, over.get((metric, code)), [inside.get((metric, code, run)) for run in runs])
        for metric, code, title in wanted
    ]


def _interval_row(
    title: str, code: int | None, over: Mapping[str, Any] | None, within: Sequence[Mapping[str, Any] | None]
) -> IntervalRow:
    estimates = [row["estimate"] for row in within if row is not None and row["estimate"] is not None]
    return IntervalRow(
        name=title,
        class_code=code,
        mean=over["mean"] if over else (sum(estimates) / len(estimates) if estimates else None),
        half_width=over["half_width"] if over else None,
        corrected=over["corrected_half_width"] if over else None,
        within=tuple(
            None if row is None or row["lower_bound"] is None else (row["lower_bound"], row["upper_bound"])
            for row in within
        ),
    )


def interval_text(rows: Sequence[IntervalRow]) -> list[str]:
    """The lines that RESULTS.txt has of the intervals; none where there is nothing to tell."""
    if not rows:
        return []
    n_runs = len(rows[0].within)
    head = ["Intervals of 95 %", "mean", "over runs", "corrected", *(f"within run {run}" for run in range(n_runs))]
    cells = [head] + [
        [
            row.name,
            number(row.mean),
            half(row.half_width, "+- "),
            half(row.corrected, "+- "),
            *map(ends, row.within),
        ]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return [
        lines[0],
        "-" * len(lines[0]),
        *lines[1:],
        "",
        "Over runs: Student's t, as if the runs were independent. Corrected: they overlap (Nadeau and Bengio 2003).",
        "Within a run: bootstrap over validation polygons, 1000 replicates, 2.5 % and 97.5 % quantiles.",
    ]
