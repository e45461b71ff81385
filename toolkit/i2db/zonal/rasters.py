"""The bands that zones are laid over, each on the grid of its own file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ConfigError, InputError
from i2db.raster.grid import Window
from i2db.raster.tally import NO_CODE

#: Types of pixels that codes of 32 bits hold.
_CODE_TYPES = frozenset({"uint8", "int8", "uint16", "int16", "int32"})

#: How exactly the classes of a raster in another grid are placed, in pixels of the band they are brought to.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Frame:
    """The grid of a file: projection (WKT), affine coefficients (a, b, c, d, e, f), size, (rows, columns) of blocks."""

    crs: str
    transform: tuple[float, float, float, float, float, float]
    n_columns: int
    n_rows: int
    block_shape: tuple[int, int]

    @property
    def window(self) -> Window:
        """All its pixels; columns and rows count from the file's first."""
        return Window(0, 0, self.n_columns, self.n_rows)

    def place(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional columns and rows of points in map units."""
        a, b, c, d, e, f = self.transform
        determinant = a * e - b * d
        dx, dy = x - c, y - f
        return (e * dx - b * dy) / determinant, (a * dy - d * dx) / determinant


@dataclass(frozen=True, slots=True)
class Band:
    """One band.

    Attributes:
        number: over the bands of all rasters, from 1.
        path, index: the file, and which of its bands, from 1.
        frame: the file's grid, without its blocks two files are on one grid when they are equal.
        nodata: numbers that are no data: what the file declares, and what the user says.
        has_mask: whether the file has a mask or an alpha band beside.
        kind: type of the pixels, as numpy names it.
    """

    number: int
    path: Path
    index: int
    frame: Frame
    nodata: tuple[float, ...]
    has_mask: bool
    kind: str

    @property
    def is_integer(self) -> bool:
        """Whether pixels are whole numbers by their type."""
        return np.dtype(self.kind).kind in "ui"

    @property
    def fits_codes(self) -> bool:
        """Whether every pixel can be a code of 32 bits, by its type."""
        return self.kind in _CODE_TYPES


def open_bands(paths: Sequence[Path], nodata: float | None) -> list[Band]:
    """All bands of some rasters in their order; `nodata` is no data beside what the files declare.

    Raises:
        ConfigError: no raster is given.
        InputError: a raster is missing, unreadable, without projection or georeference, or complex.
    """
    import rasterio
    from rasterio.enums import MaskFlags
    from rasterio.errors import RasterioIOError

    if not paths:
        raise ConfigError("no raster is given")
    bands: list[Band] = []
    for path in paths:
        try:
            dataset = rasterio.open(path)
        except RasterioIOError as error:
            reason = "does not exist" if not Path(path).exists() else f"cannot be read: {error}"
            raise InputError(f"raster {path} {reason}") from error
        with dataset:
            frame = _frame(dataset, path)
            for i, kind in enumerate(dataset.dtypes):
                if np.dtype(kind).kind not in "uif":
                    raise InputError(f"raster {path}, band {i + 1}: pixels of type {kind} have no statistics")
                flags = dataset.mask_flag_enums[i]
                numbers = {dataset.nodatavals[i], nodata} - {None}
                bands.append(
                    Band(
                        number=len(bands) + 1,
                        path=Path(path),
                        index=i + 1,
                        frame=frame,
                        nodata=tuple(sorted(n for n in numbers if n is not None and not math.isnan(n))),
                        has_mask=MaskFlags.per_dataset in flags or MaskFlags.alpha in flags,
                        kind=str(kind),
                    )
                )
    return bands


def _frame(dataset: Any, path: Path) -> Frame:
    if dataset.crs is None:
        raise InputError(
            f"raster {path} does not say its projection", hint="assign one, e.g. with gdal_edit.py -a_srs EPSG:2154"
        )
    if dataset.transform.is_identity:
        raise InputError(
            f"raster {path} does not say where it lies", hint="it has no georeference: gdal_edit.py -a_ullr"
        )
    return Frame(
        crs=dataset.crs.to_wkt(),
        transform=tuple(dataset.transform)[:6],
        n_columns=dataset.width,
        n_rows=dataset.height,
        block_shape=dataset.block_shapes[0],
    )


def is_same_grid(one: Frame, other: Frame) -> bool:
    """Whether pixels of two files are the same places."""
    return (one.crs, one.transform, one.n_columns, one.n_rows) == (
        other.crs,
        other.transform,
        other.n_columns,
        other.n_rows,
    )


class Rasters:
    """Open files of a worker; use it as a context manager."""

    def __init__(self) -> None:
        self._datasets: dict[Path, Any] = {}

    def __enter__(self) -> Rasters:
        return self

    def __exit__(self, *_: object) -> None:
        for dataset in self._datasets.values():
            dataset.close()
        self._datasets.clear()

    def _dataset(self, path: Path) -> Any:
        import rasterio
        from rasterio.errors import RasterioIOError

        if path not in self._datasets:
            try:
                self._datasets[path] = rasterio.open(path)
            except RasterioIOError as error:
                raise InputError(f"raster {path} cannot be read: {error}") from error
        return self._datasets[path]

    def numbers(self, band: Band, window: Window) -> NDArray[np.float64]:
        """A band's pixels, (rows, columns) of the window; NaN is no data."""
        raw, is_missing = self._read(self._dataset(band.path), band, window)
        numbers = raw.astype(np.float64)
        numbers[is_missing] = np.nan
        return numbers

    def codes(self, band: Band, window: Window, frame: Frame) -> NDArray[np.int32]:
        """A band's pixels as codes, (rows, columns) of a window of `frame`, its own grid or another; NO_CODE: no data.

        In another grid a pixel has the code of the pixel that its centre lies in.

        Raises:
            InputError: pixels are no codes: not whole, or beyond 32 bits.
        """
        dataset = self._dataset(band.path)
        if is_same_grid(band.frame, frame):
            raw, is_missing = self._read(dataset, band, window)
        else:
            raw, is_missing = _warped(dataset, band, window, frame)
        if raw.dtype.kind == "f":
            is_missing = is_missing | np.isnan(raw)
        if not band.fits_codes:
            whole = raw[~is_missing]
            odd = whole[(whole != np.floor(whole)) | (np.abs(whole.astype(np.float64)) > np.iinfo(np.int32).max)]
            if odd.size:
                raise InputError(
                    f"raster {band.path}, band {band.index}: {odd[0]:g} is no class code",
                    hint="rate wants a raster of classes; for numbers ask for stats, median, ...",
                )
            raw = np.where(is_missing, 0, raw)
        codes: NDArray[np.int32] = raw.astype(np.int32)
        codes[is_missing] = NO_CODE
        return codes

    def _read(self, dataset: Any, band: Band, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        from rasterio.errors import RasterioIOError
        from rasterio.windows import Window as Part

        part = Part(window.column, window.row, window.n_columns, window.n_rows)
        try:
            raw = dataset.read(band.index, window=part)
            mask = dataset.read_masks(band.index, window=part) if band.has_mask else None
        except RasterioIOError as error:
            raise InputError(f"raster {band.path} cannot be read: {error}") from error
        return raw, _missing(raw, band.nodata, mask)


def _missing(raw: NDArray[Any], nodata: Sequence[float], mask: NDArray[Any] | None) -> NDArray[np.bool_]:
    is_missing = np.zeros(raw.shape, dtype=bool) if mask is None else mask == 0
    for number in nodata:
        # As the file's own type holds it: -3.4e38 is another number in 32 bits than in 64.
        if raw.dtype.kind == "f":
            is_missing |= raw == raw.dtype.type(number)
        elif float(number).is_integer() and np.iinfo(raw.dtype).min <= number <= np.iinfo(raw.dtype).max:
            is_missing |= raw == raw.dtype.type(int(number))
    return is_missing


def _warped(dataset: Any, band: Band, window: Window, frame: Frame) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The codes of a band in another grid, by nearest neighbour, and where it has none."""
    from affine import Affine
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT
    from rasterio.windows import Window as Part

    part = Part(window.column, window.row, window.n_columns, window.n_rows)
    with WarpedVRT(
        dataset,
        crs=frame.crs,
        transform=Affine(*frame.transform),
        width=frame.n_columns,
        height=frame.n_rows,
        resampling=Resampling.nearest,
        tolerance=_TOLERANCE,
        add_alpha=not band.has_mask,
        src_nodata=None,
        nodata=None,
    ) as warped:
        raw = warped.read(band.index, window=part)
        mask = warped.dataset_mask(window=part) if band.has_mask else warped.read(dataset.count + 1, window=part)
    return raw, _missing(raw, band.nodata, mask)
