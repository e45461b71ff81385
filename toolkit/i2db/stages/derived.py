"""What the maps that are made of other maps share: the chunks' rasters they are made of, and their predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.errors import StageError
from i2db.raster.grid import Window
from i2db.raster.windows import split
from i2db.raster.write import BLOCK
from i2db.scene import Chunk
from i2db.stages.at_candidates import CandidateLabels
from i2db.stages.inputs import WINDOW_SHARE, bounded_cache
from i2db.store.parts import Part, PartStore

DERIVED_SCHEMA = pa.schema(
    [
        ("run", pa.int32()),
        ("is_smoothed", pa.bool_()),
        ("tile", pa.string()),
        ("chunk", pa.int32()),
        ("sample_id", pa.int64()),
        ("class_code", pa.int32()),
        ("confidence", pa.float32()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The part of a stage for a chunk, and the chunk's window."""

    part: Part
    window: Window


class Rasters:
    """Rasters of chunks read as one: where several cover a pixel, it is one tile's, and the others hold 0.

    Use it as a context manager; the checksum of every file is verified before it is read.
    """

    def __init__(self, store: PartStore, sources: Sequence[Source], memory: int) -> None:
        """Prepare the reading from some parts."""
        self.store, self.sources, self.memory = store, sources, memory
        self._open: dict[tuple[int, str], Any] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Rasters:
        self._stack.enter_context(bounded_cache(self.memory))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, kind: str, window: Window, bands: Sequence[int]) -> NDArray[Any]:
        """(bands, rows, columns) of a window; 0 where no raster covers it."""
        array: NDArray[Any] | None = None
        for number, source in enumerate(self.sources):
            common = source.window.intersection(window)
            if common is None:
                continue
            dataset = self._dataset(number, kind)
            rows, columns = common.slices_in(source.window)
            found = dataset.read(list(bands), window=((rows.start, rows.stop), (columns.start, columns.stop)))
            if array is None:
                array = np.zeros((len(bands), *window.shape), dtype=found.dtype)
            place = (slice(None), *common.slices_in(window))
            array[place] = np.maximum(array[place], found)
        if array is None:
            raise StageError(f"no raster of kind {kind} covers {window}")
        return array

    def _dataset(self, number: int, kind: str) -> Any:
        import rasterio

        key = number, kind
        if key not in self._open:
            path = self.store.verify(self.sources[number].part, kind)
            self._open[key] = self._stack.enter_context(rasterio.open(path))
        return self._open[key]


def sources_of(project: Project, stage: str, hint: str) -> dict[str, Source]:
    """The parts of a stage for all chunks, by their unit."""
    published = project.publications(stage)
    found = {}
    for chunk in project.scene.chunks:
        part = project.parts.find(stage, chunk.unit, published.get(chunk.unit, ""))
        if part is None:
            raise StageError(f"chunk {chunk.unit} {hint}", hint="run the chain from first_step init")
        found[chunk.unit] = Source(part=part, window=chunk.window)
    return found


def units_near(chunks: Sequence[Chunk], windows: Sequence[Window]) -> list[list[str]]:
    """Per window the units of the chunks that it has pixels of, in their order."""
    import shapely

    def boxes(some: Sequence[Window]) -> NDArray[Any]:
        edges = np.array([(w.column, w.row, w.column_end, w.row_end) for w in some], dtype=np.float64)
        # A little smaller: neighbours that only touch share no pixel.
        return np.asarray(shapely.box(*(edges + np.array([0.25, 0.25, -0.25, -0.25])).T))

    tree = shapely.STRtree(boxes([chunk.window for chunk in chunks]))
    found: list[list[str]] = [[] for _ in windows]
    of_window, places = tree.query(boxes(windows), predicate="intersects")
    for number, place in sorted(zip(of_window.tolist(), places.tolist(), strict=True)):
        found[number].append(chunks[place].unit)
    return found


def candidate_file(project: Project, unit: str) -> str | None:
    """The file of a chunk's candidates, if there are any."""
    published = project.publications("candidate")
    part = project.parts.find("candidate", unit, published[unit]) if unit in published else None
    return str(project.parts.path_of(part, "candidate")) if part is not None else None


def windows_of(chunk: Chunk, bytes_per_pixel: float, memory: int) -> list[Window]:
    """Cut a chunk into windows of whole blocks of its rasters that fit the memory."""
    window = chunk.window
    n_pixels = max(BLOCK * BLOCK, int(memory * WINDOW_SHARE / bytes_per_pixel))
    return split(window, (BLOCK, BLOCK), (window.column, window.row), n_pixels)


def derived_rows(
    chunk: Chunk, runs: Sequence[int | None], found: CandidateLabels | None, *, is_smoothed: bool
) -> pa.Table:
    """Rows of table `derived_prediction`: one per map and candidate pixel of a chunk."""
    if found is None:
        return DERIVED_SCHEMA.empty_table()
    n = len(found.ids)
    tables = []
    for place, run in enumerate(runs):
        label, confidence = found.label[place].astype(np.int32), found.confidence[place]
        missing = label == 0
        columns: Mapping[str, Any] = {
            "run": pa.array([run] * n, pa.int32()),
            "is_smoothed": pa.array([is_smoothed] * n, pa.bool_()),
            "tile": pa.array([chunk.tile] * n, pa.string()),
            "chunk": pa.array([chunk.number] * n, pa.int32()),
            "sample_id": pa.array(found.ids),
            "class_code": pa.array(label, mask=missing),
            "confidence": pa.array(confidence, mask=missing | np.isnan(confidence)),
        }
        tables.append(pa.table(columns, schema=DERIVED_SCHEMA))
    return pa.concat_tables(tables)
