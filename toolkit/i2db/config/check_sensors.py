"""What no single key can tell about sensors: whether there is one, its bands, its indices, its dates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from i2db.config.findings import key_name
from i2db.config.sensors import ConfiguredSensor, OwnSensor, configured_sensors
from i2db.sensors.declaration import all_sensors
from i2db.sensors.indices import colors_of, indices_of

if TYPE_CHECKING:
    from i2db.config.check import Checks

_GAPS = "sensors_data_interpolation"
_BANDS = "iota2_feature_extraction"


def check(checks: Checks) -> None:
    """Add what is contradictory (errors) or idle (warnings) in the keys of sensors to the findings."""
    _check_unused(checks)
    sensors = configured_sensors(
        checks.config, lambda place, reason: checks.error(place, f"{key_name(place)}: {reason}")
    )
    if not sensors:
        if not checks.config.sample_table.is_used:
            _check_absence(checks)
        return
    for sensor in sensors:
        _check_bands(checks, sensor)
        _check_dates(checks, sensor)
    _check_features(checks, sensors)
    _check_all_dates(checks)


def _check_absence(checks: Checks) -> None:
    """Without a sensor there is nothing to read, unless a path that was given has been refused already."""
    keys = [*(f"chain.{sensor.path_key}" for sensor in all_sensors()), "chain.sensors"]
    if any(message.startswith(key) for _, message in checks.findings.errors for key in keys):
        return
    checks.error(
        ("chain", "s2_path"),
        f"no sensor is configured: one of {', '.join(keys[:-1])} must name a folder of products, or {keys[-1]} a "
        "sensor of your own",
    )


def _check_unused(checks: Checks) -> None:
    """Keys of sensors that have no products."""
    for sensor in all_sensors():
        if getattr(checks.config.chain, sensor.path_key) is None:
            section = sensor.section.lower()
            for path in [path for path in checks.resolved.places if path[0] == section and len(path) == 2]:
                checks.idle(path, f"chain.{sensor.path_key} is not set")


def _check_bands(checks: Checks, configured: ConfiguredSensor) -> None:
    train, extraction = checks.config.arg_train, checks.config.iota2_feature_extraction
    sensor, section, place = configured.sensor, configured.section, configured.place
    name = key_name((*place, "keep_bands"))
    if not extraction.extract_bands:
        checks.idle((*place, "keep_bands"), f"{_BANDS}.extract_bands is not True")
    elif section.keep_bands is not None and (train.features or extraction.relrefl):
        # iota2 asks for all three.
        missing = [band for band in colors_of(sensor) if band not in section.keep_bands]
        if missing:
            checks.error(
                (*place, "keep_bands"),
                f"{name} lacks {', '.join(missing)}, which the indices need; add them, or set arg_train.features to []",
            )
    if not checks.config.sensors_data_interpolation.use_additional_features:
        checks.idle((*place, "additional_features"), f"{_GAPS}.use_additional_features is not True")


def _check_features(checks: Checks, sensors: Sequence[ConfiguredSensor]) -> None:
    train, extraction = checks.config.arg_train, checks.config.iota2_feature_extraction
    uses_additional = checks.config.sensors_data_interpolation.use_additional_features
    kept = [key_name((*each.place, "keep_bands")) for each in sensors if each.section.keep_bands is None]
    if extraction.extract_bands and len(kept) == len(sensors):
        checks.idle((_BANDS, "extract_bands"), f"{' and '.join(kept)} is not set: all are kept")
    if uses_additional and not any(each.section.additional_features for each in sensors):
        names = " and ".join(key_name((*each.place, "additional_features")) for each in sensors)
        checks.idle((_GAPS, "use_additional_features"), f"{names} has none")
    if not extraction.relrefl and not extraction.keepduplicates:
        checks.idle((_BANDS, "keepduplicates"), f"{_BANDS}.relrefl is not True")
    lost = [index for index in train.features if not any(index in indices_of(each.sensor) for each in sensors)]
    if lost and len(lost) == len(train.features):
        checks.idle(("arg_train", "features"), "no sensor declares the bands (red, nir, swir) that they are made of")
    for each in sensors:
        indices = [index for index in train.features if index in indices_of(each.sensor)]
        has_additional = uses_additional and each.section.additional_features
        if not (extraction.copyinput or indices or has_additional):
            of_sensor = f" of {each.sensor.name}" if len(sensors) > 1 or isinstance(each.section, OwnSensor) else ""
            checks.error(
                (_BANDS, "copyinput"),
                f"no feature{of_sensor} is left to learn from: {_BANDS}.copyinput is False and arg_train.features "
                f"{'names no index that it has' if train.features else 'is empty'}",
            )


def _check_all_dates(checks: Checks) -> None:
    gaps = checks.config.sensors_data_interpolation
    if gaps.use_gapfilling and not checks.config.external_features.functions:
        checks.idle((_GAPS, "fill_missing_dates"), f"{_GAPS}.use_gapfilling is True: no date is missing")
    elif not gaps.use_gapfilling:
        checks.idle((_GAPS, "auto_date"), f"{_GAPS}.use_gapfilling is False: dates stay as acquired")


def _check_dates(checks: Checks, configured: ConfiguredSensor) -> None:
    gaps, section, place = checks.config.sensors_data_interpolation, configured.section, configured.place
    if not gaps.use_gapfilling:
        for key in ("temporal_resolution", "start_date", "end_date"):
            checks.idle((*place, key), f"{_GAPS}.use_gapfilling is False: dates stay as acquired")
        return
    has_own_dates = configured.sensor.dates == "own"
    if has_own_dates:
        checks.idle((*place, "temporal_resolution"), f"{configured.sensor.title} is filled at its own dates")
    if gaps.auto_date:
        for key in ("start_date", "end_date"):
            if getattr(section, key) is not None:
                checks.idle((*place, key), f"as in iota2 it is read only where {_GAPS}.auto_date is False")
        return
    missing = [key_name((*place, key)) for key in ("start_date", "end_date") if getattr(section, key) is None]
    if missing and not has_own_dates:
        checks.error(
            (_GAPS, "auto_date"),
            f"{_GAPS}.auto_date is False, which needs {' and '.join(missing)}",
        )
    elif section.start_date and section.end_date and section.start_date > section.end_date:
        checks.error(
            (*place, "end_date"),
            f"{key_name((*place, 'end_date'))} {section.end_date:%Y%m%d} is before start_date "
            f"{section.start_date:%Y%m%d}",
        )
