"""sampling: the features of the drawn pixels, from the product files, chunk by chunk.

While all candidates together are small they are all extracted: then another strategy, ratio or seed reads no image
again. Where they are many, only what is drawn in any run is extracted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.fingerprint import fingerprint
from i2db.raster.grid import rows_columns
from i2db.raster.group import Cost, FeatureGroup
from i2db.sample_table import TABLE
from i2db.stages.inputs import (
    ChunkInput,
    ChunkReader,
    around_identity,
    chunk_inputs,
    costs_details,
    narrowed,
    product_fingerprints,
    raster_identity,
    window_identity,
)
from i2db.stages.previous import PreviousChunk, previous_chunks
from i2db.stages.publishing import publish_tables
from i2db.stages.series import Stretch, stretches
from i2db.stages.slices import slices_by
from i2db.store.parts import Part
from i2db.store.wide import create_wide_view

#: Bytes of features up to which all candidates are extracted, and not only the drawn ones.
EXTRACT_ALL_BELOW = 256 * 2**20

#: Rows computed at a time: the features of these rows' samples are all that is held besides the result.
ROWS_AT_A_TIME = 64

#: Why a pixel of the ground truth has no features, by group where it may have another reason.
_NO_DATA = "no clear date: nodata in the bands at every date the masks call clear"
_REJECTED = {"external": "a function gives NaN or infinite numbers, or there is no clear date"}

#: The same of a series.
_MISSING = "a feature is missing in the table"

SAMPLE_SCHEMA = pa.schema([("sample_id", pa.int64()), ("features", pa.list_(pa.float32()))])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk_input: ChunkInput
    group: str
    sample_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _SeriesPayload:
    stretch: Stretch
    group: str
    columns: tuple[str, ...]
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _PreviousPayload:
    chunk: PreviousChunk
    group: str


def extracts_all(project: Project) -> bool:
    """Whether all candidates are extracted: as configured, or because their features take little room."""
    wanted = project.config.arg_train.extraction
    if wanted != "auto":
        return bool(wanted == "all")
    if project.config.arg_train.learning_curve:
        return True  # models are tested on the features of the val pixels
    (count,) = project.database.rows("extract/count_candidates")
    n_features = len(project.scene.features)
    return int(count["n"]) * n_features * 4 <= EXTRACT_ALL_BELOW


def _tasks(project: Project) -> Sequence[Task]:
    name = "extract/candidates" if extracts_all(project) else "extract/selected"
    targets = project.database.arrow(name)
    if targets.num_rows == 0:
        return []
    ids = targets["sample_id"].to_numpy()
    of_chunk = {key: ids[rows] for key, rows in slices_by(targets, "tile", "chunk")}
    tasks = [*_tasks_of_table(project, of_chunk), *_tasks_of_previous(project)]
    for chunk_input, _ in chunk_inputs(project).values():
        wanted = of_chunk.get((chunk_input.chunk.tile, chunk_input.chunk.number))
        if wanted is None:
            continue
        for group in chunk_input.groups:
            tasks.append(_task(project, chunk_input, group, wanted))
    return tasks


def _tasks_of_table(project: Project, of_chunk: Mapping[tuple[Any, ...], NDArray[np.int64]]) -> list[Task]:
    """A task per group and stretch of the table of series, if there is one."""
    table, tasks = project.scene.table, []
    for stretch in stretches(project):
        wanted = of_chunk.get((TABLE, stretch.number))
        if table is None or wanted is None:
            continue
        part = stretch.only(wanted)
        for group, columns in table.groups:
            scale = table.scale_of(group)
            payload = _SeriesPayload(stretch=part, group=group, columns=columns, scale=scale)
            tasks.append(STAGE.task(f"{group}-{stretch.unit}", [part.identity, columns, scale], payload))
    return tasks


def _tasks_of_previous(project: Project) -> list[Task]:
    """A task per group and chunk of the previous year's project, for the samples of annual classes."""
    if not project.config.arg_train.crop_mix:
        return []
    tasks = []
    for group, chunk, identity in previous_chunks(project, project.database.rows("previous/features")):
        unit = f"{group}-{chunk.tile}-{chunk.number:04d}"
        tasks.append(STAGE.task(unit, identity, _PreviousPayload(chunk=chunk, group=group)))
    return tasks


def _task(project: Project, chunk_input: ChunkInput, group: FeatureGroup, wanted: NDArray[np.int64]) -> Task:
    chunk = chunk_input.chunk
    alone = narrowed(replace(chunk_input, validity=None, earlier=()), [group])
    identity = [
        window_identity(project.scene, chunk),
        product_fingerprints(project.scene, chunk.tile) if group.bands else [],
        raster_identity(alone.rasters),
        repr(group),
        around_identity(project.scene, alone),
        fingerprint(wanted.tobytes().hex()),
    ]
    payload = _Payload(chunk_input=alone, group=group.name, sample_ids=wanted)
    return STAGE.task(f"{group.name}-{chunk.unit}", identity, payload)


