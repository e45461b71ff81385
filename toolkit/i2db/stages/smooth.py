"""classification: smoothed maps beside those of the runs and of their fusion (arg_classification.smoothing)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Task, WorkContext
from i2db.raster.bayes import bayes_smooth
from i2db.raster.grid import Grid, Window
from i2db.raster.regularise import regularise
from i2db.raster.uncertainty import percent
from i2db.scene import Chunk
from i2db.stages.at_candidates import CandidateLabels, candidate_files
from i2db.stages.chunk_rasters import Rasters, Source, chunk_sinks, sources_of, units_near, windows_of
from i2db.stages.derived import derived_rows
from i2db.stages.publishing import publish_tables
from i2db.store.parts import Part, PartStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Map:
    """A map to smooth: its run (None for the fusion), the stage that made it, and its place among the bands."""

    run: int | None
    stage: str
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk: Chunk
    grid: Grid
    maps: tuple[_Map, ...]
    #: By stage the parts of the chunk and of those around it.
    sources: dict[str, tuple[Source, ...]]
    candidates: str | None
    method: str
    radius: int
    variance: float
    fraction: float
    class_codes: tuple[int, ...]
    largest_label: int


def _tasks(project: Project) -> Sequence[Task]:
    section = project.config.arg_classification
    if section.smoothing is None or not project.scene.chunks:
        return []
    codes = tuple(int(row["class_code"]) for row in project.database.rows("classify/class_codes"))
    candidates, files = project.publications("candidate"), candidate_files(project)
    maps = [_Map(run=run, stage="classify", place=run) for run in range(project.config.arg_train.runs)]
    made = {"classify": sources_of(project, "classify", "is not classified")}
    if section.merge_final_classifications:
        maps.append(_Map(run=None, stage="fuse", place=0))
        made["fuse"] = sources_of(project, "fuse", "is not fused")
    chunks = project.scene.chunks
    all_near = units_near(chunks, [chunk.window.grown(section.radius) for chunk in chunks])
    tasks = []
    for chunk, near in zip(chunks, all_near, strict=True):
        sources = {stage: tuple(of_stage[unit] for unit in near) for stage, of_stage in made.items()}
        payload = _Payload(
            chunk=chunk,
            grid=project.scene.grid,
            maps=tuple(maps),
            sources=sources,
            candidates=files.get(chunk.unit),
            method=section.smoothing,
            radius=section.radius,
            variance=section.smoothing_variance,
            fraction=section.smoothing_fraction,
            class_codes=codes,
            largest_label=max(*codes, section.merge_final_classifications_undecidedlabel if "fuse" in made else 0),
        )
        identity = [
            [[one.run, one.stage, one.place] for one in maps],
            [[stage, [source.part.fingerprint for source in near_ones]] for stage, near_ones in sources.items()],
            candidates.get(chunk.unit),
            payload.method,
            payload.radius,
            [payload.variance, payload.fraction] if payload.method == "bayes" else None,
            codes,
            payload.largest_label,
        ]
        tasks.append(STAGE.task(chunk.unit, identity, payload))
    return tasks


def _work(task: Task, context: WorkContext) -> Part:
    payload: _Payload = task.payload
    writer, window, n_maps = context.writer(task), payload.chunk.window, len(payload.maps)
    found = CandidateLabels.read(payload.candidates, n_maps) if payload.candidates is not None else None
    small = payload.largest_label <= np.iinfo(np.uint8).max
    label_type = np.dtype(np.uint8 if small else np.uint16)
    kinds: dict[str, tuple[int, DTypeLike, int]] = {"label": (n_maps, label_type, 0)}
    if payload.method == "bayes":
        kinds["confidence"] = n_maps, np.uint8, 0
    store = PartStore(context.root)
    with ExitStack() as stack:
        rasters = {
            stage: stack.enter_context(Rasters(store, sources, context.memory))
            for stage, sources in payload.sources.items()
        }
        sinks = stack.enter_context(chunk_sinks(writer, payload.grid, window, kinds))
        for piece in windows_of(payload.chunk, _bytes_per_pixel(payload), context.memory):
            label = np.zeros((n_maps, *piece.shape), dtype=np.uint16)
            confidence = np.zeros((n_maps, *piece.shape), dtype=np.float32)
            for number, one in enumerate(payload.maps):
                reader = rasters[one.stage]
                label[number], confidence[number] = _smoothed(payload, one, reader, piece, context.n_threads)
            has_confidence = "confidence" in sinks
            if found is not None:
                found.take(label, confidence if has_confidence else None, piece)
            sinks["label"].write(label.astype(label_type, copy=False), piece)
            if has_confidence:
                sinks["confidence"].write(percent(confidence), piece)
    runs = [one.run for one in payload.maps]
    writer.table("derived", derived_rows(payload.chunk, runs, found, is_smoothed=True))
    for kind, sink in sinks.items():
        writer.add(kind, sink.path)
    return writer.finish()


def _bytes_per_pixel(payload: _Payload) -> float:
    """Memory per pixel of a window: all maps as they are made; of one at a time what it is made of."""
    of_map = 2 + 4 + 2 + 1
    of_bayes = len(payload.class_codes) * (2 + 2 + 4 + 4) if payload.method == "bayes" else 0
    return len(payload.maps) * of_map + 16 + of_bayes


def _smoothed(
    payload: _Payload, one: _Map, rasters: Rasters, window: Window, n_threads: int
) -> tuple[NDArray[np.uint16], NDArray[np.float32] | float]:
    """Label and confidence of a map in a window; a vote has no confidence."""
    radius = payload.radius
    around = window.grown(radius)
    labels: NDArray[Any] = rasters.read("label", around, [one.place + 1])[0]
    if payload.method == "majority":
        return regularise(labels, radius).astype(np.uint16), 0.0
    n = len(payload.class_codes)
    parts = rasters.read("probability", around, range(one.place * n + 1, (one.place + 1) * n + 1))
    has_data = labels != 0
    probability = bayes_smooth(
        parts, has_data, radius, variance=payload.variance, fraction=payload.fraction, n_threads=n_threads
    )
    best = probability.argmax(axis=0)
    label = np.asarray(payload.class_codes, dtype=np.uint16)[best]
    label[~has_data[radius:-radius, radius:-radius]] = 0
    return label, np.take_along_axis(probability, best[np.newaxis], axis=0)[0]


STAGE = Stage(
    name="smooth",
    group="classification",
    title="smoothed maps (arg_classification.smoothing)",
    reads=("class",),
    writes=("derived_prediction",),
    needs=("candidate", "classify", "fuse"),
    version=1,
    sql=("classify/class_codes", "smooth/clear", "fuse/fill"),
    tasks=_tasks,
    work=_work,
    publish=publish_tables("smooth/clear", "fuse/fill", "derived"),
)
