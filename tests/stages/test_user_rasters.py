"""User rasters in the chain: same tables and maps however the work is cut, quotas from usable pixels, clear errors."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from i2db.checks import check_inputs
from i2db.config.reader import load
from i2db.errors import InputError
from i2db.raster.grid import Grid, Window
from i2db.scene import survey
from i2db.simulate import Scene
from scenes import TO_MOSAIC, TO_SELECT, ask, assert_same, maps, run_scene


def bounds_of(scene: Scene) -> tuple[Grid, dict[str, Window]]:
    return survey(load(scene.config).config)


def write_relief(path: Path, bounds: tuple[float, float, float, float], step: float = 25, hole: bool = False) -> Path:
    """A model of 25 m pixels over some bounds; with a hole in its middle where it has no data."""
    left, bottom, right, top = bounds
    shape = int((top - bottom) / step) + 1, int((right - left) / step) + 1
    rows, columns = np.indices(shape)
    numbers = (200 + 30 * np.sin(columns / 5) + 20 * np.cos(rows / 4)).astype(np.float32)
    if hole:
        numbers[shape[0] // 3 : shape[0] // 2, shape[1] // 3 : shape[1] // 2] = -9999
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=shape[1],
        height=shape[0],
        count=1,
        dtype="float32",
        crs="EPSG:32631",
        transform=Affine(step, 0, left, 0, -step, top),
        nodata=-9999,
    ) as target:
        target.write(numbers, 1)
    return path


@pytest.fixture(scope="module")
def dem(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model over both tiles, with a hole."""
    grid, tiles = bounds_of(scene)
    windows = list(tiles.values())
    bounds = grid.bounds(windows[0].union(windows[1]).grown(20))
    return write_relief(tmp_path_factory.mktemp("dem") / "dem.tif", bounds, hole=True)


@pytest.fixture(scope="module")
def reference(scene: Scene, dem: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rasters") / "out"
    run_scene(scene.config, folder, f"user_feat.files={{'mnt': '{dem}'}}", stages=TO_MOSAIC)
    return folder


def test_pixels_without_data_are_no_candidates_and_have_no_label(scene: Scene, dem: Path, reference: Path) -> None:
    rows = ask(reference, "SELECT feature_name, date, feature_group FROM feature WHERE feature_group = 'user'")
    assert rows == [("mnt_band_0", None, "user")]
    (n_rejected,) = ask(reference, "SELECT count(*) FROM rejection")[0]
    assert n_rejected == 0
    with rasterio.open(dem) as source:
        x_y = ask(reference, "SELECT x, y, mnt_band_0 FROM sample_wide")
        exact = np.array([number[0] for number in source.sample([row[:2] for row in x_y])])
    numbers = np.array([row[2] for row in x_y])
    assert (exact != -9999).all()
    assert np.abs(numbers - exact).max() < 8  # within a pixel of 25 m
    label = maps(reference)["Classif_Seed_0.tif"][0]
    assert 0 < (label == 0).mean() < 0.2
    with rasterio.open(reference / "final" / "Classif_Seed_0.tif") as made, rasterio.open(dem) as source:
        rows, columns = np.nonzero(label == 0)
        places = [made.xy(row, column) for row, column in zip(rows[::50], columns[::50], strict=True)]
        near = [source.read(1, window=source.window(x - 50, y - 50, x + 50, y + 50)) for x, y in places]
    assert all((square == -9999).any() for square in near)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(["python_data_managing.number_of_chunks=5"], id="5 chunks"),
        pytest.param(["execution.scheduler_type=localCluster", "execution.nb_parallel_tasks=2"], id="2 workers"),
    ],
)
def test_the_cut_changes_nothing(scene: Scene, dem: Path, reference: Path, tmp_path: Path, settings: list[str]) -> None:
    files = f"user_feat.files={{'mnt': '{dem}'}}"
    run_scene(scene.config, tmp_path / "out", files, *settings, stages=TO_MOSAIC)
    assert_same(reference, tmp_path / "out")


def test_a_folder_per_tile_gives_what_one_file_gives(scene: Scene, dem: Path, reference: Path, tmp_path: Path) -> None:
    for tile in scene.tiles:
        (tmp_path / "features" / tile).mkdir(parents=True)
        shutil.copy(dem, tmp_path / "features" / tile / "le_mnt_5m.tif")
        (tmp_path / "features" / tile / "le_mnt_5m.tif.aux.xml").write_text("<PAMDataset/>")
    settings = [f"chain.user_feat_path='{tmp_path / 'features'}'", "user_feat.patterns='mnt'"]
    run_scene(scene.config, tmp_path / "out", *settings, stages=TO_MOSAIC)
    assert_same(reference, tmp_path / "out")


