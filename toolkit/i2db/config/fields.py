"""Types that several sections share: what a user may write, and what it becomes."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints, ValidationInfo

from i2db.errors import InputError
from i2db.projection import canonical, is_written

#: iota2's groups of steps in their order; `writing` is the features map's.
STEP_GROUPS = ("init", "sampling", "learning", "classification", "mosaic", "validation", "writing")
#: Keys of section chain that every builder but i2_features_map needs.
GROUND_TRUTH_KEYS = ("ground_truth", "data_field", "nomenclature_path")
#: Those that each builder has.
BUILDER_GROUPS = {"i2_classification": STEP_GROUPS[:-1], "i2_features_map": ("init", "writing")}

_UNITS = {"": 1, "B": 1} | {
    f"{prefix}{suffix}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for suffix, base in (("", 1000), ("B", 1000), ("IB", 1024))
}
_BYTES = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)")
_COMMA_OUTSIDE_BRACKETS = re.compile(r",(?![^(]*\))")


class ConfigSection(BaseModel):
    """Base of all sections: types are checked, keys that are not known are refused, nothing changes once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


def _path(given: Any, info: ValidationInfo) -> Any:
    """A path; a relative one counts from the folder of the configuration file (the context of validation)."""
    if not isinstance(given, str | Path):
        raise ValueError("must be a path, as a text in quotes")
    if not str(given).strip():
        raise ValueError("must be a path, not an empty text")
    path = Path(given).expanduser()
    folder = (info.context or {}).get("folder")
    # Not resolve(): a link that the user names stays the name that messages show.
    return Path(folder, path) if folder is not None else path


def names(given: Any) -> Any:
    """Names in a list, or in one text with blanks or commas between them."""
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) for item in given):
        raise ValueError("must be names in a list, or in one text with blanks between them")
    twice = {item for item in given if given.count(item) > 1}
    if twice:
        raise ValueError(f"names {', '.join(sorted(twice))} twice")
    return tuple(given)


def _codes(given: Any) -> Any:
    """Class codes in a list; a single one may stand alone."""
    codes = given if isinstance(given, list | tuple) else [given]
    if not all(isinstance(code, int) and not isinstance(code, bool) for code in codes):
        raise ValueError("must be a list of whole numbers, e.g. [99, 255]")
    return tuple(codes)


def _crs(given: Any, info: ValidationInfo) -> Any:
    """A projection in the project's way of writing; from a file, whose relative path counts as that of any other."""
    expected = "must be an EPSG code, such as 'EPSG:32631' or 32631, a PROJ string, WKT, or a file (.prj) of one"
    if isinstance(given, bool | float) or not isinstance(given, str | int):
        raise ValueError(expected)
    text = str(given)
    if not is_written(text):
        path = _path(text, info)
        if not path.is_file():
            raise ValueError(f"{expected}; there is no file {path}")
        text = path.read_text(encoding="utf-8", errors="replace")[:100_000]
        if not is_written(text):
            raise ValueError(f"{expected}; {path} holds none")
    try:
        return canonical(text)
    except InputError as error:
        raise ValueError(f"{expected}; {error.message}") from error


def _resolution(given: Any) -> Any:
    """One number for both axes, a pair, or an empty list (iota2's word for the data's own)."""
    pair = [given, given] if isinstance(given, int | float) and not isinstance(given, bool) else given
    if pair is None or pair in ([], ()):
        return None
    numbers = isinstance(pair, list | tuple) and all(
        isinstance(size, int | float) and not isinstance(size, bool) and 0 < size < 1e7 for size in pair
    )
    if not numbers or len(pair) != 2:
        raise ValueError("must be one number above 0 or a pair [x, y] of them, in units of the projection")
    return tuple(float(size) for size in pair)


def _origin(given: Any) -> Any:
    """A pair of numbers."""
    is_pair = isinstance(given, list | tuple) and len(given) == 2
    if not is_pair or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in given):
        raise ValueError("must be a pair of numbers [x, y], in units of the projection")
    return tuple(float(one) for one in given)


