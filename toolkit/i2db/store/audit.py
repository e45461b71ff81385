"""Audits: queries that return broken rows; an empty answer is the promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from i2db.store.database import Database
from i2db.store.statement import names, text_of

if TYPE_CHECKING:
    import duckdb


def audit(database: Database) -> dict[str, int]:
    """Number of broken rows per audit, of those that found any; DuckDB counts them and keeps them to itself."""
    counts = {name.removeprefix("audit/"): database.count(name) for name in names("audit")}
    return {name: n for name, n in counts.items() if n}


def broken_rows(database: Database, name: str, limit: int) -> duckdb.DuckDBPyConnection:
    """The first rows that an audit finds."""
    return database.query(f"FROM (\n{text_of(f'audit/{name}').rstrip(';')}\n) LIMIT {int(limit)}")
