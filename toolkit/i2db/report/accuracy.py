"""What the report says of accuracy: the one figure, measures, classes, confusions; with intervals that are honest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from i2db.report.charts import Estimate, estimates_chart, shortened
from i2db.report.html import Bar, Block, Cell, ClassName, Figure, Folded, Headline, Listing, Matrix, Section, Table
from i2db.report.intervals import IntervalRow, Rows
from i2db.report.matrix import ClassScore, Confusion, class_scores
from i2db.report.style import LegendClass
from i2db.report.words import clipped, count, ends, half, number, percent, plural

Interval = tuple[float, float]

#: An interval wider than this says little about a map (a choice, not a law).
_WIDE = 0.3
#: Cells of confusion matrices of single runs that the report holds at most; beyond, they are figures in final/.
_MOST_CELLS = 8000
_ON_MATRIX = (
    "Rows are the reference, columns the map: number of pixels, and under it their share of the reference "
    "class. Framed blue cells are right, orange ones wrong."
)
_ON_CLASSES = (
    "Polygons and pixels are those of validation, mean per run. Precision: share of the mapped pixels that are right "
    "(user’s accuracy). Recall: share of the reference that is found (producer’s accuracy). F-score: their harmonic "
    "mean. “–” is undefined and enters no mean."
)


def best_interval(row: IntervalRow, low: float = 0.0) -> Interval | None:
    """The interval to believe: over runs as corrected for their overlap, or that within the only run."""
    if row.mean is not None and row.corrected is not None:
        return clipped(row.mean, row.corrected, low)
    return row.within[0] if len(row.within) == 1 else None


def headline(
    intervals: Sequence[IntervalRow], runs: Rows, *, is_resubstitution: bool, notes: Sequence[str]
) -> Headline | None:
    """The overall accuracy with its interval, and in plain words what they mean; None where nothing was validated.

    Args:
        intervals: rows of measures, see `intervals.interval_rows`.
        runs: rows of sql/report/run_accuracy.sql.
        is_resubstitution: the polygons that validate also learnt.
        notes: sentences that nobody who reads the figure must miss.
    """
    (row,) = (row for row in intervals if row.name == "Overall accuracy")
    if row.mean is None:
        return None
    interval = None if is_resubstitution else best_interval(row)
    meaning = [f"Of 100 pixels in the validation polygons, about {row.mean * 100:.0f} are given the right class."]
    if is_resubstitution:
        said = "no interval: the map is judged by what it learnt from"
    elif interval is None:
        said = "no interval: there are too few polygons or runs for one"
        meaning.append("How far this is from the truth cannot be told from these polygons.")
    else:
        said = f"95 % interval: {percent(interval[0])} to {percent(interval[1])}"
        meaning.append(_what_the_interval_means(interval, runs))
    return Headline(
        name="Overall accuracy" + (f", mean of {len(runs)} runs" if len(runs) > 1 else ""),
        figure=percent(row.mean),
        interval=said,
        meaning=tuple(meaning),
        cautions=tuple(notes),
    )


def _what_the_interval_means(interval: Interval, runs: Rows) -> str:
    least, most = min(row["n_polygons"] for row in runs), max(row["n_polygons"] for row in runs)
    polygons = plural(most, "polygon") if least == most else f"{least:,} to {most:,} polygons"
    judged = (
        f"Each of {len(runs)} runs was judged by {polygons}, and the interval allows for those that the runs share"
        if len(runs) > 1
        else f"The map was judged by {polygons}"
    )
    low, high = interval
    verdict = (
        "That is too wide to say whether the map is good: more validation polygons are needed."
        if high - low > _WIDE
        else "It holds for places like these polygons; where the map does worse is told below."
    )
    return f"{judged}. With 95 % confidence the accuracy lies between {percent(low)} and {percent(high)}. {verdict}"


def accuracy_section(intervals: Sequence[IntervalRow], runs: Rows, unseen: Sequence[str]) -> Section:
    """Measures of the whole map, with plain and corrected intervals, and those of each run."""
    measures = [row for row in intervals if row.class_code is None]
    if not measures:
        return Section("How good the map is", ("Nothing was validated.",))
    blocks: list[Block] = [_measures(measures, len(runs))]
    if len(runs) > 1:
        overall = next((row for row in measures if row.name == "Overall accuracy"), None)
        if overall is not None and overall.corrected is not None and overall.half_width:
            blocks.append(_widening(overall))
        blocks.append(
            "Over runs: Student’s t, as if the runs were independent. Corrected: they are not, as they share polygons "
            "(Nadeau and Bengio 2003). Shares end at 0 and 1, and so do the intervals here; half widths "
            "are as they come."
        )
    blocks.append(
        "Within a run, polygons are drawn anew 1,000 times (bootstrap): pixels of one polygon are no independent "
        "witnesses. “–” is undefined, a single polygon, or polygons that all say the same. Weighted by area, each "
        "class counts as the map has it."
    )
    if unseen:
        title = "Validation pixels of classes that the region’s model never learnt: wrong in every figure"
        blocks.append(Folded(title, (Listing("\n".join(unseen)),)))
    if len(runs) > 1:
        blocks.append(Folded("Each run by itself", (_each_run(measures, runs),)))
    return Section("How good the map is", tuple(blocks))


def _measures(measures: Sequence[IntervalRow], n_runs: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for row in measures:
        interval = best_interval(row, -1.0 if row.name == "Kappa" else 0.0)
        cells: list[Cell] = [row.name, number(row.mean), ends(interval)]
        if n_runs > 1:
            cells += [half(row.half_width), half(row.corrected)]
        shown = None if interval is None else (max(interval[0], 0.0), interval[1])
        rows.append((*cells, Bar(None if row.mean is None else max(row.mean, 0.0), shown)))
    headings = ["Measure", "Mean" if n_runs > 1 else "Value", "95 % interval"]
    headings += ["Over runs", "Corrected"] if n_runs > 1 else []
    return Table(caption="Accuracy of the map", headings=(*headings, "0 to 1"), rows=tuple(rows), text=(len(headings),))


def _widening(overall: IntervalRow) -> str:
    assert overall.corrected is not None
    assert overall.half_width is not None
    return (
        f"The corrected interval of the overall accuracy (± {overall.corrected:.3f}) is "
        f"{overall.corrected / overall.half_width:.2f} times as wide as the plain one (± {overall.half_width:.3f})."
    )


def _each_run(measures: Sequence[IntervalRow], runs: Rows) -> Table:
    names = {"Overall accuracy": "overall_accuracy", "Kappa": "kappa", "Mean F-score": "f_score"}
    of = {row.name: row for row in measures}
    rows = []
    for i, run in enumerate(runs):
        cells = [f"{run['run']}" + (f" (without {run['held_out']})" if run["held_out"] else "")]
        cells += [count(run["n_polygons"]), count(run["n_pixels"])]
        for name, column in names.items():
            cells += [number(run[column]), ends(of[name].within[i]) if name in of else "–"]
        rows.append(tuple(cells))
    headings = ["Run", "Polygons", "Pixels"]
    for name in names:
        headings += [name, "95 % within the run"]
    return Table(
        caption="Each run: validation polygons and pixels, accuracy", headings=tuple(headings), rows=tuple(rows)
    )


def classes_section(
    scores: Sequence[ClassScore],
    intervals: Sequence[IntervalRow],
    n_runs: int,
    colors: Mapping[int, LegendClass],
) -> Section:
    """Precision, recall and F-score of each class; the F-score with its interval, as a table and a chart."""
    of_class = {row.class_code: row for row in intervals if row.class_code is not None}
    rows: list[tuple[Cell, ...]] = []
    estimates = []
    for score in scores:
        row = of_class.get(score.code)
        interval = best_interval(row) if row is not None else None
        mean = score.f_score.mean
        one = colors[score.code]
        estimates.append(Estimate(one, mean, interval))
        cells: list[Cell] = [ClassName(score.name, one.color), str(score.code)]
        cells += [count(score.n_polygons), count(score.n_pixels)]
        cells += [number(score.precision.mean), number(score.recall.mean), number(mean), ends(interval)]
        confused = ", ".join(shortened(name, 30) for name in score.confused_with)
        rows.append((*cells, Bar(mean, interval), confused if score.n_pixels else "–"))
    if not rows:
        return Section("Each class", ())
    which = "corrected" if n_runs > 1 else "by polygons"
    headings = ("Class", "Code", "Polygons", "Pixels", "Precision", "Recall", "F-score", f"95 %, {which}", "0 to 1")
    table = Table(
        caption="Accuracy of each class",
        headings=(*headings, "Most often mapped as"),
        rows=tuple(rows),
        text=(8, 9),
    )
    told = "; ".join(f"{e.of.name} {number(e.middle, 2)}" for e in estimates)
    chart = estimates_chart(estimates, measure="F-score", alternative=f"F-score of each class: {told}")
    figure = Figure(
        name="class_accuracy",
        caption=f"F-score of each class (dot) with its 95 % interval, {which} (line).",
        drawing=chart,
    )
    return Section("Each class", (_ON_CLASSES, table, Folded("The F-scores as a chart", (figure,))))


def confusion_section(confusions: Sequence[Confusion], pairs: Rows) -> Section:
    """The matrix of all runs together, the pairs most confused, and the matrix of each run."""
    if not confusions or not any(one.n_pixels for one in confusions):
        return Section("Which classes are confused", ())
    first = confusions[0]
    whole = Confusion(first.codes, first.names, sum((one.counts for one in confusions[1:]), start=first.counts))
    n_runs = len(confusions)
    title = f"Validation pixels of all {n_runs} runs" if n_runs > 1 else "Validation pixels"
    blocks: list[Block] = []
    if pairs:
        blocks += [_pairs(pairs, n_runs)]
    blocks += [
        _ON_MATRIX,
        _matrix(whole, title),
    ]
    if n_runs > 1:
        n_cells = n_runs * len(first.codes) ** 2
        blocks.append(
            Folded("The matrix of each run", tuple(_matrix(one, f"Run {run}") for run, one in enumerate(confusions)))
            if n_cells <= _MOST_CELLS
            else "The matrix of each run is in final/Confusion_Matrix_Classif_Seed_*.png and final/TMP/*.csv."
        )
    return Section("Which classes are confused", tuple(blocks))


def _pairs(pairs: Rows, n_runs: int) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            str(row["reference_name"]),
            str(row["predicted_name"]),
            count(row["n_pixels"]),
            percent(row["share_of_errors"]),
            Bar(row["share_of_errors"]),
        )
        for row in pairs
    )
    return Table(
        caption="Pairs of classes most confused" + (f", {n_runs} runs together" if n_runs > 1 else ""),
        headings=("Reference", "Called on the map", "Pixels", "Share of all errors", "0 to 1"),
        rows=rows,
        n_labels=2,
        text=(4,),
    )


def _matrix(confusion: Confusion, title: str) -> Matrix:
    return Matrix(
        caption=f"{title}: {confusion.n_pixels:,}",
        classes=tuple(zip(confusion.codes, confusion.names, strict=True)),
        counts=tuple(tuple(int(n) for n in row) for row in confusion.counts),
        last_row=("Precision", tuple(percent(value) for value in confusion.precision())),
        last_column=("Recall", tuple(percent(value) for value in confusion.recall())),
    )


def scores_of(confusions: Sequence[Confusion]) -> list[ClassScore]:
    """Scores of the classes over runs; none where there is no matrix."""
    return class_scores(confusions) if confusions and confusions[0].codes else []


def sentences(notes: Sequence[str]) -> tuple[list[str], list[str]]:
    """The notes of `results.accuracy_notes` in two: sentences, and lines of the list that the last one announces."""
    listed = [note.strip() for note in notes if note.startswith(" ")]
    told = [note for note in notes if not note.startswith(" ")]
    if listed:
        told[-1] = told[-1].removesuffix(":") + f" ({plural(len(listed), 'case')}, listed below)."
    return told, listed


def row_of(rows: Rows, **wanted: Any) -> Mapping[str, Any] | None:
    """The first row that has these values."""
    return next((row for row in rows if all(row[name] == value for name, value in wanted.items())), None)