def _walltime(given: Any) -> Any:
    if not isinstance(given, str) or not re.fullmatch(r"\d+:[0-5]\d:[0-5]\d", given):
        raise ValueError("must be a time written as HH:MM:SS, such as '04:00:00'")
    return given


def _date(given: Any) -> Any:
    if given == "" or given is None:
        return None
    if isinstance(given, datetime.date) and not isinstance(given, datetime.datetime):
        return given
    text = str(given).replace("-", "") if isinstance(given, str | int) else ""
    try:
        return datetime.datetime.strptime(text, "%Y%m%d").date() if len(text) == 8 else datetime.date.fromisoformat("")
    except ValueError:
        raise ValueError("must be a date written as YYYYMMDD, e.g. '20180514'") from None


def memory_bytes(given: Any) -> Any:
    """Bytes, as a number or with a unit: 1 GB is 1000 MB, 1 GiB is 1024 MiB."""
    match = _BYTES.fullmatch(str(given).strip()) if isinstance(given, str | int) and given is not True else None
    unit = _UNITS.get(match["unit"].upper()) if match else None
    if match is None or unit is None or float(match["number"]) <= 0:
        raise ValueError("must be an amount of memory above 0, such as '2GB', '512MB' or a number of bytes")
    return int(float(match["number"]) * unit)


def _functions(given: Any) -> Any:
    """Functions as (name, keyword arguments): names with blanks between them, or a list of names and [name, {...}]."""
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    if not isinstance(given, list | tuple):
        raise ValueError(
            'must be names with blanks between them, or a list such as ["get_ndvi", ["mine", {"size": 3}]]'
        )
    functions = []
    for item in given:
        name, arguments = (item, {}) if isinstance(item, str) else (list(item) if _is_list(item) else [item, None])[:2]
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"has {name!r}, which is no name of a function")
        if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
            raise ValueError(f'must give the arguments of {name} as ["{name}", {{"argument": setting}}]')
        functions.append((name, dict(arguments)))
    for function in functions:
        if functions.count(function) > 1:
            raise ValueError(f"has {function[0]} twice with the same arguments")
    return tuple(functions)


def _is_list(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2


def _written(functions: tuple[tuple[str, dict[str, Any]], ...]) -> list[Any]:
    return [[name, arguments] if arguments else name for name, arguments in functions]


def _expressions(given: Any) -> Any:
    """Expressions in a list, or in one text with commas between them (not those inside brackets)."""
    if isinstance(given, str):
        return tuple(piece.strip() for piece in _COMMA_OUTSIDE_BRACKETS.split(given) if piece.strip())
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) for item in given):
        raise ValueError("must be expressions of bands, such as 'b1+b2,(b1-b2)/(b1+b2)'")
    return tuple(given)


Text = Annotated[str, StringConstraints(min_length=1)]
FilePath = Annotated[Path, BeforeValidator(_path, json_schema_input_type=str)]
Names = BeforeValidator(names, json_schema_input_type=str | list[str])
Codes = Annotated[tuple[int, ...], BeforeValidator(_codes, json_schema_input_type=int | list[int])]
ProjectionCode = Annotated[str, BeforeValidator(_crs, json_schema_input_type=str | int)]
Resolution = Annotated[
    tuple[float, float] | None, BeforeValidator(_resolution, json_schema_input_type=float | list[float] | None)
]
Origin = Annotated[tuple[float, float], BeforeValidator(_origin, json_schema_input_type=list[float])]
Day = Annotated[
    datetime.date | None,
    BeforeValidator(_date, json_schema_input_type=str | int | None),
    PlainSerializer(lambda day: None if day is None else f"{day:%Y%m%d}", when_used="json"),
]
Bytes = Annotated[int, BeforeValidator(memory_bytes, json_schema_input_type=str | int)]
Expressions = Annotated[tuple[str, ...], BeforeValidator(_expressions, json_schema_input_type=str | list[str])]
Functions = Annotated[
    tuple[tuple[str, dict[str, Any]], ...],
    BeforeValidator(_functions, json_schema_input_type=str | list[str | list[Any]]),
    PlainSerializer(_written),
]
Walltime = Annotated[str, BeforeValidator(_walltime)]
