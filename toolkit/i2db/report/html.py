"""report.html: one file that says what was mapped, how well, and what ran. No script, no network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from i2db import __version__
from i2db.errors import InputError
from i2db.files import write_whole
from i2db.report.matrix import ClassScore, Score
from i2db.report.style import LegendClass


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG to show: its file, the caption under it, and what it shows for who cannot see it."""

    path: Path
    caption: str
    alternative: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table to show as it is: headings and rows of as many cells; numbers are set to the right, None is "–"."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section of its own: a heading, and under it paragraphs (text), tables and pictures in their order."""

    heading: str
    blocks: tuple[str | Table | Picture, ...]


@dataclass(frozen=True, slots=True)
class StageTime:
    """What a stage did: number of tasks, and the wall seconds of their last runs, added up."""

    stage: str
    n_run: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """All that report.html shows, as plain rows. What is empty or None leaves no section behind.

    facts: (name, text) pairs of the overview. scores and classes: from `matrix.map_scores` and `matrix.class_scores`.
    notes: sentences about the accuracy (resubstitution, classes never validated, classes a model never saw).
    configuration: the text of the configuration as it was used. sections: shown after the confusion matrices.
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    map_picture: Picture | None = None
    legend: Sequence[LegendClass] = ()
    confidence_picture: Picture | None = None
    scores: Sequence[Score] = ()
    classes: Sequence[ClassScore] = ()
    notes: Sequence[str] = ()
    matrix_pictures: Sequence[Picture] = ()
    sections: Sequence[Section] = ()
    class_statistics: Table | None = None
    stages: Sequence[StageTime] = ()
    configuration: str = ""


def write_report(path: Path, report: ReportData) -> None:
    """Write the report as one HTML file with its pictures inside; InputError for a picture that is not there."""
    write_whole(path, report_html(report).encode())


def report_html(report: ReportData) -> str:
    """The text of report.html; the same for the same rows and pictures."""
    sections = [
        ("Overview", _facts(report.facts)),
        ("Map", _map(report)),
        ("Confidence", _picture(report.confidence_picture)),
        ("Accuracy", _accuracy(report)),
        ("Accuracy of each class", _classes(report.classes)),
        ("Confusion matrix", "".join(_wide_picture(picture) for picture in report.matrix_pictures)),
        *((section.heading, _blocks(section)) for section in report.sections),
        ("Learning samples of each class", _plain_table(report.class_statistics, "learning samples")),
        ("What ran", _stages(report.stages)),
        ("Configuration", f"<pre>{escape(report.configuration)}</pre>" if report.configuration else ""),
    ]
    shown = [(heading, body) for heading, body in sections if body]
    links = "".join(f'<li><a href="#{_anchor(heading)}">{escape(heading)}</a></li>' for heading, _ in shown)
    bodies = "\n".join(
        f'<section id="{_anchor(heading)}"><h2>{escape(heading)}</h2>\n{body}</section>' for heading, body in shown
    )
    return _PAGE.format(
        title=escape(report.title), style=_STYLE, links=links, body=bodies, version=escape(f"i2db {__version__}")
    )


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)
    return f"<dl>{rows}</dl>\n" if rows else ""


def _picture(picture: Picture | None) -> str:
    if picture is None:
        return ""
    try:
        content = base64.b64encode(picture.path.read_bytes()).decode()
    except OSError as error:
        raise InputError(f"cannot show {picture.path} in the report: {error.strerror}") from error
    return (
        f'<figure><img src="data:image/png;base64,{content}" alt="{escape(picture.alternative)}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>\n"
    )


def _wide_picture(picture: Picture) -> str:
    """A picture with small text: scrolled, not shrunk, on a narrow screen."""
    label = escape(picture.caption)
    return f'<div class="scroll wide" role="region" aria-label="{label}" tabindex="0">{_picture(picture)}</div>\n'


def _map(report: ReportData) -> str:
    entries = "".join(f"<li>{_swatch(one)}{escape(one.name)} <small>{one.code}</small></li>" for one in report.legend)
    legend = f'<ul class="legend" aria-label="Legend">{entries}</ul>\n' if entries else ""
    return _picture(report.map_picture) + legend


def _swatch(one: LegendClass) -> str:
    return f'<span class="swatch" style="background:{one.hexadecimal}" aria-hidden="true"></span>'


def _accuracy(report: ReportData) -> str:
    if not report.scores:
        return ""
    n_runs = len(report.scores[0].per_run)
    headings = ["Measure", "Mean" if n_runs > 1 else "Value"]
    headings += ["95 % interval", *(f"Run {run}" for run in range(n_runs))] if n_runs > 1 else []
    rows = []
    for score in report.scores:
        cells = [_number(score.mean)]
        if n_runs > 1:
            half_width = "–" if score.half_width is None else f"± {score.half_width:.3f}"
            cells += [half_width, *(_number(value) for value in score.per_run)]
        rows.append((escape(score.name), cells))
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    explained = (
        f"<p>Means over {n_runs} runs, each with other polygons to learn and to validate. The interval is Student's, "
        f"with {n_runs - 1} degree{'s' if n_runs > 2 else ''} of freedom.</p>"
        if n_runs > 1
        else "<p>One run: no interval.</p>"
    )
    return _table(headings, rows, "accuracy") + explained + notes


def _classes(classes: Sequence[ClassScore]) -> str:
    headings = ["Class", "Code", "Polygons", "Pixels", "Precision", "Recall", "F-score", "Most often mapped as"]
    rows = [
        (
            escape(one.name),
            [
                str(one.code),
                "–" if one.n_polygons is None else f"{one.n_polygons:,.6g}",
                f"{one.n_pixels:,.1f}".removesuffix(".0"),
                _interval(one.precision),
                _interval(one.recall),
                _interval(one.f_score),
                escape(", ".join(one.confused_with)) if one.n_pixels else "–",
            ],
        )
        for one in classes
    ]
    if not rows:
        return ""
    explained = (
        "<p>Polygons and pixels are those of validation, mean per run. Precision: share of the mapped pixels that are "
        "right. Recall: share of the reference that is found. “–” is undefined and enters no mean.</p>"
    )
    return _table(headings, rows, "accuracy of each class", n_text_columns=1) + explained


def _stages(stages: Sequence[StageTime]) -> str:
    if not stages:
        return ""
    rows = [(escape(one.stage), [str(one.n_run), _duration(one.seconds)]) for one in stages]
    n_run, total = sum(one.n_run for one in stages), sum(one.seconds for one in stages)
    rows.append(("All", [str(n_run), _duration(total)]))
    return _table(["Stage", "Tasks run", "Time"], rows, "stages")


def _blocks(section: Section) -> str:
    return "".join(_block(block) for block in section.blocks)


def _block(block: str | Table | Picture) -> str:
    if isinstance(block, Picture):
        return _wide_picture(block)
    return f"<p>{escape(block)}</p>\n" if isinstance(block, str) else _plain_table(block, block.headings[0].lower())


def _plain_table(table: Table | None, label: str) -> str:
    if table is None or not table.rows:
        return ""
    rows = [(_cell(row[0]), [_cell(value) for value in row[1:]]) for row in table.rows]
    return _table(table.headings, rows, label)


def _table(
    headings: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], label: str, *, n_text_columns: int = 0
) -> str:
    """A table of escaped cells that scrolls by itself on a narrow screen; the last columns may be text."""
    first_text = len(headings) - n_text_columns
    head = "".join(
        f'<th scope="col"{_text_class(i == 0 or i >= first_text)}>{escape(heading)}</th>'
        for i, heading in enumerate(headings)
    )
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f"<td{_text_class(i >= first_text)}>{cell}</td>" for i, cell in enumerate(cells, start=1))
        + "</tr>\n"
        for name, cells in rows
    )
    return (
        f'<div class="scroll" role="region" aria-label="Table: {escape(label)}" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
    )


def _text_class(is_text: bool) -> str:
    return ' class="text"' if is_text else ""


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "–"
    return escape(value) if isinstance(value, str) else f"{value:,.7g}" if isinstance(value, float) else f"{value:,}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(score: Score) -> str:
    return _number(score.mean) + (f" ± {score.half_width:.3f}" if score.half_width is not None else "")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; margin: 0 auto; max-width: 62rem;
  padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid #bbb; }
a { color: #004f8a; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; list-style: none; padding: 0; margin: 0.5rem 0; }
dl div { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: 0.2rem 0; border-bottom: 1px solid #e4e4e4; }
dt { flex: 0 0 11rem; color: #4a4a4a; }
dd { flex: 1 1 12rem; margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
img { display: block; max-width: 100%; height: auto; }
figcaption, small { color: #4a4a4a; font-size: 0.875rem; }
.legend { list-style: none; padding: 0; columns: 14rem; margin: 1rem 0; }
.legend li { break-inside: avoid; }
.swatch { display: inline-block; width: 1.4em; height: 0.9em; margin-right: 0.5em; border: 1px solid #666;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.scroll { overflow-x: auto; }
.wide img { max-width: none; width: max(100%, 44rem); }
.scroll:focus-visible { outline: 2px solid #004f8a; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.6rem; text-align: right; border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
th.text, td.text, th[scope=row] { text-align: left; }
th[scope=row] { font-weight: normal; position: sticky; left: 0; background: #fff; white-space: normal;
  min-width: 7rem; }
pre { background: #f5f5f5; padding: 0.75rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.8rem; }
footer { margin-top: 3rem; color: #4a4a4a; font-size: 0.875rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  .scroll { overflow: visible; }
  .wide img { width: 100%; }
  table { font-size: 8pt; }
  th, td { white-space: normal; padding: 0.15rem 0.3rem; }
  th[scope=row] { position: static; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1>
<nav aria-label="Sections"><ul>{links}</ul></nav></header>
<main>
{body}
</main>
<footer>Made by {version}.</footer>
</body>
</html>
"""
