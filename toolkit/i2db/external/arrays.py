"""The arrays of a window for functions: computed once per sensor, with what other tiles have beyond the own one."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.external.access import Access, SensorSource
from i2db.raster.cube import Cube
from i2db.raster.features import SensorFeatures
from i2db.raster.grid import Window
from i2db.raster.group import WindowData
from i2db.raster.pixels import band_series

#: Validity of raw dates: clear; cloud, shadow, saturation or no data; not acquired.
CLEAR, INVALID, NOT_ACQUIRED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What functions ask of a sensor: the accesses, and whether raw dates are those of all tiles."""

    source: SensorSource
    accesses: tuple[Access, ...]
    fills_missing_dates: bool

    def of_kind(self, *kinds: str) -> tuple[Access, ...]:
        """The accesses of some kinds."""
        return tuple(access for access in self.accesses if access.kind in kinds)

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands to read, in the sensor's order; masks alone need one band, to know where the files lie."""
        wanted = {band for access in self.of_kind("filled", "raw") for band in self.source.bands_of(access.band)}
        if not wanted and self.accesses:
            wanted = {self.source.sensor.band_names[0]}
        return tuple(band for band in self.source.sensor.band_names if band in wanted)

    @property
    def filled(self) -> tuple[SensorFeatures, ...]:
        """How bands and indices at the regular dates are computed; Brightness apart, of the bands that are kept."""
        asked = {access.band for access in self.of_kind("filled")}
        sets = (asked - {"Brightness"}, asked & {"Brightness"})
        return tuple(self._features(names) for names in sets if names)

    def _features(self, asked: set[str]) -> SensorFeatures:
        wanted = {band for name in asked for band in self.source.bands_of(name)}
        indices = tuple(index for index in self.source.indices if index in asked)
        return SensorFeatures(
            sensor=self.source.sensor,
            bands=tuple(band for band in self.source.sensor.band_names if band in wanted),
            dates=self.source.dates,
            indices=indices,
            copy_input=bool(asked - set(indices)),
        )


