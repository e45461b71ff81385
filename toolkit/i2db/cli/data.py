"""`i2db sql`, `show`, `export`, `audit`: questions to the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2db.cli.output import SHOWN_ROWS, Format, FormatOption, OutputOption, show, table
from i2db.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from i2db.store.database import Database

FolderArgument = Annotated[Path, typer.Argument(help="Output folder of a project.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("sql")(sql)
    app.command("show")(show_)
    app.command("export")(export)
    app.command("audit")(audit)


def _open(folder: Path) -> Database:
    from i2db.chain.names import DATABASE_NAME
    from i2db.store.database import Database

    return Database.open(folder / DATABASE_NAME, read_only=True)


def sql(
    folder: FolderArgument,
    query: Annotated[str | None, typer.Argument(help="SQL, or @FILE; not given: read from the standard input.")] = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Ask the database anything (read-only).

    Example: i2db sql out/ "SELECT class_name, n_learn FROM class_statistics WHERE run = 0"
    """
    if query is None:
        if sys.stdin.isatty():
            raise ConfigError(
                "no query given", hint='i2db sql OUT "SELECT ..."; `i2db show OUT` lists tables and views'
            )
        query = sys.stdin.read()
    elif query.startswith("@"):
        path = Path(query[1:])
        if not path.is_file():
            raise ConfigError(f"{path} does not exist")
        query = path.read_text(encoding="utf-8")
    with _open(folder) as database, database.answering():
        show(database.query(query), form, output)


def show_(
    folder: FolderArgument,
    relation: Annotated[str | None, typer.Argument(help="Table or view; not given: list them.")] = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show a table or view; without a name, list them with what they hold.

    Example: i2db show out/ accuracy_summary --format json
    """
    import difflib

    with _open(folder) as database:
        relations = database.table_names()
        if relation is None:
            typer.echo(table(("kind", "name", "what it holds"), relations), nl=False)
            return
        names = [name for kind, name, _ in relations if kind != "macro"]
        if relation not in names:
            near = difflib.get_close_matches(relation, names, n=1)
            raise ConfigError(
                f"there is no table or view {relation}",
                hint=f"did you mean {near[0]}?" if near else f"`i2db show {folder}` lists them",
            )
        from i2db.store.database import quote_identifier

        with database.answering():
            show(database.query(f"FROM {quote_identifier(relation)}"), form, output)


def export(
    folder: FolderArgument,
    what: Annotated[str, typer.Argument(help="samples, or a table or view.")],
    output: Annotated[Path, typer.Option("--output", "-o", help=".parquet (GeoParquet), .csv, .gpkg or .geojson.")],
    run: Annotated[int | None, typer.Option(help="Run whose split is meant.")] = None,
    split: Annotated[str | None, typer.Option(help="learn or val.")] = None,
) -> None:
    """Write samples in wide form, or a table, to a file for pandas, geopandas or QGIS.

    Example: i2db export out/ samples --run 0 --split learn -o samples.parquet
    """
    from i2db.store import export as exporting

    if split not in (None, "learn", "val"):
        raise ConfigError(f"--split {split}: it is learn or val")
    with _open(folder) as database:
        if what == "samples":
            n = exporting.write_samples(database, output, run=run, split=split)
        elif what in [name for kind, name, _ in database.table_names() if kind != "macro"]:
            n = exporting.write_relation(database, what, output)
        else:
            raise ConfigError(f"there is no table or view {what}", hint=f"`i2db show {folder}` lists them")
    typer.echo(f"{n} rows written to {output}", err=True)


def audit(folder: FolderArgument, form: FormatOption = Format.TABLE) -> None:
    """Hold the audits: queries that find broken rows. An empty answer is the promise.

    Example: i2db audit out/
    """
    from i2db.store.audit import audit as hold
    from i2db.store.audit import broken_rows
    from i2db.store.statement import names

    with _open(folder) as database:
        broken = hold(database)
        for name, n in broken.items():
            shown = f", the first {SHOWN_ROWS} are shown" if n > SHOWN_ROWS else ""
            typer.echo(f"{name}: {n} rows{shown}", err=True)
            with database.answering():
                show(broken_rows(database, name, SHOWN_ROWS), form)
    typer.echo(f"{len(names('audit'))} audits held, {len(broken)} found something", err=True)
    if broken:
        raise typer.Exit(int(ExitCode.CONTRACT))
