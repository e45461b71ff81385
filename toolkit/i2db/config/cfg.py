"""Reader of iota2's .cfg files: the grammar of PyPI's `config` 0.4 as far as iota2 uses it, and nothing evaluated.

A file is a list of `section : { key : content, ... }`. Entries end with a comma or with their line; a comment goes from
# to the end of its line. Keys are bare words, quoted texts or whole numbers. Contents are texts in single or double
quotes (a backslash stands for itself, but before a quote or another backslash), whole and decimal numbers, True, False,
None, bare words, [lists] and {mappings}. References, includes and back-ticks are refused, and texts on two lines are
never joined.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

from i2db.config.tree import Content, Entry, Place, Section
from i2db.errors import ConfigError

DEEPEST_NESTING = 40

_TOKEN = re.compile(
    r"""
    (?P<blank>   [^\S\n]+ | \#[^\n]* )
  | (?P<newline> \n )
  | (?P<text>    '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*" )
  | (?P<dots>    \.\.\. | … )
  | (?P<number>  [+-]? (?: \d+\.\d* | \.\d+ | \d+ ) (?: [eE][+-]?\d+ )? (?![\w.]) )
  | (?P<word>    [^\W\d][\w-]*(?:\.[\w-]+)* )
  | (?P<sign>    [{}\[\],:=] )
    """,
    re.VERBOSE,
)
_WHOLE = re.compile(r"[+-]?\d+")
_ESCAPE = re.compile(r"\\(['\"\\])")
_CONSTANTS: dict[str, Content] = {"True": True, "False": False, "None": None}

_REFUSED = {
    "`": "back-ticks ask for something to be evaluated, which i2db does not do: write the value itself",
    "$": "references to other keys are not followed: write the value itself",
    "@": "includes are not followed: copy the lines here",
    "'": "the text that starts here has no closing quote on its line",
    '"': "the text that starts here has no closing quote on its line",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        names = {"newline": "the end of the line", "end": "the end of the file"}
        return names.get(self.kind, f"`{self.text}`")


def read_cfg(path: Path) -> Section:
    """The sections of a .cfg file.

    Raises:
        ConfigError: it cannot be opened, is not UTF-8, or breaks the grammar (with line, column and a caret).
    """
    return parse_cfg(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a configuration file; ConfigError where there is none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file", hint="give the path of a .cfg or .toml file") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}",
            hint=f"convert it: iconv -f latin1 -t utf-8 {path}",
        ) from error


def parse_cfg(text: str, source: str) -> Section:
    """The sections of a .cfg text; `source` names it in messages."""
    parser = _Parser(text, source)
    return parser.section_body("end", 0)


def parse_content(text: str, source: str) -> Content:
    """One content in the grammar of .cfg files, e.g. `0.5` or `[1, 2]`."""
    parser = _Parser(text, source)
    parser.skip_lines()
    content = parser.content(0)
    parser.skip_lines()
    if parser.token.kind != "end":
        raise parser.error(f"nothing may follow here, found {parser.token}")
    return content


def write_content(content: object) -> str:
    """A content as .cfg text on one line, such that `parse_content` gives it back."""
    if content is None or isinstance(content, bool | int):
        return str(content)
    if isinstance(content, float):
        return repr(content)
    if isinstance(content, datetime.date):
        return f"'{content:%Y%m%d}'"
    if isinstance(content, list | tuple):
        return f"[{', '.join(write_content(item) for item in content)}]"
    if isinstance(content, dict):
        return f"{{{', '.join(f'{_quoted(str(key))}: {write_content(item)}' for key, item in content.items())}}}"
    return _quoted(str(content))


def _quoted(text: str) -> str:
    if "\n" in text:
        raise ConfigError(f"a .cfg file cannot hold a text of several lines: {text!r}", hint="use a .toml file")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Parser:
    """Recursive descent over the tokens; `token` is the next one."""

    def __init__(self, text: str, source: str) -> None:
        self.lines = text.split("\n")
        self.source = source
        self.tokens = self._tokens(text)
        self.position = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.position]

    def advance(self) -> _Token:
        token = self.token
        self.position += token.kind != "end"
        return token

    def skip_lines(self) -> int:
        """Step over ends of lines; how many there were."""
        start = self.position
        while self.token.kind == "newline":
            self.position += 1
        return self.position - start

    def error(self, message: str, token: _Token | None = None) -> ConfigError:
        token = token or self.token
        line = self.lines[token.line - 1].rstrip("\r")
        margin = "".join("\t" if character == "\t" else " " for character in line[: token.column - 1])
        return ConfigError(f"{self.source}:{token.line}:{token.column}: {message}\n    {line}\n    {margin}^")

    def _tokens(self, text: str) -> list[_Token]:
        tokens: list[_Token] = []
        position, line, line_start = 0, 1, 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            here = _Token("sign", text[position], line, position - line_start + 1)
            if match is None:
                raise self.error(self._refusal(text, position), here)
            kind = match.lastgroup or ""
            if kind == "dots":
                raise self.error(f"`{match[0]}` is a placeholder of the documentation: replace it", here)
            if kind != "blank":
                tokens.append(_Token(match[0] if kind == "sign" else kind, match[0], here.line, here.column))
            position = match.end()
            if kind == "newline":
                line, line_start = line + 1, position
        tokens.append(_Token("end", "", line, position - line_start + 1))
        return tokens

    @staticmethod
    def _refusal(text: str, position: int) -> str:
        sign = text[position]
        bare = re.match(r"[^\s,#{}\[\]'\"]+", text[position:])
        whole = bare[0] if bare else sign
        return _REFUSED.get(sign, f"`{whole}` must be in quotes: only words, numbers, True, False and None go without")

    def section_body(self, end: str, depth: int) -> Section:
        """Entries up to the sign that ends them."""
        if depth > DEEPEST_NESTING:
            raise self.error(f"mappings and lists may be nested {DEEPEST_NESTING} deep at most")
        entries: dict[str, Entry] = {}
        self.skip_lines()
        while self.token.kind != end:
            entry = self._entry(depth)
            if (known := entries.get(entry.key)) is not None:
                raise ConfigError(
                    f"{entry.place}: {entry.key} is set twice, here and in line {known.place.line}",
                    hint="keep one of the two",
                )
            entries[entry.key] = entry
            self._separator(end)
        self.advance()
        return Section(entries)

    def _separator(self, end: str) -> None:
        """What stands between entries: a comma, or the end of a line, or both."""
        n_lines = self.skip_lines()
        if self.token.kind == ",":
            self.advance()
            self.skip_lines()
        elif self.token.kind == "end" and end != "end":
            raise self.error(f"the file ends where `{end}` should close what was opened")
        elif not n_lines and self.token.kind != end:
            raise self.error(
                f"a comma or a new line must stand before {self.token}; a text with signs in it must be in quotes"
            )

    def _entry(self, depth: int) -> Entry:
        token = self.advance()
        if token.kind == "text":
            key = _unquoted(token.text)
        elif token.kind == "word" or (token.kind == "number" and _WHOLE.fullmatch(token.text)):
            key = token.text
        elif token.kind == "end":
            raise self.error("the file ends where `}` should close what was opened", token)
        else:
            raise self.error(f"a key should stand here, found {token}", token)
        if self.token.kind not in (":", "="):
            raise self.error(f"`:` should follow the key {key}, found {self.token}")
        self.advance()
        n_lines = self.skip_lines()
        if n_lines and self.token.kind in ("text", "word", "number") and self.tokens[self.position + 1].kind in ":=":
            raise self.error(f"{key} is set to nothing; write None for what is not set", token)
        return Entry(key, self.content(depth + 1), Place(self.source, token.line))

    def content(self, depth: int) -> Content:
        """What a key is set to, or an item of a list."""
        token = self.advance()
        match token.kind:
            case "{":
                return self.section_body("}", depth)
            case "[":
                return self._list_body(depth)
            case "text":
                return _unquoted(token.text)
            case "number":
                return int(token.text) if _WHOLE.fullmatch(token.text) else float(token.text)
            case "word":
                return _CONSTANTS.get(token.text, token.text)
        raise self.error(f"a value should stand here, found {token}", token)

    def _list_body(self, depth: int) -> Content:
        if depth > DEEPEST_NESTING:
            raise self.error(f"mappings and lists may be nested {DEEPEST_NESTING} deep at most")
        items: list[Content] = []
        self.skip_lines()
        while self.token.kind != "]":
            items.append(self.content(depth + 1))
            self._separator("]")
        self.advance()
        return items


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])
