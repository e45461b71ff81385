"""Spectral indices as functions: one number per date, or over all dates.

Numbers of bands are reflectances x 10000, as the getters give them; formulas with constants divide by 10000 first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.external.labels import I2TemporalLabel

Array = NDArray[np.floating[Any]]

#: Bands of each sensor by what they see; re1, re2, re3: red edge from short to long waves.
BANDS = {
    "Sentinel2": {
        "blue": "B2", "green": "B3", "red": "B4", "re1": "B5", "re2": "B6", "re3": "B7", "nir": "B8", "nir2": "B8A",
        "swir1": "B11", "swir2": "B12",
    },
    "Sentinel2S2C": {
        "blue": "B02", "green": "B03", "red": "B04", "re1": "B05", "re2": "B06", "re3": "B07", "nir": "B08",
        "nir2": "B8A", "swir1": "B11", "swir2": "B12",
    },
    "Landsat8": {"blue": "B2", "green": "B3", "red": "B4", "nir": "B5", "swir1": "B6", "swir2": "B7"},
    "Landsat5": {"blue": "B1", "green": "B2", "red": "B3", "nir": "B4", "swir1": "B5", "swir2": "B7"},
}  # fmt: skip
BANDS["Sentinel2L3A"] = BANDS["Sentinel2"]
BANDS["Landsat8Old"] = BANDS["Landsat8"]
BANDS["Landsat5Old"] = BANDS["Landsat5"]


def band(self: Any, sensor: str, color: str) -> Array:
    """The regular series (rows, columns, dates) of what a sensor's band of a colour sees, reflectance x 10000.

    Raises:
        ValueError: the sensor is not known here, or has no such band.
    """
    colors = BANDS.get(sensor)
    if colors is None:
        raise ValueError(f"sensor {sensor!r} is not known to this function; it knows {', '.join(BANDS)}")
    if color not in colors:
        raise ValueError(f"{sensor} has no {color} band")
    found: Array = getattr(self, f"get_interpolated_{sensor}_{colors[color]}")()
    return found


def ratio(numerator: Array, denominator: Array) -> Array:
    """A quotient, 0 where the denominator is 0."""
    found: Array = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)
    return found


def difference(one: Array, other: Array) -> Array:
    """The normalised difference (one - other) / (one + other), 0 where the sum is 0."""
    return ratio(one - other, one + other)


def _numbered(name: str, array: Array) -> list[str]:
    """iota2's labels: the name with the number of the date, from 1."""
    return [f"{name}_{i + 1}" for i in range(array.shape[2])]


def dated(self: Any, sensor: str, name: str) -> list[I2TemporalLabel]:
    """Labels with the regular dates of a sensor."""
    return [I2TemporalLabel(sensor, name, date) for date in self.interpolated_dates[sensor]]


def get_soi(self: Any) -> tuple[Array, list[str]]:
    """Soil composition index, (B11 - B8) / (B11 + B8) per date.

    Source: iota2's external_code.py; the same as its NDWI / 1000, and the negative of NDMI (Gao 1996,
    10.1016/S0034-4257(96)00067-3).
    """
    found = difference(self.get_interpolated_Sentinel2_B11(), self.get_interpolated_Sentinel2_B8())
    return found, _numbered("soi", found)


def get_ndvi(self: Any) -> tuple[Array, list[str]]:
    """Normalised difference vegetation index, (B8 - B4) / (B8 + B4) per date.

    Source: iota2's external_code.py; Rouse et al. 1974, NASA SP-351, 309-317.
    """
    found = difference(self.get_interpolated_Sentinel2_B8(), self.get_interpolated_Sentinel2_B4())
    return found, _numbered("ndvi", found)


def get_ndsi(self: Any) -> tuple[Array, list[str]]:
    """Normalised difference snow index, (B3 - B11) / (B3 + B11) per date.

    Source: iota2's external_code.py; Hall et al. 1995, 10.1016/0034-4257(95)00137-P.
    """
    found = difference(self.get_interpolated_Sentinel2_B3(), self.get_interpolated_Sentinel2_B11())
    return found, _numbered("ndsi", found)


