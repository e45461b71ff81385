"""What there is to work on: sensors, tiles, chunks, products and the features that are made of them.

Built anew from the configuration and the disk each time the chain is planned; the tables of `init` are written from it,
and the tasks of the later stages take their inputs from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from i2db.config.sensors import configured_sensors
from i2db.errors import InputError
from i2db.external.group import FunctionGroup
from i2db.facts import Facts
from i2db.finding import Finding, errors, summary
from i2db.raster.features import Feature, SensorFeatures
from i2db.raster.grid import Grid, Window
from i2db.raster.group import FeatureGroup, SensorGroup
from i2db.raster.read import SeriesReader
from i2db.raster.user_raster import UserRaster
from i2db.raster.windows import chunks as cut_chunks
from i2db.sample_table import TableColumns, TableGroup, table_columns
from i2db.sensors.declaration import Sensor
from i2db.sensors.product import Product
from i2db.series import SensorProducts, project_grid, scan_all, sensor_features, tile_windows
from i2db.user_functions import user_functions
from i2db.user_rasters import raster_group, user_rasters
from i2db.vector.points import DEGREES

if TYPE_CHECKING:
    from i2db.config.model import Chunking, Config


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSeries:
    """One sensor: its declaration, its products per tile, and the features made of them."""

    sensor: Sensor
    products: Mapping[str, tuple[Product, ...]]
    features: SensorFeatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a tile: what one task works on."""

    tile: str
    number: int
    window: Window

    @property
    def unit(self) -> str:
        """Its name as the unit of a task."""
        return f"{self.tile}-{self.number:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Grid, tiles from north-west, their chunks, and the sensors in the order of their features."""

    grid: Grid
    tiles: Mapping[str, Window]
    chunks: tuple[Chunk, ...]
    series: tuple[SensorSeries, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    #: The user's rasters of each tile.
    rasters: Mapping[str, tuple[UserRaster, ...]]
    #: The user's functions, and whether they stand beside the sensors' features or in their place.
    functions: FunctionGroup | None = None
    concatenates: bool = True
    #: Where the features lie in the table of labelled series, if the ground truth is one.
    table: TableColumns | None = None

    @property
    def extent(self) -> Window:
        """The smallest window that holds all tiles."""
        windows = list(self.tiles.values())
        extent = windows[0]
        for window in windows[1:]:
            extent = extent.union(window)
        return extent

    @property
    def groups(self) -> tuple[FeatureGroup, ...]:
        """All that a model is given, group by group, in the order of its features."""
        if self.table is not None and not self.series:
            return (TableGroup(self.table.features),)
        if self.functions is not None and not self.concatenates:
            return (self.functions,)
        of_user = raster_group(self.rasters.values())
        groups = [*(SensorGroup(series.features) for series in self.series), of_user, self.functions]
        return tuple(group for group in groups if group is not None)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features of all groups, in the order in which a model takes them."""
        return tuple(feature for group in self.groups for feature in group.features)

    def earlier_tiles(self, tile: str) -> list[str]:
        """Tiles that come before one and overlap it: where they have data the pixels are theirs."""
        names = list(self.tiles)
        return [name for name in names[: names.index(tile)] if self.tiles[name].intersection(self.tiles[tile])]


def build_scene(config: Config, facts: Facts, *, refresh: bool = False) -> Scene:
    """Look at the disk and settle grid, tiles, chunks and dates.

    Raises:
        InputError: products are missing or incomplete; the message lists all of them.
        ConfigError: the products disagree on the projection and none is given.
    """
    if config.sample_table.is_used and not configured_sensors(config):
        return _scene_of_table(config)
    found: list[Finding] = []
    scanned = scan_all(config, facts, found)
    if problems := errors(found):
        raise InputError(
            f"{len(problems)} problems with the products:\n{summary(problems)}",
            hint="`i2db check` looks at everything at once",
        )
    grid = project_grid(config, scanned)
    tiles = _within_window(config, grid, tile_windows(grid, scanned), facts)
    notes: list[str] = []
    series = sensor_series(config, scanned, facts, notes, refresh=refresh)
    pieces = _chunks(config, grid, tiles, series, facts)
    rasters = user_rasters(config, grid, tiles)
    functions = user_functions(config, series, list(tiles), rasters, notes)
    scene = Scene(
        grid=grid,
        tiles=tiles,
        chunks=pieces,
        series=series,
        findings=tuple(found),
        notes=tuple(notes),
        rasters=rasters,
        functions=functions,
        concatenates=config.external_features.concat_mode,
    )
    return replace(scene, table=table_columns(config, scene.groups)) if config.sample_table.is_used else scene


def sensor_series(
    config: Config, scanned: Sequence[SensorProducts], facts: Facts, notes: list[str], *, refresh: bool = False
) -> tuple[SensorSeries, ...]:
    """The sensors with the features that are made of their products."""
    return tuple(
        SensorSeries(
            sensor=one.sensor,
            products=one.products,
            features=sensor_features(config, one, facts, notes, refresh=refresh),
        )
        for one in scanned
    )


def _scene_of_table(config: Config) -> Scene:
    """A table of labelled series without images: no tile, no chunk, and its own features."""
    crs = config.chain.proj or config.chain.ground_truth_proj or DEGREES
    grid = Grid(crs=crs, resolution_x=1.0, resolution_y=1.0)
    return Scene(
        grid=grid, tiles={}, chunks=(), series=(), findings=(), notes=(), rasters={}, table=table_columns(config, ())
    )


def survey(config: Config) -> tuple[Grid, dict[str, Window]]:
    """The grid and the whole tiles, from north-west, as the products on disk have them.

    Raises:
        InputError: products are missing or incomplete.
        ConfigError: the products disagree on the projection and none is given.
    """
    grid, tiles, _ = _surveyed(config)
    return grid, tiles


def survey_sensors(config: Config) -> tuple[Grid, dict[str, Window], tuple[SensorSeries, ...]]:
    """The same, and the sensors with their features at the dates that the output folder has settled, if it has.

    Raises:
        InputError: products are missing or incomplete.
        ConfigError: the products disagree on the projection and none is given, or there is no date.
    """
    grid, tiles, scanned = _surveyed(config)
    return grid, tiles, sensor_series(config, scanned, Facts.load(config.chain.output_path), [])


def _surveyed(config: Config) -> tuple[Grid, dict[str, Window], tuple[SensorProducts, ...]]:
    found: list[Finding] = []
    scanned = scan_all(config, None, found)
    if problems := errors(found):
        raise InputError(f"{len(problems)} problems with the products:\n{summary(problems)}")
    grid = project_grid(config, scanned)
    return grid, tile_windows(grid, scanned), scanned


def _within_window(config: Config, grid: Grid, tiles: Mapping[str, Window], facts: Facts) -> dict[str, Window]:
    """With chain.window: only a square of so many pixels, where the most classes and polygons are; settled once."""
    size = config.chain.window
    if size is None:
        return dict(tiles)
    basis = [size, *grid.identity, sorted(tiles)]
    settled = facts.settled("window", basis)
    if settled is None:
        richest = _richest_square(config, grid, tiles, size)
        settled = facts.settle("window", basis, [richest.column, richest.row, richest.n_columns, richest.n_rows])
    cut = {name: window.intersection(Window(*settled)) for name, window in tiles.items()}
    return {name: window for name, window in cut.items() if window is not None}


def _richest_square(config: Config, grid: Grid, tiles: Mapping[str, Window], size: int) -> Window:
    """The square, in steps of half its side, with the most classes and then the most polygons of the ground truth."""
    import numpy as np

    from i2db.vector.layer import column, read_layer, to_projection

    path = config.chain.labelled_file
    frame, _ = to_projection(
        read_layer(path, "ground truth", config.chain.ground_truth_proj), grid.crs, path, "ground truth"
    )
    labels = column(frame, config.chain.label_field, path, "chain.data_field").astype(str).to_numpy()
    points = frame.geometry.representative_point()
    columns = np.floor(grid.column_of(points.x.to_numpy()))
    rows = np.floor(grid.row_of(points.y.to_numpy()))
    step = max(2, size // 2)
    held: dict[tuple[int, int], list[int]] = {}
    for tile in tiles.values():
        last = ((tile.n_columns - size) // step, (tile.n_rows - size) // step)
        inside = (columns >= tile.column) & (columns < tile.column_end) & (rows >= tile.row) & (rows < tile.row_end)
        for i in np.flatnonzero(inside):
            across, down = int(columns[i] - tile.column) // step, int(rows[i] - tile.row) // step
            for x in {max(0, min(across - 1, last[0])), max(0, min(across, last[0]))}:
                for y in {max(0, min(down - 1, last[1])), max(0, min(down, last[1]))}:
                    corner = (tile.column + x * step, tile.row + y * step)
                    if columns[i] < corner[0] + size and rows[i] < corner[1] + size:
                        held.setdefault((corner[1], corner[0]), []).append(int(i))
    if not held:
        raise InputError(f"no window of {size} pixels holds any ground truth", hint="take a larger chain.window")
    row, left = max(sorted(held), key=lambda corner: (len(set(labels[held[corner]])), len(held[corner])))
    return Window(left, row, size, size)


def _chunks(
    config: Config, grid: Grid, tiles: Mapping[str, Window], series: Sequence[SensorSeries], facts: Facts
) -> tuple[Chunk, ...]:
    """Chunks of every tile, in whole blocks of the files; settled once, so that nothing moves when the files change."""
    chunking = config.python_data_managing.chunking
    basis = repr(chunking)
    pieces = []
    for tile, window in tiles.items():
        known = [window.column, window.row, window.n_columns, window.n_rows]
        # The finest sensor's blocks: cut across them, reading costs most.
        first = min(series, key=lambda one: min(band.resolution for band in one.sensor.bands))
        with SeriesReader(first.sensor, first.products[tile][:1], grid) as reader:
            block, origin, fine_rows = reader.block_shape, reader.origin, reader.fine_block_rows
        cut = cut_chunks(
            window,
            block,
            origin,
            **(_chunk_options(chunking) or {"mode": "derived", "fine_rows": fine_rows}),
        )
        answer = [[w.column, w.row, w.n_columns, w.n_rows] for w in cut]
        settled = facts.settle(f"chunks {tile}", [basis, known, *grid.identity], answer)
        pieces += [Chunk(tile=tile, number=i, window=Window(*numbers)) for i, numbers in enumerate(settled)]
    return tuple(pieces)


def _chunk_options(chunking: Chunking | None) -> dict[str, Any]:
    """How the user wants tiles cut, as `raster.windows.chunks` takes it; empty where it is left to us."""
    if chunking is None:
        return {}
    if chunking.size is not None:
        return {"mode": "user_fixed", "size_x": chunking.size[0], "size_y": chunking.size[1]}
    return {"mode": "split_number", "number": chunking.n_chunks}
