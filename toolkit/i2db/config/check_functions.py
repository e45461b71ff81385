"""What no single key can tell about functions of the user and the map of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from i2db.config.check import Checks


def check(checks: Checks) -> None:
    """Add what is contradictory (errors) or idle (warnings) in the keys of functions to the findings."""
    section, managing = checks.config.external_features, checks.config.python_data_managing
    if section.external_features_flag is True and not section.functions:
        checks.error(
            ("external_features", "external_features_flag"),
            "external_features.external_features_flag is True and external_features.functions names no function; "
            "`i2db features` lists those of i2db",
        )
    is_off = section.external_features_flag is False
    if is_off and section.functions:
        checks.idle(("external_features", "functions"), "external_features.external_features_flag is False")
    if is_off or not section.functions:
        reason = "external_features.functions names no function" if not is_off else "external_features_flag is False"
        for key in ("module", "concat_mode"):
            checks.idle(("external_features", key), reason)
        for key in ("padding_size_x", "padding_size_y", "data_mode_access"):
            if getattr(managing, key) != "gapfilled":
                checks.idle(("python_data_managing", key), reason)
    if checks.config.builders.name != "i2_features_map":
        for key in ("output_name", "output_type", "output_scale"):
            checks.idle(("external_features", key), "only the builder i2_features_map writes a map of features")
    elif any(mark in section.map_name for mark in "/\\") or not section.map_name.strip("."):
        checks.error(
            ("external_features", "output_name"),
            f"external_features.output_name must be the name of a file in final/, not {section.output_name!r}",
        )
    _check_map_type(checks)


def _check_map_type(checks: Checks) -> None:
    """The nodata value must be a number of the map's pixel type."""
    import numpy as np

    section = checks.config.external_features
    if section.output_type == "float32" or checks.config.builders.name != "i2_features_map":
        return
    limits = np.iinfo(section.output_type)
    if not (section.no_data_value.is_integer() and limits.min <= section.no_data_value <= limits.max):
        checks.error(
            ("external_features", "output_type"),
            f"external_features.output_type {section.output_type} holds whole numbers from {limits.min} to "
            f"{limits.max}, which external_features.no_data_value {section.no_data_value:g} is not",
        )