def test_problems_are_told_before_the_work(scene: Scene, dem: Path, tmp_path: Path) -> None:
    grid, tiles = bounds_of(scene)
    first, second = tiles
    left, bottom, right, top = grid.bounds(tiles[first])
    folder = tmp_path / "features"
    write_relief(folder / first / "mnt.tif", (left - 100, bottom - 100, (left + right) / 2, top + 100))
    write_relief(folder / second / "mnt_a.tif", (left, bottom, right, top))
    write_relief(folder / second / "mnt_b.tif", (left, bottom, right, top))
    settings = [f"chain.user_feat_path='{folder}'", "user_feat.patterns='mnt pente'"]
    with pytest.raises(InputError) as caught:
        run_scene(scene.config, tmp_path / "out", *settings)
    text = str(caught.value)
    assert f"mnt of {second}" in text
    assert "has mnt_a.tif, mnt_b.tif with 'mnt' in its name, where one is wanted" in text
    assert f"pente of {first}" in text
    assert "has no raster with 'pente' in its name" in text
    (folder / second / "mnt_b.tif").unlink()
    write_relief(folder / second / "mnt_a.tif", grid.bounds(tiles[second].grown(10)))
    with pytest.raises(InputError, match=rf"mnt of {first}: .*mnt.tif covers 5\d\.\d % of the tile"):
        run_scene(scene.config, tmp_path / "out", settings[0], "user_feat.patterns='mnt'")
    for path, message in (
        (tmp_path / "none", r"mnt pente of all tiles: \S+none is no folder \(mend the path, or make the folder"),
        (folder / first, rf"any of {second}: \S+ has no folder of the tile \(one must have the tile in its name\)"),
    ):
        with pytest.raises(InputError, match=message):
            run_scene(scene.config, tmp_path / "out", f"chain.user_feat_path='{path}'", settings[1])
    with pytest.raises(InputError, match=r"gone\.tif does not exist"):
        run_scene(scene.config, tmp_path / "out", f"user_feat.files={{'mnt': '{tmp_path / 'gone.tif'}'}}")
    assert not (tmp_path / "out" / "parts").exists()


def test_codes_that_features_cannot_hold_are_told_before_the_work(scene: Scene, tmp_path: Path) -> None:
    with rasterio.open(scene.folder / "truth.tif") as source:
        profile, truth = source.profile, source.read()
    profile.update(dtype="int32", nodata=0, driver="GTiff")
    with rasterio.open(tmp_path / "soil.tif", "w", **profile) as target:
        target.write(truth.astype(np.int32) + 90_000_001)
    settings = f"user_feat.files={{'soil': '{tmp_path / 'soil.tif'}'}}"
    with pytest.raises(InputError, match=r"soil\.tif holds 9000\d+ in band 1, which a feature .* cannot hold exactly"):
        run_scene(scene.config, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()
    findings = check_inputs(load(scene.config, [settings]).config)
    assert [finding.severity for finding in findings if finding.item == "user rasters"] == ["error"]


def test_a_mask_that_is_put_beside_a_raster_is_noticed(scene: Scene, tmp_path: Path) -> None:
    grid, tiles = bounds_of(scene)
    windows = list(tiles.values())
    dem = write_relief(tmp_path / "dem.tif", grid.bounds(windows[0].union(windows[1]).grown(20)))
    settings = f"user_feat.files={{'mnt': '{dem}'}}"
    folder = tmp_path / "out"
    run_scene(scene.config, folder, settings, stages=TO_SELECT)
    (before,) = ask(folder, "SELECT count(*) FROM candidate")[0]
    kept = dem.read_bytes(), dem.stat().st_mtime_ns
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(dem, "r+") as target:
        mask = np.full(target.shape, 255, dtype=np.uint8)
        mask[: target.height // 2] = 0
        target.write_mask(mask)
        last_hidden = target.xy(target.height // 2 - 1, 0)[1]
    dem.write_bytes(kept[0])
    os.utime(dem, ns=(kept[1], kept[1]))
    run_scene(scene.config, folder, settings, stages=TO_SELECT)
    northernmost, n = ask(folder, "SELECT max(-(grid_row + 0.5) * 10), count(*) FROM candidate")[0]
    assert 0 < n < before
    assert northernmost < last_hidden
