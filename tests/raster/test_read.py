"""Reading series: windows, masks, several products a day, and files that are broken or lie on another grid."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import theia_tree as tree
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from scipy.ndimage import binary_dilation

from i2db.errors import ConfigError, ContractError, InputError
from i2db.raster.features import SensorFeatures
from i2db.raster.flags import INVALID, OUTSIDE, dilate, flags_of
from i2db.raster.grid import Grid, Window
from i2db.raster.pixels import band_series
from i2db.raster.read import SeriesReader
from i2db.sensors.declaration import Mask, Rule
from i2db.sensors.pattern import compile_pattern
from i2db.sensors.product import Product

BANDS = ("B2", "B4", "B8", "B11")
SIZE = (40, 36)
DATES = ["2018-01-05", "2018-01-25", "2018-03-02"]


@functools.cache
def series() -> tuple[Product, ...]:
    folder = Path(tempfile.mkdtemp(prefix="i2db-read-"))
    return tuple(tree.random_series(folder, DATES, BANDS, SIZE, seed=5, twice=True))


def parts(window: Window) -> st.SearchStrategy[Window]:
    """Windows in and around another."""
    return st.builds(
        Window,
        st.integers(window.column - 9, window.column_end + 5),
        st.integers(window.row - 9, window.row_end + 5),
        n_columns=st.integers(1, 30),
        n_rows=st.integers(1, 30),
    )


def raw(product: Product, band: str) -> NDArray[np.int16]:
    path = next(file.path for file in product.bands if file.band == band)
    with rasterio.open(path) as dataset:
        numbers: NDArray[np.int16] = dataset.read(1)
    return numbers


def test_what_a_reader_knows() -> None:
    with SeriesReader(tree.sensor_of(BANDS), series(), tree.GRID) as reader:
        assert [date.isoformat() for date in reader.dates] == DATES
        assert reader.window == tree.whole(SIZE)
        assert reader.origin == tree.CORNER
        assert reader.block_shape == (32, 32)  # 16 pixels of 20 m
        cube = reader.read(reader.window)
        assert cube.n_bytes <= reader.bytes_per_pixel * cube.window.n_pixels * 1.3
        assert cube.n_products == 4


def test_bands_at_the_resolution_of_the_grid_are_the_files() -> None:
    with SeriesReader(tree.sensor_of(BANDS), series(), tree.GRID, bands=["B8", "B2"]) as reader:
        cube = reader.read(reader.window, margin=3)
    assert cube.window == tree.whole(SIZE).grown(3)
    for band in ("B2", "B8"):
        numbers = band_series(cube, band)
        for place, product in enumerate(reader.products):
            with rasterio.open(product.masks[2].path) as dataset:
                is_edge = dataset.read(1) != 0
            expected = np.where(raw(product, band) == -10000, np.nan, raw(product, band).astype(float))
            expected[is_edge] = np.nan
            np.testing.assert_array_equal(numbers[place, 3:-3, 3:-3], expected)
            assert np.isnan(numbers[place, :3]).all()


@settings(max_examples=40, deadline=None)
@given(part=parts(tree.whole(SIZE)), margin=st.integers(0, 4), dilation=st.integers(0, 3))
def test_any_window_is_a_piece_of_the_whole(part: Window, margin: int, dilation: int) -> None:
    around = tree.whole(SIZE).grown(50)
    with SeriesReader(tree.sensor_of(BANDS, dilation), series(), tree.GRID) as reader:
        everything, piece = reader.read(around), reader.read(part, margin)
    rows, columns = part.grown(margin).slices_in(around)
    for band in BANDS:
        np.testing.assert_array_equal(band_series(piece, band), band_series(everything, band)[:, rows, columns])
    np.testing.assert_array_equal(piece.flags, everything.flags[:, rows, columns])
    np.testing.assert_array_equal(piece.masks.invalid, everything.masks.invalid[:, rows, columns])


def test_masks_follow_the_rules_and_days_are_combined() -> None:
    with SeriesReader(tree.sensor_of(BANDS), series(), tree.GRID) as reader:
        masks = reader.read_masks(reader.window)
        products = reader.products
    invalid, outside = [], []
    for product in products:
        numbers = []
        for file in product.masks:
            with rasterio.open(file.path) as dataset:
                numbers.append(dataset.read(1).astype(int))
        invalid.append(sum(numbers) > 0)
        outside.append(numbers[2] > 0)
    by_day = [[0, 1], [2], [3]]
    for day, members in enumerate(by_day):
        np.testing.assert_array_equal(masks.invalid[day] == 1, np.all([invalid[k] for k in members], axis=0))
        np.testing.assert_array_equal(masks.acquired[day], ~np.all([outside[k] for k in members], axis=0))
    np.testing.assert_array_equal(masks.footprint, ~np.all(outside, axis=0))


@pytest.mark.parametrize("dilation", [1, 3])
def test_dilation(dilation: int) -> None:
    with SeriesReader(tree.sensor_of(BANDS, dilation), series()[2:], tree.GRID) as reader:
        grown = reader.read_masks(reader.window)
    with SeriesReader(tree.sensor_of(BANDS), series()[2:], tree.GRID) as reader:
        plain = reader.read_masks(reader.window)
    square = np.ones((2 * dilation + 1, 2 * dilation + 1), dtype=bool)
    for day in range(len(plain.dates)):
        np.testing.assert_array_equal(grown.invalid[day] == 1, binary_dilation(plain.invalid[day] == 1, square))
    np.testing.assert_array_equal(grown.acquired, plain.acquired)


def test_beyond_the_tile_is_not_acquired() -> None:
    with SeriesReader(tree.sensor_of(BANDS), series(), tree.GRID) as reader:
        beside = Window(tree.CORNER[0] + 1000, tree.CORNER[1], 5, 4)
        cube = reader.read(beside)
        assert (cube.masks.invalid == 1).all()
        assert not reader.read_masks(beside).acquired.any()
    assert np.isnan(band_series(cube, "B11")).all()


@pytest.mark.parametrize("cut", [60, 2000])
def test_truncated_file_is_named(tmp_path: Path, cut: int) -> None:
    products = tree.random_series(tmp_path, DATES, BANDS, SIZE, seed=9)
    path = Path(products[1].bands[0].path)
    path.write_bytes(path.read_bytes()[:-cut])
    with SeriesReader(tree.sensor_of(BANDS), products, tree.GRID) as reader, pytest.raises(InputError) as caught:
        reader.read(tree.whole(SIZE))
    assert str(path) in caught.value.message
    assert "2018-01-25, tile T31TCJ" in caught.value.message


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ContractError, match="needs products"):
        SeriesReader(tree.sensor_of(BANDS), [], tree.GRID)
    with pytest.raises(ConfigError, match="no band 'B9'"):
        SeriesReader(tree.sensor_of(BANDS), series(), tree.GRID, bands=["B9"])


def test_flags_of_wide_and_bit_masks() -> None:
    pattern = compile_pattern("*", frozenset())
    mask = Mask(name="X", file=pattern, index=1, invalid=Rule(kind="values", numbers=(3, 900)), outside=None)
    assert flags_of(mask, np.array([0, 3, 900], np.uint16)).tolist() == [0, INVALID, INVALID]
    assert flags_of(mask, np.array([0, 3, 900], np.int32)).tolist() == [0, INVALID, INVALID]
    odd = dataclasses.replace(mask, invalid=None, outside=Rule(kind="bits", numbers=(0,)))
    assert flags_of(odd, np.array([2, 3], np.uint8)).tolist() == [0, INVALID | OUTSIDE]
    single = np.zeros((3, 3), np.uint8)
    single[0, 0] = INVALID | OUTSIDE
    assert dilate(single, 1).tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]


def surface(column: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth made-up band."""
    return 2000 + 900 * np.sin(column / 4) + 700 * np.cos(row / 5)


