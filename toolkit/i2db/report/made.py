"""What the report says of how the map was made: samples, findings, what ran, the configuration, inputs, versions."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from i2db import __version__
from i2db.external.told_costs import marks
from i2db.report.html import Block, Cell, Folded, Listing, Section, Table
from i2db.report.intervals import Rows
from i2db.report.words import UNDEFINED, count, duration, percent

#: Libraries that results may depend on.
_LIBRARIES = ("duckdb", "numpy", "numba", "rasterio", "scikit-learn", "scipy", "pyproj")
#: Characters of a setting that a table shows; the whole is in the full configuration.
_MOST_CHARACTERS = 300


def samples_section(samples: Rows, n_runs: int, n_regions: int) -> Section:
    """Learning and validation samples per region and class."""
    columns = ("n_learn_polygons", "n_val_polygons", "n_available", "n_required", "n_learn", "n_val")
    headings = ("Learn polygons", "Val polygons", "Available", "Asked for", "Learnt", "Val pixels")
    first = ("Class", "Region") if n_regions > 1 else ("Class",)
    rows: list[tuple[Cell, ...]] = []
    for row in samples:
        if not any(row[name] for name in columns):
            continue
        label = (str(row["class_name"]), str(row["region"])) if n_regions > 1 else (str(row["class_name"]),)
        rows.append((*label, *(count(row[name]) for name in columns)))
    if not rows:
        return Section("What it learnt from", ())
    caption = "Samples of each class" + (f", mean of {n_runs} runs" if n_runs > 1 else "")
    table = Table(caption=caption, headings=(*first, *headings), rows=tuple(rows), n_labels=len(first))
    told = (
        "Polygons and pixels for learning and validation; available: pixels in learn polygons, asked for: by the "
        "sampling strategy, learnt: drawn and with features. Classes without a pixel are left out. Run by run: "
        "class_statistics.csv."
    )
    return Section("What it learnt from", (told, table))


def findings_section(counts: Rows, findings: Rows) -> Section:
    """What was odd about the inputs, and what was done about it."""
    total = sum(int(row["n"]) for row in counts)
    if not total:
        return Section("What was odd about the inputs", ("Nothing was found.",))
    told = ", ".join(f"{row['n']:,} {row['severity']}{'s' if row['n'] != 1 else ''}" for row in counts)
    shown = f" The first {len(findings)} are shown; i2db show OUT finding has all." if len(findings) < total else ""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            str(row["item"] or row["subject"]),
            str(row["severity"]),
            str(row["message"]),
            str(row["remedy"] or "–"),
            str(row["stage"]),
        )
        for row in findings
    )
    headings = ("What", "Severity", "Finding", "What was done, or is to do", "Stage")
    table = Table(caption="Findings", headings=headings, rows=rows, n_labels=5)
    return Section("What was odd about the inputs", (f"{told[0].upper()}{told[1:]}.{shown}", table))


def settings_section(configuration: Rows, defaults: Mapping[tuple[str, str], str]) -> Section:
    """The configuration: what differs from the defaults, and all of it."""
    if not configuration:
        return Section("With which configuration", ())
    rows: list[tuple[Cell, ...]] = []
    for row in configuration:
        default = defaults.get((row["section"], row["key"]))
        if default != row["setting"]:
            rows.append(
                (
                    f"{row['section']}.{row['key']}",
                    _setting(row["setting"]),
                    "must be set" if default is None else _setting(default),
                )
            )
    everything = "\n".join(f"{row['section']}.{row['key']} = {row['setting']}" for row in configuration)
    table = Table(
        caption="Keys that differ from their defaults",
        headings=("Key", "Set to", "Default"),
        rows=tuple(rows),
        n_labels=3,
    )
    whole = Folded(f"The whole configuration, {len(configuration)} keys", (Listing(everything),))
    return Section("With which configuration", (*([table] if rows else ["All keys have their defaults."]), whole))


def _setting(text: str) -> str:
    """A setting as a person would write it: texts without quotes, what is not set as a dash."""
    setting: Any = json.loads(text)
    shown = "not set" if setting is None else setting if isinstance(setting, str) else text
    return shown if len(shown) <= _MOST_CHARACTERS else shown[: _MOST_CHARACTERS - 1] + "…"


def runs_section(
    stages: Rows, functions: Rows, inputs: Rows, results: Rows, facts: Sequence[tuple[str, str]]
) -> Section:
    """What ran and how long, functions of the user too, on which inputs, to which files, with which versions."""
    blocks: list[Block] = []
    if stages:
        rows = [(str(row["stage"]), count(row["n_run"]), duration(row["seconds"])) for row in stages]
        rows.append(
            ("all", count(sum(row["n_run"] for row in stages)), duration(sum(row["seconds"] for row in stages)))
        )
        blocks.append(Table(caption="Stages", headings=("Stage", "Tasks", "Time of its tasks"), rows=tuple(rows)))
        blocks.append(
            "Times are those of the tasks that made what there is now, added up; tasks that ran side by "
            "side took less of the clock."
        )
    if functions:
        blocks.append(_functions_table(functions))
    if inputs:
        blocks.append(
            Table(
                caption="Inputs: products, and one hash of their names, sizes, times and heads",
                headings=("Sensor", "Tile", "Products", "Dates", "First", "Last", "Fingerprint"),
                rows=tuple(
                    (
                        str(row["sensor"]),
                        str(row["tile"]),
                        count(row["n_products"]),
                        count(row["n_dates"]),
                        str(row["first_date"]),
                        str(row["last_date"]),
                        str(row["fingerprint"]),
                    )
                    for row in inputs
                ),
                n_labels=2,
                text=(6,),
            )
        )
    if results:
        table = Table(
            caption="Files of the maps (final/*.tif): BLAKE2b checksum, and fingerprint of all that went into them",
            headings=("File", "Bytes", "Checksum", "Fingerprint"),
            rows=tuple(
                (f"{row['unit']}.tif", count(row["n_bytes"]), str(row["checksum"]), str(row["fingerprint"]))
                for row in results
            ),
            text=(2, 3),
        )
        blocks.append(Folded("Files and their checksums", (table,)))
    return Section("What ran", (*blocks, _pairs(facts, "Made with")))


def _functions_table(functions: Rows) -> Table:
    """What the user's functions cost; those that are slow or keep memory are marked."""
    headings = ("Function", "Calls", "Time", "Of its stages", "Most MB in a call", "MB kept", "To be looked at")
    rows = tuple(
        (
            str(row["function"]),
            count(row["n_calls"]),
            duration(row["seconds"]),
            percent(row["share"]),
            f"{row['peak_megabytes']:,.0f}",
            f"{max(row['kept_megabytes'], 0):,.0f}",
            "; ".join(marks(row)) or UNDEFINED,
        )
        for row in functions
    )
    return Table(caption="Functions of the user (within the stages above)", headings=headings, rows=rows, text=(6,))


def _pairs(facts: Sequence[tuple[str, str]], caption: str) -> Table:
    return Table(caption=caption, headings=("What", "Which"), rows=tuple(facts), n_labels=2)


def versions() -> list[tuple[str, str]]:
    """Versions of i2db, Python and the libraries under it, as they are now."""
    import rasterio

    found = [("i2db", __version__), ("Python", platform.python_version()), ("GDAL", rasterio.__gdal_version__)]
    return found + [(name, importlib.metadata.version(name)) for name in _LIBRARIES]
