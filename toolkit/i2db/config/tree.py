"""What a configuration file says, before anyone asks what it means: sections and entries, each with its place."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Scalar: TypeAlias = "str | int | float | bool | datetime.date | None"
Content: TypeAlias = "Scalar | list[Content] | Section"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written: a file and its line (from 1), or another source, such as an option of a command."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key, what it is set to, and where."""

    key: str
    content: Content
    place: Place


@dataclass(frozen=True, slots=True)
class Section:
    """Entries by key, in the order of the file; a whole file is a section of sections."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def plain(self) -> dict[str, object]:
        """The same as dictionaries, lists and scalars, without places."""
        return {entry.key: plain(entry.content) for entry in self}


def plain(content: Content) -> object:
    """A content as dictionaries, lists and scalars, without places."""
    if isinstance(content, Section):
        return content.plain()
    if isinstance(content, list):
        return [plain(item) for item in content]
    return content
