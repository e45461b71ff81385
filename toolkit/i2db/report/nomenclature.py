"""Class names and colours from iota2's text files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from i2db.errors import InputError

#: Label rasters are uint8 or uint16, and 0 is no data.
LARGEST_CODE = 65_535

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ClassName:
    """A class of the nomenclature: code in rasters and vectors, name for people, short alias, parent class."""

    code: int
    name: str
    alias: str | None = None
    parent: str | None = None


def read_nomenclature(path: Path) -> list[ClassName]:
    """Classes in the order of the file, from lines `name:label` or `name:label:alias:parent`; blanks do not matter.

    UTF-8; a file that is not is read as Latin-1, as old nomenclatures are. InputError with file and line for a line of
    another form, a code that is not a whole number from 1 to 65535, a code given twice, an empty name.
    """
    classes: list[ClassName] = []
    line_of_code: dict[int, int] = {}
    for number, line in _lines(path):
        where = f"{path}:{number}"
        fields = [field.strip() for field in line.split(":")]
        if not 2 <= len(fields) <= 4:
            raise InputError(
                f"{where}: {line.strip()!r} is not 'name:label' or 'name:label:alias:parent'",
                hint="one class per line, e.g. 'winter crops:12'; a name holds no colon",
            )
        if not fields[0]:
            raise InputError(f"{where}: the class {fields[1] or '?'} has no name")
        code = _integer(fields[1], f"label of class {fields[0]!r}", where, lowest=1)
        if code in line_of_code:
            raise InputError(f"{where}: label {code} is already used in line {line_of_code[code]}")
        line_of_code[code] = number
        alias, parent = (*(field or None for field in fields[2:]), None, None)[:2]
        classes.append(ClassName(code, fields[0], alias, parent))
    if not classes:
        raise InputError(f"{path} holds no class", hint="one line per class: 'name:label'")
    return classes


def read_colors(path: Path) -> dict[int, Color]:
    """Red, green and blue (0 to 255) per label from lines `label R G B`, in the order of the file.

    InputError with file and line for a line of another form or a label given twice. Label 0, no data, may have one.
    """
    colors: dict[int, Color] = {}
    line_of_code: dict[int, int] = {}
    for number, line in _lines(path):
        where = f"{path}:{number}"
        fields = line.split()
        if len(fields) != 4:
            raise InputError(f"{where}: {line.strip()!r} is not 'label R G B'", hint="four whole numbers with blanks")
        code = _integer(fields[0], "label", where, lowest=0)
        if code in colors:
            raise InputError(f"{where}: label {code} already has a colour in line {line_of_code[code]}")
        line_of_code[code] = number
        names = ("red", "green", "blue")
        red, green, blue = (
            _integer(f, n, where, lowest=0, highest=255) for f, n in zip(fields[1:], names, strict=True)
        )
        colors[code] = (red, green, blue)
    return colors


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines of a text file that hold something."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise InputError(f"{path} is not a text file in UTF-8 or Latin-1", hint="save it as UTF-8 text")
    return [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _integer(text: str, what: str, where: str, *, lowest: int, highest: int = LARGEST_CODE) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise InputError(f"{where}: {what} is {text!r}, not a whole number")
    number = int(text)
    if not lowest <= number <= highest:
        raise InputError(f"{where}: {what} is {number}, outside {lowest} to {highest}")
    return number
