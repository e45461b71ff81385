"""The free form: users' own declarations of stacks of dated files, and what is refused in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from i2db.errors import ConfigError
from i2db.sensors.check import check_extents
from i2db.sensors.declaration import Sensor, read_declaration
from i2db.sensors.indices import indices_of
from i2db.sensors.scan import scan

INDICES = """
name = "Modis"
dates = "own"
[product]
layout = "files"
tile_folders = false
pattern = "TERRA_MODIS_{tile}_{band}_{date}.jp2"
date_format = "%Y-%m-%d"
[bands]
unit = "1"
unit_scale = 0.0001
list = [ { name = "NDVI", resolution = 231.66 }, { name = "EVI", resolution = 231.66 } ]
"""


def declared(folder: Path, text: str = INDICES) -> Sensor:
    (folder / "own.toml").write_text(text)
    return read_declaration(folder / "own.toml", is_own=True)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)


def image(path: Path, size: int = 8, left: float = 0.0, crs: str | None = "EPSG:32631") -> None:
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint8", "crs": crs}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile, transform=Affine(10, 0, left, 0, -10, 80)) as dataset:
        dataset.write(np.ones((size, size), dtype=np.uint8), 1)


def test_loose_files_of_several_tiles_in_one_folder(tmp_path: Path) -> None:
    sensor = declared(tmp_path)
    data = tmp_path / "data"
    for date in ("2013-09-14", "2013-09-30"):
        for band in ("NDVI", "EVI"):
            touch(data / f"TERRA_MODIS_h12v10_{band}_{date}.jp2", data / f"TERRA_MODIS_h13v10_{band}_{date}.jp2")
    touch(data / "TERRA_MODIS_h12v10_NDVI_2013-99-30.jp2", data / "TERRA_MODIS_h12v10_NDVI_2013-09-14.jp2.aux.xml")
    products, findings = scan(sensor, data, "h12v10")
    assert [product.date.isoformat() for product in products] == ["2013-09-14", "2013-09-30"]
    assert [Path(band.path).name for band in products[1].bands] == [
        "TERRA_MODIS_h12v10_NDVI_2013-09-30.jp2",
        "TERRA_MODIS_h12v10_EVI_2013-09-30.jp2",
    ]
    assert [finding.severity for finding in findings] == ["error"]
    assert "'2013-99-30' is not a day of the calendar" in findings[0].message
    assert (sensor.title, sensor.prefix, sensor.temporal_resolution) == ("Modis", "modis", None)
    assert [(band.unit, band.unit_scale) for band in sensor.bands] == [("1", 1e-4)] * 2
    assert indices_of(sensor) == ()
    assert sensor.knows_tiles
    assert "is not a folder" in scan(sensor, tmp_path / "none", "h12v10")[1][0].message


def test_one_file_per_date_in_folders_of_years(tmp_path: Path) -> None:
    """Bands that share a file are numbered by their order; the pattern reaches into folders."""
    text = INDICES.replace("TERRA_MODIS_{tile}_{band}_{date}.jp2", "*/cube_{date}.tif")
    sensor = declared(tmp_path, text)
    touch(tmp_path / "data" / "2013" / "cube_2013-12-30.tif", tmp_path / "data" / "2014" / "cube_2014-01-15.tif")
    products, findings = scan(sensor, tmp_path / "data", "anywhere")
    assert findings == []
    assert [product.date.year for product in products] == [2013, 2014]
    assert [(band.index, Path(band.path).parent.name) for band in products[0].bands] == [(1, "2013"), (2, "2013")]
    assert not sensor.knows_tiles


def test_two_files_for_one_date_and_a_band_that_is_missing(tmp_path: Path) -> None:
    sensor = declared(tmp_path, INDICES.replace("TERRA_MODIS_{tile}_{band}", "*_{band}"))
    data = tmp_path / "data"
    touch(data / "A_NDVI_2014-01-01.jp2", data / "B_NDVI_2014-01-01.jp2", data / "A_EVI_2014-01-01.jp2")
    touch(data / "A_NDVI_2014-01-17.jp2")
    products, findings = scan(sensor, data, "area")
    assert products == []
    messages = [finding.message for finding in findings]
    assert "two files are band NDVI: A_NDVI_2014-01-01.jp2 and B_NDVI_2014-01-01.jp2" in messages[0]
    assert "band EVI is missing: no file *_EVI_*.jp2 (tile area, 2014-01-17)" in messages[1]


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    sensor = declared(tmp_path, INDICES.replace("TERRA", "AQUA"))
    touch(tmp_path / "data" / "TERRA_MODIS_h12v10_NDVI_2013-09-30.jp2")
    (finding,) = scan(sensor, tmp_path / "data", "h12v10")[1]
    assert "holds no product of Modis: nothing there is called AQUA_MODIS_" in finding.message


def test_files_that_do_not_lie_on_each_other(tmp_path: Path) -> None:
    sensor = declared(tmp_path, INDICES.replace(".jp2", ".tif"))
    for day, band, size in (("01", "NDVI", 8), ("01", "EVI", 8), ("17", "NDVI", 8), ("17", "EVI", 5)):
        image(tmp_path / "data" / f"TERRA_MODIS_h_{band}_2014-01-{day}.tif", size)
    for band in ("NDVI", "EVI"):
        image(tmp_path / "data" / f"TERRA_MODIS_h_{band}_2014-02-02.tif", left=40.0)
        image(tmp_path / "data" / f"TERRA_MODIS_h_{band}_2014-02-18.tif", crs=None)
    products, findings = scan(sensor, tmp_path / "data", "h")
    assert (len(products), findings) == (4, [])
    found = [(finding.severity, Path(finding.item).name[-18:-4]) for finding in check_extents(products)]
    assert found == [
        ("error", "EVI_2014-01-17"),
        ("warning", "DVI_2014-02-02"),
        ("error", "DVI_2014-02-18"),
        ("error", "EVI_2014-02-18"),
    ]
    message = check_extents(products)[0].message
    assert "is 5 x 5 pixels of 10 from 0, 80;" in message
    assert "TERRA_MODIS_h_NDVI_2014-01-17.tif is 8 x 8 pixels" in message
    assert check_extents(products[:1]) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("_{date}", "_2014", "pattern 'TERRA_MODIS_{tile}_{band}_2014.jp2' has no {date}"),
        ('dates = "own"', 'dates = "own"\nsection = "Modis"', "section is not known"),
        ('dates = "own"', 'dates = "own"\ntemporal_resolution = 16', 'has no effect beside dates = "own"'),
        ('dates = "own"', 'dates = "regular"', "temporal_resolution is missing"),
        ("tile_folders = false", 'tile_folders = "no"', "tile_folders must be true or false"),
        ("tile_folders", "tile_folder", "tile_folder is not known"),
        ('unit = "1"', "unit = 1", "unit must be a text"),
        ("unit_scale = 0.0001", "unit_scale = 0", "unit_scale must not be 0"),
        ("unit_scale = 0.0001", "valid = [10000, 0]", "valid must be [lowest, highest], not [10000, 0]"),
        ("unit_scale = 0.0001", "valid = 10000", "valid must be [lowest, highest], not 10000"),
        ('name = "EVI"', 'name = "EVI", index = 1, token = "NDVI"', "says that NDVI and EVI are both band 1"),
        ('name = "Modis"', 'name = "Modis 16"', "must be letters and digits"),
        ('layout = "files"', 'layout = "folder"', "token {band} is not known"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in INDICES
    with pytest.raises(ConfigError) as caught:
        declared(tmp_path, INDICES.replace(old, new, 1))
    assert message in str(caught.value)
    assert str(tmp_path / "own.toml") in str(caught.value)


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no sensor declaration"):
        read_declaration(tmp_path / "none.toml", is_own=True)
    (tmp_path / "own.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigError, match="is not valid TOML"):
        read_declaration(tmp_path / "own.toml", is_own=True)
