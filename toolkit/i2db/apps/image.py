"""Images that are computed when they are read: files, arrays, and what the applications make of them."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from i2db.errors import ConfigError, InputError
from i2db.raster.grid import Grid, Window
from i2db.raster.windows import split
from i2db.raster.write import BLOCK, raster_sink

#: Share of the memory that the arrays of one window may take.
_WINDOW_SHARE = 0.5
#: Megabytes, as `ram` and OTB_MAX_RAM_HINT count them.
MEGABYTE = 2**20
#: How far (in pixels) a corner may lie from a multiple of the pixel size for the grid to start at the origin.
_EXACT = 1e-6
#: How far (in pixels) the corners of two images may lie apart for them to be of one place.
_SAME_PLACE = 1e-2


class Image(abc.ABC):
    """Pixels of a grid that are made window by window; nothing is kept.

    Attributes:
        grid: projection (an empty text where it is not known), pixel size and origin.
        window: the pixels of the grid that the image covers.
        n_bands: number of bands.
        dtype: pixel type of what `read` returns.
        nodata: the number that means no data, or None.
        names: a name per band, or nothing.
        sources: the images that it is made of.
    """

    def __init__(
        self,
        *,
        grid: Grid,
        window: Window,
        n_bands: int,
        dtype: DTypeLike,
        nodata: float | None = None,
        names: Sequence[str] = (),
        sources: Sequence[Image] = (),
    ) -> None:
        self.grid = grid
        self.window = window
        self.n_bands = n_bands
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.nodata = nodata
        self.names = tuple(names)
        self.sources = tuple(sources)

    @abc.abstractmethod
    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """(bands, rows, columns) of a window within `self.window`; `bands` (from 0) in the order asked for, or all."""

    def read_pixels(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
        """(pixels, bands) at rows and columns of the grid that lie in one window: what holds them is made."""
        top, left = int(rows.min()), int(columns.min())
        needed = Window(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
        numbers: NDArray[Any] = self.read(needed)[:, rows - top, columns - left].T
        return numbers

    @property
    def bytes_per_pixel(self) -> float:
        """Memory that a pixel takes while a window is made, its sources included."""
        return self.n_bands * self.dtype.itemsize + sum(source.bytes_per_pixel for source in self.sources)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in map units."""
        return self.grid.bounds(self.window)

    def close(self) -> None:
        """Close the files that it reads; reading opens them again."""
        for source in self.sources:
            source.close()

    def windows(self, memory: int) -> list[Window]:
        """The image cut into windows, each of which can be made with so many bytes."""
        most = max(1, int(memory * _WINDOW_SHARE / self.bytes_per_pixel))
        return split(self.window, (BLOCK, BLOCK), (self.window.column, self.window.row), most)


