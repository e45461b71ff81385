"""Rasters of the user - elevation, soils, climate - aligned to the grid while they are read, whatever theirs is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.raster.features import Feature
from i2db.raster.grid import Grid, Window
from i2db.raster.group import PixelGroup, WindowData
from i2db.raster.open_files import allow_many, hint_of
from i2db.raster.placement import placement
from i2db.raster.warp import warp_numbers

Interpolator = Literal["nearest", "bilinear", "cubic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRaster:
    """One raster: a file, or several that lie side by side; where two have data the first has the pixel."""

    name: str
    paths: tuple[str, ...]
    n_bands: int
    interpolator: Interpolator = "cubic"
    #: Of the files: what a result changes with.
    fingerprint: str = ""


class Mosaic:
    """Open files with one projection and one lattice of pixels, read as one raster."""

    def __init__(self, datasets: Sequence[Any]) -> None:
        """Take datasets whose lattice is the same (`lattice` says which)."""
        from affine import Affine

        self._datasets = datasets
        first = datasets[0]
        self.crs = first.crs
        offsets = [_offset(dataset, first) for dataset in datasets]
        left, top = min(column for column, _ in offsets), min(row for _, row in offsets)
        self._places = [
            Window(column - left, row - top, dataset.width, dataset.height)
            for (column, row), dataset in zip(offsets, datasets, strict=True)
        ]
        self.width = max(place.column_end for place in self._places)
        self.height = max(place.row_end for place in self._places)
        self.transform = first.transform @ Affine.translation(left, top)

    def read(self, index: int, window: Window) -> NDArray[np.float32]:
        """Numbers of a band (rows, columns) of file pixels, NaN where no file has data; alpha is no band.

        Raises:
            InputError: a whole number that 32-bit floats would change.
        """
        from rasterio.windows import Window as FileWindow

        numbers = np.full(window.shape, np.nan, dtype=np.float32)
        for dataset, place in zip(self._datasets, self._places, strict=True):
            part = place.intersection(window)
            if part is None:
                continue
            inside = FileWindow(part.column - place.column, part.row - place.row, part.n_columns, part.n_rows)
            target = numbers[part.slices_in(window)]
            np.copyto(target, read_band(dataset, data_bands(dataset)[index - 1], inside), where=np.isnan(target))
        return numbers


def data_bands(dataset: Any) -> list[int]:
    """Numbers of the bands of an open dataset, from 1, less those that say how opaque the others are."""
    from rasterio.enums import ColorInterp

    return [
        i for i, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True) if meaning is not ColorInterp.alpha
    ]


def read_band(dataset: Any, index: int, window: Any) -> NDArray[np.float32]:
    """Numbers of a band (rows, columns) in a rasterio window; NaN where there is no data.

    That is where the band has its nodata number, the file's mask is 0, or it is fully transparent (alpha 0), and
    where a number is not finite.

    Raises:
        InputError: a whole number with data beyond 2^24 that 32-bit floats would change: codes would be mixed up.
    """
    found = dataset.read(index, window=window)
    is_missing = _is_missing(dataset, index, window, found)
    with np.errstate(over="ignore"):
        numbers: NDArray[np.float32] = found.astype(np.float32)
    if found.dtype.kind in "iu" and found.dtype.itemsize > 2:
        # The double of a 32-bit integer is exact, that of a 64-bit one beyond 2^53 is refused in any case.
        is_changed = (numbers.astype(np.float64) != found) | (np.abs(numbers) > 2.0**53)
        if (is_changed & ~is_missing).any():
            number = found[is_changed & ~is_missing][0]
            raise InputError(
                f"{dataset.name} holds {number} in band {index}, which a feature (a 32-bit float) cannot hold exactly: "
                "codes beyond 16777216 would be mixed up",
                hint="number the codes anew, from 1; write the raster as Float32 if they are measurements",
            )
    numbers[is_missing | ~np.isfinite(numbers)] = np.nan
    return numbers


def _is_missing(dataset: Any, index: int, window: Any, found: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a band of a file has no data, in the file's own type: (rows, columns)."""
    from rasterio.enums import MaskFlags

    nodata = dataset.nodatavals[index - 1]
    is_missing: NDArray[np.bool_] = np.zeros(found.shape, dtype=np.bool_) if nodata is None else found == nodata
    flags = dataset.mask_flag_enums[index - 1]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        is_missing |= dataset.read_masks(index, window=window) == 0
    # Of nodata and alpha GDAL's mask knows only the first.
    for place in set(dataset.indexes) - set(data_bands(dataset)):
        is_missing |= dataset.read(place, window=window) == 0
    return is_missing


def _offset(dataset: Any, first: Any) -> tuple[int, int]:
    column, row = ~first.transform @ (dataset.transform.c, dataset.transform.f)
    return round(column), round(row)


def lattice(dataset: Any) -> tuple[Any, ...]:
    """What files of one mosaic share: projection, pixel size, and where between whole pixels their corner lies."""
    t = dataset.transform
    phase = [round(place / size % 1.0, 3) % 1.0 for place, size in ((t.c, t.a), (t.f, t.e))]
    return str(dataset.crs), round(t.a, 9), t.b, t.d, round(t.e, 9), *phase


