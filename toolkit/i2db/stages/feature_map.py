"""writing: the features of every pixel of a chunk as a raster, one band per feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.raster.grid import Window
from i2db.raster.write import raster_sink
from i2db.stages.catalogue import feature_rows
from i2db.stages.inputs import (
    ChunkInput,
    ChunkReader,
    around_identity,
    costs_details,
    narrowed,
    plain_input,
    product_fingerprints,
    raster_identity,
    window_identity,
)
from i2db.store.parts import Part

#: Bytes of features that are computed at a time.
FEATURE_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How features become numbers of the map: factor, pixel type, and the number that means no data."""

    dtype: str
    scale: float
    nodata: float

    @property
    def stored_nodata(self) -> float:
        """No data as the pixel type holds it."""
        return float(np.float32(self.nodata)) if self.dtype == "float32" else self.nodata

    def encode(self, numbers: NDArray[np.float32]) -> tuple[NDArray[Any], int]:
        """Numbers in the map's pixel type, and how many did not fit it and were brought to its limits.

        Whole numbers are rounded half away from zero's floor (floor(x + 0.5)); a number that would read as no data is
        moved by one step.
        """
        if self.dtype == "float32":
            scaled = numbers if self.scale == 1 else numbers * np.float32(self.scale)
            return np.where(scaled == np.float32(self.nodata), np.nextafter(scaled, np.float32(0)), scaled), 0
        limits = np.iinfo(self.dtype)
        rounded = np.floor(numbers.astype(np.float64) * self.scale + 0.5)
        n_clipped = int(np.count_nonzero((rounded < limits.min) | (rounded > limits.max)))
        clipped = np.clip(rounded, limits.min, limits.max)
        step = 1 if self.nodata < limits.max else -1
        return np.where(clipped == self.nodata, clipped + step, clipped).astype(self.dtype), n_clipped


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk_input: ChunkInput
    coding: Coding


def coding_of(project: Project) -> Coding:
    """How the map is written, as configured."""
    section = project.config.external_features
    return Coding(dtype=section.output_type, scale=section.output_scale, nodata=section.no_data_value)


def _tasks(project: Project) -> Sequence[Task]:
    scene, coding = project.scene, coding_of(project)
    tasks = []
    for chunk in scene.chunks:
        whole = plain_input(scene, chunk)
        chunk_input = narrowed(whole, whole.groups)
        identity = [
            window_identity(scene, chunk),
            product_fingerprints(scene, chunk.tile),
            [repr(group) for group in chunk_input.groups],
            raster_identity(chunk_input.rasters),
            around_identity(scene, chunk_input),
            repr(coding),
        ]
        tasks.append(STAGE.task(chunk.unit, identity, _Payload(chunk_input=chunk_input, coding=coding)))
    return tasks


def _work(task: Task, context: WorkContext) -> Part:
    payload: _Payload = task.payload
    chunk_input, coding = payload.chunk_input, payload.coding
    names = [feature.name for group in chunk_input.groups for feature in group.features]
    writer = context.writer(task)
    path = writer.path("features", ".tif")
    n_clipped = 0
    with (
        ChunkReader(chunk_input, context.memory) as reader,
        raster_sink(
            path,
            chunk_input.grid,
            chunk_input.chunk.window,
            n_bands=len(names),
            dtype=coding.dtype,
            nodata=coding.stored_nodata,
            descriptions=names,
        ) as sink,
    ):
        # The numbers of a window, once as they are written and once on their way into the file.
        for window in reader.windows(2 * len(names) * np.dtype(coding.dtype).itemsize):
            array, n = _map(reader, window, coding, len(names))
            sink.write(array, window)
            n_clipped += n
    writer.add("features", path)
    return writer.finish(n_clipped=n_clipped, **costs_details(reader.costs))


def _map(reader: ChunkReader, window: Window, coding: Coding, n_features: int) -> tuple[NDArray[Any], int]:
    """The bands (features, rows, columns) of a window as they are written, and how many numbers did not fit."""
    array = np.full((n_features, *window.shape), coding.stored_nodata, dtype=coding.dtype)
    data = reader.read(window)
    step = max(1, FEATURE_BYTES // (window.n_columns * n_features * 4))
    n_clipped = 0
    for top in range(0, window.n_rows, step):
        rows = slice(top, min(top + step, window.n_rows))
        every = np.ones((rows.stop - rows.start, window.n_columns), dtype=np.bool_)
        features, is_valid = reader.compute(data, rows, every)
        numbers, n = coding.encode(features[is_valid])
        n_clipped += n
        place = is_valid.reshape(every.shape)
        for band in range(n_features):
            array[band, rows][place] = numbers[:, band]
    return array, n_clipped


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """What the bands of the map are, and which numbers did not fit its pixel type."""
    project.database.replace("feature", feature_rows(project))
    published = dict(project.publications(STAGE.name)) | {d.task.unit: d.task.fingerprint for d in changed}
    clipped = {}
    for unit, digest in sorted(published.items()):
        part = project.parts.find(STAGE.name, unit, digest) if unit not in retired else None
        if part is not None and part.details.get("n_clipped"):
            clipped[unit] = int(part.details["n_clipped"])
    coding = coding_of(project)
    project.database.run("catalogue/clear_findings", stage=STAGE.name)
    project.database.append(
        "finding",
        [
            {
                "stage": STAGE.name,
                "severity": "warning",
                "subject": "chunk",
                "item": unit,
                "message": f"{n} numbers x {coding.scale:g} do not fit {coding.dtype}",
                "remedy": "brought to its limits; external_features.output_scale and output_type choose others",
            }
            for unit, n in clipped.items()
        ],
    )


STAGE = Stage(
    name="feature_map",
    group="writing",
    title="features of every pixel, from the product files",
    reads=(),
    writes=("feature", "finding"),
    version=1,
    sql=("catalogue/clear_findings",),
    tasks=_tasks,
    work=_work,
    publish=_publish,
)
