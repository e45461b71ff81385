"""Every sensor that ships, on a tree made by a script: what is read is what the files say, and they see one land."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from i2db.config.reader import load
from i2db.raster.grid import Grid
from i2db.raster.read import SeriesReader
from i2db.sensors.declaration import all_sensors, load_sensor
from i2db.sensors.product import Product
from i2db.sensors.scan import scan
from i2db.simulate import Scene, simulate

SIZE = 96
NAMES = tuple(sensor.prefix for sensor in all_sensors())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """One tile of 960 m seen by all sensors in one season."""
    folder = tmp_path_factory.mktemp("sensors") / "scene"
    return simulate(
        folder, size=SIZE, dates=7, days_between=8, first_date="20180601", classes=5, seed=5, sensors=NAMES, block=32
    )


def products_of(world: Scene, name: str) -> list[Product]:
    config = load(world.config).config
    sensor = load_sensor(name)
    products, findings = scan(sensor, getattr(config.chain, sensor.path_key), "T31TCJ")
    assert findings == []
    return products


def read(path: str, index: int = 1) -> NDArray[np.int64]:
    with rasterio.open(path) as source:
        return source.read(index).astype(np.int64)


def test_the_simulator_knows_every_sensor_that_ships(world: Scene) -> None:
    assert {delivery.instrument.sensor.lower() for delivery in world.deliveries} == set(NAMES) - {"sentinel2"}
    for sensor in all_sensors():
        assert len(products_of(world, sensor.prefix)) >= 3
    for delivery in world.deliveries:
        assert all(path.is_file() for path in delivery.files)


@pytest.mark.parametrize("name", NAMES)
def test_reflectances_are_the_numbers_calibrated(world: Scene, name: str) -> None:
    sensor, products = load_sensor(name), products_of(world, name)
    # Landsat's old products lie half a pixel of theirs off the others: on a grid of 15 m they align.
    grid = Grid("EPSG:32631", 15.0, 15.0) if name.endswith("old") else Grid("EPSG:32631", 10.0, 10.0)
    seen = set()
    with SeriesReader(sensor, products, grid) as reader:
        cube = reader.read(reader.window)
        for layers in cube.layers:
            for layer, (place, band) in enumerate(zip(layers.product, layers.band, strict=True)):
                product = reader.products[place]
                file = product.bands[band]
                numbers = read(file.path, int(sensor.band(file.band).index))
                # Sen2Cor's offset by the baseline in the product's name: the date tells nothing.
                baseline = re.search(r"_N(\d{4})_", product.product)
                added = -1000 if baseline and int(baseline[1]) >= 400 else 0
                expected = np.where(numbers == sensor.nodata, np.nan, numbers + added)
                ours = layers.numbers[layer].astype(float) * layers.scale[layer] + layers.offset[layer]
                ours[layers.numbers[layer] == layers.nodata[layer]] = np.nan
                np.testing.assert_array_equal(ours, expected)
                assert np.nanmax(expected) > 300
                seen.add((int(place), file.band))
    assert len(seen) == len(products) * len(sensor.bands)


def test_the_series_mixes_baselines_in_no_order(world: Scene) -> None:
    names = [product.product for product in products_of(world, "sentinel2s2c")]
    baselines = [name.split("_")[3] for name in names]
    assert set(baselines) == {"N0509", "N0211", "N0400"}
    assert baselines != sorted(baselines)


def numbers_by_name(product: Product) -> dict[str, NDArray[np.int64]]:
    return {mask.mask: read(mask.path) for mask in product.masks}


RULES: dict[str, Callable[[dict[str, NDArray[np.int64]]], NDArray[np.bool_]]] = {
    "sentinel2": lambda m: m["CLM"] + m["SAT"] + m["EDG"] > 0,
    "landsat8": lambda m: m["CLM"] + m["SAT"] + m["EDG"] > 0,
    "landsat5": lambda m: m["CLM"] + m["SAT"] + m["EDG"] > 0,
    "landsat8old": lambda m: m["NUA"] + m["SAT"] + m["DIV"] % 2 > 0,
    "landsat5old": lambda m: m["NUA"] + m["SAT"] + m["DIV"] % 2 > 0,
    "sentinel2s2c": lambda m: np.isin(m["SCL"], (0, 1, 3, 8, 9, 10)),
    "sentinel2l3a": lambda m: m["FLG"] < 2,
}


@pytest.mark.parametrize("name", NAMES)
def test_masks_follow_the_rules_of_iota2(world: Scene, name: str) -> None:
    """At the grid of 10 m each pixel has what the mask's pixel under its centre says; nothing lies beyond the files."""
    products, grid = products_of(world, name), Grid("EPSG:32631", 10.0, 10.0)
    with rasterio.open(products_of(world, "sentinel2")[0].bands[0].path) as source:
        window = grid.window_of_bounds(*source.bounds)
    with SeriesReader(load_sensor(name), products, grid) as reader:
        cube = reader.read_masks(window)
    left, _, _, top = grid.bounds(window)
    kinds = set()
    for place, date in enumerate(cube.dates):
        (product,) = [product for product in products if product.date == date]
        invalid = RULES[name](numbers_by_name(product))
        with rasterio.open(product.masks[0].path) as source:
            corner, pixel = (source.transform.c, source.transform.f), source.transform.a
        columns = np.floor((left + 10 * np.arange(SIZE) + 5 - corner[0]) / pixel).astype(int)
        rows = np.floor((corner[1] - top + 10 * np.arange(SIZE) + 5) / pixel).astype(int)
        inside = (rows < invalid.shape[0])[:, None] & (columns < invalid.shape[1])[None, :]
        expected = invalid[np.ix_(rows.clip(max=invalid.shape[0] - 1), columns.clip(max=invalid.shape[1] - 1))]
        np.testing.assert_array_equal(cube.invalid[place] != 0, expected | ~inside)
        kinds |= set(np.unique(expected))
        assert inside.all()
    assert kinds == {True, False}
    assert cube.footprint.mean() > 0.9


