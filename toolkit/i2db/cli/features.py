"""`i2db features`: the functions whose numbers can be features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from i2db.cli.output import Format, FormatOption, show_rows


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("features")(features)


def features(
    module: Annotated[
        Path | None, typer.Argument(help="Python file with functions; not given: those that come with i2db.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="FUNCTION", help="Print the code of a function and stop.")
    ] = None,
    getters: Annotated[bool, typer.Option("--getters", help="List what functions can ask self for.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """List functions that external_features.functions can name, each tried on a few made-up pixels.

    Example: i2db features --source get_soi
    """
    from i2db.external.catalogue import describe, getter_names, source_code

    if source is not None:
        typer.echo(source_code(source, module), nl=False)
        return
    rows = getter_names() if getters else describe(module)
    names = list(rows[0]) if rows else ["function"]
    show_rows(names, [[row[name] for name in names] for row in rows], form)