def _work(task: Task, context: WorkContext) -> Part:
    if isinstance(task.payload, _SeriesPayload):
        series = task.payload
        numbers = series.stretch.features(series.columns, series.scale)
        is_whole = np.asarray(np.isfinite(numbers).all(axis=1))
        place = (series.group, TABLE, series.stretch.number)
        return _write(task, context, place, series.stretch.sample_ids, numbers, is_whole, _MISSING, {})
    if isinstance(task.payload, _PreviousPayload):
        chunk = task.payload.chunk
        numbers = chunk.features()
        place = (task.payload.group, chunk.tile, chunk.number)
        whole = np.ones(len(numbers), dtype=bool)
        return _write(task, context, place, chunk.sample_ids, numbers, whole, _MISSING, {})
    payload: _Payload = task.payload
    chunk_input = payload.chunk_input
    rows, columns = rows_columns(payload.sample_ids)
    n_features = len(chunk_input.groups[0].features)
    features = np.empty((len(rows), n_features), dtype=np.float32)
    valid = np.zeros(len(rows), dtype=bool)
    with ChunkReader(chunk_input, context.memory) as reader:
        for window in reader.windows():
            inside = (
                (rows >= window.row)
                & (rows < window.row_end)
                & (columns >= window.column)
                & (columns < window.column_end)
            )
            if not inside.any():
                continue
            data = reader.read(window)
            wanted = np.zeros(window.shape, dtype=bool)
            wanted[rows[inside] - window.row, columns[inside] - window.column] = True
            # Sample ids ascend in scan order, and so do the pixels of a window, row by row.
            order = np.flatnonzero(inside)
            done = 0
            for top in range(0, window.n_rows, ROWS_AT_A_TIME):
                block = slice(top, min(top + ROWS_AT_A_TIME, window.n_rows))
                mask = wanted[block]
                n = int(mask.sum())
                if n:
                    part, is_valid = reader.compute(data, block, mask)
                    features[order[done : done + n]] = part
                    valid[order[done : done + n]] = is_valid
                    done += n
    place = (payload.group, chunk_input.chunk.tile, chunk_input.chunk.number)
    reason = _REJECTED.get(payload.group, _NO_DATA)
    return _write(task, context, place, payload.sample_ids, features, valid, reason, reader.costs)


def _write(
    task: Task,
    context: WorkContext,
    place: tuple[str, str, int],
    sample_ids: NDArray[np.int64],
    features: NDArray[np.float32],
    valid: NDArray[np.bool_],
    reason: str,
    costs: Mapping[str, Cost],
) -> Part:
    """Write the features of the valid samples, and the reason for the others; place is group, tile and chunk."""
    n_valid, n_features = int(valid.sum()), features.shape[1]
    offsets = pa.array(np.arange(n_valid + 1, dtype=np.int32) * n_features)
    lists = pa.ListArray.from_arrays(offsets, pa.array(features[valid].ravel(), pa.float32()))
    table = pa.table([pa.array(sample_ids[valid]), lists], schema=SAMPLE_SCHEMA)
    table = _with_chunk(table, *place)
    rejected = pa.table({"sample_id": sample_ids[~valid]})
    reasons = pa.array([reason] * len(rejected), pa.string())
    rejected = _with_chunk(rejected.append_column("reason", reasons), *place)
    writer = context.writer(task)
    writer.table("sample", table)
    writer.table("rejection", rejected)
    return writer.finish(group=place[0], **costs_details(costs))


def _with_chunk(table: pa.Table, group: str, tile: str, chunk: int) -> pa.Table:
    n = table.num_rows
    for name, column in (
        ("feature_group", pa.array([group] * n, pa.string())),
        ("tile", pa.array([tile] * n, pa.string())),
        ("chunk", pa.array(np.full(n, chunk, dtype=np.int32))),
    ):
        table = table.append_column(name, column)
    return table


_publish_samples = publish_tables("extract/clear_sample", "extract/fill_sample", "sample")
_publish_rejections = publish_tables("extract/clear_rejection", "extract/fill_rejection", "rejection")


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    _publish_samples(project, changed, retired)
    _publish_rejections(project, changed, retired)
    create_wide_view(project.database)


STAGE = Stage(
    name="extract",
    group="sampling",
    title="features of the drawn pixels",
    reads=("candidate", "polygon", "selection", "feature", "sample", "rejection", "previous_candidate"),
    writes=("sample", "rejection"),
    needs=("validity",),
    version=1,
    sql=(
        "extract/count_candidates",
        "candidate/series",
        "extract/candidates",
        "extract/selected",
        "extract/features",
        "previous/drawn",
        "previous/features",
        "extract/clear_sample",
        "extract/fill_sample",
        "extract/clear_rejection",
        "extract/fill_rejection",
    ),
    tasks=_tasks,
    work=_work,
    publish=_publish,
)
