"""The user's functions as a group of features of the project, after all were tried."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from i2db.external.access import SensorSource
from i2db.external.group import FunctionGroup
from i2db.external.plan import Wish, function_group
from i2db.raster.user_raster import UserRaster
from i2db.user_rasters import raster_group

if TYPE_CHECKING:
    from i2db.config.model import Config
    from i2db.scene import SensorSeries


def user_functions(
    config: Config,
    series: Sequence[SensorSeries],
    tiles: Sequence[str],
    rasters: Mapping[str, Sequence[UserRaster]],
    notes: list[str],
) -> FunctionGroup | None:
    """The functions that the configuration asks for; None where there is none, or they are switched off.

    Args:
        config: the configuration.
        series: the sensors.
        tiles: names of the tiles.
        rasters: the user's rasters of each tile.
        notes: is told what a user should know of the functions.

    Raises:
        ConfigError: a label twice.
        InputError: a function cannot be used; function, file and line are named.
    """
    from i2db.store.wide import FIXED_COLUMNS

    wish = _wish(config)
    if wish is None:
        return None
    taken = []
    if config.external_features.concat_mode:
        of_user = raster_group(rasters.values())
        taken = [feature for one in series for feature in one.features.features]
        taken += of_user.features if of_user is not None else ()
    # A map has no table.
    reserved = () if config.builders.name == "i2_features_map" else FIXED_COLUMNS
    raw_dates = raw_dates_of(series, tiles)
    return function_group(
        wish, sensor_sources(series, raw_dates), n_bands_of(rasters), raw_dates, taken, notes, reserved
    )


def raw_dates_of(
    series: Sequence[SensorSeries], tiles: Sequence[str]
) -> dict[str, dict[str, tuple[datetime.date, ...]]]:
    """Dates of acquisition by tile and sensor."""
    return {
        tile: {one.sensor.name: tuple(sorted({product.date for product in one.products[tile]})) for one in series}
        for tile in tiles
    }


def sensor_sources(
    series: Sequence[SensorSeries], raw_dates: Mapping[str, Mapping[str, tuple[datetime.date, ...]]]
) -> list[SensorSource]:
    """What functions can ask of the sensors; `raw_dates` by tile and sensor."""
    return [
        SensorSource(
            sensor=one.sensor,
            kept=one.features.bands,
            dates=one.features.dates if one.features.is_gap_filled else (),
            raw_dates=tuple(sorted({day for dates in raw_dates.values() for day in dates[one.sensor.name]})),
        )
        for one in series
    ]


def n_bands_of(rasters: Mapping[str, Sequence[UserRaster]]) -> dict[str, int]:
    """Number of bands of the user's rasters, by name."""
    return {raster.name: raster.n_bands for of_tile in rasters.values() for raster in of_tile}


def _wish(config: Config) -> Wish | None:
    section, managing = config.external_features, config.python_data_managing
    if not section.functions or section.external_features_flag is False:
        return None
    return Wish(
        functions=section.functions,
        module=section.module,
        padding=(managing.padding_size_y, managing.padding_size_x),
        mode=managing.data_mode_access or "both",
        no_data_value=section.no_data_value,
        fills_missing_dates=config.sensors_data_interpolation.fill_missing_dates,
        has_user_chunks=managing.chunking is not None,
    )
