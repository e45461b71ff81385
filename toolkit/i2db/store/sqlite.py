"""SQLite files as iota2's consumers read them: table `output`, geometry as plain WKB, names in lower case."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db.errors import ConfigError
from i2db.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

#: The table that iota2 and OTB write samples to.
TABLE = "output"

#: SQLite's own limit, as it is built everywhere.
MOST_COLUMNS = 2000

#: geometry_columns.geometry_type of OGR: points, polygons, multipolygons, anything.
_GEOMETRY_TYPES = {"Point": 1, "LineString": 2, "Polygon": 3, "MultiPoint": 4, "MultiLineString": 5, "MultiPolygon": 6}


def write_sqlite(
    path: Path, batches: Iterable[tuple[Sequence[bytes] | None, pa.RecordBatch]], *, crs: str | None
) -> int:
    """Write rows to table `output`; how many those are.

    Args:
        path: of the file.
        batches: (little-endian WKB of each row, or None where rows have no place; the other columns), batch by batch.
        crs: projection of the geometry, e.g. EPSG:2154.

    Raises:
        ConfigError: more columns than SQLite takes, or two whose names differ by case only.
    """
    n = 0
    with replacing(path) as temporary, contextlib.closing(sqlite3.connect(temporary)) as connection:
        insert = ""
        for geometry, batch in batches:
            if not insert:
                insert = _create(connection, batch.schema, crs, geometry, path)
            columns = [column.to_pylist() for column in batch.columns]
            places: list[Sequence[Any]] = [] if geometry is None else [geometry]
            connection.executemany(insert, zip(*places, *([_plain(v) for v in c] for c in columns), strict=True))
            n += batch.num_rows
        connection.commit()
    return n


def _create(
    connection: sqlite3.Connection, schema: pa.Schema, crs: str | None, geometry: Sequence[bytes] | None, path: Path
) -> str:
    """Make the tables; the statement that inserts a row."""
    names = [name.lower() for name in schema.names]
    twice = sorted({name for name in names if names.count(name) > 1 or name in ("ogc_fid", "geometry")})
    if twice:
        raise ConfigError(f"{path.name}: column {twice[0]} would be there twice, as SQLite knows no case of names")
    if len(names) + 2 > MOST_COLUMNS:
        raise ConfigError(
            f"{path.name}: {len(names)} columns, SQLite takes {MOST_COLUMNS - 2}", hint="write .parquet or .gpkg"
        )
    place = [] if geometry is None else ["GEOMETRY BLOB"]
    columns = [f"{_quoted(name)} {_type(field)}" for name, field in zip(names, schema, strict=True)]
    fixed = ["ogc_fid INTEGER PRIMARY KEY", *place, *columns]
    connection.execute(f"CREATE TABLE {TABLE} ({', '.join(fixed)})")
    if geometry is not None:
        _describe_geometry(connection, crs, geometry)
    insertable = [*(["GEOMETRY"] if place else []), *map(_quoted, names)]
    return f"INSERT INTO {TABLE} ({', '.join(insertable)}) VALUES ({', '.join('?' * len(insertable))})"


def _describe_geometry(connection: sqlite3.Connection, crs: str | None, geometry: Sequence[bytes]) -> None:
    """The two tables by which OGR (and QGIS) know that a blob is a geometry, and in which projection."""
    import pyproj
    import shapely

    kinds = {shapely.from_wkb(one).geom_type for one in geometry if one is not None}
    kind = _GEOMETRY_TYPES.get(next(iter(kinds)), 0) if len(kinds) == 1 else 0
    connection.execute(
        "CREATE TABLE geometry_columns (f_table_name VARCHAR, f_geometry_column VARCHAR, geometry_type INTEGER, "
        "coord_dimension INTEGER, srid INTEGER, geometry_format VARCHAR)"
    )
    connection.execute(
        "CREATE TABLE spatial_ref_sys (srid INTEGER UNIQUE, auth_name TEXT, auth_srid TEXT, srtext TEXT)"
    )
    projection = pyproj.CRS.from_user_input(crs) if crs else None
    code = projection.to_epsg() if projection else None
    srid = code if code is not None else -1
    connection.execute("INSERT INTO geometry_columns VALUES (?, ?, ?, 2, ?, 'WKB')", (TABLE, "GEOMETRY", kind, srid))
    if projection is not None:
        row = (srid, "EPSG" if code else None, str(code) if code else None, projection.to_wkt("WKT1_GDAL"))
        connection.execute("INSERT INTO spatial_ref_sys VALUES (?, ?, ?, ?)", row)


def _type(field: pa.Field) -> str:
    import pyarrow.types as kinds

    if kinds.is_integer(field.type) or kinds.is_boolean(field.type):
        return "INTEGER"
    if kinds.is_floating(field.type) or kinds.is_decimal(field.type):
        return "FLOAT"
    return "BLOB" if kinds.is_binary(field.type) else "VARCHAR"


def _plain(cell: Any) -> Any:
    """A cell as SQLite holds it: dates as text, lists and maps as JSON."""
    import json

    if cell is None or isinstance(cell, int | float | str | bytes):
        return cell
    return json.dumps(cell, default=str) if isinstance(cell, list | dict | tuple) else str(cell)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
