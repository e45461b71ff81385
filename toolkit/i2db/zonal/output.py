"""Writing zones with their statistics, some at a time, in the format that the suffix of the file says."""

from __future__ import annotations

import json
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from i2db.errors import ConfigError, I2dbError, StageError
from i2db.files import check_writable, disk_full, replacing, write_whole
from i2db.vector.shapefile import replacing_shapefile
from i2db.zonal.zones import ZoneLayer

#: Drivers of OGR by suffix; .parquet and .csv are written without.
_DRIVERS = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON", ".sqlite": "SQLite"}
SUFFIXES = (".parquet", *_DRIVERS, ".csv")

#: Bytes of a field name in a shapefile.
_SHORT = 10
#: Names that a format has for itself.
_RESERVED = {".gpkg": ("fid", "geom"), ".sqlite": ("ogc_fid", "geometry"), ".parquet": ("geometry",)}
_GEOMETRY_NAMES = {".gpkg": "geom", ".sqlite": "GEOMETRY", ".parquet": "geometry"}


@dataclass(frozen=True, slots=True)
class Output:
    """A file to be written: its path, and the name in it of each field, the zones' own and the new ones.

    `renamed` has pairs (what it is, what it is called in the file) of those that had to be renamed.
    """

    path: Path
    names: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]

    @classmethod
    def plan(cls, path: Path, fields: Sequence[str]) -> Output:
        """Names for the fields that the format can have, all different whatever their case."""
        suffix = path.suffix.lower()
        names = unique_names(fields, _RESERVED.get(suffix, ()), _SHORT if suffix == ".shp" else None)
        renamed = tuple((field, name) for field, name in zip(fields, names, strict=True) if field != name)
        return cls(path, tuple(names), renamed)


def check_output(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse a file that cannot be written, or that must not be replaced.

    Raises:
        ConfigError: a suffix without format, an input, a folder, a file with other layers, or a folder that cannot be
            written to.
    """
    import pyogrio

    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"{path.name}: cannot write {suffix or 'a file without suffix'}", hint=f"use {', '.join(SUFFIXES)}"
        )
    if path.is_dir():
        raise ConfigError(f"{path} is a folder")
    check_writable(path.parent)
    if not path.exists():
        return
    if any(other.exists() and path.samefile(other) for other in inputs):
        raise ConfigError(f"{path} is an input: it is never changed", hint="name another file with -o")
    if suffix in (".gpkg", ".sqlite"):
        try:
            others = [str(name) for name, _ in pyogrio.list_layers(path) if name != path.stem]
        except pyogrio.errors.DataSourceError:
            others = []
        if others:
            raise ConfigError(
                f"{path} holds other layers ({', '.join(others)}), which would be lost",
                hint="name a file of its own with -o",
            )


def unique_names(fields: Sequence[str], reserved: Sequence[str] = (), length: int | None = None) -> list[str]:
    """Names that differ whatever their case; with a length they are ASCII, and cut to so many characters."""
    used = {name.lower() for name in reserved}
    names = []
    for field in fields:
        name = field if length is None else (_ascii(field)[:length] or "field")
        base, n = name, 1
        while name.lower() in used:
            n += 1
            name = (base if length is None else base[: length - len(f"_{n}")]) + f"_{n}"
        used.add(name.lower())
        names.append(name)
    return names


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(mark if mark.isalnum() else "_" for mark in plain)


def write(
    output: Output, layer: ZoneLayer, geometry_types: set[str], schema: pa.Schema, rows: Iterator[pa.RecordBatch]
) -> list[str]:
    """Write rows (the fields of `schema`, the last of which is the geometry as WKB); what the format's driver remarked.

    A shapefile gets `NAME.fields.csv` beside it, where names are cut: which field is what.
    """
    suffix = output.path.suffix.lower()
    if suffix == ".parquet":
        with replacing(output.path) as temporary:
            _write_parquet(temporary, layer, geometry_types, schema, rows)
        return []
    if suffix == ".csv":
        with replacing(output.path) as temporary:
            _write_csv(temporary, schema, rows)
        return []
    if suffix == ".shp":
        return _write_shapefile(output, layer, geometry_types, schema, rows)
    with replacing(output.path) as temporary:
        return _write_ogr(temporary, output.path, layer, geometry_types, schema, rows)


def _write_parquet(
    path: Path, layer: ZoneLayer, geometry_types: set[str], schema: pa.Schema, rows: Iterator[pa.RecordBatch]
) -> None:
    """GeoParquet 1.1, with a box of each zone so that readers can pass over what lies elsewhere."""
    import numpy as np
    import pyarrow.parquet as pq
    import pyproj
    import shapely

    edges = ("xmin", "ymin", "xmax", "ymax")
    box = pa.struct([(edge, pa.float64()) for edge in edges])
    box_name = unique_names(["bbox"], schema.names)[0]
    whole: list[Any] = []
    with pq.ParquetWriter(path, schema.append(pa.field(box_name, box)), compression="zstd") as writer:
        for batch in rows:
            bounds = shapely.bounds(
                shapely.from_wkb(batch.column(batch.num_columns - 1).to_numpy(zero_copy_only=False))
            )
            known = bounds[np.isfinite(bounds).all(axis=1)]
            if len(known):
                whole.append([*known[:, :2].min(axis=0), *known[:, 2:].max(axis=0)])
            boxes = pa.StructArray.from_arrays([pa.array(column) for column in bounds.T], list(edges))
            writer.write_batch(pa.record_batch([*batch.columns, boxes], schema=schema.append(pa.field(box_name, box))))
        name = schema.names[-1]
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": sorted(geometry_types),
            "crs": pyproj.CRS.from_user_input(layer.crs).to_json_dict(),
            "covering": {"bbox": {edge: [box_name, edge] for edge in edges}},
        }
        if whole:
            total = np.array(whole)
            column["bbox"] = [float(n) for n in (*total[:, :2].min(axis=0), *total[:, 2:].max(axis=0))]
        geo = {"version": "1.1.0", "primary_column": name, "columns": {name: column}}
        writer.add_key_value_metadata({"geo": json.dumps(geo)})


def _write_csv(path: Path, schema: pa.Schema, rows: Iterator[pa.RecordBatch]) -> None:
    import pyarrow.csv

    plain = pa.schema(list(_flat_schema(schema))[:-1])
    with pyarrow.csv.CSVWriter(path, plain) as writer:
        for batch in rows:
            writer.write_batch(pa.record_batch(_flat(batch)[:-1], schema=plain))


def _write_ogr(
    temporary: Path,
    path: Path,
    layer: ZoneLayer,
    geometry_types: set[str],
    schema: pa.Schema,
    rows: Iterator[pa.RecordBatch],
) -> list[str]:
    """Through OGR's reading of Arrow streams; errors of the rows come back as they were raised."""
    import pyogrio

    suffix = path.suffix.lower()
    failed: list[Exception] = []
    flat = _flat_schema(schema)

    def stream() -> Iterator[pa.RecordBatch]:
        try:
            for batch in rows:
                yield pa.record_batch(_flat(batch), schema=flat)
        except (I2dbError, OSError) as error:
            failed.append(error)
            raise

    try:
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            pyogrio.write_arrow(
                pa.RecordBatchReader.from_batches(flat, stream()),
                temporary,
                layer=path.stem,
                driver=_DRIVERS[suffix],
                geometry_name=schema.names[-1],
                geometry_type=_geometry_type(geometry_types, suffix),
                crs=layer.crs,
                encoding="UTF-8" if suffix == ".shp" else None,
                # GeoJSON tells a projection by its code alone; without one, degrees are the only thing it can say.
                **({"RFC7946": "YES"} if suffix == ".geojson" and not _has_code(layer.crs) else {}),
                **({"GEOMETRY_NAME": _GEOMETRY_NAMES[suffix]} if suffix in _GEOMETRY_NAMES else {}),
            )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError, pa.ArrowException) as error:
        if failed:
            raise failed[0] from error
        if "disk" in str(error).lower() or "space" in str(error).lower():
            raise disk_full(path, str(error)) from error
        raise StageError(f"{path} could not be written: {error}") from error
    return sorted({str(remark.message) for remark in remarks})


