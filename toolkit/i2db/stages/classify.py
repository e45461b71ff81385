"""classification: one pass over the rasters of a chunk for the models of all runs and regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Task, WorkContext
from i2db.errors import StageError
from i2db.learn.classifier import Classifier
from i2db.learn.model import load_model, require_features
from i2db.raster.grid import Window, rows_columns
from i2db.raster.write import write_raster
from i2db.stages.inputs import (
    N_VALID_BAND,
    ChunkInput,
    chunk_inputs,
    compute_features,
    feature_identity,
    owned_pixels,
    product_fingerprints,
    read_raster,
    readers,
    window_identity,
    windows_within,
)
from i2db.stages.publishing import publish_tables
from i2db.stages.regions import ChunkRegions, regions_of_chunks
from i2db.store.parts import Part

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


@dataclass(slots=True)
class _Maps:
    """What a chunk's rasters will hold: (runs, rows, columns), probabilities (runs, classes, rows, columns)."""

    label: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    probability: NDArray[np.uint16] | None


def _tasks(project: Project) -> Sequence[Task]:
    database, scene, config = project.database, project.scene, project.config
    models = tuple(ModelFile(**row) for row in database.rows("classify/models"))
    codes = tuple(int(row["class_code"]) for row in database.rows("classify/class_codes"))
    regions = regions_of_chunks(project)
    candidates = project.publications("candidate")
    tasks = []
    for unit, (chunk_input, validity) in chunk_inputs(project).items():
        candidate = project.parts.find("candidate", unit, candidates[unit]) if unit in candidates else None
        here = tuple(model for model in models if model.region in regions[unit].names)
        payload = _Payload(
            chunk_input=chunk_input,
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
            [feature_identity(series.features) for series in chunk_input.series],
            regions[unit].identity,
            [[model.run, model.region, model.kind, model.checksum] for model in here],
            payload.n_runs,
            codes,
            candidates.get(unit),
            payload.probabilities,
        ]
        tasks.append(STAGE.task(unit, identity, payload))
    return tasks


def _absolute(project: Project, model: ModelFile) -> ModelFile:
    return ModelFile(
        run=model.run,
        region=model.region,
        kind=model.kind,
        checksum=model.checksum,
        path=str(project.folder / model.path),
    )


def _work(task: Task, context: WorkContext) -> Part:
    payload: _Payload = task.payload
    chunk_input = payload.chunk_input
    chunk, grid = chunk_input.chunk, chunk_input.grid
    window = chunk.window
    names = [feature.name for series in chunk_input.series for feature in series.features.features]
    models = _load(payload, names)
    owned = owned_pixels(chunk_input, window)
    region = payload.regions.of_pixels(window, grid)
    maps = _Maps(
        label=np.zeros((payload.n_runs, *window.shape), dtype=np.uint16),
        confidence=np.zeros((payload.n_runs, *window.shape), dtype=np.float32),
        probability=np.zeros((payload.n_runs, len(payload.class_codes), *window.shape), dtype=np.uint16)
        if payload.probabilities
        else None,
    )
    with readers(chunk_input, context.memory) as opened:
        for piece in windows_within(window, opened, context.memory):
            inside = piece.slices_in(window)
            wanted = owned[inside] & (region[inside] >= 0)
            if wanted.any():
                cubes = [reader.read(piece) for reader in opened]
                rows = max(1, FEATURE_BYTES // (piece.n_columns * len(names) * 4))
                for top in range(0, piece.n_rows, rows):
                    block = slice(top, min(top + rows, piece.n_rows))
                    mask = wanted[block]
                    if mask.any():
                        features, valid = compute_features(chunk_input, cubes, block, mask)
                        places = _places(piece, window, block, mask)
                        _classify(payload, models, maps, features, valid, places, region, context.n_threads)
    return _write(task, context, payload, maps)


def _load(payload: _Payload, names: Sequence[str]) -> dict[tuple[int, int], Classifier]:
    """Models by run and index of their region in the chunk."""
    models: dict[tuple[int, int], Classifier] = {}
    for file in payload.models:
        model, card = load_model(Path(file.path))
        require_features(card, names)
        models[file.run, payload.regions.names.index(file.region)] = model
    return models


def _places(
    piece: Window, window: Window, block: slice, mask: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns within the chunk of the wanted pixels of some rows of a window."""
    rows, columns = np.nonzero(mask)
    return rows + block.start + (piece.row - window.row), columns + (piece.column - window.column)


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


def _write(task: Task, context: WorkContext, payload: _Payload, maps: _Maps) -> Part:
    chunk_input = payload.chunk_input
    chunk, grid = chunk_input.chunk, chunk_input.grid
    writer = context.writer(task)
    writer.table("prediction", _predictions(payload, maps))
    n_valid = np.zeros(chunk.window.shape, dtype=np.uint16)
    if chunk_input.validity is not None:
        n_valid = read_raster(chunk_input.validity.path, chunk.window, chunk.window, N_VALID_BAND)
    small = max(payload.class_codes) <= np.iinfo(np.uint8).max
    rasters = {
        "label": maps.label.astype(np.uint8) if small else maps.label,
        "confidence": np.floor(maps.confidence * 100 + 0.5).astype(np.uint8),
        "validity": np.where(maps.label.any(axis=0), n_valid, 0).astype(np.uint16)[None],
    }
    if maps.probability is not None:
        rasters["probability"] = maps.probability.reshape(-1, *chunk.window.shape)
    for kind, array in rasters.items():
        path = writer.path(kind, ".tif")
        write_raster(path, array, grid, chunk.window, nodata=0)
        writer.add(kind, path)
    return writer.finish()


def _predictions(payload: _Payload, maps: _Maps) -> pa.Table:
    """A row per run and candidate pixel of the chunk; without label where the map has no data."""
    if payload.candidates is None:
        return PREDICTION_SCHEMA.empty_table()
    chunk = payload.chunk_input.chunk
    candidates = pq.read_table(payload.candidates, columns=["sample_id", "region"])
    ids = candidates["sample_id"].to_numpy()
    rows, columns = rows_columns(ids)
    rows, columns = rows - chunk.window.row, columns - chunk.window.column
    kinds = {model.kind for model in payload.models}
    if len(kinds) > 1:
        raise StageError(f"chunk {chunk.unit} has models of several kinds: {sorted(kinds)}")
    kind = next(iter(kinds), None)
    tables = []
    for run in range(payload.n_runs):
        label = maps.label[run, rows, columns].astype(np.int32)
        missing = label == 0
        tables.append(
            pa.table(
                [
                    pa.array(np.full(len(ids), run, dtype=np.int32)),
                    candidates["region"],
                    pa.array([kind] * len(ids), pa.string()),
                    pa.array([chunk.tile] * len(ids), pa.string()),
                    pa.array(np.full(len(ids), chunk.number, dtype=np.int32)),
                    pa.array(ids),
                    pa.array(label, mask=missing),
                    pa.array(maps.confidence[run, rows, columns], mask=missing),
                ],
                schema=PREDICTION_SCHEMA,
            )
        )
    return pa.concat_tables(tables)


STAGE = Stage(
    name="classify",
    group="classification",
    title="labels and confidence of every pixel",
    reads=("model", "class", "region", "chunk", "grid"),
    writes=("prediction",),
    needs=("validity", "candidate", "learn"),
    version=1,
    sql=("classify/models", "classify/class_codes", "candidate/regions_of_chunks", "classify/clear", "classify/fill"),
    tasks=_tasks,
    work=_work,
    publish=publish_tables("classify/clear", "classify/fill", "prediction"),
)
