"""A chunk gets as much of its regions as it needs, and its pixels fall to the same regions as with all of them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from i2db.raster.burn import region_index
from i2db.raster.grid import Grid, Window
from i2db.stages.regions import ChunkRegions, shapes_in_windows

GRID = Grid("EPSG:32631", 10.0, 10.0)
WINDOWS = [Window(column, row, 13, 9) for row in range(-45, 36, 9) for column in range(-39, 39, 13)]


def star(draw: np.random.Generator, n: int, x: float, y: float, radius: float, *, snap: float) -> shapely.Geometry:
    """A shape around a point, whose corners lie on multiples of `snap` pixels."""
    angles = np.sort(draw.uniform(0, 2 * np.pi, n))
    radii = draw.uniform(0.2, 1.0, n) * radius
    corners = np.column_stack((x + radii * np.cos(angles), y + radii * np.sin(angles))) / 10
    return shapely.Polygon(np.round(corners / snap) * snap * 10).buffer(0)


def region(draw: np.random.Generator, snap: float) -> shapely.Geometry:
    """A region of some parts with holes, with edges through centres of pixels where `snap` is half a pixel."""
    parts = []
    for _ in range(draw.integers(1, 4)):
        x, y = draw.uniform(-400, 400, 2)
        outer = star(draw, int(draw.integers(3, 60)), x, y, draw.uniform(30, 900), snap=snap)
        parts.append(outer - star(draw, 12, x, y, 60, snap=snap))
    return shapely.unary_union(parts)


@pytest.mark.parametrize("snap", [1.0, 0.5, 1e-6], ids=["corners", "centres", "anywhere"])
@pytest.mark.parametrize("seed", range(12))
def test_the_pixels_are_those_of_the_whole_regions(seed: int, snap: float) -> None:
    draw = np.random.default_rng(seed)
    regions = [shape for shape in (region(draw, snap) for _ in range(4)) if shape.area > 0]
    whole = [shapely.to_wkb(shape) for shape in regions]
    for window, found in zip(WINDOWS, shapes_in_windows(list(whole), WINDOWS, GRID), strict=True):
        box = shapely.box(*GRID.bounds(window))
        assert list(found) == [place for place, shape in enumerate(regions) if shape.intersects(box)]
        for place, shape in found.items():
            assert (shape is None) == regions[place].covers(box)
        chunk = ChunkRegions(tuple(map(str, found)), tuple(found.values()))
        expected = region_index([whole[place] for place in found], window, GRID)
        np.testing.assert_array_equal(chunk.of_pixels(window, GRID), expected)
        half = Window(window.column + 5, window.row + 2, 4, 3)
        np.testing.assert_array_equal(chunk.of_pixels(half, GRID), expected[half.slices_in(window)])


def test_a_chunk_gets_few_vertices_of_a_large_region() -> None:
    angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    circle = shapely.Polygon(np.column_stack((np.cos(angles), np.sin(angles))) * 100_000)
    windows = [Window(9_900, -50, 100, 100), Window(0, 0, 100, 100), Window(20_000, 0, 100, 100)]
    edge, inside, outside = shapes_in_windows([shapely.to_wkb(circle)], windows, GRID)
    shape = edge[0]
    assert shape is not None
    assert shapely.get_num_coordinates(shapely.from_wkb(shape)) < 60
    assert inside == {0: None}
    assert outside == {}


def test_what_changes_far_away_changes_no_chunk() -> None:
    one = shapely.box(0, -1000, 500, 0)
    other = one.union(shapely.box(300, -3000, 400, -1000))
    windows = [Window(0, 0, 20, 20), Window(40, 0, 20, 20), Window(0, 110, 60, 20)]
    before, after = (shapes_in_windows([shapely.to_wkb(shape)], windows, GRID) for shape in (one, other))
    assert before[0] == after[0] == {0: None}
    assert (before[2], list(after[2])) == ({}, [0])


def test_a_region_that_is_everywhere_keeps_its_place_among_others() -> None:
    window = Window(0, 0, 4, 2)
    left, top = (shapely.to_wkb(shapely.box(*bounds)) for bounds in ((0, -20, 20, 0), (0, -10, 40, 0)))
    both = ChunkRegions(("left", "all", "top"), (left, None, top))
    assert both.of_pixels(window, GRID).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
    last = ChunkRegions(("top", "all"), (top, None))
    assert last.of_pixels(window, GRID).tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]
    assert ChunkRegions(("all", "top"), (None, top)).of_pixels(window, GRID).tolist() == [[0] * 4] * 2
    assert ChunkRegions((), ()).of_pixels(window, GRID).tolist() == [[-1] * 4] * 2
