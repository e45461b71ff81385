"""learning: one model per run and region, from the parts of the extraction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.errors import InputError, StageError
from i2db.fingerprint import fingerprint
from i2db.learn.augmentation import n_to_add
from i2db.learn.model import model_card, save_model
from i2db.learn.reduction import FeatureKey
from i2db.learn.specification import LearningSpec
from i2db.stages.learning_rules import learning_rules
from i2db.stages.models_of_regions import RegionModels
from i2db.stages.samples import read_samples
from i2db.stages.slices import slices_by
from i2db.store.parts import Part

if TYPE_CHECKING:
    from i2db.learn.fitting import Learnt

#: Copies of the learning set that fitting needs at most: for a forest the set itself, scikit-learn's and the bootstrap;
#: other models may work in float64.
COPIES_OF_FOREST, COPIES_OF_OTHERS = 3, 5
#: One more for the folds of a search or of the importance by permutation, one for samples that are added.
COPIES_OF_FOLDS = 1

SEARCH_SCHEMA = pa.schema(
    [
        ("run", pa.int32()),
        ("region", pa.string()),
        ("kind", pa.string()),
        ("setting", pa.int32()),
        ("parameters", pa.string()),
        ("fold", pa.int32()),
        ("score", pa.float64()),
    ]
)
CONFUSION_SCHEMA = pa.schema(
    [
        ("run", pa.int32()),
        ("region", pa.string()),
        ("kind", pa.string()),
        ("reference_code", pa.int32()),
        ("predicted_code", pa.int32()),
        ("n_samples", pa.int64()),
    ]
)
IMPORTANCE_SCHEMA = pa.schema(
    [
        ("run", pa.int32()),
        ("region", pa.string()),
        ("kind", pa.string()),
        ("method", pa.string()),
        ("feature_name", pa.string()),
        ("importance", pa.float64()),
        ("deviation", pa.float64()),
        ("n_samples", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What one model is made from: its samples, ascending by id, and how."""

    run: int
    region: str
    sample_ids: NDArray[np.int64]
    class_codes: NDArray[np.int32]
    #: Polygon of each sample, where the fit asks for it.
    polygons: NDArray[np.int64] | None
    #: (class code, samples from other regions).
    n_copied: tuple[tuple[int, int], ...]
    class_names: tuple[tuple[int, str], ...]
    #: Per feature group the Parquet files of its samples.
    files: tuple[tuple[str, ...], ...]
    feature_names: tuple[str, ...]
    #: Places of these among all features; None for all of them.
    columns: tuple[int, ...] | None = None
    spec: LearningSpec
    random_state: int
    #: Names and code hashes of the user's functions among the features.
    functions: str | None = None


