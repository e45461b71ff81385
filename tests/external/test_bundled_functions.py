"""The functions that come with i2db against formulas worked out number by number."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from i2db.external.access import SensorSource
from i2db.external.catalogue import describe, own_functions, source_code
from i2db.external.container import FunctionData
from i2db.external.external_code import __all__ as exported
from i2db.external.labels import labelled
from i2db.external.module import BUNDLED, load_module
from i2db.sensors.declaration import load_sensor

SENSOR = load_sensor("Sentinel2")
DATES = tuple(datetime.date(2018, 1, 11) + datetime.timedelta(days=20 * k) for k in range(9))
SHAPE = (3, 4, len(DATES))


class Given:
    """Random reflectances, or a series that a test chooses."""

    def __init__(self, **series: NDArray[np.float32]) -> None:
        self.series = series

    def array(self, access) -> NDArray[np.float32]:
        if access.band in self.series:
            return self.series[access.band].astype(np.float32)
        seed = sum(access.band.encode())
        return np.random.default_rng(seed).uniform(200, 5000, SHAPE).astype(np.float32)

    def raw_dates(self, sensor: str) -> list[str]:
        return [f"{day:%Y%m%d}" for day in DATES]


def data(**series: NDArray[np.float32]) -> FunctionData:
    source = SensorSource(sensor=SENSOR, kept=SENSOR.band_names, dates=DATES, raw_dates=DATES)
    return FunctionData(Given(**series), [source])


def called(name: str, given: FunctionData, **arguments) -> tuple[NDArray[np.float32], list[str]]:
    array, labels = load_module(BUNDLED).functions[name](given, **arguments)
    return array, [labelled(label).name for label in labels]


def nd(a: float, b: float) -> float:
    return (a - b) / (a + b)


def msavi(b: dict[str, float]) -> float:
    """The L that makes SAVI's line pass through the soil line, by iteration (Qi et al.): SAVI with L = 1 - MSAVI."""
    red, nir = b["B4"] / 1e4, b["B8"] / 1e4
    found = 0.0
    for _ in range(500):
        found = (nir - red) / (nir + red + 1 - found) * (2 - found)
    return found


def cari(b: dict[str, float]) -> float:
    """Distance of the 670 nm reflectance from the line between 550 and 700 nm, times the ratio (Kim et al.)."""
    green, red, edge = (b[name] / 1e4 for name in ("B3", "B4", "B5"))
    slope = (edge - green) / 150
    above = slope * (670 - 550) + green + red
    return edge / red * abs(above) / math.sqrt(slope * slope + 1)


def cari_of_iota2(b: dict[str, float]) -> float:
    b3, b4, b5 = b["B3"], b["B4"], b["B5"]
    a = ((b5 - b3) / 150) * 670 + b4 + (b3 - ((b5 - b3) / 150) * 550)
    return (b5 / b4) * math.sqrt(a**2) / math.sqrt(((b5 - b3) / (150 * 150)) + 1)


def angle(b: dict[str, float]) -> float:
    pixel = [b[name] for name in ("B2", "B3", "B4", "B8", "B11", "B12")]
    reference = (0.05, 0.08, 0.06, 0.4, 0.2, 0.1)
    product = sum(x * y for x, y in zip(pixel, reference, strict=True))
    return math.degrees(math.acos(product / math.hypot(*pixel) / math.hypot(*reference)))


