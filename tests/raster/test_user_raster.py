"""Rasters of the user come to the grid the same whatever the window, and as GDAL's warp of the whole has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import ColorInterp

from i2db.errors import InputError
from i2db.raster.grid import Grid, Window
from i2db.raster.group import WindowData
from i2db.raster.resample import cubic_weights
from i2db.raster.user_raster import Interpolator, RasterGroup, RasterReader, UserRaster, data_bands

GRID = Grid("EPSG:32631", 10, 10)
#: 900 x 700 pixels around 3 degrees east, 45 north.
WINDOW = Window(50_000, -498_500, 900, 700)


def write(path: Path, numbers: NDArray[Any], transform: Affine, crs: str = "EPSG:32631", nodata: Any = None) -> str:
    bands = numbers if numbers.ndim == 3 else numbers[np.newaxis]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=bands.shape[2],
        height=bands.shape[1],
        count=len(bands),
        dtype=bands.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as target:
        target.write(bands)
    return str(path)


def relief(transform: Affine, shape: tuple[int, int]) -> NDArray[np.float32]:
    rows, columns = np.indices(shape)
    x, y = transform.a * columns + transform.c, transform.e * rows + transform.f
    unit = 100_000 if abs(transform.a) < 1 else 1
    return (300 + 40 * np.sin(unit * x / 700) + 25 * np.cos(unit * y / 900)).astype(np.float32)


def raster(*paths: str, interpolator: Interpolator = "cubic", n_bands: int = 1) -> UserRaster:
    return UserRaster(name="mnt", paths=paths, n_bands=n_bands, interpolator=interpolator)


def read(made: UserRaster, window: Window = WINDOW) -> NDArray[np.float32]:
    with RasterReader(made, GRID) as reader:
        return reader.read(window)


@pytest.fixture(scope="module")
def degrees(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model in degrees, about 20 m, beyond the window on all sides."""
    from rasterio.warp import transform_bounds

    left, bottom, right, top = transform_bounds(GRID.crs, "EPSG:4326", *GRID.bounds(WINDOW.grown(60)))
    step = 2e-4
    transform = Affine(step, 0, left, 0, -step, top)
    shape = int((top - bottom) / step) + 1, int((right - left) / step) + 1
    path = tmp_path_factory.mktemp("dem") / "degrees.tif"
    return write(path, relief(transform, shape), transform, "EPSG:4326")


@pytest.mark.parametrize("interpolator", ["nearest", "bilinear", "cubic"])
def test_a_raster_in_another_projection_is_interpolated_where_pyproj_puts_the_pixels(
    degrees: str, interpolator: Interpolator
) -> None:
    with rasterio.open(degrees) as source:
        numbers, transform = source.read(1), source.transform
    x = (WINDOW.column + np.arange(WINDOW.n_columns) + 0.5) * 10
    y = -(WINDOW.row + np.arange(WINDOW.n_rows) + 0.5) * 10
    to_degrees = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(*np.meshgrid(x, y))
    column, row = ~transform @ (longitude, latitude)
    # A pixel's number stands at its centre.
    column, row = column - 0.5, row - 0.5
    left, top = np.floor(column).astype(int), np.floor(row).astype(int)

    def weight(distance: NDArray[np.float64]) -> NDArray[np.float64]:
        if interpolator == "cubic":
            return cubic_weights(distance)
        if interpolator == "bilinear":
            return np.maximum(0, 1 - np.abs(distance))
        return (np.abs(distance) <= 0.5).astype(float)

    expected = np.zeros(WINDOW.shape)
    for down in range(-1, 3):
        for across in range(-1, 3):
            weights = weight(row - top - down) * weight(column - left - across)
            expected += weights * numbers[top + down, left + across]
    found = read(raster(degrees, interpolator=interpolator))[0]
    assert np.isfinite(found).all()
    # GDAL approximates the projection within a cell to a fraction of a pixel.
    assert (np.abs(found - expected) < 0.01).mean() > (0.995 if interpolator == "nearest" else 0.99999)


def test_the_window_changes_nothing(degrees: str) -> None:
    made = raster(degrees)
    whole = read(made)[0]
    for window in (Window(50_100, -498_450, 77, 301), Window(50_255, -498_400, 2, 2), Window(50_000, -498_500, 900, 1)):
        np.testing.assert_array_equal(read(made, window)[0], whole[window.slices_in(WINDOW)])


