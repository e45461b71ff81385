"""Groups of features: what is extracted together, stored together and put side by side for a model.

A sensor's bands and indices are one group. Whatever else feeds a classifier is another: user rasters, functions of the
user. A group says what it reads of a window; all groups of a chunk share one reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from i2db.raster.cube import Cube
from i2db.raster.features import Feature, SensorFeatures
from i2db.raster.grid import Grid, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowData:
    """What was read for a window; the arrays may reach beyond it by the greatest margin that a group asked for."""

    grid: Grid
    window: Window
    #: Cube per sensor.
    cubes: Mapping[str, Cube]
    #: User's rasters by name: (bands, rows, columns), NaN where there is no data.
    rasters: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    #: Pixels by which the arrays reach beyond the window on each side.
    margin: int = 0
    #: What groups computed of the whole window, by the name of the group, kept for its next rows.
    prepared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    #: What all tiles cover together; None: not known, nothing is clipped to it.
    extent: Window | None = None
    #: Reads what other tiles have of the window and its margin: cubes per sensor, tile by tile; done when first called.
    neighbours: Callable[[], Sequence[Mapping[str, Cube]]] = field(default=tuple, compare=False, repr=False)
    #: The same of a raster of the user, by its name: the part of the window that a tile covers, and its numbers there.
    other_rasters: Callable[[str], Sequence[tuple[Window, NDArray[np.float32]]]] = field(
        default=lambda _: (), compare=False, repr=False
    )
    #: What the work on all windows of the chunk has cost so far, by the name of what was done.
    costs: dict[str, Cost] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class Cost:
    """What a function of the user has cost: calls, seconds, and memory in megabytes.

    `peak_megabytes` is the most by which one call raised the largest memory that the process ever had,
    `kept_megabytes` what the calls together did not give back; `n_not_finite` counts pixels that were NaN or infinite
    though they have data.
    """

    n_calls: int = 0
    seconds: float = 0.0
    peak_megabytes: float = 0.0
    kept_megabytes: float = 0.0
    n_not_finite: int = 0


class FeatureGroup(Protocol):
    """Features that are computed together; frozen and picklable, so that a task can carry it.

    Its `repr` holds all that the numbers depend on besides the files: fingerprints are made of it.
    """

    @property
    def name(self) -> str:
        """Name in column `feature_group`."""
        ...

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features, in the order of the numbers."""
        ...

    @property
    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """What it reads: bands per sensor."""
        ...

    @property
    def rasters(self) -> tuple[str, ...]:
        """What it reads: names of the user's rasters."""
        ...

    @property
    def margin(self) -> int:
        """Pixels around a window that its numbers depend on."""
        ...

    @property
    def bytes_per_pixel(self) -> int:
        """Memory that it takes per pixel of a window, besides the cubes and the numbers of the rows asked for."""
        ...

    @property
    def window_pixels(self) -> int | None:
        """Pixels of the windows it must be given, where its numbers may depend on them; None: windows are free."""
        ...

    def compute(
        self, data: WindowData, rows: slice, wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Numbers (n_wanted, n_features) of the wanted pixels of some rows of the window, and which are valid.

        `wanted` is (rows, columns) of these rows; pixels come row by row.
        """
        ...


class PixelGroup:
    """What follows for a group whose numbers at a pixel depend on that pixel alone, and that reads nothing else."""

    __slots__ = ()

    @property
    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """No sensor's."""
        return {}

    @property
    def rasters(self) -> tuple[str, ...]:
        """None of the user's."""
        return ()

    @property
    def margin(self) -> int:
        """None."""
        return 0

    @property
    def bytes_per_pixel(self) -> int:
        """None besides what is read."""
        return 0

    @property
    def window_pixels(self) -> int | None:
        """Free."""
        return None


@dataclass(frozen=True, slots=True)
class SensorGroup(PixelGroup):
    """The bands and indices of one sensor as a group."""

    of: SensorFeatures

    @property
    def name(self) -> str:
        """Name of the sensor in lower case."""
        return self.of.sensor.name.lower()

    @property
    def features(self) -> tuple[Feature, ...]:
        """Bands date by date, then indices."""
        return self.of.features

    @property
    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """The bands that are kept."""
        return {self.of.sensor.name: self.of.bands}

    def compute(
        self, data: WindowData, rows: slice, wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Numbers of the wanted pixels, and whether a pixel has a clear date."""
        cube = data.cubes[self.of.sensor.name]
        if cube.window == data.window:
            return self.of.compute(cube, rows, wanted)
        top, left = data.window.row - cube.window.row, data.window.column - cube.window.column
        wide = np.zeros((wanted.shape[0], cube.window.n_columns), dtype=np.bool_)
        wide[:, left : left + wanted.shape[1]] = wanted
        return self.of.compute(cube, slice(rows.start + top, rows.stop + top), wide)
