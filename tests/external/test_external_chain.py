"""Functions in the chain: maps that do not depend on the cuts, samples and maps alike, only what changed run again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from scipy.ndimage import laplace

from i2db.config.reader import load
from i2db.errors import ConfigError, InputError, StageError
from i2db.facts import Facts
from i2db.raster.features import SensorFeatures
from i2db.raster.read import SeriesReader
from i2db.runner import run_chain
from i2db.scene import build_scene
from i2db.simulate import Scene
from i2db.stages.chain import FEATURES_MAP, chosen_steps
from scenes import QUICK, Quiet, ask, maps

pytestmark = pytest.mark.slow

MODULE = '''
from scipy.ndimage import laplace, maximum_filter, minimum_filter
import numpy as np
from i2db.external import radius


def laplace_ndvi(self):
    """laplacian filter over date-averaged ndvi"""
    # gets ndvi of the chunk for all dates (x,y,t)
    ndvi = self.get_interpolated_Sentinel2_NDVI()
    # average over dates
    mean_ndvi = np.mean(ndvi, axis=2)
    # apply laplace filter
    filtered = laplace(mean_ndvi, mode="constant")
    return (filtered, ["laplace_ndvi"])


@radius(3)
def texture(self):
    nir = self.get_interpolated_Sentinel2_B8().mean(axis=2)
    return minimum_filter(maximum_filter(nir, 3), 5) - nir, ["texture"]


def raw_masks(self):
    masks = self.get_raw_Sentinel2_masks()
    return np.stack([(masks == k).sum(axis=2) for k in range(3)], axis=2), ["clear", "invalid", "missing"]
'''

MAP = ("builders.builders_class_name=i2_features_map", "external_features.concat_mode=False")
PADDED = ("python_data_managing.padding_size_x=1", "python_data_managing.padding_size_y=1")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("code") / "custom_code.py"
    path.write_text(MODULE, encoding="utf-8")
    return path


def run_map(scene: Scene, folder: Path, functions: str, *settings: str, module: Path | None = None) -> Quiet:
    """Run the map builder; what ran."""
    given = [*QUICK, *MAP, f"external_features.functions={functions}", *settings]
    if module is not None:
        given.append(f"external_features.module={module}")
    loaded = load(scene.config, given)
    progress = Quiet()
    run_chain(loaded, folder, chosen_steps(loaded.config), progress)
    return progress


def the_map(folder: Path, name: str = "features_map.tif") -> NDArray[np.float32]:
    return maps(folder)[name]


def whole_ndvi(scene: Scene, tmp_path: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Mean NDVI over the extent of both tiles, computed in one piece: the first tile's where it has data."""
    found = build_scene(load(scene.config, QUICK).config, Facts.load(tmp_path))
    (series,) = found.series
    extent = found.extent
    mean = np.zeros(extent.shape)
    valid = np.zeros(extent.shape, dtype=bool)
    features = SensorFeatures(
        sensor=series.sensor, bands=("B4", "B8"), dates=series.features.dates, indices=("NDVI",), copy_input=False
    )
    for tile in found.tiles:
        with SeriesReader(series.sensor, series.products[tile], found.grid, ("B4", "B8")) as reader:
            numbers, is_valid = features.compute(reader.read(extent))
        taken = is_valid.reshape(extent.shape) & ~valid
        mean[taken] = numbers.mean(axis=1, dtype=np.float32).reshape(extent.shape)[taken]
        valid |= taken
    return mean, valid


CUTS = (
    (),
    ("python_data_managing.number_of_chunks=4",),
    ("python_data_managing.chunk_size_x=37", "python_data_managing.chunk_size_y=29"),
)