def test_files_side_by_side_have_no_seam(tmp_path: Path) -> None:
    """Two halves of one model, of which the kernel needs both, give what the whole gives; the first has the overlap."""
    transform = Affine(25, 0, 499_500, 0, -25, 4_985_800)
    numbers = relief(transform, (400, 500))
    whole = write(tmp_path / "whole.tif", numbers, transform)
    west = write(tmp_path / "west.tif", numbers[:, :203], transform)
    east = write(tmp_path / "east.tif", numbers[:, 203:], transform @ Affine.translation(203, 0))
    np.testing.assert_array_equal(read(raster(west, east)), read(raster(whole)))
    other = write(tmp_path / "other.tif", numbers[:, 190:] + 1000, transform @ Affine.translation(190, 0))
    assert (read(raster(west, other))[0][:, :400] < 500).all()


def test_own_pixels_are_copied_and_what_lies_beyond_is_no_data(tmp_path: Path) -> None:
    numbers = np.arange(2 * 30 * 40, dtype=np.int16).reshape(2, 30, 40)
    numbers[0, 3, 4] = -9999
    path = write(tmp_path / "own.tif", numbers, Affine(10, 0, 500_000, 0, -10, 4_985_000), nodata=-9999)
    found = read(raster(path, n_bands=2), Window(49_990, -498_510, 60, 50))
    expected = np.full((2, 50, 60), np.nan, dtype=np.float32)
    expected[:, 10:40, 10:50] = numbers
    expected[0, 13, 14] = np.nan
    np.testing.assert_array_equal(found, expected)


def test_the_group_gives_bands_of_wanted_pixels_and_says_where_there_is_no_data() -> None:
    group = RasterGroup(rasters_read=(("mnt", 1, "cubic"), ("Soil", 2, "nearest")))
    assert [feature.name for feature in group.features] == ["mnt_band_0", "soil_band_0", "soil_band_1"]
    assert [feature.date for feature in group.features] == [None] * 3
    rng = np.random.default_rng(1)
    arrays = {"mnt": rng.normal(size=(1, 8, 9)), "Soil": rng.normal(size=(2, 8, 9))}
    rasters = {name: array.astype(np.float32) for name, array in arrays.items()}
    rasters["Soil"][1, 4, 5] = np.nan
    data = WindowData(grid=GRID, window=Window(0, 0, 5, 4), cubes={}, rasters=rasters, margin=2)
    wanted = np.zeros((2, 5), dtype=bool)
    wanted[0, 1] = wanted[0, 3] = wanted[1, 0] = True
    numbers, is_valid = group.compute(data, slice(2, 4), wanted)
    assert is_valid.tolist() == [True, False, True]
    assert numbers[0].tolist() == [rasters["mnt"][0, 4, 3], rasters["Soil"][0, 4, 3], rasters["Soil"][1, 4, 3]]
    assert numbers[1].tolist() == [0, 0, 0]
    assert numbers[2].tolist() == [rasters["mnt"][0, 5, 2], rasters["Soil"][0, 5, 2], rasters["Soil"][1, 5, 2]]


def test_a_file_without_projection_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.tif"
    with rasterio.open(path, "w", driver="GTiff", width=4, height=4, count=1, dtype="uint8") as target:
        target.write(np.zeros((1, 4, 4), dtype=np.uint8))
    with pytest.raises(InputError, match=r"bare\.tif has no projection"):
        read(raster(str(path)))


OWN = Affine(10, 0, 500_000, 0, -10, 4_985_000)
OWN_WINDOW = Window(50_000, -498_500, 40, 30)
CORNER = (slice(2, 5), slice(7, 20))


def numbered(dtype: str = "int16", n_bands: int = 1) -> NDArray[Any]:
    return np.arange(1, n_bands * 30 * 40 + 1).reshape(n_bands, 30, 40).astype(dtype)


def without(numbers: NDArray[Any], *places: tuple[slice, slice]) -> NDArray[np.float32]:
    expected = numbers.astype(np.float32)
    for place in places:
        expected[(slice(None), *place)] = np.nan
    return expected


