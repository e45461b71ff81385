"""Configurations that i2db writes: a complete commented example, and an old file in today's words."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from i2db import __version__
from i2db.config.cfg import write_content
from i2db.config.fields import GROUND_TRUTH_KEYS
from i2db.config.model import Config
from i2db.config.reader import load, settings
from i2db.config.toml import write_toml
from i2db.sensors.declaration import all_sensors

#: What the example has for keys that every configuration must set, and for a sensor's folder and tiles.
_MANDATORY = {
    "output_path": "out",
    "list_tile": "T31TCJ T31TDJ",
    "s2_path": "sentinel2",
    "ground_truth": "ground_truth.shp",
    "data_field": "code",
    "nomenclature_path": "nomenclature.txt",
}
#: Sections of the .cfg files whose iota2 spelling is not plain snake_case.
_SECTION_NAMES = {sensor.section.lower(): sensor.section for sensor in all_sensors()}


def example_cfg() -> str:
    """A complete .cfg file: every key with its meaning and default, in the dialect of iota2 of 2022."""
    lines = [
        f"# A configuration of i2db {__version__}: every key, with its default where it has one.",
        "# Only the keys of section chain that are set here must be; None is what is not set. Relative paths count",
        "# from the folder of this file.",
    ]
    for name, field in Config.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        lines += ["", f"# {field.description}", f"{_SECTION_NAMES.get(name, name)} :", "{"]
        lines += _example_keys(field.annotation, "    ", quoted=False)
        lines.append("}")
    return "\n".join(lines) + "\n"


def _example_keys(model: type[BaseModel], indent: str, *, quoted: bool) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        key = f'"{key}"' if quoted else key
        yield from textwrap.wrap(
            field.description or "", 115, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        is_set = field.is_required() or name in ("s2_path", "list_tile", *GROUND_TRUTH_KEYS)
        default = _MANDATORY[name] if is_set else field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from (f"{indent}{key} :", f"{indent}{{")
            yield from _example_keys(type(default), indent + "    ", quoted=True)
            yield f"{indent}}}"
        else:
            yield f"{indent}{key} : {write_content(default)}"


def migrate(path: str | Path, folder: Path | None = None) -> str:
    """An old configuration as TOML text with today's names.

    Args:
        path: a .cfg file of any iota2, or a .toml file.
        folder: where the text will lie; paths that are relative in the old file become relative to it. The folder of
            the old file where it is not given.

    What the old file sets and i2db does not read is named in comments at the top. Loading the text from `folder` gives
    an equal Config.

    Raises:
        ConfigError: the old file cannot be used.
    """
    path = Path(path)
    loaded = load(path, environment={})
    raw, _ = settings(path, environment={})
    target = (folder or path.parent).absolute()
    given = {
        section: {key: _portable(item, raw.settings[section][key], target) for key, item in keys.items()}
        for section, keys in loaded.config.model_dump(by_alias=True, exclude_unset=True).items()
        if keys
    }
    head = [f"Rewritten from {path.name} by i2db {__version__}."]
    if loaded.warnings:
        head += ["What it said of the old file:"]
        head += [f"- {warning.removeprefix(f'{path.parent}{os.sep}')}" for warning in loaded.warnings]
    return "".join(f"# {line}\n" for line in head) + "\n" + write_toml(given)


def _portable(item: object, raw: object, folder: Path) -> object:
    """A setting to be written: paths that the old file had relative are relative to the new file's folder."""
    if isinstance(item, Path):
        was_relative = not Path(str(raw)).expanduser().is_absolute()
        return os.path.relpath(item, folder) if was_relative else str(item)
    if isinstance(item, dict) and isinstance(raw, dict):
        return {key: _portable(each, raw.get(key), folder) for key, each in item.items()}
    if isinstance(item, list | tuple):
        sources = raw if isinstance(raw, list) and len(raw) == len(item) else [raw] * len(item)
        return [_portable(each, source, folder) for each, source in zip(item, sources, strict=True)]
    return item
