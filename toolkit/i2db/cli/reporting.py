"""`i2db report`: the report of a project, written anew from its database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    folder: Annotated[Path, typer.Argument(help="Output folder of a project.")],
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Also write the figures, as PNG files, into this folder.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title, in the place of chain.report_title.")] = None,
) -> None:
    """Write report.html anew, from the database and the maps: one file that needs no network.

    Example: i2db report out/ --figures out/figures --title "Land cover of Flanders, 2018"
    """
    from i2db.chain.names import DATABASE_NAME
    from i2db.report.collect import require_evaluated, write_report
    from i2db.store.database import Database

    with Database.open(folder / DATABASE_NAME, read_only=True) as database:
        require_evaluated(database, folder)
        path, n_figures = write_report(database, folder, title=title, figures=figures)
    typer.echo(f"report: {path}")
    if figures is not None:
        typer.echo(f"figures: {n_figures} in {figures}")
