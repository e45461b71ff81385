"""report.html: one file that says what was mapped, how well, and what ran. No script, no network."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from i2db import __version__
from i2db.report.drawing import Drawing, svg
from i2db.report.style import hexadecimal
from i2db.report.words import UNDEFINED, count, percent

Color = tuple[int, int, int]

#: Rows of a table that is not cut by the end of a page.
_SHORT = 15


@dataclass(frozen=True, slots=True)
class ClassName:
    """A cell with the name of a class and its colour before it."""

    name: str
    color: Color


@dataclass(frozen=True, slots=True)
class Bar:
    """A cell with a share as a bar from 0 to 1, its interval as a line, and a mark for what it is compared with."""

    share: float | None
    interval: tuple[float, float] | None = None
    mark: float | None = None


Cell = str | ClassName | Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as it is shown: what it holds, headings, rows of as many cells.

    n_labels: the first columns that are texts, and name the row. text: numbers of further columns that are texts.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_labels: int = 1
    text: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A confusion matrix: pixels (reference, map), with the share of each in its reference class as a shade.

    last_row, last_column: heading and content of what is added below (precision) and to the right (recall).
    """

    caption: str
    classes: tuple[tuple[int, str], ...]
    counts: tuple[tuple[int, ...], ...]
    last_row: tuple[str, tuple[str, ...]]
    last_column: tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawing, the caption under it, and the name of its PNG file."""

    name: str
    caption: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Gallery:
    """Figures and tables side by side, as many as there is room for."""

    items: tuple[Figure | Table, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """Details behind a line that opens them; they are printed only when they are open."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Text line by line, as it is."""

    text: str


Block = str | Table | Matrix | Figure | Gallery | Folded | Listing


@dataclass(frozen=True, slots=True)
class Section:
    """A section: a heading, and under it paragraphs (text) and other blocks in their order."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A class of the map: what it is, and how much of the map it has, in words."""

    code: int
    name: str
    color: Color
    extent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The one figure, its interval in words, what it means, and what must be known with it."""

    name: str
    figure: str
    interval: str
    meaning: tuple[str, ...]
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that report.html shows. What is empty or None leaves nothing behind."""

    title: str
    subtitle: Sequence[str] = ()
    headline: Headline | None = None
    map: Figure | None = None
    legend: Sequence[LegendEntry] = ()
    sections: Sequence[Section] = ()
    footer: str = ""


def report_html(report: Report) -> str:
    """The text of report.html; the same for the same content."""
    shown = [section for section in report.sections if section.blocks]
    anchors = _anchors([section.heading for section in shown])
    links = "".join(
        f'<li><a href="#{anchor}">{escape(section.heading)}</a></li>'
        for section, anchor in zip(shown, anchors, strict=True)
    )
    bodies = "\n".join(
        f'<section id="{anchor}"><h2>{escape(section.heading)}</h2>\n{_blocks(section.blocks)}</section>'
        for section, anchor in zip(shown, anchors, strict=True)
    )
    navigation = f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n' if links else ""
    return _PAGE.format(
        title=escape(report.title),
        style=_style(),
        head=_head(report),
        navigation=navigation,
        body=bodies,
        footer=escape(report.footer) or f"Made by i2db {escape(__version__)}.",
    )


def figures_of(report: Report) -> Iterator[Figure]:
    """All figures of a report in their order."""
    if report.map is not None:
        yield report.map
    for section in report.sections:
        yield from _figures(section.blocks)


def _figures(blocks: Sequence[Block]) -> Iterator[Figure]:
    for block in blocks:
        match block:
            case Figure():
                yield block
            case Gallery():
                yield from _figures(block.items)
            case Folded():
                yield from _figures(block.blocks)
            case _:
                pass


