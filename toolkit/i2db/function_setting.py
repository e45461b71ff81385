"""What the functions of a configuration can ask for, from the files there are."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from i2db.external.probe import Setting
from i2db.scene import survey_sensors
from i2db.user_functions import n_bands_of, raw_dates_of, sensor_sources
from i2db.user_rasters import user_rasters

if TYPE_CHECKING:
    from i2db.config.model import Config


def setting_of(config: Config) -> tuple[Setting, dict[str, dict[str, tuple[datetime.date, ...]]]]:
    """What functions of a configuration are tried with, from the files there are; and the raw dates by tile and sensor.

    Raises:
        InputError: products or rasters are missing or incomplete.
        ConfigError: no sensor.
    """
    grid, tiles, series = survey_sensors(config)
    raw_dates = raw_dates_of(series, list(tiles))
    mode = config.python_data_managing.data_mode_access or "both"
    rasters = n_bands_of(user_rasters(config, grid, tiles))
    sources = tuple(sensor_sources(series, raw_dates))
    return Setting(sources, rasters, mode, config.external_features.no_data_value), raw_dates
