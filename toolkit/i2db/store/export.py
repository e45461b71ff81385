"""Samples and tables as files that pandas, geopandas and QGIS read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from i2db.errors import ConfigError
from i2db.files import replacing
from i2db.store.database import Database, quote_identifier

if TYPE_CHECKING:
    import geopandas
    import pyarrow as pa

#: Formats by suffix: with geometry where the format has one.
SUFFIXES = (".parquet", ".csv", ".gpkg", ".geojson")

#: Rows that are held at a time while a table without geometry is written.
_ROWS_AT_A_TIME = 100_000

#: Types of columns that a CSV holds as JSON text.
_NESTED = frozenset({"list", "array", "map", "struct", "union"})


def write_samples(database: Database, path: Path, *, run: int | None, split: str | None) -> int:
    """Write extracted pixels in wide form: ids, label, position, then a column per feature; how many those are.

    Args:
        database: of the project.
        path: .parquet (GeoParquet 1.1), .csv, .gpkg or .geojson.
        run: with a run there is a column for it and for the split; `learn` are the pixels drawn in it.
        split: learn or val; None for both.

    Raises:
        ConfigError: nothing has been extracted, or not the pixels that are asked for; or the suffix is another one.
    """
    suffix = _suffix(path)
    if not any(name == "sample_wide" for _, name, _ in database.table_names()):
        raise ConfigError("nothing is extracted yet", hint="run the chain to its group sampling")
    if run is None:
        if split is not None:
            raise ConfigError("--split needs --run: each run has its own split")
        table = database.arrow("export/all_samples")
    else:
        table = database.arrow("export/run_samples", run=run, split=split)
    if table.num_rows == 0:
        raise ConfigError(
            f"no extracted pixel with run {run} and split {split}",
            hint="val pixels are extracted where the ground truth is small, or with arg_train.extraction = 'all'",
        )
    if suffix == ".csv":
        return _write_batches(table.to_reader(_ROWS_AT_A_TIME), path)
    return _write_places(database, table, path)


def write_relation(database: Database, name: str, path: Path) -> int:
    """Write a table or view; how many rows it has.

    With a geometry, or a position x and y, it becomes GeoParquet 1.1, .gpkg or .geojson. Otherwise, and in .csv, the
    rows are written as they come from the database; lists and maps are JSON text in .csv.

    Raises:
        ConfigError: the suffix is another one, or one that wants a geometry where there is none.
    """
    suffix = _suffix(path)
    quoted = quote_identifier(name)
    columns = {column[0]: column[1].id for column in database.query(f"FROM {quoted} LIMIT 0").description or ()}
    exclude = " EXCLUDE (geom)" if "geom" in columns else ""
    if suffix != ".csv" and ("geom" in columns or {"x", "y"} <= set(columns)):
        wkb = ", ST_AsWKB(geom) AS wkb" if exclude else ""
        with database.answering():
            table = database.query(f"SELECT *{exclude}{wkb} FROM {quoted}").to_arrow_table()
        return _write_places(database, table, path)
    if suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{path.name}: these rows have no geometry", hint="write .csv or .parquet")
    nested = [quote_identifier(column) for column, kind in columns.items() if kind in _NESTED and suffix == ".csv"]
    texts = ", ".join(f"to_json({column})::VARCHAR AS {column}" for column in nested)
    replace = f" REPLACE ({texts})" if nested else ""
    with database.answering():
        rows = database.query(f"SELECT *{exclude}{replace} FROM {quoted}")
        return _write_batches(rows.to_arrow_reader(_ROWS_AT_A_TIME), path)


def _suffix(path: Path) -> str:
    """The format of a file, by its suffix."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{path.name}: cannot write {suffix or 'a file without suffix'}", hint=f"use {', '.join(SUFFIXES)}"
        )
    return suffix


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


def _write_places(database: Database, table: pa.Table, path: Path) -> int:
    """Write rows with a geometry (column wkb) or a position (x and y) to .parquet (GeoParquet), .gpkg or .geojson."""
    (grid,) = database.rows("export/grid") or [{"crs": None}]
    frame = _frame(table, grid["crs"])
    suffix = path.suffix.lower()
    with replacing(path) as temporary:
        if suffix == ".parquet":
            frame.to_parquet(
                temporary, index=False, compression="zstd", write_covering_bbox=True, schema_version="1.1.0"
            )
        else:
            frame.to_file(temporary, driver="GPKG" if suffix == ".gpkg" else "GeoJSON", layer=path.stem)
    return int(table.num_rows)


def _frame(table: pa.Table, crs: str | None) -> geopandas.GeoDataFrame:
    """The rows with their geometry, or with points at x and y."""
    import geopandas
    import shapely

    if "wkb" in table.column_names:
        geometry = shapely.from_wkb(table["wkb"].to_numpy(zero_copy_only=False))
        return geopandas.GeoDataFrame(table.drop_columns(["wkb"]).to_pandas(), geometry=geometry, crs=crs)
    frame = table.to_pandas()
    return geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(frame["x"], frame["y"]), crs=crs)
