"""Samples, tables and answers as files that pandas, geopandas, QGIS and iota2's consumers read."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db.errors import ConfigError
from i2db.files import replacing
from i2db.report.style import default_palette
from i2db.report.vector_style import Category, Kind, vector_qml
from i2db.store.database import Database, quote_identifier
from i2db.store.places import geometry_columns, has_place, places
from i2db.store.sqlite import write_sqlite
from i2db.store.statement import text_of
from i2db.store.wide import FIXED_COLUMNS

if TYPE_CHECKING:
    import geopandas
    import pyarrow as pa

#: Formats by suffix: with geometry where the format has one.
SUFFIXES = (".parquet", ".csv", ".gpkg", ".geojson", ".sqlite")

#: Formats that only GDAL writes, with a geometry.
_LAYERS = (".gpkg", ".geojson")

#: Rows that are held at a time while a table without geometry is written.
_ROWS_AT_A_TIME = 100_000

#: Columns that a layer is coloured by, the first one that is there: what the map says, then what is true.
_COLORED_BY = ("predicted_code", "majority_code", "class_code", "reference_code")
_COLORED_BY_NAME = ("predicted_name", "class_name", "reference_name")
#: Okabe and Ito's orange and blue: the two sides of a split.
_SPLIT_COLORS = {"learn": (0, 114, 178), "val": (230, 159, 0)}


def samples_query(database: Database, *, run: int | None, split: str | None) -> tuple[str, dict[str, Any]]:
    """The query for extracted pixels in wide form, and its parameters.

    Raises:
        ConfigError: nothing has been extracted, a split without a run, or a split that there is not.
    """
    if split not in (None, "learn", "val"):
        raise ConfigError(f"split {split}: it is learn or val")
    if not any(name == "sample_wide" for _, name, _ in database.table_names()):
        raise ConfigError("nothing is extracted yet", hint="run the chain to its group sampling")
    if run is not None:
        return text_of("export/run_samples"), {"run": run, "split": split}
    if split is not None:
        raise ConfigError("--split needs --run: each run has its own split")
    return text_of("export/all_samples"), {}


def write_samples(database: Database, path: Path, *, run: int | None, split: str | None) -> int:
    """Write extracted pixels in wide form: ids, label, position, then a column per feature; how many those are.

    Args:
        database: of the project.
        path: .parquet (GeoParquet 1.1), .csv, .gpkg, .geojson, or .sqlite with the columns of iota2's learning samples.
        run: with a run there is a column for it and for the split; `learn` are the pixels drawn in it.
        split: learn or val; None for both.

    Raises:
        ConfigError: nothing has been extracted, or not the pixels that are asked for; or the suffix is another one.
    """
    suffix = suffix_of(path)
    query, parameters = samples_query(database, run=run, split=split)
    with database.answering():
        table = database.query(query, parameters).to_arrow_table()
    if table.num_rows == 0:
        asked = [f"{name} {one}" for name, one in (("run", run), ("split", split)) if one is not None]
        raise ConfigError(
            "no pixel was extracted" + (" for " + " and ".join(asked) if asked else ""),
            hint="val pixels are extracted where the ground truth is small, or with arg_train.extraction = 'all'",
        )
    if suffix == ".csv":
        return _write_batches(table.to_reader(_ROWS_AT_A_TIME), path)
    if suffix == ".sqlite":
        return _write_samples_of_iota2(database, table, path)
    return _write_places(database, table, path)


def _write_samples_of_iota2(database: Database, table: pa.Table, path: Path) -> int:
    """Write samples with iota2's columns: geometry, label under the name of its field, originfid, region, features."""
    import pyarrow as pa

    field = label_field(database).lower()
    fixed = {field: table["class_code"], "originfid": table["polygon_id"], "region": table["region"]}
    features = [name for name in table.column_names if name not in (*FIXED_COLUMNS, "run", "split")]
    columns = fixed | {name: table[name] for name in features}
    return _write_sqlite(database, pa.table(columns), path, x=table["x"], y=table["y"])


def label_field(database: Database) -> str:
    """The field of the ground truth that holds the labels (chain.data_field)."""
    rows = database.rows("export/data_field")
    return str(json.loads(rows[0]["setting"])) if rows else "class_code"