def test_water_in_div_leaves_a_pixel_valid(tmp_path: Path) -> None:
    scene = simulate(tmp_path / "s", size=SIZE, dates=4, classes=12, seed=2, sensors=["landsat8old"])
    found = set()
    for delivery in scene.deliveries:
        found |= set(np.unique(read(str(next(path for path in delivery.files if "_DIV" in path.name)))))
    assert 2 in found


def greenness(world: Scene, name: str) -> tuple[NDArray[np.float64], tuple[float, float, float]]:
    """Mean NDVI over the clear dates, NaN where there is none, with the corner and the pixel size."""
    sensor, found = load_sensor(name), []
    for product in products_of(world, name):
        files = {file.band: file for file in product.bands}
        places = [files[str(band)] for band in (sensor.red, sensor.nir)]
        red, nir = (read(file.path, file.index) * file.scale + file.offset for file in places)
        found.append(np.where(RULES[name](numbers_by_name(product)), np.nan, (nir - red) / (nir + red + 1e-9)))
        with rasterio.open(places[0].path) as source:
            corner = (source.transform.c, source.transform.f, source.transform.a)
    clear = np.isfinite(found).sum(axis=0)
    return np.where(clear > 0, np.nansum(found, axis=0) / np.maximum(clear, 1), np.nan), corner


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("landsat")])
def test_landsat_lies_where_its_files_say(world: Scene, name: str) -> None:
    """The land is that of Sentinel-2 at the place of each pixel, and nowhere else: any shift is worse."""
    fine, (left, top, _) = greenness(world, "sentinel2")
    coarse, (own_left, own_top, pixel) = greenness(world, name)
    rows, columns = np.mgrid[2 : coarse.shape[0] - 2, 2 : coarse.shape[1] - 2]
    likeness: dict[tuple[int, int], float] = {}
    for shift in itertools.product((-20, 0, 20), repeat=2):
        # The nine fine pixels round the middle of each coarse one.
        x, y = own_left + pixel * (columns + 0.5) + shift[0], own_top - pixel * (rows + 0.5) + shift[1]
        across, down = (x - left) / 10, (top - y) / 10
        around = [
            fine[np.floor(down + dy).astype(int), np.floor(across + dx).astype(int)]
            for dy, dx in itertools.product((-1, 0, 1), repeat=2)
        ]
        theirs, ours = np.mean(around, axis=0).ravel(), coarse[2:-2, 2:-2].ravel()
        both = np.isfinite(theirs) & np.isfinite(ours)
        assert both.sum() > 300
        likeness[shift] = float(np.corrcoef(theirs[both], ours[both])[0, 1])
    assert max(likeness, key=lambda shift: likeness[shift]) == (0, 0)
    assert likeness[0, 0] > 0.85