def _tasks(project: Project) -> Sequence[Task]:
    database = project.database
    names = tuple((int(row["class_code"]), str(row["class_name"])) for row in database.rows("learn/classes"))
    features = database.rows("learn/features")
    groups = list(dict.fromkeys(row.pop("feature_group") for row in features))
    keys = [FeatureKey(row["feature_name"], row["sensor"], row["band"], row["date"]) for row in features]
    models = RegionModels.of(database.rows("learn/regions"), keys, project.sensor_names)
    rules = {
        sensor: learning_rules(project.config, models.regions, [code for code, _ in names], models.features(sensor))
        for sensor in models.sensors
    }
    copies = [asdict(rule) for rule in next(iter(rules.values())).copies] if rules else []
    published, files = project.publications("extract"), sample_files(project)
    chunks: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in database.rows("learn/model_chunks", copies=copies):
        chunks[row["run"], row["region"]].append(row["unit"])
    learning = database.arrow(
        "learn/learning_set", n_groups=len(groups), copies=copies, random_seed=project.random_seed
    )
    sample_ids, class_codes = learning["sample_id"].to_numpy(), learning["class_code"].to_numpy()
    tasks = []
    for (run, region), rows in slices_by(learning, "run", "region"):
        of_region, sensor = models.region_of(region), models.sensor_of(region)
        spec = rules[sensor].specs[of_region]
        if not models.has_several(of_region):
            spec = replace(spec, is_cross_validated=False)
        ids, codes = sample_ids[rows], class_codes[rows]
        polygons = _polygons(learning, rows) if _needs_polygons(spec) else None
        if spec.classifier.search and spec.classifier.is_grouped and polygons is not None:
            _check_groups(region, run, codes, polygons, dict(names))
        # Only what the model's own samples come from: another region's new draw does not train it again.
        units = [[f"{group}-{chunk}" for chunk in chunks[run, region]] for group in groups]
        random_state = int(fingerprint(project.random_seed, run, region)[:7], 16)
        payload = Payload(
            run=run,
            region=region,
            sample_ids=ids,
            class_codes=codes,
            polygons=polygons,
            n_copied=_n_copied(learning, rows),
            class_names=names,
            files=tuple(tuple(files[unit] for unit in of_group if unit in files) for of_group in units),
            feature_names=tuple(key.name for key in models.features(sensor)),
            columns=models.columns(sensor),
            spec=spec,
            random_state=random_state,
            functions=project.scene.functions.digest if project.scene.functions is not None else None,
        )
        digests = [fingerprint(part.tobytes().hex()) for part in (ids, codes, polygons) if part is not None]
        parts = [[unit, published.get(unit)] for of_group in units for unit in of_group]
        identity = [parts, digests, payload.n_copied, payload.feature_names, asdict(spec), random_state, names]
        tasks.append(STAGE.task(model_unit(run, region), identity, payload))
    return tasks


def _needs_polygons(spec: LearningSpec) -> bool:
    is_searched = bool(spec.classifier.search) and spec.classifier.is_grouped
    return is_searched or spec.is_cross_validated or "permutation" in spec.importance


def _polygons(learning: pa.Table, rows: slice) -> NDArray[np.int64]:
    found: NDArray[np.int64] = learning["polygon_id"].slice(rows.start, rows.stop - rows.start).to_numpy()
    return found


def _n_copied(learning: pa.Table, rows: slice) -> tuple[tuple[int, int], ...]:
    """(class code, samples from other regions), for the classes that have such."""
    part = learning.slice(rows.start, rows.stop - rows.start).select(["class_code", "is_copied"])
    copied = part.filter(part["is_copied"])["class_code"].value_counts().to_pylist()
    return tuple(sorted((pair["values"], pair["counts"]) for pair in copied))


def _check_groups(
    region: str, run: int, codes: NDArray[np.int32], polygons: NDArray[np.int64], names: dict[int, str]
) -> None:
    """InputError for a class of one polygon: no fold could both learn and test it."""
    for code in np.unique(codes):
        if np.unique(polygons[codes == code]).size < 2:
            raise InputError(
                f"run {run}, region {region}: class {names[int(code)]} ({code}) has one polygon to learn from, so no "
                "fold of scikit_models_parameters.cross_validation_grouped can both learn and test it",
                hint="add polygons of it there, leave it out (chain.excluded_classes), or do not group the folds",
            )


def model_unit(run: int, region: str) -> str:
    """Name of a model as the unit of a task, as iota2 names its files."""
    safe = "".join(mark if mark.isalnum() else "_" for mark in region)
    suffix = "" if safe == region else "-" + fingerprint(region)[:6]
    return f"model_{safe}{suffix}_seed_{run}"


def sample_files(project: Project) -> dict[str, str]:
    """The Parquet file of every unit of the extraction that has samples."""
    files = {}
    for unit, digest in project.publications("extract").items():
        part = project.parts.find("extract", unit, digest)
        if part is None:
            raise StageError(f"the samples of {unit} are missing from the parts", hint="run again: they are made anew")
        if part.file("sample").n_rows:
            files[unit] = str(project.parts.path_of(part, "sample"))
    return files


