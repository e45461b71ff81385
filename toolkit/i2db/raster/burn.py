"""Polygons and points to pixels: a pixel belongs to the polygon that holds its centre, a point to the pixel around it.

A centre that falls exactly on an edge is inside on a west or south edge and outside on an east or north edge, as in
OTB; so polygons that share an edge neither share a pixel nor lose one. The result does not depend on the window:
chunks give what the whole gives. Elsewhere than on edges it is `rasterio.features.rasterize`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from i2db.errors import ContractError, InputError
from i2db.raster.grid import Grid, Window
from i2db.raster.rings import Rings, read_rings


@dataclass(frozen=True, slots=True)
class BurnResult:
    """The pixels of labelled polygons in a window, from the north-west in rows (the order of sample_id).

    `rows` and `columns` are int64, of the grid; `polygon_index`, int32, is the place of the owning polygon in what
    was given. Pixels that polygons of different classes share are left out: `conflicts` has, for each pair of such
    polygons (polygon_id, larger polygon_id, number of pixels), and `n_dropped` the number of pixels left out.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    polygon_index: NDArray[np.int32]
    conflicts: list[tuple[int, int, int]]
    n_dropped: int


def _spans(rings: Rings, window: Window, grid: Grid) -> NDArray[np.int64]:
    """The runs of pixels of polygons in a window, as `scanline.polygon_spans` gives them."""
    from i2db.raster.scanline import polygon_spans

    spans: NDArray[np.int64] = polygon_spans(
        grid.column_of(rings.x),
        grid.row_of(rings.y),
        rings.ring_starts,
        rings.polygon_starts,
        window.column,
        window.row,
        window.n_columns,
        window.n_rows,
    )
    return spans


def burn_polygons(
    polygon_ids: ArrayLike,
    class_codes: ArrayLike,
    geometries_wkb: Sequence[bytes],
    window: Window,
    grid: Grid,
) -> BurnResult:
    """The pixels of a window that labelled polygons (ids, codes and WKB, of one length, any order) hold.

    Where polygons of one class overlap, the smallest polygon_id owns the pixel; where classes differ, nobody does.

    Raises:
        ContractError: the three sequences differ in length.
        InputError: a geometry is not a polygon.
    """
    from i2db.raster.scanline import first_owners, polygons_over

    ids, codes = np.asarray(polygon_ids, dtype=np.int64), np.asarray(class_codes, dtype=np.int64)
    if not ids.size == codes.size == len(geometries_wkb):
        raise ContractError(
            f"{ids.size} polygon ids, {codes.size} class codes and {len(geometries_wkb)} geometries do not match"
        )
    order = np.argsort(ids, kind="stable")
    spans = _spans(read_rings([geometries_wkb[i] for i in order], order), window, grid)
    owner, is_contested = first_owners(spans, codes[order], *window.shape)
    conflicts = _conflicts(polygons_over(spans, is_contested), ids[order], codes[order]) if is_contested.any() else []
    rows, columns = np.nonzero((owner >= 0) & ~is_contested)
    return BurnResult(
        rows=rows.astype(np.int64) + window.row,
        columns=columns.astype(np.int64) + window.column,
        polygon_index=order[owner[rows, columns]].astype(np.int32),
        conflicts=conflicts,
        n_dropped=int(np.count_nonzero(is_contested)),
    )


def burn_points(
    point_ids: ArrayLike, class_codes: ArrayLike, geometries_wkb: Sequence[bytes], window: Window, grid: Grid
) -> BurnResult:
    """The pixels of a window that labelled points (ids, codes and WKB, of one length, any order) lie in.

    A point on the edge between two pixels is in the eastern or southern one, so that a pixel has its west and north
    edges. Of points of one class in a pixel the smallest id has it; where classes differ, nobody does.

    Raises:
        ContractError: the three sequences differ in length.
        InputError: a geometry is not a point.
    """
    import shapely

    ids, codes = np.asarray(point_ids, dtype=np.int64), np.asarray(class_codes, dtype=np.int64)
    if not ids.size == codes.size == len(geometries_wkb):
        raise ContractError(
            f"{ids.size} point ids, {codes.size} class codes and {len(geometries_wkb)} geometries do not match"
        )
    geometries = shapely.from_wkb(list(geometries_wkb))
    if not are_points(geometries_wkb):
        raise InputError("a geometry is not a point")
    columns = np.floor(grid.column_of(shapely.get_x(geometries))).astype(np.int64)
    rows = np.floor(grid.row_of(shapely.get_y(geometries))).astype(np.int64)
    inside = (rows >= window.row) & (rows < window.row_end)
    inside &= (columns >= window.column) & (columns < window.column_end)
    order = np.flatnonzero(inside)
    order = order[np.lexsort((ids[order], columns[order], rows[order]))]
    is_first = np.ones(order.size, dtype=bool)
    is_first[1:] = (np.diff(rows[order]) != 0) | (np.diff(columns[order]) != 0)
    pixel = np.cumsum(is_first) - 1
    first = order[is_first]
    is_other = codes[order] != codes[first[pixel]]
    is_contested = np.bincount(pixel, weights=is_other, minlength=first.size) > 0
    found = np.column_stack((pixel, order))[is_contested[pixel]]
    by_id = np.argsort(ids, kind="stable")
    found[:, 1] = np.argsort(by_id)[found[:, 1]]
    kept = first[~is_contested]
    return BurnResult(
        rows=rows[kept],
        columns=columns[kept],
        polygon_index=kept.astype(np.int32),
        conflicts=_conflicts(found, ids[by_id], codes[by_id]) if is_contested.any() else [],
        n_dropped=int(is_contested.sum()),
    )


