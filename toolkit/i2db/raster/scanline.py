"""Compiled kernels of `burn`: the rows of polygons, which polygon owns a pixel, how far its boundary is.

Apart from `burn` because numba is imported here, which takes a moment.

Polygons come as flat arrays: `u` and `v`, the vertices as fractional column and row of the grid; `ring_starts`, where
the rings begin in them (one more entry than rings); `polygon_starts`, where the polygons begin in `ring_starts` (one
more entry than polygons). Rings are closed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def _row_range(first: float, second: float, top: int, n_rows: int) -> tuple[int, int]:
    """Rows of the window (first, one past the last) whose centre lies in (min, max] of two fractional rows."""
    low, high = min(first, second), max(first, second)
    start = max(math.floor(low - 0.5) + 1 - top, 0)
    stop = min(math.floor(high - 0.5) + 1 - top, n_rows)
    return start, stop


@njit(cache=True, nogil=True)
def _crossing(row_centre: float, u0: float, v0: float, u1: float, v1: float) -> float:
    """Where an edge crosses a row of centres; the same number whichever end it is given from."""
    if v0 > v1:
        u0, v0, u1, v1 = u1, v1, u0, v0
    if row_centre == v1:
        # Exactly, so that all edges that meet in a vertex cross there.
        return u1
    return u0 + (row_centre - v0) * ((u1 - u0) / (v1 - v0))


@njit(cache=True, nogil=True)
def _crossings(
    u: Floats, v: Floats, ring_starts: Integers, top: int, row_start: int, row_stop: int
) -> tuple[Floats, Integers]:
    """Where the edges of one polygon's rings cross the rows of centres, row by row; and where each row begins there."""
    starts = np.zeros(row_stop - row_start + 2, dtype=np.int64)
    for ring in range(ring_starts.size - 1):
        for i in range(ring_starts[ring], ring_starts[ring + 1] - 1):
            start, stop = _row_range(v[i], v[i + 1], top, row_stop)
            for row in range(max(start, row_start), stop):
                starts[row - row_start + 2] += 1
    for row in range(2, starts.size):
        starts[row] += starts[row - 1]
    crossings = np.empty(starts[-1], dtype=np.float64)
    for ring in range(ring_starts.size - 1):
        for i in range(ring_starts[ring], ring_starts[ring + 1] - 1):
            start, stop = _row_range(v[i], v[i + 1], top, row_stop)
            for row in range(max(start, row_start), stop):
                place = row - row_start + 1
                crossings[starts[place]] = _crossing(top + row + 0.5, u[i], v[i], u[i + 1], v[i + 1])
                starts[place] += 1
    for row in range(starts.size - 1):
        crossings[starts[row] : starts[row + 1]].sort()
    return crossings, starts


@njit(cache=True, nogil=True)
def polygon_spans(
    u: Floats,
    v: Floats,
    ring_starts: Integers,
    polygon_starts: Integers,
    left: int,
    top: int,
    n_columns: int,
    n_rows: int,
) -> Integers:
    """Runs of pixels whose centres lie in a polygon, within a window: rows (polygon, row, first column, column end).

    Rows and columns count from the window's corner (`left`, `top` on the grid). A centre on a west or south edge is
    inside, on an east or north edge outside, and rings cancel out in pairs (a hole is outside): OTB's rule. All is
    computed in coordinates of the grid, so that the window changes nothing; and as an edge has one crossing from either
    side, two polygons that share it share no pixel and leave none between them.
    """
    spans = np.empty((1024, 4), dtype=np.int64)
    n_spans = 0
    for polygon in range(polygon_starts.size - 1):
        rings = ring_starts[polygon_starts[polygon] : polygon_starts[polygon + 1] + 1]
        if rings[0] == rings[-1]:
            continue
        polygon_u, polygon_v = u[rings[0] : rings[-1]], v[rings[0] : rings[-1]]
        row_start, row_stop = _row_range(polygon_v.min(), polygon_v.max(), top, n_rows)
        if row_stop <= row_start or polygon_u.max() < left or polygon_u.min() > left + n_columns:
            continue
        crossings, starts = _crossings(u, v, rings, top, row_start, row_stop)
        for row in range(row_start, row_stop):
            for k in range(starts[row - row_start], starts[row - row_start + 1] - 1, 2):
                first = max(math.ceil(crossings[k] - 0.5) - left, 0)
                end = min(math.ceil(crossings[k + 1] - 0.5) - left, n_columns)
                if end <= first:
                    continue
                if n_spans == spans.shape[0]:
                    larger = np.empty((2 * n_spans, 4), dtype=np.int64)
                    larger[:n_spans] = spans
                    spans = larger
                spans[n_spans, 0], spans[n_spans, 1] = polygon, row
                spans[n_spans, 2], spans[n_spans, 3] = first, end
                n_spans += 1
    return spans[:n_spans].copy()


