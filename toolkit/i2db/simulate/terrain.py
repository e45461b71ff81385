"""The relief of a scene: woods on the heights, water and towns in the valleys; two files in another projection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.simulate.catalogue import Kind
from i2db.simulate.landscape import Landscape
from i2db.simulate.layout import CRS, Extent
from i2db.simulate.noise import smooth_noise

#: Projection of the files, and their pixel in degrees (an arc second, as SRTM's).
DEM_CRS = "EPSG:4326"
DEM_PIXEL = 1 / 3600
DEM_NODATA = -32768.0
#: Mean elevation, height of the hills, and of what stands out in them, in metres.
_MEAN, _HILLS, _ROUGH = 180.0, 45.0, 6.0
#: Metres by which the land of a kind lies over or under the hills.
_LIFT = {Kind.WOOD: 70.0, Kind.FIELD: 0.0, Kind.BUILT: -25.0, Kind.WATER: 0.0, Kind.ROAD: 0.0}
#: Depth of the valleys of water in metres, and how far in pixels of the scene their slopes reach.
_VALLEY, _SLOPES = 70.0, 40.0
#: Length in pixels of the scene over which the lift is spread.
_SPREAD = 12.0
#: How far the files reach beyond the scene, in pixels of theirs, and the share of their width that they have in common.
_MARGIN, _COMMON = 12, 0.2


def elevation(extent: Extent, landscape: Landscape, seed: int) -> NDArray[np.float32]:
    """Metres above the sea at the pixels of the scene (rows, columns)."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    lift = np.array([_LIFT[land.kind] for land in landscape.classes], dtype=np.float32)
    of_land = lift[landscape.class_index][landscape.parcel]
    rows, columns = np.arange(extent.n_rows, dtype=np.float64), np.arange(extent.n_columns, dtype=np.float64)
    key = seed * 31 + 11
    height: NDArray[np.float32] = gaussian_filter(of_land, _SPREAD, mode="nearest")
    wavelength = max(40.0, 0.6 * max(extent.n_rows, extent.n_columns))
    height += np.float32(_HILLS) * smooth_noise(rows, columns, key=key, wavelength=wavelength, octaves=3)
    is_water = np.array([land.kind is Kind.WATER for land in landscape.classes])[landscape.class_index]
    if is_water.any():
        distance = distance_transform_edt(~is_water[landscape.parcel]).astype(np.float32)
        valley = np.exp(-distance / np.float32(_SLOPES))
        height = height * (1 - valley) - np.float32(_VALLEY) * valley
    height += np.float32(_ROUGH) * smooth_noise(rows, columns, key=key + 1, wavelength=9.0, octaves=2)
    return height + np.float32(_MEAN)


def write_dem(paths: Sequence[Path], extent: Extent, heights: NDArray[np.float32]) -> None:
    """Write the relief in degrees as two overlapping files, the western and the eastern, equal where both have it."""
    from rasterio.warp import transform, transform_bounds
    from scipy.ndimage import map_coordinates

    left, bottom, right, top = transform_bounds(
        CRS, DEM_CRS, extent.left, extent.bottom, extent.right, extent.top, densify_pts=21
    )
    first_column, end_column = _floor(left) - _MARGIN, _floor(right) + 1 + _MARGIN
    first_row, end_row = _floor(-top) - _MARGIN, _floor(-bottom) + 1 + _MARGIN
    longitudes = (np.arange(first_column, end_column) + 0.5) * DEM_PIXEL
    latitudes = -(np.arange(first_row, end_row) + 0.5) * DEM_PIXEL
    x, y = np.meshgrid(longitudes, latitudes)
    east, north = transform(DEM_CRS, CRS, x.ravel(), y.ravel())
    rows = (extent.top - np.asarray(north)) / extent.resolution - 0.5
    columns = (np.asarray(east) - extent.left) / extent.resolution - 0.5
    # Beyond the scene the last heights go on.
    sampled = map_coordinates(heights, [rows, columns], order=1, mode="nearest").reshape(x.shape).astype(np.float32)
    n_columns = end_column - first_column
    middle, half = n_columns // 2, max(2, round(_COMMON * n_columns / 2))
    for path, (start, end) in zip(paths, ((0, middle + half), (middle - half, n_columns)), strict=True):
        _write(path, sampled[:, start:end], (first_column + start) * DEM_PIXEL, -first_row * DEM_PIXEL)


def _floor(degrees: float) -> int:
    return int(np.floor(degrees / DEM_PIXEL))


def _write(path: Path, heights: NDArray[np.float32], left: float, top: float) -> None:
    import rasterio
    from rasterio.transform import Affine

    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": heights.shape[1],
        "height": heights.shape[0],
        "count": 1,
        "dtype": "float32",
        "nodata": DEM_NODATA,
        "crs": DEM_CRS,
        "transform": Affine(DEM_PIXEL, 0.0, left, 0.0, -DEM_PIXEL, top),
        "compress": "deflate",
        "predictor": 3,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile) as target:
        target.write(heights, 1)
