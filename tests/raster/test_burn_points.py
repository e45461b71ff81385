"""Points to pixels: against floor by hand, whatever the window and the order."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from i2db.errors import InputError
from i2db.raster.burn import BurnResult, burn_points
from i2db.raster.grid import Grid, Window

GRID = Grid(crs="EPSG:32631", resolution_x=10.0, resolution_y=20.0)


def burnt(points: list[tuple[float, float, int, int]], window: Window) -> BurnResult:
    """Burn (x, y, id, class code)."""
    shapes = [shapely.to_wkb(shapely.Point(x, y)) for x, y, _, _ in points]
    return burn_points([p[2] for p in points], [p[3] for p in points], shapes, window, GRID)


def pixels(points: list[tuple[float, float, int, int]], window: Window) -> list[tuple[int, int, int]]:
    result = burnt(points, window)
    places = zip(result.rows, result.columns, result.polygon_index, strict=True)
    return [(int(row), int(column), points[index][2]) for row, column, index in places]


def test_a_point_on_an_edge_is_in_the_pixel_east_and_south_of_it() -> None:
    window = Window(0, -10, 10, 10)
    assert pixels([(15.0, 45.0, 1, 1)], window) == [(-3, 1, 1)]
    assert pixels([(20.0, 40.0, 1, 1)], window) == [(-2, 2, 1)]


def test_two_of_a_class_are_one_and_two_classes_are_none() -> None:
    points = [(5.0, 5.0, 9, 1), (6.0, 6.0, 4, 1), (15.0, 5.0, 1, 1), (16.0, 5.0, 2, 3), (17.0, 5.0, 3, 3)]
    result = burnt(points, Window(0, -10, 10, 10))
    assert pixels(points, Window(0, -10, 10, 10)) == [(-1, 0, 4)]
    assert result.conflicts == [(1, 2, 1), (1, 3, 1)]
    assert result.n_dropped == 1


def test_polygons_are_refused() -> None:
    with pytest.raises(InputError, match="not a point"):
        burn_points([1], [1], [shapely.to_wkb(shapely.box(0, 0, 1, 1))], Window(0, 0, 1, 1), GRID)


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39), st.integers(1, 2)), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
)
def test_windows_and_order_change_nothing(places: list[tuple[int, int, int]], seed: int) -> None:
    points = [(2.5 * x, -2.5 * y, i, code) for i, (x, y, code) in enumerate(places)]
    expected: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for x, y, i, code in points:
        expected.setdefault((int(-y // 20), int(x // 10)), []).append((i, code))
    wanted = sorted(
        (row, column, held[0][0]) for (row, column), held in expected.items() if len({code for _, code in held}) == 1
    )
    shuffled = [points[i] for i in np.random.default_rng(seed).permutation(len(points))]
    assert pixels(shuffled, Window(0, 0, 10, 5)) == wanted
    halves = pixels(shuffled, Window(0, 0, 4, 5)) + pixels(shuffled, Window(4, 0, 6, 5))
    assert sorted(halves) == wanted
