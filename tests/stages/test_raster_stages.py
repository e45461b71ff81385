"""What the raster stages make depends on all it should, is written window by window, and is read once."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.config.classification import ArgClassification
from i2db.config.reader import load
from i2db.facts import Facts
from i2db.raster.grid import Grid, Window
from i2db.raster.read import SeriesReader
from i2db.raster.write import RasterSink
from i2db.scene import Chunk, build_scene
from i2db.scene import Scene as Inputs
from i2db.simulate import Scene
from i2db.stages import classify, inputs, mosaic, validity
from i2db.store.parts import Part, PartStore
from scenes import QUICK, assert_same, run_scene


@pytest.fixture(scope="module")
def found(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """What the chain finds of the scene, in three chunks per tile."""
    config = load(scene.config, [*QUICK, "python_data_managing.number_of_chunks=3"]).config
    return build_scene(config, Facts.load(tmp_path_factory.mktemp("facts")))


def validity_fingerprints(scene: Inputs) -> list[str]:
    project = cast(Project, SimpleNamespace(scene=scene))
    return [task.fingerprint for task in validity.STAGE.tasks(project)]


def test_the_validity_depends_on_the_dilation_and_the_bands(found: Inputs) -> None:
    def changed(**options: Any) -> Inputs:
        (series,) = found.series
        sensor = replace(series.sensor, **options.pop("sensor", {}))
        features = replace(series.features, sensor=sensor, **options)
        return replace(found, series=(replace(series, sensor=sensor, features=features),))

    bands = found.series[0].features.bands
    plain = validity_fingerprints(found)
    assert validity_fingerprints(changed()) == plain
    for other in (changed(sensor={"mask_dilation": 2}), changed(sensor={"masks": ()}), changed(bands=bands[:-1])):
        assert not set(plain) & set(validity_fingerprints(other))


def test_earlier_tiles_are_looked_up_once_per_tile(
    found: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    original = Inputs.earlier_tiles

    def counted(scene: Inputs, tile: str) -> list[str]:
        asked[tile] += 1
        return original(scene, tile)

    monkeypatch.setattr(Inputs, "earlier_tiles", counted)
    parts = SimpleNamespace(find=lambda *_: object(), path_of=lambda *_: tmp_path)
    published = {chunk.unit: chunk.unit for chunk in found.chunks}
    project = SimpleNamespace(scene=found, parts=parts, publications=lambda _: published)
    of_chunks = inputs.chunk_inputs(cast(Project, project))
    assert asked == dict.fromkeys(found.tiles, 1)
    second = list(found.tiles)[1]
    overlapping = {
        chunk.unit: [
            other.unit for other in found.chunks if other.tile != second and other.window.intersection(chunk.window)
        ]
        for chunk in found.chunks
        if chunk.tile == second
    }
    assert any(overlapping.values())
    for unit, others in overlapping.items():
        assert of_chunks[unit][1] == [unit, *others]


@pytest.mark.parametrize(
    ("block", "n_pixels", "shapes"),
    [
        ((1024, 1024), 2**20, {(1024, 1024)}),
        ((1024, 1024), 2**20 - 1, {(512, 1024)}),
        ((1024, 1024), 2**19 - 1, {(512, 512)}),
        ((1024, 1024), 2**17, {(256, 512)}),
        ((64, 2048), 2**16, {(32, 2048)}),
    ],
)
def test_tiles_too_large_are_halved_down_to_those_of_the_results(
    block: tuple[int, int], n_pixels: int, shapes: set[tuple[int, int]]
) -> None:
    """Not at whatever row the memory ends, in the middle of the tiles of every file that is written."""
    chunk = Chunk(tile="T", number=0, window=Window(10, -20, 2048, 1024))
    chunk_input = inputs.ChunkInput(chunk=chunk, grid=Grid("EPSG:32631", 10, 10), series=())
    reader = inputs.ChunkReader(chunk_input, int(n_pixels * 10 / inputs.WINDOW_SHARE) + 1)
    reader.series = [
        cast(
            SeriesReader,
            SimpleNamespace(
                bytes_per_pixel=3.0,
                block_shape=block,
                origin=(10, -20),
                bands=("B4",),
                sensor=SimpleNamespace(band=lambda _: SimpleNamespace(resolution=10)),
            ),
        )
    ]
    windows = reader.windows(bytes_per_pixel=7)
    assert {window.shape for window in windows} == shapes
    assert sum(window.n_pixels for window in windows) == 2048 * 1024


@pytest.mark.slow
def test_rasters_are_written_window_by_window(
    scene: Scene, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With little memory no array of a whole chunk is made; pixels of other tiles and of no region are zeros."""
    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    for stage in ("validity", "classify"):
        shutil.rmtree(folder / "parts" / stage)
    written: dict[Path, list[int]] = {}
    original = RasterSink.write

    def noted(sink: RasterSink, array: NDArray[Any], window: Window) -> None:
        if sink.path.parent.name in ("validity", "classify"):
            written.setdefault(sink.path, []).append(window.n_pixels)
        original(sink, array, window)

    monkeypatch.setattr(RasterSink, "write", noted)
    run_scene(scene.config, folder, "execution.memory=200kB")
    kinds = {path.name.split(".")[1] for path in written}
    assert kinds == {"validity", "label", "confidence"}
    for path, pixels in written.items():
        assert max(pixels) * 8 <= sum(pixels), path
    assert_same(clean, folder)


