"""What maps and charts show, and where."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from i2db.report.charts import (
    Estimate,
    ProfilePoint,
    estimates_chart,
    heat_chart,
    histogram_chart,
    month_ticks,
    profile_chart,
    shortened,
    ticks,
)
from i2db.report.drawing import BLUE, Area, Dot, Drawing, Label, Line, Raster, Rectangle, svg
from i2db.report.maps import class_map, class_places, label_places, shaded_map
from i2db.report.quicklook import QuickLook, Whereabouts
from i2db.report.style import LegendClass

CLASSES = [LegendClass(1200, "Maize", (200, 68, 31)), LegendClass(60, "Urban", (0, 0, 255))]
NOWHERE = Whereabouts(float("nan"), float("nan"), float("nan"), float("nan"), "units")


def look(values: object, width: float = 3000.0, aspect: float = 1.0) -> QuickLook:
    return QuickLook(np.ma.masked_equal(values, 0), aspect, Whereabouts(width, width, 3.0, 45.0, "m"))


def texts(drawing: Drawing) -> list[str]:
    return [shape.text for shape in drawing.shapes if isinstance(shape, Label)]


def test_places_of_known_unknown_and_missing_labels() -> None:
    values = np.ma.masked_equal(np.array([[1200, 60, 7, 0]]), 0)
    np.testing.assert_array_equal(class_places(values, [1200, 60]), [[0, 1, 2, 3]])
    np.testing.assert_array_equal(class_places(values, []), [[0, 0, 0, 1]])


def test_labels_stand_inside_their_patches() -> None:
    labels = np.zeros((60, 90), np.int64)
    labels[:, 40:] = 1
    labels[5:8, 5:8] = 2  # too small for a label
    found = label_places(labels, ["1200", "60", "7"], 560)
    assert {place for place, _, _ in found} == {0, 1}
    for place, row, column in found:
        assert labels[int(row * 60), int(column * 90)] == place
    drawing = class_map(look(np.array([1200, 60, 7])[labels]), CLASSES, alternative="x")
    assert {"1200", "60"} <= set(texts(drawing))


def test_scale_bar_is_as_long_as_it_says() -> None:
    drawing = class_map(look(np.full((40, 80), 60), width=3000), CLASSES, alternative="x")
    bar = next(shape for shape in drawing.shapes if isinstance(shape, Line) and len(shape.points) == 4)
    (raster,) = (shape for shape in drawing.shapes if isinstance(shape, Raster))
    drawn = bar.points[2][0] - bar.points[0][0]
    assert "1 km" in texts(drawing)
    assert drawn / raster.width == pytest.approx(1000 / 3000)
    assert "N" in texts(drawing)
    without = class_map(QuickLook(np.ma.masked_equal(np.ones((3, 3)), 0), 1, NOWHERE), CLASSES, alternative="x")
    assert not any("m" in text for text in texts(without))


def test_a_high_map_is_no_higher_than_a_page_and_keeps_its_shape() -> None:
    drawing = shaded_map(look(np.ones((300, 100)), aspect=0.5), low=0, high=9, unit="dates", alternative="x")
    raster = next(shape for shape in drawing.shapes if isinstance(shape, Raster))
    assert raster.height / raster.width == pytest.approx(300 / (100 * 0.5))
    assert drawing.height < 740
    assert {"0", "9", "dates"} <= set(texts(drawing))


def test_a_profile_goes_through_its_medians() -> None:
    dates = datetime.date(2018, 1, 1), datetime.date(2018, 12, 31)
    points = [
        ProfilePoint(datetime.date(2018, 1, 1), 0.0, 0.25, 0.5),
        ProfilePoint(datetime.date(2018, 12, 31), 0.5, 0.75, 1.0),
    ]
    drawing = profile_chart(CLASSES[0], points, dates=dates, limits=(0.0, 1.0), alternative="x")
    line = next(shape for shape in drawing.shapes if isinstance(shape, Line) and shape.stroke == BLUE)
    band = next(shape for shape in drawing.shapes if isinstance(shape, Area))
    (x0, y0), (x1, y1) = line.points
    assert x0 < x1
    upper, lower = band.points[0][1], band.points[-1][1]
    assert (lower - y0) / (lower - upper) == pytest.approx(0.5)
    # From a quarter to three quarters is half the height between 0 and 1.
    assert y0 - y1 == pytest.approx((band.points[0][1] - band.points[1][1]) * 1.0)
    assert {"Maize", "0", "1"} <= set(texts(drawing))


def test_histogram_bars_have_the_height_of_their_shares() -> None:
    drawing = histogram_chart({3: 10, 4: 30, 6: 60}, of_what="clear dates", alternative="x")
    heights = [shape.height for shape in drawing.shapes if isinstance(shape, Rectangle)]
    assert [height / max(heights) for height in heights] == pytest.approx([1 / 6, 3 / 6, 0, 1])
    many = histogram_chart(dict.fromkeys(range(200), 1), of_what="clear dates", alternative="x")
    assert sum(isinstance(shape, Rectangle) for shape in many.shapes) <= 30
    assert histogram_chart({5: 3}, of_what="clear dates", alternative="x").shapes


def test_estimates_are_dots_on_their_intervals() -> None:
    estimates = [Estimate(CLASSES[0], 0.5, (0.25, 1.0)), Estimate(CLASSES[1], None, None)]
    drawing = estimates_chart(estimates, measure="F-score", alternative="x")
    (dot,) = (shape for shape in drawing.shapes if isinstance(shape, Dot))
    (line,) = (shape for shape in drawing.shapes if isinstance(shape, Line) and shape.stroke == BLUE)
    (x0, _), (x1, _) = line.points
    assert (dot.x - x0) / (x1 - x0) == pytest.approx(1 / 3)
    assert "undefined" in texts(drawing)


def test_heat_chart_names_bands_and_holds_what_is_missing() -> None:
    days = [f"2018-{month:02d}-01" for month in range(1, 13)]
    values = np.full((2, 12), np.nan)
    values[1, 3] = 0.7
    drawing = heat_chart(values, ["NDVI", "B8A"], days, alternative="x")
    assert {"NDVI", "B8A", "2018-01"} <= set(texts(drawing))
    assert heat_chart(np.full((1, 12), np.nan), ["B2"], days, alternative="x").shapes


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (43, 66, 8, [45, 50, 55, 60, 65]),
        (-0.21, 0.85, 6, [-0.2, 0, 0.2, 0.4, 0.6, 0.8]),
        (3, 3, 5, [3]),
    ],
)
def test_ticks_are_round(low: float, high: float, most: int, expected: list[float]) -> None:
    assert ticks(low, high, most) == pytest.approx(expected)


def test_months_that_are_named() -> None:
    day = datetime.date
    assert month_ticks(day(2018, 1, 15), day(2018, 4, 2)) == [day(2018, 2, 1), day(2018, 3, 1), day(2018, 4, 1)]
    assert month_ticks(day(2018, 1, 15), day(2018, 2, 2)) == [day(2018, 1, 15), day(2018, 2, 2)]
    assert month_ticks(day(2018, 1, 15), day(2018, 1, 15)) == [day(2018, 1, 15)]
    assert len(month_ticks(day(2015, 1, 1), day(2018, 12, 1))) <= 5


def test_names_are_cut_with_an_ellipsis_and_escaped() -> None:
    assert shortened("Permanent grass", 10) == "Permanent…"
    nasty = LegendClass(1, '<b>"&', (0, 0, 0))
    points = [ProfilePoint(datetime.date(2018, 1, 1), 0, 0, 0)]
    days = (datetime.date(2018, 1, 1), datetime.date(2018, 1, 1))
    text = svg(profile_chart(nasty, points, dates=days, limits=(0, 0), alternative=nasty.name))
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
