"""Sections of the report: intervals, where the map fails, whether its confidence can be believed, areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from i2db.report.html import Section, Table

Rows = Sequence[Mapping[str, Any]]

#: Names of the measures, in the order in which they are shown.
_MEASURES = {
    "kappa": "Kappa",
    "overall_accuracy": "Overall accuracy",
    "f_score": "Mean F-score",
    "area_weighted_accuracy": "Accuracy weighted by area",
}

#: What the sections say.
_ON_INTERVALS = (
    "95 % intervals. Over runs, Student’s t takes the runs for independent; they are not, as they share polygons, and "
    "the corrected interval (Nadeau and Bengio 2003) allows for it. Within a run, polygons are drawn anew 1000 times "
    "(bootstrap): pixels of one polygon are no independent witnesses. “–”: one run, or one polygon."
)
_ON_CIRCUMSTANCES = (
    "Validation pixels of all runs by where they lie and how well they were seen; polygons are those of the run that "
    "has most. Bins of few polygons say little. In SQL: accuracy_by_circumstance."
)
_ON_BRIER = (
    "Calibration error: |confidence − accuracy| over the tenths, weighted by pixels. Brier score: of the event that "
    "the label is right, from the confidence of the label alone."
)
_ON_SUSPECTS = (
    "Polygons that every run in which they validate (and no model saw them) calls something else; the surest first, "
    "twenty at most. Sure share: pixels given the suggested class with at least the confidence that it usually has "
    "where it is right. In SQL: suspect_polygon."
)
_ON_DATES = (
    "Dates on which most polygons are far from those of their class in {band} (robust z beyond 3.5): missed clouds "
    "and shadows, or labels that are wrong. In SQL: time_outlier('{band}')."
)
_ON_PAIRS = (
    "The classes that are closest, by the Jeffries-Matusita distance on the date on which they are farthest apart: 2 "
    "is never confused, below 1 hardly told apart by one date. In SQL: class_separability."
)
_ON_AREAS = (
    "Hectares on the ellipsoid: as the map has them, and corrected for its errors (Olofsson et al. 2014). The "
    "correction and its 95 % interval (bootstrap over polygons) are right only if the validation polygons are a "
    "probability sample of the map, which polygons at hand rarely are: i2db sample-design draws one, i2db evaluate "
    "uses it. Where the map says a class that no validation pixel was given, nothing is known: left out."
)


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A measure with all its intervals: over runs (half widths), and within each run (ends)."""

    name: str
    mean: float | None
    half_width: float | None
    corrected: float | None
    within: tuple[tuple[float, float] | None, ...]


def interval_rows(summary: Rows, within: Rows, runs: Sequence[int]) -> list[IntervalRow]:
    """Measures of the whole map and F-score of each class, from rows of accuracy_summary and accuracy_interval."""
    over = {(row["metric"], row["class_name"]): row for row in summary}
    inside = {(row["metric"], row["class_name"], row["run"]): row for row in within}
    wanted = [(metric, None, name) for metric, name in _MEASURES.items()]
    classes = dict.fromkeys(row["class_name"] for row in within if row["class_name"] is not None)
    wanted += [("f_score", name, f"F-score of {name}") for name in classes]
    return [_interval_row(title, over.get((m, c)), [inside.get((m, c, run)) for run in runs]) for m, c, title in wanted]


