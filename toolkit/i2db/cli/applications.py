"""`i2db app`: OTB's applications from the shell."""

from __future__ import annotations

import textwrap
from typing import Annotated, Any

import typer

from i2db.errors import ConfigError

#: A command whose arguments are an application's: none of them is an option of ours, -h as little as any.
_CONTEXT = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
_HELP = frozenset({"-h", "-help", "--help"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("app", context_settings=_CONTEXT)(run)


def run(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Application, e.g. BandMath; not given: list them.")] = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Its parameters by OTB's names: -il a.tif b.tif -out c.tif uint8.")
    ] = None,
) -> None:
    """Run one of OTB's applications; `i2db app NAME --help` lists its parameters.

    Example: i2db app BandMath -il a.tif b.tif -exp "im1b1+im2b1" -out c.tif
    """
    words = list(arguments or [])
    if name in _HELP:
        typer.echo(context.get_help())
        return
    if name is None:
        typer.echo(_listing())
        return
    from i2db.apps.application import find_application

    kind = find_application(name)
    if not words or _HELP & set(words):
        typer.echo(_page(kind))
        if not words:
            raise ConfigError(f"{name} was given no parameters")
        return
    application = kind(_parameters(kind, words))
    application.ExecuteAndWriteOutput()
    for message in application.messages:
        typer.echo(message, err=True)


def _parameters(kind: Any, words: list[str]) -> dict[str, Any]:
    """The parameters that the words give: `-key value ...`; a pixel type may stand after the image output.

    Raises:
        ConfigError: a word belongs to no parameter.
    """
    from i2db.apps.parameter import PIXEL_TYPES

    keys = {parameter.key for parameter in kind.parameters}
    given: dict[str, list[str]] = {}
    key: str | None = None
    for word in words:
        bare = word.lstrip("-")
        if word.startswith("-") and (bare in keys or _looks_like_key(word)):
            key = kind.parameter(bare).key
            if key in given:
                raise ConfigError(f"-{key} is given twice")
            given[key] = []
        elif key is None:
            raise ConfigError(f"{word!r} stands before any parameter", hint="parameters are given as -key value")
        else:
            given[key].append(word)
    result: dict[str, Any] = {}
    for key, values in given.items():
        parameter = kind.parameter(key)
        if parameter.kind == "output image" and len(values) == 2 and values[1] in PIXEL_TYPES:
            result["pixType"] = values.pop()
        if parameter.kind == "boolean" and not values:
            values = ["true"]
        if not values:
            raise ConfigError(f"-{key} is given nothing")
        result[key] = values
    return result


def _looks_like_key(word: str) -> bool:
    """Whether a word that is no known key was meant as one: -name, but no number and no expression."""
    bare = word.lstrip("-")
    return bare.replace(".", "").isalpha() and bare.lower() not in ("inf", "nan")


def _listing() -> str:
    from i2db.apps.application import APPLICATIONS, find_application
    from i2db.cli.output import table

    rows = [(name, find_application(name).summary) for name in APPLICATIONS]
    return table(("application", "what it makes"), rows).rstrip("\n")


def _page(kind: Any) -> str:
    """What an application takes, for a terminal of any width."""
    import shutil

    width = shutil.get_terminal_size().columns
    lines = textwrap.wrap(f"{kind.name}: {kind.summary}.", width)
    for parameter in kind.parameters:
        told = parameter.told_default.replace("`", "")
        notes = f" ({told})" if parameter.needed else f" Default: {told}." if told else ""
        lines.append(f"  -{parameter.key} <{parameter.kind}>")
        lines += textwrap.wrap(parameter.told_help + notes, width, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)
