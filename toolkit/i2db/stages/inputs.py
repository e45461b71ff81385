"""What the raster stages share: payloads, ownership of pixels, regions of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.errors import StageError
from i2db.raster.cube import Cube
from i2db.raster.features import SensorFeatures
from i2db.raster.grid import Grid, Window
from i2db.raster.read import SeriesReader
from i2db.raster.windows import split
from i2db.raster.write import BLOCK
from i2db.scene import Chunk, Scene
from i2db.sensors.product import Product

#: Share of a worker's memory that the arrays of one window may take; the rest is for models, results and Python.
WINDOW_SHARE = 0.4

#: Share of a worker's memory for decoded blocks of the files, and what it has at least (bytes).
CACHE_SHARE = 0.15
CACHE_MINIMUM = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Series:
    """One sensor over one tile, as a worker needs it."""

    features: SensorFeatures
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Footprint:
    """A validity raster on disk and the window it covers."""

    path: str
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkInput:
    """A chunk with its grid, its series, and whose pixels are whose."""

    chunk: Chunk
    grid: Grid
    series: tuple[Series, ...]
    validity: Footprint | None = None
    earlier: tuple[Footprint, ...] = ()


def series_of(scene: Scene, tile: str) -> tuple[Series, ...]:
    """The series of all sensors over a tile."""
    return tuple(Series(series.features, series.products[tile]) for series in scene.series)


def product_fingerprints(scene: Scene, tile: str) -> list[list[str]]:
    """Name and fingerprint of the products of a tile."""
    return [[p.product, p.fingerprint] for series in scene.series for p in series.products[tile]]


def feature_identity(features: SensorFeatures) -> Any:
    """All that the values of a sensor's features depend on, besides the products."""
    return repr(features)


def window_identity(scene: Scene, chunk: Chunk) -> list[Any]:
    """Grid and window of a chunk."""
    grid, window = scene.grid, chunk.window
    return [grid.crs, grid.resolution_x, grid.resolution_y, window.column, window.row, window.n_columns, window.n_rows]


def chunk_inputs(project: Project, stage: str = "validity") -> dict[str, tuple[ChunkInput, list[str]]]:
    """Per chunk: its input with the validity rasters that decide which pixels are its own, and their fingerprints."""
    scene = project.scene
    published = project.publications(stage)
    footprints: dict[str, Footprint] = {}
    for chunk in scene.chunks:
        part = project.parts.find(stage, chunk.unit, published.get(chunk.unit, ""))
        if part is None:
            raise StageError(f"the {stage} of chunk {chunk.unit} is missing", hint="run the chain from first_step init")
        footprints[chunk.unit] = Footprint(str(project.parts.path_of(part, "validity")), chunk.window)
    by_tile: dict[str, list[Chunk]] = {}
    for chunk in scene.chunks:
        by_tile.setdefault(chunk.tile, []).append(chunk)
    earlier = {tile: [chunk for name in scene.earlier_tiles(tile) for chunk in by_tile[name]] for tile in by_tile}
    inputs = {}
    for chunk in scene.chunks:
        others = [other for other in earlier[chunk.tile] if other.window.intersection(chunk.window)]
        chunk_input = ChunkInput(
            chunk=chunk,
            grid=scene.grid,
            series=series_of(scene, chunk.tile),
            validity=footprints[chunk.unit],
            earlier=tuple(footprints[other.unit] for other in others),
        )
        inputs[chunk.unit] = (chunk_input, [published[c.unit] for c in (chunk, *others)])
    return inputs


@contextmanager
def bounded_cache(memory: int) -> Iterator[None]:
    """GDAL's cache of decoded blocks gets its share of the worker's memory, and not of the machine's."""
    import rasterio

    with rasterio.Env(GDAL_CACHEMAX=max(CACHE_MINIMUM, int(memory * CACHE_SHARE))):
        yield


@contextmanager
def readers(chunk_input: ChunkInput, memory: int) -> Iterator[list[SeriesReader]]:
    """The files of a chunk's series, open for as long as the work on it lasts.

    The cache holds the blocks that a window's margins touch until the next window comes to them.
    """
    with ExitStack() as stack:
        stack.enter_context(bounded_cache(memory))
        yield [
            stack.enter_context(
                SeriesReader(series.features.sensor, series.products, chunk_input.grid, series.features.bands)
            )
            for series in chunk_input.series
        ]


def windows_within(
    window: Window, opened: Sequence[SeriesReader], memory: int, bytes_per_pixel: int = 0
) -> list[Window]:
    """Cut a chunk into windows of whole blocks that fit the memory.

    Tiles too large for it are halved down to those that results are written in: a file written in parts of its tiles
    may have to compress a tile again, in another place, and grows.

    Args:
        window: the chunk.
        opened: readers of its series.
        memory: bytes the worker may use.
        bytes_per_pixel: what the work needs per pixel besides the series.
    """
    per_pixel = sum(reader.bytes_per_pixel for reader in opened) + bytes_per_pixel
    n_pixels = max(1, int(memory * WINDOW_SHARE / per_pixel))
    rows, columns = opened[0].block_shape
    while rows * columns > n_pixels and min(rows, columns) >= BLOCK < max(rows, columns):
        rows, columns = (rows // 2, columns) if rows >= columns else (rows, columns // 2)
    return split(window, (rows, columns), opened[0].origin, n_pixels)


def compute_features(
    chunk_input: ChunkInput, cubes: Sequence[Cube], rows: slice, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Features of the wanted pixels of some rows, all sensors side by side.

    Args:
        chunk_input: the chunk.
        cubes: one per sensor, of the same window.
        rows: rows of the window.
        wanted: (rows, columns) which pixels of these rows.

    Returns:
        (n_wanted, n_features) float32, and (n_wanted,) whether the pixel has a clear date of every sensor.
    """
    arrays, valid = [], np.ones(int(wanted.sum()), dtype=bool)
    for series, cube in zip(chunk_input.series, cubes, strict=True):
        features, is_valid = series.features.compute(cube, rows, wanted)
        arrays.append(features)
        valid &= is_valid
    return (arrays[0] if len(arrays) == 1 else np.hstack(arrays)), valid


def read_raster(path: str, window: Window, extent: Window, band: int | list[int]) -> NDArray[Any]:
    """A window of a chunk's raster that covers `extent`."""
    import rasterio

    rows, columns = window.slices_in(extent)
    with rasterio.open(path) as source:
        data: NDArray[Any] = source.read(band, window=((rows.start, rows.stop), (columns.start, columns.stop)))
    return data


def owned_pixels(chunk_input: ChunkInput, window: Window) -> NDArray[np.bool_]:
    """(rows, columns) whether a pixel is this tile's: it has data here, and no earlier tile has."""
    own = chunk_input.validity
    if own is None:
        raise StageError(f"chunk {chunk_input.chunk.unit} has no validity raster")
    owned = read_raster(own.path, window, own.window, FOOTPRINT_BAND) > 0
    for other in chunk_input.earlier:
        common = other.window.intersection(window)
        if common is not None:
            taken = read_raster(other.path, common, other.window, FOOTPRINT_BAND) > 0
            owned[common.slices_in(window)] &= ~taken
    return owned


#: Bands of a validity raster; from the fourth on the clear dates of each sensor.
N_VALID_BAND, LONGEST_GAP_BAND, FOOTPRINT_BAND = 1, 2, 3
