"""What i2db writes of a configuration: the example, an old file in new words, the schema, the table's rows."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2db.config import canonical, flat, load
from i2db.config.cfg import parse_cfg
from i2db.config.example import example_cfg, migrate
from i2db.config.schema import SCHEMA_PATH, json_schema, schema_text
from i2db.config.spelling import all_keys, find
from i2db.config.toml import write_item
from i2db.config.tree import Section
from i2db.errors import ConfigError

OLD = """
chain:{ outputPath:'out', listTile:'T31TCJ', S2Path:'/data/s2', groundTruth:'in/gt.shp', dataField:'code'
  nomenclaturePath:'n.txt', regionPath:'None', pyAppPath:'/x', runs:3, spatialResolution:[], remove_outputPath:True }
argTrain:{ options:" -classifier.rf.min 5 "
  sampleSelection:{"strategy":"byclass", "strategy.byclass.in":'in/"a".csv', "per_models":[{"target_model":1
    "strategy.byclass.in":"/data/one.csv"}]} }
Sentinel_2:{ startDate:'20180101' }
"""


def test_the_example_is_complete_and_loads_without_a_warning(tmp_path) -> None:
    path = tmp_path / "example.cfg"
    path.write_text(example_cfg(), encoding="utf-8")
    loaded = load(path, environment={})
    assert loaded.warnings == ()
    tree = parse_cfg(example_cfg(), "example.cfg")
    shown = [
        find(section.key, key.key)
        for section in tree
        if isinstance(section.content, Section)
        for key in section.content
    ]
    assert shown == list(all_keys())
    assert max(len(line) for line in example_cfg().splitlines()) <= 120


def test_an_old_file_in_new_words_is_the_same_configuration(tmp_path) -> None:
    old = tmp_path / "old.cfg"
    old.write_text(OLD, encoding="utf-8")
    config = load(old, environment={}).config
    (tmp_path / "new.toml").write_text(migrate(old), encoding="utf-8")
    assert load(tmp_path / "new.toml", environment={}).config == config

    elsewhere = tmp_path / "deep" / "er"
    elsewhere.mkdir(parents=True)
    text = migrate(old, elsewhere)
    (elsewhere / "new.toml").write_text(text, encoding="utf-8")
    moved = load(elsewhere / "new.toml", environment={}).config
    assert moved.chain.output_path.resolve() == config.chain.output_path
    assert 'output_path = "../../out"' in text
    assert 's2_path = "/data/s2"' in text
    assert moved.arg_train.sample_selection.per_model == config.arg_train.sample_selection.per_model


def test_an_old_file_in_new_words_says_what_it_left_out(tmp_path) -> None:
    old = tmp_path / "old.cfg"
    old.write_text(OLD, encoding="utf-8")
    head = migrate(old).split("\n\n")[0]
    assert "# Rewritten from old.cfg by i2db" in head
    assert "# - old.cfg:3: chain.pyAppPath: of an old iota2 and no longer read" in head
    assert "# - old.cfg:3: chain.remove_output_path: without effect" in head
    assert "pyAppPath" not in migrate(old).split("\n\n", 1)[1]
    old.write_text(OLD.replace("runs:3", "runs:0"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"arg_train\.runs is 0"):
        migrate(old)


def test_the_schema_in_the_repository_is_current() -> None:
    assert Path(__file__).parents[2] / "schemas" / "config.schema.json" == SCHEMA_PATH
    assert SCHEMA_PATH.read_text(encoding="utf-8") == schema_text(), "run: python -m i2db.config.schema"


def test_the_schema_takes_what_the_model_takes(tmp_path) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    old = tmp_path / "old.cfg"
    old.write_text(OLD, encoding="utf-8")
    validator.validate(tomllib.loads(migrate(old)))
    validator.validate(canonical(load(old, environment={}).config))
    good = tomllib.loads(migrate(old))
    for section, key, bad in [("arg_train", "runs", 0), ("arg_train", "rnus", 1), ("chain", "first_step", "start")]:
        wrong = {name: dict(keys) for name, keys in good.items()}
        wrong[section][key] = bad
        assert list(validator.iter_errors(wrong))
    assert list(validator.iter_errors({}))


def test_every_key_of_the_schema_has_a_meaning() -> None:
    for model in json_schema()["$defs"].values():
        for name, key in model["properties"].items():
            assert key.get("description"), name


def test_canonical_can_be_read_again_and_flat_has_a_row_per_key(tmp_path) -> None:
    old = tmp_path / "old.cfg"
    old.write_text(OLD, encoding="utf-8")
    config = load(old, environment={}).config
    content = canonical(config)
    assert list(content) == sorted(content)
    assert type(config).model_validate(json.loads(json.dumps(content))) == config
    rows = flat(config)
    assert sorted((section, key) for section, key, _ in rows) == sorted(all_keys())
    texts = {(section, key): text for section, key, text in rows}
    assert texts["arg_train", "runs"] == "3"
    assert texts["sentinel_2", "start_date"] == '"20180101"'
    assert json.loads(texts["chain", "output_path"]) == f"{tmp_path}/out"


ITEMS = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=5), below, max_size=4),
    max_leaves=10,
)


@given(ITEMS)
def test_toml_items_are_read_again(item: object) -> None:
    assert tomllib.loads(f"a = {write_item(item)}") == {"a": item}
