"""The cubic kernel against GDAL's warp, and the rule on missing data against a search by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import theia_tree as tree
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT

from i2db.raster.grid import Window
from i2db.raster.pixels import band_series
from i2db.raster.read import SeriesReader
from i2db.raster.resample import cubic_weights, taps


def warped(path: str, window: Window) -> NDArray[np.float32]:
    with (
        rasterio.open(path) as dataset,
        WarpedVRT(
            dataset, crs=tree.GRID.crs, transform=Affine(*tree.GRID.transform(window)), width=window.n_columns,
            height=window.n_rows, resampling=Resampling.cubic, dtype="float32",
        ) as vrt,
    ):  # fmt: skip
        numbers: NDArray[np.float32] = vrt.read(1)
    return numbers


def one_band(folder: Path, numbers: NDArray[np.int16], factor: int) -> tuple[SeriesReader, Window, str]:
    size = (numbers.shape[0] * factor, numbers.shape[1] * factor)
    masks = {mask: np.zeros(size, dtype=np.uint8) for mask in ("CLM", "SAT", "EDG")}
    product = tree.product(folder, "2018-05-11", {"B11": numbers}, masks)
    return SeriesReader(tree.sensor_of(("B11",)), [product], tree.GRID), tree.whole(size), product.bands[0].path


@pytest.mark.parametrize("factor", [2, 4, 6])
def test_equal_to_gdal_edges_included(tmp_path: Path, factor: int) -> None:
    numbers = np.random.default_rng(factor).integers(0, 8000, (21, 26)).astype(np.int16)
    reader, window, path = one_band(tmp_path, numbers, factor)
    with reader:
        ours = band_series(reader.read(window), "B11")[0]
    np.testing.assert_allclose(ours, warped(path, window), atol=0.01)


def test_equal_to_gdal_factor_3_away_from_the_edges(tmp_path: Path) -> None:
    # At an odd factor some grid pixels lie exactly on file pixels, where GDAL's rounding decides on which side.
    numbers = np.random.default_rng(3).integers(0, 8000, (21, 26)).astype(np.int16)
    reader, window, path = one_band(tmp_path, numbers, 3)
    with reader:
        ours = band_series(reader.read(window), "B11")[0]
    inner = (slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(ours[inner], warped(path, window)[inner], atol=0.01)


@given(st.integers(1, 6), st.integers(4, 12))
def test_weights_sum_to_one(factor: int, n_file: int) -> None:
    found = taps(factor, 0, n_file * factor, n_file, 0, n_file)
    np.testing.assert_allclose(found.cubic.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.linear.sum(axis=1), 1, atol=1e-6)


def test_kernel_has_the_published_values() -> None:
    # Keys (1981): u(0) = 1, u(1) = u(2) = 0, u(1/2) = 9/16, u(3/2) = -1/16.
    np.testing.assert_allclose(cubic_weights(np.array([0, 1, 2, 0.5, -1.5, 3])), [1, 0, 0, 9 / 16, -1 / 16, 0])


@pytest.mark.parametrize("factor", [2, 3])
def test_a_kernel_that_touches_missing_data_gives_none(tmp_path: Path, factor: int) -> None:
    generator = np.random.default_rng(7)
    numbers = generator.integers(0, 8000, (14, 17)).astype(np.int16)
    numbers[generator.random(numbers.shape) < 0.04] = -10000
    reader, window, _ = one_band(tmp_path, numbers, factor)
    with reader:
        ours = band_series(reader.read(window), "B11")[0]
    height, width = numbers.shape
    for row in range(height * factor):
        for column in range(width * factor):
            y, x = (2 * row + 1 - factor) / (2 * factor), (2 * column + 1 - factor) / (2 * factor)
            top, left = int(np.floor(y + 1e-9)), int(np.floor(x + 1e-9))
            is_inner = 1 <= top < height - 2 and 1 <= left < width - 2
            reach = 2 if is_inner else 1
            touched = [
                numbers[i, j] == -10000
                for i in range(max(0, top - 1), min(height, top + 3))
                for j in range(max(0, left - 1), min(width, left + 3))
                if weight(y - i, reach) and weight(x - j, reach)
            ]
            assert np.isnan(ours[row, column]) == any(touched), (row, column)


def weight(distance: float, reach: int) -> bool:
    """Whether a kernel of that reach has a weight other than 0 at a distance (whole distances above 0 have none)."""
    whole = abs(distance - round(distance)) < 1e-9
    return abs(distance) < 1e-9 if whole else abs(distance) < reach