def _work(task: Task, context: WorkContext) -> Part:
    payload: Payload = task.payload
    check_memory(payload, context.memory)
    learnt = fitted(payload, read_features(payload), context.n_threads)
    card = model_card(
        learnt.model,
        run=payload.run,
        region=payload.region,
        features=payload.feature_names,
        class_names=dict(payload.class_names),
        parameters=_parameters(payload, learnt.chosen)
        | ({"external_functions": payload.functions} if payload.functions is not None else {}),
        n_samples=dict(learnt.n_samples),
    )
    key = {"run": payload.run, "region": payload.region, "kind": card.kind}
    writer = context.writer(task)
    path = writer.path("model", "")
    save_model(path, learnt.model, card)
    writer.add("model", path)
    scores = [key | asdict(score) for score in learnt.scores]
    writer.table("search", pa.Table.from_pylist(scores, schema=SEARCH_SCHEMA))
    confusion = [
        key | {"reference_code": reference, "predicted_code": predicted, "n_samples": n}
        for reference, predicted, n in learnt.confusion
    ]
    writer.table("confusion", pa.Table.from_pylist(confusion, schema=CONFUSION_SCHEMA))
    importances = [
        key
        | {
            "method": each.method,
            "feature_name": name,
            "importance": float(each.values[i]),
            "deviation": None if np.isnan(each.deviations[i]) else float(each.deviations[i]),
            "n_samples": each.n_samples,
        }
        for each in learnt.importances
        for i, name in enumerate(payload.feature_names)
    ]
    writer.table("importance", pa.Table.from_pylist(importances, schema=IMPORTANCE_SCHEMA))
    return writer.finish(
        **key,
        classes=_classes(payload, learnt.n_samples),
        n_features=len(card.features),
        confidence_kind=card.confidence_kind,
        parameters=dict(card.parameters),
    )


def read_features(payload: Payload) -> NDArray[np.float32]:
    """Features of the samples that a model is made from, (n, n_features)."""
    features = np.hstack([read_samples(files, payload.sample_ids) for files in payload.files])
    return features if payload.columns is None else features[:, payload.columns]


def fitted(payload: Payload, features: NDArray[np.float32], n_threads: int) -> Learnt:
    """The model of some samples, with their features (n, n_features)."""
    from i2db.learn.fitting import fit

    return fit(
        payload.spec,
        features,
        payload.class_codes,
        polygons=payload.polygons,
        random_state=payload.random_state,
        n_threads=n_threads,
        region=payload.region,
    )


def subset(payload: Payload, mask: NDArray[np.bool_]) -> Payload:
    """The same with some of the samples."""
    return replace(
        payload,
        sample_ids=payload.sample_ids[mask],
        class_codes=payload.class_codes[mask],
        polygons=None if payload.polygons is None else payload.polygons[mask],
    )


def check_memory(payload: Payload, memory: int) -> None:
    """An InputError where so many bytes are too few for the samples."""
    spec = payload.spec
    codes, counts = np.unique(payload.class_codes, return_counts=True)
    sizes = dict(zip(codes.tolist(), counts.tolist(), strict=True))
    n_added = sum(n_to_add(spec.augmentation, sizes).values()) if spec.augmentation is not None else 0
    n, f = len(payload.sample_ids) + n_added, len(payload.feature_names)
    is_forest = spec.classifier.model_type in ("RandomForestClassifier", "ExtraTreesClassifier")
    copies = COPIES_OF_FOREST if is_forest else COPIES_OF_OTHERS
    has_folds = bool(spec.classifier.search) or "permutation" in spec.importance or spec.is_cross_validated
    copies += COPIES_OF_FOLDS * has_folds + (n_added > 0)
    needed = n * f * 4 * copies
    if needed > memory:
        raise InputError(
            f"run {payload.run}, region {payload.region}: learning from {n} samples of {f} features takes about "
            f"{_size(needed)}, there are {_size(memory)}",
            hint="give more with --memory, or draw fewer samples (arg_train.sample_selection)",
        )


