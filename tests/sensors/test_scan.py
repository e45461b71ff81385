"""Finding products in folders: what is there, what is wrong, and layouts other than Theia's."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest

from i2db.finding import Finding
from i2db.sensors.declaration import load_sensor, read_declaration
from i2db.sensors.scan import scan

FLANDERS = (Path(__file__).parents[2] / ".." / "shared" / "data" / "flanders_2018" / "s2").resolve()
SENTINEL2 = load_sensor("sentinel2")
NAME = "SENTINEL2A_20180511-105804-037_L2A_T31TCJ_D_V1-7"
LATER = "SENTINEL2B_20180516-105804-037_L2A_T31TCJ_D_V1-7"


def theia(root: Path, name: str) -> Path:
    """A product of files that hold only their name."""
    folder = root / "T31TCJ" / name
    for band in SENTINEL2.band_names:
        write(folder / f"{name}_FRE_{band}.tif")
    for mask in ("CLM", "SAT", "EDG"):
        write(folder / "MASKS" / f"{name}_{mask}_R1.tif")
    return folder


def write(path: Path, text: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name if text is None else text)


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1
    return findings[0]


def test_products_by_date(tmp_path: Path) -> None:
    theia(tmp_path, LATER)
    theia(tmp_path, NAME)
    products, findings = scan(SENTINEL2, tmp_path, "T31TCJ")
    assert findings == []
    assert [product.product for product in products] == [NAME, LATER]
    first = products[0]
    assert (first.date, first.time, first.platform) == (datetime.date(2018, 5, 11), "105804", "SENTINEL2A")
    assert [band.band for band in first.bands] == list(SENTINEL2.band_names)
    assert first.bands[7].path.endswith(f"{NAME}/{NAME}_FRE_B8A.tif")
    assert (first.bands[0].scale, first.bands[0].offset) == (1, 0)
    assert [mask.mask for mask in first.masks] == ["CLM", "SAT", "EDG"]


def test_missing_band_and_mask(tmp_path: Path) -> None:
    folder = theia(tmp_path, NAME)
    (folder / f"{NAME}_FRE_B8.tif").unlink()
    (folder / "MASKS" / f"{NAME}_EDG_R1.tif").unlink()
    products, findings = scan(SENTINEL2, tmp_path, "T31TCJ")
    assert products == []
    assert [finding.severity for finding in findings] == ["error", "error"]
    assert "band B8 is missing" in findings[0].message
    assert "mask EDG is missing" in findings[1].message
    assert findings[0].item == NAME


def test_two_files_for_one_band(tmp_path: Path) -> None:
    folder = theia(tmp_path, NAME)
    write(folder / "COPY_FRE_B4.tif")
    products, findings = scan(SENTINEL2, tmp_path, "T31TCJ")
    assert products == []
    assert "two files are band B4: COPY_FRE_B4.tif and" in only(findings).message


@pytest.mark.parametrize("date", ["2018XX11", "20181341", "20180230"])
def test_unreadable_date(tmp_path: Path, date: str) -> None:
    theia(tmp_path, NAME.replace("20180511", date))
    products, findings = scan(SENTINEL2, tmp_path, "T31TCJ")
    assert products == []
    finding = only(findings)
    assert (finding.severity, date in finding.message) == ("error", True)


def test_other_things_are_noted(tmp_path: Path) -> None:
    theia(tmp_path, NAME)
    theia(tmp_path, LATER.replace("T31TCJ", "T31TDJ"))
    (tmp_path / "T31TCJ" / "notes").mkdir()
    products, findings = scan(SENTINEL2, tmp_path, "T31TCJ")
    assert len(products) == 1
    assert [finding.severity for finding in findings] == ["warning", "note"]
    assert "is of tile T31TDJ" in findings[0].message


def test_empty_and_missing_tile(tmp_path: Path) -> None:
    (tmp_path / "T31TCJ").mkdir()
    assert "holds no product" in only(scan(SENTINEL2, tmp_path, "T31TCJ")[1]).message
    finding = only(scan(SENTINEL2, tmp_path, "T31TDJ")[1])
    assert "is not there" in finding.message
    assert "T31TCJ" in finding.remedy
    assert "check s2_path" in only(scan(SENTINEL2, tmp_path / "nowhere", "T31TDJ")[1]).remedy


def test_fingerprint_follows_the_files(tmp_path: Path) -> None:
    folder = theia(tmp_path / "a", NAME)
    shutil.copytree(tmp_path / "a", tmp_path / "b")  # keeps the times
    fingerprints = [scan(SENTINEL2, tmp_path / place, "T31TCJ")[0][0].fingerprint for place in "aab"]
    assert fingerprints[0] == fingerprints[1] == fingerprints[2]
    assert len(fingerprints[0]) == 32
    write(folder / f"{NAME}_FRE_B2.tif", "something else")
    assert scan(SENTINEL2, tmp_path / "a", "T31TCJ")[0][0].fingerprint != fingerprints[0]


SEN2COR = """
name = "Sentinel2S2C"
title = "Sentinel-2 L2A (Sen2Cor)"
section = "Sentinel_2_S2C"
path_key = "s2_s2c_path"
rank = 60
temporal_resolution = 10
dates = "regular"
[product]
layout = "folder"
pattern = "{platform:S2?}_MSIL2A_{date}T{time}_*_{orbit:R???}_{tile}_*.SAFE"
date_format = "%Y%m%d"
[bands]
nodata = 0
red = "B04"
list = [
    { name = "B04", resolution = 10, file = "GRANULE/*/IMG_DATA/R10m/*_B04_10m.jp2", metadata_id = "3" },
    { name = "B8A", resolution = 20, file = "GRANULE/*/IMG_DATA/R20m/*_B8A_20m.jp2", metadata_id = "8" },
]
[bands.calibration]
file = "MTD_MSIL2A.xml"
divide_by = ".//{*}BOA_QUANTIFICATION_VALUE"
add = ".//{*}BOA_ADD_OFFSET[@band_id='{band}']"
add_missing = 0
[masks]
[[masks.list]]
name = "SCL"
file = "GRANULE/*/IMG_DATA/R20m/*_SCL_20m.jp2"
invalid = { values = [0, 1, 3, 8, 9, 10] }
outside = { values = [0] }
"""


def safe(root: Path, name: str, offset: str) -> None:
    folder = root / "T31TCJ" / name
    for file in ("R10m/X_B04_10m.jp2", "R20m/X_B8A_20m.jp2", "R20m/X_SCL_20m.jp2"):
        write(folder / "GRANULE" / "L2A_X" / "IMG_DATA" / file)
    write(
        folder / "MTD_MSIL2A.xml",
        "<n1:Level-2A xmlns:n1='http://example/n1'><BOA_QUANTIFICATION_VALUE unit='none'>10000"
        f"</BOA_QUANTIFICATION_VALUE>{offset}</n1:Level-2A>",
    )


def test_sen2cor_calibration_by_product(tmp_path: Path) -> None:
    (tmp_path / "s2c.toml").write_text(SEN2COR)
    sensor = read_declaration(tmp_path / "s2c.toml")
    safe(tmp_path, "S2A_MSIL2A_20180511T105031_N0207_R051_T31TCJ_20180511T125000.SAFE", "")
    offsets = "<BOA_ADD_OFFSET band_id='3'>-1000</BOA_ADD_OFFSET><BOA_ADD_OFFSET band_id='8'>-900</BOA_ADD_OFFSET>"
    safe(tmp_path, "S2B_MSIL2A_20220516T105031_N0400_R051_T31TCJ_20220516T125000.SAFE", offsets)
    products, findings = scan(sensor, tmp_path, "T31TCJ")
    assert findings == []
    assert [(band.scale, band.offset) for band in products[0].bands] == [(1, 0), (1, 0)]
    assert [(band.scale, band.offset) for band in products[1].bands] == [(1, -1000), (1, -900)]
    assert (products[1].orbit, products[1].time, products[1].platform) == ("R051", "105031", "S2B")
    assert sensor.masks[0].outside is not None


def test_metadata_without_its_number(tmp_path: Path) -> None:
    (tmp_path / "s2c.toml").write_text(SEN2COR.replace("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION"))
    safe(tmp_path, "S2A_MSIL2A_20180511T105031_N0207_R051_T31TCJ_20180511T125000.SAFE", "")
    products, findings = scan(read_declaration(tmp_path / "s2c.toml"), tmp_path, "T31TCJ")
    assert products == []
    assert "has no .//{*}QUANTIFICATION" in only(findings).message


def test_an_offset_that_the_baseline_must_have(tmp_path: Path) -> None:
    """A series that mixes baselines: the metadata decide, not the date; an offset that is missing is an error."""
    sensor = load_sensor("sentinel2s2c")
    ids = {band.metadata_id for band in sensor.bands}
    offsets = "".join(f"<BOA_ADD_OFFSET band_id='{band}'>-{1000 + int(band)}</BOA_ADD_OFFSET>" for band in sorted(ids))
    baselines = {"20180511": ("05.00", offsets), "20190511": ("02.11", ""), "20220516": ("04.00", offsets)}
    for date, (baseline, text) in {**baselines, "20230516": ("05.09", "")}.items():
        name = f"S2A_MSIL2A_{date}T105031_N{baseline.replace('.', '')}_R051_T31TCJ_{date}T125000.SAFE"
        safe(tmp_path, name, f"<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>{text}")
        for band in sensor.bands:
            write(tmp_path / "T31TCJ" / name / band.file.text.replace("/*_", "/X_").replace("*", "L2A_X"))
    products, findings = scan(sensor, tmp_path, "T31TCJ")
    assert "is of version 05.09, in which every band has an offset, and band 1 has none" in only(findings).message
    assert [[band.offset for band in product.bands] for product in products] == [
        [-1001, -1002, -1003, -1004, -1005, -1006, -1007, -1008, -1011, -1012],
        [0] * 10,
        [-1001, -1002, -1003, -1004, -1005, -1006, -1007, -1008, -1011, -1012],
    ]


def test_metadata_of_the_first_sen2cor(tmp_path: Path) -> None:
    sensor = load_sensor("sentinel2s2c")
    name = "S2A_MSIL2A_20160511T105031_N0201_R051_T31TCJ_20160511T125000.SAFE"
    safe(tmp_path, name, "")
    folder = tmp_path / "T31TCJ" / name
    for band in sensor.bands:
        write(folder / band.file.text.replace("/*_", "/X_").replace("*", "L2A_X"))
    metadata = (folder / "MTD_MSIL2A.xml").read_text()
    metadata = metadata.replace("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE").replace(">10000<", ">1000<")
    (folder / "MTD_MSIL2A.xml").write_text(metadata)
    products, findings = scan(sensor, tmp_path, "T31TCJ")
    assert findings == []
    assert {(band.scale, band.offset) for band in products[0].bands} == {(10, 0)}


def test_one_multiband_file_and_a_bit_mask(tmp_path: Path) -> None:
    text = """
