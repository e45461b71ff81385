from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from i2db.errors import InputError
from i2db.report.html import Picture, ReportData, StageTime, Table, report_html, write_report
from i2db.report.matrix import Confusion, class_scores, map_scores
from i2db.report.style import LegendClass

NASTY = '<script>alert("&")</script>'
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and holds tags to be balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

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
def report(tmp_path: Path) -> ReportData:
    (tmp_path / "map.png").write_bytes(b"\x89PNG map")
    runs = [
        Confusion((1, 2), (NASTY, "grass"), np.array([[8, 2], [0, 0]]), (3, 0)),
        Confusion((1, 2), (NASTY, "grass"), np.array([[6, 4], [0, 0]]), (3, 0)),
    ]
    picture = Picture(tmp_path / "map.png", NASTY, f'a "map" {NASTY}')
    return ReportData(
        title=NASTY,
        facts=[(NASTY, NASTY)],
        map_picture=picture,
        legend=[LegendClass(1, NASTY, (255, 0, 16))],
        confidence_picture=picture,
        scores=map_scores(runs),
        classes=class_scores(runs),
        notes=[NASTY],
        matrix_pictures=[picture],
        class_statistics=Table(("Class", NASTY), ((NASTY, 12_345), ("grass", None))),
        stages=[StageTime(NASTY, 12, 75.2), StageTime("classify", 1, 4000)],
        configuration=NASTY,
    )


def test_everything_is_escaped_and_nothing_comes_from_elsewhere(report: ReportData) -> None:
    text = report_html(report)
    reader = read(text)
    assert "script" not in reader.tags
    assert NASTY not in text
    assert NASTY in reader.text
    assert not re.findall(r"https?:|//[a-z]|@import|url\(", text)
    sources = [value for name, value in reader.attributes if name in ("src", "href")]
    assert all(value is not None and value.startswith(("data:image/png;base64,", "#")) for value in sources)
    identifiers = {value for name, value in reader.attributes if name == "id"}
    assert {value for value in sources if value is not None and value.startswith("#")} == {f"#{i}" for i in identifiers}
    assert base64.b64encode(b"\x89PNG map").decode() in text
    assert reader.tags.count("img") == [name for name, _ in reader.attributes].count("alt") == 3


def test_numbers_and_sections(report: ReportData) -> None:
    text = read(report_html(report)).text
    for shown in ("0.700", "± 1.271", "0.800", "0.600", "12,345", "1 min 15 s", "1 h 07 min", "–"):
        assert shown in text, shown
    assert "Means over 2 runs" in " ".join(text)
    assert "Tasks kept" not in text


def test_what_is_not_there_leaves_no_section(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", ReportData(title="Empty"))
    reader = read((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "section" not in reader.tags
    assert "table" not in reader.tags
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_one_run_shows_a_value_and_no_interval() -> None:
    one = Confusion((1, 2), ("maize", "grass"), np.array([[8, 2], [0, 5]]))
    text = read(report_html(ReportData(title="One", scores=map_scores([one]), classes=class_scores([one])))).text
    assert "95 % interval" not in text
    assert "One run: no interval." in text
    assert not [cell for cell in text if "±" in cell]


def test_equal_rows_give_equal_bytes(report: ReportData) -> None:
    assert report_html(report) == report_html(report)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    report = ReportData(title="x", map_picture=Picture(tmp_path / "none.png", "", ""))
    with pytest.raises(InputError, match=r"none\.png in the report: No such file"):
        report_html(report)
