"""The land of a scene: which parcel each pixel lies in, and which class each parcel is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.simulate.catalogue import Kind, LandClass
from i2db.simulate.layout import Extent, Tile
from i2db.simulate.noise import smooth_noise
from i2db.simulate.parcels import Outlines, Town, draw_outlines, usable_shapes

#: Parcels per class that a scene tries to hold, counting those that can serve as ground truth.
FEWEST_PARCELS = 8
_WOODED_SHARE = 0.24
#: Distance of the ground truth from the border of its parcel, metres at 10 m pixels.
_MARGIN = 5.0
_SMALLEST_AREA = 900.0


@dataclass(frozen=True, slots=True)
class Landscape:
    """Parcels of a scene. Parcel 0 is the network of roads; its class is the last of `classes`, with code 0."""

    classes: tuple[LandClass, ...]
    #: (rows, columns) int32: the parcel of each pixel of the extent, by its centre.
    parcel: NDArray[np.int32]
    #: Per parcel: position of its class in `classes`, the region of its middle (0-based).
    class_index: NDArray[np.int64]
    region: NDArray[np.int64]
    #: Per parcel: shapely polygon that can serve as ground truth, or None.
    usable: list[Any]
    #: Per region: shapely polygon.
    regions: list[Any]


def make_landscape(
    extent: Extent, tiles: tuple[Tile, ...], classes: tuple[LandClass, ...], *, n_regions: int, seed: int
) -> Landscape:
    """Draw parcels over the extent, give each a class and burn them; `classes` ends with the roads' class."""
    import shapely

    kinds = {land.kind for land in classes}
    outlines = draw_outlines(
        extent, n_classes=len(classes) - 1, has_town=Kind.BUILT in kinds, has_water=Kind.WATER in kinds, seed=seed
    )
    covered = shapely.union_all([shapely.box(*extent.bounds(tile.window)) for tile in tiles])
    margin, smallest = _MARGIN * extent.scale, _SMALLEST_AREA * extent.scale**2
    usable = [
        None,
        *usable_shapes(
            outlines.parcels, [*outlines.roads, *outlines.waters], covered, margin=margin, smallest=smallest
        ),
        *usable_shapes(outlines.waters, [], covered, margin=margin, smallest=smallest),
    ]
    shapes = [*outlines.parcels, *outlines.waters]
    middles = shapely.centroid(np.array(shapes, dtype=object))
    places = np.column_stack([shapely.get_x(middles), shapely.get_y(middles)])
    is_usable = np.array([shape is not None for shape in usable[1:]])
    assigned = _assign(extent, classes, outlines, places, is_usable, seed)
    regions = _draw_regions(extent, n_regions, seed)
    return Landscape(
        classes=classes,
        parcel=_burn(extent, outlines),
        class_index=np.concatenate([[len(classes) - 1], assigned]).astype(np.int64),
        region=np.concatenate([[0], _region_of(places, regions)]).astype(np.int64),
        usable=usable,
        regions=regions,
    )


def _burn(extent: Extent, outlines: Outlines) -> NDArray[np.int32]:
    """Parcel of each pixel: parcels from 1, roads over them as 0, water over both."""
    from rasterio.features import rasterize
    from rasterio.transform import Affine

    n_parcels = len(outlines.parcels)
    shapes = [(parcel, number) for number, parcel in enumerate(outlines.parcels, start=1)]
    shapes += [(road, 0) for road in outlines.roads]
    shapes += [(water, number) for number, water in enumerate(outlines.waters, start=n_parcels + 1)]
    parcel: NDArray[np.int32] = rasterize(
        shapes,
        out_shape=(extent.n_rows, extent.n_columns),
        transform=Affine(extent.resolution, 0, extent.left, 0, -extent.resolution, extent.top),
        dtype="int32",
    )
    return parcel


def _assign(
    extent: Extent,
    classes: tuple[LandClass, ...],
    outlines: Outlines,
    places: NDArray[np.float64],
    is_usable: NDArray[np.bool_],
    seed: int,
) -> NDArray[np.int64]:
    """Position of the class of each shape: water is given, towns are built, woods gather, fields are drawn."""
    random = np.random.default_rng([seed, 2])
    n_parcels, n_shapes = len(outlines.parcels), len(places)
    by_kind = {kind: [i for i, land in enumerate(classes) if land.kind is kind] for kind in Kind}
    assigned = np.full(n_shapes, -1, dtype=np.int64)
    if n_shapes > n_parcels:
        assigned[n_parcels:] = by_kind[Kind.WATER][0]
    free = np.arange(n_shapes) < n_parcels
    if by_kind[Kind.BUILT]:
        in_town, remoteness = _remoteness(places, outlines.towns)
        in_town &= free
        assigned[in_town] = _by_order(remoteness[in_town], by_kind[Kind.BUILT], classes, inner_last=True)
        free &= ~in_town
    if by_kind[Kind.WOOD]:
        wavelength = min(1500 * extent.scale, 0.4 * (extent.right - extent.left)) / extent.resolution
        woods = _at_places(extent, places, key=seed * 97 + 3, wavelength=wavelength)
        kind = _at_places(extent, places, key=seed * 97 + 4, wavelength=2 * wavelength)
        in_wood = free & (woods >= np.quantile(woods[free], 1 - _WOODED_SHARE))
        assigned[in_wood] = _by_order(kind[in_wood], by_kind[Kind.WOOD], classes)
        free &= ~in_wood
    fields = by_kind[Kind.FIELD]
    shares = np.array([classes[i].share for i in fields])
    assigned[free] = random.choice(fields, size=int(free.sum()), p=shares / shares.sum())
    return _with_fewest(assigned, np.arange(n_shapes) < n_parcels, is_usable, len(classes) - 1, random)