def _anchors(headings: Sequence[str]) -> list[str]:
    """Ids of the sections: their headings in lower case, numbered where two would be equal."""
    anchors: list[str] = []
    for heading in headings:
        base = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") or "section"
        anchor, number = base, 2
        while anchor in anchors:
            anchor, number = f"{base}-{number}", number + 1
        anchors.append(anchor)
    return anchors


def _head(report: Report) -> str:
    subtitle = "".join(f"<p>{escape(line)}</p>" for line in report.subtitle)
    told = f'<div class="told">\n<h1>{escape(report.title)}</h1>\n<div class="subtitle">{subtitle}</div>\n'
    told += _headline(report.headline) + "</div>\n"
    shown = _figure(report.map) if report.map is not None else ""
    if report.legend:
        entries = "".join(
            f"<li>{_swatch(entry.color)}<b>{entry.code}</b> <span>{escape(entry.name)}</span>"
            f"<small>{escape(entry.extent)}</small></li>"
            for entry in report.legend
        )
        shown += f'<ul class="legend" aria-label="Legend of the map">{entries}</ul>\n'
    return told + (f'<div class="shown">{shown}</div>\n' if shown else "")


def _headline(headline: Headline | None) -> str:
    if headline is None:
        return ""
    meaning = "".join(f"<p>{escape(sentence)}</p>" for sentence in headline.meaning)
    cautions = "".join(f"<p>{escape(sentence)}</p>" for sentence in headline.cautions)
    return (
        f'<div class="headline"><p class="measure">{escape(headline.name)}</p>'
        f'<p class="figure">{escape(headline.figure)}</p><p class="interval">{escape(headline.interval)}</p>'
        f"{meaning}</div>\n" + (f'<div class="caution" role="note">{cautions}</div>\n' if cautions else "")
    )


def _blocks(blocks: Sequence[Block]) -> str:
    return "".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case str():
            return f"<p>{escape(block)}</p>\n"
        case Table():
            return _table(block)
        case Matrix():
            return _matrix(block)
        case Figure():
            return _figure(block)
        case Gallery():
            kind = " roomy" if len(block.items) == 2 or any(isinstance(item, Table) for item in block.items) else ""
            return f'<div class="gallery{kind}">{"".join(_block(item) for item in block.items)}</div>\n'
        case Folded():
            return f"<details><summary>{escape(block.summary)}</summary>\n{_blocks(block.blocks)}</details>\n"
        case Listing():
            return f"<pre>{escape(block.text)}</pre>\n"


def _figure(figure: Figure) -> str:
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    return f"<figure>{svg(figure.drawing)}{caption}</figure>\n"


def _scrolled(table: str, caption: str, kind: str = "") -> str:
    """A table in a box of its own, which scrolls on a narrow screen, by finger and by keyboard."""
    return f'<div class="scroll{kind}" role="region" aria-label="Table: {escape(caption)}" tabindex="0">{table}</div>\n'


def _table(table: Table) -> str:
    texts = {*range(table.n_labels), *table.text}
    head = "".join(f'<th scope="col"{_left(i in texts)}>{_heading(name)}</th>' for i, name in enumerate(table.headings))
    body = "".join(
        "<tr>" + "".join(_cell(cell, i == 0, i in texts) for i, cell in enumerate(row)) + "</tr>\n"
        for row in table.rows
    )
    kind = " short" if len(table.rows) <= _SHORT else ""
    return _scrolled(
        f"<table><caption>{escape(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>{body}</tbody></table>",
        table.caption,
        kind,
    )


def _heading(text: str) -> str:
    """A heading that breaks between words only."""
    return escape(text).replace("-", "\N{NON-BREAKING HYPHEN}")


def _cell(cell: Cell, is_head: bool, is_text: bool) -> str:
    content = (
        _bar(cell)
        if isinstance(cell, Bar)
        else f'<span class="named">{_swatch(cell.color)}{escape(cell.name)}</span>'
        if isinstance(cell, ClassName)
        else escape(cell)
    )
    if is_head:
        return f'<th scope="row"{_left(True)}>{content}</th>'
    return f"<td>{content}</td>" if isinstance(cell, Bar) else f"<td{_left(is_text)}>{content}</td>"


