"""Rasters and zones made for tests, and what an independent computation makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray

CRS = "EPSG:32631"
#: North-west corner and pixel size of the rasters.
LEFT, TOP, SIZE = 500_000.0, 4_800_000.0, 10.0


def write_raster(
    path: Path,
    bands: NDArray[Any] | Sequence[NDArray[Any]],
    *,
    nodata: float | None = None,
    crs: str | None = CRS,
    size: float = SIZE,
    block: int | None = None,
) -> Path:
    """A raster whose north-west corner is at LEFT, TOP; bands are (rows, columns)."""
    stack = np.asarray(bands)
    stack = stack if stack.ndim == 3 else stack[None]
    tiled = {"tiled": True, "blockxsize": block, "blockysize": block} if block else {}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=stack.shape[2],
        height=stack.shape[1],
        count=stack.shape[0],
        dtype=stack.dtype,
        crs=crs,
        transform=Affine(size, 0, LEFT, 0, -size, TOP),
        nodata=nodata,
        **tiled,
    ) as target:
        target.write(stack)
    return path


def box(column: float, row: float, column_end: float, row_end: float) -> shapely.Polygon:
    """A box in pixels from the north-west corner, in map units."""
    return shapely.box(LEFT + column * SIZE, TOP - row_end * SIZE, LEFT + column_end * SIZE, TOP - row * SIZE)


def frame(geometry: Sequence[Any], crs: str | None = CRS, **fields: Any) -> geopandas.GeoDataFrame:
    """Zones."""
    return geopandas.GeoDataFrame(
        fields or {"name": [f"z{i}" for i in range(len(geometry))]}, geometry=list(geometry), crs=crs
    )


def shapes(n: int, width: int, height: int, random_seed: int) -> list[Any]:
    """Polygons of all sizes over and beyond a raster: stars, with holes, of several parts, overlapping."""
    rng = np.random.default_rng(random_seed)
    found: list[Any] = []
    while len(found) < n:
        x = LEFT + SIZE * rng.uniform(-0.1, 1.1) * width
        y = TOP - SIZE * rng.uniform(-0.1, 1.1) * height
        radius = SIZE * rng.choice([0.4, 2.0, 9.0]) * rng.uniform(0.5, 2)
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 14)))
        reach = radius * rng.uniform(0.3, 1, angles.size)
        shape: Any = shapely.Polygon(np.column_stack((x + reach * np.cos(angles), y + reach * np.sin(angles))))
        if len(found) % 3 == 0:
            shape = shape.difference(shape.centroid.buffer(radius / 5))
        if len(found) % 4 == 0:
            shape = shape.union(shapely.Point(x + 3 * radius, y).buffer(radius / 2))
        if shape.is_valid and shape.geom_type in ("Polygon", "MultiPolygon") and not shape.is_empty:
            found.append(shape)
    return found


def members(raster: Path, shape: Any, *, all_touched: bool = False) -> NDArray[np.bool_]:
    """The pixels of a zone, by rasterio."""
    from rasterio.features import geometry_mask

    with rasterio.open(raster) as source:
        return ~geometry_mask([shape], source.shape, source.transform, all_touched=all_touched)


def pixels(raster: Path, band: int = 1) -> NDArray[Any]:
    """A band, masked where it has no data."""
    with rasterio.open(raster) as source:
        return source.read(band, masked=True)
