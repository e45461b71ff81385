"""The rasters of chunks: those that stages left, read as one, and those that a stage writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from i2db.chain.project import Project
from i2db.errors import StageError
from i2db.raster.grid import Grid, Window
from i2db.raster.windows import split
from i2db.raster.write import BLOCK, RasterSink, raster_sink
from i2db.scene import Chunk
from i2db.stages.inputs import WINDOW_SHARE, bounded_cache
from i2db.store.parts import Part, PartStore, PartWriter

#: Files whose checksums this process found right, with what tells whether they have changed since: the rasters of a
#: chunk hold all runs, and are read for the map of each.
_SEEN: set[tuple[Path, str, int, int, int]] = set()


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
            path = verified(self.store, self.sources[number].part, kind)
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


def verified(store: PartStore, part: Part, kind: str) -> Path:
    """The path of a part's file whose checksum is right; one that this process has seen is not read a second time."""
    path = store.path_of(part, kind)
    if path.exists():
        status = path.stat()
        state = (path, part.file(kind).checksum, status.st_ino, status.st_size, status.st_mtime_ns)
        if state not in _SEEN:
            store.verify(part, kind)
            _SEEN.add(state)
        return path
    return store.verify(part, kind)


def windows_of(chunk: Chunk, bytes_per_pixel: float, memory: int) -> list[Window]:
    """Cut a chunk into windows that fit the memory: whole blocks of its rasters, or rows of them."""
    window = chunk.window
    n_pixels = max(1, int(memory * WINDOW_SHARE / bytes_per_pixel))
    return split(window, (BLOCK, BLOCK), (window.column, window.row), n_pixels)


@contextmanager
def chunk_sinks(
    writer: PartWriter, grid: Grid, window: Window, kinds: Mapping[str, tuple[int, DTypeLike, int]]
) -> Iterator[dict[str, RasterSink]]:
    """The rasters of a chunk by kind (bands, type, nodata), open for writing window by window."""
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(
                raster_sink(writer.path(kind, ".tif"), grid, window, n_bands=n_bands, dtype=dtype, nodata=nodata)
            )
            for kind, (n_bands, dtype, nodata) in kinds.items()
        }
