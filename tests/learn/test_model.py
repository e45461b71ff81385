from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from i2db.errors import ContractError, InputError
from i2db.learn import model
from i2db.learn.classifier import Classifier
from i2db.learn.forest import Forest, pack_forest
from i2db.learn.model import ModelCard, load_model, model_card, require_features, save_model

NAMES = ("sentinel2_b2_20180514", "sentinel2_b3_20180514", "sentinel2_ndvi_20180514")


@pytest.fixture(scope="module")
def forest() -> Forest:
    features = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
    return pack_forest(RandomForestClassifier(4, random_state=0).fit(features, np.arange(90) % 3 * 10 + 1))


@pytest.fixture(scope="module")
def card(forest: Forest) -> ModelCard:
    return model_card(
        forest,
        run=1,
        region="2",
        features=NAMES,
        class_names={1: "été", 11: "hiver", 21: "eau"},
        parameters={"n_trees": 4, "max_features": "sqrt"},
        n_samples={1: 30, 11: 30, 21: 30},
    )


def test_a_model_comes_back_as_it_was(tmp_path: Path, forest: Forest, card: ModelCard) -> None:
    folder = tmp_path / "model" / "model_2_seed_1"
    save_model(folder, forest, card)
    loaded, loaded_card = load_model(folder)
    assert loaded_card == card
    assert card.classes == ((1, "été"), (11, "hiver"), (21, "eau"))
    assert dict(card.libraries).keys() == {"numpy", "python", "scikit-learn"}
    pixels = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict_proba(pixels), forest.predict_proba(pixels))
    classifier: Classifier = loaded
    assert classifier.confidence_kind == card.confidence_kind == "mean leaf probability"
    assert [path.name for path in folder.parent.iterdir()] == ["model_2_seed_1"]


def test_equal_models_are_equal_bytes_and_replace_each_other(tmp_path: Path, forest: Forest, card: ModelCard) -> None:
    save_model(tmp_path / "a", forest, card)
    save_model(tmp_path / "b", forest, dataclasses.replace(card, run=0))
    save_model(tmp_path / "b", forest, card)
    for name in ("card.json", "forest.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("name", ["card.json", "forest.npz"])
def test_any_flipped_byte_is_noticed(tmp_path: Path, forest: Forest, card: ModelCard, name: str) -> None:
    save_model(tmp_path / "m", forest, card)
    path = tmp_path / "m" / name
    content = path.read_bytes()
    for position in np.linspace(0, len(content) - 1, 40).astype(int):
        damaged = bytearray(content)
        damaged[position] ^= 0x01
        path.write_bytes(bytes(damaged))
        with pytest.raises(ContractError, match="damaged"):
            load_model(tmp_path / "m")
    path.write_bytes(content[:-7])
    with pytest.raises(ContractError, match="damaged"):
        load_model(tmp_path / "m")


def test_arrays_of_another_model_are_noticed(tmp_path: Path, forest: Forest, card: ModelCard) -> None:
    save_model(tmp_path / "m", forest, dataclasses.replace(card, classes=((1, "a"), (2, "b"))))
    with pytest.raises(ContractError, match="different models"):
        load_model(tmp_path / "m")


def test_no_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model in .*\n.*learning stage"):
        load_model(tmp_path / "nowhere")


def test_a_card_of_another_version_is_refused(
    tmp_path: Path, forest: Forest, card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(model, "CARD_VERSION", 3)
        save_model(tmp_path / "m", forest, card)
    with pytest.raises(ContractError, match=r"card of version 3, this i2db reads version 2"):
        load_model(tmp_path / "m")


def test_features_must_be_those_of_the_model(card: ModelCard) -> None:
    require_features(card, list(NAMES))
    with pytest.raises(ContractError, match=r"region 2, run 1.*column 0 should be .*b2.* and is .*b3"):
        require_features(card, [NAMES[1], NAMES[0], NAMES[2]])
    with pytest.raises(ContractError, match=r"missing: sentinel2_ndvi_20180514; 2 features instead of 3"):
        require_features(card, NAMES[:2])
    with pytest.raises(ContractError, match=r"unknown to the model: slope; 4 features"):
        require_features(card, [*NAMES, "slope"])


def test_a_card_needs_a_name_for_every_feature_and_class(forest: Forest) -> None:
    arguments = {"run": 0, "region": "1", "parameters": {}, "n_samples": {1: 1, 11: 1, 21: 1}}
    names = {1: "a", 11: "b", 21: "c"}
    with pytest.raises(ContractError, match="2 feature names for a model of 3"):
        model_card(forest, features=NAMES[:2], class_names=names, **arguments)  # type: ignore[arg-type]
    with pytest.raises(ContractError, match="no name for class 21"):
        model_card(forest, features=NAMES, class_names={1: "a", 11: "b"}, **arguments)  # type: ignore[arg-type]