def _remoteness(places: NDArray[np.float64], towns: tuple[Town, ...]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether each place lies in a town, and its distance from the nearest town's middle in radii of that town."""
    distance = np.min([np.hypot(places[:, 0] - town.x, places[:, 1] - town.y) / town.radius for town in towns], axis=0)
    return distance < 1, distance


def _by_order(
    order: NDArray[np.float64], positions: list[int], classes: tuple[LandClass, ...], *, inner_last: bool = False
) -> NDArray[np.int64]:
    """Give neighbours in `order` the same class, classes in proportion to their shares."""
    ranked = positions[::-1] if inner_last else positions
    shares = np.array([classes[i].share for i in ranked])
    edges = np.quantile(order, np.cumsum(shares / shares.sum())[:-1]) if len(ranked) > 1 and len(order) else []
    return np.array(ranked)[np.searchsorted(edges, order)]


def _with_fewest(
    assigned: NDArray[np.int64],
    is_parcel: NDArray[np.bool_],
    is_usable: NDArray[np.bool_],
    n_classes: int,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Turn parcels of the commonest classes over to those that have too few, as far as there are parcels."""
    counts = np.bincount(assigned[is_usable], minlength=n_classes)
    wanted = min(FEWEST_PARCELS, int(counts.sum()) // n_classes)
    for position in range(n_classes):
        while counts[position] < wanted:
            donors = np.flatnonzero(is_parcel & is_usable & (counts[assigned] > wanted))
            donors = donors[counts[assigned[donors]] == counts[assigned[donors]].max()] if len(donors) else donors
            if not len(donors):
                break
            chosen = int(random.choice(donors))
            counts[assigned[chosen]] -= 1
            assigned[chosen] = position
            counts[position] += 1
    return assigned


def _at_places(extent: Extent, places: NDArray[np.float64], *, key: int, wavelength: float) -> NDArray[np.float64]:
    """A smooth field (wavelength in pixels) read at places in metres, by the nearest of about 400 x 400 knots."""
    step = max(1, max(extent.n_rows, extent.n_columns) // 400)
    rows, columns = np.arange(0, extent.n_rows, step), np.arange(0, extent.n_columns, step)
    field = smooth_noise(rows.astype(float), columns.astype(float), key=key, wavelength=wavelength, octaves=3)
    row = ((extent.top - places[:, 1]) / extent.resolution / step).astype(int).clip(0, len(rows) - 1)
    column = ((places[:, 0] - extent.left) / extent.resolution / step).astype(int).clip(0, len(columns) - 1)
    values: NDArray[np.float64] = field[row, column].astype(np.float64)
    return values


def _draw_regions(extent: Extent, n_regions: int, seed: int) -> list[Any]:
    """Strips from west to east with slanting borders; together they cover the extent without overlap."""
    import shapely

    random = np.random.default_rng([seed, 3])
    width = extent.right - extent.left
    inner = [
        (middle - slant, middle + slant)
        for middle, slant in zip(
            extent.left + width * np.arange(1, n_regions) / n_regions,
            random.uniform(-0.18, 0.18, max(0, n_regions - 1)) * width / n_regions,
            strict=True,
        )
    ]
    edges = [(extent.left, extent.left), *inner, (extent.right, extent.right)]
    bottom, top = extent.bottom, extent.top
    return [
        shapely.Polygon([(west[0], bottom), (east[0], bottom), (east[1], top), (west[1], top)])
        for west, east in pairwise(edges)
    ]


def _region_of(places: NDArray[np.float64], regions: list[Any]) -> NDArray[np.int64]:
    """The region that holds each place; places outside all of them (none in practice) go to the first."""
    import shapely

    inside: NDArray[np.bool_] = np.array(
        [shapely.contains_xy(region, places[:, 0], places[:, 1]) for region in regions]
    )
    first: NDArray[np.int64] = np.argmax(inside, axis=0).astype(np.int64)
    return first