class WindowArrays:
    """The arrays of a window and its margin, clipped to what all tiles cover.

    A pixel without data in the own tile has the numbers of the first other tile that has some there; 0 in filled
    arrays, `no_data_value` in raw ones where none has. Only pixels of the own tile count as valid.
    """

    def __init__(
        self, data: WindowData, window: Window, plans: Sequence[Plan], margin: int, no_data_value: float
    ) -> None:
        """Compute from what was read what functions will ask for of a window, which is all or a part of data's."""
        self._data = data
        self._plans = {plan.source.sensor.name: plan for plan in plans}
        self._no_data = np.float32(no_data_value)
        self._has_margin = margin > 0
        grown = window.grown(margin)
        self.seen = grown.intersection(data.extent or grown) or window
        self._filled: dict[Access, NDArray[np.float32]] = {}
        self._raw: dict[Access, NDArray[Any]] = {}
        #: (rows, columns) which pixels have data of the own tile for all that is asked for.
        self.is_valid = np.ones(self.seen.shape, dtype=np.bool_)
        self._prepare()

    def clipped(self, window: Window, margin: tuple[int, int]) -> ClippedArrays:
        """The same arrays for a window with a smaller margin of (rows, columns)."""
        rows, columns = margin
        wanted = Window(
            window.column - columns, window.row - rows, window.n_columns + 2 * columns, window.n_rows + 2 * rows
        )
        return ClippedArrays(self, wanted.intersection(self.seen) or window)

    def _prepare(self) -> None:
        for name, plan in self._plans.items():
            for features in plan.filled:
                self._fill(plan, features)
            if plan.of_kind("raw", "masks", "binary"):
                self.is_valid &= self._footprint(self._data.cubes[name])

    def array(self, access: Access) -> NDArray[Any]:
        """An array (rows, columns, dates) of the window with its margin; it is not to be changed."""
        if access.kind == "raster":
            return self._raster(access.source)
        if access.kind == "filled":
            return self._filled[access]
        if access not in self._raw:
            self._raw[access] = self._raw_array(self._plans[access.source], access)
        return self._raw[access]

    @property
    def raw_bytes(self) -> int:
        """Memory of the raw arrays that were made when a function first asked for them, and are kept for the next."""
        return sum(array.nbytes for array in self._raw.values())

    def raw_dates(self, sensor: str) -> list[str]:
        """The dates of raw arrays as YYYYMMDD."""
        return [f"{day:%Y%m%d}" for day in self._raw_days(self._plans[sensor])]

    def _raw_days(self, plan: Plan) -> tuple[datetime.date, ...]:
        name = plan.source.sensor.name
        return plan.source.raw_dates if plan.fills_missing_dates else self._data.cubes[name].dates

    def _fill(self, plan: Plan, features: SensorFeatures) -> None:
        name = plan.source.sensor.name
        numbers, valid = _computed(features, self._data.cubes[name], self.seen)
        self.is_valid &= valid
        if self._has_margin and not valid.all():
            for cube, part in self._others(name):
                rows, columns = part.slices_in(self.seen)
                missing = ~valid[rows, columns]
                if missing.any():
                    found, has_data = _computed(features, cube, part)
                    taken = missing & has_data
                    numbers[rows, columns][taken] = found[taken]
                    valid[rows, columns] |= taken
        for access in plan.of_kind("filled"):
            if (place := _place(features, access.band)) is not None:
                self._filled[access] = numbers[:, :, place]

    def _others(self, sensor: str) -> list[tuple[Cube, Window]]:
        """What other tiles have of a sensor in the window: cubes, and the part that each covers."""
        found = []
        for cubes in self._data.neighbours():
            part = cubes[sensor].window.intersection(self.seen) if sensor in cubes else None
            if part is not None:
                found.append((cubes[sensor], part))
        return found

    def _footprint(self, cube: Cube) -> NDArray[np.bool_]:
        return cube.masks.footprint[self.seen.slices_in(cube.window)]

    def _raw_array(self, plan: Plan, access: Access) -> NDArray[Any]:
        name = plan.source.sensor.name
        days = self._raw_days(plan)
        own = self._data.cubes[name]
        numbers = self._of_days(plan, access, own, self.seen, days)
        missing = ~self._footprint(own)
        if self._has_margin and missing.any():
            for cube, part in self._others(name):
                rows, columns = part.slices_in(self.seen)
                has_data = cube.masks.footprint[part.slices_in(cube.window)]
                taken = missing[rows, columns] & has_data
                if taken.any():
                    numbers[rows, columns][taken] = self._of_days(plan, access, cube, part, days)[taken]
                    missing[rows, columns] &= ~taken
        return numbers

    def _of_days(
        self, plan: Plan, access: Access, cube: Cube, part: Window, days: tuple[datetime.date, ...]
    ) -> NDArray[Any]:
        """A raw band, a raw index or masks at some days (rows, columns, days) from one cube."""
        if access.kind in ("masks", "binary"):
            return _masks(cube, part, days, is_binary=access.kind == "binary")
        if access.band in plan.source.sensor.band_names:
            return _raw_band(cube, access.band, part, days, self._no_data)
        bands = {
            band: _raw_band(cube, band, part, days, np.float32(np.nan)) for band in plan.source.bands_of(access.band)
        }
        index = _index(plan.source, access.band, bands)
        return np.where(np.isnan(index), self._no_data, index).astype(np.float32)

    def _raster(self, name: str) -> NDArray[np.float32]:
        """A raster of the user (rows, columns, bands); the pixel is not valid where the own tile's has no data.

        In a margin it goes on with the rasters of other tiles; where none has data it is 0.
        """
        whole = self._data.window.grown(self._data.margin)
        bands = self._data.rasters[name][(slice(None), *self.seen.slices_in(whole))]
        is_finite = np.isfinite(bands)
        self.is_valid &= is_finite.all(axis=0)
        if self._has_margin and not is_finite.all():
            bands = bands.copy()
            for part, found in self._data.other_rasters(name):
                seen = part.intersection(self.seen)
                if seen is not None:
                    target = bands[(slice(None), *seen.slices_in(self.seen))]
                    np.copyto(target, found[(slice(None), *seen.slices_in(part))], where=np.isnan(target))
            is_finite = np.isfinite(bands)
        return np.ascontiguousarray(np.moveaxis(np.where(is_finite, bands, np.float32(0)), 0, 2))


