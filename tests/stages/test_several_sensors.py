"""Sensors together: each with its own dates and pixels, one map; raw dates over tiles that do not share them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from i2db.errors import ConfigError
from i2db.raster.grid import Window, rows_columns
from i2db.simulate import Scene, simulate
from scenes import TO_MOSAIC, TO_SELECT, ask, assert_same, run_scene

DATES = ("sentinel_2.temporal_resolution=60", "landsat8_old.temporal_resolution=90")

#: Functions of both sensors, one of which looks around in a raster of the user.
CODE = """
from scipy.ndimage import maximum_filter
from i2db.external import radius

@radius(2)
def crest(self):
    return maximum_filter(self.get_user_features_mnt()[:, :, 0], 5, mode="constant"), ["crest"]

def both(self):
    sentinel, landsat = self.get_interpolated_Sentinel2_NDVI(), self.get_raw_Landsat8Old_B4()
    return sentinel.mean(axis=2) + landsat.max(axis=2), ["both"]
"""


def everything(scene: Scene) -> list[str]:
    """Settings: a relief in two files in degrees and functions, beside the sensors."""
    code = scene.folder / "code.py"
    code.write_text(CODE, encoding="utf-8")
    files = [str(scene.folder / "dem" / name) for name in ("west.tif", "east.tif")]
    return [
        *DATES,
        f"user_feat.files={{'mnt': {files}}}",
        f"external_features.module={code}",
        "external_features.functions=crest both",
    ]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Two tiles seen by Sentinel-2 at 10 m, by Landsat 8 at 30 m off the grid of the others, and as syntheses."""
    folder = tmp_path_factory.mktemp("mixed") / "scene"
    sensors = ["sentinel2", "landsat8old", "sentinel2l3a"]
    return simulate(folder, size=96, dates=5, tiles=2, classes=4, seed=3, sensors=sensors, block=32, dem=True)


@pytest.fixture(scope="module")
def mixed_run(mixed: Scene) -> Path:
    folder = mixed.folder / "out"
    run_scene(mixed.config, folder, *everything(mixed), stages=TO_MOSAIC)
    return folder


def test_a_mix_of_three_sensors_is_mapped(mixed: Scene, mixed_run: Path) -> None:
    groups = ask(mixed_run, "SELECT feature_group, count(DISTINCT date), count(*) FROM feature GROUP BY 1 ORDER BY 1")
    functions, landsat, synthesis, sentinel, rasters = groups
    assert (functions, rasters) == (("external", 0, 2), ("user", 0, 1))
    days = dict(ask(mixed_run, "SELECT lower(sensor), count(DISTINCT date) FROM acquisition GROUP BY 1"))
    assert (landsat[0], synthesis[0], sentinel[0]) == ("landsat8old", "sentinel2", "sentinel2l3a")
    assert landsat[2] == landsat[1] * (7 + 3)
    assert synthesis[2] == synthesis[1] * (10 + 3)
    # Syntheses are filled at their own dates, those of both tiles together.
    assert sentinel[1:] == (days["sentinel2l3a"], days["sentinel2l3a"] * (10 + 3))
    order = [row[0] for row in ask(mixed_run, "SELECT feature_group FROM feature ORDER BY feature_id")]
    assert list(dict.fromkeys(order)) == ["landsat8old", "sentinel2", "sentinel2l3a", "user", "external"]
    with rasterio.open(mixed_run / "final" / "Classif_Seed_0.tif") as source, rasterio.open(mixed.truth) as truth:
        found, known = source.read(1), truth.read(1)
        assert (source.transform.c, source.transform.f) == (truth.transform.c, truth.transform.f)
    assert found.shape == known.shape
    mapped = (found > 0) & (known > 0)
    assert mapped.sum() > 0.85 * (known > 0).sum()
    assert (found == known)[mapped].mean() > 0.75


def test_chunks_change_nothing_of_a_mix(mixed: Scene, mixed_run: Path) -> None:
    other = mixed.folder / "out_chunks"
    cut = ("python_data_managing.chunk_size_x=53", "python_data_managing.chunk_size_y=61")
    run_scene(mixed.config, other, *everything(mixed), *cut, stages=TO_MOSAIC)
    assert_same(mixed_run, other)


def test_a_tile_is_where_all_its_sensors_have_data(mixed: Scene, mixed_run: Path) -> None:
    sides = ask(mixed_run, "SELECT n_columns, n_rows FROM tile")
    assert sides == [(96, 96), (96, 96)]


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Configuration of two tiles, one of which lacks a date; the date, and the tile."""
    folder = tmp_path_factory.mktemp("uneven") / "scene"
    scene = simulate(folder, size=64, dates=4, tiles=2, classes=3, seed=4)
    # A date that both have.
    second = {product.name.split("_")[1][:8]: product for product in scene.products if product.parent.name == "T31TDJ"}
    first = {product.name.split("_")[1][:8] for product in scene.products if product.parent.name == "T31TCJ"}
    date = sorted(first & set(second))[1]
    shutil.rmtree(second[date])
    return scene.config, date, "T31TDJ"


RAW = "sensors_data_interpolation.use_gapfilling=False"
FILLED = "external_features.fill_missing_dates=True"


def test_raw_dates_that_differ_are_refused(uneven: tuple[Path, str, str], tmp_path: Path) -> None:
    config, date, tile = uneven
    with pytest.raises(ConfigError) as caught:
        run_scene(config, tmp_path / "out", RAW, stages=TO_SELECT)
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    assert f"{tile} lacks {day}" in str(caught.value)
    assert "fill_missing_dates" in str(caught.value.hint)


def test_a_missing_date_is_no_data_in_that_tile_alone(uneven: tuple[Path, str, str], tmp_path: Path) -> None:
    config, date, tile = uneven
    run_scene(config, tmp_path / "out", RAW, FILLED, "arg_train.features=[]", stages=TO_MOSAIC[:6])
    folder = tmp_path / "out"
    names = [row[0] for row in ask(folder, "SELECT feature_name FROM feature ORDER BY feature_id")]
    days = {name.rsplit("_", 1)[1] for name in names}
    missing = [place for place, name in enumerate(names) if name.endswith(date)]
    assert len(missing) == 10
    assert len(names) == 10 * len(days)
    tiles = ask(folder, "SELECT tile, grid_column, grid_row, n_columns, n_rows FROM tile")
    windows = {row[0]: Window(*row[1:]) for row in tiles}
    rows = ask(folder, "SELECT sample_id, tile, features FROM sample")
    assert {row[1] for row in rows} == set(windows)
    ids = np.array([row[0] for row in rows])
    features: NDArray[np.float64] = np.array([row[2] for row in rows])
    is_lacking = np.array([row[1] == tile for row in rows])
    assert (features[np.ix_(is_lacking, missing)] == -10000).all()
    others = features[~is_lacking][:, missing]
    assert (others > 0).any(axis=1).mean() > 0.5
    # What a date holds that the tile has is its product's own numbers.
    _, columns = rows_columns(ids)
    assert (columns[is_lacking] >= windows[tile].column).all()
    present = [place for place in range(len(names)) if place not in missing]
    assert (features[np.ix_(is_lacking, present)] > 0).any(axis=1).all()