def _write_sqlite(database: Database, table: pa.Table, path: Path, *, x: Any, y: Any) -> int:
    """Write rows at x and y, batch by batch."""
    import shapely

    (grid,) = database.rows("export/grid") or [{"crs": None}]

    def batches() -> Iterator[tuple[Sequence[bytes], pa.RecordBatch]]:
        first = 0
        for batch in table.combine_chunks().to_batches(_ROWS_AT_A_TIME):
            rows = slice(first, first + batch.num_rows)
            yield shapely.to_wkb(shapely.points(x.to_numpy()[rows], y.to_numpy()[rows]), byte_order=1).tolist(), batch
            first += batch.num_rows

    return write_sqlite(path, batches(), crs=grid["crs"])


def write_relation(database: Database, name: str, path: Path) -> int:
    """Write a table or view; how many rows it has. See `write_answer`; a layer has no style, only its rows."""
    return write_answer(database, f"FROM {quote_identifier(name)}", path, is_styled=False)


def write_answer(
    database: Database,
    query: str,
    path: Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    is_styled: bool = True,
) -> int:
    """Write what a query returns; how many rows that is.

    .csv and .parquet without a geometry are written as the rows come; lists and maps are JSON text in .csv. Rows with a
    geometry, or a position x and y, become GeoParquet 1.1. In .gpkg, .geojson and .sqlite, rows with a polygon_id or
    a sample_id alone are put where those lie. With `is_styled`, .gpkg and .geojson come with a style for QGIS in the
    classes' colours: in the table layer_styles of the one, in a .qml beside the other.

    Raises:
        ConfigError: DuckDB refuses the query; the suffix is another one, or wants a geometry where there is none.
    """
    suffix = suffix_of(path)
    with database.answering():
        result = database.query(query, parameters)
        columns = {column[0]: column[1].id for column in result.description or ()}
        if suffix in (".csv", ".parquet"):
            is_placed = "geometry" in columns.values() or {"x", "y"} <= set(columns)
            if suffix == ".csv" or not is_placed:
                return _write_batches(_texts(result.to_arrow_reader(_ROWS_AT_A_TIME), suffix), path)
        table = result.to_arrow_table()
    return _write_places(database, table, path, is_styled=is_styled)


def write_geoparquet(database: Database, table: pa.Table, target: Any) -> None:
    """Write rows that have a place as GeoParquet 1.1, with projection and bounding boxes, to a path or binary file."""
    places(database, table).to_parquet(
        target, index=False, compression="zstd", write_covering_bbox=True, schema_version="1.1.0"
    )


def suffix_of(path: Path) -> str:
    """The format of a file, by its suffix; ConfigError if i2db does not write it."""
    suffix = path.suffix.lower()
    if suffix == ".geoparquet":
        return ".parquet"
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{path.name}: cannot write {suffix or 'a file without suffix'}", hint=f"use {', '.join(SUFFIXES)}"
        )
    return suffix


