"""Polygons near each other, and the groups they make, against plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from hypothesis import given
from hypothesis import strategies as st

from i2db.stages.split import close_pairs, connected, distances
from i2db.store.statement import text_of

#: Boxes on a raster, so that many edges lie on one line, as those of parcels on pixels do.
BOXES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 5)), min_size=1, max_size=12)


def boxes(places: list[tuple[int, int, int]]) -> list[shapely.Polygon]:
    return [shapely.box(10 * x, 10 * y, 10 * (x + side), 10 * (y + side)) for x, y, side in places]


@given(BOXES, st.sampled_from([0.0, 5.0, 10.0, 45.0, 200.0]))
def test_pairs_are_those_of_a_plain_loop(places: list[tuple[int, int, int]], distance: float) -> None:
    shapes = boxes(places)
    ids = np.arange(len(shapes), dtype=np.int64) * 7 + 3
    first, second = close_pairs(ids, np.array(shapes, dtype=object), distance)
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


def measured(shapes: list[shapely.Polygon], rows: list[tuple[int, int, int, bool]]) -> list[dict[str, Any]]:
    """Rows of `polygon_distance` for (run, class, polygon, learns); the id of polygon i is 7 i + 3."""
    sides = pa.table(
        {
            "run": pa.array([row[0] for row in rows], pa.int32()),
            "class_code": pa.array([row[1] for row in rows], pa.int32()),
            "polygon_id": pa.array([7 * row[2] + 3 for row in rows], pa.int64()),
            "is_learn": pa.array([row[3] for row in rows], pa.bool_()),
        }
    )
    ids = 7 * np.arange(len(shapes), dtype=np.int64) + 3
    return distances(ids, np.array(shapes, dtype=object), sides).to_pylist()


def test_the_nearest_learn_polygon_of_the_class() -> None:
    shapes = boxes([(0, 0, 1), (5, 0, 1), (9, 0, 1), (6, 0, 1)])
    # Polygon 1 ends at 60, polygon 2 begins at 90; polygon 0 ends at 10, polygon 1 begins at 50; 3 is another class.
    rows = [(0, 1, 0, True), (0, 1, 1, False), (0, 1, 2, True), (0, 2, 3, True), (1, 1, 0, True), (1, 1, 1, False)]
    assert measured(shapes, rows) == [
        {"run": 0, "polygon_id": 10, "nearest_polygon_id": 17, "distance": 30.0},
        {"run": 1, "polygon_id": 10, "nearest_polygon_id": 3, "distance": 40.0},
    ]


def test_no_pair_no_distance() -> None:
    assert measured(boxes([(0, 0, 1)]), [(0, 1, 0, True)]) == []
    assert measured([], []) == []


@given(BOXES, st.data())
def test_distances_are_those_of_a_plain_loop(places: list[tuple[int, int, int]], data: st.DataObject) -> None:
    shapes = boxes(places)
    n = len(shapes)
    side = st.sampled_from([(True,), (False,), (True, False)])
    rows = []
    for run in (0, 1):
        codes, sides = [data.draw(st.lists(s, min_size=n, max_size=n)) for s in (st.integers(1, 2), side)]
        rows += sorted(
            (run, code, i, learns) for i, (code, both) in enumerate(zip(codes, sides, strict=True)) for learns in both
        )
    expected = {}
    for run, code, i, learns in rows:
        others = [shapes[k].distance(shapes[i]) for r, c, k, other in rows if (r, c) == (run, code) and other]
        if not learns and others:
            expected[run, 7 * i + 3] = min(others)
    found = measured(shapes, rows)
    assert {(row["run"], row["polygon_id"]): row["distance"] for row in found} == expected
    for row in found:
        one, other = (shapes[(row[key] - 3) // 7] for key in ("polygon_id", "nearest_polygon_id"))
        assert one.distance(other) == row["distance"]


def test_geometries_are_read_once() -> None:
    assert "geom" not in text_of("split/learn_and_val")
