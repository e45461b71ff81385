"""Tables of labelled series: which column is which feature, and their rows as arrays."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ConfigError, ContractError, InputError
from i2db.raster.features import Feature
from i2db.raster.group import PixelGroup, SensorGroup
from i2db.vector.table import column_types, read_rows

if TYPE_CHECKING:
    from i2db.config.model import Config
    from i2db.config.table import SampleTable
    from i2db.raster.group import FeatureGroup, WindowData

#: Name of the group of features that come from a table alone, and of the tile that its series count as.
TABLE = "table"

#: Rows of a table that one task works on.
ROWS_OF_CHUNK = 65_536

_NAMED = re.compile(r"(?P<sensor>[a-z0-9]+)_(?P<band>.+)_(?P<date>[12][0-9]{7})")


@dataclass(frozen=True, slots=True)
class TableColumns:
    """Where the features of each group lie in a table: (group, its columns) in the order of the features.

    `scale` is that of the sensors' bands and indices; groups in `unscaled` (rasters and functions of the user) have
    the same numbers in the table as over the images.
    """

    path: Path
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    scale: float
    features: tuple[Feature, ...]
    unscaled: frozenset[str] = frozenset()

    def scale_of(self, group: str) -> float:
        """The factor from the table's numbers to those over the images."""
        return 1.0 if group in self.unscaled else self.scale

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of all groups, in the order in which a model takes them."""
        return tuple(column for _, columns in self.groups for column in columns)


@dataclass(frozen=True, slots=True)
class TableGroup(PixelGroup):
    """The features of a table that stands alone: they are read from it, and never computed from images."""

    of: tuple[Feature, ...]

    @property
    def name(self) -> str:
        """table."""
        return TABLE

    @property
    def features(self) -> tuple[Feature, ...]:
        """In the order of the columns."""
        return self.of

    def compute(
        self, data: WindowData, rows: slice, wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Refuse: there is no image that they could be computed from.

        Raises:
            ContractError: always.
        """
        raise ContractError(
            f"the features of a table are asked for at {wanted.sum()} pixels of rows {rows} of {data.window}"
        )


def table_columns(config: Config, groups: Sequence[FeatureGroup]) -> TableColumns:
    """Which column is which feature.

    Args:
        config: the configuration.
        groups: the features of the images that are mapped; none where the table stands alone.

    Raises:
        InputError: a column is missing or holds no numbers, or the columns are not the features of the images.
    """
    section, path = config.sample_table, config.chain.labelled_file
    columns = chosen_columns(config)
    of_images = tuple(feature for group in groups for feature in group.features)
    named = _named(section, path, columns, of_images)
    if not groups:
        features = tuple(feature for _, feature in named)
        _require_once([feature.name for feature in features], path)
        return TableColumns(path, ((TABLE, tuple(column for column, _ in named)),), section.scale, features)
    place = {feature.name: column for column, feature in named}
    _require_once([feature.name for _, feature in named], path)
    missing = [feature.name for feature in of_images if feature.name not in place]
    known = {feature.name for feature in of_images}
    surplus = [column for column, feature in named if feature.name not in known]
    if missing or surplus:
        said = [f"lacks {_listed(missing)}"] if missing else []
        said += [f"has {_listed(surplus)}, which the images do not give"] if surplus else []
        raise InputError(
            f"table {path} {' and '.join(said)}: a model cannot map images with other features than it learnt",
            hint="see sample_table.features and series, arg_train.features, and keep_bands and dates of the sensor",
        )
    by_group = tuple((group.name, tuple(place[feature.name] for feature in group.features)) for group in groups)
    unscaled = frozenset(group.name for group in groups if not isinstance(group, SensorGroup))
    return TableColumns(path, by_group, section.scale, of_images, unscaled)


def chosen_columns(config: Config) -> tuple[str, ...]:
    """The columns of all patterns, each once.

    Raises:
        InputError: a pattern fits no column, or one that holds no numbers.
    """
    section, path = config.sample_table, config.chain.labelled_file
    types = column_types(path)
    columns: dict[str, None] = {}
    for pattern in section.features:
        found = [column for column in types if fnmatchcase(column, pattern)]
        if not found:
            raise InputError(
                f"table {path} has no column {pattern} (sample_table.features)",
                hint=f"its columns are {_listed(list(types), 12)}",
            )
        columns.update(dict.fromkeys(_in_order(found) if "*" in pattern else found))
    for column in columns:
        if types[column] != "number":
            raise InputError(
                f"table {path}: column {column} holds no numbers ({types[column]})",
                hint="sample_table.features names columns of numbers",
            )
    return tuple(columns)


