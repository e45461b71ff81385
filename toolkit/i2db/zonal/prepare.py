"""Zones brought to the grids of the rasters: repaired, reprojected, in pixels, sorted so that neighbours meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.raster.grid import Window
from i2db.store.database import Database
from i2db.vector.layer import polygonal
from i2db.zonal.rasters import Frame
from i2db.zonal.zones import ZoneBatch, ZoneLayer

#: Side of the squares (in pixels) by which zones are sorted, and in which it is noted whether there are any.
SIDE = 256
#: Zones that are read together.
_ROW_GROUP = 4096
#: Zones that a note names.
_NAMED = 5

ZONE_SCHEMA = pa.schema(
    [
        ("zone_id", pa.int64()),
        ("wkb", pa.binary()),
        ("column_start", pa.int32()),
        ("column_end", pa.int32()),
        ("row_start", pa.int32()),
        ("row_end", pa.int32()),
    ]
)


@dataclass(slots=True)
class Noted:
    """Zones of one kind: how many, and the ids of the first."""

    n: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, ids: Sequence[int] | NDArray[np.int64]) -> None:
        """Note some zones."""
        self.n += len(ids)
        self.first += [int(i) for i in ids[: _NAMED - len(self.first)]]

    def told(self, what: str) -> list[str]:
        """A sentence for a person, if there are any; `what` follows the number of zones."""
        if not self.n:
            return []
        names = ", ".join(map(str, self.first)) + (", ..." if self.n > len(self.first) else "")
        return [f"{self.n} zone{'s' if self.n > 1 else ''} {what} (place in the file, from 0: {names})"]


@dataclass(slots=True)
class Report:
    """What was found out about the zones on the way."""

    n_zones: int = 0
    geometry_types: set[str] = field(default_factory=set)
    missing: Noted = field(default_factory=Noted)
    foreign: Noted = field(default_factory=Noted)
    repaired: Noted = field(default_factory=Noted)
    unplaced: Noted = field(default_factory=Noted)
    outside: Noted = field(default_factory=Noted)
    reprojected: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PreparedZones:
    """Zones on one grid: their file (ZONE_SCHEMA, coordinates in pixels), and which squares have some."""

    path: Path
    is_occupied: NDArray[np.bool_]

    def touches(self, window: Window) -> bool:
        """Whether a zone may lie in a window."""
        rows = slice(window.row // SIDE, (window.row_end - 1) // SIDE + 1)
        columns = slice(window.column // SIDE, (window.column_end - 1) // SIDE + 1)
        return bool(self.is_occupied[rows, columns].any())


def prepare(
    layer: ZoneLayer, frames: Sequence[Frame], folder: Path, database: Database, *, are_points: bool
) -> tuple[list[PreparedZones], Report]:
    """Bring zones to each of some grids; files go to `folder`.

    Zones without geometry, of another kind, or outside of the rasters are left out and reported; invalid polygons are
    repaired in memory.

    Raises:
        InputError: no zone at all can be used, or the layer says degrees and holds metres.
    """
    report = Report()
    places = [_Placer(layer, frame, folder / f"zones-{i}-unsorted.parquet") for i, frame in enumerate(frames)]
    report.reprojected = sorted({place.note for place in places if place.note})
    try:
        for batch in layer.batches():
            ids, geometry = _usable(batch, layer, report, are_points=are_points)
            is_inside = np.zeros(len(ids), dtype=bool)
            is_placed = np.zeros(len(ids), dtype=bool)
            for place in places:
                found, inside = place.add(ids, geometry)
                is_placed |= found
                is_inside |= inside
            report.unplaced.add(ids[~is_placed])
            report.outside.add(ids[is_placed & ~is_inside])
    finally:
        for place in places:
            place.close()
    n_unusable = report.missing.n + report.foreign.n
    if report.n_zones == n_unusable:
        wanted = "point" if are_points else "polygon"
        kinds = ", ".join(sorted(report.geometry_types)) or "nothing"
        hint = "for points ask for val" if report.geometry_types == {"Point"} else None
        raise InputError(f"zones {layer.path} holds no {wanted} (but {kinds})", hint=hint)
    prepared = []
    for i, place in enumerate(places):
        target = folder / f"zones-{i}.parquet"
        rows = database.batches("zonal/sort_zones", _ROW_GROUP, files=[str(place.path)], side=SIDE)
        with pq.ParquetWriter(target, ZONE_SCHEMA, compression="zstd", write_statistics=True) as writer:
            for rows_batch in rows:
                writer.write_batch(rows_batch.cast(ZONE_SCHEMA), row_group_size=_ROW_GROUP)
        place.path.unlink()
        prepared.append(PreparedZones(target, place.occupied()))
    return prepared, report


def _usable(
    batch: ZoneBatch, layer: ZoneLayer, report: Report, *, are_points: bool
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Ids and geometries (shapely) of the zones that can be used; the others are reported."""
    import shapely

    try:
        geometry = shapely.from_wkb(batch.wkb.to_numpy(zero_copy_only=False))
    except shapely.errors.ShapelyError as error:
        raise InputError(f"zones {layer.path}: a geometry cannot be read: {error}") from error
    ids = np.arange(batch.first, batch.first + len(geometry), dtype=np.int64)
    report.n_zones += len(geometry)
    is_missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    kinds = shapely.get_type_id(geometry)
    report.geometry_types |= {geometry[np.flatnonzero(kinds == k)[0]].geom_type for k in np.unique(kinds[kinds >= 0])}
    if are_points:
        # A multipoint of one point is a point.
        is_single = (kinds == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(geometry) == 1)
        geometry = np.where(is_single, shapely.get_geometry(geometry, 0), geometry)
        fits = (kinds == shapely.GeometryType.POINT) | is_single
    else:
        fits = np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    report.missing.add(ids[is_missing])
    report.foreign.add(ids[~is_missing & ~fits])
    keep = ~is_missing & fits
    ids, geometry = ids[keep], shapely.force_2d(geometry[keep])
    if not are_points:
        for i in np.flatnonzero(~shapely.is_valid(geometry)):
            report.repaired.add(ids[i : i + 1])
            mended = polygonal(shapely.make_valid(geometry[i]))
            geometry[i] = shapely.Polygon() if mended is None else mended
    return ids, geometry