@pytest.fixture(scope="module")
def other_grid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Product, Grid]:
    """A product in zone 31 and a grid of 12 m in zone 30, so that nothing aligns."""
    folder = tmp_path_factory.mktemp("other")
    rows, columns = np.mgrid[0:60, 0:60]
    numbers = np.round(surface(columns, rows)).astype(np.int16)
    numbers[20:23, 30:33] = -10000
    clouds = np.zeros((60, 60), np.uint8)
    clouds[40:50, 10:20] = 2
    masks = {"CLM": clouds, "SAT": np.zeros_like(clouds), "EDG": np.zeros_like(clouds)}
    return tree.product(folder, "2018-05-11", {"B4": numbers}, masks), Grid("EPSG:32630", 12.0, 12.0)


def test_another_projection_goes_through_a_warp(other_grid: tuple[Product, Grid]) -> None:
    product, grid = other_grid
    with SeriesReader(tree.sensor_of(("B4",)), [product], grid) as reader:
        window = reader.window
        cube = reader.read(window)
    ours = band_series(cube, "B4")[0]
    left, _, _, top = grid.bounds(window)
    x, y = np.meshgrid(left + 12 * (np.arange(window.n_columns) + 0.5), top - 12 * (np.arange(window.n_rows) + 0.5))
    easting, northing = Transformer.from_crs(grid.crs, tree.GRID.crs, always_xy=True).transform(x, y)
    # Places of the pixel centres in the file, counted from the centre of its first pixel.
    column, row = easting / 10 - tree.CORNER[0] - 0.5, -northing / 10 - tree.CORNER[1] - 0.5
    inner = (np.minimum(column, row) > 2) & (np.maximum(column, row) < 57)
    distance = np.maximum(np.abs(column - 31), np.abs(row - 21))  # from the middle of the three by three missing pixels
    assert np.isnan(ours[inner & (distance < 2)]).all()
    far = inner & (distance > 4.5)
    assert far.sum() > 1500
    # Half a pixel of error would be a hundred.
    np.testing.assert_allclose(ours[far], surface(column, row)[far], atol=8)
    options = {
        "crs": grid.crs, "transform": Affine(*grid.transform(window)), "width": window.n_columns,
        "height": window.n_rows,
    }  # fmt: skip
    with (
        rasterio.open(product.masks[0].path) as dataset,
        WarpedVRT(dataset, **options, resampling=Resampling.nearest) as vrt,
    ):
        clouds = vrt.read(1) != 0
    differing = ((cube.flags[0] & INVALID != 0) != clouds) & inner
    assert differing.mean() < 0.005  # GDAL's own transform is approximate here, to an eighth of a pixel


