"""The functions of a project as a group of features: tried when the chain is planned, called window by window."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.external.access import Access, Mode, SensorSource
from i2db.external.arrays import Plan, WindowArrays
from i2db.external.call import Function, call
from i2db.external.container import FunctionData
from i2db.raster.features import Feature
from i2db.raster.grid import Window
from i2db.raster.group import Cost, WindowData

#: The name in column `feature_group`.
NAME = "external"

#: Pixels for which functions of single pixels are called at a time.
STRIP_PIXELS = 2**15


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionGroup:
    """Functions, what they read, and what they give; all of it known from trying them."""

    functions: tuple[Function, ...]
    #: Features of each function, in its order.
    n_features: tuple[int, ...]
    features: tuple[Feature, ...]
    #: The sensors that are asked for, and what is asked.
    sources: tuple[SensorSource, ...]
    accesses: tuple[Access, ...]
    mode: Mode = "both"
    no_data_value: float = -10_000.0
    fills_missing_dates: bool = False
    #: Windows that results may depend on: None where they were found not to.
    window_pixels: int | None = None
    #: Memory per pixel, as it was measured when the functions were tried; no result depends on it.
    bytes_per_pixel: int = field(default=0, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Always the same: a model has one such group."""
        return NAME

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What is asked of each sensor."""
        return tuple(
            Plan(source, found, self.fills_missing_dates)
            for source in self.sources
            if (
                found := tuple(
                    access
                    for access in self.accesses
                    if access.source == source.sensor.name and access.kind != "raster"
                )
            )
        )

    @property
    def bands(self) -> Mapping[str, tuple[str, ...]]:
        """Only the bands that the functions ask for."""
        return {plan.source.sensor.name: plan.bands for plan in self.plans}

    @property
    def rasters(self) -> tuple[str, ...]:
        """The user's rasters that the functions ask for."""
        return tuple(access.source for access in self.accesses if access.kind == "raster")

    @property
    def margin(self) -> int:
        """The greatest margin of a function."""
        return max(max(function.margin) for function in self.functions)

    @property
    def digest(self) -> str:
        """What a model's card says of the functions: their names and the hashes of their modules."""
        return ", ".join(f"{function.name} ({function.digest})" for function in self.functions)

    def compute(
        self, data: WindowData, rows: slice, wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Numbers of the wanted pixels; the whole window is computed once and kept for its other rows.

        A pixel is valid where the own tile has data of all that the functions ask for, and all their numbers are
        finite; else it is 0.
        """
        if self.name not in data.prepared:
            data.prepared[self.name] = self._window(data)
        numbers, is_valid = data.prepared[self.name]
        if wanted.all():
            return numbers[rows].reshape(-1, numbers.shape[2]), is_valid[rows].ravel()
        return numbers[rows][wanted], is_valid[rows][wanted]

    def _window(self, data: WindowData) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Numbers (rows, columns, features) of a window, and which of its pixels are valid.

        Functions of single pixels are called for strips of rows, whose arrays find their memory warm.
        """
        window = data.window
        numbers = np.empty((*window.shape, len(self.features)), dtype=np.float32)
        is_valid = np.empty(window.shape, dtype=np.bool_)
        step = window.n_rows if self.window_pixels else max(1, STRIP_PIXELS // window.n_columns)
        for top in range(0, window.n_rows, step):
            n_rows = min(step, window.n_rows - top)
            strip = Window(window.column, window.row + top, window.n_columns, n_rows)
            is_valid[top : top + n_rows] = self._compute(data, strip, numbers[top : top + n_rows])
        return numbers, is_valid

    def _compute(self, data: WindowData, window: Window, numbers: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Fill the numbers (rows, columns, features) of a part of what was read; which of its pixels are valid."""
        arrays = WindowArrays(data, window, self.plans, self.margin, self.no_data_value)
        inside = window.slices_in(arrays.seen)
        first, is_finite = 0, np.ones(window.shape, dtype=np.bool_)
        for function, n in zip(self.functions, self.n_features, strict=True):
            cost = data.costs.setdefault(function.name, Cost())
            found = self._called(function, arrays, window, cost)
            if found.shape[2] != n:
                raise self._inconsistent(function, n, found.shape[2], arrays)
            numbers[:, :, first : first + n] = found
            finite = np.isfinite(found)
            if not finite.all():
                broken = ~finite.all(axis=2)
                cost.n_not_finite += int(np.count_nonzero(broken & arrays.is_valid[inside]))
                is_finite &= ~broken
            first += n
        is_valid: NDArray[np.bool_] = is_finite & arrays.is_valid[inside]
        if not is_valid.all():
            numbers[~is_valid] = 0
        return is_valid

    def _called(self, function: Function, arrays: WindowArrays, window: Window, cost: Cost) -> NDArray[np.float32]:
        """What a function makes of a window (rows, columns, n), its margin cut off; adds what it cost.

        A function sees its own margin and no more: its numbers do not depend on which others are called.
        """
        clipped = arrays.clipped(window, function.margin)
        given = FunctionData(
            clipped, self.sources, rasters=self.rasters, mode=self.mode, no_data_value=self.no_data_value
        )
        # Arrays that are made at the first question for them are ours, not the function's.
        peak, kept, ours, started = _peak_memory(), _resident_memory(), arrays.raw_bytes, time.perf_counter()
        result = call(function, given, clipped.seen.shape)
        cost.n_calls += 1
        cost.seconds += time.perf_counter() - started
        cost.peak_megabytes = max(cost.peak_megabytes, _peak_memory() - peak)
        given_back = result.numbers.nbytes + arrays.raw_bytes - ours
        cost.kept_megabytes += _resident_memory() - kept - given_back / 1e6
        numbers: NDArray[np.float32] = result.numbers[window.slices_in(clipped.seen)]
        return numbers

    def _inconsistent(self, function: Function, n: int, found: int, arrays: WindowArrays) -> InputError:
        dates = "; ".join(
            f"{plan.source.sensor.name} has {len(arrays.raw_dates(plan.source.sensor.name))} raw dates here"
            for plan in self.plans
            if plan.of_kind("raw", "masks", "binary")
        )
        return InputError(
            f"function {function.name} gives {found} features in window {arrays.seen}, and gave {n} when it was tried"
            + (f" ({dates})" if dates else ""),
            hint="sensors_data_interpolation.fill_missing_dates: True gives all tiles the same raw dates"
            if dates
            else "their number must not depend on the pixels",
        )


def _peak_memory() -> float:
    """Largest memory that this process ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _resident_memory() -> float:
    """Memory of this process now, in megabytes; 0 where the system does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() / 1e6 if status.exists() else 0.0