FORMULAS: dict[str, Callable[[dict[str, float]], float]] = {
    "get_soi": lambda b: nd(b["B11"], b["B8"]),
    "get_ndvi": lambda b: nd(b["B8"], b["B4"]),
    "get_ndsi": lambda b: nd(b["B3"], b["B11"]),
    "get_cari": cari_of_iota2,
    "get_cari_published": cari,
    "get_evi": lambda b: 2.5 * (b["B8"] - b["B4"]) / (b["B8"] + 6 * b["B4"] - 7.5 * b["B2"] + 1e4),
    "get_evi2": lambda b: 2.5 * (b["B8"] - b["B4"]) / (b["B8"] + 2.4 * b["B4"] + 1e4),
    "get_savi": lambda b: 1.5 * (b["B8"] - b["B4"]) / (b["B8"] + b["B4"] + 5e3),
    "get_msavi": msavi,
    "get_ndwi": lambda b: nd(b["B3"], b["B8"]),
    "get_mndwi": lambda b: nd(b["B3"], b["B11"]),
    "get_ndmi": lambda b: nd(b["B8"], b["B11"]),
    "get_nbr": lambda b: nd(b["B8"], b["B12"]),
    "get_ndre": lambda b: nd(b["B8"], b["B5"]),
    "get_ireci": lambda b: (b["B7"] - b["B4"]) / 1e4 / (b["B5"] / b["B6"]),
    "get_s2rep": lambda b: min(max(705 + 35 * ((b["B4"] + b["B7"]) / 2 - b["B5"]) / (b["B6"] - b["B5"]), 680), 780),
    "get_bsi": lambda b: nd(b["B11"] + b["B4"], b["B8"] + b["B2"]),
    "get_ndbi": lambda b: nd(b["B11"], b["B8"]),
    "get_spectral_angle": angle,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_indices_pixel_by_pixel(name: str) -> None:
    given = data()
    found, labels = called(name, given)
    assert found.shape == SHAPE
    bands = {band: getattr(given, f"get_interpolated_Sentinel2_{band}")() for band in SENSOR.band_names}
    for place in np.ndindex(SHAPE):
        expected = FORMULAS[name]({band: float(array[place]) for band, array in bands.items()})
        assert found[place] == pytest.approx(expected, rel=2e-3 if "evi" in name else 1e-4, abs=1e-5), place
    assert len(set(labels)) == len(DATES)
    temporal = not labels[0].endswith("_1")
    assert labels[0].endswith("20180111" if temporal else "_1")


def test_iota2s_cari_is_not_the_published_one() -> None:
    (iota2, _), (published, _) = (called(name, data()) for name in ("get_cari", "get_cari_published"))
    assert not np.allclose(iota2, published, rtol=0.1)


def test_statistics() -> None:
    series = np.random.default_rng(1).uniform(-200, 900, SHAPE).astype(np.float32)
    found, labels = called(
        "get_statistics", data(NDVI=series), statistics=["mean", "std", "median", "amplitude", "sum"]
    )
    pixel = sorted(float(x) for x in series[1, 2])
    mean = sum(pixel) / 9
    deviation = math.sqrt(sum((x - mean) ** 2 for x in pixel) / 9)
    assert found[1, 2] == pytest.approx([mean, deviation, pixel[4], pixel[-1] - pixel[0], sum(pixel)], rel=1e-5)
    assert labels[:2] == ["sentinel2_ndvi_mean", "sentinel2_ndvi_std"]
    with pytest.raises(ValueError, match="known are mean, std"):
        called("get_statistics", data(), statistics=["mode"])
    quarters, labels = called("get_percentiles", data(NDVI=series), percentiles=[25, 62.5])
    # Nine numbers: the quarter is the third, 62.5 % the sixth.
    assert quarters[1, 2] == pytest.approx([pixel[2], pixel[5]])
    assert labels == ["sentinel2_ndvi_p25", "sentinel2_ndvi_p62_5"]
    variation, _ = called("get_variation", data(NDVI=series))
    steps = [abs(float(b) - float(a)) for a, b in zip(series[0, 0], series[0, 0][1:], strict=False)]
    assert variation[0, 0] == pytest.approx(sum(steps) / 8, rel=1e-5)


def test_trend_and_harmonics_find_what_was_put_in() -> None:
    days = np.array([day.timetuple().tm_yday for day in DATES], dtype=np.float64)
    line = np.broadcast_to(300 + 0.5 * days, SHAPE)
    trend, _ = called("get_trend", data(NDVI=line))
    assert trend == pytest.approx(0.5 * 365, rel=1e-4)
    wave = np.broadcast_to(400 + 250 * np.cos(2 * np.pi * (days - 200) / 365.25), SHAPE)
    found, labels = called("get_harmonics", data(NDVI=wave))
    assert found[2, 3] == pytest.approx([400, 250, 200], rel=1e-3)
    assert labels == ["sentinel2_ndvi_level", "sentinel2_ndvi_amplitude1", "sentinel2_ndvi_phase1"]
    with pytest.raises(ValueError, match="5 harmonics need 11 dates, there are 9"):
        called("get_harmonics", data(NDVI=wave), n_harmonics=5)


def season(days: list[int], series: list[float], threshold: float) -> tuple[float, ...]:
    """Walk from the peak to both sides."""
    peak = max(range(len(series)), key=lambda i: (series[i], -i))

    def edge(step: int) -> float:
        flank = series[: peak + 1] if step < 0 else series[peak:]
        level = min(flank) + threshold * (series[peak] - min(flank))
        i = peak
        while 0 <= i + step < len(series):
            i += step
            if series[i] <= level:
                share = (level - series[i]) / (series[i - step] - series[i])
                return days[i] + share * (days[i - step] - days[i])
        return days[0] if step < 0 else days[-1]

    start, end = edge(-1), edge(1)
    return start, days[peak], end, end - start, series[peak], series[peak] - min(series)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_phenology_is_that_of_a_walk_from_the_peak(threshold: float) -> None:
    days = [day.timetuple().tm_yday for day in DATES]
    series = np.random.default_rng(7).uniform(0, 900, (20, 30, 9)).astype(np.float32)
    series[0, 0] = [1, 2, 3, 4, 9, 4, 3, 2, 1]
    series[0, 1] = [9, 8, 7, 6, 5, 4, 3, 2, 1]
    series[0, 2] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    found, labels = called("get_phenology", data(NDVI=series), threshold=threshold)
    assert [label.rpartition("_")[2] for label in labels] == ["start", "peak", "end", "length", "top", "amplitude"]
    for place in np.ndindex(20, 30):
        expected = season(days, [float(x) for x in series[place]], threshold)
        assert found[place] == pytest.approx(expected, abs=0.02), place
    flat, _ = called("get_phenology", data(NDVI=np.full(SHAPE, 5, dtype=np.float32)))
    assert flat[0, 0] == pytest.approx([11, 11, 171, 160, 5, 0])
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1"):
        called("get_phenology", data(), threshold=1)


def test_all_of_them_are_listed_with_their_sources() -> None:
    rows = describe()
    assert [row["function"] for row in rows] == sorted(exported) == own_functions(load_module(BUNDLED))
    for row in rows:
        assert row["features"] != "?", row
        assert row["source"], row["function"]
        assert str(row["what"]).endswith("."), row["function"]
    assert {row["function"] for row in rows} >= set(FORMULAS)
    assert source_code("get_soi").startswith("def get_soi(self: Any)")
