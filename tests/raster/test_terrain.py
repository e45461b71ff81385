"""Slope and aspect against planes worked out by hand and against GDAL's own gdaldem."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from i2db.errors import ContractError, InputError
from i2db.raster.terrain import (
    MEASURES,
    aspect,
    eastness,
    fill_margin,
    gradient,
    is_metric,
    measure,
    northness,
    slope,
    utm_projection,
)


def gdaldem(source: Path, target: Path, processing: str, *options: str) -> NDArray[np.float32]:
    """What gdaldem makes of a file, by the library that rasterio brings along (there need be no binary)."""
    libraries = sorted((Path(rasterio.__file__).parent.parent / "rasterio.libs").glob("libgdal*"))
    if not libraries:
        pytest.skip("rasterio comes without a GDAL of its own")
    gdal = ctypes.CDLL(str(libraries[0]))
    for name in ("GDALOpen", "GDALDEMProcessing", "GDALDEMProcessingOptionsNew"):
        getattr(gdal, name).restype = ctypes.c_void_p
    gdal.GDALAllRegister()
    words = [option.encode() for option in options]
    arguments = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    parsed = ctypes.c_void_p(gdal.GDALDEMProcessingOptionsNew(arguments, None))
    dataset = ctypes.c_void_p(gdal.GDALOpen(str(source).encode(), 0))
    assert dataset.value
    result = ctypes.c_void_p(
        gdal.GDALDEMProcessing(str(target).encode(), dataset, processing.encode(), None, parsed, None)
    )
    assert result.value
    for handle in (result, dataset):
        gdal.GDALClose(handle)
    gdal.GDALDEMProcessingOptionsFree(parsed)
    with rasterio.open(target) as opened:
        array: NDArray[np.float32] = opened.read(1)
        return np.where(array == opened.nodata, np.float32(np.nan), array)


def hills(rows: int, columns: int, seed: int = 1) -> NDArray[np.float32]:
    """Elevations in eighths of a metre, which float32 adds exactly; with a lake, a terrace and a gap."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    z = 300 + 40 * np.sin(x / 7) + 60 * np.cos(y / 5) + random.normal(0, 3, (rows, columns))
    z = (np.round(z * 8) / 8).astype(np.float32)
    z[4:9, 6:12] = 310
    z[rows // 2, columns // 2] = np.nan
    return z


def margined(z: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(z, 1, constant_values=np.float32(np.nan))


def write(path: Path, z: NDArray[np.float32], resolution: float) -> None:
    profile = {"driver": "GTiff", "height": z.shape[0], "width": z.shape[1], "count": 1, "dtype": "float32"}
    transform = Affine(resolution, 0, 600_000, 0, -resolution, 4_800_000)
    with rasterio.open(path, "w", crs="EPSG:32631", transform=transform, nodata=-9999, **profile) as target:
        target.write(np.where(np.isnan(z), np.float32(-9999), z), 1)


@pytest.mark.parametrize("resolution", [10.0, 25.0])
def test_slope_and_aspect_are_gdaldem_s(tmp_path: Path, resolution: float) -> None:
    z = hills(40, 52)
    write(tmp_path / "dem.tif", z, resolution)
    for unit, options in (("degree", ()), ("percent", ("-p",))):
        expected = gdaldem(tmp_path / "dem.tif", tmp_path / f"slope_{unit}.tif", "slope", *options)
        found = measure(margined(z), resolution, resolution, "slope", unit="percent" if options else "degree")
        np.testing.assert_allclose(found, expected, rtol=3e-7, atol=1e-6)
    expected = gdaldem(tmp_path / "dem.tif", tmp_path / "aspect.tif", "aspect")
    found = aspect(margined(z), resolution, resolution)
    np.testing.assert_allclose(found, expected, rtol=3e-7, atol=3e-5)
    # With -zero_for_flat gdaldem makes 0 its nodata, so that flat and missing cannot be told apart in the file.
    with_zero = aspect(margined(z), resolution, resolution, zero_for_flat=True)
    is_flat = (with_zero == 0) & np.isnan(found)
    assert is_flat.sum() == 3 * 4  # the inner part of the terrace
    assert np.isnan(with_zero).sum() == 2 * 52 + 2 * 38 + 9  # the rim of the file, and around the gap
    np.testing.assert_array_equal(with_zero[~is_flat], found[~is_flat])


def test_edges_are_continued_as_by_gdaldem(tmp_path: Path) -> None:
    z = hills(30, 33)
    z[15, 16] = 300
    write(tmp_path / "dem.tif", z, 10)
    expected = gdaldem(tmp_path / "dem.tif", tmp_path / "slope.tif", "slope", "-compute_edges")
    grown = margined(z)
    fill_margin(grown, north=True, south=True, west=True, east=True)
    found = slope(grown, 10, 10)
    inside = np.ones(z.shape, dtype=bool)
    inside[[0, 0, -1, -1], [0, -1, 0, -1]] = False  # at the corners gdaldem repeats a column
    np.testing.assert_allclose(found[inside], expected[inside], rtol=3e-7, atol=1e-6)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("rise_east", "rise_north", "faces"),
    [(1, 0, 270), (-1, 0, 90), (0, 1, 180), (0, -1, 0), (1, 1, 225), (-1, -1, 45), (-1, 1, 135), (1, -1, 315)],
)
def test_planes_by_hand(rise_east: int, rise_north: int, faces: int) -> None:
    y, x = np.mgrid[:5, :6]
    z = 0.3 * (rise_east * 20 * x - rise_north * 20 * y)
    np.testing.assert_allclose(aspect(z, 20, 20), faces, atol=1e-4)
    steep = 0.3 * math.hypot(rise_east, rise_north)
    np.testing.assert_allclose(slope(z, 20, 20, unit="percent"), 100 * steep, rtol=1e-6)
    np.testing.assert_allclose(slope(z, 20, 20), math.degrees(math.atan(steep)), rtol=1e-6)
    np.testing.assert_allclose(northness(z, 20, 20), math.cos(math.radians(faces)), atol=1e-6)
    np.testing.assert_allclose(eastness(z, 20, 20), math.sin(math.radians(faces)), atol=1e-6)


def test_flat_ground_faces_nowhere() -> None:
    z = np.full((4, 4), 12.5)
    assert np.isnan(aspect(z, 10, 10)).all()
    assert (aspect(z, 10, 10, zero_for_flat=True) == 0).all()
    assert (slope(z, 10, 10) == 0).all()
    assert (northness(z, 10, 10) == 0).all()
    assert (eastness(z, 10, 10) == 0).all()


def test_north_is_0_and_never_minus_0() -> None:
    z = np.repeat(np.arange(4.0)[:, None], 4, axis=1)  # rises southwards, so that it faces north
    for found in (aspect(z, 10, 10), eastness(z, 10, 10)):
        assert (found == 0).all()
        assert not np.signbit(found).any()


def test_pixels_that_are_not_square() -> None:
    y, x = np.mgrid[:4, :4]
    z = 0.1 * (5.0 * x) - 0.1 * (20.0 * y)  # as steep eastwards as northwards
    np.testing.assert_allclose(aspect(z, 5, 20), 225, atol=1e-4)


def test_a_gap_takes_its_neighbours_along() -> None:
    z = np.zeros((7, 7))
    z[3, 3] = np.nan
    for name in MEASURES:
        found = measure(z, 10, 10, name, zero_for_flat=True)
        assert np.isnan(found[1:4, 1:4]).all()
        assert np.isfinite(found).sum() == 25 - 9


def test_chunks_give_what_the_whole_gives() -> None:
    z = margined(hills(37, 41))
    for name in MEASURES:
        whole = measure(z, 10, 10, name)
        rows = [measure(z[top : min(top + 9, 37) + 2], 10, 10, name) for top in range(0, 37, 9)]
        np.testing.assert_array_equal(np.vstack(rows), whole)
        columns = [measure(z[:, left : min(left + 5, 41) + 2], 10, 10, name) for left in range(0, 41, 5)]
        np.testing.assert_array_equal(np.hstack(columns), whole)


def test_what_has_no_margin_is_refused() -> None:
    with pytest.raises(ContractError, match="rows \\+ 2"):
        gradient(np.zeros((2, 5)), 10, 10)
    with pytest.raises(ContractError, match="positive"):
        gradient(np.zeros((3, 3)), -10, 10)


def test_metres_and_degrees() -> None:
    assert is_metric("EPSG:32631")
    assert is_metric("EPSG:2154")
    assert not is_metric("EPSG:4326")
    assert not is_metric("EPSG:2264")  # feet
    with pytest.raises(InputError, match="EPSG:1"):
        is_metric("EPSG:1")
    assert utm_projection(2.9, 43.0) == "EPSG:32631"
    assert utm_projection(3.0, -0.1) == "EPSG:32731"
    assert utm_projection(-180, 10) == "EPSG:32601"
    assert utm_projection(180, 10) == "EPSG:32660"
    with pytest.raises(InputError, match="UTM"):
        utm_projection(0, 89)
