"""What the tasks of the stages depend on and what publishing leaves, on a few rows in memory and without a scene."""

from __future__ import annotations

import datetime
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from i2db.chain.project import Project
from i2db.chain.task import Decision, Reason, Task, WorkContext
from i2db.config.classification import ArgClassification
from i2db.config.learning import DimRed, SampleAugmentation
from i2db.errors import InputError
from i2db.facts import Facts
from i2db.finding import Finding
from i2db.fingerprint import fingerprint
from i2db.learn.specification import ClassifierSpec, LearningSpec
from i2db.raster.features import Feature
from i2db.raster.grid import Grid
from i2db.stages import catalogue, extract, learn, select, statistics
from i2db.stages.samples import read_samples
from i2db.stages.slices import slices_by
from i2db.store.database import Database
from i2db.store.parts import PartStore, PartWriter

FOREST = ClassifierSpec(parameters={"n_estimators": 2})
NDVI = Feature(
    name="sentinel2_ndvi_20180514",
    sensor="sentinel2",
    band="NDVI",
    date=datetime.date(2018, 5, 14),
    unit="1",
    scale=1e-3,
)
FINDING = Finding(severity="note", subject="product", item="x", message="is odd", remedy="left out")


def project_of(
    database: Database, folder: Path, *, features: Sequence[Feature] = (NDVI,), findings: Sequence[Finding] = ()
) -> Project:
    """A project with tables in memory, one sensor, and no tile."""
    sensor = SimpleNamespace(name="Sentinel2")
    made = SimpleNamespace(sensor=sensor, features=tuple(features))
    group = SimpleNamespace(name="sentinel2", features=tuple(features))
    ground_truth = folder / "ground_truth.gpkg"
    if not ground_truth.exists():
        ground_truth.touch()
    train = {
        "random_seed": 7,
        "runs": 1,
        "extraction": "all",
        "sample_management": None,
        "class_weights": None,
        "sample_augmentation": SampleAugmentation(),
        "feature_importance": (),
        "permutation_repeats": 5,
        "leaves_one_out": False,
    }
    chain = {"data_field": "code", "ground_truth": ground_truth, "excluded_classes": ()}
    chain["ground_truth_proj"] = None
    chain |= dict.fromkeys(
        (
            "polygon_id_field",
            "region_field",
            "nomenclature_path",
            "color_table",
            "region_path",
            "label_recode",
        )
    )
    return Project(
        config=cast(
            Any,
            SimpleNamespace(
                chain=SimpleNamespace(**chain),
                arg_train=SimpleNamespace(**train, split_ground_truth=True, group_field=None, crop_mix=False),
                arg_classification=ArgClassification(),
                fuses_models=False,
                dim_red=DimRed(),
                classifier=FOREST,
                builders=SimpleNamespace(name="i2_classification"),
            ),
        ),
        folder=folder,
        database=database,
        parts=PartStore(folder / "parts"),
        facts=Facts.load(folder),
        scene=cast(
            Any,
            SimpleNamespace(
                series=(SimpleNamespace(sensor=sensor, features=made, products={}),),
                table=None,
                groups=(group,),
                features=group.features,
                functions=None,
                grid=Grid("EPSG:32631", 10.0, 10.0),
                chunks=(),
                tiles={},
                findings=tuple(findings),
            ),
        ),
    )


def decided(task: Task) -> list[Decision]:
    return [Decision(task, Reason.MISSING)]


def test_slices_are_stretches_of_equal_keys() -> None:
    names = pa.chunked_array([["a", "a"], ["b"], ["b", "b"]])
    table = pa.table({"name": names, "n": pa.array([1, 1, 1, 2, 2], pa.int32())})
    assert list(slices_by(table, "name", "n")) == [
        (("a", 1), slice(0, 2)),
        (("b", 1), slice(2, 3)),
        (("b", 2), slice(3, 5)),
    ]
    assert list(slices_by(table.slice(0, 1), "n")) == [((1,), slice(0, 1))]
    assert list(slices_by(table.slice(0, 0), "n")) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"features": [replace(NDVI, unit="reflectance")]},
        {"features": [replace(NDVI, scale=1e-4)]},
        {"findings": [FINDING]},
    ],
    ids=["unit", "scale", "finding"],
)
def test_what_the_catalogue_writes_is_in_its_identity(
    database: Database, tmp_path: Path, changed: dict[str, Any]
) -> None:
    before, again, after = (
        catalogue.STAGE.tasks(project_of(database, tmp_path, **options))[0].fingerprint for options in ({}, {}, changed)
    )
    assert before == again != after