def _parameters(payload: Payload, chosen: dict[str, Any]) -> dict[str, Any]:
    """What the model was fitted with, for its card: parameters, and what was done to samples and features."""
    spec = payload.spec
    found: dict[str, Any] = dict(spec.classifier.parameters) | chosen
    found |= {"model_type": spec.classifier.model_type}
    found.setdefault("random_state", payload.random_state)
    if spec.classifier.is_standardized:
        found["standardization"] = True
    if spec.reduction is not None:
        groups = [[name, len(columns)] for name, columns in spec.reduction.groups]
        found["dim_red"] = {"target_dimension": spec.reduction.n_components, "groups": groups}
    if spec.augmentation is not None:
        found["sample_augmentation"] = asdict(spec.augmentation)
    if spec.class_weights is not None:
        found["class_weights"] = spec.class_weights
    if payload.n_copied:
        found["sample_management"] = [list(pair) for pair in payload.n_copied]
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _classes(payload: Payload, n_samples: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Rows of `model_class` without the model's key."""
    drawn = dict(zip(*(part.tolist() for part in np.unique(payload.class_codes, return_counts=True)), strict=True))
    copied, weights = dict(payload.n_copied), payload.spec.class_weights
    total = sum(n for _, n in n_samples)
    rows = []
    for code, n in n_samples:
        given = dict(weights) if isinstance(weights, tuple) else {}
        weight = total / (len(n_samples) * n) if weights == "balanced" else given.get(code, 1.0)
        rows.append(
            {
                "class_code": code,
                "n_samples": n,
                "n_copied": copied.get(code, 0),
                "n_added": n - drawn[code],
                "weight": weight,
            }
        )
    return rows


def _size(n_bytes: int) -> str:
    """Bytes in the largest unit that they fill, as --memory takes them: 1 GB is 1000 MB."""
    unit, size = next(((u, s) for u, s in (("GB", 10**9), ("MB", 10**6)) if n_bytes >= s), ("kB", 1000))
    return f"{n_bytes / size:.1f} {unit}"


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """Rows of models, their classes, searches and importances, from the parts of all models that there are now."""
    database = project.database
    published = dict(project.publications("learn")) | {d.task.unit: d.task.fingerprint for d in changed}
    models, classes = [], []
    tables: dict[str, list[str]] = {"search": [], "importance": [], "confusion": []}
    for unit, digest in sorted(published.items()):
        part = project.parts.find("learn", unit, digest) if unit not in retired else None
        if part is None:
            continue
        key = {name: part.details[name] for name in ("run", "region", "kind")}
        models.append(_model_row(part))
        classes += [key | row for row in part.details["classes"]]
        for kind, files in tables.items():
            if part.file(kind).n_rows:
                files.append(str(project.parts.verify(part, kind)))
    database.replace("model", models)
    database.replace("model_class", classes)
    database.run("learn/clear")
    for kind, files in tables.items():
        if files:
            database.run(f"learn/fill_{kind}", files=files)


def _model_row(part: Part) -> dict[str, Any]:
    details = part.details
    return {
        "run": details["run"],
        "region": details["region"],
        "kind": details["kind"],
        "path": str(Path("parts") / part.stage / part.file("model").name),
        "n_samples": sum(row["n_samples"] for row in details["classes"]),
        "n_classes": len(details["classes"]),
        "n_features": details["n_features"],
        "confidence_kind": details["confidence_kind"],
        "parameters": json.dumps(details["parameters"], sort_keys=True),
        "checksum": part.file("model").checksum,
    }


STAGE = Stage(
    name="learn",
    group="learning",
    title="one model per run and region",
    reads=(
        "selection",
        "sample",
        "candidate",
        "polygon",
        "class",
        "region",
        "region_model",
        "feature",
        "labelled_pixel",
        "previous_candidate",
    ),
    writes=("model", "model_class", "model_confusion", "search_result", "feature_importance"),
    needs=("extract",),
    version=5,
    sql=(
        "learn/classes",
        "learn/features",
        "learn/regions",
        "learn/learning_set",
        "learn/model_chunks",
        "learn/clear",
        "learn/fill_confusion",
        "learn/fill_search",
        "learn/fill_importance",
    ),
    tasks=_tasks,
    work=_work,
    publish=_publish,
)
