"""Statistics and phenology of a series as functions: numbers over all dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.external.labels import I2Label, as_day

Array = NDArray[np.floating[Any]]


def _series(self: Any, sensor: str, band: str) -> Array:
    found: Array = getattr(self, f"get_interpolated_{sensor}_{band}")()
    return found


def _days(self: Any, sensor: str) -> NDArray[np.float32]:
    """Days of the regular dates since 31 December of the year before the first: 1 is the first of January."""
    dates = [as_day(date) for date in self.interpolated_dates[sensor]]
    start = dates[0].replace(month=1, day=1).toordinal() - 1
    return np.array([date.toordinal() - start for date in dates], dtype=np.float32)


def _labels(sensor: str, band: str, *names: str) -> list[I2Label]:
    return [I2Label(sensor, f"{band}_{name}") for name in names]


def get_statistics(
    self: Any,
    sensor: str = "Sentinel2",
    band: str = "NDVI",
    statistics: Sequence[str] = ("mean", "std", "min", "max", "amplitude"),
) -> tuple[Array, list[I2Label]]:
    """Mean, standard deviation (of the population), min, max, amplitude, median, sum of a band or index over dates.

    Source: plain statistics; as metrics of annual series DeFries et al. 1995, 10.1016/0034-4257(95)00142-5.
    """
    series = _series(self, sensor, band)
    known: dict[str, Callable[[], Array]] = {
        "mean": lambda: series.mean(axis=2),
        "std": lambda: series.std(axis=2),
        "min": lambda: series.min(axis=2),
        "max": lambda: series.max(axis=2),
        "amplitude": lambda: series.max(axis=2) - series.min(axis=2),
        "median": lambda: np.median(series, axis=2),
        "sum": lambda: series.sum(axis=2),
    }
    unknown = [name for name in statistics if name not in known]
    if unknown or not statistics:
        raise ValueError(f"statistics {unknown or 'none'}: known are {', '.join(known)}")
    return np.stack([known[name]() for name in statistics], axis=2), _labels(sensor, band, *statistics)


def get_percentiles(
    self: Any, sensor: str = "Sentinel2", band: str = "NDVI", percentiles: Sequence[float] = (10, 25, 50, 75, 90)
) -> tuple[Array, list[I2Label]]:
    """Percentiles of a band or index over the dates, interpolated linearly between order statistics.

    Source: Hyndman and Fan 1996, 10.1080/00031305.1996.10473566 (their definition 7).
    """
    series = _series(self, sensor, band)
    found = np.percentile(series, list(percentiles), axis=2).astype(np.float32)
    return np.moveaxis(found, 0, 2), _labels(
        sensor, band, *(f"p{number:g}".replace(".", "_") for number in percentiles)
    )


def get_variation(self: Any, sensor: str = "Sentinel2", band: str = "NDVI") -> tuple[Array, list[I2Label]]:
    """Mean of the absolute differences between following dates of a band or index; 0 for a single date.

    Source: total variation, Rudin et al. 1992, 10.1016/0167-2789(92)90242-F, per step.
    """
    series = _series(self, sensor, band)
    if series.shape[2] == 1:
        return np.zeros(series.shape[:2], dtype=np.float32), _labels(sensor, band, "variation")
    return np.abs(np.diff(series, axis=2)).mean(axis=2), _labels(sensor, band, "variation")


def get_trend(self: Any, sensor: str = "Sentinel2", band: str = "NDVI") -> tuple[Array, list[I2Label]]:
    """Slope of the straight line of least squares through a band or index, per year of 365 days; 0 for a single date.

    Source: least squares, e.g. Draper and Smith 1998, 10.1002/9781118625590.
    """
    series = _series(self, sensor, band)
    days = _days(self, sensor)
    centred = days - days.mean()
    square = float((centred**2).sum())
    slope = (series * (centred / square * 365)).sum(axis=2) if square else np.zeros(series.shape[:2], np.float32)
    return slope.astype(np.float32), _labels(sensor, band, "trend")


def get_harmonics(
    self: Any, sensor: str = "Sentinel2", band: str = "NDVI", n_harmonics: int = 1
) -> tuple[Array, list[I2Label]]:
    """Mean level, amplitude and phase (days of the greatest value) of yearly waves fitted by least squares.

    Source: Jakubauskas et al. 2001, Photogrammetric Engineering and Remote Sensing 67, 461-470.
    """
    series = _series(self, sensor, band)
    days = _days(self, sensor).astype(np.float64)
    if len(days) < 2 * n_harmonics + 1:
        raise ValueError(f"{n_harmonics} harmonics need {2 * n_harmonics + 1} dates, there are {len(days)}")
    columns = [np.ones_like(days)]
    for k in range(1, n_harmonics + 1):
        angle = 2 * np.pi * k * days / 365.25
        columns += [np.cos(angle), np.sin(angle)]
    weights = np.linalg.pinv(np.stack(columns, axis=1)).astype(np.float32)
    # One sum per number: a product of matrices may round differently for windows of another size.
    fitted = [(series * row).sum(axis=2) for row in weights]
    found, names = [fitted[0]], ["level"]
    for k in range(1, n_harmonics + 1):
        cosine, sine = fitted[2 * k - 1], fitted[2 * k]
        found += [np.hypot(cosine, sine), np.mod(np.arctan2(sine, cosine) / (2 * np.pi), 1) * np.float32(365.25 / k)]
        names += [f"amplitude{k}", f"phase{k}"]
    return np.stack(found, axis=2), _labels(sensor, band, *names)


def get_phenology(
    self: Any, sensor: str = "Sentinel2", band: str = "NDVI", threshold: float = 0.5
) -> tuple[Array, list[I2Label]]:
    """Start, peak and end of the season (days, 1 is the first of January), its length, peak value and amplitude.

    The peak is the date of the greatest value. Start and end are where the series, joined by straight lines, last rises
    above and first falls below the share `threshold` of the way from the least value before (after) the peak up to the
    peak; a flank that is not in the series starts (ends) with its first (last) date.

    Source: White et al. 1997, 10.1029/97GB00330 (midpoint of each flank); Jonsson and Eklundh 2004,
    10.1016/j.cageo.2004.05.006.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, not {threshold}")
    series, days = _series(self, sensor, band), _days(self, sensor)
    peak = series.argmax(axis=2)
    top = series.max(axis=2)
    start = _crossing(series, days, peak, threshold)
    backwards = _crossing(series[:, :, ::-1], days[::-1], series.shape[2] - 1 - peak, threshold)
    numbers = [start, days[peak], backwards, backwards - start, top, top - series.min(axis=2)]
    names = ("start", "peak", "end", "length", "top", "amplitude")
    return np.stack(numbers, axis=2).astype(np.float32), _labels(sensor, band, *names)


