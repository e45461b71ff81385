"""Pictures of a result as PNG: confusion matrix, learning curve. Their colours hold for any colour vision."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from i2db.files import write_whole
from i2db.report.matrix import Confusion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches of a matrix cell, and of the columns beside the matrix.
_CELL, _COLUMN = 0.5, 0.62


def confusion_figure(
    path: Path,
    confusion: Confusion,
    *,
    title: str = "Confusion matrix",
    hidden_below: float = 0.1,
    dots_per_inch: int = 150,
) -> None:
    """Draw a confusion matrix: a row per reference class, coloured by the share of its pixels in each produced class.

    Blue cells are right, orange ones wrong. A cell says its number of pixels unless its share is under `hidden_below`.
    Beside each row: precision, recall, F-score, validation pixels and, where known, polygons.
    """
    n = len(confusion.codes)
    if n == 0:
        figure = new_figure(5.2, 1.0)
        figure.text(0.03, 0.75, title, fontsize=11, weight="bold", va="top")
        figure.text(0.03, 0.35, "There is no pixel to validate with.", fontsize=8, va="top")
        save_figure(figure, path, dots_per_inch)
        return
    columns = _side_columns(confusion)
    name_inches = 0.15 + 0.075 * max(len(name) for name in confusion.names)
    top = 0.6 + max(0.72 * name_inches, 0.6)
    width = max(name_inches + n * _CELL + len(columns) * _COLUMN + 0.6, 5.2)
    height = top + n * _CELL + 0.4
    figure = new_figure(width, height)
    matrix = figure.add_axes(((name_inches + 0.1) / width, 0.4 / height, n * _CELL / width, n * _CELL / height))
    _draw_matrix(matrix, confusion, hidden_below)
    for i, (heading, cells) in enumerate(columns):
        x = n + 0.35 + i * _COLUMN / _CELL
        matrix.text(x, -0.75, heading, fontsize=8, ha="left", va="bottom", rotation=45, clip_on=False)
        for row, cell in enumerate(cells):
            matrix.text(x + 0.85, row, cell, fontsize=8, ha="right", va="center", clip_on=False)
    oa, kappa, f_score = (_number(value) for value in (confusion.oa(), confusion.kappa(), confusion.mean_f_score()))
    figure.text(0.15 / width, 1 - 0.12 / height, title, fontsize=11, weight="bold", va="top")
    summary = f"OA {oa}   kappa {kappa}   mean F {f_score}   {confusion.n_pixels} pixels"
    figure.text(0.15 / width, 1 - 0.36 / height, summary, fontsize=8, va="top")
    note = (
        f"Rows: reference. Columns: map. Colour: share of the reference class; counts under {hidden_below:.0%} hidden."
    )
    figure.text(0.15 / width, 0.12 / height, note, fontsize=7, va="bottom", wrap=True)
    save_figure(figure, path, dots_per_inch)


def _side_columns(confusion: Confusion) -> list[tuple[str, list[str]]]:
    columns = [
        ("precision", [_number(value) for value in confusion.precision()]),
        ("recall", [_number(value) for value in confusion.recall()]),
        ("F-score", [_number(value) for value in confusion.f_score()]),
        ("pixels", [_count(int(count)) for count in confusion.n_reference]),
    ]
    if confusion.n_polygons is not None:
        columns.append(("polygons", [_count(count) for count in confusion.n_polygons]))
    return columns


def _draw_matrix(axes: Axes, confusion: Confusion, hidden_below: float) -> None:
    from matplotlib import colormaps

    counts, n = confusion.counts, len(confusion.codes)
    shares = counts / np.maximum(confusion.n_reference, 1)[:, None]
    right = np.eye(n, dtype=bool)
    colors = np.where(right[..., None], colormaps["Blues"](0.9 * shares), colormaps["Oranges"](0.9 * shares))
    colors[counts == 0] = 1.0
    axes.imshow(colors, interpolation="nearest", aspect="auto")
    brightness = colors[..., :3] @ (0.299, 0.587, 0.114)
    for row, column in zip(*np.nonzero((counts > 0) & (shares >= hidden_below)), strict=True):
        ink = "white" if brightness[row, column] < 0.55 else "black"
        text = _count(int(counts[row, column]))
        axes.text(column, row, text, fontsize=8, ha="center", va="center", color=ink)
    axes.xaxis.tick_top()
    axes.set_xticks(range(n), confusion.names, fontsize=8, rotation=45, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(n), confusion.names, fontsize=8)
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_color("0.6")


def curve_figure(path: Path, points: Sequence[Mapping[str, Any]], *, dots_per_inch: int = 150) -> None:
    """Draw how accuracy grows with the number of samples: a faint line per run, a strong one for their mean.

    Args:
        path: PNG to write.
        points: run, size, overall_accuracy and f_score of every run and size.
        dots_per_inch: resolution.
    """
    figure = new_figure(5.2, 3.4)
    axes = figure.add_axes((0.13, 0.16, 0.84, 0.74))
    sizes = sorted({point["size"] for point in points})
    runs = sorted({point["run"] for point in points})
    for name, label, color in (("overall_accuracy", "OA", "#0072b2"), ("f_score", "mean F-score", "#d55e00")):
        table = np.full((len(runs), len(sizes)), np.nan)
        for point in points:
            table[runs.index(point["run"]), sizes.index(point["size"])] = np.nan if point[name] is None else point[name]
        for row in table if len(runs) > 1 else ():
            axes.plot(sizes, row, color=color, alpha=0.25, linewidth=0.8)
        mean = [row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else np.nan for row in table.T]
        axes.plot(sizes, mean, color=color, marker="o", markersize=3.5, label=label)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes], fontsize=8)
    axes.minorticks_off()
    axes.tick_params(labelsize=8)
    axes.set_xlabel("samples per class and region, at most", fontsize=8)
    axes.grid(visible=True, color="0.9", linewidth=0.6)
    axes.set_title(f"Learning curve, {len(runs)} run{'s' if len(runs) > 1 else ''}", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    save_figure(figure, path, dots_per_inch)


def new_figure(width: float, height: float) -> Figure:
    """A figure of its own, apart from pyplot's global state: workers may draw at the same time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path, dots_per_inch: int) -> None:
    """Write a figure as PNG, equal bytes for equal figures."""
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=dots_per_inch, bbox_inches="tight", pad_inches=0.1, metadata={"Software": None}
    )
    write_whole(path, buffer.getvalue())


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _count(count: int) -> str:
    """At most five characters: 9999, 12 k, 3.4 M."""
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f} k" if count < 999_500 else f"{count / 1e6:.3g} M"