def test_beyond_a_warped_file_is_not_acquired(other_grid: tuple[Product, Grid]) -> None:
    """A tilted file fills no rectangle of the grid: in its corners nothing was acquired."""
    product, grid = other_grid
    with SeriesReader(tree.sensor_of(("B4",)), [product], grid) as reader:
        window = reader.window.grown(3)
        acquired = reader.read_masks(window).acquired[0]
        whole = reader.read_masks(reader.window).acquired[0]
    np.testing.assert_array_equal(acquired[3:-3, 3:-3], whole)
    left, _, _, top = grid.bounds(window)
    x, y = np.meshgrid(left + 12 * (np.arange(window.n_columns) + 0.5), top - 12 * (np.arange(window.n_rows) + 0.5))
    easting, northing = Transformer.from_crs(grid.crs, tree.GRID.crs, always_xy=True).transform(x, y)
    column, row = easting / 10 - tree.CORNER[0], -northing / 10 - tree.CORNER[1]
    # Distance to the nearest edge, in pixels of the file: positive inside.
    depth = np.minimum.reduce([column, row, 60 - column, 60 - row])
    assert acquired[depth > 0.1].all()
    assert not acquired[depth < -0.1].any()
    assert (depth[3:-3, 3:-3] < -0.1).any()


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_warped_window_is_a_piece_of_the_whole(other_grid: tuple[Product, Grid], data: st.DataObject) -> None:
    product, grid = other_grid
    with SeriesReader(tree.sensor_of(("B4",)), [product], grid) as reader:
        everything = reader.read(reader.window)
        part = data.draw(parts(reader.window)).intersection(reader.window)
        if part is not None:
            piece = reader.read(part)
            rows, columns = part.slices_in(everything.window)
            np.testing.assert_array_equal(band_series(piece, "B4"), band_series(everything, "B4")[:, rows, columns])
            np.testing.assert_array_equal(piece.flags, everything.flags[:, rows, columns])