def _write_shapefile(
    output: Output, layer: ZoneLayer, geometry_types: set[str], schema: pa.Schema, rows: Iterator[pa.RecordBatch]
) -> list[str]:
    """A shapefile is several files: they are written apart and moved together, the one that names them last."""
    path = output.path
    table = path.with_name(f"{path.stem}.fields.csv")
    with replacing_shapefile(path) as temporary:
        remarks = _write_ogr(temporary, path, layer, geometry_types, schema, rows)
        if output.renamed:
            lines = [
                "field,meaning",
                *(f'{name},"{field.replace(chr(34), chr(34) * 2)}"' for field, name in output.renamed),
            ]
            write_whole(table, "\n".join(lines) + "\n")
        else:
            table.unlink(missing_ok=True)
    return remarks


def _has_code(crs: str) -> bool:
    import pyproj

    return "id" in pyproj.CRS.from_user_input(crs).to_json_dict()


def _geometry_type(found: set[str], suffix: str) -> str:
    """The type of a layer: that of its geometries where they have one; in a shapefile a polygon may have parts."""
    if suffix == ".shp":
        flat = {kind.removeprefix("Multi") for kind in found}
        return flat.pop() if len(flat) == 1 else "Unknown"
    return next(iter(found)) if len(found) == 1 else "Unknown"


def _flat_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with lists and structures as text, for formats that have none; the geometry, last, says what it is."""
    fields = [pa.field(f.name, pa.string() if pa.types.is_nested(f.type) else f.type) for f in list(schema)[:-1]]
    geometry = pa.field(schema.names[-1], pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    return pa.schema([*fields, geometry])


def _flat(batch: pa.RecordBatch) -> list[pa.Array]:
    return [
        pa.array([None if cell is None else json.dumps(cell, default=str) for cell in column.to_pylist()], pa.string())
        if pa.types.is_nested(column.type)
        else column
        for column in batch.columns
    ]
