"""A layer of zones, read some features at a time: its fields and geometries as they are, in the file's order."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from i2db.errors import ConfigError, InputError

#: Features that are held at a time.
BATCH = 50_000

_PARQUET = (".parquet", ".geoparquet")


@dataclass(frozen=True, slots=True)
class ZoneBatch:
    """Some zones: the id of the first (its place in the file), fields, geometries as WKB."""

    first: int
    fields: pa.Table
    wkb: pa.Array


@dataclass(frozen=True, slots=True)
class ZoneLayer:
    """A layer of zones: file, layer in it, projection (WKT), fields, name of the geometry column in Arrow."""

    path: Path
    name: str
    crs: str
    fields: pa.Schema
    geometry: str

    @classmethod
    def open(cls, path: Path, layer: str | None = None) -> ZoneLayer:
        """Look at a layer: any format of OGR, or GeoParquet.

        Raises:
            InputError: the file is missing or unreadable, has no geometry, or does not say its projection.
            ConfigError: it holds several layers, or not the one that is named.
        """
        path = Path(path)
        if not path.exists():
            raise InputError(f"zones {path} does not exist")
        opened = _open_parquet(path) if path.suffix.lower() in _PARQUET else _open_ogr(path, layer)
        if not opened.crs:
            raise InputError(
                f"zones {path} does not say its projection", hint="assign one, e.g. with ogr2ogr -a_srs EPSG:2154"
            )
        return opened

    def batches(self, n: int = BATCH) -> Iterator[ZoneBatch]:
        """The zones in the file's order, at most `n` at a time.

        Raises:
            InputError: the file cannot be read to its end.
        """
        first = 0
        with self._reader(n) as reader:
            try:
                for batch in reader:
                    if not batch.num_rows:
                        continue
                    table = pa.Table.from_batches([batch])
                    column = table[self.geometry].combine_chunks()
                    wkb = column.storage if isinstance(column, pa.ExtensionArray) else column
                    yield ZoneBatch(first, table.select(self.fields.names), wkb)
                    first += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise InputError(f"zones {self.path} cannot be read: {error}") from error

    @contextlib.contextmanager
    def _reader(self, n: int) -> Iterator[Any]:
        if self.path.suffix.lower() in _PARQUET:
            import pyarrow.parquet as pq

            with pq.ParquetFile(self.path) as file:
                yield file.iter_batches(batch_size=n, columns=[*self.fields.names, self.geometry])
            return
        import pyogrio

        with pyogrio.open_arrow(self.path, layer=self.name, batch_size=n, use_pyarrow=True) as (_, reader):
            yield reader


def _open_ogr(path: Path, layer: str | None) -> ZoneLayer:
    import pyogrio

    try:
        layers = {str(name): kind for name, kind in pyogrio.list_layers(path)}
        spatial = [name for name, kind in layers.items() if kind is not None]
        if layer is not None and layer not in layers:
            raise ConfigError(f"zones {path} has no layer {layer}", hint="its layers are " + ", ".join(layers))
        if not spatial or (layer is not None and layer not in spatial):
            raise InputError(f"zones {path} has no geometry")
        if layer is None and len(spatial) > 1:
            raise ConfigError(f"zones {path} holds {len(spatial)} layers", hint=f"--layer {' or '.join(spatial)}")
        name = layer or spatial[0]
        info = pyogrio.read_info(path, layer=name)
        with pyogrio.open_arrow(path, layer=name, batch_size=1, use_pyarrow=True) as (meta, reader):
            schema = reader.schema
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError) as error:
        raise InputError(f"zones {path} cannot be read: {error}") from error
    geometry = meta["geometry_name"] or "wkb_geometry"
    return ZoneLayer(path, name, info["crs"] or "", _without(schema, geometry), geometry)


def _open_parquet(path: Path) -> ZoneLayer:
    import pyarrow.parquet as pq
    import pyproj

    try:
        schema = pq.read_schema(path)
        geo = json.loads((pq.read_metadata(path).metadata or {}).get(b"geo", b"null"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"zones {path} cannot be read: {error}") from error
    if not geo:
        raise InputError(f"zones {path} has no geometry", hint="it is no GeoParquet")
    geometry = geo["primary_column"]
    column = geo["columns"][geometry]
    if column.get("encoding") != "WKB":
        raise InputError(f"zones {path}: geometries in {column.get('encoding')} are not read", hint="write them as WKB")
    # A column that names no projection has degrees, says the format; one that says null has none.
    crs = (
        pyproj.CRS.from_user_input(column.get("crs", "OGC:CRS84")).to_wkt() if column.get("crs", "") is not None else ""
    )
    # Boxes for readers in a hurry are no field of a zone: what is written has boxes of its own.
    box = column.get("covering", {}).get("bbox", {})
    return ZoneLayer(path, path.stem, crs, _without(schema, geometry, *{edge[0] for edge in box.values()}), geometry)


def _without(schema: pa.Schema, *names: str) -> pa.Schema:
    """The fields less some."""
    return pa.schema([field for field in schema if field.name not in names])
