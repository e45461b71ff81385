"""Parameters of applications: their names are OTB's, and what is given for them is checked before any work."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from i2db.errors import ConfigError, InputError

Kind = Literal[
    "image", "images", "input", "inputs", "output", "output image", "text", "texts", "integer", "number", "choice",
    "boolean",
]  # fmt: skip

#: Pixel types by OTB's names.
PIXEL_TYPES: Mapping[str, str] = {
    "uint8": "uint8",
    "uint16": "uint16",
    "int16": "int16",
    "uint32": "uint32",
    "int32": "int32",
    "float": "float32",
    "double": "float64",
}

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its key, what it takes, what it means; where it is not given, its default (None: must be given).

    `needed` says when it must be given: always, never, or where another parameter has a value (key, value).
    """

    key: str
    kind: Kind
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()
    needed: bool | tuple[str, str] = False

    @property
    def is_list(self) -> bool:
        """Whether it takes several words."""
        return self.kind in ("images", "inputs", "texts")

    @property
    def told_default(self) -> str:
        """Its default, or that it must be given."""
        if self.needed:
            when = f" with `{self.needed[0]}` {self.needed[1]}" if isinstance(self.needed, tuple) else ""
            return f"must be given{when}"
        return "" if self.default is None else str(self.default)

    @property
    def told_help(self) -> str:
        """Its meaning and choices."""
        return self.help + (f" One of {', '.join(self.choices)}." if self.choices else "")

    @property
    def is_input(self) -> bool:
        """Whether it names what is read."""
        return self.kind in ("image", "images", "input", "inputs")

    @property
    def is_output(self) -> bool:
        """Whether it names what is written."""
        return self.kind in ("output", "output image")

    def converted(self, value: Any) -> Any:
        """What is given, as its kind.

        Raises:
            ConfigError: it is not of its kind.
        """
        if self.is_list:
            return [self._single(item) for item in (value if _is_sequence(value) else [value])]
        if _is_sequence(value) and not _is_application_pair(value):
            if len(value) != 1:
                raise ConfigError(f"-{self.key} takes one value, not {len(value)}: {' '.join(map(str, value))}")
            value = value[0]
        return self._single(value)

    def _single(self, value: Any) -> Any:
        if self.kind in ("image", "images"):
            return value[0] if _is_application_pair(value) else Path(value) if isinstance(value, str | Path) else value
        if self.kind in ("input", "inputs", "output", "output image"):
            if not isinstance(value, str | Path) or not str(value):
                raise ConfigError(f"-{self.key} takes the name of a file, not {value!r}")
            return Path(value)
        if self.kind in ("integer", "number"):
            return self._number(value)
        if self.kind == "boolean":
            return self._boolean(value)
        text = str(value)
        if self.choices and text not in self.choices:
            raise ConfigError(f"-{self.key} is {text}: it must be one of {', '.join(self.choices)}")
        return text

    def _number(self, value: Any) -> float | int:
        what = "a whole number" if self.kind == "integer" else "a number"
        if isinstance(value, bool):
            raise ConfigError(f"-{self.key} takes {what}, not {value!r}")
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"-{self.key} takes {what}, not {value!r}") from error
        if self.kind == "number":
            return number
        if not number.is_integer():
            raise ConfigError(f"-{self.key} takes a whole number, not {value!r}")
        return int(number)

    def _boolean(self, value: Any) -> bool:
        word = str(value).lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        raise ConfigError(f"-{self.key} is true or false, not {value!r}")


RAM = Parameter("ram", "integer", "Memory for the work (MB); not given: OTB_MAX_RAM_HINT, else 256.")


def out_image(key: str = "out") -> Parameter:
    """The parameter of an image output."""
    return Parameter(
        key, "output image", "GeoTIFF to write; after it may stand a pixel type: " + ", ".join(PIXEL_TYPES) + "."
    )


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and not _is_application_pair(value)


def _is_application_pair(value: Any) -> bool:
    """Whether it is iota2's pair of an application and what it depends on."""
    return isinstance(value, tuple) and len(value) == 2 and hasattr(value[0], "Execute")


def check_keys(known: Sequence[Parameter], given: Sequence[str], name: str, needless: Mapping[str, str]) -> None:
    """Refuse keys that an application does not have.

    Raises:
        ConfigError: with the key that may have been meant, or why OTB's is not needed here.
    """
    keys = [parameter.key for parameter in known] + ["pixType"]
    for key in given:
        if key in keys:
            continue
        if key in needless:
            raise ConfigError(f"{name} does without -{key}: {needless[key]}", hint="leave it out")
        near = difflib.get_close_matches(key, keys, n=1, cutoff=0.4)
        hint = f"did you mean -{near[0]}?" if near else "it takes " + ", ".join(f"-{each}" for each in keys[:-1])
        raise ConfigError(f"{name} has no parameter -{key}", hint=hint)


def check_given(known: Sequence[Parameter], values: Mapping[str, Any], name: str) -> None:
    """Everything that is needed is given, and files that are read exist.

    Raises:
        ConfigError: parameters are missing (all are named).
        InputError: a file is.
    """
    missing = []
    for parameter in known:
        needed = parameter.needed
        if isinstance(needed, tuple):
            needed = values.get(needed[0]) == needed[1]
        if needed and values.get(parameter.key) in (None, [], ""):
            missing.append(f"-{parameter.key}")
    if missing:
        raise ConfigError(f"{name} needs {', '.join(missing)}", hint=f"`i2db app {name} --help` says what they are")
    for parameter in known:
        if parameter.is_input and values.get(parameter.key) is not None:
            given = values[parameter.key]
            for path in given if isinstance(given, list) else [given]:
                if isinstance(path, Path) and not path.exists():
                    raise InputError(f"{path} does not exist (-{parameter.key})", hint=_extended(str(path)))


def text_of_file(path: Path) -> str:
    """What a text file in UTF-8 holds; InputError if it is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no text that can be read: {error}") from error


def _extended(name: str) -> str | None:
    return "extended file names (?&...) are not read: -cl of ExtractROI chooses bands" if "?&" in name else None
