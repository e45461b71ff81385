"""Scenes of several sensors and their relief: files, what they say of each other, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.warp import Resampling, reproject

from i2db.errors import ConfigError
from i2db.simulate import Scene, simulate

OPTIONS = {"size": 96, "dates": 4, "classes": 12, "seed": 6}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("sensors") / "scene"
    return simulate(folder, **OPTIONS, tiles=2, sensors=["landsat8", "sentinel2s2c", "sentinel2"], dem=True, block=32)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.suffix != ".gpkg"}


def test_equal_arguments_give_equal_files_whatever_the_blocks(scene: Scene, tmp_path: Path) -> None:
    again = simulate(
        tmp_path / "a", **OPTIONS, tiles=2, sensors=["landsat8", "sentinel2s2c", "sentinel2"], dem=True, block=32
    )
    for delivery, other in zip(scene.deliveries, again.deliveries, strict=True):
        for path, copy in zip(delivery.files, other.files, strict=True):
            assert path.read_bytes() == copy.read_bytes(), path
    for path, copy in zip(scene.dem, again.dem, strict=True):
        assert path.read_bytes() == copy.read_bytes()


def test_other_sensors_change_nothing_of_the_first(scene: Scene, tmp_path: Path) -> None:
    alone = simulate(tmp_path / "alone", **OPTIONS, tiles=2, block=32)
    assert [product.name for product in alone.products] == [product.name for product in scene.products]
    for product, other in zip(alone.products, scene.products, strict=True):
        for path in product.rglob("*.tif"):
            assert path.read_bytes() == (other / path.relative_to(product)).read_bytes()
    assert alone.deliveries == ()
    assert alone.dem == ()


def test_an_earlier_scene_is_taken_away_whole(tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    simulate(folder, size=64, dates=2, classes=3, sensors=["sentinel2s2c", "landsat5old"], dem=True)
    assert (folder / "dem").is_dir()
    simulate(folder, size=64, dates=2, classes=3, overwrite=True)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["s2"]


def test_unknown_sensors_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sensors=spot5, but they must be among sentinel2, landsat5old"):
        simulate(tmp_path / "a", size=64, sensors=["spot5"])
    with pytest.raises(ConfigError, match="but they must be among"):
        simulate(tmp_path / "a", size=64, sensors=[])


def test_the_two_files_of_the_relief_overlap_and_agree(scene: Scene) -> None:
    west, east = scene.dem
    with rasterio.open(west) as one, rasterio.open(east) as other:
        assert one.crs == other.crs == rasterio.crs.CRS.from_epsg(4326)
        assert one.bounds.left < other.bounds.left < one.bounds.right < other.bounds.right
        first = round((other.bounds.left - one.bounds.left) / one.res[0])
        common = one.width - first
        assert common >= 4
        np.testing.assert_array_equal(one.read(1)[:, first:], other.read(1)[:, :common])


def test_the_relief_covers_the_scene_and_goes_with_its_land(scene: Scene) -> None:
    """Warped back to the scene, woods lie high and water low: an elevation tells something of the class."""
    with rasterio.open(scene.truth) as source:
        codes, transform, crs = source.read(1), source.transform, source.crs
    heights = np.full(codes.shape, np.nan, dtype=np.float32)
    for path in scene.dem:
        with rasterio.open(path) as source:
            part = np.full(codes.shape, np.nan, dtype=np.float32)
            reproject(
                source.read(1), part, src_transform=source.transform, src_crs=source.crs, dst_transform=transform,
                dst_crs=crs, dst_nodata=np.nan, resampling=Resampling.bilinear,
            )  # fmt: skip
        heights = np.where(np.isfinite(part), part, heights)
    assert np.isfinite(heights).all()
    assert 0 < heights.min() < heights.max() < 800
    names = dict(zip(scene.class_names, scene.class_codes, strict=True))
    woods = np.isin(codes, [code for name, code in names.items() if "foret" in name or "lande" in name])
    water = np.isin(codes, [code for name, code in names.items() if "eau" in name])
    assert woods.sum() > 200
    assert water.sum() > 50
    fields = (codes > 0) & ~woods & ~water
    assert heights[water].mean() + 20 < heights[fields].mean() < heights[woods].mean() - 20