class _Placer:
    """Brings zones to one grid, batch by batch, into a file."""

    def __init__(self, layer: ZoneLayer, frame: Frame, path: Path) -> None:
        import pyproj

        self.frame, self.path, self.note = frame, path, ""
        source, target = pyproj.CRS.from_user_input(layer.crs), pyproj.CRS.from_user_input(frame.crs)
        self._layer = layer.path
        self._has_degrees = source.is_geographic
        self._transformer = None
        if not source.equals(target, ignore_axis_order=True):
            self._transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
            self.note = f"zones are in {_named(source)}, the raster in {_named(target)}: reprojected vertex by vertex"
        self._writer = pq.ParquetWriter(path, ZONE_SCHEMA)
        self._corners = np.zeros((-(-frame.n_rows // SIDE) + 1, -(-frame.n_columns // SIDE) + 1), dtype=np.int64)

    def add(self, ids: NDArray[np.int64], geometry: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Bring in some zones; which of them could be placed, and which lie in the grid at least partly."""
        import shapely

        if self._has_degrees and len(geometry):
            bounds = shapely.total_bounds(geometry)
            if np.abs(bounds).max() > 360:
                raise InputError(
                    f"zones {self._layer} says degrees and holds metres",
                    hint="its projection was lost (GeoParquet without one counts as degrees): assign the right one",
                )
        pixels = shapely.transform(geometry, self._to_pixels)
        west, north, east, south = shapely.bounds(pixels).T
        is_placed = np.isfinite(west) & np.isfinite(north) & np.isfinite(east) & np.isfinite(south)
        width, height = self.frame.n_columns, self.frame.n_rows
        is_inside = is_placed & (west < width) & (north < height) & (east >= 0) & (south >= 0)
        start = [np.clip(np.floor(edge[is_inside]), 0, None).astype(np.int32) for edge in (west, north)]
        end = [
            np.clip(np.floor(edge[is_inside]) + 1, None, size).astype(np.int32)
            for edge, size in ((east, width), (south, height))
        ]
        columns = [pa.array(ids[is_inside]), pa.array(shapely.to_wkb(pixels[is_inside]), pa.binary())]
        self._writer.write_table(
            pa.table([*columns, *map(pa.array, (start[0], end[0], start[1], end[1]))], schema=ZONE_SCHEMA)
        )
        # Corners of boxes; their sums from the north-west are the number of boxes over a square.
        first_column, first_row = start[0] // SIDE, start[1] // SIDE
        end_column, end_row = (end[0] - 1) // SIDE + 1, (end[1] - 1) // SIDE + 1
        for row, column, change in (
            (first_row, first_column, 1),
            (first_row, end_column, -1),
            (end_row, first_column, -1),
            (end_row, end_column, 1),
        ):
            np.add.at(self._corners, (row, column), change)
        return is_placed, is_inside

    def _to_pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = points[:, 0], points[:, 1]
        if self._transformer is not None:
            x, y = self._transformer.transform(x, y)
        return np.column_stack(self.frame.place(np.asarray(x), np.asarray(y)))

    def occupied(self) -> NDArray[np.bool_]:
        """Per square (rows, columns) whether a zone's box lies over it."""
        return np.asarray(self._corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


def _named(crs: Any) -> str:
    """A projection as a person knows it: by authority and code, else by name."""
    # Looking for an authority that it does not name itself takes seconds.
    named = crs.to_json_dict().get("id")
    return f"{named['authority']}:{named['code']}" if named else str(crs.name)
