"""Inputs to spoil: a lattice of square parcels on the pixels of a tile, text files, copies of products."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import rasterio
import shapely

from i2db.simulate import Scene

#: Pixels from one parcel to the next, and along a parcel's side.
PITCH, SIDE = 12, 8
RESOLUTION = 10.0


def corner(scene: Scene) -> tuple[float, float, str]:
    """West and north limit of the first tile, and its projection."""
    path = next(next((scene.sensor_folder / scene.tiles[0]).iterdir()).glob("*_B2.tif"))
    with rasterio.open(path) as source:
        return source.bounds.left, source.bounds.top, source.crs.to_string()


def parcel(scene: Scene, i: int, *, side: float = SIDE, shift: float = 0.0) -> shapely.Polygon:
    """The i-th square (of 64) of `side` pixels, its edges on pixel limits unless shifted."""
    west, north, _ = corner(scene)
    left = west + RESOLUTION * (1 + PITCH * (i % 8) + shift)
    top = north - RESOLUTION * (1 + PITCH * (i // 8) + shift)
    return shapely.box(left, top - RESOLUTION * side, left + RESOLUTION * side, top)


def ground_truth(
    scene: Scene, path: Path, labels: Sequence[Any], shapes: Sequence[Any] | None = None, **columns: Sequence[Any]
) -> Path:
    """Write labelled parcels; ids count from 1."""
    geometry = list(shapes) if shapes is not None else [parcel(scene, i) for i in range(len(labels))]
    frame = geopandas.GeoDataFrame({"code": labels, **columns}, geometry=geometry, crs=corner(scene)[2])
    frame.to_file(path)
    return path


def labels_of(scene: Scene, n: int) -> list[int]:
    """The scene's codes in turn."""
    return [scene.class_codes[i % len(scene.class_codes)] for i in range(n)]
