"""The heat map and the sections of importance and search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import image

from i2db.report.html import ReportData, report_html
from i2db.report.importance import importance_figure, importance_section, search_section

ROWS = [
    {"method": "permutation", "band": band, "date": date, "importance": share}
    for band, date, share in (
        ("B4", "2018-05-14", 0.25),
        ("B4", "2018-06-14", 0.5),
        ("NDVI", "2018-05-14", -0.01),
        ("slope", None, 0.125),
    )
]


def test_the_brightest_cell_is_the_most_important_one(tmp_path: Path) -> None:
    path = tmp_path / "heat.png"
    importance_figure(path, ROWS, "permutation")
    pixels = image.imread(path)[..., :3]
    yellow = np.argwhere((pixels[..., 0] > 0.95) & (pixels[..., 1] > 0.88) & (pixels[..., 2] < 0.35))
    assert len(yellow) > 100
    again = tmp_path / "again.png"
    importance_figure(again, ROWS, "permutation")
    assert path.read_bytes() == again.read_bytes()
    moved = [row | {"importance": 0.5 if row["band"] == "slope" else 0.0} for row in ROWS]
    importance_figure(again, moved, "permutation")
    other = image.imread(again)[..., :3]
    there = np.argwhere((other[..., 0] > 0.95) & (other[..., 1] > 0.88) & (other[..., 2] < 0.35))
    cell, cell_there = np.median(yellow[yellow[:, 1] < 400], axis=0), np.median(there[there[:, 1] < 400], axis=0)
    assert cell_there[0] > cell[0]  # slope is the last row
    assert cell_there[1] > cell[1]  # no date is the last column


def test_the_report_has_the_sums_by_band_and_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "heat.png"
    importance_figure(path, ROWS, "permutation")
    importance = importance_section(ROWS, {"permutation": path})
    found = [
        {"run": 0, "region": "1", "search_rank": 1, "parameters": '{"C": 1}', "n_folds": 3, "mean": 0.81234, "s": 0.0}
    ]
    search = search_section(found)
    assert importance is not None
    assert search is not None
    page = report_html(ReportData(title="t", sections=[importance, search]))
    assert page.index(">0.75<") < page.index(">0.125<") < page.index("0.01")
    assert "polygons left out of the fit" in page
    assert "0.8123" in page
    assert "<img" in page
    assert importance_section([], {}) is None
    assert search_section([]) is None
