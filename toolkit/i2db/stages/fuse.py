"""classification: the maps of all runs as one (merge_final_classifications), with how far the runs agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Task, WorkContext
from i2db.config.model import Config
from i2db.errors import ConfigError
from i2db.raster.fusion import agreement, dempster_shafer, vote
from i2db.raster.grid import Grid
from i2db.raster.uncertainty import MEASURES, NODATA, percent
from i2db.scene import Chunk
from i2db.stages.at_candidates import CandidateLabels, candidate_files
from i2db.stages.chunk_rasters import Rasters, Source, chunk_sinks, sources_of, windows_of
from i2db.stages.classify import PROBABILITY_SCALE
from i2db.stages.derived import derived_rows
from i2db.stages.model_files import beliefs_of
from i2db.stages.publishing import publish_tables
from i2db.store.parts import Part, PartStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk: Chunk
    grid: Grid
    source: Source
    candidates: str | None
    method: str
    #: Per run how far each label is believed; nothing for a vote.
    beliefs: tuple[tuple[tuple[int, float], ...], ...]
    n_runs: int
    undecided: int
    class_codes: tuple[int, ...]
    probabilities: bool
    uncertainty: tuple[str, ...]


def require_free_label(config: Config, names: Mapping[int, str]) -> None:
    """A ConfigError, naming a free label, where the label of undecided pixels is that of a class (code to name)."""
    section, train = config.arg_classification, config.arg_train
    label = section.merge_final_classifications_undecidedlabel
    if train.crop_mix and train.a_crop_label_replacement:
        # The label that annual classes have together is one of the matrices'.
        names = dict([train.a_crop_label_replacement]) | dict(names)
    if not section.merge_final_classifications or label not in names:
        return
    raise ConfigError(
        f"arg_classification.merge_final_classifications_undecidedlabel is {label}, which is class {names[label]}",
        hint=f"{_free_label(names)} is free: merge_final_classifications_undecidedlabel = {_free_label(names)}",
    )


def _free_label(taken: Collection[int]) -> int:
    """The largest label that no class has and a byte holds; above that the smallest."""
    in_byte = (label for label in range(255, 0, -1) if label not in taken)
    return next(in_byte, max(taken, default=0) + 1)


def _tasks(project: Project) -> Sequence[Task]:
    section = project.config.arg_classification
    if not section.merge_final_classifications or not project.scene.chunks:
        return []
    database, n_runs = project.database, project.config.arg_train.runs
    # The catalogue has seen to it where it was read anew; a label alone that is changed reads nothing.
    require_free_label(project.config, {row["class_code"]: row["class_name"] for row in database.rows("learn/classes")})
    codes = tuple(int(row["class_code"]) for row in database.rows("classify/class_codes"))
    believed: tuple[tuple[tuple[int, float], ...], ...] = ()
    if section.merge_final_classifications_method == "dempstershafer":
        cells: list[list[tuple[int, int, int]]] = [[] for _ in range(n_runs)]
        for row in database.rows("fuse/confusion"):
            cells[row["run"]].append((row["reference_code"], row["predicted_code"], row["n"]))
        believed = tuple(beliefs_of(of_run, section.dempstershafer_mob, codes) for of_run in cells)
    candidates, files = project.publications("candidate"), candidate_files(project)
    sources = sources_of(project, "classify", "is not classified")
    tasks = []
    for chunk in project.scene.chunks:
        payload = _Payload(
            chunk=chunk,
            grid=project.scene.grid,
            source=sources[chunk.unit],
            candidates=files.get(chunk.unit),
            method=section.merge_final_classifications_method,
            beliefs=believed,
            n_runs=n_runs,
            undecided=section.merge_final_classifications_undecidedlabel,
            class_codes=codes,
            probabilities=section.keeps_probabilities,
            uncertainty=section.uncertainty_maps,
        )
        identity = [
            payload.source.part.fingerprint,
            candidates.get(chunk.unit),
            payload.method,
            believed,
            n_runs,
            payload.undecided,
            codes,
            payload.probabilities,
            payload.uncertainty,
        ]
        tasks.append(STAGE.task(chunk.unit, identity, payload))
    return tasks


def _work(task: Task, context: WorkContext) -> Part:
    payload: _Payload = task.payload
    writer = context.writer(task)
    found = CandidateLabels.read(payload.candidates, 1) if payload.candidates is not None else None
    with (
        Rasters(PartStore(context.root), [payload.source], context.memory) as rasters,
        chunk_sinks(writer, payload.grid, payload.chunk.window, _kinds(payload)) as sinks,
    ):
        for window in windows_of(payload.chunk, _bytes_per_pixel(payload), context.memory):
            runs = range(1, payload.n_runs + 1)
            labels = rasters.read("label", window, runs).astype(np.uint16)
            confidences = (rasters.read("confidence", window, runs) / 100).astype(np.float32)
            label = _fused(payload, labels)
            confidence = agreement(labels, confidences, label)
            if found is not None:
                found.take(label[np.newaxis], confidence[np.newaxis], window)
            maps: dict[str, NDArray[Any]] = {"label": label, "confidence": percent(confidence)}
            if payload.probabilities:
                probability = _mean_probability(payload, rasters, window, labels != 0)
                maps["probability"] = np.floor(probability * PROBABILITY_SCALE + 0.5).astype(np.uint16)
                for name in payload.uncertainty:
                    measured = percent(MEASURES[name](np.moveaxis(probability, 0, -1)))
                    maps[name] = np.where(label != 0, measured, NODATA)
            for kind, sink in sinks.items():
                array = maps[kind].astype(sink.dtype, copy=False)
                sink.write(array if array.ndim == 3 else array[np.newaxis], window)
    writer.table("derived", derived_rows(payload.chunk, [None], found, is_smoothed=False))
    for kind, sink in sinks.items():
        writer.add(kind, sink.path)
    return writer.finish()


def _kinds(payload: _Payload) -> dict[str, tuple[int, DTypeLike, int]]:
    """Bands, type and nodata of the rasters that are made."""
    small = max(*payload.class_codes, payload.undecided) <= np.iinfo(np.uint8).max
    kinds: dict[str, tuple[int, DTypeLike, int]] = {
        "label": (1, np.uint8 if small else np.uint16, 0),
        "confidence": (1, np.uint8, 0),
    }
    if payload.probabilities:
        kinds["probability"] = len(payload.class_codes), np.uint16, 0
        kinds |= dict.fromkeys(payload.uncertainty, (1, np.uint8, NODATA))
    return kinds


def _bytes_per_pixel(payload: _Payload) -> float:
    """Memory per pixel of a window: labels and confidences of the runs with what compares them; probabilities."""
    of_run = 1 + 2 + 4 + 8 + 4
    return payload.n_runs * of_run + 24 + (len(payload.class_codes) * (2 + 3 * 8) if payload.probabilities else 0)


def _fused(payload: _Payload, labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """One label of those of the runs (runs, rows, columns)."""
    if payload.method == "dempstershafer":
        believed = [dict(of_run) for of_run in payload.beliefs]
        return np.asarray(dempster_shafer(labels, believed, undecided=payload.undecided))
    return np.asarray(vote(labels, undecided=payload.undecided))


def _mean_probability(
    payload: _Payload, rasters: Rasters, window: Any, has_data: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mean probabilities (classes, rows, columns) over the runs that have data; 0 where none has."""
    n_classes = len(payload.class_codes)
    total = np.zeros((n_classes, *window.shape))
    for run in range(payload.n_runs):
        # A run without data has zeros.
        total += rasters.read("probability", window, range(run * n_classes + 1, (run + 1) * n_classes + 1))
    return np.asarray(total / (PROBABILITY_SCALE * np.maximum(has_data.sum(axis=0), 1)))


STAGE = Stage(
    name="fuse",
    group="classification",
    title="the runs' maps as one (merge_final_classifications)",
    reads=(
        "confusion_before_merge",
        "class",
        "prediction",
        "candidate",
        "polygon",
        "polygon_split",
        "run",
        "model_class",
        "region_model",
    ),
    writes=("derived_prediction",),
    needs=("candidate", "classify"),
    version=1,
    sql=("fuse/confusion", "learn/classes", "classify/class_codes", "fuse/clear", "fuse/fill"),
    tasks=_tasks,
    work=_work,
    publish=publish_tables("fuse/clear", "fuse/fill", "derived"),
)
