"""Audits: queries that return broken rows; an empty answer is the promise."""

from __future__ import annotations

from i2db.store.database import Database
from i2db.store.statement import names


def audit(database: Database) -> dict[str, int]:
    """Number of broken rows per audit, of those that found any."""
    found = {}
    for name in names("audit"):
        n = len(database.rows(name))
        if n:
            found[name.removeprefix("audit/")] = n
    return found
