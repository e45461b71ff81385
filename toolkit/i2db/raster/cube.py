"""What a reader returns: the native numbers of a window for all products, and its masks."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.raster.flags import OUTSIDE
from i2db.raster.grid import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskCube:
    """Validity of a window, date by date; products of one day are combined: valid where one of them is."""

    window: Window
    dates: tuple[datetime.date, ...]
    #: (dates, rows, columns): 0 valid, 1 invalid (clouds, shadows, saturation, not acquired).
    invalid: NDArray[np.uint8]
    #: (dates, rows, columns): within the swath and the files, clear or not.
    acquired: NDArray[np.bool_]

    @property
    def footprint(self) -> NDArray[np.bool_]:
        """(rows, columns): acquired on at least one date."""
        footprint: NDArray[np.bool_] = np.logical_or.reduce(self.acquired, axis=0)
        return footprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Rasters of one geometry and type: each is one band of one product, as its file holds it.

    With `factor` 1 they cover the cube's window; with a greater one they are to be interpolated, and cover what the
    cubic kernel needs for it.
    """

    #: (layers, rows, columns).
    numbers: NDArray[Any]
    #: Product and band of each layer, as places in the cube's lists.
    product: NDArray[np.int64]
    band: NDArray[np.int64]
    #: reflectance x 10000 = number * scale + offset, per layer.
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]
    #: The number that means no data, per layer; NaN where there is none. NaN itself always means no data.
    nodata: NDArray[np.float32]
    #: (layers, rows): whether a row lacks data somewhere.
    is_incomplete: NDArray[np.bool_]
    factor: int
    #: Grid pixels that the whole files cover, and the file pixel at [0, 0] of the rasters (for factors above 1).
    extent: Window
    first_row: int
    first_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cube:
    """A window of a time series, in the numbers of the files: bounded by the window, nothing interpolated yet."""

    window: Window
    dates: tuple[datetime.date, ...]
    bands: tuple[str, ...]
    #: Products of date t are those from first_product[t] up to first_product[t + 1], by name.
    first_product: NDArray[np.int64]
    #: (products, rows, columns): what `i2db.raster.flags` says.
    flags: NDArray[np.uint8]
    #: All of one pixel type.
    layers: tuple[Layers, ...]
    #: What the kernels need per choice of bands, kept for the next rows.
    prepared: dict[tuple[str, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def n_products(self) -> int:
        """Number of products, at least that of dates."""
        return int(self.flags.shape[0])

    @property
    def masks(self) -> MaskCube:
        """Validity by date, from the masks alone: nodata of the bands is not in it."""
        return combined(self.window, self.dates, self.first_product, self.flags)

    @property
    def n_bytes(self) -> int:
        """Memory of its arrays."""
        return int(self.flags.nbytes + sum(layers.numbers.nbytes for layers in self.layers))


def combined(
    window: Window, dates: tuple[datetime.date, ...], first_product: NDArray[np.int64], flags: NDArray[np.uint8]
) -> MaskCube:
    """The masks by date of flags by product (products, rows, columns); products are grouped by `first_product`."""
    invalid = np.empty((len(dates), *window.shape), dtype=np.uint8)
    acquired = np.empty((len(dates), *window.shape), dtype=np.bool_)
    for place in range(len(dates)):
        group = flags[first_product[place] : first_product[place + 1]]
        (group != 0).all(axis=0, out=invalid[place].view(np.bool_))
        ((group & OUTSIDE) == 0).any(axis=0, out=acquired[place])
    return MaskCube(window=window, dates=dates, invalid=invalid, acquired=acquired)
