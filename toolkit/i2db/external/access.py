"""The getters of a user's function: which names there are, and what each of them needs to be read."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from i2db.errors import InputError
from i2db.sensors.declaration import Sensor
from i2db.sensors.indices import INDEX_COLORS, indices_of

#: filled: at the regular dates; raw: as acquired; masks and binary: validity of the raw dates; raster: the user's.
Kind = Literal["filled", "raw", "masks", "binary", "raster"]
#: What data_mode_access allows; both where it is not set.
Mode = Literal["gapfilled", "raw", "both"]


#: Getters of the user's rasters begin with one of these; the raster's name follows.
_RASTER_PREFIXES = ("get_user_features_", "get_userFeatures_", "get_interpolated_userFeatures_")


class UnknownGetterError(InputError, AttributeError):
    """A function asks for an attribute that `self` has not."""


@dataclass(frozen=True, slots=True, order=True)
class Access:
    """What one getter gives: `source` is a sensor or a raster of the user, `band` a band or an index."""

    kind: Kind
    source: str
    band: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSource:
    """A sensor whose numbers functions may ask for: bands that are kept, regular dates, raw dates over all tiles."""

    sensor: Sensor
    kept: tuple[str, ...]
    #: Empty where dates stay as acquired.
    dates: tuple[datetime.date, ...]
    raw_dates: tuple[datetime.date, ...]

    @property
    def indices(self) -> tuple[str, ...]:
        """The indices that the sensor's declaration allows."""
        # A sensor of the user may have a band of that name: the getter gives the band.
        return tuple(index for index in indices_of(self.sensor) if index not in self.sensor.band_names)

    def bands_of(self, band: str) -> tuple[str, ...]:
        """The bands that a band or index is made of; Brightness is made of those that are kept."""
        if band in self.sensor.band_names:
            return (band,)
        if band == "Brightness":
            return self.kept
        return tuple(str(getattr(self.sensor, color)) for color in INDEX_COLORS[band])


def getters(sources: Sequence[SensorSource], rasters: Sequence[str], mode: Mode = "both") -> dict[str, Access]:
    """All getters by name."""
    found: dict[str, Access] = {}
    for source in sources:
        found |= {name: access for name, access in _of_sensor(source) if _is_allowed(access.kind, mode)}
    for name in rasters:
        for prefix in _RASTER_PREFIXES:
            found[prefix + name] = Access("raster", name)
    return found


def _of_sensor(source: SensorSource) -> Iterator[tuple[str, Access]]:
    name = source.sensor.name
    plain: Kind = "filled" if source.dates else "raw"
    for band in (*source.sensor.band_names, *source.indices):
        yield f"get_raw_{name}_{band}", Access("raw", name, band)
        yield f"get_{name}_{band}", Access(plain, name, band)
        if source.dates:
            yield f"get_interpolated_{name}_{band}", Access("filled", name, band)
    yield f"get_raw_{name}_masks", Access("masks", name)
    yield f"get_{name}_masks", Access("masks", name)
    yield f"get_{name}_binary_masks", Access("binary", name)
    yield f"get_raw_{name}_binary_masks", Access("binary", name)


def _is_allowed(kind: Kind, mode: Mode) -> bool:
    if mode == "both" or kind == "raster":
        return True
    return (kind == "filled") == (mode == "gapfilled")


def unknown(
    name: str, sources: Sequence[SensorSource], rasters: Sequence[str], mode: Mode, others: Sequence[str]
) -> UnknownGetterError:
    """The error for a getter (or any attribute) that there is not: what is near it, or why it is not given."""
    allowed, every = getters(sources, rasters, mode), getters(sources, rasters)
    if name in every:
        return UnknownGetterError(
            f"self.{name} is not given: python_data_managing.data_mode_access is {mode}",
            hint="set it to both, or leave it out",
        )
    if name.startswith("get_interpolated_") and name.replace("_interpolated_", "_raw_") in every:
        return UnknownGetterError(
            f"self.{name} is not given: sensors_data_interpolation.use_gapfilling is False, dates stay as acquired",
            hint=f"ask for {name.replace('_interpolated_', '_raw_')}, or set use_gapfilling to True",
        )
    if name.startswith(_RASTER_PREFIXES):
        listed = f"rasters are {', '.join(rasters)}" if rasters else "no raster is configured"
        return UnknownGetterError(
            f"there is no self.{name}: {listed}",
            hint="chain.user_feat_path with user_feat.patterns, or user_feat.files, name the rasters",
        )
    known = [*allowed, *others]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    folded = {each.lower(): each for each in known}
    if name.lower() in folded:
        near = [folded[name.lower()]]
    hint = f"the nearest are {', '.join(near)}" if near else "`i2db features --getters` lists all getters"
    return UnknownGetterError(f"there is no self.{name}", hint=hint)