def _crossing(series: Array, days: Array, peak: NDArray[np.intp], threshold: float) -> Array:
    """The day where the flank before the peak last passes the threshold on its way up (rows, columns)."""
    places = np.arange(series.shape[2])
    before = places <= peak[:, :, np.newaxis]
    low = np.where(before, series, np.float32(np.inf)).min(axis=2)
    top = np.take_along_axis(series, peak[:, :, np.newaxis], axis=2)[:, :, 0]
    level = low + np.float32(threshold) * (top - low)
    is_below = before & (series <= level[:, :, np.newaxis])
    last = np.where(is_below, places, -1).max(axis=2)
    # A flat series, or a peak on the first date: the season starts there.
    has_flank = (last >= 0) & (last < peak)
    first = np.clip(last, 0, max(series.shape[2] - 2, 0))
    second = np.minimum(first + 1, series.shape[2] - 1)
    a = np.take_along_axis(series, first[:, :, np.newaxis], axis=2)[:, :, 0]
    b = np.take_along_axis(series, second[:, :, np.newaxis], axis=2)[:, :, 0]
    step = np.divide(level - a, b - a, out=np.zeros_like(a), where=b != a)
    crossed = days[first] + step * (days[second] - days[first])
    found: Array = np.where(has_flank, crossed, days[0]).astype(np.float32)
    return found
