"""An old iota2 output tree, made after the facts that are known of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import shapely

CRS = 2154
#: Class per source polygon (originfid), and where its square of 40 m lies.
POLYGONS = {1: (11, 0), 2: (11, 100), 3: (12, 200), 4: (12, 300), 5: (11, 400)}
FEATURES = ("sentinel2_b2_20180101", "sentinel2_ndvi_20180101", "sentinel2_ndvi_20180111", "slope")


def square(left: float, width: float = 40) -> shapely.Polygon:
    return shapely.box(600_000 + left, 6_200_000, 600_000 + left + width, 6_200_040)


def write(path: Path, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """A table with GEOMETRY as plain little-endian WKB, as OGR's SQLite driver leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE '{table}' (ogc_fid INTEGER PRIMARY KEY, GEOMETRY BLOB, {', '.join(columns)})")
        connection.execute(
            "CREATE TABLE geometry_columns (f_table_name VARCHAR, f_geometry_column VARCHAR, geometry_type INTEGER, "
            "coord_dimension INTEGER, srid INTEGER, geometry_format VARCHAR)"
        )
        connection.execute("INSERT INTO geometry_columns VALUES (?, 'GEOMETRY', 3, 2, ?, 'WKB')", (table, CRS))
        marks = ", ".join("?" * (1 + len(columns)))
        connection.executemany(
            f"INSERT INTO '{table}' (GEOMETRY, {', '.join(columns)}) VALUES ({marks})",
            [(shapely.to_wkb(row[0], byte_order=1), *row[1:]) for row in rows],
        )


def make_tree(folder: Path, matrices: Mapping[int, str]) -> Path:
    """Two tiles, two runs; polygon 5 is cut by the border of the tiles, and its halves are on two sides in run 1."""
    sides = {0: {1: "learn", 2: "val", 3: "learn", 4: "val"}, 1: {1: "val", 2: "learn", 3: "val", 4: "learn"}}
    halves = {"T31TCJ": square(400, 20), "T31TDJ": square(420, 20)}
    half_sides = {0: {"T31TCJ": "learn", "T31TDJ": "learn"}, 1: {"T31TCJ": "learn", "T31TDJ": "val"}}
    for run in (0, 1):
        for tile in halves:
            for side in ("learn", "val"):
                rows = [
                    (square(left), "1", code, source)
                    for source, (code, left) in POLYGONS.items()
                    if source < 5 and (tile == "T31TCJ") == (source < 3) and sides[run][source] == side
                ]
                if half_sides[run][tile] == side:
                    rows.append((halves[tile], "1", 11, 5))
                name = f"{tile}_seed_{run}_{side}"
                write(folder / "dataAppVal" / f"{name}.sqlite", name.lower(), ("region", "code", "originfid"), rows)
        write_samples(folder, run, [s for s in sides[run] if sides[run][s] == "learn"])
    for run, text in matrices.items():
        path = folder / "final" / "TMP" / f"Classif_Seed_{run}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def write_samples(folder: Path, run: int, sources: Sequence[int]) -> None:
    """Four pixels of each source polygon, and two of either half of polygon 5 (the first one twice, as OTB may)."""
    rows: list[tuple[object, ...]] = []
    for source in (*sources, 5):
        code, left = POLYGONS[source]
        for i in range(4):
            x = 600_000 + left + 10 * i + 5
            point = shapely.Point(x, 6_200_015)
            if source == 5 and run == 1 and i > 1:
                continue  # the eastern half validates
            rows.append((point, code, source, "1", x % 1000, 500 + i, 600 + i, 0.5 * i))
    rows.append(rows[0])
    columns = ("code", "originfid", "region", *FEATURES)
    write(folder / "learningSamples" / f"Samples_region_1_seed{run}_learn.sqlite", "output", columns, rows)
