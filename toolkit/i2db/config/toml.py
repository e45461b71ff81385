"""The same tree from and to TOML."""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path

from i2db.config.cfg import read_text
from i2db.config.tree import Content, Entry, Place, Section
from i2db.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = re.compile(r"\s*\[\[?\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_ASSIGNMENT = re.compile(r"\s*(?P<name>(?:[A-Za-z0-9_.\s-]|\"[^\"]*\"|'[^']*')+?)\s*=")
_PIECE = re.compile(r"\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[A-Za-z0-9_-]+)")
_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")


def read_toml(path: Path) -> Section:
    """The sections of a TOML file; ConfigError where it cannot be read."""
    return parse_toml(read_text(path), str(path))


def parse_toml(text: str, source: str) -> Section:
    """The sections of a TOML text; `source` names it in messages."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        if position := _POSITION.search(message):
            line = int(position[1])
            shown = text.split("\n")[line - 1]
            caret = " " * (int(position[2]) - 1) + "^"
            raise ConfigError(
                f"{source}:{line}:{position[2]}: {message[: position.start()]}\n    {shown}\n    {caret}"
            ) from error
        raise ConfigError(f"{source}: {message}") from error
    return _section(tables, (), _lines(text), source)


def _section(
    table: dict[str, object], path: tuple[str, ...], lines: dict[tuple[str, ...], int], source: str
) -> Section:
    return Section(
        {
            key: Entry(key, _content(item, (*path, key), lines, source), Place(source, lines.get((*path, key))))
            for key, item in table.items()
        }
    )


def _content(item: object, path: tuple[str, ...], lines: dict[tuple[str, ...], int], source: str) -> Content:
    if isinstance(item, dict):
        return _section(item, path, lines, source)
    if isinstance(item, list):
        return [_content(each, path, lines, source) for each in item]
    if isinstance(item, str | int | float | datetime.date):
        return item
    return str(item)  # a time of day: no key takes one, and the message then shows it


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Line of each key, as far as headers and assignments at the start of a line show it."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.fullmatch(line):
            table = _pieces(header["name"])
            lines.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault((*table, *_pieces(assignment["name"])), number)
    return lines


def _pieces(name: str) -> tuple[str, ...]:
    return tuple(match[match.lastgroup or 0] for match in _PIECE.finditer(name))


def write_toml(sections: dict[str, dict[str, object]]) -> str:
    """TOML text of sections of keys; contents are scalars, lists and mappings, and None is left out."""
    blocks = []
    for section, keys in sections.items():
        below = {key: item for key, item in keys.items() if isinstance(item, dict) and item}
        blocks.append(_table([section], {key: item for key, item in keys.items() if key not in below}))
        blocks += [_table([section, key], item) for key, item in below.items()]
    return "\n".join(blocks)


def _table(path: list[str], keys: dict[str, object]) -> str:
    lines = [f"{_key(key)} = {write_item(item)}" for key, item in keys.items() if item is not None]
    return "\n".join([f"[{'.'.join(_key(name) for name in path)}]", *lines]) + "\n"


def write_item(item: object) -> str:
    """One content as TOML text, on one line."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, datetime.date):
        return _text(f"{item:%Y%m%d}")  # as in .cfg files: JSON Schema knows no dates
    if isinstance(item, list | tuple):
        return f"[{', '.join(write_item(each) for each in item)}]"
    if isinstance(item, dict):
        pairs = [f"{_key(str(key))} = {write_item(each)}" for key, each in item.items() if each is not None]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    return _text(str(item))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'
