"""Where rows are: the geometry they carry, or that of the polygon or pixel they speak of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from i2db.errors import ConfigError
from i2db.store.database import Database

if TYPE_CHECKING:
    import geopandas

#: How Arrow marks what comes from a geometry column.
_GEOMETRY_MARK = b"geoarrow.wkb"


def geometry_columns(schema: pa.Schema) -> list[str]:
    """Names of the columns that hold a geometry as WKB."""
    return [field.name for field in schema if (field.metadata or {}).get(b"ARROW:extension:name") == _GEOMETRY_MARK]


def has_place(schema: pa.Schema) -> bool:
    """Whether rows can be shown on a map: a geometry, a polygon_id, a sample_id, or x and y."""
    names = set(schema.names)
    return bool(geometry_columns(schema)) or bool(names & {"polygon_id", "sample_id"}) or {"x", "y"} <= names


def places(database: Database, table: pa.Table) -> geopandas.GeoDataFrame:
    """Rows with the geometry that says where they are, in the project's projection.

    It is the first geometry column if there is one (further ones become text), else the pixel of a sample_id (its
    centre), else the polygon of a polygon_id, else the point at x and y.

    Raises:
        ConfigError: the rows have none of them.
    """
    import geopandas
    import shapely

    (grid,) = database.rows("export/grid") or [{"crs": None}]
    found = geometry_columns(table.schema)
    names = table.column_names
    crs = grid["crs"]
    if found:
        geometry = shapely.from_wkb(table[found[0]].to_numpy(zero_copy_only=False))
        crs = _projection_of(table.schema.field(found[0])) or crs
        table = _other_geometries_as_text(table.drop_columns([found[0]]), found[1:])
    elif "sample_id" in names:
        geometry = _looked_up(database, "export/sample_places", table["sample_id"])
    elif "polygon_id" in names:
        geometry = _looked_up(database, "export/polygon_places", table["polygon_id"])
    elif {"x", "y"} <= set(names):
        geometry = shapely.points(*(table[name].to_numpy(zero_copy_only=False).astype(float) for name in ("x", "y")))
    else:
        raise ConfigError(
            "these rows have no geometry",
            hint="write .csv or .parquet; or select geom, polygon_id, sample_id, or x and y as well",
        )
    return geopandas.GeoDataFrame(table.to_pandas(), geometry=geometry, crs=crs)


def _looked_up(database: Database, name: str, ids: pa.ChunkedArray) -> Any:
    """The geometry of each id (None where there is none), by a statement that gives (id, wkb), ascending."""
    import numpy as np
    import shapely

    wanted = ids.unique().drop_null().to_pylist()
    known = database.arrow(name, ids=wanted)
    if known.num_rows == 0:
        return np.full(len(ids), None, dtype=object)
    keys = known["id"].to_numpy()
    shapes = shapely.from_wkb(known["wkb"].to_numpy(zero_copy_only=False))
    numbers = ids.fill_null(np.iinfo(np.int64).min).to_numpy().astype(np.int64)
    place = np.minimum(np.searchsorted(keys, numbers), len(keys) - 1)
    return np.where(keys[place] == numbers, shapes[place], None)


def _other_geometries_as_text(table: pa.Table, names: list[str]) -> pa.Table:
    import shapely

    for name in names:
        shapes = shapely.from_wkb(table[name].to_numpy(zero_copy_only=False))
        table = table.set_column(
            table.column_names.index(name), name, pa.array(shapely.to_wkt(shapes, rounding_precision=-1), pa.string())
        )
    return table


def _projection_of(field: pa.Field) -> str | None:
    """The projection that a geometry column carries: authority and code where it has them, else PROJJSON."""
    import pyproj

    crs = json.loads((field.metadata or {}).get(b"ARROW:extension:metadata", b"{}")).get("crs")
    if crs is None:
        return None
    projection = pyproj.CRS.from_user_input(crs)
    authority = projection.to_authority()
    return ":".join(authority) if authority else projection.to_json()