class FileImage(Image):
    """A raster file; it is open between the first reading and `close`."""

    def __init__(self, path: Path) -> None:
        """Look at a file.

        Raises:
            InputError: it is missing, no raster, or not north up.
        """
        import rasterio
        from rasterio.errors import RasterioError

        self.path = path
        self._dataset: Any = None
        if not path.exists():
            raise InputError(f"{path} does not exist")
        try:
            with rasterio.open(path) as dataset:
                crs, transform, shape = dataset.crs, dataset.transform, dataset.shape
                dtypes, nodata, descriptions = dataset.dtypes, dataset.nodata, dataset.descriptions
        except RasterioError as error:
            raise InputError(f"{path} is no raster that can be read: {error}") from error
        if any(np.dtype(dtype).kind == "c" for dtype in dtypes):
            raise InputError(f"{path} holds complex numbers, which the applications do not compute with")
        grid, window = placed(_code(crs), tuple(transform)[:6], shape, str(path))
        names = tuple(str(name) for name in descriptions) if all(descriptions) else ()
        dtype = np.result_type(*dtypes)
        super().__init__(
            grid=grid, window=window, n_bands=len(dtypes), dtype=dtype, nodata=as_held(nodata, dtype), names=names
        )

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image.

        Raises:
            InputError: the file is damaged.
        """
        import rasterio
        from rasterio.errors import RasterioError
        from rasterio.windows import Window as FileWindow

        chosen = [band + 1 for band in (range(self.n_bands) if bands is None else bands)]
        place = FileWindow(
            window.column - self.window.column, window.row - self.window.row, window.n_columns, window.n_rows
        )
        try:
            if self._dataset is None:
                self._dataset = rasterio.open(self.path, sharing=False)
            array: NDArray[Any] = self._dataset.read(chosen, window=place, out_dtype=self.dtype)
        except RasterioError as error:
            raise InputError(f"{self.path} cannot be read: {error.__cause__ or error}") from error
        return array

    def close(self) -> None:
        """Close the file."""
        if self._dataset is not None:
            self._dataset.close()
            self._dataset = None


class ArrayImage(Image):
    """An array with a place."""

    def __init__(
        self,
        array: NDArray[Any],
        *,
        crs: str,
        transform: Sequence[float],
        nodata: float | None = None,
        names: Sequence[str] = (),
    ) -> None:
        """An image of an array (bands, rows, columns), or (rows, columns).

        Args:
            array: the pixels.
            crs: projection, e.g. EPSG:32631.
            transform: the six affine coefficients (a, b, c, d, e, f) of the array, as rasterio's.
            nodata: the number that means no data.
            names: a name per band.

        Raises:
            InputError: the array has other axes or holds no numbers, or it is not north up.
        """
        bands = array[np.newaxis] if array.ndim == 2 else array
        if bands.ndim != 3 or not bands.size or bands.dtype.kind not in "iuf":
            raise InputError(f"an image needs numbers (bands, rows, columns), not {array.shape} of {array.dtype}")
        if names and len(names) != len(bands):
            raise InputError(f"{len(names)} names for {len(bands)} bands")
        grid, window = placed(crs, tuple(transform)[:6], bands.shape[1:], "the array")
        nodata = as_held(nodata, bands.dtype)
        super().__init__(grid=grid, window=window, n_bands=len(bands), dtype=bands.dtype, nodata=nodata, names=names)
        self._bands = bands

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        part = self._bands[(slice(None), *window.slices_in(self.window))]
        return part.copy() if bands is None else part[list(bands)]

    @property
    def bytes_per_pixel(self) -> float:
        """What a copy takes."""
        return self.n_bands * self.dtype.itemsize


def placed(crs: str, transform: Sequence[float], shape: tuple[int, ...], what: str) -> tuple[Grid, Window]:
    """Grid and window of a raster of (rows, columns) with six affine coefficients.

    Where its corner lies at a multiple of the pixel size the grid is that of a project: then pixels have the ids that
    they have there.

    Raises:
        InputError: the raster is rotated or stands on its head.
    """
    a, b, c, d, e, f = (float(number) for number in transform)
    n_rows, n_columns = shape
    if (a, b, c, d, e, f) == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0):
        e = -1.0  # a file without a place: pixels are counted southwards from its corner
    if b or d or a <= 0 or e >= 0:
        raise InputError(f"{what} is rotated or not north up", hint="gdalwarp brings it to a projection, north up")
    grid = Grid(crs, a, -e)
    column, row = grid.column_of(c), grid.row_of(f)
    if abs(column - round(column)) < _EXACT and abs(row - round(row)) < _EXACT:
        return grid, Window(round(column), round(row), n_columns, n_rows)
    return Grid(crs, a, -e, c, f), Window(0, 0, n_columns, n_rows)


def _code(crs: Any) -> str:
    """Authority and code of a projection of rasterio's, else its WKT; an empty text where there is none."""
    if crs is None:
        return ""
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.to_wkt())


