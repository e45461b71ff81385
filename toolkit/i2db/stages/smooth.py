"""classification: smoothed maps beside those of the runs and of their fusion (arg_classification.smoothing)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Task, WorkContext
from i2db.raster.bayes import bayes_smooth
from i2db.raster.grid import Grid, Window
from i2db.raster.regularise import regularise
from i2db.raster.uncertainty import percent
from i2db.raster.write import raster_sink
from i2db.scene import Chunk
from i2db.stages.at_candidates import CandidateLabels
from i2db.stages.derived import Rasters, Source, candidate_file, derived_rows, sources_of, units_near, windows_of
from i2db.stages.publishing import publish_tables
from i2db.store.parts import Part, PartStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Map:
    """A map to smooth: its run (None for the fusion), the parts that it is in, and its place among their bands."""

    run: int | None
    sources: tuple[Source, ...]
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk: Chunk
    grid: Grid
    maps: tuple[_Map, ...]
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
    candidates = project.publications("candidate")
    of_runs = sources_of(project, "classify", "is not classified")
    fused = sources_of(project, "fuse", "is not fused") if section.merge_final_classifications else {}
    chunks = project.scene.chunks
    all_near = units_near(chunks, [chunk.window.grown(section.radius) for chunk in chunks])
    tasks = []
    for chunk, near in zip(chunks, all_near, strict=True):
        maps = [
            _Map(run=run, sources=tuple(of_runs[unit] for unit in near), place=run)
            for run in range(project.config.arg_train.runs)
        ]
        if fused:
            maps.append(_Map(run=None, sources=tuple(fused[unit] for unit in near), place=0))
        payload = _Payload(
            chunk=chunk,
            grid=project.scene.grid,
            maps=tuple(maps),
            candidates=candidate_file(project, chunk.unit),
            method=section.smoothing,
            radius=section.radius,
            variance=section.smoothing_variance,
            fraction=section.smoothing_fraction,
            class_codes=codes,
            largest_label=max(*codes, section.merge_final_classifications_undecidedlabel if fused else 0),
        )
        identity = [
            [[one.run, one.place, [source.part.fingerprint for source in one.sources]] for one in maps],
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
    kinds = {"label": np.dtype(np.uint8 if small else np.uint16)}
    if payload.method == "bayes":
        kinds["confidence"] = np.dtype(np.uint8)
    store = PartStore(context.root)
    with ExitStack() as stack:
        rasters = [stack.enter_context(Rasters(store, one.sources, context.memory)) for one in payload.maps]
        sinks = {
            kind: stack.enter_context(
                raster_sink(writer.path(kind, ".tif"), payload.grid, window, n_bands=n_maps, dtype=dtype, nodata=0)
            )
            for kind, dtype in kinds.items()
        }
        for piece in windows_of(payload.chunk, _bytes_per_pixel(payload), context.memory):
            label = np.zeros((n_maps, *piece.shape), dtype=np.uint16)
            confidence = np.zeros((n_maps, *piece.shape), dtype=np.float32)
            for number, (one, reader) in enumerate(zip(payload.maps, rasters, strict=True)):
                label[number], confidence[number] = _smoothed(payload, one, reader, piece, context.n_threads)
            has_confidence = "confidence" in sinks
            if found is not None:
                found.take(label, confidence if has_confidence else None, piece)
            sinks["label"].write(label.astype(kinds["label"], copy=False), piece)
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
