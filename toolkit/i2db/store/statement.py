"""A .sql file as an object: its statements, and the parameters they want."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import duckdb

from i2db.errors import ContractError
from i2db.resources import schema_folder, sql_folder


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file: its text and the names of its $parameters."""

    name: str
    text: str
    parameters: frozenset[str]


def parse(name: str, text: str) -> tuple[Statement, ...]:
    """Split a text into statements with DuckDB's own parser; `name` is for messages."""
    try:
        parsed = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise ContractError(f"{name}: {error}") from error
    return tuple(
        Statement(name, statement.query.strip(), frozenset(statement.named_parameters)) for statement in parsed
    )


@functools.cache
def load(name: str) -> tuple[Statement, ...]:
    """The statements of sql/<name>.sql.

    Raises:
        ContractError: there is no such file, or it does not parse.
    """
    path = sql_folder() / f"{name}.sql"
    if not path.is_file():
        raise ContractError(f"sql/{name}.sql does not exist")
    return parse(f"sql/{name}.sql", path.read_text(encoding="utf-8"))


def text_of(name: str) -> str:
    """The text of sql/<name>.sql, which enters the fingerprints of the stage that runs it."""
    return "\n".join(statement.text for statement in load(name))


def names(prefix: str = "") -> list[str]:
    """Names of all .sql files below sql/<prefix>, sorted."""
    root = sql_folder()
    return sorted(str(path.relative_to(root).with_suffix("")) for path in (root / prefix).rglob("*.sql"))


def schema_files() -> list[Path]:
    """The numbered files of schemas/, in order."""
    return sorted(schema_folder().glob("[0-9]*.sql"))
