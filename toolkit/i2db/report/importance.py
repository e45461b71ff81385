"""What the features are worth, by band and date: a heat map and tables; and what a search for parameters found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from i2db.report.charts import heat_chart
from i2db.report.figures import new_figure, save_figure
from i2db.report.html import Bar, Block, Cell, Figure, Gallery, Section, Table
from i2db.report.intervals import Rows
from i2db.report.words import number

UNDATED = "no date"
#: Features that a table names.
_N_FEATURES = 15
_MEANINGS = {
    "impurity": "share of the decrease of impurity in the trees, measured on the samples learnt from",
    "permutation": "loss of overall accuracy when a feature is shuffled, measured on polygons left out of the fit",
}
_ON_IMPORTANCE = (
    "Mean over the models of all runs and regions. Bands that tell the same share their importance, so that each may "
    "look small. In SQL: feature_importance, importance_by_band, importance_by_date."
)
_ON_CURVE = (
    "Models from the first samples of each class and region, tested on the same pixels as the map’s. A "
    "curve that still rises at its end asks for more samples. As a figure: final/Learning_Curve.png. In SQL: "
    "learning_curve_accuracy."
)
_ON_SEARCH = (
    "Overall accuracy on the folds of the search, mean and standard deviation; the best setting was fitted on all "
    "samples. The folds are parts of the learning samples; the accuracy of the map is told above. In SQL: "
    "search_summary."
)


def importance_figure(path: Path, rows: Rows, method: str) -> None:
    """Draw a heat map: a row per band, a column per date, their sums beside and below.

    Args:
        path: of the PNG.
        rows: band, date (text; None for features without), importance.
        method: impurity or permutation, for the title.
    """
    bands = list(dict.fromkeys(str(row["band"]) for row in rows))
    dates = sorted({str(row["date"] or UNDATED) for row in rows}, key=lambda date: (date == UNDATED, date))
    cells = np.full((len(bands), len(dates)), np.nan)
    for row in rows:
        cells[bands.index(str(row["band"])), dates.index(str(row["date"] or UNDATED))] = row["importance"]
    name_inches = 0.2 + 0.08 * max(len(band) for band in bands)
    width, height = name_inches + max(0.34 * len(dates), 1.5) + 1.9, 0.3 * len(bands) + 2.1
    figure = new_figure(width, height)
    grid = figure.add_gridspec(
        2,
        3,
        width_ratios=[max(0.34 * len(dates), 1.5), 0.9, 0.15],
        height_ratios=[0.3 * len(bands), 0.7],
        wspace=0.08,
        hspace=0.12,
        left=name_inches / width,
        right=1 - 0.6 / width,
        top=1 - 0.5 / height,
        bottom=0.85 / height,
    )
    main = figure.add_subplot(grid[0, 0])
    top = float(np.nanmax(np.abs(cells))) or 1.0
    image = main.imshow(np.ma.masked_invalid(cells), cmap="cividis", vmin=min(0.0, float(np.nanmin(cells))), vmax=top,
                        aspect="auto", interpolation="nearest")  # fmt: skip
    main.set_facecolor("0.92")
    main.set_yticks(range(len(bands)), bands, fontsize=8)
    main.set_xticks([])
    beside = figure.add_subplot(grid[0, 1])
    beside.barh(range(len(bands)), np.nansum(cells, axis=1), color="0.45")
    beside.set_ylim(len(bands) - 0.5, -0.5)
    beside.set_yticks([])
    beside.tick_params(labelsize=7)
    beside.set_title("by band", fontsize=8)
    below = figure.add_subplot(grid[1, 0])
    below.bar(range(len(dates)), np.nansum(cells, axis=0), color="0.45")
    below.set_xlim(-0.5, len(dates) - 0.5)
    below.set_xticks(range(len(dates)), dates, fontsize=7, rotation=90)
    below.tick_params(axis="y", labelsize=7)
    below.set_ylabel("by date", fontsize=8)
    figure.colorbar(image, cax=figure.add_subplot(grid[0, 2])).ax.tick_params(labelsize=7)
    figure.text(0.1 / width, 1 - 0.1 / height, f"Importance by {method}", fontsize=10, weight="bold", va="top")
    save_figure(figure, path, 150)


def importance_section(cells: Rows, features: Rows) -> Section:
    """Per method a heat map of bands and dates, the sums by band, and the foremost features.

    Args:
        cells: method, band, date (text; None for features without), importance.
        features: method, feature_name, importance, the highest first.
    """
    blocks: list[Block] = [_ON_IMPORTANCE]
    for method in dict.fromkeys(str(row["method"]) for row in cells):
        of_method = [row for row in cells if row["method"] == method]
        first = [row for row in features if row["method"] == method]
        blocks.append(f"By {method}: {_MEANINGS[method]}.")
        blocks.append(_heat_map(of_method, method))
        blocks.append(Gallery((_by_band(of_method, method), _foremost(first, method))))
    return Section("What the models lean on", tuple(blocks) if cells else ())


def _heat_map(rows: Rows, method: str) -> Figure:
    bands = list(dict.fromkeys(str(row["band"]) for row in rows))
    dates = sorted({str(row["date"] or UNDATED) for row in rows}, key=lambda date: (date == UNDATED, date))
    values = np.full((len(bands), len(dates)), np.nan)
    for row in rows:
        values[bands.index(str(row["band"])), dates.index(str(row["date"] or UNDATED))] = max(row["importance"], 0.0)
    top = max(rows, key=lambda row: float(row["importance"]))
    told = f"Importance by {method}, band by date; the highest is {top['band']} on {top['date'] or UNDATED}."
    return Figure(
        name=f"importance_{method}",
        caption=f"Importance by {method}: bands and indices by date. The darker, the more important.",
        drawing=heat_chart(values, bands, dates, alternative=told),
    )


def _by_band(rows: Rows, method: str) -> Table:
    sums: dict[str, float] = {}
    for row in rows:
        sums[row["band"]] = sums.get(row["band"], 0.0) + row["importance"]
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return _bars(f"Sums by band, by {method}", "Band", ordered)


def _foremost(features: Rows, method: str) -> Table:
    shown = [(str(row["feature_name"]), float(row["importance"])) for row in features[:_N_FEATURES]]
    return _bars(f"The foremost {len(shown)} of {len(features):,} features, by {method}", "Feature", shown)


def _bars(caption: str, heading: str, ordered: Sequence[tuple[str, float]]) -> Table:
    most = max((share for _, share in ordered), default=0.0)
    return Table(
        caption=caption,
        headings=(heading, "Importance", "Of the first"),
        rows=tuple(
            (name, number(share, 4), Bar(max(share, 0.0) / most if most > 0 else None)) for name, share in ordered
        ),
        text=(2,),
    )


def search_section(rows: Rows) -> Section:
    """The settings that were tried, the best first."""
    headings = ("Run", "Region", "Place", "Parameters", "Folds", "Mean", "Deviation")
    cells: list[tuple[Cell, ...]] = [
        tuple(number(cell, 4) if isinstance(cell, float) else str(cell) for cell in row.values()) for row in rows
    ]
    table = Table(caption="Settings that were tried", headings=headings, rows=tuple(cells), text=(3,))
    return Section("Search for parameters", (_ON_SEARCH, table) if cells else ())


def curve_section(points: Rows) -> Section:
    """How accuracy grows with the number of samples.

    Args:
        points: run, size, overall_accuracy and f_score of every run and size.
    """
    if not points:
        return Section("Learning curve", ())
    sizes = sorted({int(point["size"]) for point in points})
    means = {
        name: [_mean([point[name] for point in points if point["size"] == size]) for size in sizes]
        for name in ("overall_accuracy", "f_score")
    }
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"{size:,}", number(accuracy), number(f_score), Bar(accuracy))
        for size, accuracy, f_score in zip(sizes, means["overall_accuracy"], means["f_score"], strict=True)
    )
    headings = ("Samples per class and region, at most", "Overall accuracy", "Mean F-score", "Accuracy, 0 to 1")
    return Section(
        "Learning curve",
        (_ON_CURVE, Table(caption="Accuracy by samples, mean over the runs", headings=headings, rows=rows, text=(3,))),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
