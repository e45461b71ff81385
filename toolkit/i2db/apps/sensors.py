"""The lazy stack of a sensor's features over a tile, made with the chain's reader and features.

In a script for iota2, `from iota2.sensors.Sentinel_2 import sentinel_2` becomes `from i2db.apps.sensors import
sentinel_2`; its arguments come from `i2db.apps.read_config_file`.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application
from i2db.apps.image import Image
from i2db.apps.parameter import RAM, out_image
from i2db.errors import ConfigError, InputError
from i2db.finding import errors, summary
from i2db.raster.features import INDICES, SensorFeatures, interpolation_dates
from i2db.raster.grid import Grid, Window
from i2db.raster.read import SeriesReader
from i2db.sensors.declaration import load_sensor
from i2db.sensors.indices import indices_of
from i2db.sensors.product import Product
from i2db.sensors.scan import scan

#: An application and those it depends on, with the names of its bands: iota2's answer.
Features = tuple[tuple[Application, list[Application]], list[str]]


class SeriesImage(Image):
    """The features of a time series, band by band, float32; NaN where no date is clear."""

    def __init__(self, features: SensorFeatures, products: Sequence[Product], grid: Grid) -> None:
        with SeriesReader(features.sensor, products, grid, features.bands) as reader:
            window, self._cube_bytes = reader.window, reader.bytes_per_pixel
        super().__init__(
            grid=grid,
            window=window,
            n_bands=features.n_features,
            dtype=np.float32,
            nodata=float("nan"),
            names=[feature.name for feature in features.features],
        )
        self._features = features
        self._products = products
        self._reader: SeriesReader | None = None

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        features, is_valid = self._features.compute(self._opened().read(window))
        features[~is_valid] = np.nan
        chosen = features if bands is None else features[:, list(bands)]
        return np.ascontiguousarray(chosen.T).reshape(-1, *window.shape)

    def read_pixels(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
        """As of any image; features of other pixels are not computed."""
        top, left = int(rows.min()), int(columns.min())
        window = Window(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
        places, back = np.unique((rows - top) * window.n_columns + columns - left, return_inverse=True)
        wanted = np.zeros(window.n_pixels, dtype=np.bool_)
        wanted[places] = True
        features, is_valid = self._features.compute(self._opened().read(window), None, wanted.reshape(window.shape))
        features[~is_valid] = np.nan
        return np.asarray(features[back])

    @property
    def bytes_per_pixel(self) -> float:
        """The series as it is read, and its features twice (by pixel and by band)."""
        return self._cube_bytes + 8 * self.n_bands

    def close(self) -> None:
        """Close all files."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _opened(self) -> SeriesReader:
        if self._reader is None:
            self._reader = SeriesReader(self._features.sensor, self._products, self.grid, self._features.bands)
            self._reader.__enter__()
        return self._reader


class FeatureStack(Application):
    """An application whose image is a sensor's features; `get_features` makes it."""

    name = "FeatureStack"
    summary = "the gap-filled features of a sensor over a tile"
    parameters = (out_image(), RAM)

    def __init__(self, image: Image, ram: int | None = None) -> None:
        super().__init__({"ram": ram})
        self._stack = image

    def _make(self) -> Image:
        return self._stack