@pytest.mark.parametrize("is_internal", [True, False])
@pytest.mark.parametrize("nodata", [None, 5])
def test_what_a_mask_hides_is_no_data(tmp_path: Path, *, is_internal: bool, nodata: int | None) -> None:
    """In the file or beside it (.msk), with a nodata number too, which GDAL's own mask then forgets."""
    numbers = numbered(n_bands=2)
    path = write(tmp_path / "masked.tif", numbers, OWN, nodata=nodata)
    mask = np.full((30, 40), 255, dtype=np.uint8)
    mask[CORNER] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=is_internal), rasterio.open(path, "r+") as target:
        target.write_mask(mask)
    assert (tmp_path / "masked.tif.msk").exists() != is_internal
    expected = without(numbers, CORNER)
    if nodata is not None:
        expected[0, 0, 4] = np.nan
    np.testing.assert_array_equal(read(raster(path, n_bands=2), OWN_WINDOW), expected)


@pytest.mark.parametrize("nodata", [None, 1])
def test_transparent_pixels_are_no_data_and_alpha_is_no_band(tmp_path: Path, nodata: int | None) -> None:
    numbers = numbered("uint8", 3)
    alpha = np.full((1, 30, 40), 128, dtype=np.uint8)
    alpha[(0, *CORNER)] = 0
    path = write(tmp_path / "picture.tif", np.concatenate([numbers[:1], alpha, numbers[1:]]), OWN, nodata=nodata)
    with rasterio.open(path, "r+") as target:
        target.colorinterp = [ColorInterp.gray, ColorInterp.alpha, ColorInterp.undefined, ColorInterp.undefined]
    with rasterio.open(path) as source:
        assert data_bands(source) == [1, 3, 4]
    expected = without(numbers, CORNER)
    if nodata is not None:
        expected[numbers == nodata] = np.nan
    np.testing.assert_array_equal(read(raster(path, n_bands=3), OWN_WINDOW), expected)


def test_masks_hold_for_rasters_that_are_warped(tmp_path: Path) -> None:
    transform = Affine(25, 0, 499_500, 0, -25, 4_985_800)
    numbers = relief(transform, (400, 500))
    is_hole = np.hypot(*np.indices((400, 500))) < 200
    path = write(tmp_path / "warped.tif", numbers, transform)
    hole = write(tmp_path / "hole.tif", np.where(is_hole, np.float32(-1), numbers), transform, nodata=-1)
    with rasterio.open(path, "r+") as target:
        target.write_mask(np.where(is_hole, 0, 255).astype(np.uint8))
    found = read(raster(path))
    assert 0 < np.isnan(found).mean() < 0.9
    np.testing.assert_array_equal(found, read(raster(hole)))


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("int32", -(2**31)), ("uint32", 2**32 - 1), ("int64", -(2**53)), ("float64", -1.7976931348623157e308)],
)
def test_nodata_is_compared_in_the_type_of_the_file(tmp_path: Path, dtype: str, nodata: float) -> None:
    numbers = numbered(dtype)
    numbers[(0, *CORNER)] = nodata
    path = write(tmp_path / "wide.tif", numbers, OWN, nodata=nodata)
    np.testing.assert_array_equal(read(raster(path), OWN_WINDOW), without(numbered(), CORNER))


@pytest.mark.parametrize(
    ("dtype", "code"), [("int32", 2**24 + 1), ("uint32", 2**32 - 2), ("int64", 2**52 + 1), ("int32", -(2**24) - 3)]
)
def test_codes_that_a_feature_would_mix_up_are_refused(tmp_path: Path, dtype: str, code: int) -> None:
    numbers = numbered(dtype)
    numbers[0, 3, 3] = code
    path = write(tmp_path / "codes.tif", numbers, OWN)
    with pytest.raises(InputError, match=rf"codes\.tif holds {code} in band 1"):
        read(raster(path), OWN_WINDOW)
    # Not where it is no data, nor a number that is held exactly.
    is_none = write(tmp_path / "none.tif", numbers, OWN, nodata=code)
    np.testing.assert_array_equal(read(raster(is_none), OWN_WINDOW)[0, 3, 2:5], np.float32([123, np.nan, 125]))
    numbers[0, 3, 3] = 2**24
    assert read(raster(write(tmp_path / "last.tif", numbers, OWN)), OWN_WINDOW)[0, 3, 3] == 2**24
