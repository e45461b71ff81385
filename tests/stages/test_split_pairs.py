"""Polygons near each other, and the groups they make, against plain loops."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from i2db.stages.split import close_pairs, connected, distances

#: Boxes on a raster, so that many edges lie on one line, as those of parcels on pixels do.
BOXES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 5)), min_size=1, max_size=12)


def boxes(places: list[tuple[int, int, int]]) -> list[shapely.Polygon]:
    return [shapely.box(10 * x, 10 * y, 10 * (x + side), 10 * (y + side)) for x, y, side in places]


@given(BOXES, st.sampled_from([0.0, 5.0, 10.0, 45.0, 200.0]))
def test_pairs_are_those_of_a_plain_loop(places: list[tuple[int, int, int]], distance: float) -> None:
    shapes = boxes(places)
    ids = np.arange(len(shapes), dtype=np.int64) * 7 + 3
    first, second = close_pairs(ids, [shapely.to_wkb(shape) for shape in shapes], distance)
    expected = {
        (int(ids[i]), int(ids[j]))
        for i in range(len(shapes))
        for j in range(i + 1, len(shapes))
        if distance > 0 and shapes[i].distance(shapes[j]) <= distance
    }
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == expected


@given(st.integers(1, 15), st.data())
def test_groups_are_those_of_spreading_ids(n: int, data: st.DataObject) -> None:
    ids = np.arange(n, dtype=np.int64) * 3 + 1
    place = st.integers(0, n - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=20))
    smallest = list(range(n))
    for _ in range(n):
        for a, b in pairs:
            smallest[a] = smallest[b] = min(smallest[a], smallest[b])
    first = np.array([ids[a] for a, _ in pairs], dtype=np.int64)
    second = np.array([ids[b] for _, b in pairs], dtype=np.int64)
    assert connected(ids, first, second).tolist() == [int(ids[i]) for i in smallest]


def test_no_polygon_no_group() -> None:
    none = np.array([], dtype=np.int64)
    assert connected(none, none, none).tolist() == []


def test_the_nearest_learn_polygon_of_the_class() -> None:
    import pyarrow as pa

    shapes = boxes([(0, 0, 1), (5, 0, 1), (9, 0, 1), (6, 0, 1)])
    rows = [
        {"run": 0, "class_code": code, "polygon_id": i, "split": split, "wkb": shapely.to_wkb(shapes[i])}
        for i, (code, split) in enumerate([(1, "learn"), (1, "val"), (1, "learn"), (2, "learn")])
    ]
    # Polygon 1 ends at 60, polygon 2 begins at 90; polygon 0 ends at 10, polygon 1 begins at 50; 3 is another class.
    assert distances(pa.Table.from_pylist(rows)).to_pylist() == [
        {"run": 0, "polygon_id": 1, "nearest_polygon_id": 2, "distance": 30.0}
    ]
