"""Sections of the report: where the map fails, whether its confidence can be believed, labels, dates, areas."""

from __future__ import annotations

from i2db.report.html import Bar, Block, Cell, Figure, Folded, Gallery, Section, Table
from i2db.report.intervals import Rows
from i2db.report.words import area, count, number, percent

#: Polygons that a bin must have to be called the worst.
_ENOUGH_POLYGONS = 5
#: What the sections say.
_ON_CIRCUMSTANCES = (
    "Validation pixels of all runs by where they lie and how well they were seen; polygons are those of the run that "
    "has most. Bins of few polygons say little. In SQL: accuracy_by_circumstance."
)
_ON_CONFIDENCE = (
    "Confidence here is: {kind}. Where it is honest, mean confidence (the mark) and accuracy (the bar) "
    "are equal: a bar short of its mark is a model too sure of itself, one beyond it a model too modest."
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


def failures_section(circumstances: Rows) -> Section:
    """Accuracy by distance to the edge, clear dates, longest gap, distance to learning, size, tile and region."""
    tables: list[Table] = []
    worst: list[tuple[float, str]] = []
    for name in dict.fromkeys(str(row["circumstance"]) for row in circumstances):
        of_name = [row for row in circumstances if row["circumstance"] == name]
        if len(of_name) < 2:
            continue
        rows: list[tuple[Cell, ...]] = []
        for row in of_name:
            share = row["accuracy"]
            rows.append((str(row["bin"]), count(row["n_polygons"]), count(row["n_pixels"]), number(share), Bar(share)))
            if share is not None and row["n_polygons"] >= _ENOUGH_POLYGONS:
                worst.append((share, f"{name}: {row['bin']} ({percent(share)} right)"))
        heading = name[0].upper() + name[1:]
        headings = (heading, "Polygons", "Pixels", "Accuracy", "0 to 1")
        tables.append(Table(caption=f"Accuracy by {name}", headings=headings, rows=tuple(rows), text=(4,)))
    if not tables:
        return Section("Where the map fails", ())
    told: list[Block] = [_ON_CIRCUMSTANCES]
    if worst:
        places = "; ".join(text for _, text in sorted(worst)[:3])
        told.append(f"It is worst here (of bins with {_ENOUGH_POLYGONS} polygons and more): {places}.")
    return Section("Where the map fails", (*told, Gallery(tuple(tables))))


def confidence_section(figure: Figure | None, reliability: Rows, calibration: Rows, kind: str) -> Section:
    """The map of confidence, and whether it is what it says: tenths of confidence, calibration error, Brier score."""
    if not reliability:
        return Section("How sure the map is, and whether rightly", () if figure is None else (figure,))
    tenths: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"{row['confidence_from']:.1f} to {row['confidence_from'] + 0.1:.1f}",
            count(row["n_pixels"]),
            number(row["confidence"]),
            number(row["accuracy"]),
            Bar(row["accuracy"], mark=row["confidence"]),
        )
        for row in reliability
    )
    runs: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"Run {row['run']}",
            *(number(row[name]) for name in ("confidence", "accuracy", "calibration_error", "brier_score")),
        )
        for row in calibration
    )
    table = Table(
        caption="Validation pixels by confidence",
        headings=("Confidence", "Pixels", "Mean confidence", "Accuracy", "0 to 1"),
        rows=tenths,
        text=(4,),
    )
    blocks: list[Block] = [
        _ON_CONFIDENCE.format(kind=kind),
        Gallery((table,) if figure is None else (figure, table)),
        Table(
            caption="Confidence against accuracy, each run",
            headings=("Run", "Mean confidence", "Accuracy", "Calibration error", "Brier score"),
            rows=runs,
        ),
        _ON_BRIER,
    ]
    return Section("How sure the map is, and whether rightly", tuple(blocks))


def suspects_section(suspects: Rows) -> Section:
    """Polygons that every run in which they validate gets wrong."""
    if not suspects:
        return Section("Labels that may be wrong", ())
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            str(row["polygon_id"]),
            str(row["reference_name"]),
            str(row["suggested_name"]),
            count(row["n_runs"]),
            count(row["n_pixels"]),
            number(row["share"]),
            number(row["confidence"]),
            number(row["sure_share"]),
        )
        for row in suspects
    )
    headings = ("Polygon", "Label", "Suggested", "Runs", "Pixels", "Share", "Confidence", "Sure share")
    table = Table(caption="Polygons that all runs get wrong", headings=headings, rows=rows, n_labels=3)
    return Section("Labels that may be wrong", (_ON_SUSPECTS, table))


def dates_table(dates: Rows, band: str) -> tuple[Block, ...]:
    """Dates with many outliers: missed clouds."""
    if not dates:
        return ()
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (str(row["date"]), count(row["n_outlying"]), count(row["n_above"]), str(row["classes"])) for row in dates
    )
    return (
        _ON_DATES.format(band=band),
        Table(
            caption=f"Dates with outlying polygons in {band}",
            headings=("Date", "Polygons", "Of them above", "Classes"),
            rows=rows,
            text=(3,),
        ),
    )


def pairs_table(pairs: Rows) -> tuple[Block, ...]:
    """The classes that are hardest to tell apart."""
    if not pairs:
        return ()
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            str(row["class_name"]),
            str(row["other_name"]),
            str(row["best_date"]),
            number(row["best"]),
            str(row["worst_date"]),
            number(row["worst"]),
        )
        for row in pairs
    )
    return (
        _ON_PAIRS,
        Table(
            caption="Classes hardest to tell apart",
            headings=("Class", "And class", "Best date", "Distance", "Worst date", "Distance"),
            rows=rows,
            n_labels=2,
        ),
    )


def areas_section(areas: Rows) -> Section:
    """Area of each class as mapped and as corrected, in hectares, with the warning that goes with it."""
    if not areas:
        return Section("Areas", ())
    first = [row for row in areas if row["run"] == areas[0]["run"]]
    rest = [row for row in areas if row["run"] != areas[0]["run"]]
    blocks: list[Block] = [_ON_AREAS, _areas(first, f"Hectares of each class, map of run {areas[0]['run']}")]
    if rest:
        blocks.append(Folded("The maps of the other runs", (_areas(rest, "Hectares of each class"),)))
    return Section("Areas", tuple(blocks))


def _areas(areas: Rows, caption: str) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            str(row["class_name"]),
            str(row["run"]),
            area(row["mapped"]),
            area(row["adjusted"]),
            area(row["lower_bound"]),
            area(row["upper_bound"]),
        )
        for row in areas
    )
    return Table(caption=caption, headings=("Class", "Run", "Mapped", "Corrected", "From", "To"), rows=rows)