def test_the_maps_of_all_runs_count(scene: Scene, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pixel of the maps takes is part of what a window may take."""

    def payload(n_runs: int, *, probabilities: bool, uncertainty: tuple[str, ...]) -> Any:
        return SimpleNamespace(
            n_runs=n_runs, class_codes=(1, 2, 3), probabilities=probabilities, uncertainty=uncertainty
        )

    def per_pixel(n_runs: int, *, probabilities: bool = False, uncertainty: tuple[str, ...] = ()) -> int:
        return classify._bytes_per_pixel(payload(n_runs, probabilities=probabilities, uncertainty=uncertainty))

    assert per_pixel(9) - per_pixel(1) == 8 * (4 + 2 + 1 + 1)
    assert per_pixel(2, probabilities=True) - per_pixel(2) == 2 * 3 * 2
    assert per_pixel(3, uncertainty=("margin", "entropy")) - per_pixel(3) == 3 * 2


@pytest.mark.slow
def test_final_maps_are_copied_where_no_link_can_be_made(
    scene: Scene, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    names = sorted(path.name for path in (folder / "final").glob("*.tif"))
    for name in names[1:]:
        (folder / "final" / name).unlink()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    run_scene(scene.config, folder)
    assert sorted(path.name for path in (folder / "final").glob("*.tif")) == names
    assert_same(clean, folder)


@pytest.mark.slow
def test_the_rasters_of_a_chunk_are_checked_once_for_all_runs(
    scene: Scene, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(clean, folder)
    shutil.rmtree(folder / "parts" / "mosaic")
    checked: Counter[tuple[str, str]] = Counter()
    original = PartStore.verify

    def counted(store: PartStore, part: Part, kind: str) -> Path:
        if part.stage == "classify":
            checked[part.unit, kind] += 1
        return original(store, part, kind)

    monkeypatch.setattr(PartStore, "verify", counted)
    run_scene(scene.config, folder)
    assert {kind for _, kind in checked} == {"label", "confidence", "validity"}
    assert set(checked.values()) == {1}


@pytest.mark.parametrize(("dates_of_tiles", "dtype"), [((200, 200), "uint8"), ((10, 300), "uint16")])
def test_the_type_of_the_validity_is_that_of_the_tile_with_most_dates(
    dates_of_tiles: tuple[int, ...], dtype: str
) -> None:
    products = {
        f"T{i}": [SimpleNamespace(date=int(date)) for date in np.repeat(np.arange(n), 2)]
        for i, n in enumerate(dates_of_tiles)
    }
    config = SimpleNamespace(arg_train=SimpleNamespace(runs=1), arg_classification=ArgClassification())
    scene = SimpleNamespace(tiles=products, series=[SimpleNamespace(products=products)])
    project = cast(Project, SimpleNamespace(config=config, scene=scene))
    assert mosaic._products(project, 5, ["a"])[0].dtype == dtype
