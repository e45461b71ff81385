"""What a sensor is: schemas/sensors/*.toml, read, checked and frozen."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from i2db.errors import ConfigError
from i2db.resources import schema_folder
from i2db.sensors.layers import Band, Mask, Rule, read_bands, read_masks
from i2db.sensors.pattern import NamePattern, compile_pattern, date_form
from i2db.sensors.table import Table

__all__ = [
    "Band",
    "Calibration",
    "Mask",
    "Rule",
    "Sensor",
    "all_sensors",
    "load_sensor",
    "read_declaration",
]

#: What the name of a product may tell; `band` is only for files.
PRODUCT_TOKENS = frozenset({"date", "time", "platform", "orbit", "tile"})
#: Key of the configuration that lists users' own sensors, and their place: after those that ship.
OWN_SENSORS = "chain.sensors"
OWN_RANK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Scale and offset from a product's metadata: reflectance x 10000 = (number + add) / divide_by * 10000.

    `divide_by` and `add` are XML paths as ElementTree understands them ({*} for any namespace, {band} for the band); of
    several `divide_by` the first that the metadata has counts. `add_missing` holds where the metadata has no `add`,
    unless its version says that it must: the number at path `version` is `add_since` or more.
    """

    file: NamePattern
    divide_by: tuple[str, ...]
    add: str | None
    add_missing: float
    version: str | None = None
    add_since: float | None = None


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
    #: Days between regular dates; None where dates are the sensor's own.
    temporal_resolution: int | None
    #: regular: resampled in time; own: gaps are filled at the dates of acquisition.
    dates: Literal["regular", "own"]
    #: folder: one folder per product; files: loose files, those with the same date and time are one product.
    layout: Literal["folder", "files"]
    #: Whether each tile has a folder of its own; else products of all tiles lie together.
    has_tile_folders: bool
    product: NamePattern
    #: The same with any text where the date stands: what looks like a product but has no readable date.
    product_any_date: NamePattern
    date_format: str
    bands: tuple[Band, ...]
    nodata: float | None
    #: Lowest and highest number of a file that is one; what is beyond them is no data.
    valid: tuple[float, float] | None
    red: str | None
    nir: str | None
    swir: str | None
    masks: tuple[Mask, ...]
    mask_dilation: int
    calibration: Calibration | None

    @property
    def knows_tiles(self) -> bool:
        """Whether products belong to a tile, by their folder or their name; else they cover whatever is mapped."""
        return self.has_tile_folders or "tile" in self.product.tokens

    @property
    def is_reflectance(self) -> bool:
        """Whether its bands are reflectances, all of them: what a brightness is made of."""
        return all(band.unit == "reflectance" for band in self.bands)

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


def read_declaration(path: Path, *, is_own: bool = False) -> Sensor:
    """Read and check one declaration: one that ships, or with `is_own` a user's.

    A user's has no section, path_key and rank: the configuration names the file and the folder.

    Raises:
        ConfigError: not TOML, or a key that is missing, unknown, of the wrong type or of no effect.
    """
    try:
        with path.open("rb") as stream:
            content = tomllib.load(stream)
    except OSError as error:
        raise ConfigError(f"there is no sensor declaration {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    return _sensor(Table(content, path), is_own)


def _sensor(table: Table, is_own: bool) -> Sensor:
    name = table.identifier("name")
    product, bands, masks = table.table("product"), table.table("bands"), table.optional_table("masks")
    date_format = product.text("date_format")
    layout: Literal["folder", "files"] = product.choice("layout", ("folder", "files"))
    text = product.text("pattern")
    strict, loose = _product_patterns(product, text, date_format, layout)
    has_tile_folders = product.boolean("tile_folders", default=True)
    product.finish()
    calibration = _calibration(bands.optional_table("calibration"))
    declared = read_bands(bands, calibration is not None, text if layout == "files" else None)
    nodata, valid = bands.optional_number("nodata"), bands.optional_range("valid")
    names = [band.name for band in declared]
    colors = [bands.optional_choice(color, names) for color in ("red", "nir", "swir")]
    bands.finish()
    dilation = masks.integer("dilation", default=0, minimum=0) if masks is not None else 0
    declared_masks = read_masks(masks) if masks is not None else ()
    dates: Literal["regular", "own"] = table.choice("dates", ("regular", "own"))
    sensor = Sensor(
        name=name,
        title=(table.optional_text("title") or name) if is_own else table.text("title"),
        section=OWN_SENSORS if is_own else table.text("section"),
        path_key="sensors" if is_own else table.text("path_key"),
        rank=OWN_RANK if is_own else table.integer("rank", minimum=0),
        temporal_resolution=table.integer("temporal_resolution", minimum=1) if dates == "regular" else None,
        dates=dates,
        layout=layout,
        has_tile_folders=has_tile_folders,
        product=strict,
        product_any_date=loose,
        date_format=date_format,
        bands=declared,
        nodata=nodata,
        valid=valid,
        red=colors[0],
        nir=colors[1],
        swir=colors[2],
        masks=declared_masks,
        mask_dilation=dilation,
        calibration=calibration,
    )
    if dates == "own" and table.take("temporal_resolution") is not None:
        raise table.error("temporal_resolution", 'has no effect beside dates = "own"')
    table.finish()
    return sensor


def _product_patterns(table: Table, text: str, date_format: str, layout: str) -> tuple[NamePattern, NamePattern]:
    allowed = PRODUCT_TOKENS | {"band"} if layout == "files" else PRODUCT_TOKENS
    strict = table.checked("pattern", lambda: compile_pattern(text, allowed, {"date": date_form(date_format)}))
    if "date" not in strict.tokens:
        raise table.error("pattern", f"{text!r} has no {{date}}: where in the name is it?")
    if layout == "folder" and "/" in text:
        raise table.error("pattern", f"{text!r} has a slash: products are folders of one name")
    return strict, compile_pattern(text, allowed)


def _calibration(table: Table | None) -> Calibration | None:
    if table is None:
        return None
    file, add = table.text("file"), table.optional_text("add")
    add_missing = table.optional_number("add_missing")
    version, add_since = table.optional_text("version"), table.optional_number("add_since")
    if add is None and (add_missing is not None or version is not None or add_since is not None):
        raise table.error("add", "is missing: add_missing, version and add_since have no effect without it")
    if (version is None) != (add_since is None):
        raise table.error("version", "and add_since go together: from which version on `add` must be there")
    calibration = Calibration(
        file=table.checked("file", lambda: compile_pattern(file, frozenset())),
        divide_by=table.texts("divide_by"),
        add=add,
        add_missing=add_missing or 0.0,
        version=version,
        add_since=add_since,
    )
    table.finish()
    return calibration
