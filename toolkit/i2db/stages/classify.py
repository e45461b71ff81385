"""classification: one pass over the rasters of a chunk for the models of all runs and regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import DTypeLike, NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Task, WorkContext
from i2db.errors import StageError
from i2db.learn.classifier import Classifier
from i2db.learn.model import load_model, require_features
from i2db.raster.grid import Window, rows_columns
from i2db.raster.write import RasterSink, raster_sink
from i2db.sample_table import TABLE
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
from i2db.stages.publishing import publish_tables
from i2db.stages.regions import ChunkRegions, regions_of_chunks
from i2db.stages.series import Predictor, stretches
from i2db.store.parts import Part, PartWriter
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
class ModelFile:
    """A model on disk: which pixels it is for."""

    run: int
    region: str
    kind: str
    path: str
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk_input: ChunkInput
    regions: ChunkRegions
    models: tuple[ModelFile, ...]
    n_runs: int
    class_codes: tuple[int, ...]
    candidates: str | None
    probabilities: bool


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


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The chunk's pixels of the ground truth, and what the maps hold there: (runs, pixels)."""

    ids: NDArray[np.int64]
    region: pa.ChunkedArray
    label: NDArray[np.uint16]
    confidence: NDArray[np.float32]

    def take(self, maps: _Maps, window: Window) -> None:
        """Take over what a window holds."""
        rows, columns = rows_columns(self.ids)
        rows, columns = rows - window.row, columns - window.column
        inside = np.flatnonzero((rows >= 0) & (rows < window.n_rows) & (columns >= 0) & (columns < window.n_columns))
        self.label[:, inside] = maps.label[:, rows[inside], columns[inside]]
        self.confidence[:, inside] = maps.confidence[:, rows[inside], columns[inside]]


def _tasks(project: Project) -> Sequence[Task]:
    database, scene, config = project.database, project.scene, project.config
    models = tuple(ModelFile(**row) for row in database.rows("classify/models"))
    codes = tuple(int(row["class_code"]) for row in database.rows("classify/class_codes"))
    regions = regions_of_chunks(project)
    candidates = project.publications("candidate")
    tasks = _tasks_of_table(project, models)
    for unit, (chunk_input, validity) in chunk_inputs(project).items():
        candidate = project.parts.find("candidate", unit, candidates[unit]) if unit in candidates else None
        here = tuple(model for model in models if model.region in regions[unit].names)
        payload = _Payload(
            chunk_input=narrowed(chunk_input, chunk_input.groups),
            regions=regions[unit],
            models=tuple(_absolute(project, model) for model in here),
            n_runs=config.arg_train.runs,
            class_codes=codes,
            candidates=str(project.parts.path_of(candidate, "candidate")) if candidate else None,
            probabilities=config.arg_classification.has_probability_map,
        )
        identity = [
            window_identity(scene, chunk_input.chunk),
            validity,
            product_fingerprints(scene, chunk_input.chunk.tile),
            [repr(group) for group in chunk_input.groups],
            raster_identity(chunk_input.rasters),
            around_identity(scene, chunk_input),
            regions[unit].identity,
            [[model.run, model.region, model.kind, model.checksum] for model in here],
            payload.n_runs,
            codes,
            candidates.get(unit),
            payload.probabilities,
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
            models=tuple(_absolute(project, model) for model in models),
            n_runs=n_runs,
        )
        files = [[model.run, model.region, model.kind, model.checksum] for model in models]
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
    found = _Candidates(
        ids=stretch.sample_ids,
        region=pa.chunked_array([pa.array([SOLE_REGION] * len(stretch.rows), pa.string())]),
        label=label.astype(np.uint16),
        confidence=confidence,
    )
    writer = context.writer(task)
    writer.table("prediction", _predictions(payload.models, TABLE, stretch.number, found))
    return writer.finish()


def _absolute(project: Project, model: ModelFile) -> ModelFile:
    return ModelFile(
        run=model.run,
        region=model.region,
        kind=model.kind,
        checksum=model.checksum,
        path=str(project.folder / model.path),
    )


def _work(task: Task, context: WorkContext) -> Part:
    if isinstance(task.payload, _SeriesPayload):
        return _work_on_table(task, task.payload, context)
    payload: _Payload = task.payload
    chunk_input = payload.chunk_input
    names = [feature.name for group in chunk_input.groups for feature in group.features]
    models = _load(payload, names)
    candidates = _read_candidates(payload)
    writer = context.writer(task)
    with ChunkReader(chunk_input, context.memory) as reader, _sinks(writer, payload) as sinks:
        for window in reader.windows(_bytes_per_pixel(payload)):
            maps = _map_window(payload, models, reader, window, context.n_threads)
            if candidates is not None:
                candidates.take(maps, window)
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
    shared = 8 + 8 + 12  # the region and whose the pixel is; confidences being rounded; dates and masks
    return payload.n_runs * of_run + shared


