"""Reading a layer of polygons or points: any OGR file, GeoParquet or CSV, in the project's projection."""

from __future__ import annotations

import difflib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.projection import spoken
from i2db.vector.points import read_point_table

if TYPE_CHECKING:
    import geopandas


def read_layer(
    path: Path, what: str, table_crs: str | None = None, *, layer: str | None = None
) -> geopandas.GeoDataFrame:
    """Read a vector file; its feature ids are the index (shapefiles count from 0, GeoPackages from 1).

    Args:
        path: any file that GDAL reads, GeoParquet, or a CSV file of points.
        what: its name in messages.
        table_crs: projection of the coordinates of a CSV file; None for longitude and latitude.
        layer: the layer that is read where the file has it; otherwise it is the first.

    Raises:
        InputError: the file is missing or unreadable, or does not say its projection.
    """
    import geopandas
    import pyogrio

    if not path.exists():
        raise InputError(f"{what} {path} does not exist")
    if path.suffix.lower() == ".csv":
        return read_point_table(path, what, table_crs)
    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            frame = geopandas.read_parquet(path)
        else:
            chosen = layer if layer is not None and layer in pyogrio.list_layers(path)[:, 0] else None
            frame = pyogrio.read_dataframe(path, fid_as_index=True, layer=chosen)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError) as error:
        raise InputError(f"{what} {path} cannot be read: {error}") from error
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise InputError(f"{what} {path} has no geometry")
    if frame.crs is None:
        raise InputError(
            f"{what} {path} does not say its projection", hint="assign one, e.g. with ogr2ogr -a_srs EPSG:2154"
        )
    if frame.crs.is_geographic and len(frame) and np.abs(frame.total_bounds).max() > 360:
        raise InputError(
            f"{what} {path} says degrees ({frame.crs.to_string()}) and holds metres",
            hint="its projection was lost (GeoParquet without one counts as degrees): assign the right one",
        )
    return frame


def column(frame: Any, name: str, path: Path, key: str) -> Any:
    """A column by name, whatever its case.

    Raises:
        InputError: there is none; the message names those there are.
    """
    names = [str(c) for c in frame.columns if c != frame.geometry.name]
    if name in names:
        return frame[name]
    for other in names:
        if other.lower() == name.lower():
            return frame[other]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "its fields are: " + ", ".join(names)
    raise InputError(f"{path} has no field {name} ({key})", hint=hint)


def to_projection(frame: Any, crs: str, path: Path, subject: str) -> tuple[Any, list[Finding]]:
    """The layer in the project's projection, and a note where it had another."""
    import pyproj

    if frame.crs == pyproj.CRS.from_user_input(crs):
        return frame, []
    # Axis order and datum aliases may differ where the projection is the same: then nothing moves.
    source = frame.crs.to_string()
    note = Finding(
        severity="note",
        subject=subject,
        item=path.name,
        message=f"is in {source}, the project in {spoken(crs)}",
        remedy="reprojected vertex by vertex",
    )
    return frame.to_crs(crs), [note]


def repair(frame: Any, ids: Any, subject: str) -> tuple[Any, list[Finding]]:
    """Only valid polygons: empty and foreign geometries are left out, invalid ones repaired; all are told."""
    import shapely

    findings: list[Finding] = []
    geometry = frame.geometry.to_numpy()
    keep = np.ones(len(frame), dtype=bool)
    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    is_polygon = np.isin(shapely.get_type_id(geometry), (3, 6))
    for i in np.flatnonzero(missing):
        keep[i] = False
        findings.append(_finding(subject, ids[i], "has no geometry", "left out"))
    for i in np.flatnonzero(~missing & ~is_polygon):
        keep[i] = False
        findings.append(_finding(subject, ids[i], f"is a {geometry[i].geom_type}, not a polygon", "left out", "error"))
    invalid = ~missing & is_polygon & ~shapely.is_valid(geometry)
    for i in np.flatnonzero(invalid):
        reason = shapely.is_valid_reason(geometry[i])
        mended = polygonal(shapely.make_valid(geometry[i]))
        if mended is None:
            keep[i] = False
            findings.append(_finding(subject, ids[i], f"is invalid ({reason})", "left out: nothing remains of it"))
        else:
            geometry[i] = mended
            findings.append(_finding(subject, ids[i], f"is invalid ({reason})", "repaired in memory"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        repaired = frame.set_geometry(geometry, crs=frame.crs)
    return repaired[keep], findings


def polygonal(geometry: Any) -> Any:
    """The polygons of a geometry as one, or None."""
    import shapely

    parts = [part for part in shapely.get_parts(geometry, return_index=False) if part.geom_type.endswith("Polygon")]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _finding(subject: str, item: object, message: str, remedy: str, severity: str = "warning") -> Finding:
    return Finding(
        severity="error" if severity == "error" else "warning",
        subject=subject,
        item=str(item),
        message=message,
        remedy=remedy,
    )