def _left(is_text: bool) -> str:
    return ' class="text"' if is_text else ""


def _swatch(color: Color) -> str:
    return f'<span class="swatch" style="background:{hexadecimal(color)}" aria-hidden="true"></span>'


def _bar(bar: Bar) -> str:
    """The numbers stand in the cells beside it: who cannot see it misses nothing."""
    if bar.share is None:
        return f'<span aria-hidden="true">{UNDEFINED}</span>'
    width = 120
    shapes = f'<rect x="0" y="4" width="{width}" height="10" fill="#e6e6e6"/>'
    shapes += f'<rect x="0" y="4" width="{bar.share * width:.1f}" height="10" fill="#56a0d3"/>'
    if bar.interval is not None:
        low, high = (f"{end * width:.1f}" for end in bar.interval)
        shapes += f'<path d="M{low} 9H{high}M{low} 5V13M{high} 5V13" stroke="#1b1b1b" stroke-width="1.5" fill="none"/>'
    if bar.mark is not None:
        shapes += f'<path d="M{bar.mark * width:.1f} 1V17" stroke="#b34700" stroke-width="3"/>'
    return f'<svg viewBox="-1 0 {width + 2} 18" width="{width + 2}" height="18" aria-hidden="true">{shapes}</svg>'


def _matrix(matrix: Matrix) -> str:
    """Rows are the reference, columns the map; headings of columns stand upright, so that many have room."""
    foot_name, foot = matrix.last_row
    side_name, side = matrix.last_column
    columns = "".join(
        f'<th scope="col"><span class="upright">{escape(name)} <small>{code}</small></span></th>'
        for code, name in matrix.classes
    )
    head = (
        f'<tr><th scope="col" class="text">Reference ↓ Map →</th>{columns}<th scope="col">{escape(side_name)}</th></tr>'
    )
    rows = ""
    for i, ((code, name), counts) in enumerate(zip(matrix.classes, matrix.counts, strict=True)):
        total = sum(counts)
        cells = "".join(_shaded(n, total, is_right=i == j) for j, n in enumerate(counts))
        rows += (
            f'<tr><th scope="row" class="text">{escape(name)} <small>{code}</small></th>{cells}'
            f"<td>{escape(side[i])}</td></tr>\n"
        )
    last = "".join(f"<td>{escape(text)}</td>" for text in foot)
    rows += f'<tr><th scope="row" class="text">{escape(foot_name)}</th>{last}<td></td></tr>\n'
    kind = " matrix" + (" many" if len(matrix.classes) > 12 else "")
    return _scrolled(
        f"<table><caption>{escape(matrix.caption)}</caption>\n<thead>{head}</thead>\n<tbody>{rows}</tbody></table>",
        matrix.caption,
        kind,
    )


def _shaded(n: int, total: int, *, is_right: bool) -> str:
    """Blue where map and reference agree, orange where not, both the darker the larger the share."""
    mark = ' class="right"' if is_right else ""
    if not n:
        return f'<td{mark}><span class="none">0</span></td>'
    share = n / total
    full = (0, 90, 150) if is_right else (200, 80, 0)
    color = tuple(round(255 + (end - 255) * (0.08 + 0.82 * share)) for end in full)
    red, green, blue = color
    ink = "#fff" if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else "#1b1b1b"
    return (
        f'<td{mark} style="background:{hexadecimal((red, green, blue))};color:{ink}">{count(n)}'
        f"<small>{percent(share)}</small></td>"
    )


def _style() -> str:
    return (importlib.resources.files("i2db.report") / "report.css").read_text(encoding="utf-8")


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
{head}</header>
{navigation}<main>
{body}
</main>
<footer><p>{footer}</p></footer>
</body>
</html>
"""