def test_padding_makes_maps_independent_of_the_cuts(scene: Scene, module: Path, tmp_path: Path) -> None:
    found = []
    for place, cut in enumerate(CUTS):
        folder = tmp_path / str(place)
        run_map(scene, folder, "laplace_ndvi texture", *PADDED, *cut, module=module)
        found.append(the_map(folder))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    # One piece by hand: where the two tiles overlap the own tile's series differs from the other's, elsewhere not.
    mean, valid = whole_ndvi(scene, tmp_path)
    expected = laplace(mean, mode="constant")
    scene_of = build_scene(load(scene.config, QUICK).config, Facts.load(tmp_path))
    first, second = scene_of.tiles.values()
    overlap = first.intersection(second)
    assert overlap is not None
    alone = valid.copy()
    rows, columns = overlap.grown(1).intersection(scene_of.extent).slices_in(scene_of.extent)
    alone[rows, columns] = False
    assert alone.sum() > 5000
    np.testing.assert_allclose(found[0][0][alone], expected[alone], atol=0.02)
    # The column right of the first tile's end: its left neighbour is read from the first tile.
    edge = first.column_end - scene_of.extent.column
    inside = valid[:, edge]
    np.testing.assert_allclose(found[0][0][inside, edge - 1], expected[inside, edge - 1], atol=300)