def _interval_row(
    title: str, over: Mapping[str, Any] | None, within: Sequence[Mapping[str, Any] | None]
) -> IntervalRow:
    estimates = [row["estimate"] for row in within if row is not None and row["estimate"] is not None]
    return IntervalRow(
        name=title,
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
            _number(row.mean),
            _half(row.half_width, "+- "),
            _half(row.corrected, "+- "),
            *map(_ends, row.within),
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


def intervals_section(rows: Sequence[IntervalRow]) -> Section | None:
    """Plain and corrected intervals over runs, and those within each run."""
    if not rows:
        return None
    n_runs = len(rows[0].within)
    headings = ["Measure", "Mean", "Over runs", "Corrected", *(f"Within run {run}" for run in range(n_runs))]
    table = Table(
        tuple(headings),
        tuple(
            (row.name, _number(row.mean), _half(row.half_width), _half(row.corrected), *map(_ends, row.within))
            for row in rows
        ),
    )
    return Section(
        "Intervals",
        (
            _ON_INTERVALS,
            table,
        ),
    )


def failures_section(circumstances: Rows) -> Section | None:
    """Accuracy by distance to the edge, clear dates, longest gap, distance to learning, size, tile and region."""
    blocks: list[str | Table] = []
    for name in dict.fromkeys(row["circumstance"] for row in circumstances):
        of_name = [row for row in circumstances if row["circumstance"] == name]
        if len(of_name) > 1:
            rows = tuple((row["bin"], row["n_polygons"], row["n_pixels"], _number(row["accuracy"])) for row in of_name)
            blocks.append(Table((str(name).capitalize(), "Polygons", "Pixels", "Accuracy"), rows))
    if not blocks:
        return None
    return Section("Where the map fails", (_ON_CIRCUMSTANCES, *blocks))


def reliability_section(reliability: Rows, calibration: Rows, kind: str) -> Section | None:
    """Whether the confidence is what it says: tenths of confidence, calibration error and Brier score."""
    if not reliability:
        return None
    tenths = tuple(
        (
            f"{row['confidence_from']:.1f} to {row['confidence_from'] + 0.1:.1f}",
            row["n_pixels"],
            _number(row["confidence"]),
            _number(row["accuracy"]),
        )
        for row in reliability
    )
    runs = tuple(
        (
            f"Run {row['run']}",
            *(_number(row[name]) for name in ("confidence", "accuracy", "calibration_error")),
            _number(row["brier_score"]),
        )
        for row in calibration
    )
    return Section(
        "Can the confidence be believed",
        (
            f"Confidence here is: {kind}. Where it is honest, mean confidence and accuracy are equal.",
            Table(("Confidence", "Pixels", "Mean confidence", "Accuracy"), tenths),
            Table(("Run", "Mean confidence", "Accuracy", "Calibration error", "Brier score"), runs),
            _ON_BRIER,
        ),
    )


def suspects_section(suspects: Rows) -> Section | None:
    """Polygons that every run in which they validate gets wrong."""
    if not suspects:
        return None
    rows = tuple(
        (
            str(row["polygon_id"]),
            row["reference_name"],
            row["suggested_name"],
            row["n_runs"],
            row["n_pixels"],
            _number(row["share"]),
            _number(row["confidence"]),
            _number(row["sure_share"]),
        )
        for row in suspects
    )
    headings = ("Polygon", "Label", "Suggested", "Runs", "Pixels", "Share", "Confidence", "Sure share")
    return Section(
        "Labels that may be wrong",
        (
            _ON_SUSPECTS,
            Table(headings, rows),
        ),
    )


def dates_section(dates: Rows, pairs: Rows, band: str) -> Section | None:
    """Dates with many outliers (missed clouds), and the classes that are hardest to tell apart."""
    blocks: list[str | Table] = []
    if dates:
        rows = tuple((str(row["date"]), row["n_outlying"], row["n_above"], row["classes"]) for row in dates)
        blocks += [
            _ON_DATES.format(band=band),
            Table(("Date", "Polygons", "Of them above", "Classes"), rows),
        ]
    if pairs:
        distances = tuple(
            (
                f"{row['class_name']} / {row['other_name']}",
                str(row["best_date"]),
                _number(row["best"]),
                str(row["worst_date"]),
                _number(row["worst"]),
            )
            for row in pairs
        )
        blocks += [
            _ON_PAIRS,
            Table(("Classes", "Best date", "Distance", "Worst date", "Distance"), distances),
        ]
    return Section("Dates and classes", tuple(blocks)) if blocks else None


def areas_section(areas: Rows) -> Section | None:
    """Area of each class as mapped and as corrected, in hectares, with the warning that goes with it."""
    if not areas:
        return None
    rows = tuple(
        (
            f"{row['class_name']}, run {row['run']}",
            _area(row["mapped"]),
            _area(row["adjusted"]),
            _area(row["lower_bound"]),
            _area(row["upper_bound"]),
        )
        for row in areas
    )
    return Section(
        "Areas",
        (
            _ON_AREAS,
            Table(("Class", "Mapped", "Corrected", "From", "To"), rows),
        ),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _half(value: float | None, sign: str = "± ") -> str:
    return "–" if value is None else f"{sign}{value:.3f}"


def _ends(ends: tuple[float, float] | None) -> str:
    return "–" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _area(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"
