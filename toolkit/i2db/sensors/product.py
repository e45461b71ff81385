"""What one acquisition on disk is: its date, its files, how its numbers become reflectances."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BandFile:
    """One band of one product: file, band number in it, and reflectance = number * scale + offset (x 10000)."""

    band: str
    path: str
    index: int = 1
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFile:
    """One mask of one product; which of its values mean what is said by the sensor's declaration."""

    mask: str
    path: str
    index: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """An acquisition of one tile: the row of table `acquisition` plus its files (all a worker needs to read it)."""

    product: str
    sensor: str
    tile: str
    date: datetime.date
    time: str
    platform: str
    orbit: str
    bands: tuple[BandFile, ...]
    masks: tuple[MaskFile, ...]
    #: Hash of names, sizes, modification times and heads of the files: what a task's fingerprint takes in.
    fingerprint: str