def are_points(geometries_wkb: Sequence[bytes]) -> bool:
    """Whether all of some geometries are points."""
    import shapely

    return bool((shapely.get_type_id(shapely.from_wkb(list(geometries_wkb))) == shapely.GeometryType.POINT).all())


def burn(
    geometries_wkb: Sequence[bytes], values: ArrayLike, window: Window, grid: Grid, *, background: int = 0
) -> NDArray[Any]:
    """An array (rows, columns) with the value of the polygon over each pixel centre, `background` where there is none.

    Where polygons overlap, the last one wins, as in rasterio. The type is that of `values` (one integer a polygon).

    Raises:
        ContractError: the two sequences differ in length, or values are not integers.
        InputError: a geometry is not a polygon.
    """
    from i2db.raster.scanline import first_owners

    numbers = np.asarray(values)
    if numbers.size != len(geometries_wkb) or (numbers.size and numbers.dtype.kind not in "iu"):
        raise ContractError(f"{numbers.size} values of {numbers.dtype} do not match {len(geometries_wkb)} geometries")
    if not numbers.size:
        return np.full(window.shape, background, dtype=np.int64)
    reverse = np.arange(numbers.size)[::-1]
    spans = _spans(read_rings([geometries_wkb[i] for i in reverse], reverse), window, grid)
    owner, _ = first_owners(spans, np.zeros(numbers.size, dtype=np.int64), *window.shape)
    return np.where(owner >= 0, numbers[reverse][owner], np.asarray(background, dtype=numbers.dtype))


def region_index(geometries_wkb: Sequence[bytes], window: Window, grid: Grid) -> NDArray[np.int16]:
    """Per pixel (rows, columns) the place of the first region that holds its centre; -1 outside of all.

    Raises:
        ContractError: there are more regions than int16 can number.
        InputError: a geometry is not a polygon.
    """
    from i2db.raster.scanline import first_owners

    if len(geometries_wkb) > np.iinfo(np.int16).max:
        raise ContractError(
            f"{len(geometries_wkb)} regions are more than the {np.iinfo(np.int16).max} that are possible"
        )
    rings = read_rings(geometries_wkb, np.arange(len(geometries_wkb)))
    owner, _ = first_owners(_spans(rings, window, grid), np.zeros(len(geometries_wkb), dtype=np.int64), *window.shape)
    return np.asarray(owner.astype(np.int16))


def edge_distances(
    geometries_wkb: Sequence[bytes], polygon_index: ArrayLike, x: ArrayLike, y: ArrayLike
) -> NDArray[np.float32]:
    """Distance of points (map units, of one length) to the boundary of the polygon at their `polygon_index`.

    The boundary includes holes; the distance is positive inside and outside, in map units (metres).

    Raises:
        ContractError: a polygon_index has no geometry.
        InputError: a geometry is not a polygon.
    """
    from i2db.raster.scanline import boundary_distances

    index = np.asarray(polygon_index, dtype=np.int64)
    if index.size and not 0 <= index.min() <= index.max() < len(geometries_wkb):
        raise ContractError(f"polygon_index {index.min()} to {index.max()} for {len(geometries_wkb)} geometries")
    rings = read_rings(geometries_wkb, np.arange(len(geometries_wkb)))
    distances: NDArray[np.float32] = boundary_distances(
        rings.x,
        rings.y,
        rings.ring_starts,
        rings.polygon_starts,
        index,
        np.asarray(x, dtype=np.float64),
        np.asarray(y, dtype=np.float64),
    )
    return distances


def _conflicts(
    found: NDArray[np.int64], ids: NDArray[np.int64], codes: NDArray[np.int64]
) -> list[tuple[int, int, int]]:
    """Pairs of polygons of different classes among (pixel, polygon) rows: both ids, number of pixels; sorted."""
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    pixel, polygon = found[:, 0], found[:, 1]
    pairs: list[NDArray[np.int64]] = []
    # Sorted by pixel, two polygons of one pixel are k rows apart for some k below the deepest overlap.
    for k in range(1, pixel.size):
        is_same_pixel = pixel[k:] == pixel[:-k]
        if not is_same_pixel.any():
            break
        first, second = polygon[:-k][is_same_pixel], polygon[k:][is_same_pixel]
        is_conflict = codes[first] != codes[second]
        pairs.append(np.column_stack((first[is_conflict], second[is_conflict])))
    unique, counts = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
    return [(int(ids[a]), int(ids[b]), int(n)) for (a, b), n in zip(unique, counts, strict=True)]
