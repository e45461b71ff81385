"""Where the files that belong to i2db lie: schemas/ and sql/, in the installed package or in the source tree."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from i2db.errors import ContractError


def schema_folder() -> Path:
    """The folder of the database schema, the sensors' declarations and the configuration's JSON Schema."""
    return _folder("schemas")


def sql_folder() -> Path:
    """The folder of the SQL files, one folder per stage in it."""
    return _folder("sql")


def _folder(name: str) -> Path:
    """`_<name>` inside the installed package, else `<name>` beside toolkit/ in the source tree."""
    package = Path(str(importlib.resources.files("i2db")))
    candidates = (package / f"_{name}", package.parents[1] / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise ContractError(
        f"the folder {name}/ of i2db is missing: looked for {' and '.join(map(str, candidates))}",
        hint="install i2db again",
    )
