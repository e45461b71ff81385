"""Names of files and folders with tokens: `{platform:SENTINEL2?}_{date}-{time}-*_L2A_{tile}_*`.

`*` stands for any characters but `/`, `?` for one, `{token}` for characters up to what follows it in the pattern, and
`{token:form}` for a form of its own, in which `*` and `?` mean the same. Upper and lower case differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from i2db.errors import ConfigError

_PIECE = re.compile(r"\{(?P<token>\w+)(?::(?P<form>[^{}]*))?\}|(?P<any>\*)|(?P<one>\?)|(?P<text>[^{}*?]+)")


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A compiled pattern; made by `compile_pattern`."""

    text: str
    tokens: tuple[str, ...]
    _expression: re.Pattern[str]

    def match(self, name: str) -> dict[str, str] | None:
        """The text of each token, or None where the whole name does not fit."""
        found = self._expression.fullmatch(name)
        return None if found is None else found.groupdict()


def compile_pattern(text: str, allowed: frozenset[str], forms: dict[str, str] | None = None) -> NamePattern:
    """Compile a pattern whose tokens are among `allowed`.

    `forms` gives regular expressions for tokens that have no form of their own. A token met again must have the same
    text as the first time.

    Raises:
        ConfigError: a brace without its partner, or a token that is not known.
    """
    expression, tokens, position = "", [], 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            raise ConfigError(f"pattern {text!r}: {text[position]!r} at character {position + 1} has no partner")
        position = piece.end()
        token = piece["token"]
        if token is None:
            expression += _glob(piece[0])
        elif token not in allowed:
            raise ConfigError(
                f"pattern {text!r}: token {{{token}}} is not known", hint=f"known: {', '.join(sorted(allowed))}"
            )
        elif token in tokens:
            expression += f"(?P={token})"
        else:
            tokens.append(token)
            form = _glob(piece["form"]) if piece["form"] is not None else (forms or {}).get(token, "[^/]+?")
            expression += f"(?P<{token}>{form})"
    return NamePattern(text=text, tokens=tuple(tokens), _expression=re.compile(expression))


def _glob(text: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character)) for character in text)


def date_form(date_format: str) -> str:
    """The regular expression of dates in a `strptime` format made of %Y, %m, %d, %j, %y and plain characters.

    Raises:
        ConfigError: another directive, or no full date.
    """
    digits = {"Y": 4, "m": 2, "d": 2, "j": 3, "y": 2}
    expression, directives, position = "", "", 0
    while position < len(date_format):
        character = date_format[position]
        if character == "%":
            directive = date_format[position + 1 : position + 2]
            if directive not in digits:
                raise ConfigError(f"date_format {date_format!r}: %{directive} is not one of %Y %y %m %d %j")
            expression += rf"\d{{{digits[directive]}}}"
            directives += directive
            position += 2
        else:
            expression += re.escape(character)
            position += 1
    if not (set(directives) & set("Yy") and ("j" in directives or {"m", "d"} <= set(directives))):
        raise ConfigError(f"date_format {date_format!r} does not give year, month and day")
    return expression
