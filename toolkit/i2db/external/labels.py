"""What a user's function calls its numbers: plain texts, or labels that know sensor, feature and date."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class I2Label:
    """A feature without a date; its column is `<sensor_name>_<feat_name>` in lower case."""

    sensor_name: str
    feat_name: str

    def __str__(self) -> str:
        return f"{self.sensor_name}_{self.feat_name}".lower()


@dataclass(frozen=True, slots=True)
class I2TemporalLabel:
    """A feature of one date (a date, or YYYYMMDD); its column is `<sensor_name>_<feat_name>_<date>` in lower case."""

    sensor_name: str
    feat_name: str
    date: datetime.date | str | int

    def __str__(self) -> str:
        return f"{self.sensor_name}_{self.feat_name}_{self.day:%Y%m%d}".lower()

    @property
    def day(self) -> datetime.date:
        """The date; a ValueError where it is none."""
        return as_day(self.date)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label as it is kept: the column's name, and sensor, feature and date where the label tells them."""

    name: str
    sensor: str | None = None
    feature: str | None = None
    date: datetime.date | None = None


def as_day(given: Any) -> datetime.date:
    """A date from a date, YYYYMMDD or YYYY-MM-DD; a ValueError where it is none."""
    if isinstance(given, datetime.datetime):
        return given.date()
    if isinstance(given, datetime.date):
        return given
    return datetime.datetime.strptime(str(given).replace("-", ""), "%Y%m%d").date()


def labelled(given: Any) -> Labelled:
    """A label of a function: a text, or an object with sensor_name, feat_name and perhaps date (ours or iota2's).

    Raises:
        ValueError: it is neither, it is empty, or its date is none.
    """
    if isinstance(given, str):
        name = given.strip()
        if not name:
            raise ValueError("an empty text")
        return Labelled(name)
    sensor, feature = getattr(given, "sensor_name", None), getattr(given, "feat_name", None)
    if not (isinstance(sensor, str) and isinstance(feature, str) and sensor and feature):
        raise ValueError(f"{given!r}, which is neither a text nor has sensor_name and feat_name")
    if getattr(given, "date", None) is None:
        return Labelled(str(I2Label(sensor, feature)), sensor, feature)
    try:
        day = as_day(given.date)
    except ValueError:
        raise ValueError(f"one with date {given.date!r}, which is no YYYYMMDD") from None
    return Labelled(str(I2TemporalLabel(sensor, feature, day)), sensor, feature, day)
