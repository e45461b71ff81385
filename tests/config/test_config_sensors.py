"""Keys of sensors: sections made from the declarations, users' own sensors, and what contradicts or changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2db.config import Loaded, load
from i2db.config.sensors import SensorSection, configured_sensors
from i2db.errors import ConfigError
from i2db.sensors.declaration import all_sensors

REST = "ground_truth : 'gt.shp', data_field : 'code', nomenclature_path : 'n.txt', output_path : 'out'"
OWN = """
name = "Modis"
dates = "own"
[product]
layout = "files"
pattern = "*_{band}_{date}.jp2"
date_format = "%Y-%m-%d"
[bands]
unit = "1"
list = [ { name = "NDVI", resolution = 231.66 }, { name = "EVI", resolution = 231.66 } ]
"""


def read(folder: Path, chain: str, rest: str = "") -> Loaded:
    (folder / "modis.toml").write_text(OWN)
    (folder / "a.cfg").write_text(f"chain : {{ list_tile : 'T31TCJ', {REST}, {chain} }}\n{rest}")
    return load(folder / "a.cfg", environment={})


def problem(folder: Path, chain: str, rest: str = "") -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, chain, rest)
    assert "has 1 problem:" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("sensor", all_sensors(), ids=lambda sensor: sensor.prefix)
def test_every_declared_sensor_has_its_path_and_section(tmp_path: Path, sensor) -> None:
    bands = ", ".join(repr(band) for band in (sensor.red, sensor.nir, sensor.swir))
    loaded = read(
        tmp_path,
        f"{sensor.path_key} : 'data'",
        f"{sensor.section} : {{ keepBands : [{bands}] }}\niota2FeatureExtraction : {{ extractBands : True }}",
    )
    assert loaded.warnings == ()
    (configured,) = configured_sensors(loaded.config)
    assert configured.sensor is sensor
    assert configured.root == tmp_path / "data"
    assert configured.section.keep_bands == (sensor.red, sensor.nir, sensor.swir)
    assert configured.section.temporal_resolution == sensor.temporal_resolution
    assert isinstance(configured.section, SensorSection)
    message = problem(tmp_path, f"{sensor.path_key} : 'data'", f"{sensor.section} : {{ keepBands : ['B99'] }}")
    assert f"{sensor.section.lower()}.keep_bands[0] is \"B99\": it must be one of '{sensor.band_names[0]}'" in message


def test_sensors_come_in_the_order_of_iota2_and_own_ones_last(tmp_path: Path) -> None:
    own = 'sensors : [{"declaration" : "modis.toml", "path" : "modis", "keep_bands" : "EVI"}]'
    loaded = read(tmp_path, f"s2_l3a_path : 'c', l5_path_old : 'a', S2Path : 'b', {own}")
    found = configured_sensors(loaded.config)
    assert [each.sensor.name for each in found] == ["Landsat5Old", "Sentinel2", "Sentinel2L3A", "Modis"]
    assert found[3].section.keep_bands == ("EVI",)
    assert found[3].root == tmp_path / "modis"
    assert "chain.sensors[0].keep_bands: without effect" in loaded.warnings[0]


def test_one_own_sensor_in_toml(tmp_path: Path) -> None:
    (tmp_path / "modis.toml").write_text(OWN)
    (tmp_path / "a.toml").write_text(
        '[chain]\nlist_tile = "a"\noutput_path = "out"\nground_truth = "g"\ndata_field = "code"\n'
        'nomenclature_path = "n"\n[[chain.sensors]]\ndeclaration = "modis.toml"\npath = "modis"\n'
    )
    (configured,) = configured_sensors(load(tmp_path / "a.toml", environment={}).config)
    assert (configured.sensor.name, configured.place) == ("Modis", ("chain", "sensors", 0))


@pytest.mark.parametrize(
    ("sensors", "message"),
    [
        ('[{"declaration" : "none.toml", "path" : "m"}]', "chain.sensors[0]: there is no sensor declaration"),
        ('[{"declaration" : "modis.toml"}]', "it must be a list of mappings, each with declaration and path"),
        ('[{"declaration" : "modis.toml", "path" : "m", "pathh" : 1}]', "is not a key that i2db knows"),
        ('[{"declaration" : "modis.toml", "path" : "m", "keep_bands" : ["LAI"]}]', "keep_bands names LAI, which"),
        (
            '[{"declaration" : "modis.toml", "path" : "m"}, {"declaration" : "modis.toml", "path" : "n"}]',
            "chain.sensors[1]: ",
        ),
    ],
)
def test_own_sensors_that_cannot_be_used(tmp_path: Path, sensors: str, message: str) -> None:
    assert message in problem(tmp_path, f"sensors : {sensors}")


def test_an_own_sensor_with_the_name_of_one_that_ships(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(OWN.replace('"Modis"', '"Landsat8"'))
    message = problem(tmp_path, 'sensors : [{"declaration" : "other.toml", "path" : "m"}]')
    assert "declares Landsat8, which is the name of Landsat 8 L2A (Theia)" in message


@pytest.mark.parametrize(
    ("chain", "rest", "warning"),
    [
        (
            "s2_path : 'a'",
            "Landsat8 : { temporal_resolution : 8 }",
            "landsat8.temporal_resolution: without effect: ",
        ),
        (
            "s2_l3a_path : 'a'",
            "Sentinel_2_L3A : { temporal_resolution : 8 }",
            "sentinel_2_l3a.temporal_resolution: without effect: Sentinel-2 L3A (Theia) is filled at its own dates",
        ),
        (
            "s2_path : 'a'",
            "external_features : { fill_missing_dates : True }",
            "sensors_data_interpolation.fill_missing_dates: without effect: ",
        ),
        (
            'sensors : [{"declaration" : "modis.toml", "path" : "m"}]',
            "arg_train : { features : ['NDVI'] }",
            "arg_train.features: without effect: no sensor declares the bands (red, nir, swir)",
        ),
    ],
)
def test_what_changes_nothing(tmp_path: Path, chain: str, rest: str, warning: str) -> None:
    (message,) = read(tmp_path, chain, rest).warnings
    assert warning in message


@pytest.mark.parametrize(
    ("chain", "rest", "message"),
    [
        (
            "s2_path : 'a', l8_path : 'b'",
            "GlobChain : { autoDate : False }\nSentinel_2 : { startDate : '20180101', endDate : '20180201' }",
            "which needs landsat8.start_date and landsat8.end_date",
        ),
        (
            's2_path : \'a\', sensors : [{"declaration" : "modis.toml", "path" : "m"}]',
            "iota2FeatureExtraction : { copyinput : False }",
            "no feature of Modis is left to learn from",
        ),
        ("s1_path : 'a'", "", "not built yet"),
    ],
)
def test_what_contradicts(tmp_path: Path, chain: str, rest: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, chain, rest)
    assert message in str(caught.value)


def test_no_date_is_asked_of_a_sensor_with_dates_of_its_own(tmp_path: Path) -> None:
    assert read(tmp_path, "s2_l3a_path : 'a'", "GlobChain : { autoDate : False }").warnings == ()


def test_a_sensor_of_the_user_has_regular_dates_where_they_are_asked_for(tmp_path: Path) -> None:
    own = 'sensors : [{"declaration" : "modis.toml", "path" : "m"%s}]'
    for given, dates in (("", "own"), (', "temporal_resolution" : 32', "regular")):
        loaded = read(tmp_path, own % given)
        assert loaded.warnings == ()
        assert [each.sensor.dates for each in configured_sensors(loaded.config)] == [dates]
    unbounded = problem(tmp_path, own % ', "temporal_resolution" : 32', "GlobChain : { autoDate : False }")
    assert "auto_date is False, which needs chain.sensors[0].start_date" in unbounded


def test_a_wrong_path_is_not_told_as_no_sensor(tmp_path: Path) -> None:
    assert "chain.s2_path is 7: it must be a path" in problem(tmp_path, "s2_path : 7")
