"""Reading a tile's time series straight from the product files, window by window."""

from __future__ import annotations

import contextlib
import datetime
import functools
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError, InputError
from i2db.raster.cube import Cube, Layers, MaskCube, combined
from i2db.raster.flags import INVALID, OUTSIDE, add_flags, dilate, find_incomplete, flag_table, flags_of
from i2db.raster.grid import Grid, Window
from i2db.raster.open_files import allow_many, hint_of
from i2db.raster.placement import Placement, placement
from i2db.raster.warp import CELL, covered, remove_beyond, warp_band, warp_flags
from i2db.sensors.declaration import Mask, Sensor
from i2db.sensors.product import BandFile, MaskFile, Product

#: Pixel types that are kept as they are; others become float32.
_KEPT_TYPES = frozenset({"uint8", "int16", "uint16", "float32"})
#: File pixels around a window that the cubic kernel needs.
_CUBIC_MARGIN = 2
_GDAL_OPTIONS = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}


#: What layers of one array share: factor, and where they are to be interpolated the extent of their files.
_Geometry = tuple[int, Window | None]
#: Place of a product, place of a band, and the file.
_Cell = tuple[int, int, BandFile]


class SeriesReader:
    """Reads windows of all products of one sensor over one tile; files are opened once and closed at the end.

    Use it as a context manager, in one thread and one process; it opens a file when it is first needed. Products of
    one day count as one date. A pixel that no product covers is outside of the acquisition, not an error.
    """

    def __init__(
        self, sensor: Sensor, products: Sequence[Product], grid: Grid, bands: Sequence[str] | None = None
    ) -> None:
        """Prepare the reading of some bands (all, unless given) of products; nothing is opened yet.

        Raises:
            ConfigError: a band that the sensor does not have.
            ContractError: no product, or one of another sensor.
        """
        if not products or any(product.sensor != sensor.name for product in products):
            raise ContractError(f"a reader of {sensor.name} needs products of {sensor.name}")
        self.sensor = sensor
        self.grid = grid
        self.products = tuple(sorted(products, key=lambda product: (product.date, product.product)))
        self.bands = tuple(bands) if bands is not None else sensor.band_names
        self._band_places = [sensor.band_names.index(sensor.band(band).name) for band in self.bands]
        self.dates = tuple(sorted({product.date for product in products}))
        self._first_product = _first_products(self.products, self.dates)
        self._datasets: dict[str, Any] = {}
        self._placements: dict[str, Placement] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> SeriesReader:
        import rasterio

        allow_many()
        self._stack.enter_context(rasterio.Env(**_GDAL_OPTIONS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; the reader can be entered again."""
        self._datasets.clear()
        self._stack.close()

    @property
    def window(self) -> Window:
        """Grid pixels that the products cover together (opens one file of each)."""
        windows = [self._place(product, self._band_files(product)[0].path).window for product in self.products]
        whole = windows[0]
        for window in windows[1:]:
            whole = whole.union(window)
        return whole

    @property
    def origin(self) -> tuple[int, int]:
        """(column, row) of the grid where the blocks of the files start."""
        window = self.window
        return window.column, window.row

    @property
    def block_shape(self) -> tuple[int, int]:
        """(rows, columns) of grid pixels that make whole blocks of every band and mask of the first product."""
        product = self.products[0]
        shapes = [self._block(product, file.path, file.index) for file in self._band_files(product)]
        shapes += [self._block(product, file.path, file.index) for file in product.masks]
        return max(shape[0] for shape in shapes), max(shape[1] for shape in shapes)

    @property
    def fine_block_rows(self) -> int:
        """Rows of grid pixels of the smallest blocks of a band of the first product."""
        product = self.products[0]
        return min(self._block(product, file.path, file.index)[0] for file in self._band_files(product))

    @property
    def bytes_per_pixel(self) -> float:
        """Memory that a cube takes per pixel of its window, temporary arrays of the reading included."""
        product = self.products[0]
        total = 2.0  # flags, and a mask while it is being read
        for file in self._band_files(product):
            factor = self._place(product, file.path).factor
            total += np.dtype(self._common_type).itemsize / max(factor, 1) ** 2
        return total * len(self.products)

    def read(self, window: Window, margin: int = 0) -> Cube:
        """Numbers and flags of a window with a margin around, in grid pixels; both may lie partly beyond the tile.

        Raises:
            InputError: a file cannot be read; file, date and tile are named.
        """
        grown = window.grown(margin)
        wanted: dict[_Geometry, list[_Cell]] = {}
        dtype = self._common_type
        for place, product in enumerate(self.products):
            for band, file in enumerate(self._band_files(product)):
                wanted.setdefault(self._geometry(product, file), []).append((place, band, file))
        layers = [self._layers(grown, geometry, dtype, cells) for geometry, cells in wanted.items()]
        return Cube(
            window=grown,
            dates=self.dates,
            bands=self.bands,
            first_product=self._first_product,
            flags=self._flags(grown),
            layers=tuple(group for group in layers if group is not None),
        )

    def read_masks(self, window: Window) -> MaskCube:
        """Validity of a window by date, from the masks alone; bands are opened only to know where they lie."""
        return combined(window, self.dates, self._first_product, self._flags(window))

    # Files

    def _band_files(self, product: Product) -> list[BandFile]:
        return [product.bands[place] for place in self._band_places]

    def _dataset(self, product: Product, path: str) -> Any:
        import rasterio

        dataset = self._datasets.get(path)
        if dataset is None:
            with self._reading(product, path):
                dataset = self._stack.enter_context(rasterio.open(path, sharing=False))
            self._datasets[path] = dataset
        return dataset

    @contextlib.contextmanager
    def _reading(self, product: Product, path: str) -> Iterator[None]:
        """Turn what rasterio raises into an InputError that names file, date and tile."""
        from rasterio.errors import RasterioError

        try:
            yield
        except (RasterioError, OSError, IndexError) as error:
            reason = error.__cause__ or error
            raise InputError(
                f"{path} cannot be read ({product.date}, tile {product.tile}): {reason}",
                hint=hint_of(reason) or "get the product again or remove it; `i2db check` looks at all files",
            ) from error

    def _place(self, product: Product, path: str) -> Placement:
        found = self._placements.get(path)
        if found is None:
            dataset = self._dataset(product, path)
            with self._reading(product, path):
                found = self._placements[path] = placement(dataset, self.grid)
        return found

    def _block(self, product: Product, path: str, index: int) -> tuple[int, int]:
        place, dataset = self._place(product, path), self._dataset(product, path)
        if place.factor == 0:
            return CELL, CELL
        rows, columns = dataset.block_shapes[index - 1]
        return min(rows, dataset.height) * place.factor, min(columns, dataset.width) * place.factor

    @functools.cached_property
    def _common_type(self) -> str:
        """The type of all bands' files where they agree, none is warped and none needs NaN; else float32."""
        types = set() if self.sensor.valid is None else {"float32"}
        for product in self.products:
            for file in self._band_files(product):
                is_warped = self._place(product, file.path).factor == 0
                types.add("float32" if is_warped else self._dataset(product, file.path).dtypes[file.index - 1])
        return types.pop() if len(types) == 1 and types <= _KEPT_TYPES else "float32"

    def _nodata(self, product: Product, file: BandFile) -> float:
        """The number that means no data: the declared one, else the file's; NaN where neither tells."""
        if self.sensor.nodata is not None:
            return self.sensor.nodata
        nodata = self._dataset(product, file.path).nodatavals[file.index - 1]
        return float("nan") if nodata is None else float(nodata)

    # Bands

    def _geometry(self, product: Product, file: BandFile) -> _Geometry:
        place = self._place(product, file.path)
        return max(place.factor, 1), place.window if place.factor > 1 else None

    def _layers(self, window: Window, geometry: _Geometry, dtype: str, cells: list[_Cell]) -> Layers | None:
        factor, extent = geometry
        native = Window(0, 0, window.n_columns, window.n_rows)
        if extent is not None:
            part = Placement(extent, factor).native_part(window, _CUBIC_MARGIN)
            if part is None:
                return None
            native = part
        numbers = np.empty((len(cells), *native.shape), dtype=dtype)
        nodata = np.array([self._nodata(self.products[cell[0]], cell[2]) for cell in cells], dtype=np.float32)
        is_incomplete = np.zeros(numbers.shape[:2], dtype=np.bool_)
        for place, (product, _, file) in enumerate(cells):
            if extent is not None:
                self._read_band(self.products[product], file, native, numbers[place])
            else:
                self._read_aligned(self.products[product], file, window, numbers[place])
            find_incomplete(numbers[place], nodata[place], is_incomplete[place])
        return Layers(
            numbers=numbers,
            product=np.array([cell[0] for cell in cells], dtype=np.int64),
            band=np.array([cell[1] for cell in cells], dtype=np.int64),
            scale=np.array([cell[2].scale for cell in cells], dtype=np.float32),
            offset=np.array([cell[2].offset for cell in cells], dtype=np.float32),
            nodata=nodata,
            is_incomplete=is_incomplete,
            factor=factor,
            extent=extent or window,
            first_row=native.row,
            first_column=native.column,
        )

    def _read_band(self, product: Product, file: BandFile, native: Window, out: NDArray[Any]) -> None:
        """Read pixels of a band, counted in its file; numbers beyond the sensor's valid ones are NaN."""
        self._read_native(product, file, native, out)
        if self.sensor.valid is not None:
            remove_beyond(out, self.sensor.valid)

    def _read_native(self, product: Product, file: BandFile | MaskFile, native: Window, out: NDArray[Any]) -> None:
        """Read pixels of a file, counted in the file, into an array."""
        from rasterio.windows import Window as FileWindow

        dataset = self._dataset(product, file.path)
        place = FileWindow(native.column, native.row, native.n_columns, native.n_rows)
        with self._reading(product, file.path):
            dataset.read(file.index, window=place, out=out)

    def _read_aligned(self, product: Product, file: BandFile, window: Window, out: NDArray[Any]) -> None:
        """Read a band of the grid's resolution, or warp it to it; what lies beyond the file is filled."""
        place = self._place(product, file.path)
        if place.factor == 0:
            with self._reading(product, file.path):
                dataset, sensor = self._dataset(product, file.path), self.sensor
                out[:] = warp_band(dataset, file.index, self.grid, window, sensor.nodata, sensor.valid)
            return
        part = place.window.intersection(window)
        if part != window:
            out[:] = 0  # flagged as not acquired, so that the number does not matter
        if part is not None:
            native = Window(part.column - place.window.column, part.row - place.window.row, *part.shape[::-1])
            self._read_band(product, file, native, out[part.slices_in(window)])

    # Masks

    def _flags(self, window: Window) -> NDArray[np.uint8]:
        """(products, rows, columns): flags of a window after the rules and the dilation."""
        dilation = self.sensor.mask_dilation
        flags = np.zeros((len(self.products), *window.shape), dtype=np.uint8)
        warped: dict[Any, NDArray[np.bool_]] = {}
        for place, product in enumerate(self.products):
            extent = self._extent(product)
            if dilation:
                grown = window.grown(dilation)
                product_flags = np.zeros(grown.shape, dtype=np.uint8)
                self._add_masks(product, grown, product_flags)
                flags[place] = dilate(product_flags, dilation)[window.slices_in(grown)]
            else:
                self._add_masks(product, window, flags[place])
            _mark_beyond(flags[place], window, extent)
            self._mark_beyond_warped(flags[place], window, product, warped)
        return flags

    def _mark_beyond_warped(
        self, flags: NDArray[np.uint8], window: Window, product: Product, known: dict[Any, NDArray[np.bool_]]
    ) -> None:
        """Set what lies beyond files in another projection: they fill no rectangle of the grid.

        Files of one geometry share what is `known` of the window.
        """
        for path in {file.path for file in self._band_files(product)} | {file.path for file in product.masks}:
            if self._place(product, path).factor:
                continue
            dataset = self._dataset(product, path)
            geometry = (dataset.crs.to_wkt(), tuple(dataset.transform), dataset.shape)
            if geometry not in known:
                known[geometry] = covered(dataset, self.grid, window)
            flags[~known[geometry]] = INVALID | OUTSIDE

    def _extent(self, product: Product) -> Window | None:
        """Grid pixels that all bands and masks of a product cover."""
        paths = {file.path for file in self._band_files(product)} | {file.path for file in product.masks}
        extent: Window | None = None
        for place, path in enumerate(sorted(paths)):
            window = self._place(product, path).window
            extent = window if place == 0 else extent and extent.intersection(window)
        return extent

    def _add_masks(self, product: Product, window: Window, flags: NDArray[np.uint8]) -> None:
        """Set the flags of a product's masks in an array of the window; nothing is set beyond the files."""
        for mask, file in zip(self.sensor.masks, product.masks, strict=True):
            place, dataset = self._place(product, file.path), self._dataset(product, file.path)
            part = place.window.intersection(window)
            if part is None:
                continue
            target = flags[part.slices_in(window)]
            if place.factor == 0:
                with self._reading(product, file.path):
                    target |= warp_flags(
                        dataset, lambda numbers, mask=mask: flags_of(mask, numbers), file.index, self.grid, part, 0
                    )
                continue
            native = place.native_part(part, 0)
            assert native is not None
            numbers = np.empty(native.shape, dtype=dataset.dtypes[file.index - 1])
            self._read_native(product, file, native, numbers)
            if place.factor == 1:
                _add(mask, numbers, target)
            else:
                rows = (np.arange(part.row, part.row_end) - place.window.row) // place.factor - native.row
                columns = (np.arange(part.column, part.column_end) - place.window.column) // place.factor
                target |= flags_of(mask, numbers)[np.ix_(rows, columns - native.column)]


def _add(mask: Mask, numbers: NDArray[Any], flags: NDArray[np.uint8]) -> None:
    if numbers.dtype == np.uint8:
        add_flags(numbers, flag_table(mask, "uint8"), flags)
    else:
        flags |= flags_of(mask, numbers)


def _mark_beyond(flags: NDArray[np.uint8], window: Window, extent: Window | None) -> None:
    """Set everything beyond the extent to not acquired."""
    part = None if extent is None else extent.intersection(window)
    beyond = INVALID | OUTSIDE
    if part is None:
        flags[:] = beyond
        return
    rows, columns = part.slices_in(window)
    flags[: rows.start] = beyond
    flags[rows.stop :] = beyond
    flags[rows, : columns.start] = beyond
    flags[rows, columns.stop :] = beyond


def _first_products(products: Sequence[Product], dates: Sequence[datetime.date]) -> NDArray[np.int64]:
    """Place of the first product of each date, and the number of products at the end."""
    counts = [sum(product.date == date for product in products) for date in dates]
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
