"""What a sensor is: schemas/sensors/*.toml, read, checked and frozen."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from i2db.errors import ConfigError
from i2db.resources import schema_folder
from i2db.sensors.pattern import NamePattern, compile_pattern, date_form
from i2db.sensors.table import Table

#: What the name of a product may tell; `band` is only for files.
PRODUCT_TOKENS = frozenset({"date", "time", "platform", "orbit", "tile"})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """One mask: where it lies, which numbers are invalid, and which lie outside of what was acquired."""

    name: str
    file: NamePattern
    index: int
    invalid: Rule | None
    outside: Rule | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Scale and offset from a product's metadata: reflectance x 10000 = (number + add) / divide_by * 10000.

    `divide_by` and `add` are XML paths as ElementTree understands them ({*} for any namespace, {band} for the band);
    `add_missing` holds where the metadata has no such element.
    """

    file: NamePattern
    divide_by: str
    add: str | None
    add_missing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """A declared sensor: how to find its products and what their files mean."""

    #: As in iota2's feature names, e.g. Sentinel2.
    name: str
    title: str
    #: Section and key of the configuration.
    section: str
    path_key: str
    #: Place among the sensors in the order of features.
    rank: int
    temporal_resolution: int
    #: regular: resampled in time; own: gaps are filled at the dates of acquisition.
    dates: Literal["regular", "own"]
    #: folder: one folder per product; files: loose files, those with the same date and time are one product.
    layout: Literal["folder", "files"]
    product: NamePattern
    #: The same with any text where the date stands: what looks like a product but has no readable date.
    product_any_date: NamePattern
    date_format: str
    bands: tuple[Band, ...]
    nodata: float | None
    red: str | None
    nir: str | None
    swir: str | None
    masks: tuple[Mask, ...]
    mask_dilation: int
    calibration: Calibration | None

    @property
    def prefix(self) -> str:
        """What names of features start with: the name in lower case."""
        return self.name.lower()

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands in the order of features."""
        return tuple(band.name for band in self.bands)

    def band(self, name: str) -> Band:
        """The band of that name.

        Raises:
            ConfigError: the sensor has none.
        """
        for band in self.bands:
            if band.name == name:
                return band
        raise ConfigError(f"{self.title} has no band {name!r}", hint=f"its bands are {', '.join(self.band_names)}")


@functools.cache
def all_sensors() -> tuple[Sensor, ...]:
    """Every declared sensor, in the order of features."""
    sensors = [read_declaration(path) for path in sorted((schema_folder() / "sensors").glob("*.toml"))]
    return tuple(sorted(sensors, key=lambda sensor: (sensor.rank, sensor.name)))


def load_sensor(name: str) -> Sensor:
    """The declared sensor of that name (`Sentinel2`, `sentinel2`) or section (`Sentinel_2`).

    Raises:
        ConfigError: there is none, or its declaration is not valid.
    """
    wanted = name.lower()
    for sensor in all_sensors():
        if wanted in (sensor.prefix, sensor.section.lower()):
            return sensor
    known = ", ".join(sensor.name for sensor in all_sensors())
    raise ConfigError(f"sensor {name!r} is not declared", hint=f"declared in schemas/sensors: {known}")


def read_declaration(path: Path) -> Sensor:
    """Read and check one declaration.

    Raises:
        ConfigError: not TOML, or a key that is missing, unknown, of the wrong type or of no effect.
    """
    try:
        with path.open("rb") as stream:
            content = tomllib.load(stream)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no sensor declaration {path}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    return _sensor(Table(content, path))


def _sensor(table: Table) -> Sensor:
    product, bands, masks = table.table("product"), table.table("bands"), table.optional_table("masks")
    date_format = product.text("date_format")
    layout: Literal["folder", "files"] = product.choice("layout", ("folder", "files"))
    strict, loose = _product_patterns(product, product.text("pattern"), date_format, layout)
    product.finish()
    calibration = _calibration(bands.optional_table("calibration"))
    declared = _bands(bands, calibration is not None)
    nodata = bands.optional_number("nodata")
    names = [band.name for band in declared]
    colors = [bands.optional_choice(color, names) for color in ("red", "nir", "swir")]
    bands.finish()
    dilation = masks.integer("dilation", default=0, minimum=0) if masks is not None else 0
    declared_masks = _masks(masks) if masks is not None else ()
    sensor = Sensor(
        name=table.identifier("name"),
        title=table.text("title"),
        section=table.text("section"),
        path_key=table.text("path_key"),
        rank=table.integer("rank", minimum=0),
        temporal_resolution=table.integer("temporal_resolution", minimum=1),
        dates=table.choice("dates", ("regular", "own")),
        layout=layout,
        product=strict,
        product_any_date=loose,
        date_format=date_format,
        bands=declared,
        nodata=nodata,
        red=colors[0],
        nir=colors[1],
        swir=colors[2],
        masks=declared_masks,
        mask_dilation=dilation,
        calibration=calibration,
    )
    table.finish()
    return sensor


def _product_patterns(table: Table, text: str, date_format: str, layout: str) -> tuple[NamePattern, NamePattern]:
    allowed = PRODUCT_TOKENS | {"band"} if layout == "files" else PRODUCT_TOKENS
    strict = table.checked("pattern", lambda: compile_pattern(text, allowed, {"date": date_form(date_format)}))
    if "date" not in strict.tokens:
        raise table.error("pattern", "has no {date}")
    return strict, compile_pattern(text, allowed)


def _bands(table: Table, is_calibrated: bool) -> tuple[Band, ...]:
    common_file = table.optional_text("file")
    scale, offset = table.optional_number("scale"), table.optional_number("offset")
    bands = []
    for row in table.tables("list"):
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
        pattern = row.checked("file", functools.partial(_file_pattern, file.replace("{band}", token)))
        bands.append(
            Band(
                name=name,
                resolution=row.number("resolution"),
                file=pattern,
                index=row.integer("index", default=1, minimum=1),
                scale=_first(own_scale, scale, 1.0),
                offset=_first(own_offset, offset, 0.0),
                metadata_id=metadata_id or token,
            )
        )
        row.finish()
    table.check_distinct("list", [band.name.lower() for band in bands])
    return tuple(bands)


def _file_pattern(text: str) -> NamePattern:
    return compile_pattern(text, frozenset())


def _first(*numbers: float | None) -> float:
    return next(number for number in numbers if number is not None)


def _masks(table: Table) -> tuple[Mask, ...]:
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


def _calibration(table: Table | None) -> Calibration | None:
    if table is None:
        return None
    file, add = table.text("file"), table.optional_text("add")
    add_missing = table.optional_number("add_missing")
    if add is None and add_missing is not None:
        raise table.error("add_missing", "has no effect without add")
    calibration = Calibration(
        file=table.checked("file", lambda: _file_pattern(file)),
        divide_by=table.text("divide_by"),
        add=add,
        add_missing=add_missing or 0.0,
    )
    table.finish()
    return calibration
