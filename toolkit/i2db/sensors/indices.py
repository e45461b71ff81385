"""Which indices a sensor can give: those whose bands it declares."""

from __future__ import annotations

from i2db.sensors.declaration import Sensor

#: Indices that can be asked for, in the order in which features list them, with the bands that each is made of.
INDEX_COLORS: dict[str, tuple[str, ...]] = {"NDVI": ("red", "nir"), "NDWI": ("nir", "swir"), "Brightness": ()}


def colors_of(sensor: Sensor) -> tuple[str, ...]:
    """The red, near and short-wave infrared bands that a sensor declares, in this order."""
    return tuple(band for band in (sensor.red, sensor.nir, sensor.swir) if band is not None)


def indices_of(sensor: Sensor) -> tuple[str, ...]:
    """Indices that a sensor can give; a brightness is made of all bands, where all are reflectances."""
    return tuple(
        index
        for index, colors in INDEX_COLORS.items()
        if all(getattr(sensor, color) is not None for color in colors) and (colors or sensor.is_reflectance)
    )
