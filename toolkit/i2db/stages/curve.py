"""learning: how accuracy grows with the number of samples, from nested draws and stored features; no image is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.fingerprint import fingerprint
from i2db.learn.classifier import Classifier
from i2db.stages import learn
from i2db.stages.publishing import verified_files
from i2db.stages.samples import read_samples
from i2db.stages.slices import slices_by
from i2db.store.parts import Part

CURVE_SCHEMA = pa.schema(
    [
        ("run", pa.int32()),
        ("region", pa.string()),
        ("size", pa.int64()),
        ("n_samples", pa.int64()),
        ("reference_code", pa.int32()),
        ("predicted_code", pa.int32()),
        ("n_pixels", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Validation pixels of a chunk: ids and classes (n,), and per feature group the Parquet files of their features."""

    sample_ids: NDArray[np.int64]
    class_codes: NDArray[np.int32]
    files: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    #: What the model of all samples is made from.
    whole: learn.Payload
    #: (n,) place of each of its samples within the class, from 1.
    ranks: NDArray[np.int64]
    sizes: tuple[int, ...]
    #: The validation pixels, chunk by chunk: all of them together need not fit into memory.
    pieces: tuple[Piece, ...]


def _tasks(project: Project) -> Sequence[Task]:
    if not project.config.arg_train.learning_curve:
        return []
    drawn = project.database.arrow("curve/ranks")
    ranks, val = dict(_per_model(drawn)), dict(_per_model(project.database.arrow("curve/validation_set")))
    sizes = sizes_to_learn(project.config.arg_train.learning_curve, max(drawn["draw_rank"].to_pylist(), default=1))
    files = learn.sample_files(project)
    groups = [group.name for group in project.scene.groups]
    tasks = []
    for task in learn.STAGE.tasks(project):
        # The curve tells how accurate the models are, not why.
        whole: learn.Payload = replace(task.payload, spec=replace(task.payload.spec, importance=()))
        key = (whole.run, whole.region)
        if key not in val or key not in ranks:
            continue
        ranked, tested = ranks[key], val[key]
        payload = _Payload(
            whole=whole,
            ranks=_ranks(ranked, whole.sample_ids),
            sizes=sizes,
            pieces=_pieces(tested, groups, files),
        )
        arrays = (payload.ranks, tested["sample_id"].to_numpy(), tested["class_code"].to_numpy())
        identity = [
            task.fingerprint,
            sizes,
            project.published("extract"),
            [fingerprint(array.tobytes().hex()) for array in arrays],
        ]
        tasks.append(STAGE.task(task.unit, identity, payload))
    return tasks


def _pieces(tested: pa.Table, groups: Sequence[str], files: Mapping[str, str]) -> tuple[Piece, ...]:
    """Pixels with sample_id, class_code and unit, ascending by id, unit by unit."""
    units = tested["unit"].to_numpy(zero_copy_only=False)
    ids, codes = tested["sample_id"].to_numpy(), tested["class_code"].to_numpy()
    return tuple(
        Piece(
            sample_ids=ids[units == unit],
            class_codes=codes[units == unit],
            files=tuple((files[f"{group}-{unit}"],) for group in groups),
        )
        for unit in dict.fromkeys(units.tolist())
    )


def _ranks(ranked: pa.Table, sample_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rank of each sample; 1 for those that come from other regions (sample management), which always learn."""
    ids, ranks = ranked["sample_id"].to_numpy(), ranked["draw_rank"].to_numpy()
    place = np.minimum(np.searchsorted(ids, sample_ids), len(ids) - 1)
    return np.asarray(np.where(ids[place] == sample_ids, ranks[place], 1), dtype=np.int64)


def _per_model(table: pa.Table) -> list[tuple[tuple[int, str], pa.Table]]:
    """The rows of every run and region of a table that is sorted by them."""
    return [
        ((run, region), table.slice(rows.start, rows.stop - rows.start))
        for (run, region), rows in slices_by(table, "run", "region")
    ]


def sizes_to_learn(sizes: Sequence[int], largest: int) -> tuple[int, ...]:
    """The sizes below that of the largest class of any model, and its own: more would be the same models again."""
    return (*(size for size in sorted(sizes) if size < largest), largest)


def _work(task: Task, context: WorkContext) -> Part:
    payload: _Payload = task.payload
    whole = payload.whole
    learn.check_memory(whole, context.memory)
    features = learn.read_features(whole)
    rows = []
    n_before, confusion = 0, Counter[tuple[int, int]]()
    for size in payload.sizes:
        mask = payload.ranks <= size
        if mask.sum() > n_before:  # otherwise all classes were there whole
            model = learn.fitted(learn.subset(whole, mask), features[mask], context.n_threads).model
            confusion = Counter()
            for piece in payload.pieces:
                confusion += _confusion(model, piece, context.n_threads)
            n_before = int(mask.sum())
        rows += [
            {
                "run": whole.run,
                "region": whole.region,
                "size": size,
                "n_samples": int(mask.sum()),
                "reference_code": reference,
                "predicted_code": code,
                "n_pixels": n,
            }
            for (reference, code), n in sorted(confusion.items())
        ]
    writer = context.writer(task)
    writer.table("curve", pa.Table.from_pylist(rows, schema=CURVE_SCHEMA))
    return writer.finish()


def _confusion(model: Classifier, piece: Piece, n_threads: int) -> Counter[tuple[int, int]]:
    """How many pixels of a piece have which class and are given which."""
    features = np.hstack([read_samples(files, piece.sample_ids) for files in piece.files])
    predicted, _ = model.predict(features, n_threads=n_threads)
    return Counter(zip(piece.class_codes.tolist(), predicted.tolist(), strict=True))


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """Fill learning_curve from the parts of all models: those that are new, and those that stay."""
    files = verified_files(project, changed, "curve")
    new = {decision.task.unit for decision in changed}
    for unit, digest in project.publications(STAGE.name).items():
        if unit not in new and unit not in retired:
            part = project.parts.find(STAGE.name, unit, digest)
            if part is not None:
                files.append(str(project.parts.path_of(part, "curve")))
    if files:
        project.database.run("curve/fill", files=sorted(files))
    else:
        project.database.replace("learning_curve", [])


STAGE = Stage(
    name="curve",
    group="learning",
    title="accuracy by number of samples (arg_train.learning_curve)",
    reads=(
        "selection",
        "sample",
        "rejection",
        "candidate",
        "polygon",
        "polygon_split",
        "run",
        "class",
        "region",
        "region_model",
        "feature",
        "labelled_pixel",
        "previous_candidate",
    ),
    writes=("learning_curve",),
    needs=("extract",),
    version=2,
    sql=("curve/ranks", "curve/validation_set", "curve/fill"),
    tasks=_tasks,
    work=_work,
    publish=_publish,
)
