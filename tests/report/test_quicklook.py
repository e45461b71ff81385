"""Rasters read small against numpy, and where they lie against known places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.report.quicklook import histogram, quick_look, whereabouts


def raster(path: Path, values: NDArray[Any], crs: str | None = "EPSG:32631", pixel: float = 10.0) -> Path:
    rows, columns = values.shape
    north, west = (5_000_000, 500_000) if pixel >= 1 else (45.0, 3.0)
    profile = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "crs": crs, "nodata": 0}
    transform = Affine(pixel, 0, west, 0, -pixel, north)
    with rasterio.open(path, "w", dtype=values.dtype, transform=transform, **profile) as target:
        target.write(values, 1)
    return path


def test_labels_by_their_most_frequent_class(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice([5, 9, 300], size=(120, 80), p=[0.5, 0.3, 0.2]).astype(np.uint16)
    look = quick_look(raster(tmp_path / "a.tif", labels), "mode", most_pixels=12)
    assert look.values.shape == (12, 8)
    blocks = labels.reshape(12, 10, 8, 10).swapaxes(1, 2).reshape(12, 8, 100)
    counts = np.stack([(blocks == code).sum(axis=2) for code in (5, 9, 300)])
    best = np.array([5, 9, 300])[counts.argmax(axis=0)]
    is_clear = np.sort(counts, axis=0)[-1] > np.sort(counts, axis=0)[-2]
    np.testing.assert_array_equal(look.values[is_clear], best[is_clear])
    assert is_clear.mean() > 0.9
    assert (best == 5).mean() > (labels == 5).mean() + 0.2  # what the nearest pixel would not do


def test_numbers_by_their_mean_without_what_is_missing(tmp_path: Path) -> None:
    values = np.full((40, 40), 20, np.uint8)
    values[:, 1::2] = 60
    values[:20, :20] = 0
    values[0, 20:] = 0
    look = quick_look(raster(tmp_path / "a.tif", values), "average", most_pixels=4)
    assert look.values.mask[:2, :2].all()
    assert not look.values.mask[:, 2:].any()
    np.testing.assert_allclose(look.values[:, 2:], 40)
    assert look.aspect == pytest.approx(1)


def test_histogram_is_of_the_whole_raster(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 300, (700, 30)).astype(np.uint16)
    found = histogram(raster(tmp_path / "a.tif", values))
    codes, counts = np.unique(values[values > 0], return_counts=True)
    assert found == dict(zip(codes.tolist(), counts.tolist(), strict=True))


def test_where_a_raster_lies(tmp_path: Path) -> None:
    utm = whereabouts(raster(tmp_path / "a.tif", np.ones((100, 200), np.uint8)))
    # On the central meridian (3 degrees east) a UTM metre is 1/0.9996 of a true one.
    assert utm.width == pytest.approx(2000 / 0.9996, rel=1e-5)
    assert utm.height == pytest.approx(1000 / 0.9996, rel=1e-5)
    assert utm.longitude == pytest.approx(3.0127, abs=1e-3)
    assert utm.unit == "m"
    degrees = whereabouts(raster(tmp_path / "b.tif", np.ones((100, 100), np.uint8), "EPSG:4326", 0.01))
    # A degree of longitude at 44.5 north, and the meridian from 44 to 45 (WGS 84).
    assert degrees.width == pytest.approx(79_525, rel=1e-3)
    assert degrees.height == pytest.approx(111_115, rel=1e-3)
    assert (degrees.longitude, degrees.latitude, degrees.unit) == (pytest.approx(3.5), pytest.approx(44.5), "°")
    assert np.isnan(whereabouts(raster(tmp_path / "c.tif", np.ones((9, 9), np.uint8), None)).width)


def test_a_missing_raster_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot draw .*none\.tif"):
        quick_look(tmp_path / "none.tif", "mode")