@dataclass(frozen=True, slots=True)
class ClippedArrays:
    """The part of a window's arrays that one function sees."""

    arrays: WindowArrays
    seen: Window

    def array(self, access: Access) -> NDArray[Any]:
        """A fresh array (rows, columns, dates)."""
        return self.arrays.array(access)[self.seen.slices_in(self.arrays.seen)].copy(order="C")

    def raw_dates(self, sensor: str) -> list[str]:
        """The dates of raw arrays as YYYYMMDD."""
        return self.arrays.raw_dates(sensor)


def _place(features: SensorFeatures, band: str) -> slice | None:
    """Where the dates of a band or index lie among the features; None where it is not among them."""
    n_dates, n_bands = len(features.dates), len(features.bands)
    if band in features.used_indices:
        first = n_bands * n_dates * features.copy_input + features.used_indices.index(band) * n_dates
        return slice(first, first + n_dates)
    if not features.copy_input or band not in features.bands:
        return None
    return slice(features.bands.index(band), n_bands * n_dates, n_bands)


def _computed(features: SensorFeatures, cube: Cube, part: Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Features (rows, columns, n) of a part of a cube, and which pixels (rows, columns) have a clear date."""
    rows, columns = part.slices_in(cube.window)
    wanted = None
    if part.n_columns != cube.window.n_columns:
        wanted = np.zeros((part.n_rows, cube.window.n_columns), dtype=np.bool_)
        wanted[:, columns] = True
    numbers, valid = features.compute(cube, rows, wanted)
    return numbers.reshape(*part.shape, -1), valid.reshape(part.shape)


def _masks(cube: Cube, part: Window, days: tuple[datetime.date, ...], *, is_binary: bool) -> NDArray[np.uint8]:
    """Validity (rows, columns, days) as CLEAR, INVALID, NOT_ACQUIRED; 0 and 1 for binary ones."""
    masks = cube.masks
    rows, columns = part.slices_in(cube.window)
    found = np.full((*part.shape, len(days)), NOT_ACQUIRED, dtype=np.uint8)
    for place, day in enumerate(days):
        if day in masks.dates:
            date = masks.dates.index(day)
            acquired = masks.acquired[date, rows, columns]
            found[:, :, place] = np.where(acquired, masks.invalid[date, rows, columns], NOT_ACQUIRED)
    return np.minimum(found, INVALID) if is_binary else found


def _raw_band(
    cube: Cube, band: str, part: Window, days: tuple[datetime.date, ...], no_data: np.float32
) -> NDArray[np.float32]:
    """A band at some days (rows, columns, days): of several products of a day a clear one, else one with data."""
    series = band_series(cube, band)
    rows, columns = part.slices_in(cube.window)
    found = np.full((*part.shape, len(days)), np.nan, dtype=np.float32)
    for place, day in enumerate(days):
        if day not in cube.dates:
            continue
        date = cube.dates.index(day)
        products = range(int(cube.first_product[date]), int(cube.first_product[date + 1]))
        target = found[:, :, place]
        for is_clear in (True, False):
            for product in products:
                usable = (cube.flags[product, rows, columns] == 0) | (not is_clear)
                np.copyto(target, series[product, rows, columns], where=usable & np.isnan(target))
    return np.where(np.isnan(found), no_data, found)


def _index(source: SensorSource, index: str, bands: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """A built-in index of raw bands, NaN where a band is: normalised differences x 1000, Brightness as the bands."""
    if index == "Brightness":
        total: NDArray[np.float32] = np.sqrt(np.sum([band.astype(np.float32) ** 2 for band in bands.values()], axis=0))
        return total
    sensor = source.sensor
    colors = (sensor.nir, sensor.red) if index == "NDVI" else (sensor.swir, sensor.nir)
    first, second = (bands[str(color)] for color in colors)
    total = first + second
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: NDArray[np.float32] = (first - second) / total * np.float32(1000)
    return np.where(np.abs(total) < 1e-5, np.float32(0), ratio)
