"""Compiled kernel: which share of each pixel a polygon covers.

Coordinates are fractional columns and rows of a grid, as in `scanline`. An edge adds, row by row, the height it spans
to all pixels east of it, and to the pixels it crosses the part that lies east of it within the pixel; the running sum
along a row is then the covered share. It is the exact area under the polygon, with no sub-sampling: "signed area
accumulation", as font renderers do it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Shares nearer to 0 or 1 than this are 0 or 1: what is left of sums that cancel out, and corners that barely touch.
NEGLIGIBLE = 1e-9


@njit(cache=True, nogil=True)
def _ring_sign(u: Floats, v: Floats, is_hole: bool) -> float:
    """The sign that makes a ring add what it encloses, or take it away where it is a hole, however it turns."""
    area = 0.0
    for i in range(u.size - 1):
        # Relative to the first vertex: coordinates are large against what they enclose.
        area += (u[i] - u[0]) * (v[i + 1] - v[0]) - (u[i + 1] - u[0]) * (v[i] - v[0])
    return 1.0 if (area < 0.0) != is_hole else -1.0


@njit(cache=True, nogil=True)
def _add_piece(line: Floats, u0: float, u1: float, height: float) -> None:
    """Add a piece of an edge, within one row: from u0 to u1 (columns of the line), spanning a signed height."""
    n_columns = line.size - 1
    if u0 > u1:
        u0, u1 = u1, u0
    width = u1 - u0
    if u0 < 0.0 and width > 0.0:
        # What lies west of the line counts as if it ran down its west side.
        outside = height * (min(u1, 0.0) - u0) / width
        line[0] += outside
        height -= outside
        u0 = 0.0
    if u1 <= 0.0:
        line[0] += height
        return
    if u1 > n_columns and width > 0.0:
        height -= height * (u1 - max(u0, float(n_columns))) / (u1 - u0) if u1 > u0 else height
        u1 = float(n_columns)
    if u0 >= n_columns:
        return
    width = u1 - u0
    column = math.floor(u0)
    last = min(math.floor(u1), n_columns - 1)
    if column >= last or width <= 0.0:
        share = (0.5 * (u0 + u1) - column) * height
        line[column] += height - share
        line[column + 1] += share
        return
    for c in range(column, last + 1):
        west, east = max(u0, float(c)), min(u1, c + 1.0)
        if east <= west:
            continue
        part = height * (east - west) / width
        share = (0.5 * (west + east) - c) * part
        line[c] += part - share
        line[c + 1] += share


@njit(cache=True, nogil=True)
def _add_ring(lines: Floats, u: Floats, v: Floats, left: int, top: int, sign: float) -> None:
    """Add all edges of a closed ring to lines whose north-west corner lies at (left, top)."""
    n_rows = lines.shape[0]
    for i in range(u.size - 1):
        u0, v0, u1, v1 = u[i] - left, v[i] - top, u[i + 1] - left, v[i + 1] - top
        if v0 == v1:
            continue
        direction = sign
        if v0 > v1:
            u0, v0, u1, v1 = u1, v1, u0, v0
            direction = -sign
        if v1 <= 0.0 or v0 >= n_rows:
            continue
        slope = (u1 - u0) / (v1 - v0)
        for row in range(max(0, math.floor(v0)), min(n_rows, math.ceil(v1))):
            upper, lower = max(v0, float(row)), min(v1, row + 1.0)
            if lower > upper:
                u_upper = u0 if upper == v0 else u0 + (upper - v0) * slope
                u_lower = u1 if lower == v1 else u0 + (lower - v0) * slope
                _add_piece(lines[row], u_upper, u_lower, direction * (lower - upper))


@njit(cache=True, nogil=True)
def coverage_spans(
    u: Floats,
    v: Floats,
    ring_starts: Integers,
    polygon_starts: Integers,
    is_hole: NDArray[np.bool_],
    left: int,
    top: int,
    n_columns: int,
    n_rows: int,
) -> tuple[Integers, Floats]:
    """Runs of pixels that a polygon covers by one share, within a window, and their shares (0 to 1).

    Rows (polygon, row, first column, column end) are those of `scanline.polygon_spans`, with every pixel that is
    covered at all. Polygons are valid: rings that do not cross, parts that do not overlap.
    """
    spans = np.empty((1024, 4), dtype=np.int64)
    shares = np.empty(1024, dtype=np.float64)
    n_spans = 0
    for polygon in range(polygon_starts.size - 1):
        first_ring, ring_end = polygon_starts[polygon], polygon_starts[polygon + 1]
        first_vertex, vertex_end = ring_starts[first_ring], ring_starts[ring_end]
        if first_vertex == vertex_end:
            continue
        polygon_u, polygon_v = u[first_vertex:vertex_end], v[first_vertex:vertex_end]
        west = max(left, math.floor(polygon_u.min()))
        east = min(left + n_columns, math.ceil(polygon_u.max()))
        north = max(top, math.floor(polygon_v.min()))
        south = min(top + n_rows, math.ceil(polygon_v.max()))
        if west >= east or north >= south:
            continue
        lines = np.zeros((south - north, east - west + 1), dtype=np.float64)
        for ring in range(first_ring, ring_end):
            ring_u, ring_v = u[ring_starts[ring] : ring_starts[ring + 1]], v[ring_starts[ring] : ring_starts[ring + 1]]
            _add_ring(lines, ring_u, ring_v, west, north, _ring_sign(ring_u, ring_v, is_hole[ring]))
        for row in range(south - north):
            total = 0.0
            open_share = 0.0
            for column in range(east - west + 1):
                share = 0.0
                if column < east - west:
                    total += lines[row, column]
                    if total > NEGLIGIBLE:
                        share = 1.0 if total > 1.0 - NEGLIGIBLE else total
                if share == open_share:
                    continue
                if open_share > 0.0:
                    spans[n_spans - 1, 3] = west + column - left
                if share > 0.0:
                    if n_spans == shares.size:
                        spans, shares = _grown(spans, shares)
                    spans[n_spans, 0], spans[n_spans, 1] = polygon, north + row - top
                    spans[n_spans, 2] = west + column - left
                    shares[n_spans] = share
                    n_spans += 1
                open_share = share
    return spans[:n_spans].copy(), shares[:n_spans].copy()


@njit(cache=True, nogil=True)
def _grown(spans: Integers, shares: Floats) -> tuple[Integers, Floats]:
    """The same arrays with twice the room."""
    larger, longer = np.empty((2 * shares.size, 4), dtype=np.int64), np.empty(2 * shares.size, dtype=np.float64)
    larger[: shares.size] = spans
    longer[: shares.size] = shares
    return larger, longer
