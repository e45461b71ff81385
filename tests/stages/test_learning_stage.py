"""Models, copies, augmentation and reduction through the chain: what the tables say, and that the maps agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2db.config.model import Config
from i2db.errors import InputError
from i2db.learn.model import load_model
from i2db.learn.reduction import FeatureKey
from i2db.simulate import Scene
from i2db.stages.chain import CLASSIFICATION
from i2db.stages.learning_rules import CopyRule, learning_rules, read_copies
from scenes import TO_MOSAIC, ask, maps, run_scene

TO_LEARN = tuple(stage for stage in CLASSIFICATION[:8] if stage.name != "evaluate")
CHAIN = {
    "output_path": "out",
    "list_tile": "T",
    "s2_path": "s2",
    "ground_truth": "gt.shp",
    "data_field": "code",
    "nomenclature_path": "n.txt",
}


def config(**sections: Any) -> Config:
    return Config.model_validate({"chain": CHAIN, **sections})


@pytest.mark.slow
def test_what_was_done_to_the_samples_is_in_the_tables(scene: Scene, clean: Path, tmp_path: Path) -> None:
    codes = [code for (code,) in ask(clean, "SELECT class_code FROM class ORDER BY class_rank")]
    copies = tmp_path / "copies.csv"
    copies.write_text(f"# source, destination, class, quantity\n1, 2, {codes[0]}, 7\n2,1,{codes[1]},-1\n", "utf-8")
    out = tmp_path / "out"
    run_scene(
        scene.config,
        out,
        f"arg_train.sample_management={copies}",
        'arg_train.sample_augmentation={"activate": True, "strategy": "smote", "target_models": ["1"]}',
        "arg_train.class_weights=balanced",
        "arg_train.feature_importance=impurity permutation",
        "arg_train.permutation_repeats=1",
        "scikit_models_parameters.model_type=ExtraTreesClassifier",
        'scikit_models_parameters.cross_validation_parameters={"n_estimators": [2, 4]}',
        "scikit_models_parameters.cross_validation_folds=2",
        stages=TO_LEARN,
        lenders=(clean / "parts",),
    )
    own = "run, region, class_code, n_learn FROM class_statistics"
    drawn = {row[:3]: row[3] for row in ask(out, f"SELECT {own} WHERE n_learn > 0")}
    for run, region, code, n, n_copied, n_added, weight in ask(
        out, "SELECT run, region, class_code, n_samples, n_copied, n_added, weight FROM model_class"
    ):
        source = {"1": "2", "2": "1"}[region]
        expected = {("2", codes[0]): 7, ("1", codes[1]): drawn.get((run, source, codes[1]), 0)}
        assert n_copied == expected.get((region, code), 0)
        assert n == drawn.get((run, region, code), 0) + n_copied + n_added
        of_model = ask(out, f"SELECT n_samples FROM model_class WHERE run = {run} AND region = '{region}'")
        sizes = [size for (size,) in of_model]
        assert weight == pytest.approx(sum(sizes) / len(sizes) / n)
        assert (n == max(sizes)) if region == "1" else n_added == 0
    for path, parameters in ask(out, "SELECT path, parameters FROM model"):
        model, card = load_model(out / path)
        assert model.kind == card.kind == "extra_trees"
        (best,) = ask(
            out,
            f"SELECT parameters FROM search_summary WHERE is_best AND run = {card.run} AND region = '{card.region}'",
        )
        assert json.loads(best[0])["n_estimators"] == json.loads(parameters)["n_estimators"] == model.n_trees  # type: ignore[attr-defined]
    assert ask(out, "SELECT count(*) FROM search_result") == [(4 * 2 * 2,)]
    sums = ask(out, "SELECT sum(importance) FROM feature_importance WHERE method = 'impurity' GROUP BY run, region")
    assert np.allclose(sums, 1)
    (tested,) = ask(out, "SELECT count(DISTINCT n_samples) FROM feature_importance WHERE method = 'permutation'")
    assert tested[0] >= 1


@pytest.mark.slow
def test_a_reduced_and_scaled_model_maps_the_same_in_any_chunks(scene: Scene, clean: Path, tmp_path: Path) -> None:
    settings = (
        "scikit_models_parameters.model_type=MLPClassifier",
        "scikit_models_parameters.hidden_layer_sizes=[8]",
        "scikit_models_parameters.max_iter=20",
        "scikit_models_parameters.standardization=True",
        "dim_red.dim_red=True",
        "dim_red.reduction_mode=band",
        "dim_red.target_dimension=2",
        "arg_train.runs=1",
        "arg_classification.enable_probability_map=True",
    )
    run_scene(scene.config, tmp_path / "a", *settings, stages=TO_MOSAIC)
    run_scene(scene.config, tmp_path / "b", *settings, "python_data_managing.number_of_chunks=3", stages=TO_MOSAIC)
    one, other = maps(tmp_path / "a"), maps(tmp_path / "b")
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)
    assert len(np.unique(one["Classif_Seed_0.tif"])) > 2
    assert ask(tmp_path / "a", "SELECT DISTINCT kind, confidence_kind FROM model") == [
        ("mlp", "softmax of the output layer")
    ]


def test_copies_are_read_as_iota2_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "copies.csv"
    path.write_text("1,2,11,5\n\n2, 1, 12, -1 # all\n", encoding="utf-8")
    assert read_copies(path, ["1", "2"], [11, 12]) == [CopyRule("1", "2", 11, 5), CopyRule("2", "1", 12, -1)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,11", "is not source,destination,class,quantity"),
        ("1,2,11,few", "is not source,destination,class,quantity"),
        ("1,2,11,-2", "is not source,destination,class,quantity"),
        ("1,2,11,3,4", "is not source,destination,class,quantity"),
        ("1,nort,11,3", "there is no model nort"),
        ("1,2,13,3", "there is no class 13"),
        ("1,1,11,3", "model 1 has its own samples already"),
        ("1,2,11,3\n1,2,11,4", "copied from 1 to 2 twice"),
    ],
)
def test_bad_copies_are_told_by_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "copies.csv"
    path.write_text(f"# head\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"copies\.csv:[23]: .*{message}"):
        read_copies(path, ["1", "2", "north"], [11, 12])


def test_rules_are_held_against_what_there_is(tmp_path: Path) -> None:
    features = [FeatureKey("f0", "s", "b", None), FeatureKey("f1", "s", "b", None)]

    def refused(message: str, **sections: Any) -> None:
        with pytest.raises(InputError, match=message):
            learning_rules(config(**sections), ["1", "2"], [11, 12], features)

    refused("there is no class 13", arg_train={"class_weights": {"13": 2}})
    weighted = {"model_type": "RandomForestClassifier", "parameters": {"class_weight": {"13": 2}}}
    refused("scikit_models_parameters.class_weight: there is no class 13", scikit_models_parameters=weighted)
    refused("does not exist", arg_train={"sample_management": str(tmp_path / "none.csv")})
    augmentation: dict[str, Any] = {"activate": True, "target_models": ["3"]}
    refused("target_models: there is no model 3", arg_train={"sample_augmentation": augmentation})
    counts = tmp_path / "counts.csv"
    counts.write_text("13,5\n", encoding="utf-8")
    augmentation = {"activate": True, "samples.strategy": "byClass", "samples.strategy.byClass": str(counts)}
    refused("there is no class 13", arg_train={"sample_augmentation": augmentation})
    refused("reduces nothing", dim_red={"dim_red": True, "target_dimension": 2})
    augmentation = {"activate": True, "target_models": ["2"], "strategy": "jitter"}
    rules = learning_rules(
        config(arg_train={"sample_augmentation": augmentation, "class_weights": {"12": 2}}),
        ["1", "2"],
        [11, 12],
        features,
    )
    assert rules.specs["1"].augmentation is None
    assert rules.specs["2"].augmentation is not None
    assert rules.specs["1"].class_weights == ((12, 2.0),)
