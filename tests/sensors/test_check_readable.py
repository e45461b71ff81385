"""Files that are there but cannot be read."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

from i2db.sensors.check import check_readable
from i2db.sensors.product import BandFile, MaskFile, Product


def image(path: Path, crs: str | None = "EPSG:32631") -> str:
    numbers = np.random.default_rng(1).integers(0, 9000, (64, 64)).astype(np.int16)
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "int16", "tiled": True}
    transform = Affine(10, 0, 0, 0, -10, 0)
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform, blockxsize=16, blockysize=16) as dataset:
        dataset.write(numbers, 1)
    return str(path)


def product(band: str, mask: str, index: int = 1) -> Product:
    return Product(
        product="P", sensor="Sentinel2", tile="T31TCJ", date=datetime.date(2018, 5, 11), time="", platform="", orbit="",
        bands=(BandFile(band="B2", path=band, index=index),), masks=(MaskFile(mask="CLM", path=mask),), fingerprint="",
    )  # fmt: skip


def test_whole_files(tmp_path: Path) -> None:
    assert check_readable(product(image(tmp_path / "b.tif"), image(tmp_path / "m.tif"))) == []


def test_truncated_file_is_named_with_date_and_tile(tmp_path: Path) -> None:
    band, mask = image(tmp_path / "b.tif"), image(tmp_path / "m.tif")
    content = Path(band).read_bytes()
    Path(band).write_bytes(content[:-100])
    findings = check_readable(product(band, mask))
    assert [(finding.severity, finding.item) for finding in findings] == [("error", band)]
    assert "band B2 of 2018-05-11, tile T31TCJ, cannot be read" in findings[0].message


def test_nothing_missing_band_and_no_projection(tmp_path: Path) -> None:
    findings = check_readable(product(image(tmp_path / "b.tif"), str(tmp_path / "none.tif"), index=3))
    assert "is asked of band 3 of a file with 1" in findings[0].message
    assert "mask CLM" in findings[1].message
    findings = check_readable(product(image(tmp_path / "b.tif"), image(tmp_path / "m.tif", crs=None)))
    assert "has no projection" in findings[0].message
