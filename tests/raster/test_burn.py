"""Burnt polygons against rasterio, shapely and OTB's documented edge cases."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio.features
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.transform import Affine

from i2db.errors import ContractError, InputError
from i2db.raster.burn import BurnResult, burn, burn_polygons, edge_distances, region_index
from i2db.raster.grid import Grid, Window, sample_ids

GRID = Grid("EPSG:32631", 10.0, 10.0)
UNIT = Grid("EPSG:32631", 1.0, 1.0)
FLANDERS = Path(__file__).parents[2] / ".." / "shared" / "data" / "flanders_2018" / "ground_truth.gpkg"


def random_polygons(
    n_polygons: int, window: Window, grid: Grid, random_seed: int, size: float = 8.0
) -> list[shapely.Polygon]:
    """Star-shaped polygons, some with a hole, around random points in and near the window; `size` in pixels."""
    random = np.random.default_rng(random_seed)
    left, bottom, right, top = grid.bounds(window.grown(5))
    polygons = []
    for _ in range(n_polygons):
        centre = random.uniform((left, bottom), (right, top))
        angles = np.sort(random.uniform(0, 2 * np.pi, 9))[:, np.newaxis]
        radii = random.uniform(0.3, size, (9, 1)) * grid.resolution_x
        ring = centre + radii * np.hstack([np.cos(angles), np.sin(angles)])
        holes = [centre + (ring - centre) * 0.4] if random.random() < 0.4 else []
        polygons.append(shapely.Polygon(ring, holes))
    return polygons


def wkb(polygons: list[Any]) -> list[bytes]:
    return [polygon.wkb for polygon in polygons]


def centres(window: Window, grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = np.mgrid[window.row : window.row_end, window.column : window.column_end]
    return (columns + 0.5) * grid.resolution_x, -(rows + 0.5) * grid.resolution_y


def pixels(polygon: Any) -> set[tuple[int, int]]:
    """(column, row) of the pixels of one polygon in ten by ten pixels north-east of the origin."""
    rows, columns = np.nonzero(burn([polygon.wkb], [1], Window(0, -10, 10, 10), UNIT))
    return set(zip(columns.tolist(), rows.tolist(), strict=True))


def test_a_box_whose_edges_pass_through_centres_is_otbs() -> None:
    # otb: a box from 2.5 to 5.5 in pixels takes columns 2-4 and rows 3-5: west and south in, north and east out.
    box = shapely.box(2.5, 10 - 5.5, 5.5, 10 - 2.5)
    assert pixels(box) == {(column, row) for column in (2, 3, 4) for row in (3, 4, 5)}


def test_a_hole_on_centres_gives_its_west_and_south_away() -> None:
    box = shapely.box(1, 1, 9, 9).difference(shapely.box(2.5, 4.5, 5.5, 7.5))
    assert pixels(shapely.box(1, 1, 9, 9)) - pixels(box) == pixels(shapely.box(2.5, 4.5, 5.5, 7.5))


def test_parts_holes_and_empty_polygons() -> None:
    two = shapely.MultiPolygon([shapely.box(0, 0, 2, 1), shapely.box(5, 5, 6, 6)])
    assert pixels(two) == {(0, 9), (1, 9), (5, 4)}
    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    assert pixels(ring) == {(column, row) for column in range(3) for row in (7, 8, 9)} - {(1, 8)}
    assert pixels(shapely.box(0.1, 0.1, 0.4, 0.4)) == set()
    assert pixels(shapely.Polygon()) == set()
    assert pixels(shapely.Polygon([(0, 0, 7), (2, 0, 7), (2, 1, 7), (0, 1, 7)])) == {(0, 9), (1, 9)}


def test_a_polygon_beyond_the_window_is_cut() -> None:
    assert len(pixels(shapely.box(-100, -100, 100, 100))) == 100
    assert pixels(shapely.box(-100, -100, 0.4, 100)) == set()
    assert pixels(shapely.box(20, -100, 100, 100)) == set()


@settings(deadline=None, max_examples=60)
@given(random_seed=st.integers(0, 10_000), n_polygons=st.integers(1, 12), column=st.integers(-60_000, 60_000))
def test_burn_equals_rasterio_apart_from_edges(random_seed: int, n_polygons: int, column: int) -> None:
    window = Window(column, -500_000, 40, 25)
    polygons = random_polygons(n_polygons, window, GRID, random_seed)
    values = np.random.default_rng(random_seed).integers(1, 99, n_polygons).astype(np.int32)
    expected = rasterio.features.rasterize(
        list(zip(polygons, values, strict=True)),
        out_shape=window.shape,
        transform=Affine(*GRID.transform(window)),
        fill=-1,
        dtype="int32",
    )
    assert np.array_equal(burn(wkb(polygons), values, window, GRID, background=-1), expected)


@settings(deadline=None, max_examples=40)
@given(random_seed=st.integers(0, 10_000), n_polygons=st.integers(1, 15), n_classes=st.integers(1, 4))
def test_burn_polygons_equals_its_definition(random_seed: int, n_polygons: int, n_classes: int) -> None:
    window = Window(50_000, -560_000, 30, 20)
    random = np.random.default_rng(random_seed)
    polygons = random_polygons(n_polygons, window, GRID, random_seed)
    ids = random.permutation(1000)[:n_polygons]
    codes = random.integers(0, n_classes, n_polygons)
    result = burn_polygons(ids, codes, wkb(polygons), window, GRID)
    x, y = centres(window, GRID)
    inside = [shapely.contains_xy(polygon, x, y) for polygon in polygons]
    expected: dict[tuple[int, int], int] = {}
    pairs: Counter[tuple[int, int]] = Counter()
    n_dropped = 0
    for row in range(window.n_rows):
        for column in range(window.n_columns):
            over = sorted((int(ids[i]), i) for i in range(n_polygons) if inside[i][row, column])
            different = [(a, b) for (a, i), (b, j) in combinations(over, 2) if codes[i] != codes[j]]
            pairs.update(different)
            n_dropped += bool(different)
            if over and not different:
                expected[row + window.row, column + window.column] = over[0][1]
    found = zip(result.rows.tolist(), result.columns.tolist(), result.polygon_index.tolist(), strict=True)
    assert {(row, column): index for row, column, index in found} == expected
    assert result.conflicts == sorted((a, b, n) for (a, b), n in pairs.items())
    assert result.n_dropped == n_dropped
    assert np.all(np.diff(sample_ids(result.rows, result.columns)) > 0)


def test_owner_and_conflict_by_hand() -> None:
    # One row of six pixels: 7 and 3 share pixels 1-2 and one class; 5, of another class, lies over pixels 2-4.
    window = Window(0, -1, 6, 1)
    boxes = [shapely.box(0, 0, 3, 1), shapely.box(1, 0, 4, 1), shapely.box(2, 0, 5, 1)]
    result = burn_polygons([7, 3, 5], [1, 1, 2], wkb(boxes), window, UNIT)
    assert result.columns.tolist() == [0, 1, 4]
    assert result.rows.tolist() == [-1, -1, -1]
    assert result.polygon_index.tolist() == [0, 1, 2]
    assert result.conflicts == [(3, 5, 2), (5, 7, 1)]
    assert result.n_dropped == 2


@settings(deadline=None, max_examples=40)
@given(random_seed=st.integers(0, 10_000), cut=st.integers(1, 39), row_cut=st.integers(1, 24))
def test_chunks_give_what_the_whole_gives(random_seed: int, cut: int, row_cut: int) -> None:
    window = Window(-20, -500_000, 40, 25)
    # Vertices on half pixels, so that many centres lie exactly on edges.
    polygons = [
        shapely.make_valid(shapely.transform(polygon, lambda xy: np.round(xy / 5) * 5))
        for polygon in random_polygons(8, window, GRID, random_seed)
    ]
    polygons = [polygon for polygon in polygons if polygon.geom_type in ("Polygon", "MultiPolygon")]
    values = np.arange(1, len(polygons) + 1)
    whole = burn(wkb(polygons), values, window, GRID)
    for part in (
        Window(window.column, window.row, cut, row_cut),
        Window(window.column + cut, window.row + row_cut, 40 - cut, 25 - row_cut),
    ):
        assert np.array_equal(burn(wkb(polygons), values, part, GRID), whole[part.slices_in(window)])


@settings(deadline=None, max_examples=60)
@given(
    points=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=4, max_size=12, unique=True),
    step=st.sampled_from([0.5, 1.0, 0.37]),
)
def test_neighbours_share_no_pixel_and_leave_none(points: list[tuple[int, int]], step: float) -> None:
    # The triangles of points, many of them on pixel centres, tile their hull.
    triangles = list(shapely.delaunay_triangles(shapely.MultiPoint(np.array(points) * step)).geoms)
    assume(triangles)
    window = Window(0, -21, 21, 22)
    counts = sum(burn([triangle.wkb], [1], window, UNIT) for triangle in triangles)
    assert np.asarray(counts).max() <= 1
    x, y = centres(window, UNIT)
    hull = shapely.union_all(triangles)
    is_inner = shapely.contains_xy(hull.buffer(-1e-9), x, y)
    assert np.all(np.asarray(counts)[is_inner] == 1)


def test_region_index_takes_the_first() -> None:
    regions = [shapely.box(0, 0, 5, 10), shapely.box(3, 0, 8, 10)]
    index = region_index(wkb(regions), Window(0, -10, 10, 10), UNIT)
    assert index.dtype == np.int16
    assert index[0].tolist() == [0] * 5 + [1] * 3 + [-1] * 2
    assert region_index([], Window(0, 0, 2, 1), UNIT).tolist() == [[-1, -1]]


@settings(deadline=None, max_examples=30)
@given(random_seed=st.integers(0, 10_000))
def test_edge_distances_are_shapelys(random_seed: int) -> None:
    window = Window(50_000, -560_000, 40, 40)
    polygons = random_polygons(5, window, GRID, random_seed)
    polygons.append(shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(3, 3, 4, 5)]))
    x, y = (axis.ravel() for axis in centres(window, GRID))
    index = np.random.default_rng(random_seed).integers(0, len(polygons), x.size)
    expected = shapely.distance(shapely.boundary(np.array(polygons))[index], shapely.points(x, y))
    found = edge_distances(wkb(polygons), index, x, y)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_edge_distances_by_hand() -> None:
    square = shapely.box(0, 0, 100, 100).difference(shapely.box(40, 40, 60, 60))
    distances = edge_distances([square.wkb], [0, 0, 0, 0], [5, 50, 35, 103], [50, 20, 35, 104])
    np.testing.assert_allclose(distances, [5, 20, np.hypot(5, 5), 5])


def test_nothing_to_burn() -> None:
    window = Window(3, 4, 5, 6)
    result = burn_polygons([], [], [], window, GRID)
    assert isinstance(result, BurnResult)
    assert (result.rows.size, result.conflicts, result.n_dropped) == (0, [], 0)
    assert not burn([], [], window, GRID).any()
    assert edge_distances([], [], [], []).size == 0


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (shapely.Point(1, 2).wkb, "geometry 1 .* is a Point"),
        (shapely.LineString([(0, 0), (1, 1)]).wkb, "is a LineString"),
        (None, "no geometry"),
        (b"\x01\x03\x00", "cannot be read"),
    ],
)
def test_other_geometries_are_refused(geometry: Any, message: str) -> None:
    box = shapely.box(0, 0, 1, 1).wkb
    with pytest.raises(InputError, match=message):
        burn_polygons([1, 2], [1, 1], [box, geometry], Window(0, 0, 3, 3), UNIT)


def test_lengths_that_do_not_match_are_refused() -> None:
    box = shapely.box(0, 0, 1, 1).wkb
    window = Window(0, 0, 3, 3)
    with pytest.raises(ContractError, match="2 polygon ids, 1 class codes and 1 geometries"):
        burn_polygons([1, 2], [1], [box], window, UNIT)
    with pytest.raises(ContractError, match="do not match"):
        burn([box], [1, 2], window, UNIT)
    with pytest.raises(ContractError, match="polygon_index 1 to 1 for 1"):
        edge_distances([box], [1], [0.0], [0.0])


@pytest.mark.skipif(not FLANDERS.exists(), reason="the Flanders data are not beside the repository")
def test_real_parcels_have_rasterios_pixels() -> None:
    import pyogrio.raw

    _, _, geometries, _ = pyogrio.raw.read(FLANDERS)
    polygons = shapely.from_wkb(geometries)
    window = GRID.window_of_bounds(*shapely.total_bounds(polygons))
    expected = rasterio.features.rasterize(
        [(polygon, i + 1) for i, polygon in enumerate(polygons)],
        out_shape=window.shape,
        transform=Affine(*GRID.transform(window)),
        dtype="int32",
    )
    found = burn(list(geometries), np.arange(1, len(polygons) + 1), window, GRID)
    assert np.count_nonzero(expected) > 1000
    x, y = centres(window, GRID)
    for row, column in zip(*np.nonzero(found != expected), strict=True):
        differing = polygons[[value - 1 for value in (found[row, column], expected[row, column]) if value]]
        point = shapely.Point(x[row, column], y[row, column])
        assert shapely.distance(shapely.boundary(differing), point).min() < 1e-6, "only centres on an edge may differ"