def _load(payload: _Payload, names: Sequence[str]) -> dict[tuple[int, int], Classifier]:
    """Models by run and index of their region in the chunk."""
    models: dict[tuple[int, int], Classifier] = {}
    for file in payload.models:
        model, card = load_model(Path(file.path))
        require_features(card, names)
        models[file.run, payload.regions.names.index(file.region)] = model
    return models


def _read_candidates(payload: _Payload) -> _Candidates | None:
    if payload.candidates is None:
        return None
    table = pq.read_table(payload.candidates, columns=["sample_id", "region"])
    shape = payload.n_runs, table.num_rows
    return _Candidates(
        ids=table["sample_id"].to_numpy(),
        region=table["region"],
        label=np.zeros(shape, dtype=np.uint16),
        confidence=np.zeros(shape, dtype=np.float32),
    )


def _map_window(
    payload: _Payload,
    models: Mapping[tuple[int, int], Classifier],
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
    models: Mapping[tuple[int, int], Classifier],
    maps: _Maps,
    features: NDArray[np.float32],
    valid: NDArray[np.bool_],
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    region: NDArray[np.int16],
    n_threads: int,
) -> None:
    """Put what the models of all runs and regions make of some pixels into the maps."""
    region_of_pixel = region[places]
    for index in range(len(payload.regions.names)):
        chosen = valid & (region_of_pixel == index)
        if not chosen.any():
            continue
        of_region = features if chosen.all() else features[chosen]
        rows, columns = places[0][chosen], places[1][chosen]
        for run in range(payload.n_runs):
            model = models.get((run, index))
            if model is None:
                continue
            if maps.probability is None:
                label, confidence = model.predict(of_region, n_threads=n_threads)
            else:
                probability = model.predict_proba(of_region, n_threads=n_threads)
                best = probability.argmax(axis=1)
                label, confidence = model.classes[best], probability[np.arange(len(best)), best]
                places_of_classes = np.searchsorted(payload.class_codes, model.classes)
                scaled = np.floor(probability * PROBABILITY_SCALE + 0.5).astype(np.uint16)
                maps.probability[run, places_of_classes[:, None], rows, columns] = scaled.T
            maps.label[run, rows, columns] = label
            maps.confidence[run, rows, columns] = confidence


@contextmanager
def _sinks(writer: PartWriter, payload: _Payload) -> Iterator[dict[str, RasterSink]]:
    """The rasters of the chunk by kind, open for writing window by window."""
    chunk_input = payload.chunk_input
    small = max(payload.class_codes) <= np.iinfo(np.uint8).max
    bands: dict[str, tuple[int, DTypeLike]] = {
        "label": (payload.n_runs, np.uint8 if small else np.uint16),
        "confidence": (payload.n_runs, np.uint8),
        "validity": (1, np.uint16),
    }
    if payload.probabilities:
        bands["probability"] = payload.n_runs * len(payload.class_codes), np.uint16
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(
                raster_sink(
                    writer.path(kind, ".tif"),
                    chunk_input.grid,
                    chunk_input.chunk.window,
                    n_bands=n_bands,
                    dtype=dtype,
                    nodata=0,
                )
            )
            for kind, (n_bands, dtype) in bands.items()
        }


def _write(payload: _Payload, sinks: Mapping[str, RasterSink], maps: _Maps, window: Window) -> None:
    """Write what was made of a window."""
    chunk_input = payload.chunk_input
    percent = np.empty(maps.confidence.shape, dtype=np.uint8)
    for run, confidence in enumerate(maps.confidence):
        percent[run] = np.floor(confidence * 100 + 0.5)
    assert chunk_input.validity is not None
    n_valid = read_raster(chunk_input.validity.path, window, chunk_input.chunk.window, N_VALID_BAND)
    n_valid[~maps.label.any(axis=0)] = 0
    sinks["label"].write(maps.label.astype(sinks["label"].dtype, copy=False), window)
    sinks["confidence"].write(percent, window)
    sinks["validity"].write(n_valid, window)
    if maps.probability is not None:
        sinks["probability"].write(maps.probability.reshape(-1, *window.shape), window)


def _predictions(files: Sequence[ModelFile], tile: str, number: int, candidates: _Candidates | None) -> pa.Table:
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
    reads=("model", "class", "region", "polygon"),
    writes=("prediction",),
    needs=("validity", "candidate", "learn"),
    version=1,
    sql=(
        "classify/models",
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
