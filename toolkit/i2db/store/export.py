"""Samples and tables as files that pandas, geopandas and QGIS read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db.errors import ConfigError
from i2db.files import replacing
from i2db.store.database import Database

if TYPE_CHECKING:
    import pyarrow as pa

#: Formats by suffix: with geometry where the format has one.
SUFFIXES = (".parquet", ".csv", ".gpkg", ".geojson")


def samples(database: Database, *, run: int | None, split: str | None) -> pa.Table:
    """Extracted pixels in wide form: ids, label, position, then a column per feature.

    Args:
        database: of the project.
        run: with a run there is a column for it and for the split; `learn` are the pixels drawn in it.
        split: learn or val; None for both.

    Raises:
        ConfigError: nothing has been extracted, or not the pixels that are asked for.
    """
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
    return table


def write(table: pa.Table, crs: str, path: Path) -> None:
    """Write rows to .parquet (GeoParquet 1.1 where there is a position or geometry), .csv, .gpkg or .geojson.

    Raises:
        ConfigError: the suffix is another one.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{path.name}: cannot write {suffix or 'a file without suffix'}", hint=f"use {', '.join(SUFFIXES)}"
        )
    with replacing(path) as temporary:
        if suffix == ".csv":
            import pyarrow.csv as csv

            plain = table.drop_columns([name for name in ("wkb",) if name in table.column_names])
            csv.write_csv(plain, temporary)
            return
        frame = _frame(table, crs)
        if suffix == ".parquet":
            if frame.__class__.__name__ == "GeoDataFrame":
                frame.to_parquet(
                    temporary, index=False, compression="zstd", write_covering_bbox=True, schema_version="1.1.0"
                )
            else:
                frame.to_parquet(temporary, index=False, compression="zstd")
        elif frame.__class__.__name__ == "GeoDataFrame":
            frame.to_file(temporary, driver="GPKG" if suffix == ".gpkg" else "GeoJSON", layer=path.stem)
        else:
            raise ConfigError(f"{path.name}: these rows have no geometry", hint="write .csv or .parquet")


def _frame(table: pa.Table, crs: str) -> Any:
    """A GeoDataFrame where there is a geometry (column wkb) or a position (x and y), else a DataFrame."""
    import geopandas
    import shapely

    names = table.column_names
    if "wkb" in names:
        geometry = shapely.from_wkb(table["wkb"].to_numpy(zero_copy_only=False))
        return geopandas.GeoDataFrame(table.drop_columns(["wkb"]).to_pandas(), geometry=geometry, crs=crs)
    frame = table.to_pandas()
    if {"x", "y"} <= set(names):
        return geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(frame["x"], frame["y"]), crs=crs)
    return frame
