"""Reading a configuration: .cfg or TOML, options on top, everything that is wrong with it in one message."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from i2db.config.cfg import read_cfg
from i2db.config.check import check
from i2db.config.fields import GROUND_TRUTH_KEYS
from i2db.config.findings import Findings, in_plain_words, key_name
from i2db.config.model import Config
from i2db.config.resolve import Resolved, override, resolve
from i2db.config.spelling import section_fields
from i2db.config.toml import read_toml
from i2db.config.tree import Place, Section

#: iota2's environment variable for the memory of one task, in MB.
RAM_HINT = "OTB_MAX_RAM_HINT"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, what to know about it, and the file that it was read from."""

    config: Config
    warnings: tuple[str, ...]
    path: Path


def load(path: str | Path, overrides: Sequence[str] = (), *, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Read a configuration.

    Args:
        path: a file in TOML where it ends in .toml, in iota2's .cfg grammar otherwise.
        overrides: `section.key=value`, in any spelling, with the values of .cfg files; a text needs no quotes. Relative
            paths count from the folder of the file, as those in it do.
        environment: where OTB_MAX_RAM_HINT (MB for a task) is looked up.

    Raises:
        ConfigError: the file cannot be read, or it cannot be used; the message lists all that is wrong.
    """
    path = Path(path)
    resolved, findings = settings(path, overrides, environment=environment)
    whole = Place(str(path))
    config = _validate(resolved, findings, whole, path.absolute().parent)
    findings.raise_errors(path.name)
    return Loaded(config, findings.messages(), path)


def settings(
    path: Path, overrides: Sequence[str] = (), *, environment: Mapping[str, str] = os.environ
) -> tuple[Resolved, Findings]:
    """What a file and the overrides set, by today's names, and what was found; not validated yet."""
    findings = Findings()
    resolved = resolve(read_tree(path), findings)
    override(resolved, overrides, findings)
    _take_ram_hint(resolved, findings, environment)
    return resolved, findings


def read_tree(path: Path) -> Section:
    """The sections of a .toml or .cfg file, as they are written."""
    return read_toml(path) if path.suffix.lower() == ".toml" else read_cfg(path)


def _take_ram_hint(resolved: Resolved, findings: Findings, environment: Mapping[str, str]) -> None:
    hint = environment.get(RAM_HINT, "").strip()
    place = Place(RAM_HINT)
    execution = resolved.settings.setdefault("execution", {})
    if not hint:
        return
    if not (hint.isascii() and hint.isdigit() and int(hint) > 0):
        findings.error(place, f"is {hint!r} in the environment: it must be a whole number of MB, or not be set")
    elif "memory_per_task" in execution:
        findings.warn(place, f"{hint} MB in the environment are without effect: execution.memory_per_task is set")
    else:
        execution["memory_per_task"] = f"{hint}MB"
        findings.warn(place, f"each task may use {hint} MB, as the environment says")


def _validate(resolved: Resolved, findings: Findings, whole: Place, folder: Path) -> Config:
    """The model of the settings.

    Settings that it refuses go to the findings and are replaced, so that the checks across keys see the others.
    """
    data: dict[str, dict[str, object]] = {
        section: dict(resolved.settings.get(section, {})) for section in Config.model_fields
    }
    context = {"folder": folder}
    try:
        config = Config.model_validate(data, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False)
        faulty = {detail["loc"][:2] for detail in details if len(detail["loc"]) > 2}
        for detail in details:
            location = detail["loc"]
            if detail["type"] == "too_short" and location in faulty:
                continue  # it is short of the items that were refused themselves
            place = resolved.place(location, whole)
            if detail["type"] == "missing":
                findings.error(place, _missing(location))
            else:
                findings.error(place, in_plain_words(detail))
        for section, key in {(str(detail["loc"][0]), str(detail["loc"][1])) for detail in details}:
            data[section].pop(key, None)
            resolved.drop(section, key)
            if section_fields(section)[key].is_required() or key in GROUND_TRUTH_KEYS:
                data[section][key] = "unset"
        config = Config.model_validate(data, context=context)
    check(config, resolved, findings, whole)
    return config


def _missing(location: tuple[str | int, ...]) -> str:
    if len(location) > 2:
        return f"{key_name(location)} is missing: each entry must have it"
    return f"{key_name(location)} is missing: {section_fields(str(location[0]))[str(location[1])].description}"


def canonical(config: Config) -> dict[str, Any]:
    """The configuration as JSON-able dictionaries with sorted keys; equal configurations give equal ones."""
    sorted_: dict[str, Any] = json.loads(json.dumps(config.model_dump(mode="json", by_alias=True), sort_keys=True))
    return sorted_


def flat(config: Config) -> list[tuple[str, str, str]]:
    """Rows of table `configuration`: section, key, and what it is set to as JSON text."""
    return [
        (section, key, json.dumps(setting, ensure_ascii=False))
        for section, keys in canonical(config).items()
        for key, setting in keys.items()
    ]