def _in_order(columns: Sequence[str]) -> list[str]:
    """Columns by their numbers: NDVI_2 before NDVI_10."""

    def key(name: str) -> list[tuple[int, str]]:
        return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", name)]

    return sorted(columns, key=key)


def _named(
    section: SampleTable, path: Path, columns: Sequence[str], of_images: Sequence[Feature]
) -> list[tuple[str, Feature]]:
    """The columns with the features that they are."""
    series: dict[str, str] = {}
    for pattern, name in section.series.items():
        matched = [column for column in columns if fnmatchcase(column, pattern)]
        if not matched:
            raise InputError(
                f"table {path} has no feature {pattern} (sample_table.series)",
                hint=f"its features are {_listed(list(columns), 12)}",
            )
        series.update(dict.fromkeys(matched, name))
    named: list[tuple[str, Feature]] = []
    done: set[str] = set()
    for column in columns:
        if column not in series:
            named.append((column, _by_name(column)))
        elif series[column] not in done:
            done.add(series[column])
            of_series = _in_order([other for other in columns if series.get(other) == series[column]])
            named += _of_series(section, path, series[column], of_series, of_images)
    return named


def _of_series(
    section: SampleTable, path: Path, name: str, columns: Sequence[str], of_images: Sequence[Feature]
) -> list[tuple[str, Feature]]:
    """The columns of one sensor and band, by their order: those of the images', or of the dates that are given."""
    if of_images:
        wanted = [f for f in of_images if f.date is not None and f.name == f"{name}_{f.date:%Y%m%d}"]
        if len(wanted) != len(columns):
            dates = f", from {wanted[0].date} to {wanted[-1].date}" if wanted else ""
            raise InputError(
                f"table {path} has {len(columns)} columns of {name}, the images have {len(wanted)} dates of it{dates}",
                hint="set start_date, end_date and temporal_resolution of the sensor so that there are as many",
            )
        return list(zip(columns, sorted(wanted, key=lambda feature: feature.date or datetime.date.min), strict=True))
    sensor, _, band = name.partition("_")
    days = [day for day in section.dates if day is not None]
    if days and len(days) != len(columns):
        raise InputError(f"sample_table.dates has {len(days)} dates, table {path} has {len(columns)} columns of {name}")
    return [
        (
            column,
            Feature(
                name=f"{name}_{days[i]:%Y%m%d}" if days else column.lower(),
                sensor=sensor,
                band=band,
                unit="",
                scale=1.0,
                date=days[i] if days else None,
            ),
        )
        for i, column in enumerate(columns)
    ]


def _by_name(column: str) -> Feature:
    """A column named as i2db names features (sensor_band_yyyymmdd), or one that is what it is called."""
    match = _NAMED.fullmatch(column)
    if match is not None:
        try:
            date = datetime.datetime.strptime(match["date"], "%Y%m%d").date()
        except ValueError:
            date = None
        if date is not None:
            return Feature(name=column, sensor=match["sensor"], band=match["band"], unit="", scale=1.0, date=date)
    return Feature(name=column, sensor=TABLE, band=column, unit="", scale=1.0)


def _require_once(names: Sequence[str], path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ConfigError(f"several columns of table {path} are {_listed(twice)}", hint="see sample_table.series")


def _listed(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def read_features(
    path: Path, columns: Sequence[str], scale: float, start: int, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Features of some rows, (n, n_columns) float32 in the scale of the images; NaN where a cell is empty.

    Args:
        path: of the table.
        columns: to read, in their order.
        scale: factor to the numbers of the images.
        start: first row of the stretch that is read.
        rows: (n,) rows within the stretch, ascending.
    """
    table = read_rows(path, columns, start, start + int(rows[-1]) + 1) if len(rows) else None
    if table is None:
        return np.empty((0, len(columns)), dtype=np.float32)
    features = np.empty((len(rows), len(columns)), dtype=np.float32)
    for i, column in enumerate(columns):
        numbers = table[column].cast("float64").to_numpy()
        features[:, i] = numbers[rows] * scale
    return features
