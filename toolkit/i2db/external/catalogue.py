"""Functions as rows for a person: what each gives, how it is labelled, where it comes from, its code."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path

from i2db.errors import InputError
from i2db.external.access import SensorSource, getters
from i2db.external.call import Function
from i2db.external.module import BUNDLED, Module, find_function, load_module
from i2db.external.probe import Setting, probe
from i2db.sensors.declaration import Sensor, all_sensors

#: Regular dates that functions are listed with.
_DATES = tuple(datetime.date(2018, month, 1) for month in (1, 3, 5, 7, 8, 9, 11))


def describe(module: Path | None = None) -> list[dict[str, str | int]]:
    """One row per function of a module (of those that come with i2db, unless given).

    Columns: function, features (their number, or "one per date"), label (the first one), margin (pixels around that it
    declares), what (its first sentence), source (what its docstring says after "Source:").

    Raises:
        InputError: the module cannot be imported.
    """
    loaded = load_module(module if module is not None else BUNDLED)
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


def getter_names(sensors: Iterable[Sensor] | None = None, rasters: Sequence[str] = ()) -> list[dict[str, str]]:
    """One row per getter: its name, what its numbers are, and the sensor or raster."""
    what = {
        "filled": "regular dates, gaps filled",
        "raw": "dates of acquisition",
        "masks": "0 clear, 1 not usable, 2 not acquired; dates of acquisition",
        "binary": "0 clear, 1 not; dates of acquisition",
        "raster": "bands of a raster of the user",
    }
    sources = [_source(sensor) for sensor in (all_sensors() if sensors is None else sensors)]
    return [
        {"getter": f"self.{name}()", "last_axis": what[access.kind], "of": access.source}
        for name, access in getters(sources, rasters).items()
    ]


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
    try:
        tried = probe(function, setting)
        features = "one per date" if tried.n_features == len(_DATES) else tried.n_features
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
