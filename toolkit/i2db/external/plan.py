"""From the configuration to a group of functions, tried and labelled."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2db.errors import ConfigError, InputError
from i2db.external.access import Access, Mode, SensorSource
from i2db.external.call import Function
from i2db.external.group import FunctionGroup
from i2db.external.labels import Labelled
from i2db.external.module import find_function
from i2db.external.probe import Probed, Setting, probe, require_same_everywhere
from i2db.raster.features import Feature

#: Pixels of the windows that functions get whose numbers depend on more than the pixel itself.
WINDOW_PIXELS = 2**17
#: As many as any chunk has.
_WHOLE_CHUNK = 2**62

#: Functions that were tried in this process, by all that it depends on.
_PROBED: dict[str, Probed] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the configuration asks for: functions with their arguments, from a module or i2db's own."""

    functions: tuple[tuple[str, Mapping[str, Any]], ...]
    module: Path | None = None
    padding: tuple[int, int] = (0, 0)
    mode: Mode = "both"
    no_data_value: float = -10_000.0
    fills_missing_dates: bool = False
    has_user_chunks: bool = False


def function_group(
    wish: Wish,
    sources: Sequence[SensorSource],
    rasters: Mapping[str, int],
    raw_dates: Mapping[str, Mapping[str, tuple[datetime.date, ...]]],
    others: Sequence[Feature],
    notes: list[str],
    reserved: Sequence[str] = (),
) -> FunctionGroup:
    """The group of the functions that are asked for, after all of them were tried.

    Args:
        wish: what is asked for.
        sources: the sensors.
        rasters: number of bands of the user's rasters, by name.
        raw_dates: by tile, the raw dates of its sensors.
        others: features of the other groups, whose names are taken.
        notes: is told what a user should know of the functions.
        reserved: names of columns that no feature may have.

    Raises:
        ConfigError: the same function twice with the same arguments, a label twice.
        InputError: a function cannot be used.
    """
    setting = Setting(tuple(sources), dict(rasters), wish.mode, wish.no_data_value)
    probed = [_probed(_function(name, arguments, wish), setting) for name, arguments in wish.functions]
    if not wish.fills_missing_dates and len(raw_dates) > 1:
        require_same_everywhere(probed, setting, raw_dates)
    features = _features(probed, others, reserved)
    accesses = tuple(sorted({access for one in probed for access in one.accesses}))
    notes += [note for one in probed if (note := _reach_note(one))]
    return FunctionGroup(
        functions=tuple(one.function for one in probed),
        n_features=tuple(one.n_features for one in probed),
        features=features,
        sources=tuple(_narrowed(source, accesses, wish) for source in sources),
        accesses=accesses,
        mode=wish.mode,
        no_data_value=wish.no_data_value,
        fills_missing_dates=wish.fills_missing_dates,
        window_pixels=_window_pixels(probed, wish),
        bytes_per_pixel=_bytes_per_pixel(probed, sources, accesses, is_free=_window_pixels(probed, wish) is None),
    )


def _function(name: str, arguments: Mapping[str, Any], wish: Wish) -> Function:
    module, action = find_function(name, wish.module)
    radius = getattr(action, "radius", 0)
    if isinstance(radius, bool) or not isinstance(radius, int) or radius < 0:
        raise InputError(
            f"function {name} of {module.path} declares radius {radius!r}, which is no number of pixels of at least 0"
        )
    return Function(
        name=name,
        arguments=json.dumps(arguments, sort_keys=True),
        digest=module.digest,
        margin=(max(wish.padding[0], radius), max(wish.padding[1], radius)),
        module=str(wish.module) if wish.module is not None else None,
    )


def _probed(function: Function, setting: Setting) -> Probed:
    key = repr((function, function.module, setting))
    if key not in _PROBED:
        _PROBED[key] = probe(function, setting)
    return _PROBED[key]


