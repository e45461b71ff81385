"""The execution graph as an SVG picture: stages as boxes, an arrow where one uses what another made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from i2db.files import write_whole

_WIDTH, _HEIGHT, _GAP, _MARGIN = 190, 54, 46, 24
_FILL = {"current": "#e3efe3", "run": "#fde8cf", "open": "#e8e8ee"}


def write_graph(path: Path, rows: Sequence[Mapping[str, Any]], links: Sequence[tuple[str, str]]) -> None:
    """Draw the plan.

    Args:
        path: SVG file to write.
        rows: one per stage, with the keys stage, to_run, to_publish, up_to_date (a number, or ? where it is open).
        links: pairs of stages (first, then the one that uses it).
    """
    place = {row["stage"]: (_MARGIN + 40, _MARGIN + i * (_HEIGHT + _GAP // 2)) for i, row in enumerate(rows)}
    shapes = [_arrow(place[a], place[b], list(place).index(b) - list(place).index(a)) for a, b in links]
    shapes += [_box(place[row["stage"]], row) for row in rows]
    width = _WIDTH + 2 * _MARGIN + 40 + 26 * max([b - a for a, b in _spans(links, list(place))] + [1])
    height = 2 * _MARGIN + len(rows) * (_HEIGHT + _GAP // 2)
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13" role="img"><title>Execution graph</title>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#556"/></marker></defs>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(shapes)}</svg>\n'
    )
    write_whole(path, text)


def _spans(links: Sequence[tuple[str, str]], order: list[str]) -> list[tuple[int, int]]:
    return [(order.index(a), order.index(b)) for a, b in links]


def _state(row: Mapping[str, Any]) -> str:
    if row["to_run"] == "?":
        return "open"
    return "run" if row["to_run"] or row["to_publish"] else "current"


def _box(corner: tuple[int, int], row: Mapping[str, Any]) -> str:
    x, y = corner
    state = _state(row)
    what = {
        "open": "decided when it is its turn",
        "current": f"{row['up_to_date']} up to date",
        "run": f"{row['to_run']} to run, {row['up_to_date']} up to date",
    }[state]
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{_FILL[state]}" stroke="#889"/>'
        f'<text x="{x + 12}" y="{y + 22}" font-weight="bold">{escape(str(row["stage"]))}</text>'
        f'<text x="{x + 12}" y="{y + 41}" fill="#445">{escape(what)}</text>'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int], distance: int) -> str:
    """Straight down to the next box, else round it on the right, farther out the longer the way."""
    if distance == 1:
        x = start[0] + _WIDTH // 2
        return (
            f'<path d="M{x} {start[1] + _HEIGHT} L{x} {end[1] - 2}" stroke="#556" fill="none" marker-end="url(#tip)"/>'
        )
    right = start[0] + _WIDTH
    out = right + 26 * distance
    y0, y1 = start[1] + _HEIGHT * 3 // 4, end[1] + _HEIGHT // 4
    return (
        f'<path d="M{right} {y0} C{out} {y0} {out} {y1} {right + 2} {y1}" stroke="#99a" fill="none" '
        'marker-end="url(#tip)"/>'
    )
