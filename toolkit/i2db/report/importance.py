"""What the features are worth, by band and date: a heat map and tables; and what a search for parameters found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from i2db.report.figures import new_figure, save_figure
from i2db.report.html import Picture, Section, Table

Rows = Sequence[Mapping[str, Any]]

UNDATED = "no date"
_MEANINGS = {
    "impurity": "share of the decrease of impurity in the trees, measured on the samples learnt from",
    "permutation": "loss of overall accuracy when a feature is shuffled, measured on polygons left out of the fit",
}
_ON_IMPORTANCE = (
    "Mean over the models of all runs and regions. Bands that tell the same share their importance, so that each may "
    "look small. In SQL: feature_importance, importance_by_band, importance_by_date."
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


def importance_section(rows: Rows, pictures: Mapping[str, Path]) -> Section | None:
    """A heat map and the sums by band, per method; None where nothing was measured."""
    blocks: list[str | Table | Picture] = [_ON_IMPORTANCE]
    for method, path in pictures.items():
        caption = f"Importance by {method}: {_MEANINGS[method]}"
        blocks.append(Picture(path, caption, "Heat map of importance by band and date; the table has the sums"))
        sums: dict[str, float] = {}
        for row in rows:
            if row["method"] == method:
                sums[row["band"]] = sums.get(row["band"], 0.0) + row["importance"]
        ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
        blocks.append(Table(("Band", f"By {method}"), tuple((band, round(share, 4)) for band, share in ordered)))
    return Section("Importance of the features", tuple(blocks)) if pictures else None


def search_section(rows: Rows) -> Section | None:
    """The settings that were tried, the best first; None where there was no search."""
    headings = ("Run", "Region", "Place", "Parameters", "Folds", "Mean", "Deviation")
    cells = tuple(tuple(round(cell, 4) if isinstance(cell, float) else cell for cell in row.values()) for row in rows)
    return Section("Search for parameters", (_ON_SEARCH, Table(headings, cells))) if cells else None
