"""Polygons as flat arrays of vertices, as the compiled kernels want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError


@dataclass(frozen=True, slots=True)
class Rings:
    """Polygons as flat arrays; coordinates in map units.

    `ring_starts` says where the rings begin in `x` and `y`, `polygon_starts` where the polygons begin in `ring_starts`
    (each has one more entry than there are); `is_hole` says it of each ring.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    ring_starts: NDArray[np.int64]
    polygon_starts: NDArray[np.int64]
    is_hole: NDArray[np.bool_]


def read_rings(geometries_wkb: Sequence[bytes], places: NDArray[np.int64]) -> Rings:
    """Read WKB polygons and multipolygons; `places` says in an error which one of the caller's it was.

    Raises:
        InputError: a geometry cannot be read, or is not a polygon.
    """
    import shapely

    try:
        geometries = shapely.force_2d(shapely.from_wkb(list(geometries_wkb)))
    except (shapely.errors.ShapelyError, TypeError) as error:
        raise InputError(
            f"a polygon's geometry cannot be read: {error}", hint="i2db check lists the broken geometries of a file"
        ) from error
    kinds = shapely.get_type_id(geometries)
    for position in np.flatnonzero(~np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))):
        kind = "no geometry" if kinds[position] < 0 else f"a {geometries[position].geom_type}"
        raise InputError(f"geometry {places[position]} (from 0) is {kind}, not a polygon")
    parts, part_polygon = shapely.get_parts(geometries, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    coordinates, vertex_ring = shapely.get_coordinates(rings, return_index=True)
    return Rings(
        x=np.ascontiguousarray(coordinates[:, 0]),
        y=np.ascontiguousarray(coordinates[:, 1]),
        ring_starts=_starts(vertex_ring, len(rings)),
        polygon_starts=_starts(part_polygon[ring_part], len(geometries)),
        # Of the rings of a part the outer one comes first.
        is_hole=np.concatenate((np.zeros(min(1, len(rings)), dtype=bool), ring_part[1:] == ring_part[:-1])),
    )


def _starts(owners: NDArray[np.int64], n_owners: int) -> NDArray[np.int64]:
    """Where the items of each owner begin, in a list sorted by owner; and its end."""
    return np.asarray(np.searchsorted(owners, np.arange(n_owners + 1)), dtype=np.int64)
