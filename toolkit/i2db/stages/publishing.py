"""How stages bring parts into their tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from i2db.chain.project import Project
from i2db.chain.task import Decision


def publish_tables(clear: str, fill: str, kind: str) -> Callable[[Project, Sequence[Decision], Sequence[str]], None]:
    """A publication that clears the rows of some units and fills them from the parts' Parquet files of a kind.

    Args:
        clear: name of the SQL that takes out rows, with the parameter $units.
        fill: name of the SQL that brings them in, with the parameter $files.
        kind: kind of the parts' files.
    """

    def publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
        project.database.run(clear, units=[*(decision.task.unit for decision in changed), *retired])
        files = verified_files(project, changed, kind)
        if files:
            project.database.run(fill, files=files)

    return publish


def verified_files(project: Project, changed: Sequence[Decision], kind: str) -> list[str]:
    """Paths of the parts' files of a kind, their checksums found right; parts without rows of it are passed over."""
    paths = []
    for decision in changed:
        if decision.part is not None and decision.part.has(kind) and decision.part.file(kind).n_rows != 0:
            paths.append(str(project.parts.verify(decision.part, kind)))
    return paths
