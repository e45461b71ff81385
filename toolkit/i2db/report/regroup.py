"""Regrouping of classes by a mapping file: accuracy of a coarser nomenclature without a new classification."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from i2db.errors import InputError

_HEADINGS = ("class_code", "group_code")


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which group each class belongs to; a class that is not named stays itself. Names of the groups, where given."""

    groups: Mapping[int, int]
    names: Mapping[int, str]

    def group_of(self, code: int) -> int:
        """The group of a class."""
        return self.groups.get(code, code)

    def check(self, classes: Collection[int], what: str) -> None:
        """An InputError if a class is named that does not exist, or a group takes the code of a class left alone."""
        unknown = sorted(set(self.groups) - set(classes))
        if unknown:
            raise InputError(
                f"the regrouping names classes that {what} does not have: {', '.join(map(str, unknown))}",
                hint=f"it has {', '.join(map(str, sorted(classes)))}",
            )
        alone = {code for code in classes if code not in self.groups}
        taken = sorted(alone & set(self.groups.values()))
        if taken:
            raise InputError(
                f"group {', '.join(map(str, taken))} has the code of a class that is not regrouped",
                hint="give the group another code, or the class a line of its own: the class joins the group then",
            )


def read_grouping(path: Path) -> Grouping:
    """Read a CSV with the columns class_code, group_code and, if wanted, group_name.

    Raises:
        InputError: the file cannot be read, lacks a column, or a line is not what it should be; with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the regrouping {path} cannot be read: {error}") from error
    lines = csv.DictReader(text.splitlines(), skipinitialspace=True)
    missing = [name for name in _HEADINGS if name not in (lines.fieldnames or ())]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)}", hint="its first line is class_code,group_code,group_name"
        )
    groups: dict[int, int] = {}
    names: dict[int, str] = {}
    for line in lines:
        where = f"{path}:{lines.line_num}"
        try:
            code, group = (int(line[name]) for name in _HEADINGS)
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}: class_code and group_code are whole numbers") from error
        if code in groups:
            raise InputError(f"{where}: class {code} is already regrouped above")
        if group < 1:
            raise InputError(f"{where}: group_code {group} is no class; 0 is no data")
        groups[code] = group
        name = (line.get("group_name") or "").strip()
        if name and names.setdefault(group, name) != name:
            raise InputError(f"{where}: group {group} is called {names[group]!r} above")
    if not groups:
        raise InputError(f"{path} regroups no class")
    return Grouping(groups, names)