def test_dark_lines_show_at_the_cuts_without_padding(scene: Scene, module: Path, tmp_path: Path) -> None:
    cut = "python_data_managing.number_of_chunks=4"
    run_map(scene, tmp_path / "plain", "laplace_ndvi", cut, module=module)
    run_map(scene, tmp_path / "padded", "laplace_ndvi", cut, *PADDED, module=module)
    plain, padded = (the_map(tmp_path / name)[0] for name in ("plain", "padded"))
    first = build_scene(load(scene.config, QUICK).config, Facts.load(tmp_path)).tiles["T31TCJ"]
    rows = np.flatnonzero((plain != padded)[:, : first.n_columns // 2].any(axis=1))
    # Both sides of each of the three cuts of strips of 24 rows, and nothing else of the first tile.
    assert set(rows) >= {23, 24, 47, 48, 71, 72}
    limits = {limit + side for limit in (24, 48, 72) for side in (-1, 0)}
    inner = set(rows[(rows > 0) & (rows < 95)])
    assert inner <= limits | {row + shift for row in limits for shift in (7, -7)} or inner == limits
    assert plain[47, 10:40].mean() < padded[47, 10:40].mean() - 100


def test_a_map_of_bands_and_functions(scene: Scene, module: Path, tmp_path: Path) -> None:
    """Band descriptions, nodata, projection, one raster per tile; numbers as the formula says."""
    folder = tmp_path / "out"
    run_map(scene, folder, "get_soi", "external_features.concat_mode=True")
    names = [name for (name,) in ask(folder, "SELECT feature_name FROM feature ORDER BY feature_id")]
    with rasterio.open(folder / "final" / "features_map.tif") as source:
        assert list(source.descriptions) == names
        assert source.nodata == -10000
        assert source.dtypes[0] == "float32"
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        array = source.read()
        extent = source.bounds
    n_dates = sum(name.startswith("sentinel2_ndvi_") for name in names)
    soi = array[-n_dates:]
    ndwi = array[[i for i, name in enumerate(names) if name.startswith("sentinel2_ndwi_")]]
    valid = array[0] != -10000
    assert valid.mean() > 0.9
    np.testing.assert_allclose(soi[:, valid] * 1000, ndwi[:, valid], atol=0.01)
    assert (soi[:, ~valid] == -10000).all()
    for tile in ("T31TCJ", "T31TDJ"):
        with rasterio.open(folder / "features" / tile / "features_map.tif") as source:
            assert list(source.descriptions) == names
            assert source.bounds.left >= extent.left
    assert ask(folder, "SELECT count(*) FROM function_run") == [(2,)]
    ((function, n_calls, seconds),) = ask(folder, "SELECT function, n_calls, seconds FROM function_cost")
    assert (function, n_calls) == ("get_soi", 2)
    assert seconds > 0


def test_only_the_group_writing_runs_for_other_functions(scene: Scene, module: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with pytest.raises(ConfigError, match="catalogue has not been run with this configuration"):
        run_map(scene, folder, "get_soi", "chain.first_step=writing", "chain.last_step=writing")
    assert [stage for stage, _ in run_map(scene, folder, "get_soi").ran] == ["feature_map"] * 2 + ["feature_mosaic"] * 3
    assert run_map(scene, folder, "get_soi").ran == []
    other = run_map(scene, folder, "get_ndvi", "chain.first_step=writing", "chain.last_step=writing")
    assert Counter(stage for stage, _ in other.ran) == {"feature_map": 2, "feature_mosaic": 3}
    assert ask(folder, "SELECT min(feature_name) FROM feature") == [("ndvi_1",)]
    # What was made before is still there; another name keeps both maps.
    again = run_map(scene, folder, "get_soi", "external_features.output_name=soi.tif")
    assert again.ran == []
    assert set(maps(folder)) == {"features_map.tif", "soi.tif"}
    assert (maps(folder)["soi.tif"] != maps(folder)["features_map.tif"]).any()


def test_changed_code_runs_what_depends_on_it_and_nothing_else(scene: Scene, tmp_path: Path) -> None:
    code = tmp_path / "custom_code.py"
    code.write_text(MODULE, encoding="utf-8")
    folder = tmp_path / "out"
    settings = [*QUICK, f"external_features.module={code}", "external_features.functions=laplace_ndvi", *PADDED]
    progress = Quiet()
    loaded = load(scene.config, settings)
    chosen = [stage for stage in chosen_steps(loaded.config) if stage.name != "evaluate"]
    run_chain(loaded, folder, chosen, progress)
    assert sum(stage == "extract" for stage, _ in progress.ran) == 4
    ((parameters,),) = ask(folder, "SELECT DISTINCT parameters->>'external_functions' FROM model")
    assert parameters.startswith("laplace_ndvi (")
    code.write_text(MODULE.replace("return (filtered,", "return (filtered * 2,"), encoding="utf-8")
    again = Quiet()
    run_chain(load(scene.config, settings), folder, chosen, again)
    ran = Counter((stage, unit.split("-")[0] if stage == "extract" else "") for stage, unit in again.ran)
    assert ran[("extract", "external")] == 2
    assert ran[("extract", "sentinel2")] == 0
    assert not {stage for stage, _ in ran} & {"validity", "candidate"}
    assert ran[("classify", "")] == 2
    ((changed,),) = ask(folder, "SELECT DISTINCT parameters->>'external_functions' FROM model")
    assert changed != parameters


def test_samples_are_the_numbers_of_the_map(scene: Scene, module: Path, tmp_path: Path) -> None:
    """Alone, over several chunks: what the model learns from is what the map shows at the pixel."""
    functions = "external_features.functions=laplace_ndvi texture"
    cut = "python_data_managing.number_of_chunks=3"
    given = [*QUICK, f"external_features.module={module}", functions, "external_features.concat_mode=False", cut]
    loaded = load(scene.config, given)
    chosen = [stage for stage in chosen_steps(loaded.config) if stage.name != "evaluate"]
    run_chain(loaded, tmp_path / "classified", chosen, Quiet())
    run_map(scene, tmp_path / "map", "laplace_ndvi texture", cut, module=module)
    rows = ask(
        tmp_path / "classified",
        "SELECT grid_row, grid_column, candidate.tile, features FROM sample JOIN candidate USING (sample_id)",
    )
    assert len(rows) > 1000
    tiles = build_scene(loaded.config, Facts.load(tmp_path / "map")).tiles
    arrays = {}
    for tile in tiles:
        with rasterio.open(tmp_path / "map" / "features" / tile / "features_map.tif") as source:
            arrays[tile] = source.read()
    for row, column, tile, features in rows:
        window = tiles[tile]
        np.testing.assert_array_equal(arrays[tile][:, row - window.row, column - window.column], np.float32(features))
    assert ask(tmp_path / "classified", "SELECT DISTINCT feature_group FROM sample") == [("external",)]


def test_ten_functions_read_two_bands_once(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = tmp_path / "custom_code.py"
    code.write_text(
        "def f(self, n):\n    return self.get_interpolated_Sentinel2_NDVI()[:, :, 0] * n, [f'f_{n}']\n",
        encoding="utf-8",
    )
    read: list[tuple[str, ...]] = []
    original = SeriesReader.read

    def counted(self: SeriesReader, window, margin: int = 0):
        read.append(self.bands)
        return original(self, window, margin)

    monkeypatch.setattr(SeriesReader, "read", counted)
    functions = "[" + ", ".join(f'["f", {{"n": {n}}}]' for n in range(1, 11)) + "]"
    run_map(scene, tmp_path / "out", functions, module=code)
    # One window per tile.
    assert read == [("B4", "B8")] * 2
    array = the_map(tmp_path / "out")
    valid = array[0] != -10000
    np.testing.assert_allclose(array[9][valid], 10 * array[0][valid], rtol=1e-6)


def test_masks_of_raw_dates(scene: Scene, module: Path, tmp_path: Path) -> None:
    """Clear dates are those of the validity raster, and the three kinds add up to the dates."""
    filled = "sensors_data_interpolation.fill_missing_dates=True"
    run_map(scene, tmp_path / "out", "raw_masks", filled, module=module)
    clear, invalid, missing = the_map(tmp_path / "out")
    valid = clear != -10000
    n_dates = len({product.date for product in _products(scene, tmp_path)})
    np.testing.assert_array_equal((clear + invalid + missing)[valid], n_dates)
    assert (invalid[valid] > 0).any()


def _products(scene: Scene, tmp_path: Path):
    found = build_scene(load(scene.config, QUICK).config, Facts.load(tmp_path))
    return [product for series in found.series for of_tile in series.products.values() for product in of_tile]


def test_whole_numbers_with_a_scale(scene: Scene, tmp_path: Path) -> None:
    settings = ("external_features.output_type=int16", "external_features.output_scale=1000")
    run_map(scene, tmp_path / "real", "get_ndvi")
    run_map(scene, tmp_path / "whole", "get_ndvi", *settings)
    real, whole = the_map(tmp_path / "real"), the_map(tmp_path / "whole")
    assert whole.dtype == np.int16
    valid = real[0] != -10000
    np.testing.assert_array_equal(whole[:, valid], np.floor(real[:, valid].astype(np.float64) * 1000 + 0.5))
    assert ask(tmp_path / "whole", "SELECT count(*) FROM finding WHERE stage = 'feature_map'") == [(0,)]
    run_map(scene, tmp_path / "whole", "get_ndvi", settings[0], "external_features.output_scale=100000")
    ((message,),) = ask(tmp_path / "whole", "SELECT message FROM finding WHERE stage = 'feature_map' LIMIT 1")
    assert "do not fit int16" in message


def test_what_fails_only_on_real_pixels_is_told_with_its_line(scene: Scene, tmp_path: Path) -> None:
    code = tmp_path / "custom_code.py"
    code.write_text(
        "def f(self):\n    a = self.get_Sentinel2_B4()\n    if a.shape[0] > 60:\n        raise KeyError('large')\n"
        "    return a, []\n",
        encoding="utf-8",
    )
    with pytest.raises(StageError, match=r"function f fails: \S+custom_code.py:4: KeyError"):
        run_map(scene, tmp_path / "out", "f", module=code)
    with pytest.raises(InputError, match="did you mean get_soi"):
        run_map(scene, tmp_path / "out", "get_sois")


def test_pixels_that_are_not_finite_have_no_data_and_are_counted(scene: Scene, tmp_path: Path) -> None:
    code = tmp_path / "custom_code.py"
    # Finite for all numbers it is tried on; not so where the mean of a real pixel is below the limit.
    code.write_text(
        "import numpy as np\ndef f(self):\n    a = self.get_Sentinel2_B4()[:, :, 0]\n"
        "    return np.where(a == (a.max() if a.shape[0] > 60 else -1), np.inf, a), []\n",
        encoding="utf-8",
    )
    run_map(scene, tmp_path / "out", "f", module=code)
    ((n,),) = ask(tmp_path / "out", "SELECT sum(n_not_finite) FROM function_cost")
    assert n >= 2
    assert np.isfinite(the_map(tmp_path / "out")).all()


def test_every_stage_of_the_map_has_a_group() -> None:
    assert [stage.group for stage in FEATURES_MAP] == ["init", "writing", "writing"]
