"""Declarations of sensors: the one that ships, those of other layouts, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2db.errors import ConfigError
from i2db.resources import schema_folder, sql_folder
from i2db.sensors.declaration import Rule, all_sensors, load_sensor, read_declaration

SENTINEL2 = (schema_folder() / "sensors" / "sentinel2.toml").read_text()


def declared(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sensor.toml"
    path.write_text(text)
    return path


def test_sentinel2_is_what_iota2_reads() -> None:
    sensor = load_sensor("sentinel2")
    assert sensor is load_sensor("Sentinel_2")
    assert sensor.band_names == ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
    assert [band.resolution for band in sensor.bands] == [10, 10, 10, 20, 20, 20, 10, 20, 20, 20]
    assert (sensor.name, sensor.prefix, sensor.section, sensor.path_key) == (
        "Sentinel2", "sentinel2", "Sentinel_2", "s2_path",
    )  # fmt: skip
    assert (sensor.red, sensor.nir, sensor.swir) == ("B4", "B8", "B11")
    assert (sensor.nodata, sensor.temporal_resolution, sensor.mask_dilation) == (-10000, 10, 0)
    assert [mask.name for mask in sensor.masks] == ["CLM", "SAT", "EDG"]
    tokens = sensor.product.match("SENTINEL2A_20180511-105804-037_L2A_T31TCJ_D_V1-7")
    assert tokens == {"platform": "SENTINEL2A", "date": "20180511", "time": "105804", "tile": "T31TCJ"}
    assert sensor.band("B8").file.match("X_FRE_B8.tif") is not None
    assert sensor.band("B8").file.match("X_FRE_B8A.tif") is None
    assert sensor in all_sensors()


def test_folders_of_the_source_tree() -> None:
    assert (schema_folder() / "20_reference.sql").is_file()
    assert sql_folder().is_dir()


@pytest.mark.parametrize(
    ("rule", "numbers", "applies"),
    [
        (Rule(kind="nonzero"), (0, 1, 255), (False, True, True)),
        (Rule(kind="bits", numbers=(0,)), (0, 1, 2, 3, 254), (False, True, False, True, False)),
        (Rule(kind="values", numbers=(0, 1, 3, 8, 9, 10)), (0, 2, 3, 4, 11), (True, False, True, False, False)),
    ],
)
def test_rules(rule: Rule, numbers: tuple[int, ...], applies: tuple[bool, ...]) -> None:
    assert tuple(rule.applies(number) for number in numbers) == applies


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("temporal_resolution = 10", "temporal_resolutoin = 10", "temporal_resolution is missing"),
        ("rank = 50", "rank = 50\ncolour = 1", "colour is not known"),
        ('nir = "B8"', 'nir = "B9"', "nir must be one of B2"),
        ("nodata = -10000", 'nodata = "none"', "nodata must be a number"),
        ('layout = "folder"', 'layout = "tree"', "layout must be one of folder, files"),
        ("{date}-{time}", "{day}-{time}", "token {day} is not known"),
        ('date_format = "%Y%m%d"', 'date_format = "%d %B"', "%B is not one of"),
        ('outside = "nonzero"', "", "the mask would have no effect"),
        ('outside = "nonzero"', "outside = { bits = [] }", "outside must be"),
        ('{ name = "B3", resolution = 10 }', '{ name = "b2", resolution = 10 }', "holds 'b2' twice"),
        ('{ name = "B3", resolution = 10 }', '{ name = "B_3", resolution = 10 }', "must be letters and digits"),
        ("dilation = 0", "dilation = -1", "dilation must be a whole number of at least 0"),
        ("rank = 50", "rank = ", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SENTINEL2
    path = declared(tmp_path, SENTINEL2.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        read_declaration(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_nearest_key_is_offered(tmp_path: Path) -> None:
    path = declared(tmp_path, SENTINEL2.replace("dilation = 0", "dilatation = 2"))
    with pytest.raises(ConfigError, match="did you mean dilation"):
        read_declaration(path)


def test_scale_has_no_effect_beside_a_calibration(tmp_path: Path) -> None:
    calibration = '[bands.calibration]\nfile = "M.xml"\ndivide_by = ".//Q"\n\n[masks]'
    path = declared(tmp_path, SENTINEL2.replace("[masks]", calibration, 1))
    with pytest.raises(ConfigError, match="no effect beside"):
        read_declaration(path)


def test_unknown_sensor_and_band() -> None:
    with pytest.raises(ConfigError, match=r"declared in schemas/sensors: .*Sentinel2"):
        load_sensor("spot")
    with pytest.raises(ConfigError, match="has no band 'B9'"):
        load_sensor("sentinel2").band("B9")
