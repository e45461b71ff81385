"""How the work is cut and who does it changes nothing: workers, chunks, memory, order of the tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from i2db.raster.grid import Window
from i2db.simulate import Scene
from i2db.stages import fuse, inputs, smooth
from i2db.stages.chunk_rasters import windows_of
from scenes import FUSED, TO_MOSAIC, ask, assert_same, run_scene

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reference(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chain in one process, one chunk per tile, up to the maps, with all that is made of them."""
    folder = tmp_path_factory.mktemp("reference") / "out"
    run_scene(scene.config, folder, *FUSED, stages=TO_MOSAIC)
    return folder


def test_the_scene_is_worth_it(reference: Path) -> None:
    """Regions, overlaps, cubic resampling and gap-filling all take part."""
    assert ask(reference, "SELECT count(DISTINCT region), count(DISTINCT tile) FROM candidate") == [(2, 2)]
    assert ask(reference, "SELECT count(*) >= 1000, bool_and(len(features) > 30) FROM sample") == [(True, True)]
    assert ask(reference, "SELECT count(*), count(DISTINCT region) FROM model") == [(10, 5)]
    assert ask(reference, "SELECT count(DISTINCT model) FROM polygon_model") == [(5,)]
    ((overlap,),) = ask(
        reference,
        """SELECT count(*) FROM candidate JOIN tile ON tile.tile <> candidate.tile
        AND candidate.grid_column BETWEEN tile.grid_column AND tile.grid_column + tile.n_columns - 1
        AND candidate.grid_row BETWEEN tile.grid_row AND tile.grid_row + tile.n_rows - 1""",
    )
    assert overlap > 0
    assert ask(reference, "SELECT count(*) > count(DISTINCT date) FROM acquisition") == [(True,)]
    assert ask(reference, "SELECT count(*) FROM candidate WHERE n_valid < 4") != [(0,)]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(["python_data_managing.number_of_chunks=7"], id="7 chunks"),
        pytest.param(
            [
                "python_data_managing.chunk_size_mode=user_fixed",
                "python_data_managing.chunk_size_x=37",
                "python_data_managing.chunk_size_y=51",
            ],
            id="37 x 51 pixels",
        ),
        pytest.param(["chain.list_tile={reversed}"], id="tiles reversed"),
        pytest.param(
            ["execution.scheduler_type=localCluster", "execution.nb_parallel_tasks=2"],
            id="2 workers",
        ),
        pytest.param(
            [
                "execution.scheduler_type=localCluster",
                "execution.nb_parallel_tasks=2",
                "python_data_managing.number_of_chunks=3",
                "execution.memory=32MB",
            ],
            id="2 workers, 3 chunks, 32 MB",
        ),
    ],
)
def test_the_result_is_the_same(scene: Scene, reference: Path, tmp_path: Path, settings: list[str]) -> None:
    turned = " ".join(reversed(scene.tiles))
    run_scene(
        scene.config,
        tmp_path / "out",
        *FUSED,
        *(setting.replace("{reversed}", turned) for setting in settings),
        stages=TO_MOSAIC,
    )
    assert_same(reference, tmp_path / "out")


def test_the_memory_changes_nothing(
    scene: Scene, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 200 kB a chunk is read in many windows; only learning, which needs its set at once, gets more."""
    cuts: list[int] = []

    original = inputs.ChunkReader.windows

    def counted(reader: inputs.ChunkReader, *others: Any) -> list[Window]:
        windows = original(reader, *others)
        if reader.chunk_input.groups:  # extraction and classification
            cuts.append(len(windows))
        return windows

    def counted_of_maps(*given: Any) -> list[Window]:
        pieces.append(len(windows_of(*given)))
        return windows_of(*given)

    monkeypatch.setattr(inputs.ChunkReader, "windows", counted)
    pieces: list[int] = []
    for stage in (fuse, smooth):
        monkeypatch.setattr(stage, "windows_of", counted_of_maps)
    names = [stage.name for stage in TO_MOSAIC]
    for last, memory in (("extract", "200kB"), ("learn", "1GB"), ("mosaic", "200kB")):
        stages = TO_MOSAIC[: names.index(last) + 1]
        run_scene(scene.config, tmp_path / "out", *FUSED, f"execution.memory={memory}", stages=stages)
    assert len(cuts) == 4
    assert min(cuts) >= 8
    assert len(pieces) == 4
    assert min(pieces) >= 8
    assert_same(reference, tmp_path / "out")
