"""Which region a pixel belongs to: that of its centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.fingerprint import fingerprint
from i2db.raster.burn import region_index
from i2db.raster.grid import Grid, Window

#: Pixels around a chunk within which the vertices of a region stay whatever they are.
MARGIN = 2


@dataclass(frozen=True, slots=True)
class ChunkRegions:
    """The regions that touch a chunk, in their order; one without shape is everywhere in the chunk."""

    names: tuple[str, ...]
    shapes: tuple[bytes | None, ...]

    @property
    def identity(self) -> list[Any]:
        """What a result depends on."""
        return [self.names, fingerprint([shape.hex() if shape else None for shape in self.shapes])]

    def of_pixels(self, window: Window, grid: Grid) -> NDArray[np.int16]:
        """(rows, columns) index into `names` for a window of the chunk, -1 outside all regions."""
        import shapely

        if self.shapes and self.shapes[0] is None:
            return np.zeros(window.shape, dtype=np.int16)
        everywhere: bytes = shapely.to_wkb(shapely.box(*grid.bounds(window.grown(1))))
        return region_index([everywhere if shape is None else shape for shape in self.shapes], window, grid)


def regions_of_chunks(project: Project) -> dict[str, ChunkRegions]:
    """The regions of every chunk, each with as much of its shape as tells the chunk's pixels apart."""
    rows = project.database.rows("candidate/regions")
    shapes = [bytes(row["wkb"]) if row["wkb"] is not None else None for row in rows]
    chunks = project.scene.chunks
    if not chunks:
        return {}
    found = shapes_in_windows(shapes, [chunk.window for chunk in chunks], project.scene.grid)
    return {
        chunk.unit: ChunkRegions(
            tuple(rows[place]["region"] for place in of_chunk), tuple(of_chunk[place] for place in of_chunk)
        )
        for chunk, of_chunk in zip(chunks, found, strict=True)
    }


def shapes_in_windows(shapes: list[bytes | None], windows: list[Window], grid: Grid) -> list[dict[int, bytes | None]]:
    """Per window the regions that touch it: by their place in `shapes`, as WKB, what the window needs of them.

    None, given or returned, stands for everywhere in the window. `region_index` makes the same of the window's pixels
    with what is returned as with the whole regions.
    """
    import shapely

    boxes = shapely.box(*np.array([grid.bounds(window) for window in windows], dtype=np.float64).T)
    found: list[dict[int, bytes | None]] = [{} for _ in windows]
    for place, wkb in enumerate(shapes):
        if wkb is None:
            for of_window in found:
                of_window[place] = None
            continue
        region = shapely.from_wkb(wkb)
        shapely.prepare(region)
        touched = np.flatnonzero(shapely.intersects(region, boxes))
        covered = set(touched[shapely.covers(region, boxes[touched])].tolist())
        for i in touched.tolist():
            bounds = grid.bounds(windows[i].grown(MARGIN))
            found[i][place] = None if i in covered else shapely.to_wkb(_near(region, bounds))
    return found


def _near(region: Any, bounds: tuple[float, float, float, float]) -> Any:
    """A region with fewer vertices far from a rectangle, and every edge that comes near it as it was, to the last bit.

    Cutting with the rectangle would round the ends of the edges, and move pixels whose centres lie on them.
    """
    import shapely

    parts = []
    for part in shapely.get_parts(region):
        shell, *holes = (_thinned(shapely.get_coordinates(ring), bounds) for ring in shapely.get_rings(part))
        # A ring of two corners encloses nothing.
        if len(shell) > 3:
            parts.append(shapely.Polygon(shell, [hole for hole in holes if len(hole) > 3]))
    return shapely.multipolygons(parts)


def _thinned(ring: NDArray[np.float64], bounds: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """A closed ring (n, 2) less the vertices that change nothing within bounds (left, bottom, right, top).

    A stretch that stays beyond one side of the rectangle meets a row of pixels left (or right) of all of them an even
    or odd number of times, whatever its way from its first to its last vertex: those two are enough.
    """
    left, bottom, right, top = bounds
    corners = ring[:-1]
    for axis, sign, limit in ((0, -1, -left), (0, 1, right), (1, -1, -bottom), (1, 1, top)):
        is_beyond = corners[:, axis] * sign > limit
        corners = corners[~(is_beyond & np.roll(is_beyond, 1) & np.roll(is_beyond, -1))]
    return np.concatenate([corners, corners[:1]])
