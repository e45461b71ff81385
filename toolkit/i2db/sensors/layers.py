"""Bands and masks of a sensor: what each is, and the tables of a declaration that say it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, Literal

from i2db.sensors.pattern import NamePattern, compile_pattern
from i2db.sensors.table import Table

#: A token of a pattern, with its own form or without.
_TOKEN = re.compile(r"\{(?P<token>\w+)(?::(?P<form>[^{}]*))?\}")
#: Factor from reflectance x 10000, which bands are kept as, to reflectance.
_REFLECTANCE_SCALE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which numbers of a mask count: any but 0, those with one of some bits set, or those of a list."""

    kind: Literal["nonzero", "bits", "values"]
    numbers: tuple[int, ...] = ()

    def applies(self, number: int) -> bool:
        """Whether one number of the mask (an integer of at least 0) counts."""
        if self.kind == "nonzero":
            return number != 0
        if self.kind == "bits":
            return any(number >> bit & 1 for bit in self.numbers)
        return number in self.numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One band: where it lies in a product, and reflectance x 10000 = number * scale + offset."""

    name: str
    #: Metres per pixel, as declared; what counts for reading is what the files say.
    resolution: float
    file: NamePattern
    index: int
    scale: float
    offset: float
    #: What `{band}` stands for in the metadata's paths.
    metadata_id: str
    #: What the number is after scale and offset: it times `unit_scale` is in `unit` ("1" for an index).
    unit: str = "reflectance"
    unit_scale: float = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """One mask: where it lies, which numbers are invalid, and which lie outside of what was acquired."""

    name: str
    file: NamePattern
    index: int
    invalid: Rule | None
    outside: Rule | None


def read_bands(table: Table, is_calibrated: bool, product: str | None) -> tuple[Band, ...]:
    """The bands of table [bands], keys common to all of them included.

    `product` is the pattern of loose files, in which bands lie where no `file` is given; None for folders. Bands that
    share one file are numbered in it by their order, unless they give an `index`.

    Raises:
        ConfigError: a key is missing, wrong or without effect, or two bands are the same number of the same file.
    """
    common_file = table.optional_text("file") or (None if product is None else _without_tokens(product))
    is_shared = common_file is not None and "{band}" not in common_file
    scale, offset = table.optional_number("scale"), table.optional_number("offset")
    unit, unit_scale = table.optional_text("unit"), table.optional_number("unit_scale")
    bands = []
    for place, row in enumerate(table.tables("list"), start=1):
        name = row.identifier("name")
        token = row.optional_text("token") or name
        own_file = row.optional_text("file")
        file = own_file or common_file
        if file is None:
            raise row.error("file", "is missing, here and for all bands")
        own_scale, own_offset = row.optional_number("scale"), row.optional_number("offset")
        if is_calibrated and any(number is not None for number in (scale, offset, own_scale, own_offset)):
            raise row.error("scale", "or offset has no effect beside [bands.calibration]")
        metadata_id = row.optional_text("metadata_id") if is_calibrated else None
        own_unit = row.optional_text("unit") or unit or "reflectance"
        own_unit_scale = _first(row.optional_number("unit_scale"), unit_scale, _usual_scale(own_unit))
        if own_unit_scale == 0:
            raise row.error("unit_scale", "must not be 0")
        pattern = row.checked("file", functools.partial(_file_pattern, file.replace("{band}", token)))
        bands.append(
            Band(
                name=name,
                resolution=row.number("resolution"),
                file=pattern,
                index=row.integer("index", default=place if is_shared and own_file is None else 1, minimum=1),
                scale=_first(own_scale, scale, 1.0),
                offset=_first(own_offset, offset, 0.0),
                metadata_id=metadata_id or token,
                unit=own_unit,
                unit_scale=own_unit_scale,
            )
        )
        row.finish()
    table.check_distinct("list", [band.name.lower() for band in bands])
    _check_places(table, bands)
    return tuple(bands)


def _without_tokens(pattern: str) -> str:
    """The pattern of loose files as one of bands: {band} stays, other tokens stand for whatever they held."""

    def form(match: re.Match[str]) -> str:
        return "{band}" if match["token"] == "band" else match["form"] or "*"

    return _TOKEN.sub(form, pattern)


def _usual_scale(unit: str) -> float:
    return _REFLECTANCE_SCALE if unit == "reflectance" else 1.0


def _check_places(table: Table, bands: list[Band]) -> None:
    places: dict[tuple[str, int], str] = {}
    for band in bands:
        other = places.setdefault((band.file.text, band.index), band.name)
        if other != band.name:
            where = f"band {band.index} of the file {band.file.text}"
            raise table.error("list", f"says that {other} and {band.name} are both {where}")


def _file_pattern(text: str) -> NamePattern:
    return compile_pattern(text, frozenset())


def _first(*numbers: float | None) -> float:
    return next(number for number in numbers if number is not None)


def read_masks(table: Table) -> tuple[Mask, ...]:
    """The masks of table [masks].

    Raises:
        ConfigError: a key is missing, wrong or without effect.
    """
    masks = []
    for row in table.tables("list"):
        invalid, outside = _rule(row, "invalid"), _rule(row, "outside")
        if invalid is None and outside is None:
            raise row.error("invalid", "is missing, and so is outside: the mask would have no effect")
        file = row.text("file")
        masks.append(
            Mask(
                name=row.text("name"),
                file=row.checked("file", functools.partial(_file_pattern, file)),
                index=row.integer("index", default=1, minimum=1),
                invalid=invalid,
                outside=outside,
            )
        )
        row.finish()
    table.check_distinct("list", [mask.name.lower() for mask in masks])
    table.finish()
    return tuple(masks)


def _rule(table: Table, key: str) -> Rule | None:
    content: Any = table.take(key)
    if content is None:
        return None
    if content == "nonzero":
        return Rule(kind="nonzero")
    if isinstance(content, dict) and len(content) == 1:
        kind, numbers = next(iter(content.items()))
        highest = 31 if kind == "bits" else 2**31
        is_list = isinstance(numbers, list) and len(numbers) > 0
        if kind in ("bits", "values") and is_list and all(type(n) is int and 0 <= n <= highest for n in numbers):
            return Rule(kind=kind, numbers=tuple(sorted(set(numbers))))
    raise table.error(key, 'must be "nonzero", { bits = [...] } or { values = [...] } with numbers of at least 0')
