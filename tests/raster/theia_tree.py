"""Small Theia products made by hand for the tests of this folder."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from i2db.raster.grid import Grid, Window
from i2db.sensors.declaration import Sensor, load_sensor
from i2db.sensors.product import BandFile, MaskFile, Product

GRID = Grid("EPSG:32631", 10.0, 10.0)
SENSOR = load_sensor("sentinel2")
FINE = ("B2", "B3", "B4", "B8")
#: North-west corner of the tile on the grid; not a multiple of two pixels, on purpose.
CORNER = (35_001, -480_003)


def write(
    path: Path, array: NDArray[Any], pixel: float, block: int = 16, crs: str = GRID.crs, corner: Any = None
) -> None:
    """A tiled GeoTIFF of one band, its north-west corner at CORNER of the grid, or at `corner` in map units."""
    path.parent.mkdir(parents=True, exist_ok=True)
    left, top = corner or (CORNER[0] * 10.0, -CORNER[1] * 10.0)
    profile = {
        "driver": "GTiff", "width": array.shape[1], "height": array.shape[0], "count": 1, "dtype": array.dtype,
        "crs": crs, "transform": Affine(pixel, 0, left, 0, -pixel, top), "tiled": True, "blockxsize": block,
        "blockysize": block, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(array, 1)


def product(
    folder: Path,
    date: str,
    bands: dict[str, NDArray[np.int16]],
    masks: dict[str, NDArray[np.uint8]],
    name: str = "",
    scale: float = 1.0,
    offset: float = 0.0,
) -> Product:
    """Write a product; arrays of bands of half the side of the masks are at 20 m."""
    day = datetime.date.fromisoformat(date)
    name = name or f"SENTINEL2A_{day:%Y%m%d}-100000-000_L2A_T31TCJ_D_V1-0"
    height = next(iter(masks.values())).shape[0]
    band_files, mask_files = [], []
    for band, array in bands.items():
        path = folder / name / f"{name}_FRE_{band}.tif"
        write(path, array, 10.0 * height / array.shape[0])
        band_files.append(BandFile(band=band, path=str(path), scale=scale, offset=offset))
    for mask, numbers in masks.items():
        path = folder / name / "MASKS" / f"{name}_{mask}_R1.tif"
        write(path, numbers, 10.0)
        mask_files.append(MaskFile(mask=mask, path=str(path)))
    return Product(
        product=name, sensor="Sentinel2", tile="T31TCJ", date=day, time="100000", platform="SENTINEL2A", orbit="",
        bands=tuple(band_files), masks=tuple(mask_files), fingerprint="",
    )  # fmt: skip


def sensor_of(bands: tuple[str, ...], dilation: int = 0) -> Sensor:
    """Sentinel-2 with some of its bands only."""
    kept = tuple(SENSOR.band(band) for band in bands)
    return dataclasses.replace(SENSOR, bands=kept, mask_dilation=dilation)


def random_series(
    folder: Path, dates: list[str], bands: tuple[str, ...], size: tuple[int, int], seed: int = 0, twice: bool = False
) -> list[Product]:
    """Products of random numbers with clouds, swath edges and some missing data; with `twice` the first day has two."""
    generator = np.random.default_rng(seed)
    products = []
    for place, date in enumerate([dates[0], *dates] if twice else dates):
        arrays = {}
        for band in bands:
            shape = size if band in FINE else (size[0] // 2, size[1] // 2)
            arrays[band] = generator.integers(50, 6000, shape).astype(np.int16)
            if generator.random() < 0.4:
                arrays[band][generator.integers(shape[0]), generator.integers(shape[1])] = -10000
        clouds = (generator.random(size) < 0.3).astype(np.uint8) * generator.integers(1, 255, size).astype(np.uint8)
        edge = np.zeros(size, dtype=np.uint8)
        if generator.random() < 0.3:
            edge[:, : size[1] // 3] = 1
        masks = {"CLM": clouds, "SAT": (generator.random(size) < 0.02).astype(np.uint8), "EDG": edge}
        suffix = "B" if twice and place == 1 else "A"
        name = f"SENTINEL2{suffix}_{date.replace('-', '')}-100000-000_L2A_T31TCJ_D_V1-0"
        products.append(product(folder, date, arrays, masks, name=name))
    return products


def whole(size: tuple[int, int]) -> Window:
    """The window of a tile of that many rows and columns."""
    return Window(CORNER[0], CORNER[1], size[1], size[0])
