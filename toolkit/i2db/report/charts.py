"""Charts as drawings: profiles of a class, counts, accuracy per class, a heat map of features."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i2db.report.drawing import (
    BLUE,
    FAINT,
    GREY,
    INK,
    Anchor,
    Area,
    Dot,
    Drawing,
    Label,
    Line,
    Raster,
    Rectangle,
    Shape,
)
from i2db.report.maps import shades_of
from i2db.report.png import indexed_png
from i2db.report.style import LegendClass

#: A panel of a gallery: pixels, and what stands around its axes.
_WIDTH, _HEIGHT = 320.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 10.0, 34.0, 24.0
_BAND = "#b5d3e7"  # a light tint of BLUE


@dataclass(frozen=True, slots=True)
class ProfilePoint:
    """Quartiles of a class on a date."""

    date: datetime.date
    lower: float
    median: float
    upper: float


def profile_chart(
    one: LegendClass,
    points: Sequence[ProfilePoint],
    *,
    dates: tuple[datetime.date, datetime.date],
    limits: tuple[float, float],
    alternative: str,
) -> Drawing:
    """The course of a class: median as a line, half of the pixels within the band; axes as `dates` and `limits` say."""
    days = max((dates[1] - dates[0]).days, 1)

    def x(date: datetime.date) -> float:
        return _LEFT + (date - dates[0]).days / days * (_WIDTH - _LEFT - _RIGHT)

    y = _vertical(limits)
    band = [(x(point.date), y(point.upper)) for point in points]
    band += [(x(point.date), y(point.lower)) for point in reversed(points)]
    line = tuple((x(point.date), y(point.median)) for point in points)
    shapes: list[Shape] = [
        Rectangle(x=_LEFT, y=10, width=20, height=13, fill=one.hexadecimal, stroke="#595959"),
        Label(x=_LEFT + 26, y=21, text=shortened(one.name, 30), size=14, is_bold=True),
        *_vertical_axis(limits, y),
        *_date_axis(dates, x),
        Area(points=tuple(band), fill=_BAND),
        Line(points=line, stroke=BLUE, width=2),
    ]
    if len(points) <= 40:
        shapes += [Dot(x=px, y=py, radius=2.2, fill=BLUE) for px, py in line]
    return Drawing(width=_WIDTH, height=_HEIGHT, shapes=tuple(shapes), alternative=alternative)


def _vertical(limits: tuple[float, float]) -> Callable[[float], float]:
    low, high = limits

    def y(value: float) -> float:
        return _TOP + (high - value) / max(high - low, 1e-9) * (_HEIGHT - _TOP - _BOTTOM)

    return y


def _vertical_axis(limits: tuple[float, float], y: Callable[[float], float]) -> list[Shape]:
    shapes: list[Shape] = []
    for tick in ticks(*limits, 6):
        shapes += [
            Line(points=((_LEFT, y(tick)), (_WIDTH - _RIGHT, y(tick))), stroke=FAINT),
            Label(x=_LEFT - 5, y=y(tick) + 4, text=f"{tick:g}", size=12, anchor="end", fill=GREY),
        ]
    return shapes


def _date_axis(dates: tuple[datetime.date, datetime.date], x: Callable[[datetime.date], float]) -> list[Shape]:
    """First days of months as ticks: as many months apart as leave room for their names."""
    bottom = _HEIGHT - _BOTTOM
    shapes: list[Shape] = [Line(points=((_LEFT, bottom), (_WIDTH - _RIGHT, bottom)), stroke=GREY)]
    for month in month_ticks(*dates):
        shapes.append(Line(points=((x(month), bottom), (x(month), bottom + 4)), stroke=GREY))
        name = month.strftime("%b %y") if (dates[1] - dates[0]).days > 330 else month.strftime("%d %b")
        at = x(month)
        anchor: Anchor = "end" if at > _WIDTH - 40 else "start" if at < _LEFT + 15 else "middle"
        shapes.append(Label(x=at, y=bottom + 17, text=name, size=12, anchor=anchor, fill=GREY))
    return shapes


def month_ticks(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """At most five first days of months within a time; its two ends where it holds less than two of them."""
    months = []
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        month = datetime.date(number // 12, number % 12 + 1, 1)
        if first <= month <= last:
            months.append(month)
    if len(months) < 2:
        return [first, last] if last > first else [first]
    return months[:: math.ceil(len(months) / 5)]


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) between two numbers, at most so many and one more."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(factor * power for factor in (1, 2, 5, 10) if (high - low) / (factor * power) <= most)
    return [round(n * step, 10) for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def histogram_chart(counts: dict[int, int], *, of_what: str, alternative: str) -> Drawing:
    """Bars of the share of pixels by a whole number, in at most 30 bins of equal width."""
    width, height, left, top, bottom = 560.0, 220.0, 52.0, 12.0, 46.0
    first, last = min(counts), max(counts)
    step = math.ceil((last - first + 1) / 30)
    n_bins = (last - first) // step + 1
    shares = [0.0] * n_bins
    total = sum(counts.values())
    for value, n in counts.items():
        shares[(value - first) // step] += n / total
    highest = max(shares)

    def y(share: float) -> float:
        return top + (highest - share) / highest * (height - top - bottom)

    def x(value: float) -> float:
        return left + (value - first) / (n_bins * step) * (width - left - 10)

    shapes: list[Shape] = []
    for tick in ticks(0, highest, 4):
        shapes += [
            Line(points=((left, y(tick)), (width - 10, y(tick))), stroke=FAINT),
            Label(x=left - 6, y=y(tick) + 5, text=f"{tick * 100:g} %", size=14, anchor="end", fill=GREY),
        ]
    gap = 1.0 if n_bins > 1 else 0.0
    for i, share in enumerate(shares):
        x0, x1 = x(first + i * step), x(first + (i + 1) * step)
        shapes.append(
            Rectangle(x=x0 + gap / 2, y=y(share), width=max(x1 - x0 - gap, 1), height=y(0) - y(share), fill=BLUE)
        )
    shapes.append(Line(points=((left, y(0)), (width - 10, y(0))), stroke=GREY))
    for tick in ticks(first, last, 8) if last > first else [first]:
        if tick == int(tick):
            at = x(tick + 0.5) if step == 1 else x(tick)
            shapes.append(Label(x=at, y=height - bottom + 18, text=f"{tick:g}", size=14, anchor="middle", fill=GREY))
    shapes.append(Label(x=(left + width) / 2, y=height - 6, text=of_what, size=14, anchor="middle"))
    return Drawing(width=width, height=height, shapes=tuple(shapes), alternative=alternative)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A class with a measure between 0 and 1, and its interval where there is one."""

    of: LegendClass
    middle: float | None
    interval: tuple[float, float] | None


