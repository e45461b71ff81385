"""Functions as rows for a person: what each gives, how it is labelled, where it comes from, its code."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path

from i2db.errors import InputError
from i2db.external.access import SensorSource, getters
from i2db.external.call import Function
from i2db.external.module import BUNDLED, Module, find_function, load_module
from i2db.external.probe import Setting, probe
from i2db.sensors.declaration import Sensor, all_sensors

#: Regular dates that functions are listed with.
_DATES = tuple(datetime.date(2018, month, 1) for month in (1, 3, 5, 7, 8, 9, 11))


def describe(module: Path | None = None, setting: Setting | None = None) -> list[dict[str, str | int]]:
    """One row per function of a module (of those that come with i2db, unless given), tried with every sensor that i2db
    knows, unless a project's setting is given.

    Columns: function, features (their number; without a setting "one per date"), label (the first one), margin (pixels
    around that it declares), what (its first sentence), source (what its docstring says after "Source:").

    Raises:
        InputError: the module cannot be imported.
    """
    loaded = load_module(module if module is not None else BUNDLED)
    if setting is None:
        setting = Setting(tuple(_source(sensor) for sensor in all_sensors()), {})
    return [_row(loaded, name, setting, is_user=module is not None) for name in own_functions(loaded)]


def own_functions(module: Module) -> list[str]:
    """Names of the functions that a module defines, in the order of its lines; of i2db's in that of the alphabet."""
    if module.path == BUNDLED:
        return sorted(module.functions)
    found = {
        name: function.__code__.co_firstlineno
        for name, function in module.functions.items()
        if hasattr(function, "__code__") and Path(function.__code__.co_filename) == module.path
    }
    return sorted(found, key=lambda name: found[name])


def source_code(name: str, module: Path | None = None) -> str:
    """The code of a function.

    Raises:
        InputError: there is no such function.
    """
    _, function = find_function(name, module)
    return inspect.getsource(function)


#: What the last axis of each kind of array is.
_LAST_AXIS = {
    "filled": "regular dates, gaps filled",
    "raw": "dates of acquisition",
    "masks": "0 clear, 1 not usable, 2 not acquired; dates of acquisition",
    "binary": "0 clear, 1 not; dates of acquisition",
    "raster": "bands of a raster of the user",
}


def getter_names() -> list[dict[str, str]]:
    """One row per getter of any sensor that i2db knows: its name, what its numbers are, and the sensor."""
    sources = [_source(sensor) for sensor in all_sensors()]
    return [
        {"getter": f"self.{name}()", "last_axis": _LAST_AXIS[access.kind], "of": access.source}
        for name, access in getters(sources, ()).items()
    ]


def getters_with_shapes(
    setting: Setting, raw_dates: Mapping[str, Mapping[str, Sequence[datetime.date]]], *, fills_missing_dates: bool
) -> list[dict[str, str]]:
    """One row per getter of a project.

    Columns: getter, shape (rows and columns are those of a window), type, last_axis, dates (first and last), of.

    Args:
        setting: sensors, the user's rasters, and which getters are given.
        raw_dates: dates of acquisition by tile and sensor.
        fills_missing_dates: raw arrays of every tile have the dates of all tiles.
    """
    sources = {source.sensor.name: source for source in setting.sources}
    rows = []
    for name, access in getters(setting.sources, tuple(setting.rasters), setting.mode).items():
        days: Sequence[datetime.date] = ()
        if access.kind == "raster":
            n = str(setting.rasters[access.source])
        else:
            source = sources[access.source]
            days = source.dates if access.kind == "filled" else source.raw_dates
            per_tile = {len(of_tile[access.source]) for of_tile in raw_dates.values()}
            is_whole = access.kind == "filled" or fills_missing_dates
            n = str(len(days)) if is_whole else " to ".join(map(str, sorted({min(per_tile), max(per_tile)})))
        rows.append(
            {
                "getter": f"self.{name}()",
                "shape": f"(rows, columns, {n})",
                "type": "uint8" if access.kind in ("masks", "binary") else "float32",
                "last_axis": _LAST_AXIS[access.kind],
                "dates": f"{days[0]} to {days[-1]}" if days else "",
                "of": access.source,
            }
        )
    return rows


def _source(sensor: Sensor) -> SensorSource:
    return SensorSource(sensor=sensor, kept=sensor.band_names, dates=_DATES, raw_dates=_DATES)


def _row(module: Module, name: str, setting: Setting, *, is_user: bool) -> dict[str, str | int]:
    action = module.functions[name]
    first, _, rest = (inspect.getdoc(action) or "").partition("\n")
    _, _, source = rest.partition("Source:")
    margin = getattr(action, "radius", 0)
    function = Function(
        name=name,
        arguments="{}",
        digest=module.digest,
        margin=(margin, margin),
        module=str(module.path) if is_user else None,
    )
    features: str | int
    is_general = all(source.dates == _DATES for source in setting.sources)
    try:
        tried = probe(function, setting)
        features = "one per date" if is_general and tried.n_features == len(_DATES) else tried.n_features
        label = tried.labels[0].name if tried.labels else "(named by i2db)"
    except InputError as error:
        features, label = "?", error.message
    return {
        "function": name,
        "features": features,
        "label": label,
        "margin": margin,
        "what": first.strip(),
        "source": " ".join(source.split()),
    }