def test_aligned_and_warped_bands_together(tmp_path: Path) -> None:
    numbers = np.random.default_rng(3).integers(0, 6000, (24, 24)).astype(np.int16)
    masks = {mask: np.zeros((24, 24), np.uint8) for mask in ("CLM", "SAT", "EDG")}
    product = tree.product(tmp_path, "2018-05-11", {"B4": numbers, "B8": numbers, "B11": numbers[:12, :12]}, masks)
    left, top = tree.CORNER[0] * 10.0, -tree.CORNER[1] * 10.0
    tree.write(Path(product.bands[1].path), numbers, 10.0, corner=(left + 5.0, top + 5.0))  # half a pixel off
    kept = SensorFeatures(sensor=tree.SENSOR, bands=("B4", "B8", "B11"), dates=(product.date,))
    with SeriesReader(tree.sensor_of(kept.bands), [product], tree.GRID) as reader:
        cube = reader.read(tree.whole((24, 24)))
    values, valid = kept.compute(cube)
    inner = np.zeros((24, 24), bool)
    inner[4:-4, 4:-4] = True
    assert valid.reshape(24, 24)[inner].all()
    np.testing.assert_array_equal(values.reshape(24, 24, -1)[inner][:, 0], numbers[inner])
    for place, band in enumerate(kept.bands):
        np.testing.assert_array_equal(values.reshape(24, 24, -1)[inner][:, place], band_series(cube, band)[0][inner])
    # Half-way between four pixels the cubic kernel weighs the nearest two by 9/16 each, the next by -1/16.
    weights = np.array([-1, 9, 9, -1]) / 16
    around = numbers[9:13, 8:12].astype(float)
    assert values.reshape(24, 24, -1)[10, 10, 1] == pytest.approx(weights @ around @ weights, abs=0.01)


def test_numbers_that_are_not_valid_are_no_data(tmp_path: Path) -> None:
    """The same as files that say so, with bands of the grid's pixels, of larger ones, and off the grid."""
    numbers = np.random.default_rng(4).integers(0, 6000, (24, 24)).astype(np.int16)
    masks = {mask: np.zeros((24, 24), np.uint8) for mask in ("CLM", "SAT", "EDG")}
    cubes = []
    for folder, wild in ((tmp_path / "wild", (6001, -1)), (tmp_path / "told", (-10000, -10000))):
        given = numbers.copy()
        given[5:7, 9], given[15, 3] = wild
        bands = {"B4": given, "B8": given, "B11": given[:12, :12]}
        product = tree.product(folder, "2018-05-11", bands, masks)
        left, top = tree.CORNER[0] * 10.0, -tree.CORNER[1] * 10.0
        tree.write(Path(product.bands[1].path), given, 10.0, corner=(left + 5.0, top + 5.0))
        plain = tree.sensor_of(("B4", "B8", "B11"))
        sensor = dataclasses.replace(plain, valid=(0.0, 6000.0)) if folder.name == "wild" else plain
        with SeriesReader(sensor, [product], tree.GRID) as reader:
            cubes.append(reader.read(tree.whole((24, 24))))
    for band in ("B4", "B8", "B11"):
        ours, told = (band_series(cube, band)[0] for cube in cubes)
        assert 3 <= np.isnan(told[2:-2, 2:-2]).sum() < 250
        np.testing.assert_array_equal(ours, told)