@njit(cache=True, nogil=True)
def first_owners(
    spans: Integers, codes: Integers, n_rows: int, n_columns: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Per pixel (rows, columns) the first polygon over it (-1: none), and whether polygons of other codes are too."""
    owner = np.full((n_rows, n_columns), -1, dtype=np.int32)
    is_contested = np.zeros((n_rows, n_columns), dtype=np.bool_)
    for i in range(spans.shape[0]):
        polygon, row = spans[i, 0], spans[i, 1]
        for column in range(spans[i, 2], spans[i, 3]):
            other = owner[row, column]
            if other < 0:
                owner[row, column] = polygon
            elif codes[other] != codes[polygon]:
                is_contested[row, column] = True
    return owner, is_contested


@njit(cache=True, nogil=True)
def polygons_over(spans: Integers, is_wanted: NDArray[np.bool_]) -> Integers:
    """Every (pixel, polygon) of the wanted pixels, as rows; a pixel is row * columns + column of the window."""
    n_columns = is_wanted.shape[1]
    n_found = 0
    for i in range(spans.shape[0]):
        n_found += is_wanted[spans[i, 1], spans[i, 2] : spans[i, 3]].sum()
    found = np.empty((n_found, 2), dtype=np.int64)
    n_found = 0
    for i in range(spans.shape[0]):
        for column in range(spans[i, 2], spans[i, 3]):
            if is_wanted[spans[i, 1], column]:
                found[n_found, 0] = spans[i, 1] * n_columns + column
                found[n_found, 1] = spans[i, 0]
                n_found += 1
    return found


@njit(cache=True, nogil=True)
def boundary_distances(
    vertex_x: Floats,
    vertex_y: Floats,
    ring_starts: Integers,
    polygon_starts: Integers,
    polygon_index: Integers,
    x: Floats,
    y: Floats,
) -> NDArray[np.float32]:
    """Distance of each point to the nearest edge of its polygon, holes included, in the units of the coordinates."""
    distances = np.empty(x.size, dtype=np.float32)
    for point in range(x.size):
        polygon = polygon_index[point]
        nearest = np.inf
        for ring in range(polygon_starts[polygon], polygon_starts[polygon + 1]):
            for i in range(ring_starts[ring], ring_starts[ring + 1] - 1):
                edge_x, edge_y = vertex_x[i + 1] - vertex_x[i], vertex_y[i + 1] - vertex_y[i]
                offset_x, offset_y = x[point] - vertex_x[i], y[point] - vertex_y[i]
                length_squared = edge_x * edge_x + edge_y * edge_y
                along = 0.0
                if length_squared > 0.0:
                    along = min(1.0, max(0.0, (offset_x * edge_x + offset_y * edge_y) / length_squared))
                gap_x, gap_y = offset_x - along * edge_x, offset_y - along * edge_y
                nearest = min(nearest, gap_x * gap_x + gap_y * gap_y)
        distances[point] = math.sqrt(nearest)
    return distances
