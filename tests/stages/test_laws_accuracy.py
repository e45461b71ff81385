"""On real data the chain is as right as a plain scikit-learn script on the samples that it exports."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import cohen_kappa_score, f1_score

from i2db.config.reader import load
from i2db.runner import run_chain
from i2db.stages.chain import CLASSIFICATION
from i2db.store import export
from i2db.store.database import Database
from scenes import Quiet, ask

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
N_TREES = 100


@pytest.fixture(scope="module")
def flanders(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example run on the real patch, one run."""
    folder = tmp_path_factory.mktemp("flanders") / "out"
    settings = ["arg_train.runs=2", "arg_train.extraction=all", "execution.scheduler_type=debug"]
    run_chain(load(REPOSITORY / "examples" / "flanders.cfg", settings), folder, CLASSIFICATION, Quiet())
    return folder


@pytest.fixture(scope="module")
def samples(flanders: Path, tmp_path_factory: pytest.TempPathFactory) -> geopandas.GeoDataFrame:
    """The exported samples of run 0, as a user would have them."""
    path = tmp_path_factory.mktemp("exported") / "samples.parquet"
    with Database.open(flanders / "i2db.duckdb", read_only=True) as database:
        export.write_samples(database, path, run=0, split=None)
    return geopandas.read_parquet(path)


def test_accuracy_is_that_of_a_plain_script(flanders: Path, samples: geopandas.GeoDataFrame) -> None:
    features = [name for name in samples.columns if name.startswith("sentinel2_")]
    learn, val = samples[samples["split"] == "learn"], samples[samples["split"] == "val"]
    assert len(features) == ask(flanders, "SELECT count(*) FROM feature")[0][0]
    forest = RandomForestClassifier(n_estimators=N_TREES, max_depth=25, min_samples_split=6, random_state=0)
    forest.fit(learn[features].to_numpy(), learn["class_code"])
    predicted, reference = forest.predict(val[features].to_numpy()), val["class_code"].to_numpy()
    ((n, accuracy, kappa, f_score),) = ask(
        flanders, "SELECT n_pixels, overall_accuracy, kappa, f_score FROM accuracy WHERE run = 0"
    )
    assert n == len(val)
    assert accuracy == pytest.approx(float(np.mean(predicted == reference)), abs=0.03)
    assert kappa == pytest.approx(cohen_kappa_score(reference, predicted), abs=0.05)
    labels = np.unique(reference)
    assert f_score == pytest.approx(f1_score(reference, predicted, labels=labels, average="macro"), abs=0.06)


def test_no_polygon_learns_and_validates(samples: geopandas.GeoDataFrame) -> None:
    sides = samples.groupby("polygon_id")["split"].nunique()
    assert sides.max() == 1
    assert set(samples["split"]) == {"learn", "val"}


def test_the_map_says_what_the_table_says(flanders: Path, samples: geopandas.GeoDataFrame) -> None:
    import rasterio

    predicted = dict(ask(flanders, "SELECT sample_id, class_code FROM prediction WHERE run = 0"))
    with rasterio.open(flanders / "final" / "Classif_Seed_0.tif") as source:
        points = zip(samples.geometry.x, samples.geometry.y, strict=True)
        in_map = [int(found[0]) for found in source.sample(points)]
    assert in_map == [predicted[sample] for sample in samples["sample_id"]]
