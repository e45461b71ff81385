"""What the report says of maps made of the runs' maps: their fusion, and those that are smoothed."""

from __future__ import annotations

from i2db.report.html import Bar, Cell, Section, Table
from i2db.report.intervals import Rows
from i2db.report.words import count, number

_JUDGES = {
    "val": "the run’s own val polygons",
    "held": "polygons held back from all runs",
    "learn": "polygons that learnt",
    "all": "all polygons, those that learnt too",
}
_ON_MAPS = (
    "The maps of the runs beside those made of them. Only figures of the same polygons can be compared. Undecided: "
    "pixels for which the runs are equally for several classes; they are in no matrix, and so not in OA. Right: share "
    "of the pixels with data that are right, where undecided ones are wrong; maps are compared by it. In SQL: "
    "map_accuracy, map_class_accuracy, map_confusion."
)


def maps_section(maps: Rows) -> Section:
    """Accuracy of every map, by the polygons that judge it; empty where only the runs have maps.

    Args:
        maps: rows of sql/report/maps.sql.
    """
    if all(row["run"] is not None and not row["is_smoothed"] for row in maps):
        return Section("The runs fused and smoothed", ())
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            map_name(row["run"], is_smoothed=row["is_smoothed"]),
            _JUDGES[row["evaluated_on"]],
            count(row["n_polygons"]),
            count(row["n_pixels"]),
            count(row["n_undecided"]),
            number(row["kappa"]),
            number(row["f_score"]),
            number(row["overall_accuracy"]),
            number(row["share_right"]),
            Bar(row["share_right"]),
        )
        for row in maps
    )
    headings = ("Map", "Judged by", "Polygons", "Pixels", "Undecided", "Kappa", "Mean F", "OA", "Right", "0 to 1")
    table = Table(caption="Accuracy of every map", headings=headings, rows=rows, n_labels=2, text=(9,))
    return Section("The runs fused and smoothed", (_ON_MAPS, table))


def map_name(run: int | None, *, is_smoothed: bool) -> str:
    """What a map is called."""
    return ("Fusion of the runs" if run is None else f"Run {run}") + (", smoothed" if is_smoothed else "")
