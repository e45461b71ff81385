"""Outlines of the landscape: parcels by cutting rectangles again and again, roads along the cuts, a river, ponds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.simulate.layout import Extent

Point = tuple[float, float]

#: Lengths in metres at 10 m pixels.
_FIELD_SIDE, _LARGEST_SIDE, _SMALLEST_SIDE = 160.0, 250.0, 45.0
_LOT_SIDE = 70.0
_LANE_SPACING, _STREET_SPACING, _ROAD_SPACING = 900.0, 240.0, 3500.0
_LANE_WIDTH, _ROAD_WIDTH = 11.0, 24.0
_TURNING_SIDE = 1000.0
#: Pieces below this share of a square field are cut no further.
_SMALLEST_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Town:
    """A disc in which parcels are small lots along streets (metres)."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Outlines:
    """Geometries (shapely polygons, metres): parcels fill the extent, roads and water lie on top of them."""

    parcels: list[Any]
    roads: list[Any]
    #: Reaches of the river and ponds.
    waters: list[Any]
    towns: tuple[Town, ...]


def draw_outlines(extent: Extent, *, n_classes: int, has_town: bool, has_water: bool, seed: int) -> Outlines:
    """Outlines of a scene; fields are smaller where the extent is, so that every class finds its place."""
    import shapely

    random = np.random.default_rng([seed, 1])
    scale = extent.scale
    span = min(extent.right - extent.left, extent.top - extent.bottom) / scale
    side = float(np.clip(span / math.sqrt(20 * n_classes), _SMALLEST_SIDE, _FIELD_SIDE)) * scale
    towns = _draw_towns(extent, random) if has_town else ()
    corners, cuts = _cut_up(extent, side, towns, random)
    parcels = [shapely.Polygon(parcel) for parcel in corners]
    roads = [shapely.LineString(cut.ends).buffer(cut.width / 2, cap_style="square") for cut in cuts]
    waters = [*_river(extent, random), *_ponds(extent, parcels, random)] if has_water else []
    return Outlines(parcels, roads, waters, towns)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A road: where a cut went."""

    ends: tuple[Point, Point]
    width: float


def _draw_towns(extent: Extent, random: np.random.Generator) -> tuple[Town, ...]:
    """One town per 25 square kilometres or so, the first of them near the middle."""
    width, height = extent.right - extent.left, extent.top - extent.bottom
    n_towns = max(1, round(width * height / (5000 * extent.scale) ** 2))
    towns = []
    for number in range(n_towns):
        low, high = (0.3, 0.7) if number == 0 else (0.05, 0.95)
        x, y = random.uniform(low, high, 2)
        radius = min(0.16 * min(width, height), random.uniform(350, 750) * extent.scale)
        towns.append(Town(extent.left + x * width, extent.bottom + y * height, radius))
    return tuple(towns)


def _cut_up(
    extent: Extent, side: float, towns: tuple[Town, ...], random: np.random.Generator
) -> tuple[list[list[Point]], list[_Cut]]:
    """Cut the extent into convex parcels of about `side` metres; roads follow the cuts through large pieces."""
    scale = extent.scale
    left, right, bottom, top = extent.left, extent.right, extent.bottom, extent.top
    pieces = [([(left, bottom), (right, bottom), (right, top), (left, top)], float(random.uniform(0, math.pi)))]
    parcels: list[list[Point]] = []
    cuts: list[_Cut] = []
    while pieces:
        piece, angle = pieces.pop()
        in_town = _in_town(piece, towns)
        length, breadth, angle = _size_along(piece, angle)
        wanted = (min(side, _LOT_SIDE * scale) if in_town else side) * math.exp(random.normal(0, 0.3))
        if length <= min(wanted * 1.3, _LARGEST_SIDE * scale) or length * breadth < _SMALLEST_SHARE * side * side:
            parcels.append(piece)
            continue
        first, second, ends = _halves(piece, angle, float(random.uniform(0.36, 0.64)))
        if len(first) < 3 or len(second) < 3:
            parcels.append(piece)
            continue
        if length > (_STREET_SPACING if in_town else _LANE_SPACING) * scale:
            width = (_ROAD_WIDTH if length > _ROAD_SPACING * scale else _LANE_WIDTH) * scale
            cuts.append(_Cut(ends, width))
        turn = 0.35 if length > _TURNING_SIDE * scale else 0.05
        pieces += [(half, angle + float(random.normal(0, turn))) for half in (first, second)]
    return parcels, cuts


def _in_town(piece: list[Point], towns: tuple[Town, ...]) -> bool:
    x, y = _middle(piece)
    return any(math.hypot(x - town.x, y - town.y) < town.radius for town in towns)


def _middle(piece: list[Point]) -> Point:
    return sum(x for x, _ in piece) / len(piece), sum(y for _, y in piece) / len(piece)


def _size_along(piece: list[Point], angle: float) -> tuple[float, float, float]:
    """Length and breadth of a piece along an angle or across it, whichever is longer, and the angle of the length."""
    cosine, sine = math.cos(angle), math.sin(angle)
    along = [x * cosine + y * sine for x, y in piece]
    across = [y * cosine - x * sine for x, y in piece]
    length, breadth = max(along) - min(along), max(across) - min(across)
    return (length, breadth, angle) if length >= breadth else (breadth, length, angle + math.pi / 2)


def _halves(piece: list[Point], angle: float, share: float) -> tuple[list[Point], list[Point], tuple[Point, Point]]:
    """Cut a convex piece across its length at `share` of it: both sides and the ends of the cut."""
    cosine, sine = math.cos(angle), math.sin(angle)
    along = [x * cosine + y * sine for x, y in piece]
    at = min(along) + share * (max(along) - min(along))
    first: list[Point] = []
    second: list[Point] = []
    crossings: list[Point] = []
    for number, (x, y) in enumerate(piece):
        distance = along[number] - at
        next_x, next_y = piece[(number + 1) % len(piece)]
        next_distance = along[(number + 1) % len(piece)] - at
        (first if distance < 0 else second).append((x, y))
        if (distance < 0) != (next_distance < 0):
            part = distance / (distance - next_distance)
            crossing = (x + part * (next_x - x), y + part * (next_y - y))
            first.append(crossing)
            second.append(crossing)
            crossings.append(crossing)
    return first, second, (crossings[0], crossings[-1])


def _river(extent: Extent, random: np.random.Generator) -> list[Any]:
    """A winding river from west to east, cut into reaches that do not touch."""
    import shapely
    from shapely.ops import substring

    width, height = extent.right - extent.left, extent.top - extent.bottom
    breadth = float(np.clip(0.032 * height, 26 * extent.scale, 62 * extent.scale))
    share = np.linspace(-0.02, 1.02, 240)
    level = random.uniform(0.25, 0.75) + random.uniform(-0.2, 0.2) * (share - 0.5)
    for waves in (1.3, 3.1, 6.7):
        level += 0.09 / waves * np.sin(2 * np.pi * (waves * share + random.random()))
    xs, ys = extent.left + share * width, extent.bottom + np.clip(level, 0.08, 0.92) * height
    line = shapely.LineString(np.column_stack([xs, ys]))
    n_reaches = max(9, round(line.length / (450 * extent.scale)))
    edges = np.linspace(0, line.length, n_reaches + 1)
    reaches = [substring(line, start, end) for start, end in pairwise(edges)]
    return [reach.buffer(breadth / 2, cap_style="flat") for reach in reaches]


def _ponds(extent: Extent, parcels: list[Any], random: np.random.Generator) -> list[Any]:
    """Rounded ponds inside a few of the parcels."""
    n_ponds = max(2, round(len(parcels) / 90))
    ponds = []
    for number in random.choice(len(parcels), size=n_ponds, replace=False):
        host = parcels[int(number)]
        reach = 0.3 * math.sqrt(host.area)
        pond = host.buffer(-reach).buffer(0.8 * reach)
        if pond.geom_type == "Polygon" and pond.area > 600 * extent.scale**2:
            ponds.append(pond)
    return ponds


def usable_shapes(shapes: list[Any], obstacles: list[Any], area: Any, *, margin: float, smallest: float) -> list[Any]:
    """What of each shape can serve as ground truth: inside `area`, off the obstacles, `margin` metres from its border.

    None where less than `smallest` square metres remain; of several pieces the largest counts.
    """
    import shapely

    clipped: NDArray[np.object_] = shapely.intersection(np.array(shapes, dtype=object), area)
    if obstacles:
        near = np.array(obstacles, dtype=object)
        owners, others = shapely.STRtree(near).query(clipped, predicate="intersects")
        # The tree answers in the order of its input: the obstacles of one shape follow each other.
        numbers, starts = np.unique(owners, return_index=True)
        pieces = np.split(others, starts[1:]) if len(numbers) else []
        for number, own in zip(numbers, pieces, strict=True):
            clipped[number] = clipped[number].difference(shapely.union_all(near[own]))
    shrunk = shapely.buffer(clipped, -margin)
    return [_largest_part(shape, smallest) for shape in shrunk]


def _largest_part(shape: Any, smallest: float) -> Any | None:
    import shapely

    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area >= smallest]
    return max(parts, key=lambda part: float(part.area)) if parts else None