def estimates_chart(estimates: Sequence[Estimate], *, measure: str, alternative: str) -> Drawing:
    """A dot per class from 0 to 1, with its interval as a line; names stand above their lines."""
    width, row, left, top = 320.0, 40.0, 12.0, 30.0
    height = top + row * len(estimates) + 10

    def x(value: float) -> float:
        return left + value * (width - 2 * left)

    shapes: list[Shape] = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        shapes += [
            Line(points=((x(tick), top - 4), (x(tick), height - 8)), stroke=FAINT),
            Label(x=x(tick), y=top - 10, text=f"{tick:g}", size=12, anchor="middle", fill=GREY),
        ]
    for i, estimate in enumerate(estimates):
        y = top + row * i + 16
        told = "undefined" if estimate.middle is None else f"{estimate.middle:.2f}"
        shapes += [
            Rectangle(x=left, y=y - 11, width=16, height=11, fill=estimate.of.hexadecimal, stroke="#595959"),
            Label(x=left + 22, y=y - 1, text=shortened(estimate.of.name, 32), size=13, has_halo=True),
            Label(x=width - left, y=y - 1, text=told, size=13, anchor="end", has_halo=True),
        ]
        if estimate.interval is not None:
            low, high = estimate.interval
            shapes.append(Line(points=((x(low), y + 11), (x(high), y + 11)), stroke=BLUE, width=3))
        if estimate.middle is not None:
            shapes.append(Dot(x=x(estimate.middle), y=y + 11, radius=5, fill=INK))
    shapes.append(Label(x=left, y=10, text=measure, size=12, fill=INK, is_bold=True))
    return Drawing(width=width, height=height, shapes=tuple(shapes), alternative=alternative)


def heat_chart(
    values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], *, alternative: str
) -> Drawing:
    """Numbers (rows, columns) from nearly white (0, and what is not there) to dark: the more, the darker."""
    shades = shades_of("Blues")
    most = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    places = np.clip(np.round(np.nan_to_num(values) / (most or 1) * 255), 0, 255).astype(np.int64)
    width, left, top, cell = 560.0, 24.0 + 7.4 * max(len(row) for row in rows), 6.0, 18.0
    height = top + cell * len(rows)
    step = (width - left - 6) / len(columns)
    shapes: list[Shape] = [
        Raster(x=left, y=top, width=width - left - 6, height=height - top, png=indexed_png(places, shades)),
        Rectangle(x=left, y=top, width=width - left - 6, height=height - top, stroke="#8a8a8a"),
    ]
    for i, row in enumerate(rows):
        shapes.append(Label(x=left - 8, y=top + cell * i + 14, text=row, size=13, anchor="end"))
    every = math.ceil(len(columns) / 5)
    for i in range(0, len(columns), every):
        text = columns[i][:7]  # year and month of a date
        at = left + (i + 0.5) * step
        anchor: Anchor = "end" if at > width - 40 else "start" if at < left + 20 else "middle"
        shapes.append(Label(x=at, y=height + 18, text=text, size=13, anchor=anchor, fill=GREY))
    return Drawing(width=width, height=height + 28, shapes=tuple(shapes), alternative=alternative)


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; what was cut off is shown by an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
