"""classification: one pass over the rasters of a chunk for the models of all runs and regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Task, WorkContext
from i2db.errors import StageError
from i2db.learn.classifier import Classifier
from i2db.learn.model import load_model, require_features
from i2db.learn.reduction import FeatureKey
from i2db.raster.grid import Window
from i2db.raster.uncertainty import MEASURES, NODATA, percent
from i2db.raster.write import RasterSink
from i2db.sample_table import TABLE
from i2db.stages.at_candidates import CandidateLabels, candidate_files
from i2db.stages.chunk_rasters import chunk_sinks
from i2db.stages.ensemble import Ensemble, Rule
from i2db.stages.inputs import (
    N_VALID_BAND,
    ChunkInput,
    ChunkReader,
    around_identity,
    chunk_inputs,
    costs_details,
    narrowed,
    owned_pixels,
    product_fingerprints,
    raster_identity,
    read_raster,
    window_identity,
)
from i2db.stages.model_files import ModelFile, load_ensembles, model_files
from i2db.stages.publishing import publish_tables
from i2db.stages.regions import ChunkRegions, regions_of_chunks
from i2db.stages.series import Predictor, stretches
from i2db.store.parts import Part
from i2db.vector.regions import SOLE_REGION

#: Bytes of features held at a time: enough rows to keep the kernels busy, few enough to stay out of the way.
FEATURE_BYTES = 32 * 2**20

#: Probability maps hold parts per thousand, as iota2's do.
PROBABILITY_SCALE = 1000

PREDICTION_SCHEMA = pa.schema(
    [
        ("run", pa.int32()),
        ("region", pa.string()),
        ("kind", pa.string()),
        ("tile", pa.string()),
        ("chunk", pa.int32()),
        ("sample_id", pa.int64()),
        ("class_code", pa.int32()),
        ("confidence", pa.float32()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk_input: ChunkInput
    regions: ChunkRegions
    models: tuple[ModelFile, ...]
    n_runs: int
    class_codes: tuple[int, ...]
    candidates: str | None
    #: Whether the probabilities of all classes are written.
    probabilities: bool
    #: Measures of uncertainty that are mapped.
    uncertainty: tuple[str, ...]
    rule: Rule
    sensor_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _SeriesPayload:
    predictor: Predictor
    models: tuple[ModelFile, ...]
    n_runs: int


@dataclass(frozen=True, slots=True)
class _Maps:
    """What the rasters will hold of a window: (runs, rows, columns), probabilities (runs, classes, rows, columns)."""

    label: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    probability: NDArray[np.uint16] | None
    uncertainty: dict[str, NDArray[np.uint8]]


def _tasks(project: Project) -> Sequence[Task]:
    database, scene, config = project.database, project.scene, project.config
    models = model_files(project)
    counts = {(row["run"], row["model"], row["tile"]): row["n"] for row in database.rows("classify/sample_counts")}
    is_by_priority = config.fuses_models and config.arg_classification.no_label_management == "learningPriority"
    codes = tuple(int(row["class_code"]) for row in database.rows("classify/class_codes"))
    regions = regions_of_chunks(project)
    candidates, files = project.publications("candidate"), candidate_files(project)
    tasks = _tasks_of_table(project, models)
    for unit, (chunk_input, validity) in chunk_inputs(project).items():
        here = [model for model in models if model.region in regions[unit].names]
        if is_by_priority:
            tile = chunk_input.chunk.tile
            here.sort(key=lambda one: (one.run, -counts.get((one.run, one.model, tile), 0), one.model))
        payload = _Payload(
            chunk_input=narrowed(chunk_input, chunk_input.groups),
            regions=regions[unit],
            models=tuple(model.within(project.folder) for model in here),
            n_runs=config.arg_train.runs,
            class_codes=codes,
            candidates=files.get(unit),
            probabilities=config.arg_classification.keeps_probabilities,
            uncertainty=config.arg_classification.uncertainty_maps,
            rule=Rule(
                method=config.arg_classification.fusion_method, undecided=config.arg_classification.no_label_management
            ),
            sensor_names=project.sensor_names,
        )
        identity = [
            window_identity(scene, chunk_input.chunk),
            validity,
            product_fingerprints(scene, chunk_input.chunk.tile),
            [repr(group) for group in chunk_input.groups],
            raster_identity(chunk_input.rasters),
            around_identity(scene, chunk_input),
            regions[unit].identity,
            [model.identity for model in here],
            payload.n_runs,
            codes,
            candidates.get(unit),
            payload.probabilities,
            payload.uncertainty,
            [payload.rule.method, payload.rule.undecided] if config.fuses_models else None,
        ]
        tasks.append(STAGE.task(unit, identity, payload))
    return tasks


def _tasks_of_table(project: Project, models: Sequence[ModelFile]) -> list[Task]:
    """A task per stretch of the table of series, if there is one: no map, but what the models say of its rows."""
    table, n_runs = project.scene.table, project.config.arg_train.runs
    if table is None:
        return []
    names = tuple(feature.name for feature in table.features)
    tasks = []
    for stretch in stretches(project):
        payload = _SeriesPayload(
            predictor=Predictor(stretch=stretch, columns=table),
            models=tuple(model.within(project.folder) for model in models),
            n_runs=n_runs,
        )
        files = [model.identity for model in models]
        tasks.append(
            STAGE.task(stretch.unit, [stretch.identity, table.groups, table.scale, names, files, n_runs], payload)
        )
    return tasks


def _work_on_table(task: Task, payload: _SeriesPayload, context: WorkContext) -> Part:
    names = [feature.name for feature in payload.predictor.columns.features]
    models: dict[int, Classifier] = {}
    for file in payload.models:
        model, card = load_model(Path(file.path))
        require_features(card, names)
        models[file.run] = model
    stretch = payload.predictor.stretch
    label, confidence = payload.predictor.predict(models, payload.n_runs, context.n_threads)
    found = CandidateLabels(
        ids=stretch.sample_ids,
        region=pa.chunked_array([pa.array([SOLE_REGION] * len(stretch.rows), pa.string())]),
        label=label.astype(np.uint16),
        confidence=confidence,
    )
    writer = context.writer(task)
    writer.table("prediction", _predictions(payload.models, TABLE, stretch.number, found))
    return writer.finish()


def _work(task: Task, context: WorkContext) -> Part:
    if isinstance(task.payload, _SeriesPayload):
        return _work_on_table(task, task.payload, context)
    payload: _Payload = task.payload
    chunk_input = payload.chunk_input
    models = _load(payload)
    candidates = CandidateLabels.read(payload.candidates, payload.n_runs) if payload.candidates is not None else None
    writer = context.writer(task)
    window_of_chunk, kinds = chunk_input.chunk.window, _kinds(payload)
    with (
        ChunkReader(chunk_input, context.memory) as reader,
        chunk_sinks(writer, chunk_input.grid, window_of_chunk, kinds) as sinks,
    ):
        for window in reader.windows(_bytes_per_pixel(payload)):
            maps = _map_window(payload, models, reader, window, context.n_threads)
            if candidates is not None:
                candidates.take(maps.label, maps.confidence, window)
            _write(payload, sinks, maps, window)
            del maps  # before those of the next window are made
    chunk = chunk_input.chunk
    writer.table("prediction", _predictions(payload.models, chunk.tile, chunk.number, candidates))
    for kind, sink in sinks.items():
        writer.add(kind, sink.path)
    return writer.finish(**costs_details(reader.costs))


def _bytes_per_pixel(payload: _Payload) -> int:
    """Memory per pixel of a window for what becomes of the series."""
    of_run = 4 + 2 + 1 + 1  # confidence and label, and both as they are written
    if payload.probabilities:
        of_run += 2 * len(payload.class_codes)
    of_run += len(payload.uncertainty)
    shared = 8 + 8 + 12  # the region and whose the pixel is; confidences being rounded; dates and masks
    return payload.n_runs * of_run + shared


def _load(payload: _Payload) -> dict[tuple[int, int], Ensemble]:
    """Models by run and index of their region in the chunk."""
    keys = [
        FeatureKey(feature.name, feature.sensor, feature.band, None)
        for group in payload.chunk_input.groups
        for feature in group.features
    ]
    ensembles = load_ensembles(payload.models, keys, payload.sensor_names, payload.rule)
    return {(run, payload.regions.names.index(region)): found for (run, region), found in ensembles.items()}


def _map_window(
    payload: _Payload,
    models: Mapping[tuple[int, int], Ensemble],
    reader: ChunkReader,
    window: Window,
    n_threads: int,
) -> _Maps:
    """What the models make of a window; zeros where a pixel is another tile's or no region's."""
    chunk_input = payload.chunk_input
    shape = payload.n_runs, *window.shape
    with_classes = payload.n_runs, len(payload.class_codes), *window.shape
    maps = _Maps(
        label=np.zeros(shape, dtype=np.uint16),
        confidence=np.zeros(shape, dtype=np.float32),
        probability=np.zeros(with_classes, dtype=np.uint16) if payload.probabilities else None,
        uncertainty={name: np.full(shape, NODATA, dtype=np.uint8) for name in payload.uncertainty},
    )
    region = payload.regions.of_pixels(window, chunk_input.grid)
    wanted = owned_pixels(chunk_input, window) & (region >= 0)
    if not wanted.any():
        return maps
    data = reader.read(window)
    n_features = sum(len(group.features) for group in chunk_input.groups)
    step = max(1, FEATURE_BYTES // (window.n_columns * n_features * 4))
    for top in range(0, window.n_rows, step):
        block = slice(top, min(top + step, window.n_rows))
        mask = wanted[block]
        if mask.any():
            features, valid = reader.compute(data, block, mask)
            rows, columns = np.nonzero(mask)
            _classify(payload, models, maps, features, valid, (rows + top, columns), region, n_threads)
    return maps


def _classify(
    payload: _Payload,
    models: Mapping[tuple[int, int], Ensemble],
    maps: _Maps,
    features: NDArray[np.float32],
    valid: NDArray[np.bool_],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    region: NDArray[np.int16],
    n_threads: int,
) -> None:
    """Put what the models of all runs and regions make of some pixels into the maps."""
    region_of_pixel = region[places]
    codes = payload.class_codes if payload.probabilities or payload.uncertainty else None
    for index in range(len(payload.regions.names)):
        chosen = valid & (region_of_pixel == index)
        if not chosen.any():
            continue
        of_region = features if chosen.all() else features[chosen]
        rows, columns = places[0][chosen], places[1][chosen]
        for run in range(payload.n_runs):
            models_of_run = models.get((run, index))
            if models_of_run is None:
                continue
            answer = models_of_run.predict(of_region, class_codes=codes, n_threads=n_threads)
            maps.label[run, rows, columns] = answer.label
            maps.confidence[run, rows, columns] = answer.confidence
            if answer.probability is None:
                continue
            if maps.probability is not None:
                scaled = np.floor(answer.probability * PROBABILITY_SCALE + 0.5).astype(np.uint16)
                maps.probability[run][:, rows, columns] = scaled.T
            for name, measured in maps.uncertainty.items():
                measured[run, rows, columns] = percent(MEASURES[name](answer.probability))


def _kinds(payload: _Payload) -> dict[str, tuple[int, DTypeLike, int]]:
    """Bands, type and nodata of the rasters of the chunk, by kind."""
    small = max(payload.class_codes) <= np.iinfo(np.uint8).max
    kinds: dict[str, tuple[int, DTypeLike, int]] = {
        "label": (payload.n_runs, np.uint8 if small else np.uint16, 0),
        "confidence": (payload.n_runs, np.uint8, 0),
        "validity": (1, np.uint16, 0),
    }
    if payload.probabilities:
        kinds["probability"] = payload.n_runs * len(payload.class_codes), np.uint16, 0
    return kinds | dict.fromkeys(payload.uncertainty, (payload.n_runs, np.uint8, NODATA))


def _write(payload: _Payload, sinks: Mapping[str, RasterSink], maps: _Maps, window: Window) -> None:
    """Write what was made of a window."""
    chunk_input = payload.chunk_input
    confidence = np.empty(maps.confidence.shape, dtype=np.uint8)
    for run, of_run in enumerate(maps.confidence):
        confidence[run] = percent(of_run)
    assert chunk_input.validity is not None
    n_valid = read_raster(chunk_input.validity.path, window, chunk_input.chunk.window, N_VALID_BAND)
    n_valid[~maps.label.any(axis=0)] = 0
    sinks["label"].write(maps.label.astype(sinks["label"].dtype, copy=False), window)
    sinks["confidence"].write(confidence, window)
    sinks["validity"].write(n_valid, window)
    if maps.probability is not None:
        sinks["probability"].write(maps.probability.reshape(-1, *window.shape), window)
    for name, measured in maps.uncertainty.items():
        sinks[name].write(measured, window)


def _predictions(files: Sequence[ModelFile], tile: str, number: int, candidates: CandidateLabels | None) -> pa.Table:
    """A row per run and candidate pixel of the chunk; without label where the map has no data."""
    if candidates is None:
        return PREDICTION_SCHEMA.empty_table()
    kinds = {model.kind for model in files}
    if len(kinds) > 1:
        raise StageError(f"chunk {number} of {tile} has models of several kinds: {sorted(kinds)}")
    kind = next(iter(kinds), None)
    n = len(candidates.ids)
    tables = []
    for run in range(len(candidates.label)):
        label = candidates.label[run].astype(np.int32)
        missing = label == 0
        tables.append(
            pa.table(
                [
                    pa.array(np.full(n, run, dtype=np.int32)),
                    candidates.region,
                    pa.array([kind] * n, pa.string()),
                    pa.array([tile] * n, pa.string()),
                    pa.array(np.full(n, number, dtype=np.int32)),
                    pa.array(candidates.ids),
                    pa.array(label, mask=missing),
                    pa.array(candidates.confidence[run], mask=missing),
                ],
                schema=PREDICTION_SCHEMA,
            )
        )
    return pa.concat_tables(tables)


STAGE = Stage(
    name="classify",
    group="classification",
    title="labels and confidence of every pixel",
    reads=(
        "model",
        "model_confusion",
        "region_model",
        "selection",
        "class",
        "region",
        "polygon",
        "candidate",
        "labelled_pixel",
        "previous_candidate",
    ),
    writes=("prediction",),
    needs=("validity", "candidate", "learn"),
    version=2,
    sql=(
        "classify/models",
        "classify/model_confusion",
        "classify/sample_counts",
        "classify/class_codes",
        "candidate/regions",
        "candidate/series",
        "classify/clear",
        "classify/fill",
    ),
    tasks=_tasks,
    work=_work,
    publish=publish_tables("classify/clear", "classify/fill", "prediction"),
)
