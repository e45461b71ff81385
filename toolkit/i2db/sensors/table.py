"""A table of a TOML file whose keys are taken one by one: what is left over at the end is an error."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from i2db.errors import ConfigError

T = TypeVar("T")
Choice = TypeVar("Choice", bound=str)


class Table:
    """Typed access to the keys of one TOML table; errors name the file, the table and the key."""

    def __init__(self, content: dict[str, Any], path: Path, name: str = "") -> None:
        self._content = content
        self._path = path
        self._name = name
        self._taken: list[str] = []

    def error(self, key: str, message: str) -> ConfigError:
        """An error about a key."""
        return ConfigError(f"{self._path}: {self._name}{key} {message}")

    def take(self, key: str) -> Any:
        """What the key holds, as it is; None where it is absent."""
        self._taken.append(key)
        return self._content.get(key)

    def finish(self) -> None:
        """Refuse keys that nobody asked for, naming the nearest that exists."""
        for key in self._content:
            if key not in self._taken:
                near = difflib.get_close_matches(key, self._taken, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(self._taken))}"
                raise ConfigError(f"{self._path}: {self._name}{key} is not known", hint=hint)

    def checked(self, key: str, make: Callable[[], T]) -> T:
        """What `make` returns; its ConfigError is given the file and the key."""
        try:
            return make()
        except ConfigError as error:
            raise ConfigError(f"{self._path}: {self._name}{key}: {error.message}", hint=error.hint) from error

    def optional_text(self, key: str) -> str | None:
        """A text that is not empty, or None."""
        content = self.take(key)
        if content is not None and (not isinstance(content, str) or not content):
            raise self.error(key, f"must be a text, not {content!r}")
        return content

    def text(self, key: str) -> str:
        """A text that is not empty."""
        return self._required(key, self.optional_text(key))

    def identifier(self, key: str) -> str:
        """A name of letters and digits: it becomes part of feature names, where `_` separates."""
        content = self.text(key)
        if not (content.isascii() and content.isalnum() and content[0].isalpha()):
            raise self.error(key, f"must be letters and digits and start with a letter, not {content!r}")
        return content

    def optional_number(self, key: str) -> float | None:
        """A number, or None."""
        content = self.take(key)
        if content is None:
            return None
        if isinstance(content, bool) or not isinstance(content, int | float):
            raise self.error(key, f"must be a number, not {content!r}")
        return float(content)

    def optional_range(self, key: str) -> tuple[float, float] | None:
        """Two numbers, the lesser first, or None."""
        content = self.take(key)
        if content is None:
            return None
        is_pair = isinstance(content, list) and [type(item) in (int, float) for item in content] == [True, True]
        if not is_pair or not content[0] < content[1]:
            raise self.error(key, f"must be [lowest, highest], not {content!r}")
        return float(content[0]), float(content[1])

    def number(self, key: str) -> float:
        """A number."""
        return self._required(key, self.optional_number(key))

    def integer(self, key: str, *, minimum: int, default: int | None = None) -> int:
        """A whole number of at least `minimum`."""
        content = self.take(key)
        if content is None:
            return self._required(key, default)
        if type(content) is not int or content < minimum:
            raise self.error(key, f"must be a whole number of at least {minimum}, not {content!r}")
        return content

    def boolean(self, key: str, *, default: bool) -> bool:
        """true or false."""
        content = self.take(key)
        if content is None:
            return default
        if not isinstance(content, bool):
            raise self.error(key, f"must be true or false, not {content!r}")
        return content

    def texts(self, key: str) -> tuple[str, ...]:
        """A text, or a list of at least one."""
        content = self.take(key)
        listed = content if isinstance(content, list) else [] if content is None else [content]
        if content is not None and not (listed and all(isinstance(item, str) and item for item in listed)):
            raise self.error(key, f"must be a text or a list of them, not {content!r}")
        return self._required(key, tuple(listed) or None)

    def optional_choice(self, key: str, choices: Sequence[Choice]) -> Choice | None:
        """One of some texts, or None."""
        content = self.take(key)
        for choice in choices:
            if content == choice:
                return choice
        if content is None:
            return None
        raise self.error(key, f"must be one of {', '.join(choices)}, not {content!r}")

    def choice(self, key: str, choices: Sequence[Choice]) -> Choice:
        """One of some texts."""
        return self._required(key, self.optional_choice(key, choices))

    def optional_table(self, key: str) -> Table | None:
        """A table, or None."""
        content = self.take(key)
        if content is None:
            return None
        if not isinstance(content, dict):
            raise self.error(key, "must be a table")
        return Table(content, self._path, f"{self._name}{key}.")

    def table(self, key: str) -> Table:
        """A table."""
        return self._required(key, self.optional_table(key))

    def tables(self, key: str) -> list[Table]:
        """A list of at least one table."""
        content = self.take(key)
        if not isinstance(content, list) or not content or not all(isinstance(row, dict) for row in content):
            raise self.error(key, "must be a list of at least one table")
        return [Table(row, self._path, f"{self._name}{key}[{place}].") for place, row in enumerate(content)]

    def check_distinct(self, key: str, names: Sequence[str]) -> None:
        """Refuse a list in which a name stands twice."""
        for name in names:
            if names.count(name) > 1:
                raise self.error(key, f"holds {name!r} twice")

    def _required(self, key: str, content: T | None) -> T:
        if content is None:
            raise self.error(key, "is missing")
        return content