def _features(probed: Sequence[Probed], others: Sequence[Feature], reserved: Sequence[str]) -> tuple[Feature, ...]:
    """One feature per label; labels that a function leaves out are iota2's custFeat_<function>_b<band>, from 1."""
    features: list[Feature] = []
    owner = {feature.name.lower(): f"sensor {feature.sensor}" for feature in others}
    owner |= dict.fromkeys(reserved, "a column that every table of samples has")
    for place, one in enumerate(probed, start=1):
        labels = one.labels or tuple(Labelled(f"custFeat_{place}_b{band}") for band in range(1, one.n_features + 1))
        read = {access.source for access in one.accesses if access.kind != "raster"}
        for label in labels:
            # Columns of the database are the same in capitals and in small letters.
            key = label.name.lower()
            if key in owner:
                raise ConfigError(
                    f"label {label.name} of function {one.function.name} is taken already, by {owner[key]}",
                    hint="each feature needs a name of its own; the function names its labels",
                )
            owner[key] = f"function {one.function.name}"
            features.append(
                Feature(
                    name=label.name,
                    sensor=label.sensor or (next(iter(read)) if len(read) == 1 else "external"),
                    band=label.feature or label.name,
                    unit="",
                    scale=1.0,
                    date=label.date,
                )
            )
    return tuple(features)


def _narrowed(source: SensorSource, accesses: Sequence[Access], wish: Wish) -> SensorSource:
    """A sensor without the dates that nothing depends on: new products then change nothing."""
    of_sensor = [access for access in accesses if access.source == source.sensor.name]
    needs_raw = wish.fills_missing_dates and {access.kind for access in of_sensor} & {"raw", "masks", "binary"}
    return SensorSource(
        sensor=source.sensor,
        kept=source.kept if "Brightness" in {access.band for access in of_sensor} else (),
        dates=source.dates,
        raw_dates=source.raw_dates if needs_raw else (),
    )


def _depends(one: Probed) -> bool:
    return one.reach != 0


def _window_pixels(probed: Sequence[Probed], wish: Wish) -> int | None:
    """Windows are free where all functions look at single pixels.

    Else they are of one size, whatever the memory: with a margin too, as filters that keep a running sum round
    otherwise from another start. Or they are the chunk itself, where the user has cut chunks and asks for no padding,
    as in iota2.
    """
    is_padded = any(any(one.function.margin) for one in probed)
    if not is_padded and not any(_depends(one) for one in probed):
        return None
    return _WHOLE_CHUNK if wish.has_user_chunks and not is_padded else WINDOW_PIXELS


def _reach_note(one: Probed) -> str | None:
    if not _depends(one):
        return None
    margin = max(one.function.margin)
    beyond = f" beyond its margin of {margin}" if margin else ""
    if one.reach is None:
        return (
            f"function {one.function.name}: its numbers depend on pixels far{beyond or ' around'}, "
            "and so on how tiles are cut"
        )
    return (
        f"function {one.function.name}: its numbers depend on pixels {one.reach} around{beyond}; cuts will show unless "
        f"it declares radius {margin + one.reach}, or padding_size_x and padding_size_y are {margin + one.reach}"
    )


def _bytes_per_pixel(
    probed: Sequence[Probed], sources: Sequence[SensorSource], accesses: Sequence[Access], *, is_free: bool
) -> int:
    """The arrays that are shared, the numbers of all functions, and what the greediest function takes beside them.

    Of functions that are called for strips only the numbers count: the rest is a few megabytes, whatever the window.
    """
    numbers = 4 * sum(one.n_features for one in probed) + 1
    if is_free:
        return numbers
    shared = 0
    for source in sources:
        of_sensor = [access for access in accesses if access.source == source.sensor.name]
        bands = {band for access in of_sensor if access.kind == "filled" for band in source.bands_of(access.band)}
        indices = {access.band for access in of_sensor if access.kind == "filled"} - bands
        shared += 4 * len(source.dates) * (len(bands) + len(indices))
        shared += 4 * len(source.raw_dates) * sum(access.kind in ("raw", "masks", "binary") for access in of_sensor)
    return shared + numbers + max(one.bytes_per_pixel for one in probed)
