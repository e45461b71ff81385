"""learning: one model per run and region, from the parts of the extraction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.config.model import ForestParameters
from i2db.errors import InputError, StageError
from i2db.fingerprint import fingerprint
from i2db.learn.forest import fit_forest
from i2db.learn.model import forest_card, save_model
from i2db.stages.slices import slices_by
from i2db.store.parts import Part

#: Copies of the learning set that fitting a forest needs at most (the set itself, scikit-learn's, the bootstrap).
COPIES_OF_LEARNING_SET = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    run: int
    region: str
    sample_ids: NDArray[np.int64]
    class_codes: NDArray[np.int32]
    class_names: tuple[tuple[int, str], ...]
    #: Per feature group the Parquet files of its samples.
    files: tuple[tuple[str, ...], ...]
    feature_names: tuple[str, ...]
    parameters: ForestParameters
    random_state: int


def _tasks(project: Project) -> Sequence[Task]:
    database, scene = project.database, project.scene
    names = tuple((int(row["class_code"]), str(row["class_name"])) for row in database.rows("learn/classes"))
    groups = [group.name for group in scene.groups]
    published, files = project.publications("extract"), _sample_files(project)
    chunks: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in database.rows("learn/model_chunks"):
        chunks[row["run"], row["region"]].append(row["unit"])
    feature_names = tuple(feature.name for feature in scene.features)
    parameters = project.config.arg_train.forest_parameters
    learning = database.arrow("learn/learning_set", n_groups=len(groups))
    sample_ids, class_codes = learning["sample_id"].to_numpy(), learning["class_code"].to_numpy()
    tasks = []
    for (run, region), rows in slices_by(learning, "run", "region"):
        ids, codes = sample_ids[rows], class_codes[rows]
        # Only what the model's own samples come from: another region's new draw does not train it again.
        units = [[f"{group}-{chunk}" for chunk in chunks[run, region]] for group in groups]
        random_state = int(fingerprint(project.random_seed, run, region)[:7], 16)
        payload = _Payload(
            run=run,
            region=region,
            sample_ids=ids,
            class_codes=codes,
            class_names=names,
            files=tuple(tuple(files[unit] for unit in of_group if unit in files) for of_group in units),
            feature_names=feature_names,
            parameters=parameters,
            random_state=random_state,
        )
        digests = [fingerprint(ids.tobytes().hex()), fingerprint(codes.tobytes().hex())]
        parts = [[unit, published.get(unit)] for of_group in units for unit in of_group]
        identity = [parts, digests, feature_names, asdict(parameters), random_state, names]
        tasks.append(STAGE.task(model_unit(run, region), identity, payload))
    return tasks


def model_unit(run: int, region: str) -> str:
    """Name of a model as the unit of a task, as iota2 names its files."""
    safe = "".join(mark if mark.isalnum() else "_" for mark in region)
    suffix = "" if safe == region else "-" + fingerprint(region)[:6]
    return f"model_{safe}{suffix}_seed_{run}"


def _sample_files(project: Project) -> dict[str, str]:
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
    payload: _Payload = task.payload
    n, f = len(payload.sample_ids), len(payload.feature_names)
    needed = n * f * 4 * COPIES_OF_LEARNING_SET
    if needed > context.memory:
        raise InputError(
            f"run {payload.run}, region {payload.region}: learning from {n} samples of {f} features takes about "
            f"{_size(needed)}, there are {_size(context.memory)}",
            hint="give more with --memory, or draw fewer samples (arg_train.sample_selection)",
        )
    features = np.hstack([read_samples(files, payload.sample_ids) for files in payload.files])
    parameters = payload.parameters
    forest = fit_forest(
        features,
        payload.class_codes,
        n_trees=parameters.n_trees,
        max_depth=parameters.max_depth,
        min_samples_split=parameters.min_samples_split,
        min_samples_leaf=parameters.min_samples_leaf,
        max_features=parameters.max_features,
        random_state=payload.random_state,
        n_jobs=context.n_threads,
    )
    codes, counts = np.unique(payload.class_codes, return_counts=True)
    n_samples = {int(code): int(count) for code, count in zip(codes, counts, strict=True)}
    card = forest_card(
        forest,
        run=payload.run,
        region=payload.region,
        features=payload.feature_names,
        class_names=dict(payload.class_names),
        parameters=asdict(parameters) | {"random_state": payload.random_state},
        n_samples=n_samples,
    )
    writer = context.writer(task)
    path = writer.path("model", "")
    save_model(path, forest, card)
    writer.add("model", path)
    return writer.finish(
        run=payload.run,
        region=payload.region,
        kind=card.kind,
        n_samples=list(n_samples.items()),
        n_features=len(card.features),
        confidence_kind=card.confidence_kind,
        parameters=dict(card.parameters),
    )


def _size(n_bytes: int) -> str:
    """Bytes in the largest unit that they fill, as --memory takes them: 1 GB is 1000 MB."""
    unit, size = next(((u, s) for u, s in (("GB", 10**9), ("MB", 10**6)) if n_bytes >= s), ("kB", 1000))
    return f"{n_bytes / size:.1f} {unit}"


def read_samples(files: Sequence[str], sample_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Features of some pixels, (n, n_features) float32 in the order of their ids, one file in memory at a time.

    Args:
        files: Parquet files with the columns sample_id and features.
        sample_ids: (n,) ascending.
    """
    features: NDArray[np.float32] | None = None
    found = 0
    for path in files:
        table = pq.read_table(path, columns=["sample_id", "features"]).combine_chunks()
        ids = table["sample_id"].to_numpy()
        place = np.minimum(np.searchsorted(sample_ids, ids), len(sample_ids) - 1)
        mask = sample_ids[place] == ids
        if not mask.any():
            continue
        lists = table["features"].chunk(0)
        # .flatten() heeds a slice's offset, .values does not.
        rows = lists.flatten().to_numpy().reshape(len(ids), -1)
        if features is None:
            features = np.empty((len(sample_ids), rows.shape[1]), dtype=np.float32)
        features[place[mask]] = rows[mask]
        found += int(mask.sum())
    if features is None or found != len(sample_ids):
        raise StageError(f"{len(sample_ids) - found} of {len(sample_ids)} samples are missing from the parts")
    return features


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """Rows of `model` and `model_class`, from what the parts say of themselves."""
    database = project.database
    published = dict(project.publications("learn")) | {d.task.unit: d.task.fingerprint for d in changed}
    models, classes = [], []
    for unit, digest in sorted(published.items()):
        part = project.parts.find("learn", unit, digest) if unit not in retired else None
        if part is not None:
            models.append(_model_row(part))
            classes += [
                {**{key: part.details[key] for key in ("run", "region", "kind")}, "class_code": code, "n_samples": n}
                for code, n in part.details["n_samples"]
            ]
    database.replace("model", models)
    database.replace("model_class", classes)


def _model_row(part: Part) -> dict[str, Any]:
    details = part.details
    return {
        "run": details["run"],
        "region": details["region"],
        "kind": details["kind"],
        "path": str(Path("parts") / part.stage / part.file("model").name),
        "n_samples": sum(n for _, n in details["n_samples"]),
        "n_classes": len(details["n_samples"]),
        "n_features": details["n_features"],
        "confidence_kind": details["confidence_kind"],
        "parameters": json.dumps(details["parameters"], sort_keys=True),
        "checksum": part.file("model").checksum,
    }


STAGE = Stage(
    name="learn",
    group="learning",
    title="one model per run and region",
    reads=("selection", "sample", "candidate", "polygon", "class"),
    writes=("model", "model_class"),
    needs=("extract",),
    version=2,
    sql=("learn/classes", "learn/learning_set", "learn/model_chunks"),
    tasks=_tasks,
    work=_work,
    publish=_publish,
)