def _texts(rows: pa.RecordBatchReader, suffix: str) -> pa.RecordBatchReader:
    """For .csv: lists and maps as JSON text, geometries left out; other formats take the rows as they are."""
    import pyarrow as pa
    import pyarrow.types as kinds

    if suffix != ".csv":
        return rows
    gone = geometry_columns(rows.schema)
    kept = [field for field in rows.schema if field.name not in gone]
    nested = [field.name for field in kept if kinds.is_nested(field.type)]
    schema = pa.schema([(f.name, pa.string() if f.name in nested else f.type) for f in kept])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            columns = [
                pa.array([_json(cell) for cell in batch[f.name].to_pylist()], pa.string())
                if f.name in nested
                else batch[f.name]
                for f in kept
            ]
            yield pa.record_batch(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _json(cell: Any) -> str | None:
    """A list, or a map (which Arrow gives as pairs), as JSON."""
    if cell is None:
        return None
    if isinstance(cell, list) and cell and all(isinstance(pair, tuple) for pair in cell):
        cell = dict(cell)
    return json.dumps(cell, ensure_ascii=False, default=str)


def _write_batches(rows: pa.RecordBatchReader, path: Path) -> int:
    """Write rows without geometry to .csv or .parquet, some at a time."""
    import pyarrow.csv
    import pyarrow.parquet as pq

    n = 0
    with replacing(path) as temporary:
        is_csv = path.suffix.lower() == ".csv"
        with (
            pyarrow.csv.CSVWriter(temporary, rows.schema)
            if is_csv
            else pq.ParquetWriter(temporary, rows.schema, compression="zstd")
        ) as writer:
            for batch in rows:
                writer.write_batch(batch)
                n += batch.num_rows
    return n


def _write_places(database: Database, table: pa.Table, path: Path, *, is_styled: bool = False) -> int:
    """Write rows that have a place to GeoParquet, a layer of GDAL's, or SQLite."""
    suffix = suffix_of(path)
    if suffix == ".parquet":
        with replacing(path) as temporary:
            write_geoparquet(database, table, temporary)
        return int(table.num_rows)
    if suffix == ".sqlite":
        return _write_any_sqlite(database, table, path)
    frame = _without_nested(places(database, table))
    style = style_of(database, frame)
    with replacing(path) as temporary:
        frame.to_file(temporary, driver="GPKG" if suffix == ".gpkg" else "GeoJSON", layer=path.stem)
        if is_styled and suffix == ".gpkg":
            _add_style(temporary, path.stem, style)
    if is_styled and suffix == ".geojson":
        with replacing(path.with_suffix(".qml")) as temporary:
            temporary.write_text(style, encoding="utf-8")
    return int(table.num_rows)


def _write_any_sqlite(database: Database, table: pa.Table, path: Path) -> int:
    """Write any rows to table `output`: with their geometry where they have one."""
    import pyarrow as pa
    import shapely

    if not has_place(table.schema):
        batches = ((None, batch) for batch in table.to_batches(_ROWS_AT_A_TIME))
        return write_sqlite(path, batches, crs=None)
    frame = places(database, table)
    wkb = shapely.to_wkb(frame.geometry.to_numpy(), byte_order=1, flavor="iso")
    plain = pa.Table.from_pandas(frame.drop(columns=frame.geometry.name), preserve_index=False)
    (batch,) = plain.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=plain.schema)]
    return write_sqlite(path, [(wkb.tolist(), batch)], crs=frame.crs.to_string() if frame.crs else None)


def _without_nested(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Lists and maps as JSON text, which a layer of GDAL's can hold."""
    import numpy as np

    for name in frame.columns.drop(frame.geometry.name):
        nested = [isinstance(cell, list | dict | np.ndarray) for cell in frame[name]]
        if any(nested):
            frame[name] = [_json(cell.tolist() if isinstance(cell, np.ndarray) else cell) for cell in frame[name]]
    return frame


def style_of(database: Database, frame: geopandas.GeoDataFrame) -> str:
    """The QGIS style of a layer: coloured by the class that the map says, or else the true one, or else the split."""
    rows = database.rows("export/colors")
    spare = default_palette(int(row["class_code"]) for row in rows)
    classes = [
        (
            int(row["class_code"]),
            str(row["class_name"]),
            (row["red"], row["green"], row["blue"]) if row["red"] is not None else spare[int(row["class_code"])],
        )
        for row in rows
    ]
    kind = _kind_of(frame)
    for field in _COLORED_BY:
        if field in frame.columns:
            held = set(frame[field].dropna().astype(int))
            return vector_qml(kind, field, [Category(code, name, c) for code, name, c in classes if code in held])
    for field in _COLORED_BY_NAME:
        if field in frame.columns:
            held = set(frame[field].dropna())
            return vector_qml(kind, field, [Category(name, name, c) for _, name, c in classes if name in held])
    if "split" in frame.columns:
        held = set(frame["split"].dropna())
        return vector_qml(kind, "split", [Category(s, s, c) for s, c in _SPLIT_COLORS.items() if s in held])
    return vector_qml(kind, None, [])


def _kind_of(frame: geopandas.GeoDataFrame) -> Kind:
    kinds = set(frame.geometry.geom_type.dropna())
    if any("Polygon" in kind for kind in kinds):
        return "polygon"
    return "line" if any("Line" in kind for kind in kinds) else "point"


def _add_style(path: Path, layer: str, style: str) -> None:
    """Put a style into a GeoPackage, where QGIS finds it: it is the layer's default one."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
            "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), "
            "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME DEFAULT CURRENT_TIMESTAMP)"
        )
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', "
            "'layer_styles')"
        )
        (column,) = connection.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()
        connection.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, ?, 'classes', ?, '', 1, "
            "'Made by i2db.', '')",
            (layer, column, style),
        )
