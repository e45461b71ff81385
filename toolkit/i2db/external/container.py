"""What a user's function is given as `self`: getters of arrays (rows, columns, dates), dates, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from i2db.external.access import Access, Mode, SensorSource, getters, unknown


class Arrays(Protocol):
    """Where the numbers of a window come from: files, or numbers made up to try a function."""

    def array(self, access: Access) -> NDArray[Any]:
        """A fresh array (rows, columns, dates), which the function may change."""
        ...

    def raw_dates(self, sensor: str) -> Sequence[str]:
        """The dates of raw arrays of a sensor, as YYYYMMDD."""
        ...


class FunctionData:
    """The `self` of a user's function. Its getters are its own: nothing is kept from one window to the next."""

    def __init__(
        self,
        arrays: Arrays,
        sources: Sequence[SensorSource],
        *,
        rasters: Sequence[str] = (),
        mode: Mode = "both",
        no_data_value: float = -10_000.0,
        on_access: Callable[[Access], None] | None = None,
    ) -> None:
        """Offer the arrays of some sensors and rasters; `on_access` is told which are asked for."""
        self._arrays = arrays
        self._sources = sources
        self._rasters = rasters
        self._mode = mode
        self._getters = getters(sources, rasters, mode)
        self._on_access = on_access
        #: What raw arrays hold where nothing was acquired.
        self.no_data_value = no_data_value

    @property
    def interpolated_dates(self) -> Mapping[str, list[str]]:
        """The regular dates as YYYYMMDD, by sensor: those of the last axis of interpolated arrays."""
        return {source.sensor.name: [f"{day:%Y%m%d}" for day in source.dates] for source in self._sources}

    @property
    def raw_dates(self) -> Mapping[str, list[str]]:
        """The dates of acquisition as YYYYMMDD, by sensor: those of the last axis of raw arrays and masks."""
        for source in self._sources:
            self._note(Access("masks", source.sensor.name))
        return {source.sensor.name: list(self._arrays.raw_dates(source.sensor.name)) for source in self._sources}

    def __getattr__(self, name: str) -> Callable[[], NDArray[np.generic]]:
        if name.startswith("__"):
            raise AttributeError(name)
        access = self._getters.get(name)
        if access is None:
            own = ("interpolated_dates", "raw_dates", "no_data_value")
            raise unknown(name, self._sources, self._rasters, self._mode, own)

        def get() -> NDArray[Any]:
            self._note(access)
            return self._arrays.array(access)

        return get

    def _note(self, access: Access) -> None:
        if self._on_access is not None:
            self._on_access(access)