def test_drawing_nothing_is_refused_and_a_bare_region_is_told(database: Database, tmp_path: Path) -> None:
    database.append("region", [{"region": name, "region_rank": i} for i, name in enumerate(("1", "bare"), 1)])
    database.append("class", [{"class_code": 1, "class_name": "wheat", "class_rank": 1}])
    database.append("run", [{"run": 0, "random_seed": 0, "evaluated_split": "val"}])
    database.append("polygon", [{"polygon_id": 1, "class_code": 1}])
    database.append("polygon_split", [{"run": 0, "polygon_id": 1, "class_code": 1, "region": "1", "split": "learn"}])
    database.append("candidate", [{"sample_id": 1, "polygon_id": 1, "region": "1", "tile": "T1", "chunk": 0}])
    strategy = {
        "region": "1",
        "sampler": "random",
        "strategy": "byclass",
        "percent": 0.5,
        "count": None,
        "total": 1000,
        "jitter": 0.0,
        "rand": None,
    }
    project = project_of(database, tmp_path)

    def publish(code: int) -> None:
        wanted = [{"region": "1", "class_code": code, "n_wanted": 1}]
        select.STAGE.publish(project, decided(select.STAGE.task("all", [], ([strategy], wanted))), ())

    publish(1)
    found = database.connection.execute("SELECT severity, subject, item, message FROM finding").fetchall()
    assert found == [("warning", "region", "bare", "has no learning sample: its pixels are not classified")]
    with pytest.raises(InputError, match=r"no pixel is drawn for learning.*ground_truth\.gpkg") as caught:
        publish(9)
    assert "arg_train.sample_selection" in str(caught.value)


def two_regions(database: Database, folder: Path, *, east: str = "1", drawn: Sequence[int] = (0, 1, 10, 11)) -> Project:
    """A region a in tile T1 and a region b in tile T2, two pixels each; `east` is the fingerprint of b's."""
    for table in (
        "class",
        "polygon",
        "candidate",
        "sample",
        "selection",
        "publication",
        "region",
        "region_model",
        "feature",
    ):
        database.connection.execute(f"DELETE FROM {table}")
    project = project_of(database, folder)
    database.append(
        "class", [{"class_code": code, "class_name": f"class {code}", "class_rank": code} for code in (1, 2)]
    )
    database.append("polygon", [{"polygon_id": i, "class_code": 1 + i} for i in (0, 1)])
    database.append("region", [{"region": name, "region_rank": i} for i, name in enumerate("ab", 1)])
    database.append("region_model", [{"region": name, "model": name} for name in "ab"])
    database.append("feature", [{"feature_id": 1, "feature_group": "sentinel2", "feature_name": NDVI.name}])
    for offset, region, tile, digest in ((0, "a", "T1", "1"), (10, "b", "T2", east)):
        place = {"tile": tile, "chunk": 0}
        ids = [offset, offset + 1]
        database.append(
            "candidate", [{"sample_id": i, "polygon_id": i - offset, "region": region, **place} for i in ids]
        )
        samples = [{"sample_id": i, "feature_group": "sentinel2", **place, "features": [1.0]} for i in ids]
        database.append("sample", samples)
        database.append("publication", [{"stage": "extract", "unit": f"sentinel2-{tile}-0000", "fingerprint": digest}])
        writer = PartWriter(project.parts.root, "extract", f"sentinel2-{tile}-0000", digest)
        writer.table("sample", pa.Table.from_pylist(samples))
        writer.finish()
    drawn_for = {i: "a" if i < 10 else "b" for i in drawn}
    database.append(
        "selection", [{"run": run, "region": drawn_for[i], "sample_id": i} for run in (0, 1) for i in drawn]
    )
    return project


def models(project: Project) -> dict[str, Task]:
    return {task.unit: task for task in learn.STAGE.tasks(project)}


def test_a_model_depends_on_the_parts_of_its_own_samples(database: Database, tmp_path: Path) -> None:
    before = models(two_regions(database, tmp_path))
    assert list(before) == ["model_a_seed_0", "model_b_seed_0", "model_a_seed_1", "model_b_seed_1"]
    for unit, task in before.items():
        tile, first = ("T1", 0) if "_a_" in unit else ("T2", 10)
        ((file,),) = task.payload.files
        assert Path(file).name == f"sentinel2-{tile}-0000-1.sample.parquet"
        assert task.payload.sample_ids.tolist() == [first, first + 1]
        assert task.payload.class_codes.tolist() == [1, 2]
        assert task.payload.class_codes.dtype == np.int32
        assert read_samples((file,), task.payload.sample_ids).tolist() == [[1.0], [1.0]]
    after = models(two_regions(database, tmp_path, east="2"))
    changed = {unit for unit in before if before[unit].fingerprint != after[unit].fingerprint}
    assert changed == {"model_b_seed_0", "model_b_seed_1"}
    fewer = models(two_regions(database, tmp_path, drawn=(0, 1, 10)))
    assert {unit for unit in before if before[unit].fingerprint != fewer[unit].fingerprint} == changed


