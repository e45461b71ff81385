"""Elevation, slope and aspect of every tile from elevation models of any projection, for the user's rasters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ConfigError, InputError
from i2db.files import clean_temporaries
from i2db.projection import spoken
from i2db.raster.grid import Grid, Window
from i2db.raster.terrain import MARGIN, aspect, eastness, fill_margin, is_metric, northness, slope
from i2db.raster.user_raster import RasterReader, UserRaster
from i2db.raster.windows import split
from i2db.raster.write import BLOCK, raster_sink

#: What gdaldem writes where it has no data.
NODATA = -9999.0
#: Pixels computed together.
WINDOW_PIXELS = 2048 * BLOCK

#: File names by measure, as the labwork's patterns have them.
MEASURES = ("mnt", "pente", "aspect", "northness", "eastness")


def write_terrain(
    models: Sequence[Path],
    grid: Grid,
    tiles: Mapping[str, Window],
    folder: Path,
    *,
    measures: Sequence[str] = ("mnt", "pente", "aspect"),
    flat_is_nodata: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write `<folder>/<tile>/<measure>.tif` for every tile and measure, float32 on the grid; older ones are replaced.

    The models are mosaicked (the first has the pixel where several have data) and brought to the grid by cubic
    interpolation; slope (`pente`, degrees) and aspect (degrees clockwise from north) are computed there in metres, over
    the edges of the tiles. Flat pixels have aspect 0, or no data with `flat_is_nodata`, as gdaldem has it: a classifier
    can do nothing with a pixel without data.

    Args:
        told: is given a line about each tile that the models do not cover.

    Returns:
        The files.

    Raises:
        ConfigError: an unknown measure, or a grid that is not in metres.
        InputError: a model cannot be read, or covers nothing of a tile.
    """
    unknown = [name for name in measures if name not in MEASURES]
    if unknown or not measures:
        raise ConfigError(f"there is no measure {', '.join(unknown) or '(none)'}", hint=f"known: {', '.join(MEASURES)}")
    if not is_metric(grid.crs):
        raise ConfigError(
            f"the grid is in {spoken(grid.crs)}, which is not in metres: slopes need metres on both axes",
            hint="set chain.proj to a projection in metres, e.g. the UTM zone of the tiles",
        )
    model = UserRaster(name="dem", paths=tuple(str(path) for path in models), n_bands=1)
    written: list[Path] = []
    with RasterReader(model, grid) as reader:
        for tile, window in tiles.items():
            place = folder / tile
            place.mkdir(parents=True, exist_ok=True)
            clean_temporaries(place)
            paths = {name: place / f"{name}.tif" for name in measures}
            share = _write_tile(reader, grid, window, paths, flat_is_nodata)
            if share == 0:
                for path in paths.values():
                    path.unlink(missing_ok=True)
                listing = ", ".join(model.paths)
                raise InputError(f"{listing}: no data over tile {tile}", hint="give models that cover all tiles")
            if share < 1:
                told(f"{tile}: {100 * share:.2f} % of its pixels have an elevation")
            written += paths.values()
    return written


def _write_tile(
    reader: RasterReader, grid: Grid, tile: Window, paths: Mapping[str, Path], flat_is_nodata: bool
) -> float:
    """Write the measures of a tile; the share of its pixels that have an elevation."""
    n_known = 0
    with ExitStack() as stack:
        sinks = {
            name: stack.enter_context(
                raster_sink(path, grid, tile, n_bands=1, dtype=np.float32, nodata=NODATA, descriptions=[name])
            )
            for name, path in paths.items()
        }
        for window in split(tile, (BLOCK, BLOCK), (tile.column, tile.row), WINDOW_PIXELS):
            elevation = reader.read(window.grown(MARGIN))[0]
            _continue_beyond(elevation, window, tile)
            n_known += int(np.isfinite(elevation[MARGIN:-MARGIN, MARGIN:-MARGIN]).sum())
            for name, sink in sinks.items():
                numbers = _measure(name, elevation, grid, flat_is_nodata)
                sink.write(np.where(np.isfinite(numbers), numbers, np.float32(NODATA)), window)
    return n_known / tile.n_pixels


def _continue_beyond(elevation: NDArray[np.float32], window: Window, tile: Window) -> None:
    """At edges of the tile beyond which the models have nothing, go on in a straight line, as gdaldem's edges do."""
    fill_margin(
        elevation,
        north=window.row == tile.row and bool(np.isnan(elevation[0]).all()),
        south=window.row_end == tile.row_end and bool(np.isnan(elevation[-1]).all()),
        west=window.column == tile.column and bool(np.isnan(elevation[:, 0]).all()),
        east=window.column_end == tile.column_end and bool(np.isnan(elevation[:, -1]).all()),
    )


def _measure(name: str, elevation: NDArray[np.float32], grid: Grid, flat_is_nodata: bool) -> NDArray[np.float32]:
    size = grid.resolution_x, grid.resolution_y
    if name == "mnt":
        return elevation[MARGIN:-MARGIN, MARGIN:-MARGIN]
    if name == "pente":
        return slope(elevation, *size)
    if name == "aspect":
        return aspect(elevation, *size, zero_for_flat=not flat_is_nodata)
    return northness(elevation, *size) if name == "northness" else eastness(elevation, *size)