class OpticalSensor:
    """A sensor over one tile, by the arguments that iota2 gives its sensors.

    Args:
        tile_name: the tile.
        image_directory: folder of the products, one folder per tile.
        all_tiles: tiles, with blanks between them, whose dates together span the regular ones; not given: this one.
        target_proj: projection of the pixels, e.g. EPSG:2154 or 2154; not given: the products' own.
        working_resolution: pixel size, or (x, y); not given: that of the finest band.
        keep_bands: bands to use where `extract_bands_flag` is set.
        temporal_res: days from one regular date to the next.
        auto_date_flag: whether the regular dates span the products, instead of the two dates below (yyyymmdd).
        date_interp_min_user: first date otherwise.
        date_interp_max_user: last date otherwise.
        enable_gapfilling: whether masked dates are filled; else dates stay as acquired, those of all tiles.
        features: indices, e.g. ("NDVI", "NDWI", "Brightness"); those that the sensor has no bands for are left out.
        hand_features_flag: whether `hand_features` are computed.
        hand_features: expressions of the bands of one date, b1, b2, ...
        copy_input: whether bands are features.
        rel_refl: whether bands are relative to the red one.
        keep_dupl: whether NDVI is kept where that gives the same numbers.
        acorfeat: whether indices are corrected for the atmosphere.
    """

    section: ClassVar[str]

    def __init__(
        self,
        tile_name: str,
        image_directory: str | Path,
        *,
        all_tiles: str | None = None,
        target_proj: str | int | None = None,
        working_resolution: float | Sequence[float] | None = None,
        keep_bands: Sequence[str] | None = None,
        extract_bands_flag: bool = False,
        temporal_res: int | None = None,
        auto_date_flag: bool = True,
        date_interp_min_user: str | datetime.date | None = None,
        date_interp_max_user: str | datetime.date | None = None,
        enable_gapfilling: bool = True,
        features: Sequence[str] = INDICES,
        hand_features_flag: bool = False,
        hand_features: Sequence[str] | None = None,
        copy_input: bool = True,
        rel_refl: bool = False,
        keep_dupl: bool = True,
        acorfeat: bool = False,
    ) -> None:
        self.sensor = load_sensor(self.section)
        self.tile_name = tile_name
        self._folder = Path(image_directory)
        self._tiles = all_tiles.split() if all_tiles else [tile_name]
        self._projection = f"EPSG:{target_proj}" if str(target_proj).isdigit() else target_proj
        self._resolution = working_resolution
        self._bands = tuple(keep_bands) if extract_bands_flag and keep_bands else self.sensor.band_names
        self._step = temporal_res or self.sensor.temporal_resolution
        self._span = None if auto_date_flag else (_date(date_interp_min_user), _date(date_interp_max_user))
        self._is_gap_filled = enable_gapfilling
        self._options: dict[str, Any] = {
            "indices": tuple(index for index in features if index in indices_of(self.sensor)),
            "copy_input": copy_input,
            "relative_reflectance": rel_refl and self.sensor.red is not None,
            "keep_duplicates": keep_dupl,
            "acorfeat": acorfeat,
            "additional": tuple(hand_features or ()) if hand_features_flag else (),
        }

    def get_features(self, ram: int | None = None) -> Features:
        """((application, []), names): the lazy stack of features and their names, in the order of the bands.

        Nothing is read but where the files lie; `ram` bounds the windows in which it is read later (MB).

        Raises:
            InputError: there is no product, or one is incomplete.
            ConfigError: dates, bands or features that cannot be.
        """
        by_tile = {tile: self._products(tile) for tile in dict.fromkeys([self.tile_name, *self._tiles])}
        days = sorted({product.date for products in by_tile.values() for product in products})
        products = by_tile[self.tile_name]
        features = SensorFeatures(
            sensor=self.sensor,
            bands=self._bands,
            dates=self._dates(days),
            is_gap_filled=self._is_gap_filled,
            **self._options,
        )
        image = SeriesImage(features, products, self._grid(products[0]))
        return (FeatureStack(image, ram), []), list(image.names)

    def _dates(self, days: Sequence[datetime.date]) -> tuple[datetime.date, ...]:
        """The dates of the features, from the days with a product over all tiles."""
        if not self._is_gap_filled:
            return tuple(days)
        first, last = self._span or (days[0], days[-1])
        if self._step is None:
            return tuple(day for day in days if first <= day <= last)
        return interpolation_dates(first, last, self._step)

    def _products(self, tile: str) -> tuple[Product, ...]:
        products, findings = scan(self.sensor, self._folder, tile)
        if problems := errors(findings):
            raise InputError(f"{len(problems)} problems with the products of {tile}:\n{summary(problems)}")
        if not products:
            raise InputError(f"there is no product of {self.sensor.title} for {tile} in {self._folder}")
        return tuple(products)

    def _grid(self, product: Product) -> Grid:
        """Projection and pixel size: as asked for, else those of the finest band."""
        import rasterio

        finest = min(self.sensor.bands, key=lambda band: band.resolution).name
        path = next(file.path for file in product.bands if file.band == finest)
        with rasterio.open(path) as source:
            crs, resolution = source.crs, source.res
        if self._projection is None:
            if crs is None:
                raise InputError(f"{path} does not say its projection")
            authority = crs.to_authority()
            projection = ":".join(authority) if authority else crs.to_wkt()
        else:
            projection = str(self._projection)
        wanted = self._resolution
        if wanted is not None:
            pair = [float(wanted)] * 2 if isinstance(wanted, int | float) else [float(size) for size in wanted]
            resolution = (pair[0], pair[1])
        return Grid(projection, float(resolution[0]), float(resolution[1]))


class sentinel_2(OpticalSensor):
    """Sentinel-2 (Theia) over one tile."""

    section = "Sentinel_2"


def sensor_class(section: str) -> type[OpticalSensor]:
    """The class of the sensor of a section, as `sentinel_2` is that of Sentinel_2."""
    load_sensor(section)
    return type(section.lower(), (OpticalSensor,), {"section": section, "__doc__": f"{section} over one tile."})


def _date(text: str | datetime.date | None) -> datetime.date:
    if isinstance(text, datetime.date):
        return text
    try:
        return datetime.datetime.strptime(str(text), "%Y%m%d").date()
    except ValueError as error:
        raise ConfigError(f"{text!r} is no date: without auto_date both are given as yyyymmdd") from error
