"""The heat map, and the sections of importance, search and learning curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import image

from i2db.report.html import Report, Table, report_html
from i2db.report.importance import curve_section, importance_figure, importance_section, search_section

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


def test_the_report_has_the_sums_by_band_and_the_settings() -> None:
    features = [{"method": "permutation", "feature_name": "sentinel2_b4_20180614", "importance": 0.5}]
    importance = importance_section(ROWS, features)
    found = [
        {"run": 0, "region": "1", "search_rank": 1, "parameters": '{"C": 1}', "n_folds": 3, "mean": 0.81234, "s": 0.0}
    ]
    search = search_section(found)
    page = report_html(Report(title="t", sections=[importance, search]))
    assert page.index(">0.7500<") < page.index(">0.1250<") < page.index("-0.0100")
    assert "polygons left out of the fit" in page
    assert "sentinel2_b4_20180614" in page
    assert "0.8123" in page
    assert "the highest is B4 on 2018-06-14" in page
    assert importance_section([], []).blocks == ()
    assert search_section([]).blocks == ()


def test_the_curve_is_the_mean_over_runs() -> None:
    points = [
        {"run": run, "size": size, "overall_accuracy": accuracy, "f_score": score}
        for run, size, accuracy, score in (
            (0, 10, 0.5, 0.4),
            (1, 10, 0.7, None),
            (0, 50, 0.8, 0.75),
            (1, 50, 0.9, 0.65),
        )
    ]
    _, table = curve_section(points).blocks
    assert isinstance(table, Table)
    assert [row[:3] for row in table.rows] == [("10", "0.600", "0.400"), ("50", "0.850", "0.700")]
    assert curve_section([]).blocks == ()
