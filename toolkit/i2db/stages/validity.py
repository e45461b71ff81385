"""init: clear dates, longest gap and footprint of every pixel of every tile, from the masks alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.raster.gapfill import longest_gap, n_valid
from i2db.raster.grid import Window
from i2db.raster.write import raster_sink
from i2db.stages.inputs import (
    FOOTPRINT_BAND,
    LONGEST_GAP_BAND,
    N_VALID_BAND,
    ChunkInput,
    ChunkReader,
    product_fingerprints,
    raster_identity,
    series_of,
    window_identity,
)
from i2db.store.parts import Part

#: Bytes per pixel of a band, and how many bands' worth of memory measuring takes besides the result.
BAND_BYTES = 2
MEASURE_BANDS = 6


def _tasks(project: Project) -> Sequence[Task]:
    scene = project.scene
    # The bands as well: a pixel beyond the file of one of them is not acquired.
    read = [[repr(series.features.sensor), series.features.bands] for series in scene.series]
    return [
        STAGE.task(
            chunk.unit,
            [
                window_identity(scene, chunk),
                product_fingerprints(scene, chunk.tile),
                read,
                raster_identity(scene.rasters[chunk.tile]),
            ],
            ChunkInput(
                chunk=chunk,
                grid=scene.grid,
                series=series_of(scene, chunk.tile),
                rasters=scene.rasters[chunk.tile],
            ),
        )
        for chunk in scene.chunks
    ]


def _work(task: Task, context: WorkContext) -> Part:
    chunk_input: ChunkInput = task.payload
    window = chunk_input.chunk.window
    names = ["n_valid", "longest_gap", "footprint", *(series.sensor.name for series in chunk_input.series)]
    writer = context.writer(task)
    path = writer.path("validity", ".tif")
    with (
        ChunkReader(chunk_input, context.memory) as reader,
        raster_sink(
            path,
            chunk_input.grid,
            window,
            n_bands=len(names),
            dtype=np.uint16,
            nodata=None,
            descriptions=names,
        ) as sink,
    ):
        for piece in reader.windows(BAND_BYTES * (len(names) + MEASURE_BANDS)):
            sink.write(_measure(reader, piece), piece)
    writer.add("validity", path)
    return writer.finish()


def _measure(reader: ChunkReader, window: Window) -> NDArray[np.uint16]:
    """The bands of one window: sums over the sensors, the shortest of their longest gaps, the common footprint.

    The user's rasters are no dates: where one of them has no data the pixel is outside of the footprint.
    """
    bands = np.zeros((3 + len(reader.series), *window.shape), dtype=np.uint16)
    footprint = np.ones(window.shape, dtype=bool)
    gap = np.full(window.shape, np.iinfo(np.uint16).max, dtype=np.uint16)
    for i, series in enumerate(reader.series):
        cube = series.read_masks(window)
        count = n_valid(cube)
        bands[3 + i] = count
        bands[N_VALID_BAND - 1] += count
        gap = np.minimum(gap, longest_gap(cube))
        footprint &= cube.footprint
    for raster in reader.rasters:
        footprint &= np.isfinite(raster.read(window)).all(axis=0)
    bands[LONGEST_GAP_BAND - 1] = gap
    bands[FOOTPRINT_BAND - 1] = footprint
    return bands


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """Nothing goes into tables: the rasters are the result."""


STAGE = Stage(
    name="validity",
    group="init",
    title="clear dates and footprint of every pixel (masks, rasters of the user)",
    reads=(),
    writes=(),
    version=2,
    tasks=_tasks,
    work=_work,
    publish=_publish,
)
