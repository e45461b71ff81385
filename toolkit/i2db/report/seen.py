"""What the report shows of the map and of what was seen: classes, confidence, clear dates, profiles, importance."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from i2db.report.charts import ProfilePoint, histogram_chart, profile_chart
from i2db.report.drawing import Label
from i2db.report.failures import dates_table, pairs_table
from i2db.report.html import Block, Figure, Gallery, LegendEntry, Section
from i2db.report.intervals import Rows
from i2db.report.maps import class_map, shaded_map
from i2db.report.quicklook import histogram, quick_look
from i2db.report.style import LegendClass
from i2db.report.words import percent

_ON_PROFILES = (
    "{band} of the extracted samples over the dates: median (line), and between the quartiles (band) half "
    "of the pixels of the class. All panels have the same axes. In SQL: profile('{band}')."
)


def map_figure(path: Path, legend: Rows, *, n_runs: int) -> Figure:
    """The map of the first run."""
    classes = [LegendClass(row["class_code"], str(row["class_name"]), color_of(row)) for row in legend]
    mapped = sorted((row for row in legend if row["share"]), key=lambda row: -float(row["share"]))
    told = ", ".join(f"{row['class_name']} {percent(row['share'])}" for row in mapped[:8])
    more = f", and {len(mapped) - 8} more classes" if len(mapped) > 8 else ""
    drawing = class_map(quick_look(path, "mode"), classes, alternative=f"Map of the land cover: {told}{more}.")
    caption = f"The map{' of run 0' if n_runs > 1 else ''}."
    if any(isinstance(shape, Label) and shape.has_halo for shape in drawing.shapes):
        caption += " Numbers are the codes of the classes, on their largest patches."
    return Figure(name="map", caption=caption, drawing=drawing)


def legend_entries(legend: Rows) -> list[LegendEntry]:
    """The classes with their share of the map; those that it does not hold say so."""
    return [
        LegendEntry(
            row["class_code"],
            str(row["class_name"]),
            color_of(row),
            percent(row["share"]) if row["share"] else "not on the map",
        )
        for row in legend
    ]


def color_of(row: Mapping[str, int]) -> tuple[int, int, int]:
    """The colour in a row of class."""
    return row["red"], row["green"], row["blue"]


def confidence_figure(path: Path, *, kind: str, n_runs: int) -> Figure:
    """Where the map of the first run is sure."""
    drawing = shaded_map(
        quick_look(path, "average"),
        low=0,
        high=100,
        unit="%",
        alternative=f"Map of the confidence ({kind}), in percent.",
    )
    whose = " of run 0" if n_runs > 1 else ""
    return Figure(name="confidence", caption=f"Confidence{whose}: {kind}. The lighter, the surer.", drawing=drawing)


def validity_section(path: Path | None, facts: Mapping[str, object], dates: Rows, band: str) -> Section:
    """How often each pixel was seen clear: as a map, as a histogram, and dates that look cloudy all the same."""
    if path is None:
        return Section("What the satellites saw", dates_table(dates, band))
    counts = histogram(path)
    if not counts:
        return Section("What the satellites saw", ("No pixel of the map has a clear date.",))
    total, seen = sum(counts.values()), 0
    median = least = min(counts)
    for value in sorted(counts):
        seen += counts[value]
        if seen * 2 >= total:
            median = value
            break
    most = max(counts)
    told = (
        f"{facts['n_products']:,} products on {facts['n_dates']:,} dates, {facts['first_date']} to "
        f"{facts['last_date']}. "
        f"Half of the map’s pixels were seen clear on {median:,} dates or more, the worst of them on {least:,}, "
        f"the best on {most:,}."
    )
    figures = (
        Figure(
            name="clear_dates",
            caption="Number of clear dates. The lighter, the more.",
            drawing=shaded_map(
                quick_look(path, "average"), low=least, high=most, unit="dates", alternative="Map of the clear dates."
            ),
        ),
        Figure(
            name="clear_dates_histogram",
            caption="Share of the map’s pixels by number of clear dates.",
            drawing=histogram_chart(
                counts,
                of_what="clear dates",
                alternative=f"Histogram of the clear dates: {least} to {most}, median {median}.",
            ),
        ),
    )
    return Section("What the satellites saw", (told, Gallery(figures), *dates_table(dates, band)))


def profiles_section(
    profiles: Rows, band: str, scale: float, colors: Mapping[int, LegendClass], pairs: Rows
) -> Section:
    """The course of a band over the dates, a panel per class; and the classes that look alike."""
    of_class: dict[int, list[ProfilePoint]] = defaultdict(list)
    n_samples: dict[int, int] = defaultdict(int)
    for row in profiles:
        quartiles = (row["lower_quartile"] * scale, row["median"] * scale, row["upper_quartile"] * scale)
        of_class[row["class_code"]].append(ProfilePoint(row["date"], *quartiles))
        n_samples[row["class_code"]] = max(n_samples[row["class_code"]], row["n_samples"])
    blocks: list[Block] = []
    if of_class:
        points = [point for one in of_class.values() for point in one]
        dates: tuple[datetime.date, datetime.date] = (min(p.date for p in points), max(p.date for p in points))
        limits = min(p.lower for p in points), max(p.upper for p in points)
        figures = []
        for code in (code for code in colors if code in of_class):
            line = of_class[code]
            top = max(line, key=lambda point: point.median)
            told = f"{band} of {colors[code].name}: median highest, {top.median:.2f}, on {top.date}; {len(line)} dates."
            drawing = profile_chart(colors[code], line, dates=dates, limits=limits, alternative=told)
            figures.append(Figure(name=f"profile_{code}", caption=f"{n_samples[code]:,} pixels", drawing=drawing))
        blocks += [
            _ON_PROFILES.format(band=band),
            Gallery(tuple(figures)),
        ]
    return Section(f"{band} of the classes" if blocks else "Classes and dates", (*blocks, *pairs_table(pairs)))