def same_projection(one: str, other: str) -> bool:
    """Whether two projections are the same; axis order aside. Two that are not known are."""
    from rasterio.crs import CRS

    if one == other:
        return True
    return bool(one and other) and bool(CRS.from_user_input(one) == CRS.from_user_input(other))


def moved(window: Window, image: Image, other: Image) -> Window:
    """A window of an image's grid as one of another image of the same place."""
    columns, rows = other.window.column - image.window.column, other.window.row - image.window.row
    return Window(window.column + columns, window.row + rows, window.n_columns, window.n_rows)


def check_same_place(images: Sequence[Image], labels: Sequence[str]) -> None:
    """Images that are computed together have one size and place.

    Raises:
        InputError: they have not; the message has both sizes or corners.
    """
    first = images[0]
    for image, label in zip(images[1:], labels[1:], strict=True):
        if image.window.shape != first.window.shape:
            raise InputError(
                f"{labels[0]} has {_size(first)} pixels and {label} {_size(image)}",
                hint="Superimpose brings an image onto the pixels of another",
            )
        drift = np.abs(np.subtract(image.bounds, first.bounds)).max() / max(first.grid.resolution_x, 1e-300)
        if not same_projection(image.grid.crs, first.grid.crs) or drift > _SAME_PLACE:
            raise InputError(
                f"{labels[0]} and {label} lie in different places: {_place(first)} and {_place(image)}",
                hint="Superimpose brings an image onto the pixels of another",
            )


def _size(image: Image) -> str:
    return f"{image.window.n_columns} x {image.window.n_rows}"


def _place(image: Image) -> str:
    left, _, _, top = image.bounds
    return f"{image.grid.crs[:20] or 'no projection'}, corner {left:.10g} {top:.10g}"


def cast(array: NDArray[Any], dtype: np.dtype[Any], nodata: float | None) -> NDArray[Any]:
    """Numbers as a pixel type, as OTB writes them: integers are cut towards zero and held within their range.

    NaN becomes `nodata` (0 where there is none) in integers; in float, infinities become the largest number.
    """
    if array.dtype == dtype and dtype.kind != "f":
        return array
    if dtype.kind == "f":
        limit = np.finfo(dtype).max
        return np.asarray(np.clip(array, -limit, limit), dtype=dtype)
    limits = np.iinfo(dtype)
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.float64(0 if nodata is None else nodata), np.trunc(array))
    return np.asarray(np.clip(array, limits.min, limits.max), dtype=dtype)


def write_image(image: Image, path: Path, *, dtype: DTypeLike | None, memory: int) -> None:
    """Make an image window by window and write it to a GeoTIFF; it takes its name when it is complete.

    Args:
        image: what to write.
        path: a .tif file.
        dtype: pixel type of the file; None for the image's own.
        memory: bytes that may be used, roughly.

    Raises:
        ConfigError: the name is not one of a GeoTIFF.
        InputError: a source cannot be read.
        StageError: the disk refuses.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ConfigError(f"{path} is no name of a GeoTIFF", hint="images are written to .tif")
    pixel_type = image.dtype if dtype is None else np.dtype(dtype)
    nodata = image.nodata if _holds(pixel_type, image.nodata) else None
    try:
        with raster_sink(
            path,
            image.grid,
            image.window,
            n_bands=image.n_bands,
            dtype=pixel_type,
            nodata=nodata,
            descriptions=image.names,
        ) as sink:
            for window in image.windows(memory):
                sink.write(cast(image.read(window), pixel_type, nodata), window)
    finally:
        image.close()


def as_held(number: float | None, dtype: np.dtype[Any]) -> float | None:
    """A number as pixels of a type hold it: 0.1 and -3.4e38 are others in 32 bits than in 64."""
    if number is None or dtype.kind != "f" or abs(number) > np.finfo(dtype).max:
        return number
    return float(dtype.type(number))


def _holds(dtype: np.dtype[Any], number: float | None) -> bool:
    if number is None or dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return float(number).is_integer() and limits.min <= number <= limits.max
