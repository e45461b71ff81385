"""Layers of a cube as the kernels take them, and bands as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError
from i2db.raster.cube import Cube, Layers
from i2db.raster.flags import NODATA, OUTSIDE
from i2db.raster.resample import Source, TapPair, layer_taps, load_row


def sources_of(cube: Cube, bands: Sequence[str]) -> tuple[tuple[Source, ...], tuple[TapPair, ...]]:
    """The layers of some bands, with the taps of rows and columns for those that are interpolated.

    Raises:
        ContractError: the cube was read without one of the bands.
    """
    found: tuple[tuple[Source, ...], tuple[TapPair, ...]] | None = cube.prepared.get(tuple(bands))
    if found is not None:
        return found
    missing = [band for band in bands if band not in cube.bands]
    if missing:
        raise ContractError(f"the cube was read without band {missing[0]}")
    places = {cube.bands.index(band): place for place, band in enumerate(bands)}
    sources = tuple(_source(layers, places) for layers in cube.layers)
    taps = tuple(layer_taps(layers, cube.window) for layers in cube.layers)
    cube.prepared[tuple(bands)] = sources, taps
    return sources, taps


def _source(layers: Layers, places: dict[int, int]) -> Source:
    band = np.array([places.get(int(number), -1) for number in layers.band], dtype=np.int64)
    return Source(
        numbers=layers.numbers,
        chosen=np.flatnonzero(band >= 0),
        product=layers.product,
        band=band,
        calibration=np.stack([layers.scale, layers.offset, layers.nodata], axis=1),
        is_incomplete=layers.is_incomplete,
        factor=layers.factor,
    )


def band_series(cube: Cube, band: str) -> NDArray[np.float32]:
    """One band of a cube as reflectances x 10000: (products, rows, columns), NaN where it has no data.

    Products are those of `cube.first_product`; clouds are not masked (`cube.masks` knows them).
    """
    sources, all_taps = sources_of(cube, [band])
    n_rows, n_columns = cube.window.shape
    series = np.zeros((cube.n_products, 1, n_columns), dtype=np.float32)
    result = np.empty((cube.n_products, n_rows, n_columns), dtype=np.float32)
    for row in range(n_rows):
        flags = cube.flags[:, row].copy()
        for source, (row_taps, column_taps) in zip(sources, all_taps, strict=True):
            load_row(source, row_taps, column_taps, row, 0, n_columns, OUTSIDE, series, flags)
        result[:, row] = np.where(flags & (NODATA | OUTSIDE), np.nan, series[:, 0])
    return result
