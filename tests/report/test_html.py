"""The page itself: well formed, escaped, nothing from elsewhere; tables that can be read without seeing them."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from i2db.report.drawing import Drawing, Label, Raster
from i2db.report.html import (
    Bar,
    ClassName,
    Figure,
    Folded,
    Gallery,
    Headline,
    LegendEntry,
    Listing,
    Matrix,
    Report,
    Section,
    Table,
    figures_of,
    report_html,
)

NASTY = '<script>alert("&")</script>'
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and holds tags to be balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def report() -> Report:
    shapes = (Label(x=1, y=2, text=NASTY), Raster(x=0, y=0, width=9, height=9, png=b"png"))
    figure = Figure(name="map", caption=NASTY, drawing=Drawing(width=9, height=9, shapes=shapes, alternative=NASTY))
    table = Table(
        caption=NASTY,
        headings=(NASTY, "F-score", "0 to 1"),
        rows=((ClassName(NASTY, (255, 0, 16)), "12,345", Bar(0.5, (0.25, 1.0), 0.75)), (NASTY, NASTY, Bar(None))),
    )
    matrix = Matrix(
        caption=NASTY,
        classes=((1, NASTY), (2, "grass")),
        counts=((14, 6), (0, 0)),
        last_row=(NASTY, ("100 %", "0 %")),
        last_column=(NASTY, ("70 %", "–")),
    )
    return Report(
        title=NASTY,
        subtitle=[NASTY],
        headline=Headline(name=NASTY, figure="70 %", interval=NASTY, meaning=(NASTY,), cautions=(NASTY,)),
        map=figure,
        legend=[LegendEntry(1, NASTY, (255, 0, 16), NASTY)],
        sections=[
            Section(NASTY, (NASTY, table, matrix)),
            Section(NASTY, (Gallery((figure, table)), Folded(NASTY, (Listing(NASTY), figure)))),
            Section("Empty", ()),
        ],
        footer=NASTY,
    )


def test_everything_is_escaped_and_nothing_comes_from_elsewhere(report: Report) -> None:
    text = report_html(report)
    reader = read(text)
    assert "script" not in reader.tags
    assert NASTY not in text
    assert NASTY in reader.text
    assert not re.findall(r"https?:|//[a-z]|@import|url\(", text)
    sources = [value for name, value in reader.attributes if name in ("src", "href")]
    assert all(value is not None and value.startswith(("data:image/png;base64,", "#")) for value in sources)
    assert "data:image/png;base64,cG5n" in sources
    policy = next(a["content"] for tag, a in reader.elements if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_links_lead_to_sections_and_ids_are_unique(report: Report) -> None:
    reader = read(report_html(report))
    identifiers = [value for name, value in reader.attributes if name == "id"]
    links = [value for tag, a in reader.elements if tag == "a" for value in [a["href"]]]
    assert links == [f"#{identifier}" for identifier in identifiers]
    assert len(set(identifiers)) == len(identifiers) == 2
    assert "Empty" not in reader.text


def test_who_cannot_see_is_told(report: Report) -> None:
    reader = read(report_html(report))
    elements = reader.elements
    assert ("html", {"lang": "en"}) in elements
    for tag, attributes in elements:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if tag == "th":
            assert attributes.get("scope") in ("row", "col")
    assert reader.tags.count("caption") == reader.tags.count("table") == 3
    assert reader.tags.count("h1") == 1
    for place in ("header", "nav", "main", "footer"):
        assert reader.tags.count(place) == 1


def test_bars_and_shades_say_what_they_show(report: Report) -> None:
    text = report_html(report)
    reader = read(text)
    bar = next(a for tag, a in reader.elements if tag == "rect" and a["fill"] == "#56a0d3")
    assert bar["width"] == "60.0"
    (interval, mark) = [a["d"] for tag, a in reader.elements if tag == "path"][:2]
    assert interval is not None
    assert interval.startswith("M30.0 9H120.0")
    assert mark == "M90.0 1V17"
    for shown in ("14", "70\N{NO-BREAK SPACE}%", "30\N{NO-BREAK SPACE}%", "12,345", "F\N{NON-BREAKING HYPHEN}score"):
        assert shown in reader.text, shown
    # Right is blue, wrong is orange, and the diagonal is marked besides.
    right, wrong = re.findall(r"<td(?: class=\"right\")? style=\"background:(#\w{6});", text)
    assert int(right[5:], 16) > int(right[1:3], 16)
    assert int(wrong[1:3], 16) > int(wrong[5:], 16)
    assert text.count('class="right"') == 2


def test_what_is_not_there_leaves_nothing() -> None:
    reader = read(report_html(Report(title="Empty")))
    assert not {"section", "table", "nav", "svg", "ul"} & set(reader.tags)


def test_figures_are_found_wherever_they_are(report: Report) -> None:
    assert [figure.name for figure in figures_of(report)] == ["map", "map", "map"]


def test_equal_content_gives_equal_bytes(report: Report) -> None:
    assert report_html(report) == report_html(dataclasses.replace(report))
