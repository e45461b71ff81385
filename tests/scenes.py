"""A small simulated scene, runs of the chain on it, and what they left, in a form that can be compared."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from i2db.chain.stage import Stage
from i2db.chain.task import Outcome
from i2db.config.reader import load
from i2db.runner import Done, run_chain
from i2db.simulate import Scene, simulate
from i2db.stages.chain import CLASSIFICATION
from i2db.store.database import Database

#: Few trees, few dates and one process: what the tests need, fast.
QUICK = (
    "sentinel_2.temporal_resolution=40",
    'arg_train.otb_classifier_options={"classifier.rf.nbtrees": 10}',
    "execution.scheduler_type=debug",
)

#: The chain without figures and report, which take most of the time and decide nothing.
TO_MOSAIC = tuple(stage for stage in CLASSIFICATION if stage.name != "evaluate")
#: The stages of SQL: up to the draw of the pixels.
TO_SELECT = CLASSIFICATION[:5]

#: All that must not depend on how the work was cut: every table less its chunks, paths and costs.
QUERIES: Mapping[str, str] = {
    "polygon": "SELECT polygon_id, class_code, source_label, group_name, area, ST_AsHEXWKB(geom) FROM polygon",
    "class": "FROM class",
    "region": "SELECT region, region_rank, ST_AsHEXWKB(geom) FROM region",
    "tile": "SELECT * EXCLUDE (geom) FROM tile",
    "feature": "FROM feature",
    "run": "FROM run",
    "acquisition": "FROM acquisition",
    "candidate": "SELECT * EXCLUDE (chunk, n_valid_by_sensor), n_valid_by_sensor::VARCHAR FROM candidate",
    "polygon_group": "FROM polygon_group",
    "polygon_split": "FROM polygon_split",
    "polygon_distance": "FROM polygon_distance",
    "quota": "FROM quota",
    "selection": "FROM selection",
    "sample": "SELECT sample_id, feature_group, features FROM sample",
    "rejection": "SELECT sample_id, feature_group, reason FROM rejection",
    "model": "SELECT * EXCLUDE (path) FROM model",
    "model_class": "FROM model_class",
    "prediction": "SELECT run, region, kind, sample_id, class_code, confidence FROM prediction",
    "derived_prediction": "SELECT run, is_smoothed, sample_id, class_code, confidence FROM derived_prediction",
    "held_group": "FROM held_group",
    "region_model": "FROM region_model",
    "polygon_model": "FROM polygon_model",
    "model_confusion": "FROM model_confusion",
    "finding": "FROM finding",
}

#: Several models per region, believed as far as their folds say; the runs fused; maps smoothed; how sure they are.
FUSED = (
    "arg_classification.classif_mode=fusion",
    "chain.mode_outside_regionsplit=0.12",
    "arg_classification.fusion_options='-method dempstershafer'",
    "arg_classification.no_label_management=learningPriority",
    "arg_classification.merge_final_classifications=True",
    "arg_classification.smoothing=bayes",
    "arg_classification.uncertainty_maps='margin entropy'",
)

DRAWS = ("polygon_split", "selection")


class Quiet:
    """Progress that says nothing and remembers which tasks ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def start(self, stage: Stage, n_tasks: int, n_current: int) -> None:
        """Nothing to say."""

    def advance(self, stage: Stage, outcome: Outcome) -> None:
        self.ran.append((stage.name, outcome.task.unit))

    def finish(self, stage: Stage) -> None:
        """Nothing to say."""


def run_scene(
    config: Path,
    folder: Path,
    *settings: str,
    stages: Sequence[Stage] = CLASSIFICATION,
    lenders: tuple[Path, ...] = (),
    refresh: bool = False,
    progress: Quiet | None = None,
) -> Done:
    """Run the chain in this process, with few trees."""
    loaded = load(config, [*QUICK, *settings])
    return run_chain(loaded, folder, stages, progress or Quiet(), lenders=lenders, refresh=refresh)


def tables(folder: Path, names: Sequence[str] = tuple(QUERIES)) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of the tables of an output folder, sorted."""
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        return {name: database.connection.execute(f"FROM ({QUERIES[name]}) ORDER BY ALL").fetchall() for name in names}


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query to an output folder."""
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        return database.connection.execute(query).fetchall()


def maps(folder: Path) -> dict[str, NDArray[Any]]:
    """Arrays of all rasters of final/."""
    found = {}
    for path in sorted((folder / "final").glob("*.tif")):
        with rasterio.open(path) as source:
            found[path.name] = source.read()
    return found


def assert_same(one: Path, other: Path, names: Sequence[str] = tuple(QUERIES)) -> None:
    """The tables and rasters of two output folders are equal."""
    left, right = tables(one, names), tables(other, names)
    for name in names:
        assert left[name] == right[name], f"table {name}"
    of_one, of_other = maps(one), maps(other)
    assert list(of_one) == list(of_other)
    for name, array in of_one.items():
        np.testing.assert_array_equal(array, of_other[name], err_msg=name)


def make_scene(folder: Path) -> Scene:
    """Two overlapping tiles of 96 x 96 pixels, five dates of which one comes in two products, two regions."""
    return simulate(folder, size=96, dates=5, tiles=2, classes=4, regions=2, double_dates=1, seed=3)


def copy_scene(scene: Scene, folder: Path) -> Path:
    """A copy of the scene that a test may spoil; its configuration."""
    shutil.copytree(scene.folder, folder, ignore=shutil.ignore_patterns("out*"))
    return folder / scene.config.name


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The scene; read only."""
    return make_scene(tmp_path_factory.mktemp("simulated") / "scene")


@pytest.fixture(scope="session")
def clean(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output folder of one clean run over the whole scene; read only."""
    folder = tmp_path_factory.mktemp("clean") / "out"
    run_scene(scene.config, folder)
    return folder
