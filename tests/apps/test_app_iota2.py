"""iota2's interface: configurations, sensors, creators, and the labwork's scripts on a simulated scene."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio

from i2db.apps import create, otb_app_bank
from i2db.apps.application import APPLICATIONS
from i2db.apps.read_config_file import iota2_parameters, read_config_file
from i2db.apps.sensors import sensor_class, sentinel_2
from i2db.errors import ConfigError, InputError
from i2db.simulate import Scene, simulate

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Two tiles of which the second has dates of its own, with parcels; three months of dates."""
    folder = tmp_path_factory.mktemp("labwork") / "scene"
    return simulate(folder, size=64, dates=4, tiles=2, classes=4, seed=2, days_between=25, parcels=True)


def script(name: str, *arguments: object, folder: Path) -> str:
    environment = os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": str(REPOSITORY / "toolkit")}
    command = [sys.executable, str(REPOSITORY / "examples" / name), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_application_has_its_creator() -> None:
    for name in APPLICATIONS:
        creator = getattr(otb_app_bank, f"Create{name}Application")
        assert creator.__name__ == f"Create{name}Application"
        assert creator({"ram": 5}).name == name


def test_keys_in_both_spellings(scene: Scene) -> None:
    config = read_config_file(scene.config)
    assert config.getParam("chain", "list_tile") == config.getParam("chain", "listTile") == "T31TCJ T31TDJ"
    assert config.getParam("chain", "outputPath") == str(scene.folder / "out")
    assert config.getParam("chain", "groundTruth") == str(scene.ground_truth)
    assert config.getParam("argTrain", "runs") == config.getParam("arg_train", "runs") == 2
    assert config.getParam("chain", "region_path") is None
    assert config.getParam("arg_train", "sample_selection")["strategy"] == "all"
    assert config.getSection("chain")["data_field"] == "code"
    with pytest.raises(ConfigError, match=r"no key chain\.list_tilt\n.*did you mean list_tile"):
        config.getParam("chain", "list_tilt")
    with pytest.raises(ConfigError, match="no section chian"):
        config.getSection("chian")


def test_features_are_those_of_the_chain(scene: Scene, tmp_path: Path) -> None:
    from i2db.config.reader import load
    from i2db.facts import Facts
    from i2db.raster.read import SeriesReader
    from i2db.scene import build_scene

    arguments = iota2_parameters(scene.config).get_sensors_parameters("T31TCJ")["Sentinel_2"]
    (stack, others), names = sentinel_2(**arguments).get_features(ram=128)
    assert others == []
    series = build_scene(load(scene.config).config, Facts(tmp_path)).series[0]
    assert names == [feature.name for feature in series.features.features]
    image = stack.image
    with SeriesReader(series.sensor, series.products["T31TCJ"], image.grid) as reader:
        features, is_valid = series.features.compute(reader.read(reader.window))
    expected = np.where(is_valid[:, np.newaxis], features, np.float32(np.nan)).reshape(64, 64, -1)
    np.testing.assert_array_equal(stack.GetVectorImageAsNumpyArray("out"), expected)
    # A band of it, in windows, by another application; and single pixels, one of them twice.
    ndvi = create("ExtractROI", {"in": stack, "cl": [f"Channel{names.index('sentinel2_ndvi_20180131') + 1}"], "ram": 1})
    np.testing.assert_array_equal(
        ndvi.GetImageAsNumpyArray("out"), expected[..., names.index("sentinel2_ndvi_20180131")]
    )
    rows, columns = np.array([3, 60, 3, 7]), np.array([5, 0, 5, 63])
    found = image.read_pixels(rows + image.window.row, columns + image.window.column)
    np.testing.assert_array_equal(found, expected[rows, columns])
    image.close()


def test_a_tile_that_is_not_there(scene: Scene) -> None:
    with pytest.raises(ConfigError, match=r"T00AAA is no tile of chain\.list_tile"):
        iota2_parameters(scene.config).get_sensors_parameters("T00AAA")
    with pytest.raises(InputError, match="T00AAA is not there"):
        sentinel_2("T00AAA", scene.sensor_folder).get_features()
    with pytest.raises(ConfigError, match="is not declared"):
        sensor_class("Sentinel_99")
    with pytest.raises(ConfigError, match="no date"):
        sentinel_2("T31TCJ", scene.sensor_folder, auto_date_flag=False)


def test_parcels_are_fields_in_another_projection(scene: Scene) -> None:
    assert scene.parcels is not None
    parcels = geopandas.read_file(scene.parcels)
    assert parcels.crs == "EPSG:2154"
    assert set(parcels["CODE_CULTU"]) <= {"MIS", "BTH", "PPH"}
    assert parcels["ID_PARCEL"].is_unique
    np.testing.assert_allclose(parcels.to_crs("EPSG:32631").area / 1e4, parcels["SURF_PARC"], atol=0.0051)
    with rasterio.open(scene.truth) as truth:
        points = parcels.to_crs(truth.crs).representative_point()
        codes = [code for (code,) in truth.sample(zip(points.x, points.y, strict=True))]
    crops = {10: "MIS", 6: "BTH", 13: "PPH", 0: None}
    agree = [crops[int(code)] == crop for code, crop in zip(codes, parcels["CODE_CULTU"], strict=True) if code]
    assert len(agree) > 10
    assert all(agree)


def test_labwork_6_1(scene: Scene, tmp_path: Path) -> None:
    band = next(scene.products[0].glob("*_FRE_B4.tif"))
    script("labwork_6_1.py", band, 100, scene.parcels, "roi.tif", folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["roi.tif"]
    bounds = geopandas.read_file(scene.parcels).to_crs("EPSG:32631").total_bounds
    with rasterio.open(tmp_path / "roi.tif") as found, rasterio.open(band) as whole:
        window = whole.window(*found.bounds)
        np.testing.assert_array_equal(found.read(1), whole.read(1, window=window) + 100.0)
        assert found.bounds.left <= max(bounds[0], whole.bounds.left) < found.bounds.left + 10
        assert found.bounds.top - 10 < min(bounds[3], whole.bounds.top) <= found.bounds.top


def test_labwork_6_2(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    script("labwork_6_2.py", scene.truth, scene.parcels, "temporary", "stats.shp", folder=tmp_path)
    before, after = geopandas.read_file(scene.parcels), geopandas.read_file(tmp_path / "stats.shp")
    assert list(after["ID_PARCEL"]) == list(before["ID_PARCEL"])
    shares = after[[name for name in after.columns if name.isdigit()]].fillna(0)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    # Most of what touches a parcel is its crop; neighbours reach in from the sides.
    own = [shares.loc[row, {"MIS": "10", "BTH": "6", "PPH": "13"}[crop]] for row, crop in after["CODE_CULTU"].items()]
    assert np.median(own) > 0.6


def test_labwork_6_3(scene: Scene, tmp_path: Path) -> None:
    told = script("labwork_6_3.py", scene.config, tmp_path, folder=tmp_path)
    assert "odict_keys(['Sentinel_2'])" in told
    with sqlite3.connect(scene.folder / "out" / "samples_with_features.sqlite") as connection:
        frame = geopandas.read_postgis("SELECT * FROM output", connection, geom_col="GEOMETRY")
    connection.close()
    per_class = Counter(frame["code"])
    figures = {path.name for path in tmp_path.glob("*.png")}
    assert figures == {f"ndvi_{code}.png" for code in per_class}
    assert max(per_class.values()) == 10
    # The features are those that the stack has at the points.
    arguments = iota2_parameters(scene.config).get_sensors_parameters("T31TCJ")["Sentinel_2"]
    (stack, _), names = sentinel_2(**arguments).get_features(ram=64)
    assert [name.lower() for name in names] == list(frame.columns[-len(names) :])
    array = stack.GetVectorImageAsNumpyArray("out")
    left, _, _, top = stack.image.bounds
    rows = ((top - frame.geometry.y) // 10).astype(int)
    columns = ((frame.geometry.x - left) // 10).astype(int)
    np.testing.assert_array_equal(frame[frame.columns[-len(names) :]].to_numpy(np.float32), array[rows, columns])
