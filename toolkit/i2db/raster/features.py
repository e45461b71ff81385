"""Features of a sensor: gap-filled bands and indices per pixel, in iota2's order, with iota2's names and scales."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ConfigError, ContractError
from i2db.raster.cube import Cube
from i2db.raster.grid import Window
from i2db.sensors.declaration import Sensor
from i2db.sensors.indices import INDEX_COLORS

if TYPE_CHECKING:
    from i2db.raster.expression import Expression
    from i2db.raster.feature_kernel import Recipe

#: Indices that can be asked for, in the order in which features list them.
INDICES = tuple(INDEX_COLORS)
#: Reflectance that `acorfeat` subtracts and adds in normalised indices, x 10000 as the bands.
ATMOSPHERIC_CORRECTION = 500.0
#: Memory of the pixels that are computed together: what stays in a processor's cache.
_CACHE_BYTES = 1 << 20
#: Pixels for which a user's expressions are evaluated together.
_EXPRESSION_PIXELS = 8192
#: Share of wanted pixels under which they are loaded one by one.
_SPARSE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature, as a row of table `feature` holds it: number * scale is in `unit`."""

    name: str
    sensor: str
    band: str
    unit: str
    scale: float
    #: None where the feature has no date.
    date: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorFeatures:
    """What is computed of a sensor's series; frozen and picklable, so that a task can carry it.

    `dates` are those to fill at, or with `is_gap_filled` False the raw ones; a raw date that a tile does not have is
    no data there (-10000). Every date of a cube counts for the filling.
    """

    sensor: Sensor
    bands: tuple[str, ...]
    dates: tuple[datetime.date, ...]
    is_gap_filled: bool = True
    indices: tuple[str, ...] = INDICES
    copy_input: bool = True
    relative_reflectance: bool = False
    keep_duplicates: bool = True
    acorfeat: bool = False
    #: Expressions of one date's bands b1, b2, ... in the order of `bands`.
    additional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be computed.

        Raises:
            ConfigError: unknown bands, indices or expressions; indices whose bands are not kept; no feature at all.
        """
        for band in self.bands:
            self.sensor.band(band)
        unknown = [index for index in self.indices if index not in INDICES]
        if unknown:
            raise ConfigError(f"features: {unknown[0]!r} is not known", hint=f"known: {', '.join(INDICES)}")
        names = {band.lower() for band in self.bands} if self.copy_input else set()
        if twice := [index for index in self.used_indices if index.lower() in names]:
            raise ConfigError(
                f"{self.sensor.title} has a band called {twice[0]}, and an index of that name is computed",
                hint="give the band another name, or take the index out of arg_train.features",
            )
        for color in self._needed_colors():
            band = getattr(self.sensor, color)
            if band is None:
                raise ConfigError(f"{self.sensor.title} declares no {color} band, which the features need")
            if band not in self.bands:
                raise ConfigError(
                    f"keep_bands leaves out {band}, the {color} band, which the features need",
                    hint="keep it, or ask for fewer features",
                )
        if not self.dates or list(self.dates) != sorted(set(self.dates)):
            raise ConfigError(f"the dates of {self.sensor.title} must rise and be at least one")
        for text in self.additional:
            _compiled(text, len(self.bands))
        if not self.n_features:
            raise ConfigError(f"no feature of {self.sensor.title} is left", hint="set copyinput, or name features")

    @property
    def used_indices(self) -> tuple[str, ...]:
        """The indices that are computed: without NDVI where it would repeat the relative reflectance of the NIR."""
        is_repeated = self.copy_input and self.relative_reflectance and not self.keep_duplicates
        return tuple(name for name in INDICES if name in self.indices and not (is_repeated and name == "NDVI"))

    @property
    def features(self) -> tuple[Feature, ...]:
        """All features in their order: bands date by date, then each index over the dates, then each expression."""
        rows: list[Feature] = []
        if self.copy_input:
            rows += [self._feature(band, date, *self._band_unit(band)) for date in self.dates for band in self.bands]
        for index in self.used_indices:
            unit, scale = ("reflectance", 1e-4) if index == "Brightness" else ("1", 1e-3)
            rows += [self._feature(index, date, unit, scale) for date in self.dates]
        for number in range(1, len(self.additional) + 1):
            rows += [self._feature(f"UserFeature{number}", date, "", 1.0) for date in self.dates]
        return tuple(rows)

    @property
    def n_features(self) -> int:
        """Number of features per pixel."""
        per_date = len(self.bands) * self.copy_input + len(self.used_indices) + len(self.additional)
        return per_date * len(self.dates)

    def compute(
        self,
        cube: Cube,
        rows: slice | None = None,
        wanted: NDArray[np.bool_] | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Features (pixels, features) of some rows of a cube's window (all, unless given), and whether each is valid.

        Pixels are row-major; with `wanted` (rows, columns of that block) only those that it marks are computed. A
        pixel without a clear date is not valid and 0 everywhere. The result does not depend on how a window is cut.

        `out`, an array of as many features and at least as many pixels, is filled and its first pixels returned: a
        loop over rows that gives the same array each time saves a fifth of the time, which fresh memory costs.

        Raises:
            ContractError: the cube lacks a band, or `wanted` or `out` has a shape or type that does not fit.
        """
        first, end, _ = (rows or slice(None)).indices(cube.window.n_rows)
        block = Window(0, first, cube.window.n_columns, max(0, end - first))
        if wanted is not None and wanted.shape != block.shape:
            raise ContractError(f"wanted must be {block.shape} as the block of rows is, not {wanted.shape}")
        kernel = _Kernel(cube, self.bands)
        n_pixels = block.n_pixels if wanted is None else int(np.count_nonzero(wanted))
        n_features = self.n_features
        features = np.empty((n_pixels, n_features), dtype=np.float32) if out is None else out[:n_pixels]
        if features.shape != (n_pixels, n_features) or features.dtype != np.float32:
            raise ContractError(f"out must hold {n_pixels} x {n_features} float32, not {features.shape}")
        is_valid = np.empty(n_pixels, dtype=np.bool_)
        n_additional = len(self.additional) * len(self.dates)
        if n_features > n_additional:
            built_in = features[:, : n_features - n_additional]
            kernel.run(block, wanted, self._recipe(cube, is_plain=False), built_in, is_valid)
        if n_additional:
            additional = features[:, n_features - n_additional :]
            self._add_expressions(kernel, block, wanted, additional, is_valid)
        return features, is_valid

    def _add_expressions(
        self,
        kernel: _Kernel,
        block: Window,
        wanted: NDArray[np.bool_] | None,
        features: NDArray[np.float32],
        is_valid: NDArray[np.bool_],
    ) -> None:
        """Fill the features of the user's expressions, some rows at a time; raw dates without data stay no data."""
        recipe = self._recipe(kernel.cube, is_plain=True)
        step = max(1, _EXPRESSION_PIXELS // max(1, block.n_columns))
        n_dates, n_bands = len(self.dates), len(self.bands)
        done = 0
        for top in range(0, block.n_rows, step):
            part = Window(0, block.row + top, block.n_columns, min(step, block.n_rows - top))
            marked = None if wanted is None else wanted[top : top + part.n_rows]
            n = part.n_pixels if marked is None else int(np.count_nonzero(marked))
            bands = np.empty((n, n_dates * n_bands), dtype=np.float32)
            kernel.run(part, marked, recipe, bands, is_valid[done : done + n])
            target, valid = features[done : done + n], is_valid[done : done + n]
            for number, text in enumerate(self.additional):
                for date in range(n_dates):
                    numbers = bands[:, date * n_bands : (date + 1) * n_bands]
                    target[:, number * n_dates + date] = _evaluated(text, numbers, valid)
            done += n

    def _recipe(self, cube: Cube, *, is_plain: bool) -> Recipe:
        """The kernel's orders; a plain recipe gives the bands as they are and nothing else."""
        from i2db.raster import feature_kernel as kernel
        from i2db.raster.gapfill import day_numbers

        def place(band: str | None) -> int:
            return self.bands.index(band) if band in self.bands else -1

        codes = [] if is_plain else [INDICES.index(name) for name in self.used_indices]
        places = {date: place for place, date in enumerate(cube.dates)}
        return kernel.Recipe(
            red=place(self.sensor.red),
            nir=place(self.sensor.nir),
            swir=place(self.sensor.swir),
            indices=np.array(codes, dtype=np.int64),
            is_band_copied=is_plain or self.copy_input,
            is_relative=self.relative_reflectance and not is_plain,
            correction=ATMOSPHERIC_CORRECTION if self.acorfeat else 0.0,
            is_filled=self.is_gap_filled,
            target_days=day_numbers(self.dates).astype(np.float64),
            target_places=np.array([places.get(date, -1) for date in self.dates], dtype=np.int64),
            days=day_numbers(cube.dates).astype(np.float64),
            first_product=cube.first_product,
        )

    def _needed_colors(self) -> list[str]:
        needed = {color for index in self.indices for color in INDEX_COLORS[index]}
        if self.relative_reflectance:
            needed.add("red")
        return sorted(needed)

    def _band_unit(self, band: str) -> tuple[str, float]:
        is_ratio = self.relative_reflectance and band != self.sensor.red
        declared = self.sensor.band(band)
        return ("1", 1e-3) if is_ratio else (declared.unit, declared.unit_scale)

    def _feature(self, band: str, date: datetime.date, unit: str, scale: float) -> Feature:
        name = f"{self.sensor.prefix}_{band.lower()}_{date:%Y%m%d}"
        return Feature(name=name, sensor=self.sensor.name, band=band, date=date, unit=unit, scale=scale)


def interpolation_dates(first: datetime.date, last: datetime.date, step: int) -> tuple[datetime.date, ...]:
    """Dates from the first on, every `step` days, up to the last at most.

    Raises:
        ConfigError: the last lies before the first, or the step is less than a day.
    """
    if step < 1:
        raise ConfigError(f"temporal_resolution must be at least 1 day, not {step}")
    if last < first:
        raise ConfigError(f"the end date {last} lies before the start date {first}")
    n = (last - first).days // step
    return tuple(first + datetime.timedelta(days=step * k) for k in range(n + 1))


@functools.lru_cache(maxsize=64)
def _compiled(text: str, n_bands: int) -> Expression:
    from i2db.raster.expression import compile_expression

    return compile_expression(text, _variables(n_bands))


def _variables(n_bands: int) -> list[str]:
    return [f"b{place}" for place in range(1, n_bands + 1)]


def _evaluated(text: str, bands: NDArray[np.float32], is_valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """An expression of one date's bands (pixels, bands): 0 for pixels that are not valid, NO_DATA for lacking dates."""
    from i2db.raster.feature_kernel import NO_DATA

    names = _variables(bands.shape[1])
    has_data = is_valid & (np.abs(bands - np.float32(NO_DATA)) >= 0.1).all(axis=1)
    numbers = np.where(is_valid, NO_DATA, 0.0)
    if has_data.any():
        columns = {name: np.ascontiguousarray(bands[has_data, place]) for place, name in enumerate(names)}
        numbers[has_data] = _compiled(text, bands.shape[1]).evaluate(columns)
    return numbers


class _Kernel:
    """The compiled kernel over some bands of a cube."""

    def __init__(self, cube: Cube, bands: tuple[str, ...]) -> None:
        from i2db.raster.pixels import sources_of

        self.cube = cube
        self._n_bands = len(bands)
        self._sources, self._taps = sources_of(cube, bands)

    def run(
        self,
        block: Window,
        wanted: NDArray[np.bool_] | None,
        recipe: Recipe,
        features: NDArray[np.float32],
        is_valid: NDArray[np.bool_],
    ) -> None:
        """Fill `features` and `is_valid` for the wanted pixels of a block of rows (counted in the cube's window)."""
        from i2db.raster import feature_kernel as kernel

        n_wanted = len(is_valid)
        if n_wanted == 0:
            return
        n_targets, n_features = len(recipe.target_places), features.shape[1]
        planes = (self.cube.n_products + n_targets) * self._n_bands + n_features
        n_pixels = min(512, max(64, _CACHE_BYTES // (4 * planes) // 16 * 16))
        work = kernel.scratch(recipe, self.cube.n_products, self._n_bands, n_features, n_pixels)
        common = (self._sources, self._taps, self.cube.flags)
        if wanted is not None and n_wanted < _SPARSE * block.n_pixels:
            rows, columns = np.nonzero(wanted)
            kernel.compute_pixels(*common, rows + block.row, columns, recipe, work, features, is_valid)
        elif n_wanted < block.n_pixels and wanted is not None:
            all_features = np.empty((block.n_pixels, n_features), dtype=np.float32)
            all_valid = np.empty(block.n_pixels, dtype=np.bool_)
            kernel.compute_rows(*common, block.row, block.n_rows, recipe, work, all_features, all_valid)
            features[:], is_valid[:] = all_features[wanted.ravel()], all_valid[wanted.ravel()]
        else:
            kernel.compute_rows(*common, block.row, block.n_rows, recipe, work, features, is_valid)
