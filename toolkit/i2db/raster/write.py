"""Rasters on the project grid, written as tiled GeoTIFF under a temporary name, synced and renamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from i2db.errors import ContractError
from i2db.files import disk_full, replacing
from i2db.raster.grid import Grid, Window

Compression = Literal["deflate", "zstd", "lzw", "none"]

#: Colours of values: red, green, blue and, where there is a fourth number, opacity, each 0 to 255.
ColorMap = Mapping[int, tuple[int, ...]]

#: Side of a tile of a file, in pixels; smaller rasters have one tile.
BLOCK = 512


@dataclass(slots=True)
class RasterSink:
    """A raster that is being written window by window; made by `raster_sink`."""

    path: Path
    window: Window
    n_bands: int
    dtype: np.dtype[Any]
    _dataset: Any
    _n_written: int = 0

    def write(self, array: NDArray[Any], window: Window) -> None:
        """Write an array (bands, rows, columns), or (rows, columns) of a single band, at a window of the grid.

        Windows that are whole tiles of the file (`BLOCK` pixels from its corner) are written fastest; each pixel is
        written once.

        Raises:
            ContractError: shape, type or place do not fit the file.
            StageError: the disk refuses.
        """
        import rasterio.windows

        bands = array[np.newaxis] if array.ndim == 2 else array
        if bands.shape != (self.n_bands, *window.shape) or bands.dtype != self.dtype:
            raise ContractError(
                f"{self.path} takes {self.n_bands} band(s) of {self.dtype} for {window}, "
                f"not an array {array.shape} of {array.dtype}"
            )
        if self.window.intersection(window) != window:
            raise ContractError(f"{self.path}: {window} lies outside of the raster, {self.window}")
        place = rasterio.windows.Window(
            window.column - self.window.column, window.row - self.window.row, window.n_columns, window.n_rows
        )
        with writing_errors(self.path):
            self._dataset.write(bands, window=place)
        self._n_written += window.n_pixels

    def check_complete(self) -> None:
        """A ContractError unless as many pixels were written as the raster has: gaps read back as valid nodata."""
        if self._n_written != self.window.n_pixels:
            raise ContractError(
                f"{self.path}: {self._n_written} pixels were written to a raster of {self.window.n_pixels}"
            )


@contextmanager
def raster_sink(
    path: Path,
    grid: Grid,
    window: Window,
    *,
    n_bands: int,
    dtype: DTypeLike,
    nodata: float | None,
    compress: Compression = "zstd",
    descriptions: Sequence[str] = (),
    colormap: ColorMap | None = None,
) -> Iterator[RasterSink]:
    """Open a raster that covers `window` for writing piece by piece; it takes its name when the block ends well.

    Bands lie one after the other in the file. `nodata` is declared in it; `descriptions` name the bands; a `colormap`
    makes a palette raster (one band, uint8 or uint16). On any error nothing is left of it.

    Raises:
        ContractError: options that contradict each other, or pixels that nobody wrote.
        StageError: the disk refuses.
    """
    import rasterio

    pixel_type = np.dtype(dtype)
    _check_options(path, n_bands, pixel_type, nodata, descriptions, colormap)
    profile = _profile(grid, window, n_bands, pixel_type, nodata, compress, colormap is not None)
    with replacing(path) as temporary:
        with writing_errors(path):
            dataset = rasterio.open(temporary, "w", **profile)
        sink = RasterSink(path=path, window=window, n_bands=n_bands, dtype=pixel_type, _dataset=dataset)
        try:
            if colormap is not None:
                dataset.write_colormap(1, dict(colormap))
            for index, description in enumerate(descriptions, start=1):
                dataset.set_band_description(index, description)
            yield sink
        finally:
            with writing_errors(path):
                dataset.close()
        sink.check_complete()
        drop_stale_companions(path)


def write_raster(
    path: Path,
    array: NDArray[Any],
    grid: Grid,
    window: Window,
    *,
    nodata: float | None,
    compress: Compression = "zstd",
    descriptions: Sequence[str] = (),
    colormap: ColorMap | None = None,
) -> None:
    """Write an array (bands, rows, columns), or (rows, columns), that covers `window`, with its own pixel type.

    The file is there whole or not at all; an older one is replaced. Errors are those of `raster_sink`.
    """
    if array.ndim not in (2, 3):
        raise ContractError(f"{path}: an array (bands, rows, columns) is wanted, not one of shape {array.shape}")
    with raster_sink(
        path,
        grid,
        window,
        n_bands=1 if array.ndim == 2 else array.shape[0],
        dtype=array.dtype,
        nodata=nodata,
        compress=compress,
        descriptions=descriptions,
        colormap=colormap,
    ) as sink:
        sink.write(array, window)


@contextmanager
def writing_errors(path: Path) -> Iterator[None]:
    """Turn what rasterio raises while it writes `path` into a StageError that tells how much room the disk has."""
    from rasterio._err import CPLE_BaseError  # errors on closing a file come as these, which have no public name
    from rasterio.errors import RasterioError

    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        cause = error.__cause__ or error
        raise disk_full(path, str(cause)) from error


def drop_stale_companions(path: Path) -> None:
    """Remove the statistics, overviews and masks that other programs keep beside the raster that is being replaced."""
    for suffix in (".aux.xml", ".ovr", ".msk"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def is_predictable(dtype: np.dtype[Any], is_palette: bool) -> bool:
    """Whether neighbouring numbers of a raster are near each other, so that a predictor helps; codes are not."""
    return not is_palette and dtype.itemsize > 1


def zstd_level(dtype: np.dtype[Any]) -> int:
    """How hard Zstandard tries: 9, as GDAL has it, takes four times as long and saves a twentieth to a tenth."""
    return 1 if dtype.kind == "f" else 3


def _profile(
    grid: Grid,
    window: Window,
    n_bands: int,
    dtype: np.dtype[Any],
    nodata: float | None,
    compress: Compression,
    is_palette: bool,
) -> dict[str, Any]:
    """What rasterio needs to create the file."""
    from rasterio.transform import Affine

    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": window.n_rows,
        "width": window.n_columns,
        "count": n_bands,
        "dtype": dtype.name,
        "crs": grid.crs or None,
        "transform": Affine(*grid.transform(window)),
        "nodata": nodata,
        "tiled": True,
        "blockxsize": _block_side(window.n_columns),
        "blockysize": _block_side(window.n_rows),
        "interleave": "band",
        "bigtiff": "if_safer",
    }
    if compress != "none":
        profile["compress"] = compress
        if is_predictable(dtype, is_palette):
            profile["predictor"] = 3 if dtype.kind == "f" else 2
        if compress == "zstd":
            profile["zstd_level"] = zstd_level(dtype)
    return profile


def _block_side(n_pixels: int) -> int:
    """Side of a tile: `BLOCK`, or the next multiple of 16 (which TIFF asks for) above a smaller raster."""
    return BLOCK if n_pixels >= BLOCK else -(-n_pixels // 16) * 16


def _check_options(
    path: Path,
    n_bands: int,
    dtype: np.dtype[Any],
    nodata: float | None,
    descriptions: Sequence[str],
    colormap: ColorMap | None,
) -> None:
    if dtype.kind not in "iuf":
        raise ContractError(f"{path}: a raster holds numbers, not {dtype}")
    if nodata is not None and dtype.kind != "f":
        limits = np.iinfo(dtype)
        if not (float(nodata).is_integer() and limits.min <= nodata <= limits.max):
            raise ContractError(f"{path}: nodata {nodata} cannot be written as {dtype}")
    if descriptions and len(descriptions) != n_bands:
        raise ContractError(f"{path}: {len(descriptions)} band descriptions for {n_bands} band(s)")
    if colormap is not None and (n_bands != 1 or dtype not in (np.dtype(np.uint8), np.dtype(np.uint16))):
        raise ContractError(f"{path}: a palette needs one band of uint8 or uint16, not {n_bands} of {dtype}")
