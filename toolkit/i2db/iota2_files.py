"""The files of an old iota2 output tree: which there are, and what is in them.

Names and contents are those of iota2 (2020 to 2022): `dataAppVal/<TILE>_seed_<s>_learn.sqlite` and `_val.sqlite` hold
the polygons of a tile and run, `learningSamples/Samples_region_<r>_seed<s>_learn.sqlite` the drawn pixels with their
features, `final/TMP/Classif_Seed_<s>.csv` the confusion matrix of a run (OTB's form), summed over the tiles.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2db.errors import InputError

_SPLIT = re.compile(r"(?P<tile>.+)_seed_(?P<run>\d+)_(?P<split>learn|val)\.sqlite")
_SAMPLES = re.compile(r"Samples_region_(?P<region>.+)_seed_?(?P<run>\d+)_learn\.sqlite")
_MATRIX = re.compile(r"(?P<tile>.+)_seed_(?P<run>\d+)\.csv", re.IGNORECASE)

#: Rows that are held at a time.
_ROWS_AT_A_TIME = 50_000


@dataclass(frozen=True, slots=True)
class SplitFile:
    """Polygons of a tile that learn or validate in a run."""

    path: Path
    tile: str
    run: int
    split: str


@dataclass(frozen=True, slots=True)
class SampleFile:
    """Learning pixels of a region and run."""

    path: Path
    region: str
    run: int


@dataclass(frozen=True, slots=True)
class Tree:
    """What an output tree holds."""

    splits: tuple[SplitFile, ...]
    samples: tuple[SampleFile, ...]
    matrices: dict[int, list[Path]]


def find_files(folder: Path) -> Tree:
    """The files of an output tree.

    Raises:
        InputError: there is no folder, or nothing in it that iota2 leaves.
    """
    splits = [
        SplitFile(path, match["tile"], int(match["run"]), match["split"])
        for path in sorted((folder / "dataAppVal").glob("*.sqlite"))
        if (match := _SPLIT.fullmatch(path.name))
    ]
    samples = [
        SampleFile(path, match["region"], int(match["run"]))
        for path in sorted((folder / "learningSamples").glob("Samples_region_*.sqlite"))
        if (match := _SAMPLES.fullmatch(path.name))
    ]
    matrices: dict[int, list[Path]] = {}
    sums: dict[int, Path] = {}
    for path in sorted((folder / "final" / "TMP").glob("*.csv")):
        if match := _MATRIX.fullmatch(path.name):
            if match["tile"] == "Classif":
                sums[int(match["run"])] = path
            else:
                matrices.setdefault(int(match["run"]), []).append(path)
    # The sum over the tiles stands for them.
    matrices |= {run: [path] for run, path in sums.items()}
    if not (splits or samples or matrices):
        raise InputError(
            f"{folder} holds none of iota2's dataAppVal/*.sqlite, learningSamples/Samples_*.sqlite, final/TMP/*.csv",
            hint="name the outputPath of an iota2 run",
        )
    return Tree(tuple(splits), tuple(samples), dict(sorted(matrices.items())))


def read_rows(path: Path) -> Iterator[tuple[list[str], list[tuple[Any, ...]]]]:
    """(column names in lower case, rows) of the one table of a file, some rows at a time.

    Raises:
        InputError: it is no SQLite file, or holds no table with a geometry.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            name = _table(connection, path)
            cursor = connection.execute('SELECT * FROM "' + name.replace('"', '""') + '"')
            names = [str(column[0]).lower() for column in cursor.description]
            while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
                yield names, rows
    except sqlite3.Error as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def projection_of(path: Path) -> str | None:
    """EPSG code of a file's geometry as its table geometry_columns says; None where it does not."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT srid FROM geometry_columns").fetchone()
    except sqlite3.Error:
        return None
    return f"EPSG:{row[0]}" if row and row[0] and int(row[0]) > 0 else None


def _table(connection: sqlite3.Connection, path: Path) -> str:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        columns = [row[1].lower() for row in connection.execute("SELECT * FROM pragma_table_info(?)", (name,))]
        if "geometry" in columns:
            return str(name)
    raise InputError(f"{path} holds no table with a column GEOMETRY")


def read_matrix(path: Path) -> dict[tuple[int, int], int]:
    """Pixels by (reference label, produced label) of a matrix as OTB writes it; the two lists of labels may differ.

    Raises:
        InputError: with file and line, for what is no such matrix.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    heads = ("#Reference labels (rows):", "#Produced labels (columns):")
    if len(lines) < 2 or not all(line.startswith(head) for line, head in zip(lines, heads, strict=False)):
        raise InputError(f"{path} is no confusion matrix: its first lines are not {heads[0]} and {heads[1]}")
    try:
        reference, produced = (
            [int(label) for label in line.removeprefix(head).split(",")]
            for line, head in zip(lines, heads, strict=False)
        )
        rows = [[int(float(count)) for count in line.split(",")] for line in lines[2:]]
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    if len(rows) != len(reference) or any(len(row) != len(produced) for row in rows):
        raise InputError(f"{path}: {len(rows)} rows for {len(reference)} x {len(produced)} labels")
    return {
        (label, other): count
        for label, row in zip(reference, rows, strict=True)
        for other, count in zip(produced, row, strict=True)
    }
