"""Functions that look around in the user's rasters: over the borders of tiles, and run again when a raster changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from i2db.config.reader import load
from i2db.facts import Facts
from i2db.raster.grid import Grid, Window
from i2db.runner import run_chain
from i2db.scene import build_scene, survey
from i2db.simulate import Scene, simulate
from i2db.stages.chain import chosen_steps
from i2db.stages.inputs import ChunkReader, narrowed, plain_input
from scenes import QUICK, Quiet, maps

pytestmark = pytest.mark.slow

MODULE = """
from scipy.ndimage import maximum_filter
from i2db.external import radius

@radius(2)
def crest(self):
    return maximum_filter(self.get_user_features_mnt()[:, :, 0], 5, mode="constant"), ["crest"]
"""


def run_map(scene: Scene, folder: Path, *settings: str) -> list[str]:
    """Map the function; the units of the map's chunks that ran."""
    code = scene.folder / "crest.py"
    code.write_text(MODULE, encoding="utf-8")
    given = [
        *QUICK,
        "builders.builders_class_name=i2_features_map",
        "external_features.concat_mode=False",
        "external_features.functions=crest",
        f"external_features.module={code}",
        f"chain.user_feat_path='{scene.folder / 'features'}'",
        "user_feat.patterns='mnt'",
        *settings,
    ]
    loaded = load(scene.config, given)
    progress = Quiet()
    run_chain(loaded, folder, chosen_steps(loaded.config), progress)
    return [unit for stage, unit in progress.ran if stage == "feature_map"]


def write_tile(scene: Scene, tile: str, grid: Grid, window: Window, numbers: NDArray[np.float32]) -> None:
    path = scene.folder / "features" / tile / "mnt.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "width": window.n_columns, "height": window.n_rows, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", **profile, crs=grid.crs, transform=Affine(*grid.transform(window))) as target:
        target.write(numbers, 1)


def test_margins_go_on_in_the_rasters_of_other_tiles(scene: Scene, tmp_path: Path) -> None:
    grid, tiles = survey(load(scene.config).config)
    extent = next(iter(tiles.values()))
    for window in tiles.values():
        extent = extent.union(window)
    relief = np.random.default_rng(8).uniform(100, 900, extent.shape).astype(np.float32)
    for tile, window in tiles.items():
        write_tile(scene, tile, grid, window, relief[window.slices_in(extent)])
    whole = maximum_filter(relief, 5, mode="constant")
    folder = tmp_path / "out"
    cut = ("python_data_managing.chunk_size_x=37", "python_data_managing.chunk_size_y=70")
    assert len(run_map(scene, folder, *cut)) > len(tiles)
    np.testing.assert_array_equal(maps(folder)["features_map.tif"][0], whole)

    # A raster of the east that changes is seen from the chunks of the west whose margin reaches it, and from no other.
    west, east = tiles
    write_tile(scene, east, grid, tiles[east], relief[tiles[east].slices_in(extent)] + 1000)
    ran = run_map(scene, folder, *cut)
    assert 0 < sum(unit.startswith(west) for unit in ran) < len(ran)
    seen = maps(folder)["features_map.tif"][0][:, tiles[west].slices_in(extent)[1].stop :]
    np.testing.assert_allclose(seen, whole[:, -seen.shape[1] :] + 1000, rtol=1e-6)
    assert run_map(scene, folder, *cut) == []


def test_windows_of_a_mix_are_whole_blocks_of_the_finest_sensor(tmp_path: Path) -> None:
    mixed = simulate(
        tmp_path / "mixed", size=256, dates=2, classes=3, seed=5, sensors=["landsat8", "sentinel2"], block=32
    )
    found = build_scene(
        load(mixed.config, [*QUICK, "python_data_managing.number_of_chunks=1"]).config, Facts.load(tmp_path)
    )
    chunk = found.chunks[0]
    chunk_input = narrowed(plain_input(found, chunk), found.groups)
    # Landsat comes first, and is warped.
    assert [one.sensor.name for one in chunk_input.series] == ["Landsat8", "Sentinel2"]
    with ChunkReader(chunk_input, 2**19) as reader:
        windows = reader.windows()
        block, origin = reader.series[1].block_shape, reader.series[1].origin
    inner = {window.row for window in windows} - {chunk.window.row}
    assert inner
    assert all((row - origin[1]) % block[0] == 0 for row in inner)
