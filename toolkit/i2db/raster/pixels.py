"""Pixels of a cube as reflectances x 10000 (float32), a few hundred at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError
from i2db.raster.cube import Cube, Layers
from i2db.raster.flags import NODATA
from i2db.raster.gapfill import day_numbers
from i2db.raster.grid import Window
from i2db.raster.resample import (
    Block,
    Source,
    Taps,
    layer_taps,
    load_block,
    load_block_cubic,
    load_pixels,
    load_pixels_cubic,
)


class PixelLoader:
    """Loads some bands of a cube into arrays that it uses again: what one call returned, the next overwrites."""

    def __init__(self, cube: Cube, bands: Sequence[str], most_pixels: int) -> None:
        """Prepare the loading of some bands for up to `most_pixels` at once.

        Raises:
            ContractError: the cube was read without one of the bands.
        """
        missing = [band for band in bands if band not in cube.bands]
        if missing:
            raise ContractError(f"the cube was read without band {missing[0]}")
        self.first_product = cube.first_product
        self.days = day_numbers(cube.dates).astype(np.float64)
        self._flags = cube.flags
        self._sources = [_source(cube, layers, bands) for layers in cube.layers]
        # Layers that lie wholly beyond their file are not in the cube: what is loaded of them is 0 and flagged.
        self._reflectance = np.zeros((most_pixels, cube.n_products, len(bands)), dtype=np.float32)
        self._block_flags = np.zeros((most_pixels, cube.n_products), dtype=np.uint8)

    def block(self, place: Window) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Reflectances (pixels, products, bands) and flags (pixels, products) of a block of the cube's window.

        `place` counts columns and rows from the window's north-west; pixels are row-major.
        """
        n = place.n_pixels
        reflectance, flags = self._reflectance, self._block_flags
        part = self._flags[:, place.row : place.row_end, place.column : place.column_end]
        flags[:n] = part.reshape(len(part), n).T
        where = Block(place.row, place.n_rows, place.column, place.n_columns)
        for source, taps in self._sources:
            if taps is None:
                load_block(source, where, reflectance, flags)
            else:
                load_block_cubic(source, *taps, where, reflectance, flags)
        return reflectance, flags

    def pixels(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """As `block`, for single pixels by row and column of the cube's window."""
        reflectance, flags = self._reflectance, self._block_flags
        flags[: len(rows)] = self._flags[:, rows, columns].T
        for source, taps in self._sources:
            if taps is None:
                load_pixels(source, rows, columns, reflectance, flags)
            else:
                load_pixels_cubic(source, *taps, rows, columns, reflectance, flags)
        return reflectance, flags


def _source(cube: Cube, layers: Layers, bands: Sequence[str]) -> tuple[Source, tuple[Taps, Taps] | None]:
    """Layers of some bands as the kernels take them, with the taps of rows and columns where they are interpolated."""
    places = {cube.bands.index(band): place for place, band in enumerate(bands)}
    band = np.array([places.get(int(number), -1) for number in layers.band], dtype=np.int64)
    source = Source(
        numbers=layers.numbers,
        chosen=np.flatnonzero(band >= 0),
        product=layers.product,
        band=band,
        calibration=np.stack([layers.scale, layers.offset, layers.nodata], axis=1),
        factor=layers.factor,
    )
    return source, layer_taps(layers, cube.window) if layers.factor > 1 else None


def band_series(cube: Cube, band: str) -> NDArray[np.float32]:
    """One band of a cube as reflectances x 10000: (products, rows, columns), NaN where it has no data.

    Products are those of `cube.first_product`; clouds are not masked (`cube.masks` knows them).
    """
    n_rows, n_columns = cube.window.shape
    loader = PixelLoader(cube, [band], n_columns)
    series = np.empty((cube.n_products, n_rows, n_columns), dtype=np.float32)
    for row in range(n_rows):
        reflectance, flags = loader.block(Window(0, row, n_columns, 1))
        numbers = np.where(flags & NODATA, np.nan, reflectance[:, :, 0])
        series[:, row] = numbers.T
    return series