class RasterReader:
    """Reads windows of a user's raster in the grid; a context manager, in one thread."""

    def __init__(self, raster: UserRaster, grid: Grid) -> None:
        """Prepare the reading; nothing is opened yet."""
        self.raster = raster
        self.grid = grid
        self._stack = contextlib.ExitStack()
        self._mosaics: list[Mosaic] = []

    def __enter__(self) -> RasterReader:
        allow_many()
        groups: dict[tuple[Any, ...], list[Any]] = {}
        for path in self.raster.paths:
            dataset = self._stack.enter_context(open_raster(path))
            groups.setdefault(lattice(dataset), []).append(dataset)
        self._mosaics = [Mosaic(datasets) for datasets in groups.values()]
        return self

    def __exit__(self, *_: object) -> None:
        self._mosaics.clear()
        self._stack.close()

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of a window per pixel."""
        return 4 * self.raster.n_bands

    def read(self, window: Window) -> NDArray[np.float32]:
        """Numbers (bands, rows, columns) of a window, NaN where there is no data; the same whatever the window.

        Raises:
            InputError: a file cannot be read.
        """
        from rasterio.errors import RasterioError

        bands = np.full((self.raster.n_bands, *window.shape), np.nan, dtype=np.float32)
        for band in range(self.raster.n_bands):
            for mosaic in self._mosaics:
                if not np.isnan(bands[band]).any():
                    break
                try:
                    numbers = self._in_grid(mosaic, band + 1, window)
                except (RasterioError, OSError, IndexError) as error:
                    raise InputError(
                        f"raster {self.raster.name} cannot be read ({', '.join(self.raster.paths)}): {error}",
                        hint="make the file again, or leave it out of user_feat",
                    ) from error
                np.copyto(bands[band], numbers, where=np.isnan(bands[band]))
        return bands

    def _in_grid(self, mosaic: Mosaic, index: int, window: Window) -> NDArray[np.float32]:
        """A band in the grid: copied where the pixels are the grid's own, else warped."""
        place = placement(_Described(mosaic, self.raster.name), self.grid)
        if place.factor != 1:
            return warp_numbers(
                mosaic, lambda part: mosaic.read(index, part), self.grid, window, self.raster.interpolator
            )
        numbers = np.full(window.shape, np.nan, dtype=np.float32)
        part = place.window.intersection(window)
        if part is not None:
            native = Window(part.column - place.window.column, part.row - place.window.row, *part.shape[::-1])
            numbers[part.slices_in(window)] = mosaic.read(index, native)
        return numbers


class _Described:
    """A mosaic as `placement` takes a dataset."""

    def __init__(self, mosaic: Mosaic, name: str) -> None:
        from rasterio.coords import BoundingBox
        from rasterio.transform import array_bounds

        self.name, self.crs, self.transform = name, mosaic.crs, mosaic.transform
        self.width, self.height = mosaic.width, mosaic.height
        self.bounds = BoundingBox(*array_bounds(mosaic.height, mosaic.width, mosaic.transform))


def open_raster(path: str) -> Any:
    """An open dataset.

    Raises:
        InputError: it is no raster, or has no projection.
    """
    import rasterio
    from rasterio.errors import RasterioIOError

    try:
        # Files that lie beside products are not looked for while these are open; a raster's mask or projection may.
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="FALSE"):
            dataset = rasterio.open(path, sharing=False)
            _ = dataset.mask_flag_enums
    except RasterioIOError as error:
        hint = hint_of(error) or "mend the path, or give a raster that GDAL reads"
        raise InputError(f"{path} cannot be read: {error}", hint=hint) from error
    if dataset.crs is None:
        dataset.close()
        raise InputError(f"{path} has no projection", hint="assign it, e.g. with gdal_edit.py -a_srs")
    return dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterGroup(PixelGroup):
    """The bands of the user's rasters as features, `<name>_band_<k>` with k from 0."""

    #: Name, number of bands and interpolator of each.
    rasters_read: tuple[tuple[str, int, str], ...]

    @property
    def name(self) -> str:
        """Always the same: a model has one such group."""
        return "user"

    @property
    def features(self) -> tuple[Feature, ...]:
        """Raster by raster, band by band; they have no date."""
        return tuple(
            Feature(name=f"{name.lower()}_band_{band}", sensor="user", band=f"{name}_band_{band}", unit="", scale=1.0)
            for name, n_bands, _ in self.rasters_read
            for band in range(n_bands)
        )

    @property
    def rasters(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for name, _, _ in self.rasters_read)

    def compute(
        self, data: WindowData, rows: slice, wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Numbers of the wanted pixels; a pixel is valid where every band has data, and 0 where it is not."""
        top, left = rows.start + data.margin, data.margin
        columns = slice(left, left + wanted.shape[1])
        bands = [
            band[top : top + wanted.shape[0], columns][wanted] for name in self.rasters for band in data.rasters[name]
        ]
        numbers = np.stack(bands, axis=1)
        is_valid = np.isfinite(numbers).all(axis=1)
        numbers[~is_valid] = 0
        return numbers, is_valid
