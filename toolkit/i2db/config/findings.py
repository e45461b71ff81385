"""What is wrong or odd about a configuration, collected until all of it has been seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic_core import ErrorDetails

from i2db.config.cfg import write_content
from i2db.config.spelling import nearest
from i2db.config.tree import Place
from i2db.errors import ConfigError

_PLAIN = {
    "bool_type": "must be True or False",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be a text in quotes",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list [...]",
    "list_type": "must be a list [...]",
    "dict_type": "must be a mapping {{...}}",
    "model_type": "must be a mapping {{...}}",
    "model_attributes_type": "must be a mapping {{...}}",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must name at least {min_length}",
    "too_long": "must name no more than {max_length}",
    "extra_forbidden": "is not a key that i2db knows",
}
_LIMITS = frozenset({"gt", "ge", "lt", "le", "min_length", "max_length"})
_LONGEST_SHOWN = 80


@dataclass(slots=True)
class Findings:
    """Errors and warnings, with their places; keys without effect are gathered by the reason why."""

    errors: list[tuple[Place, str]] = field(default_factory=list)
    warnings: list[tuple[Place, str]] = field(default_factory=list)
    _gathered: dict[str, list[tuple[Place, str]]] = field(default_factory=dict)

    def error(self, place: Place, message: str) -> None:
        """Something that stops the configuration from being used."""
        self.errors.append((place, message))

    def warn(self, place: Place, message: str) -> None:
        """Something to know; nothing stops."""
        self.warnings.append((place, message))

    def retired(self, place: Place, name: str) -> None:
        """A key that iota2 itself has dropped."""
        self._gather("of an old iota2 and no longer read", place, name)

    def idle(self, place: Place, name: str, reason: str) -> None:
        """A key that changes nothing here."""
        self._gather(f"without effect: {reason}", place, name)

    def _gather(self, reason: str, place: Place, name: str) -> None:
        self._gathered.setdefault(reason, []).append((place, name))

    def messages(self) -> tuple[str, ...]:
        """All warnings, in the order of the file."""
        found = list(self.warnings)
        for reason, keys in self._gathered.items():
            first = keys[0][0]
            names = [
                name if place == first or place.line is None else f"{name} (line {place.line})" for place, name in keys
            ]
            found.append((first, f"{', '.join(names)}: {reason}"))
        return tuple(f"{place}: {message}" for place, message in sorted(found, key=_order))

    def raise_errors(self, source: str) -> None:
        """One ConfigError with all errors, in the order of the file; nothing where there are none."""
        if not self.errors:
            return
        lines = [f"{place}: {message}" for place, message in sorted(self.errors, key=_order)]
        many = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise ConfigError("\n".join([f"{source} has {many}:", *(f"  {line}" for line in lines)]))


def _order(finding: tuple[Place, str]) -> tuple[int, str]:
    return finding[0].line or 0, finding[0].source


def shown(content: object) -> str:
    """A setting as the user may have written it, cut where it is long."""
    text = str(content)
    if isinstance(content, str | int | float | list | tuple | dict) and "\n" not in text:
        text = write_content(content)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} [cut]"


def key_name(location: tuple[str | int, ...]) -> str:
    """Section, key and what is below as one name, e.g. arg_train.sample_selection.per_model[0].strategy."""
    name = ""
    for piece in location:
        name += f"[{piece}]" if isinstance(piece, int) else f".{piece}" if name else piece
    return name


def in_plain_words(detail: ErrorDetails) -> str:
    """What pydantic has to say about a setting, for people who never heard of pydantic."""
    kind, context = detail["type"], detail.get("ctx", {})
    name = key_name(detail["loc"])
    if kind == "value_error":
        complaint = str(context["error"])
    elif kind == "literal_error":
        allowed = context["expected"]
        near = nearest(str(detail["input"]), [word.strip("' ") for word in allowed.replace(" or ", ", ").split(",")])
        complaint = f"must be {'' if ',' not in allowed and ' or ' not in allowed else 'one of '}{allowed}"
        complaint += f"; did you mean {near}?" if near else ""
    else:
        limits = {
            name: int(limit) if limit == int(limit) else limit for name, limit in context.items() if name in _LIMITS
        }
        complaint = _PLAIN[kind].format(**limits) if kind in _PLAIN else detail["msg"]
    return f"{name} is {shown(detail['input'])}: it {complaint}"
