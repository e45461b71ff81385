"""The model by itself: samples by region, forests in scikit-learn's terms, chunks, memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from i2db.config.fields import Bytes, Resolution
from i2db.config.model import Chunking, Execution, PythonDataManaging
from i2db.config.otb import in_scikit, parse_options
from i2db.config.train import ArgTrain, SampleSelection


def test_a_region_inherits_what_its_entry_does_not_set() -> None:
    selection = SampleSelection.model_validate(
        {
            "sampler": "periodic",
            "strategy": "percent",
            "strategy.percent.p": 0.25,
            "rand": 7,
            "per_model": [
                {"target_model": 2, "strategy.percent.p": 0.0},
                {"target_model": "4f", "strategy": "constant", "strategy.constant.nb": 30, "rand": 0},
            ],
        }
    )
    one, two, four = (selection.for_region(region) for region in ("1", "2", "4f"))
    assert (one.sampler, one.strategy, one.percent, one.count, one.rand) == ("periodic", "percent", 0.25, None, 7)
    assert (two.sampler, two.strategy, two.percent, two.rand) == ("periodic", "percent", 0.0, 7)
    assert (four.sampler, four.strategy, four.count, four.rand) == ("periodic", "constant", 30, 0)


def test_defaults_of_iota2_and_otb() -> None:
    selection = SampleSelection().for_region("1")
    assert (selection.sampler, selection.strategy) == ("random", "all")
    # otb.md 2: percent .5, total 1000; jitter 0 is none.
    assert (selection.percent, selection.total, selection.jitter, selection.rand) == (0.5, 1000, 0, None)


@pytest.mark.parametrize(
    ("classifier", "options", "forest"),
    [
        # OTB splits a node of more than `min` samples; iota2's own defaults are min 5, max 25.
        ("rf", {}, (100, 25, 6, 1, "sqrt")),
        ("rf", " -classifier.rf.min 5 -classifier.rf.max 25 ", (100, 25, 6, 1, "sqrt")),
        (
            "rf",
            {"classifier.rf.nbtrees": 10, "classifier.rf.max": 3, "classifier.rf.min": 0, "classifier.rf.var": 4},
            (10, 3, 2, 1, 4),
        ),
        ("rf", {"classifier.sharkrf.nodesize": 3}, (100, 25, 6, 1, "sqrt")),
        ("sharkrf", {}, (100, None, 2, 25, "sqrt")),
        ("sharkrf", "-classifier.sharkrf.nodesize 3 -classifier.sharkrf.mtry 5", (100, None, 2, 3, 5)),
    ],
)
def test_forests(classifier: str, options: object, forest: tuple[object, ...]) -> None:
    train = ArgTrain.model_validate({"classifier": classifier, "otb_classifier_options": options})
    names = ("n_estimators", "max_depth", "min_samples_split", "min_samples_leaf", "max_features")
    made = in_scikit(train.classifier, train.otb_classifier_options)
    assert made == ("RandomForestClassifier", dict(zip(names, forest, strict=True)), False)


@given(st.dictionaries(st.sampled_from(["nbtrees", "max", "min", "var"]), st.integers(1, 10**6)))
def test_both_forms_of_options_say_the_same(numbers: dict[str, int]) -> None:
    options = {f"classifier.rf.{name}": number for name, number in numbers.items()}
    line = " ".join(f"-{name} {number}" for name, number in options.items())
    assert parse_options(f" {line} ") == parse_options(options) == options


@pytest.mark.parametrize(
    ("keys", "chunking"),
    [
        ({}, None),
        ({"number_of_chunks": 7}, Chunking(n_chunks=7)),
        ({"chunk_size_mode": "split_number"}, Chunking(n_chunks=50)),
        ({"chunk_size_mode": "split_number", "number_of_chunks": 3, "chunk_size_x": 9}, Chunking(n_chunks=3)),
        ({"chunk_size_mode": "user_fixed", "chunk_size_x": 512, "chunk_size_y": 256}, Chunking(size=(512, 256))),
        ({"chunk_size_x": 512}, Chunking(size=(512, 50))),
    ],
)
def test_chunks(keys: dict[str, object], chunking: Chunking | None) -> None:
    assert PythonDataManaging.model_validate(keys).chunking == chunking


@pytest.mark.parametrize(
    ("written", "n_bytes"),
    [("2GB", 2 * 10**9), ("512 MB", 512 * 10**6), ("1.5GiB", 3 * 2**29), ("4gb", 4 * 10**9), (1000, 1000), ("7", 7)],
)
def test_memory(written: object, n_bytes: int) -> None:
    assert TypeAdapter(Bytes).validate_python(written) == n_bytes


@pytest.mark.parametrize("written", ["0", "-1GB", "GB", "2 XB", True, None, 1.5, [1]])
def test_no_memory(written: object) -> None:
    with pytest.raises(ValidationError, match="amount of memory"):
        TypeAdapter(Bytes).validate_python(written)


def test_memory_of_all_tasks_together() -> None:
    assert Execution().total_memory(4) is None
    assert Execution(memory=100).total_memory(4) == 100
    assert Execution(memory_per_task=30).total_memory(4) == 120
    assert Execution(memory=100, memory_per_task=30).total_memory(4) == 100
    assert Execution(memory=100, memory_per_task=10).total_memory(4) == 40


@pytest.mark.parametrize(
    ("written", "size"),
    [([], None), (None, None), (10, (10.0, 10.0)), ([10, 20], (10.0, 20.0)), (2.5, (2.5, 2.5))],
)
def test_resolution(written: object, size: tuple[float, float] | None) -> None:
    assert TypeAdapter(Resolution).validate_python(written) == size


def test_nothing_changes_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ArgTrain().runs = 3  # type: ignore[misc]
