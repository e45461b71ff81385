"""Configurations as scripts for iota2 read them.

`from iota2.configuration_files import read_config_file` becomes `from i2db.apps import read_config_file`.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from i2db.config.model import Config
from i2db.config.reader import canonical, load
from i2db.config.sensors import ConfiguredSensor, configured_sensors
from i2db.config.spelling import find, section_fields, suggest_key
from i2db.errors import ConfigError
from i2db.sensors.declaration import OWN_SENSORS


class read_config_file:
    """A configuration that is asked key by key, in any spelling of iota2's."""

    def __init__(self, path: str | Path) -> None:
        """Read and check a configuration (.cfg or .toml).

        Raises:
            ConfigError: it cannot be used; the message lists all that is wrong.
        """
        self.path = Path(path)
        self.config: Config = load(path).config

    def getParam(self, section: str, key: str) -> Any:
        """What a key is set to, or its default.

        Paths are absolute, lists of names one text with blanks (`list_tile`, `patterns`), as they are written in
        a .cfg file; anything else is as in JSON.

        Raises:
            ConfigError: there is no such key.
        """
        today = find(section, key)
        if today is None or today[0] not in Config.model_fields or today[1] not in section_fields(today[0]):
            raise ConfigError(f"{self.path}: there is no key {section}.{key}", hint=suggest_key(section, key))
        value = getattr(getattr(self.config, today[0]), today[1])
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, tuple) and today[1] in ("list_tile", "patterns"):
            return " ".join(value)
        if isinstance(value, BaseModel | tuple | dict):
            return canonical(self.config)[today[0]][_alias(today)]
        return value

    def getSection(self, section: str) -> dict[str, Any]:
        """All keys of a section with what they are set to."""
        name = next((name for name in Config.model_fields if name.lower() == section.lower()), None)
        if name is None:
            raise ConfigError(f"{self.path}: there is no section {section}")
        return {key: self.getParam(name, key) for key in section_fields(name)}


def _alias(key: tuple[str, str]) -> str:
    return section_fields(key[0])[key[1]].alias or key[1]


class iota2_parameters:
    """What a configuration says of its sensors."""

    def __init__(self, path: str | Path) -> None:
        """Read a configuration; errors are those of `read_config_file`."""
        self._config = read_config_file(path).config

    def get_sensors_parameters(self, tile_name: str) -> OrderedDict[str, dict[str, Any]]:
        """Per section of a configured sensor the arguments of its class (`i2db.apps.sensors`) for a tile.

        Sensors that users declare themselves have no section and are left out.

        Raises:
            ConfigError: the tile is none of chain.list_tile.
        """
        tiles = self._config.chain.list_tile
        if tile_name not in tiles:
            raise ConfigError(f"{tile_name} is no tile of chain.list_tile", hint=f"they are {' '.join(tiles)}")
        found: OrderedDict[str, dict[str, Any]] = OrderedDict()
        for configured in configured_sensors(self._config):
            if configured.sensor.section != OWN_SENSORS:
                found[configured.sensor.section] = self._arguments(configured, tile_name)
        return found

    def _arguments(self, configured: ConfiguredSensor, tile_name: str) -> dict[str, Any]:
        config, section = self._config, configured.section
        extraction, interpolation = config.iota2_feature_extraction, config.sensors_data_interpolation
        return {
            "tile_name": tile_name,
            "all_tiles": " ".join(config.chain.list_tile),
            "image_directory": str(configured.root),
            "target_proj": config.chain.proj,
            "working_resolution": config.chain.spatial_resolution,
            "extract_bands_flag": extraction.extract_bands,
            "keep_bands": section.keep_bands,
            "temporal_res": section.temporal_resolution,
            "auto_date_flag": interpolation.auto_date,
            "date_interp_min_user": section.start_date,
            "date_interp_max_user": section.end_date,
            "enable_gapfilling": interpolation.use_gapfilling,
            "features": config.arg_train.features,
            "hand_features_flag": interpolation.use_additional_features,
            "hand_features": section.additional_features,
            "copy_input": extraction.copyinput,
            "rel_refl": extraction.relrefl,
            "keep_dupl": extraction.keepduplicates,
        }
