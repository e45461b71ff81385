"""Which region a pixel belongs to: that of its centre."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.fingerprint import fingerprint
from i2db.raster.burn import region_index
from i2db.raster.grid import Grid, Window


@dataclass(frozen=True, slots=True)
class ChunkRegions:
    """The regions that touch a chunk, in their order; a region without shape is everywhere."""

    names: tuple[str, ...]
    shapes: tuple[bytes | None, ...]

    @property
    def identity(self) -> list[Any]:
        """What a result depends on."""
        return [self.names, fingerprint([shape.hex() if shape else None for shape in self.shapes])]

    def of_pixels(self, window: Window, grid: Grid) -> NDArray[np.int16]:
        """(rows, columns) index into `names`, -1 outside all regions."""
        if self.shapes == (None,):
            return np.zeros(window.shape, dtype=np.int16)
        return region_index([shape for shape in self.shapes if shape is not None], window, grid)


def regions_of_chunks(project: Project) -> dict[str, ChunkRegions]:
    """The regions of every chunk."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in project.database.rows("candidate/regions_of_chunks"):
        rows[f"{row['tile']}-{row['chunk']:04d}"].append(row)
    regions = {}
    for chunk in project.scene.chunks:
        found = rows[chunk.unit]
        shapes = tuple(bytes(row["wkb"]) if row["wkb"] is not None else None for row in found)
        regions[chunk.unit] = ChunkRegions(tuple(row["region"] for row in found), shapes)
    return regions