name = "Landsat8Old"
title = "Landsat 8 (N2A)"
section = "Landsat8_old"
path_key = "l8_path_old"
rank = 30
temporal_resolution = 16
dates = "regular"
[product]
layout = "folder"
pattern = "{platform:LANDSAT8}_OLITIRS_XS_{date}_N2A_France-Metropole{tile}"
date_format = "%Y%m%d"
[bands]
file = "*ORTHO_SURF_CORR_PENTE*.TIF"
nodata = -10000
list = [ { name = "B1", resolution = 30 }, { name = "B2", resolution = 30, index = 2 } ]
[masks]
[[masks.list]]
name = "DIV"
file = "MASK/*_DIV.TIF"
outside = { bits = [0] }
"""
    (tmp_path / "l8.toml").write_text(text)
    folder = tmp_path / "D0005H0002" / "LANDSAT8_OLITIRS_XS_20160330_N2A_France-MetropoleD0005H0002"
    write(folder / "L_ORTHO_SURF_CORR_PENTE_X.TIF")
    write(folder / "MASK" / "L_DIV.TIF")
    products, findings = scan(read_declaration(tmp_path / "l8.toml"), tmp_path, "D0005H0002")
    assert findings == []
    assert [(band.index, Path(band.path).name) for band in products[0].bands] == [
        (1, "L_ORTHO_SURF_CORR_PENTE_X.TIF"),
        (2, "L_ORTHO_SURF_CORR_PENTE_X.TIF"),
    ]


@pytest.mark.skipif(not FLANDERS.is_dir(), reason="the real data are not here")
def test_flanders() -> None:
    products, findings = scan(SENTINEL2, FLANDERS, "T31UDS")
    assert findings == []
    assert len(products) == 118
    assert (products[0].date, products[-1].date) == (datetime.date(2017, 8, 4), datetime.date(2018, 11, 27))
