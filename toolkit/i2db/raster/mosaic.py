"""Chunk rasters put together to one Cloud-Optimised GeoTIFF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from i2db.errors import ContractError, InputError
from i2db.files import replacing
from i2db.raster.grid import Grid, Window
from i2db.raster.write import (
    BLOCK,
    ColorMap,
    Compression,
    drop_stale_companions,
    is_predictable,
    raster_sink,
    writing_errors,
    zstd_level,
)

#: How an overview pixel comes from those it stands for: the most frequent, the mean, or one of them.
Overview = Literal["mode", "average", "nearest"]

#: Bytes of the piece of the mosaic that is in memory at a time (the reading buffer is as large again).
PIECE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class MosaicSource:
    """A raster file, the band or bands (from 1) to take from it, and the window of the grid that it covers."""

    path: Path
    band: int | tuple[int, ...]
    window: Window

    @property
    def bands(self) -> tuple[int, ...]:
        """The bands as a tuple."""
        return (self.band,) if isinstance(self.band, int) else self.band


def mosaic(
    sources: Sequence[MosaicSource],
    extent: Window,
    grid: Grid,
    out: Path,
    *,
    nodata: float = 0,
    dtype: DTypeLike,
    colormap: ColorMap | None = None,
    descriptions: Sequence[str] = (),
    overview: Overview = "mode",
    compress: Compression = "deflate",
    threads: int = 1,
) -> int:
    """Write the sources over `extent` as one Cloud-Optimised GeoTIFF; where they overlap, the first with data wins.

    A pixel of a source has data where one of its bands differs from the nodata value that the file declares (from
    `nodata` where it declares none). Pixels without data in any source get `nodata`. Memory is bounded by
    `PIECE_BYTES` and GDAL's cache (GDAL_CACHEMAX), whatever the extent. The result has tiles of 512 pixels, the
    palette, the band descriptions, nodata, and overviews down to one tile made by `overview`, which leaves nodata out.
    It needs about twice its size on the disk for a moment, and takes its name when it is complete.

    Returns:
        The number of pixels with data.

    Raises:
        ContractError: a source is not on the grid where it says, has other bands, or values that do not fit `dtype`.
        InputError: a source cannot be read.
        StageError: the disk refuses.
    """
    _check_sources(sources, extent, out)
    pixel_type = np.dtype(dtype)
    with replacing(out) as temporary:
        plain = temporary.with_name(f"{temporary.name}.plain.tif")
        with raster_sink(
            plain,
            grid,
            extent,
            n_bands=len(sources[0].bands),
            dtype=pixel_type,
            nodata=nodata,
            compress="zstd" if compress != "none" else "none",
            descriptions=descriptions,
            colormap=colormap,
        ) as sink:
            n_valid = 0
            readers = _Readers(grid)
            try:
                for piece in _pieces(extent, len(sources[0].bands) * pixel_type.itemsize):
                    array, filled = _assemble(piece, sources, readers, pixel_type, nodata)
                    sink.write(array, piece)
                    n_valid += int(np.count_nonzero(filled))
            finally:
                readers.close()
        _to_cog(plain, temporary, out, pixel_type, colormap is not None, overview, compress, threads)
        plain.unlink()
        drop_stale_companions(out)
    return n_valid


@dataclass(slots=True)
class _Readers:
    """The source files that the current strip of the mosaic needs, open."""

    grid: Grid
    _open: dict[MosaicSource, Any] = field(default_factory=dict)

    def read(self, source: MosaicSource, window: Window) -> tuple[NDArray[Any], float | None]:
        """Pixels (bands, rows, columns) of a window of the grid, and the nodata value that the file declares."""
        import rasterio.windows
        from rasterio.errors import RasterioError

        try:
            dataset = self._dataset(source)
            place = rasterio.windows.Window(
                window.column - source.window.column, window.row - source.window.row, window.n_columns, window.n_rows
            )
            return dataset.read(list(source.bands), window=place), dataset.nodatavals[source.bands[0] - 1]
        except RasterioError as error:
            raise InputError(
                f"cannot read {source.path} for the mosaic: {error.__cause__ or error}",
                hint="run again with this part removed: it is then made anew",
            ) from error

    def forget_above(self, row: int) -> None:
        """Close the files that end above a row of the grid."""
        for source in [source for source in self._open if source.window.row_end <= row]:
            self._open.pop(source).close()

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._open.popitem()[1].close()

    def _dataset(self, source: MosaicSource) -> Any:
        import rasterio

        if source not in self._open:
            dataset = rasterio.open(source.path)
            self._open[source] = dataset
            expected = self.grid.transform(source.window)
            if dataset.shape != source.window.shape or not np.allclose(
                dataset.transform[:6], expected, rtol=0, atol=1e-3 * self.grid.resolution_x
            ):
                raise ContractError(
                    f"{source.path} does not cover {source.window}: it has {dataset.shape} (rows, columns) "
                    f"and the transform {tuple(dataset.transform[:6])} instead of {expected}"
                )
            if max(source.bands) > dataset.count:
                raise ContractError(f"{source.path} has {dataset.count} band(s), not {max(source.bands)}")
        return self._open[source]


def _pieces(extent: Window, bytes_per_pixel: int) -> Iterator[Window]:
    """Cut the extent into strips of `BLOCK` rows, and those into whole tiles that fit the memory, west to east."""
    n_columns = max(BLOCK, PIECE_BYTES // (BLOCK * bytes_per_pixel) // BLOCK * BLOCK)
    for row in range(extent.row, extent.row_end, BLOCK):
        for column in range(extent.column, extent.column_end, n_columns):
            yield Window(column, row, min(n_columns, extent.column_end - column), min(BLOCK, extent.row_end - row))


def _assemble(
    piece: Window, sources: Sequence[MosaicSource], readers: _Readers, dtype: np.dtype[Any], nodata: float
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The mosaic of one piece: pixels (bands, rows, columns), and which of them (rows, columns) have data."""
    readers.forget_above(piece.row)
    array = np.full((len(sources[0].bands), *piece.shape), nodata, dtype=dtype)
    filled = np.zeros(piece.shape, dtype=np.bool_)
    for source in sources:
        common = source.window.intersection(piece)
        if common is None:
            continue
        place = common.slices_in(piece)
        if filled[place].all():
            continue
        data, declared = readers.read(source, common)
        taken = _has_data(data, nodata if declared is None else declared) & ~filled[place]
        np.copyto(array[(slice(None), *place)], _converted(data, dtype, source), where=taken)
        filled[place] |= taken
    return array, filled


