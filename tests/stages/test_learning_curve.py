"""Learning curves: nested, right by scikit-learn's metrics, and from stored features alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from i2db.config.reader import load
from i2db.errors import ConfigError
from i2db.learn import fitting
from i2db.simulate import Scene
from i2db.stages.chain import CLASSIFICATION
from i2db.stages.curve import sizes_to_learn
from i2db.store.database import Database
from scenes import Quiet, ask, run_scene

TO_CURVE = CLASSIFICATION[: [stage.name for stage in CLASSIFICATION].index("curve") + 1]
SIZES = "arg_train.learning_curve=[20, 5, 60]"


@pytest.fixture(scope="module")
def curved(scene: Scene, clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curve") / "out"
    progress = Quiet()
    asked: set[tuple[str, ...]] = set()
    original = fitting._importances
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            fitting, "_importances", lambda spec, *rest: (asked.add(spec.importance), original(spec, *rest))[1]
        )
        run_scene(scene.config, folder, SIZES, lenders=(clean / "parts",), progress=progress)
    # Whose features count is told of the models of the map; the curve would fit them for nothing.
    assert asked == {()}
    # No image is read: the samples are those of the run before.
    assert {stage for stage, _ in progress.ran} == {"curve"}
    return folder


def test_sizes_end_with_all_samples() -> None:
    assert sizes_to_learn((60, 5, 400), 90) == (5, 60, 90)
    assert sizes_to_learn((60,), 60) == (60,)


def test_sizes_are_nested_and_no_larger(curved: Path) -> None:
    with Database.open(curved / "i2db.duckdb", read_only=True) as database:
        database.connection.register("rank", database.arrow("curve/ranks"))
        expected = database.connection.execute(
            "SELECT run, region, size, sum(least(size, n)) FROM (SELECT run, region, class_code, count(*) AS n "
            "FROM rank JOIN candidate USING (sample_id, region) JOIN polygon USING (polygon_id) GROUP BY ALL) "
            "CROSS JOIN (SELECT DISTINCT size FROM learning_curve) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert ask(curved, "SELECT DISTINCT run, region, size, n_samples FROM learning_curve ORDER BY ALL") == expected
    (largest,) = ask(curved, "SELECT max(n_drawn) FROM quota")[0]
    assert ask(curved, "SELECT DISTINCT size FROM learning_curve ORDER BY ALL") == [(5,), (20,), (60,), (largest,)]


def test_all_samples_are_the_map_s_model(curved: Path) -> None:
    """The largest size learns what the model of the map learnt: the same confusion, cell by cell."""
    largest = "SELECT max(size) FROM learning_curve"
    of_curve = ask(
        curved,
        "SELECT run, reference_code, predicted_code, sum(n_pixels)::BIGINT FROM learning_curve "
        f"WHERE size = ({largest}) GROUP BY ALL ORDER BY ALL",
    )
    assert of_curve == ask(curved, "SELECT run, reference_code, predicted_code, n_pixels FROM confusion ORDER BY ALL")


def test_measures_are_scikit_learn_s(curved: Path) -> None:
    for run, size, accuracy, kappa, f_score in ask(
        curved, "SELECT run, size, overall_accuracy, kappa, f_score FROM learning_curve_accuracy"
    ):
        cells = ask(
            curved,
            "SELECT reference_code, predicted_code, sum(n_pixels)::BIGINT FROM learning_curve "
            f"WHERE run = {run} AND size = {size} GROUP BY ALL",
        )
        reference = np.repeat([cell[0] for cell in cells], [cell[2] for cell in cells])
        predicted = np.repeat([cell[1] for cell in cells], [cell[2] for cell in cells])
        assert accuracy == pytest.approx(accuracy_score(reference, predicted))
        assert kappa == pytest.approx(cohen_kappa_score(reference, predicted))
        labels = np.unique(reference)
        assert f_score == pytest.approx(f1_score(reference, predicted, labels=labels, average="macro"))


def test_the_figure_is_shown_and_goes(scene: Scene, curved: Path) -> None:
    picture = curved / "final" / "Learning_Curve.png"
    assert picture.stat().st_size > 5000
    assert "Learning curve" in (curved / "report.html").read_text("utf-8")
    run_scene(scene.config, curved)
    assert not picture.exists()
    assert ask(curved, "SELECT count(*) FROM learning_curve") == [(0,)]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("arg_train.learning_curve=[0]", "whole numbers above 0"),
        ("arg_train.learning_curve=[5, 5]", "names a number twice"),
    ],
)
def test_sizes_that_are_none(scene: Scene, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(scene.config, [setting])
    with pytest.raises(ConfigError, match="stores no val pixels"):
        load(scene.config, ["arg_train.learning_curve=[5]", "arg_train.extraction=selected"])
