"""What the raster stages share: payloads, ownership of pixels, regions of pixels."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.errors import InputError, StageError
from i2db.raster.cube import Cube
from i2db.raster.grid import Grid, Window
from i2db.raster.group import Cost, FeatureGroup, WindowData
from i2db.raster.read import SeriesReader
from i2db.raster.user_raster import RasterReader, UserRaster
from i2db.raster.windows import split
from i2db.raster.write import BLOCK
from i2db.scene import Chunk, Scene
from i2db.sensors.declaration import Sensor
from i2db.sensors.product import Product

#: Share of a worker's memory that the arrays of one window may take; the rest is for models, results and Python.
WINDOW_SHARE = 0.4

#: Share of a worker's memory for decoded blocks of the files, and what it has at least (bytes).
CACHE_SHARE = 0.15
CACHE_MINIMUM = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Series:
    """One sensor over one tile, and the bands that are read of it."""

    sensor: Sensor
    bands: tuple[str, ...]
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Footprint:
    """A validity raster on disk and the window it covers."""

    path: str
    window: Window


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another tile that margins of a chunk reach into."""

    tile: str
    window: Window
    series: tuple[Series, ...]
    #: Those of the user's rasters that are other files than the own tile's.
    rasters: tuple[UserRaster, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkInput:
    """A chunk with its grid, its series, the features made of them, and whose pixels are whose.

    `layout` is the one product whose files' blocks windows are cut along where a group insists on their size; what all
    tiles cover is `extent`.
    """

    chunk: Chunk
    grid: Grid
    series: tuple[Series, ...]
    groups: tuple[FeatureGroup, ...] = ()
    rasters: tuple[UserRaster, ...] = ()
    validity: Footprint | None = None
    earlier: tuple[Footprint, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    extent: Window | None = None
    layout: Series | None = None


def plain_input(scene: Scene, chunk: Chunk) -> ChunkInput:
    """A chunk with all series and groups, what lies around it, but nothing of whose pixels are whose."""
    groups = scene.groups
    margin = max((group.margin for group in groups), default=0)
    around = chunk.window.grown(margin)
    others = [
        Neighbour(tile, window, series_of(scene, tile), _other_rasters(scene, chunk.tile, tile))
        for tile, window in scene.tiles.items()
        if margin and tile != chunk.tile and window.intersection(around)
    ]
    # The sensor along whose blocks chunks are cut.
    first = min(scene.series, key=lambda one: min(band.resolution for band in one.sensor.bands))
    return ChunkInput(
        chunk=chunk,
        grid=scene.grid,
        series=series_of(scene, chunk.tile),
        groups=groups,
        rasters=scene.rasters[chunk.tile],
        neighbours=tuple(others),
        extent=scene.extent,
        layout=Series(first.sensor, first.sensor.band_names, first.products[chunk.tile][:1]),
    )


def _other_rasters(scene: Scene, own: str, other: str) -> tuple[UserRaster, ...]:
    """The rasters of another tile, less those that are the own tile's files as well."""
    files = {raster.name: raster.paths for raster in scene.rasters[own]}
    return tuple(raster for raster in scene.rasters[other] if raster.paths != files.get(raster.name))


def narrowed(chunk_input: ChunkInput, groups: Sequence[FeatureGroup]) -> ChunkInput:
    """The same with some groups only, and of the series only what these read."""
    looking = [group for group in groups if group.margin]
    neighbours = chunk_input.neighbours if looking else ()
    return replace(
        chunk_input,
        groups=tuple(groups),
        series=series_for(groups, chunk_input.series),
        rasters=rasters_for(groups, chunk_input.rasters),
        neighbours=tuple(
            replace(other, series=series_for(looking, other.series), rasters=rasters_for(looking, other.rasters))
            for other in neighbours
        ),
    )


def around_identity(scene: Scene, chunk_input: ChunkInput) -> list[Any]:
    """What numbers depend on beyond the own tile: the extent of all, and the files of those that margins reach."""
    if not any(group.margin for group in chunk_input.groups):
        return []
    others = [
        [other.tile, repr(other.window), product_fingerprints(scene, other.tile), raster_identity(other.rasters)]
        for other in chunk_input.neighbours
    ]
    return [repr(chunk_input.extent), others]


def series_of(scene: Scene, tile: str) -> tuple[Series, ...]:
    """The series of all sensors over a tile."""
    return tuple(Series(series.sensor, series.features.bands, series.products[tile]) for series in scene.series)


def series_for(groups: Sequence[FeatureGroup], series: Sequence[Series]) -> tuple[Series, ...]:
    """Of some series only the sensors and bands that groups read."""
    found = []
    for one in series:
        wanted = {band for group in groups for band in group.bands.get(one.sensor.name, ())}
        if wanted:
            bands = tuple(band for band in one.sensor.band_names if band in wanted)
            found.append(Series(one.sensor, bands, one.products))
    return tuple(found)


def product_fingerprints(scene: Scene, tile: str) -> list[list[str]]:
    """Name and fingerprint of the products of a tile."""
    return [[p.product, p.fingerprint] for series in scene.series for p in series.products[tile]]


def rasters_for(groups: Sequence[FeatureGroup], rasters: Sequence[UserRaster]) -> tuple[UserRaster, ...]:
    """Of some rasters of the user only those that groups read."""
    wanted = {name for group in groups for name in group.rasters}
    return tuple(raster for raster in rasters if raster.name in wanted)


def raster_identity(rasters: Sequence[UserRaster]) -> list[list[Any]]:
    """All that the numbers of the user's rasters depend on."""
    return [[raster.name, raster.n_bands, raster.interpolator, raster.fingerprint] for raster in rasters]


def window_identity(scene: Scene, chunk: Chunk) -> list[Any]:
    """Grid and window of a chunk."""
    grid, window = scene.grid, chunk.window
    return [*grid.identity, window.column, window.row, window.n_columns, window.n_rows]


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
        chunk_input = replace(
            plain_input(scene, chunk),
            validity=footprints[chunk.unit],
            earlier=tuple(footprints[other.unit] for other in others),
        )
        inputs[chunk.unit] = (chunk_input, [published[c.unit] for c in (chunk, *others)])
    return inputs


def costs_details(costs: Mapping[str, Cost]) -> dict[str, Any]:
    """What functions of the user have cost, as a part's details: nothing where none was called."""
    return {"functions": [{"function": name, **asdict(cost)} for name, cost in costs.items()]} if costs else {}


@contextmanager
def bounded_cache(memory: int) -> Iterator[None]:
    """GDAL's cache of decoded blocks gets its share of the worker's memory, and not of the machine's."""
    import rasterio

    with rasterio.Env(GDAL_CACHEMAX=max(CACHE_MINIMUM, int(memory * CACHE_SHARE))):
        yield


class ChunkReader:
    """Reads windows of a chunk, each file opened once: what all its groups of features need, and no more.

    Use it as a context manager. GDAL's cache holds the blocks that a window's margins touch until the next window comes
    to them.
    """

    def __init__(self, chunk_input: ChunkInput, memory: int) -> None:
        """Prepare the reading with so many bytes of memory for all the work on the chunk."""
        self.chunk_input = chunk_input
        self.memory = memory
        self.margin = max((group.margin for group in chunk_input.groups), default=0)
        self.series = [
            SeriesReader(series.sensor, series.products, chunk_input.grid, series.bands)
            for series in chunk_input.series
        ]
        self.rasters = [RasterReader(raster, chunk_input.grid) for raster in chunk_input.rasters]
        self._neighbours: dict[str, list[SeriesReader]] = {}
        self._other_rasters: dict[tuple[str, str], RasterReader] = {}
        self.costs: dict[str, Cost] = {}
        self._stack = ExitStack()

    def __enter__(self) -> ChunkReader:
        self._stack.enter_context(bounded_cache(self.memory))
        for series in self.series:
            self._stack.enter_context(series)
        for raster in self.rasters:
            self._stack.enter_context(raster)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def bytes_per_pixel(self) -> float:
        """Memory that a window takes per pixel before any feature is computed."""
        of_files = sum(series.bytes_per_pixel for series in self.series)
        of_files += sum(raster.bytes_per_pixel for raster in self.rasters)
        return of_files + sum(group.bytes_per_pixel for group in self.chunk_input.groups)

    def windows(self, bytes_per_pixel: int = 0) -> list[Window]:
        """Cut the chunk into windows of whole blocks that fit the memory.

        Blocks too large for it are halved down to those that results are written in: a file written in parts of its
        blocks may have to compress a block again, in another place, and grows. Windows that a group insists on are the
        same whatever the memory.

        Args:
            bytes_per_pixel: what the work needs per pixel besides what is read.

        Raises:
            InputError: the windows that a group insists on do not fit the memory.
        """
        window = self.chunk_input.chunk.window
        n_pixels = max(1, int(self.memory * WINDOW_SHARE / (self.bytes_per_pixel + bytes_per_pixel)))
        if fixed := min((group.window_pixels for group in self.chunk_input.groups if group.window_pixels), default=0):
            # Along the blocks of all bands, whichever are read: the extraction has the windows of the classification.
            (rows, columns), origin = self._layout()
            windows = split(window, (rows, columns), origin, min(fixed, window.n_pixels))
            largest = max(piece.grown(self.margin).n_pixels for piece in windows)
            if largest > n_pixels:
                needed = largest * (self.bytes_per_pixel + bytes_per_pixel) / WINDOW_SHARE
                raise InputError(
                    f"chunk {self.chunk_input.chunk.unit}: a window of {largest} pixels takes "
                    f"{needed / 1e6:.0f} MB, there are {self.memory / 1e6:.0f} MB for a task",
                    hint="give more with --memory, or cut smaller chunks (python_data_managing.number_of_chunks)",
                )
            return windows
        rows, columns, origin = self._blocks()
        while rows * columns > n_pixels and min(rows, columns) >= BLOCK < max(rows, columns):
            rows, columns = (rows // 2, columns) if rows >= columns else (rows, columns // 2)
        return split(window, (rows, columns), origin, n_pixels)

    def _blocks(self) -> tuple[int, int, tuple[int, int]]:
        """Rows and columns of the blocks of the finest sensor that is read, and where they start."""
        if not self.series:
            (rows, columns), origin = self._layout()
            return rows, columns, origin
        finest = min(self.series, key=lambda one: min(one.sensor.band(band).resolution for band in one.bands))
        return *finest.block_shape, finest.origin

    def _layout(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(rows, columns) of the blocks of all bands of a product, and where they start."""
        layout, chunk = self.chunk_input.layout, self.chunk_input.chunk
        if layout is None:
            return (BLOCK, BLOCK), (chunk.window.column, chunk.window.row)
        with SeriesReader(layout.sensor, layout.products, self.chunk_input.grid, layout.bands) as reader:
            return reader.block_shape, reader.origin

    def read(self, window: Window) -> WindowData:
        """Read a window, with the margin that its groups need."""
        cubes = {reader.sensor.name: reader.read(window, self.margin) for reader in self.series}
        grown = window.grown(self.margin)
        rasters = {reader.raster.name: reader.read(grown) for reader in self.rasters}
        return WindowData(
            grid=self.chunk_input.grid,
            window=window,
            cubes=cubes,
            rasters=rasters,
            margin=self.margin,
            extent=self.chunk_input.extent,
            neighbours=functools.cache(lambda: self._read_neighbours(grown)),
            other_rasters=functools.cache(lambda name: self._read_other_rasters(grown, name)),
            costs=self.costs,
        )

    def _read_neighbours(self, window: Window) -> list[Mapping[str, Cube]]:
        """What other tiles have of a window: cubes per sensor of the part that each covers."""
        found: list[Mapping[str, Cube]] = []
        for other in self.chunk_input.neighbours:
            part = other.window.intersection(window)
            if part is None:
                continue
            if other.tile not in self._neighbours:
                self._neighbours[other.tile] = [
                    self._stack.enter_context(
                        SeriesReader(series.sensor, series.products, self.chunk_input.grid, series.bands)
                    )
                    for series in other.series
                ]
            found.append({reader.sensor.name: reader.read(part) for reader in self._neighbours[other.tile]})
        return found

    def _read_other_rasters(self, window: Window, name: str) -> list[tuple[Window, NDArray[np.float32]]]:
        """What other tiles have of a raster of the user in a window: the part that each covers, and its numbers."""
        found = []
        for other in self.chunk_input.neighbours:
            part = other.window.intersection(window)
            raster = next((raster for raster in other.rasters if raster.name == name), None)
            if part is None or raster is None:
                continue
            key = other.tile, name
            if key not in self._other_rasters:
                self._other_rasters[key] = self._stack.enter_context(RasterReader(raster, self.chunk_input.grid))
            found.append((part, self._other_rasters[key].read(part)))
        return found

    def compute(
        self, data: WindowData, rows: slice, wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Features of the wanted pixels of some rows of a window, all groups side by side.

        Args:
            data: the window as it was read.
            rows: rows of the window.
            wanted: (rows, columns) which pixels of these rows.

        Returns:
            (n_wanted, n_features) float32, and (n_wanted,) whether the pixel is valid in every group.
        """
        arrays, valid = [], np.ones(int(wanted.sum()), dtype=bool)
        for group in self.chunk_input.groups:
            features, is_valid = group.compute(data, rows, wanted)
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