def _has_data(data: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Where (rows, columns) one of the bands is not nodata."""
    is_data = ~np.isnan(data) if np.isnan(nodata) else data != nodata
    return np.asarray(is_data.any(axis=0), dtype=np.bool_)


def _converted(data: NDArray[Any], dtype: np.dtype[Any], source: MosaicSource) -> NDArray[Any]:
    """The same numbers in the mosaic's pixel type; a ContractError if one of them would change."""
    if np.can_cast(data.dtype, dtype):
        return data.astype(dtype, copy=False)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        low, high = data.min(), data.max()
        if data.dtype.kind == "f" or low < limits.min or high > limits.max:
            raise ContractError(f"{source.path}: values {low} to {high} of {data.dtype} do not fit a mosaic of {dtype}")
    return data.astype(dtype)


def _to_cog(
    plain: Path,
    temporary: Path,
    out: Path,
    dtype: np.dtype[Any],
    is_palette: bool,
    overview: Overview,
    compress: Compression,
    threads: int,
) -> None:
    import rasterio.shutil

    with writing_errors(out):
        rasterio.shutil.copy(
            plain,
            temporary,
            driver="COG",
            blocksize=str(BLOCK),
            compress=compress.upper(),
            **({"level": str(zstd_level(dtype))} if compress == "zstd" else {}),
            predictor="YES" if is_predictable(dtype, is_palette) and compress != "none" else "NO",
            overview_resampling=overview.upper(),
            num_threads=str(threads),
            bigtiff="IF_SAFER",
        )


def _check_sources(sources: Sequence[MosaicSource], extent: Window, out: Path) -> None:
    if not any(source.window.intersection(extent) for source in sources):
        raise ContractError(f"{out}: none of the {len(sources)} sources of the mosaic lies in {extent}")
    for source in sources:
        if len(source.bands) != len(sources[0].bands):
            raise ContractError(
                f"{out}: {source.path} gives {len(source.bands)} band(s), {sources[0].path} {len(sources[0].bands)}"
            )