def get_cari(self: Any) -> tuple[Array, list[str]]:
    """Chlorophyll absorption ratio index as iota2 computes it, per date.

    Source: iota2's external_code.py. It has lost a square of the published index, which is `get_cari_published`.
    """
    b3, b4, b5 = (getattr(self, f"get_interpolated_Sentinel2_{name}")() for name in ("B3", "B4", "B5"))
    slope = (b5 - b3) / np.float32(150)
    a = slope * np.float32(670) + b4 + (b3 - slope * np.float32(550))
    b = (b5 - b3) / np.float32(150 * 150) + np.float32(1)
    found = ratio(b5, b4) * np.sqrt(a**2) / np.sqrt(b)
    return found, _numbered("cari", found)


def get_cari_published(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Chlorophyll absorption ratio index as published, with Sentinel-2's 560, 665 and 705 nm bands, per date.

    R700 / R670 * |a 670 + R670 + b| / sqrt(a^2 + 1), a = (R700 - R550) / 150, b = R550 - 550 a, in reflectance.

    Source: Kim et al. 1994, Proc. 6th Symp. Physical Measurements and Signatures in Remote Sensing, 299-306.
    """
    green, red, edge = (band(self, sensor, color) / np.float32(10_000) for color in ("green", "red", "re1"))
    a = (edge - green) / np.float32(150)
    b = green - np.float32(550) * a
    found = ratio(edge, red) * np.abs(a * np.float32(670) + red + b) / np.sqrt(a**2 + np.float32(1))
    return found, dated(self, sensor, "caripub")


def get_evi(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Enhanced vegetation index, 2.5 (nir - red) / (nir + 6 red - 7.5 blue + 1) per date.

    Source: Huete et al. 2002, 10.1016/S0034-4257(02)00096-2.
    """
    blue, red, nir = (band(self, sensor, color) / np.float32(10_000) for color in ("blue", "red", "nir"))
    found = ratio(np.float32(2.5) * (nir - red), nir + 6 * red - np.float32(7.5) * blue + 1)
    return found, dated(self, sensor, "evi")


def get_evi2(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Enhanced vegetation index of two bands, 2.5 (nir - red) / (nir + 2.4 red + 1) per date.

    Source: Jiang et al. 2008, 10.1016/j.rse.2008.06.006.
    """
    red, nir = (band(self, sensor, color) / np.float32(10_000) for color in ("red", "nir"))
    found = ratio(np.float32(2.5) * (nir - red), nir + np.float32(2.4) * red + 1)
    return found, dated(self, sensor, "evi2")


def get_savi(self: Any, sensor: str = "Sentinel2", soil: float = 0.5) -> tuple[Array, list[I2TemporalLabel]]:
    """Soil adjusted vegetation index, (1 + L) (nir - red) / (nir + red + L) per date, L = `soil`.

    Source: Huete 1988, 10.1016/0034-4257(88)90106-X.
    """
    red, nir = (band(self, sensor, color) / np.float32(10_000) for color in ("red", "nir"))
    found = ratio(np.float32(1 + soil) * (nir - red), nir + red + np.float32(soil))
    return found, dated(self, sensor, "savi")


def get_msavi(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Modified soil adjusted vegetation index (MSAVI2), per date.

    (2 nir + 1 - sqrt((2 nir + 1)^2 - 8 (nir - red))) / 2.

    Source: Qi et al. 1994, 10.1016/0034-4257(94)90134-1.
    """
    red, nir = (band(self, sensor, color) / np.float32(10_000) for color in ("red", "nir"))
    base = 2 * nir + 1
    # The root is real for reflectances of at least 0; corrected ones may be a little below.
    root = np.sqrt(np.maximum(base**2 - 8 * (nir - red), np.float32(0)))
    return (base - root) / 2, dated(self, sensor, "msavi")


def get_ndwi(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Normalised difference water index of open water, (green - nir) / (green + nir) per date.

    Source: McFeeters 1996, 10.1080/01431169608948714. (The built-in NDWI is (swir - nir) / (swir + nir).)
    """
    found = difference(band(self, sensor, "green"), band(self, sensor, "nir"))
    return found, dated(self, sensor, "ndwigreen")


def get_mndwi(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Modified normalised difference water index, (green - swir1) / (green + swir1) per date.

    Source: Xu 2006, 10.1080/01431160600589179.
    """
    found = difference(band(self, sensor, "green"), band(self, sensor, "swir1"))
    return found, dated(self, sensor, "mndwi")


def get_ndmi(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Normalised difference moisture index, (nir - swir1) / (nir + swir1) per date.

    Source: Gao 1996, 10.1016/S0034-4257(96)00067-3.
    """
    found = difference(band(self, sensor, "nir"), band(self, sensor, "swir1"))
    return found, dated(self, sensor, "ndmi")


def get_nbr(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Normalised burn ratio, (nir - swir2) / (nir + swir2) per date.

    Source: Key and Benson 2006, USDA RMRS-GTR-164-CD, LA-1-55.
    """
    found = difference(band(self, sensor, "nir"), band(self, sensor, "swir2"))
    return found, dated(self, sensor, "nbr")


def get_ndre(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Normalised difference red edge, (nir - red edge 1) / (nir + red edge 1) per date.

    Source: Gitelson and Merzlyak 1994, 10.1016/S0176-1617(11)81633-0.
    """
    found = difference(band(self, sensor, "nir"), band(self, sensor, "re1"))
    return found, dated(self, sensor, "ndre")


def get_ireci(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Inverted red edge chlorophyll index, (re3 - red) / (re1 / re2) per date, in reflectance.

    Source: Frampton et al. 2013, 10.1016/j.isprsjprs.2013.04.007.
    """
    red, re1, re2, re3 = (band(self, sensor, color) / np.float32(10_000) for color in ("red", "re1", "re2", "re3"))
    return ratio((re3 - red) * re2, re1), dated(self, sensor, "ireci")


def get_s2rep(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Position of the red edge in nanometres, 705 + 35 ((red + re3) / 2 - re1) / (re2 - re1), per date.

    It lies between 680 and 780 nm; beyond, and where re1 = re2, it is set to the nearer of these limits.

    Source: Frampton et al. 2013, 10.1016/j.isprsjprs.2013.04.007.
    """
    red, re1, re2, re3 = (band(self, sensor, color) for color in ("red", "re1", "re2", "re3"))
    found = 705 + 35 * ratio((red + re3) / 2 - re1, re2 - re1)
    return np.clip(found, np.float32(680), np.float32(780)), dated(self, sensor, "s2rep")


def get_bsi(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Bare soil index, ((swir1 + red) - (nir + blue)) / ((swir1 + red) + (nir + blue)) per date.

    Source: Rikimaru et al. 2002, Tropical Ecology 43, 39-47.
    """
    blue, red, nir, swir = (band(self, sensor, color) for color in ("blue", "red", "nir", "swir1"))
    return difference(swir + red, nir + blue), dated(self, sensor, "bsi")


def get_ndbi(self: Any, sensor: str = "Sentinel2") -> tuple[Array, list[I2TemporalLabel]]:
    """Normalised difference built-up index, (swir1 - nir) / (swir1 + nir) per date.

    Source: Zha et al. 2003, 10.1080/01431160304987.
    """
    found = difference(band(self, sensor, "swir1"), band(self, sensor, "nir"))
    return found, dated(self, sensor, "ndbi")


def get_spectral_angle(
    self: Any, sensor: str = "Sentinel2", reference: tuple[float, ...] = (0.05, 0.08, 0.06, 0.4, 0.2, 0.1)
) -> tuple[Array, list[I2TemporalLabel]]:
    """Angle in degrees to a spectrum of blue, green, red, nir, swir1 and swir2 reflectances, per date.

    The default is green vegetation. It does not depend on how bright a pixel is.

    Source: Kruse et al. 1993, 10.1016/0034-4257(93)90013-N.
    """
    colors = ("blue", "green", "red", "nir", "swir1", "swir2")
    if len(reference) != len(colors):
        raise ValueError(f"reference needs {len(colors)} reflectances ({', '.join(colors)}), not {len(reference)}")
    series = [band(self, sensor, color) for color in colors]
    product: Array = np.sum([each * np.float32(number) for each, number in zip(series, reference, strict=True)], axis=0)
    square: Array = np.sum([each**2 for each in series], axis=0)
    length = np.sqrt(square) * np.float32(math.sqrt(sum(number**2 for number in reference)))
    cosine = np.clip(ratio(product, length), np.float32(-1), np.float32(1))
    return np.degrees(np.arccos(cosine)), dated(self, sensor, "angle")
