"""Sections of the sensors, one model for all of them, and users' own sensors; which of them a configuration uses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model

from i2db.config.fields import ConfigSection, Day, Expressions, FilePath, Text, names
from i2db.errors import ConfigError
from i2db.sensors.declaration import OWN_SENSORS, Sensor, all_sensors, load_sensor, read_declaration

if TYPE_CHECKING:
    from i2db.config.model import Config

#: Is told the place of a key and what is wrong with it.
Refuse = Callable[[tuple[str | int, ...], str], None]


def _bands(given: Any) -> Any:
    """Names of bands; an empty list is what iota2 writes for all."""
    return None if given in (None, "", [], ()) else names(given)


Bands = BeforeValidator(_bands, json_schema_input_type=str | list[str] | None)


class SensorSection(ConfigSection):
    """What can be said of a sensor."""

    start_date: Day = Field(
        default=None, description="First regular date as YYYYMMDD; read only where auto_date is False."
    )
    end_date: Day = Field(
        default=None, description="Last day of regular dates as YYYYMMDD; read only where auto_date is False."
    )
    temporal_resolution: int | None = Field(
        default=None,
        ge=1,
        le=366,
        description="Days from one regular date to the next; not set: as the sensor is declared (of a sensor that is "
        "declared with dates of its own: these dates).",
    )
    additional_features: Expressions = Field(
        default=(),
        description="Expressions of one date's bands b1, b2, ..., with commas between them; "
        "read only where use_additional_features is True.",
    )
    keep_bands: Annotated[tuple[Text, ...] | None, Bands] = Field(
        default=None,
        description="Bands to use; read only where extract_bands is True; not set: all.",
    )


class OwnSensor(SensorSection):
    """A sensor that the user declares."""

    declaration: FilePath = Field(description="TOML file that declares the sensor.")
    path: FilePath = Field(description="Folder of its files, or of one folder per tile, as the declaration says.")


def _is_described(item: Any) -> bool:
    return isinstance(item, dict) and {"declaration", "path"} <= item.keys()


def _own_sensors(given: Any) -> Any:
    """Sensors in a list; a single one may stand alone."""
    listed = [given] if isinstance(given, dict | OwnSensor) else given
    is_list = isinstance(listed, list | tuple)
    if not is_list or not all(isinstance(item, OwnSensor) or _is_described(item) for item in listed):
        raise ValueError("must be a list of mappings, each with declaration and path")
    return tuple(listed)


OwnSensors = Annotated[
    tuple[OwnSensor, ...],
    BeforeValidator(_own_sensors, json_schema_input_type=OwnSensor | list[OwnSensor]),
]


@functools.cache
def section_model(name: str) -> type[SensorSection]:
    """The section of a declared sensor: its bands, and its days between regular dates, are known."""
    sensor = load_sensor(name)
    bands: Any = Literal[sensor.band_names]
    example = [band for band in (sensor.red, sensor.nir, sensor.swir) if band is not None]
    fields: dict[str, Any] = {
        "keep_bands": (
            Annotated[tuple[bands, ...] | None, Bands],
            Field(
                default=None,
                description=f"Bands to use, e.g. {example}; read only where extract_bands is True; not set: all.",
            ),
        )
    }
    if sensor.temporal_resolution is not None:
        fields["temporal_resolution"] = (
            int,
            Field(
                default=sensor.temporal_resolution, ge=1, le=366, description="Days from one regular date to the next."
            ),
        )
    return create_model(f"{sensor.name}Section", __base__=SensorSection, __doc__=f"{sensor.title}.", **fields)


def section_field(name: str) -> Any:
    """The field of the configuration that holds the section of a declared sensor."""
    return Field(default=section_model(name)(), description=f"{load_sensor(name).title}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredSensor:
    """A sensor that a configuration uses: its declaration, the folder of its products, and what is said of it."""

    sensor: Sensor
    root: Path
    section: SensorSection
    #: Where that is written: the section's name, or the place in chain.sensors.
    place: tuple[str | int, ...]


def configured_sensors(config: Config, refuse: Refuse | None = None) -> tuple[ConfiguredSensor, ...]:
    """The sensors that a configuration uses, in the order of their features.

    Args:
        config: the configuration.
        refuse: is told the place and the reason where a user's sensor cannot be used, and such a sensor is left out;
            not given: an error.

    Raises:
        ConfigError: a user's declaration cannot be used, or has the name of another sensor.
    """
    found = [
        ConfiguredSensor(
            sensor=sensor,
            root=getattr(config.chain, sensor.path_key),
            section=getattr(config, sensor.section.lower()),
            place=(sensor.section.lower(),),
        )
        for sensor in all_sensors()
        if getattr(config.chain, sensor.path_key) is not None
    ]
    taken = {sensor.prefix: sensor.title for sensor in all_sensors()}
    chain, _, key = OWN_SENSORS.partition(".")
    for number, own in enumerate(config.chain.sensors):
        place = (chain, key, number)
        try:
            sensor = _own_sensor(own, taken)
        except ConfigError as error:
            if refuse is None:
                raise
            refuse(place, error.message if error.hint is None else f"{error.message} ({error.hint})")
            continue
        taken[sensor.prefix] = str(own.declaration)
        found.append(ConfiguredSensor(sensor=sensor, root=own.path, section=own, place=place))
    return tuple(found)


def _own_sensor(own: OwnSensor, taken: Mapping[str, str]) -> Sensor:
    """A user's sensor by its declaration; `taken` are the other sensors by the prefix of their features."""
    sensor = read_declaration(own.declaration, is_own=True)
    if sensor.prefix in taken:
        raise ConfigError(
            f"{own.declaration} declares {sensor.name}, which is the name of {taken[sensor.prefix]}",
            hint="names of features begin with it: give the sensor another name",
        )
    for band in own.keep_bands or ():
        if band not in sensor.band_names:
            raise ConfigError(
                f"keep_bands names {band}, which {own.declaration} does not declare",
                hint=f"its bands are {', '.join(sensor.band_names)}",
            )
    # Regular dates are asked for, whatever the declaration says of a sensor of which nothing is asked.
    return sensor if own.temporal_resolution is None else replace(sensor, dates="regular")