def many_candidates(database: Database, n: int) -> None:
    """In ten regions, half of them in chunk 0 and half in chunk 1, all drawn and extracted."""
    run = database.connection.execute
    run("INSERT INTO polygon BY NAME SELECT 0 AS polygon_id, 1 AS class_code")
    run(
        "INSERT INTO candidate BY NAME SELECT i AS sample_id, 0 AS polygon_id, 'region ' || i // (? // 10) AS region, "
        "'T1' AS tile, i // (? // 2) AS chunk FROM range(?) AS _(i)",
        [n, n, n],
    )
    run("INSERT INTO region BY NAME SELECT 'region ' || i AS region, i AS region_rank FROM range(10) AS _(i)")
    run("INSERT INTO feature BY NAME SELECT 1 AS feature_id, 'sentinel2' AS feature_group, 'f' AS feature_name")
    run("INSERT INTO region_model BY NAME SELECT region, region AS model FROM region")
    run("INSERT INTO selection BY NAME SELECT 0 AS run, region, sample_id FROM candidate")
    run("INSERT INTO sample BY NAME SELECT sample_id, 'sentinel2' AS feature_group, tile, chunk FROM candidate")


@pytest.fixture
def fake_chunks(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """Chunks 0 to 2 of tile T1; the tasks of the extraction are only noted: sample ids per unit."""
    noted: dict[str, list[int]] = {}
    chunks = [SimpleNamespace(tile="T1", number=i, unit=f"T1-{i:04d}") for i in range(3)]
    inputs = {chunk.unit: (SimpleNamespace(chunk=chunk, groups=(None,)), []) for chunk in chunks}
    monkeypatch.setattr(extract, "chunk_inputs", lambda project: inputs)

    def note(project: Project, chunk_input: Any, group: Any, wanted: Any) -> None:
        noted[chunk_input.chunk.unit] = [int(wanted[0]), int(wanted[-1]), len(wanted)]

    monkeypatch.setattr(extract, "_task", note)
    return noted


@pytest.mark.parametrize("kind", ["all", "selected"])
def test_the_coordinator_holds_no_object_per_sample(
    database: Database, tmp_path: Path, fake_chunks: dict[str, list[int]], kind: str
) -> None:
    n = 50_000
    many_candidates(database, n)
    project = project_of(database, tmp_path)
    project.config.arg_train.extraction = kind
    tracemalloc.start()
    try:
        extract.STAGE.tasks(project)
        _, of_extract = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        tasks = learn.STAGE.tasks(project)
        _, of_learn = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert fake_chunks == {"T1-0000": [0, n // 2 - 1, n // 2], "T1-0001": [n // 2, n - 1, n // 2]}
    assert [(task.unit, len(task.payload.sample_ids)) for task in tasks] == [
        (f"model_region_{i}-{fingerprint(f'region {i}')[:6]}_seed_0", n // 10) for i in range(10)
    ]
    # An id takes 8 bytes, a Python object never less than 28.
    assert of_extract < 24 * n
    assert of_learn < 24 * n


@pytest.mark.parametrize(
    ("n_samples", "memory", "told"),
    [(1000, 1_000_000, "about 1.2 MB, there are 1.0 MB"), (10, 500, "about 12.0 kB, there are 0.5 kB")],
)
def test_the_memory_of_learning_is_told_in_a_unit_that_fits(
    tmp_path: Path, n_samples: int, memory: int, told: str
) -> None:
    payload = learn.Payload(
        run=0,
        region="1",
        sample_ids=np.arange(n_samples),
        class_codes=np.ones(n_samples, dtype=np.int32),
        class_names=(),
        files=(),
        feature_names=tuple(f"f{i}" for i in range(100)),
        spec=LearningSpec(classifier=FOREST),
        polygons=None,
        n_copied=(),
        random_state=0,
    )
    task = learn.STAGE.task("model_1_seed_0", [], payload)
    with pytest.raises(InputError, match=told):
        learn.STAGE.work(task, WorkContext(root=tmp_path, memory=memory))


def test_tables_of_runs_that_are_no_more_are_taken_away(database: Database, tmp_path: Path) -> None:
    database.append("region", [{"region": "1", "region_rank": 1}])
    database.append("class", [{"class_code": 1, "class_name": "wheat", "class_rank": 1}])
    project, folder = project_of(database, tmp_path), tmp_path / "learningSamples"
    for runs in (3, 1):
        database.replace("run", [{"run": run, "random_seed": run, "evaluated_split": "val"} for run in range(runs)])
        statistics.STAGE.publish(project, decided(statistics.STAGE.task("all", [])), ())
        (folder / "notes.csv").touch()
        found = sorted(path.name for path in folder.iterdir())
        assert found == [*(f"class_statistics_seed{run}_learn.csv" for run in range(runs)), "notes.csv"]
