"""Trying functions on a small window of made-up numbers: what they ask for, what they give, what they depend on."""

from __future__ import annotations

import datetime
import math
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.external.access import Access, Mode, SensorSource
from i2db.external.call import Function, Result, call
from i2db.external.container import FunctionData
from i2db.external.labels import Labelled
from i2db.external.module import find_function

#: (rows, columns) of the window, and of the corner of it that is tried again by itself.
WINDOW = (21, 26)
CORNER = (9, 8, 7, 9)
#: Margins that are tried to tell how far the numbers of a function depend on the pixels around.
_REACHES = (1, 2, 3, 5, 8)
#: Least memory that is assumed per pixel, in bytes.
_LEAST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Probed:
    """What trying a function told.

    `reach` is how many pixels beyond its margin its numbers were found to depend on: 0 for none, None for more than
    were tried.
    """

    function: Function
    labels: tuple[Labelled, ...] | None
    n_features: int
    accesses: tuple[Access, ...]
    reach: int | None
    bytes_per_pixel: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What functions are tried with."""

    sources: tuple[SensorSource, ...]
    rasters: Mapping[str, int]
    mode: Mode = "both"
    no_data_value: float = -10_000.0
    #: Raw dates by sensor.
    raw_dates: Mapping[str, tuple[datetime.date, ...]] | None = None


class _MadeUp:
    """Plausible numbers of a rectangle of an endless plane: a pixel has the same ones whatever rectangle it is in."""

    def __init__(self, setting: Setting, top: int, left: int, shape: tuple[int, int]) -> None:
        self._setting = setting
        self._rows = np.arange(top, top + shape[0], dtype=np.float64)[:, np.newaxis, np.newaxis]
        self._columns = np.arange(left, left + shape[1], dtype=np.float64)[np.newaxis, :, np.newaxis]
        self._made: dict[Access, NDArray[Any]] = {}

    def raw_dates(self, sensor: str) -> list[str]:
        return [f"{day:%Y%m%d}" for day in self._raw_days(sensor)]

    def _raw_days(self, sensor: str) -> tuple[datetime.date, ...]:
        given = self._setting.raw_dates or {}
        return given.get(sensor) or next(s.raw_dates for s in self._setting.sources if s.sensor.name == sensor)

    def array(self, access: Access) -> NDArray[Any]:
        if access not in self._made:
            self._made[access] = self._make(access)
        return self._made[access].copy()

    def _make(self, access: Access) -> NDArray[Any]:
        if access.kind == "raster":
            return self._waves(np.arange(self._setting.rasters[access.source]) + 0.5, 300.0, 250.0)
        source = next(s for s in self._setting.sources if s.sensor.name == access.source)
        if access.kind in ("masks", "binary"):
            places = np.arange(len(self._raw_days(access.source))) + 1.0
            return (self._waves(places, 0.5, 0.5) > 0.8).astype(np.uint8)
        days = source.dates if access.kind == "filled" else self._raw_days(access.source)
        phase = np.array([day.timetuple().tm_yday / 58.0 for day in days])
        if access.band in ("NDVI", "NDWI") and access.band not in source.sensor.band_names:
            return self._waves(phase + len(access.band), 250.0, 600.0)
        place = source.sensor.band_names.index(access.band) if access.band in source.sensor.band_names else 17
        return self._waves(phase + 0.7 * place, 2200.0 + 150.0 * place, 1500.0)

    def _waves(self, phase: NDArray[np.floating[Any]], mean: float, height: float) -> NDArray[np.float32]:
        """(rows, columns, n): mean plus or minus height at most, never smooth from pixel to pixel."""
        noise = np.sin(self._rows * 12.9898 + self._columns * 78.233 + phase) * 43758.5453
        noise -= np.floor(noise)
        wave = np.sin(0.31 * self._rows + 0.23 * self._columns + phase)
        return np.ascontiguousarray((mean + height * (0.7 * wave + 0.3 * (2 * noise - 1))).astype(np.float32))


def probe(function: Function, setting: Setting) -> Probed:
    """Try a function.

    Raises:
        InputError: it fails, or what it returns cannot be used; function, file and line are named.
    """
    accesses: set[Access] = set()
    rows, columns = WINDOW
    result = _try(function, setting, (0, 0), (rows, columns), accesses)
    _require_finite(function, result)
    top, left, n_rows, n_columns = CORNER
    corner = (slice(top, top + n_rows), slice(left, left + n_columns))
    reach: int | None = None
    for more in (0, *_REACHES):
        again = _try(function, setting, (top, left), (n_rows, n_columns), accesses, more)
        if _same(again.numbers, result.numbers[corner]):
            reach = more
            break
    return Probed(
        function=function,
        labels=result.labels,
        n_features=result.numbers.shape[2],
        accesses=tuple(sorted(accesses)),
        reach=reach,
        bytes_per_pixel=_memory(function, setting),
    )


def _try(
    function: Function,
    setting: Setting,
    corner: tuple[int, int],
    shape: tuple[int, int],
    accesses: set[Access],
    more: int = 0,
) -> Result:
    """What a function makes of (rows, columns) with its margin and some more pixels around, both cut off."""
    below, beside = (margin + more for margin in function.margin)
    seen = shape[0] + 2 * below, shape[1] + 2 * beside
    made_up = _MadeUp(setting, corner[0] - below, corner[1] - beside, seen)
    result = call(function, _data(made_up, setting, accesses), seen)
    return replace(result, numbers=result.numbers[below : below + shape[0], beside : beside + shape[1]])


def _data(made_up: _MadeUp, setting: Setting, accesses: set[Access]) -> FunctionData:
    return FunctionData(
        made_up,
        setting.sources,
        rasters=tuple(setting.rasters),
        mode=setting.mode,
        no_data_value=setting.no_data_value,
        on_access=accesses.add,
    )


def _same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other))


def _require_finite(function: Function, result: Result) -> None:
    broken = np.array([not np.isfinite(result.numbers[:, :, place]).all() for place in range(result.numbers.shape[2])])
    if not broken.any():
        return
    places = np.flatnonzero(broken)
    names = [str(i + 1) if result.labels is None else result.labels[i].name for i in places[:3]]
    _, found = find_function(function.name, None if function.module is None else _path(function.module))
    where = f"{found.__code__.co_filename}:{found.__code__.co_firstlineno}" if hasattr(found, "__code__") else "?"
    raise InputError(
        f"function {function.name} ({where}) returns NaN or infinite numbers in {len(places)} of {len(broken)} "
        f"features ({', '.join(names)}) for pixels with data",
        hint="it was tried on reflectances x 10000 and indices x 1000 as land has them, negative indices among them; "
        "divisions, roots and logarithms need care there",
    )


def _path(text: str) -> Any:
    from pathlib import Path

    return Path(text)


def _memory(function: Function, setting: Setting) -> int:
    """Bytes per pixel that a call takes besides what is read, from the second call on a larger window."""
    shape = (2 * WINDOW[0], 2 * WINDOW[1])
    data = _data(_MadeUp(setting, 0, 0, shape), setting, set())
    call(function, data, shape)
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call(function, data, shape)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        if not was_tracing:
            tracemalloc.stop()
    return max(_LEAST_BYTES, math.ceil((peak - before) / (shape[0] * shape[1])))


def require_same_everywhere(
    probed: Sequence[Probed], setting: Setting, by_tile: Mapping[str, Mapping[str, tuple[datetime.date, ...]]]
) -> None:
    """An InputError where functions give other features with the raw dates of one tile than with those of another."""
    for one in probed:
        if not any(access.kind in ("raw", "masks", "binary") for access in one.accesses):
            continue
        found = {}
        for tile, dates in by_tile.items():
            again = _try(one.function, replace(setting, raw_dates=dates), (0, 0), WINDOW, set())
            names = None if again.labels is None else tuple(label.name for label in again.labels)
            found[tile] = (again.numbers.shape[2], names)
        if len(set(found.values())) > 1:
            listing = ", ".join(f"{tile}: {n}" for tile, (n, _) in found.items())
            raise InputError(
                f"function {one.function.name} gives other features where the raw dates are others ({listing})",
                hint="sensors_data_interpolation.fill_missing_dates: True gives all tiles the same raw dates",
            )
