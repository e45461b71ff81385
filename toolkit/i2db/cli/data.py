"""`i2db sql`, `show`, `export`, `audit`: questions to the database."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from i2db.cli.output import (
    SHOWN_ROWS,
    AnswerFormat,
    AnswerFormatOption,
    Format,
    FormatOption,
    OutputOption,
    answer,
    show,
    table,
)
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
    app.command("import-iota2")(import_iota2)


def _open(folder: Path) -> Database:
    from i2db.chain.names import DATABASE_NAME
    from i2db.store.database import Database

    return Database.open(folder / DATABASE_NAME, read_only=True)


def sql(
    folder: FolderArgument,
    query: Annotated[
        str | None, typer.Argument(help="SQL, or @FILE; not given: asked for, or read from the standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="File with the query.")] = None,
    param: Annotated[
        list[str],
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="Fills $NAME in the query; repeat as needed."),
    ] = [],  # noqa: B006 - Typer reads it, nobody changes it
    form: AnswerFormatOption = None,
    output: OutputOption = None,
) -> None:
    """Ask the database anything (read-only). Without a query there is a prompt with history and completion.

    Rows with polygon_id or sample_id can be written as a styled layer: -o wrong.gpkg.

    Example: i2db sql out/ "SELECT class_name, n_learn FROM class_statistics WHERE run = 0"
    """
    parameters: dict[str, Any] = dict(parameter(one) for one in param)
    if query is not None and query.startswith("@"):
        file, query = Path(query[1:]), None
    if file is not None:
        if query is not None:
            raise ConfigError("a query and --file are given", hint="give one of them")
        query = _text_of(file)
    with _open(folder) as database:
        if query is not None:
            answer(database, query, form, output, parameters)
        elif output is not None:
            if sys.stdin.isatty():
                raise ConfigError("no query given for --output", hint='i2db sql OUT "SELECT ..." -o FILE')
            answer(database, sys.stdin.read(), form, output, parameters)
        else:
            _talk(database, form, parameters)


def _talk(database: Database, form: AnswerFormat | None, parameters: dict[str, Any]) -> None:
    """Statements from a person at a prompt, or from a pipe."""
    from i2db.cli import prompt

    def said(database: Database, text: str) -> None:
        wanted = database.parameters_of(text)
        answer(database, text, form, None, {name: parameters[name] for name in wanted & set(parameters)})

    if sys.stdin.isatty() and sys.stdout.isatty():
        prompt.converse(database, said)
    else:
        with contextlib.suppress(prompt.Leave):
            prompt.run_script(database, sys.stdin, said)


def parameter(text: str) -> tuple[str, Any]:
    """Name and value of a query's parameter from NAME=VALUE: what is JSON (3, true, null, [1]), else a text."""
    import json

    name, equals, content = text.partition("=")
    if not equals or not name.isidentifier():
        raise ConfigError(f"--param {text!r} is not NAME=VALUE", hint="e.g. --param run=0 --param name=maïs")
    try:
        return name, json.loads(content)
    except json.JSONDecodeError:
        return name, content


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def show_(
    folder: FolderArgument,
    relation: Annotated[str | None, typer.Argument(help="Table or view; not given: list them.")] = None,
    form: AnswerFormatOption = None,
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

        answer(database, f"FROM {quote_identifier(relation)}", form, output)


def export(
    folder: FolderArgument,
    what: Annotated[str, typer.Argument(help="samples, or a table or view.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".parquet (GeoParquet), .csv, .gpkg, .geojson or .sqlite.")
    ],
    run: Annotated[int | None, typer.Option(help="Run whose split is meant.")] = None,
    split: Annotated[str | None, typer.Option(help="learn or val.")] = None,
) -> None:
    """Write samples in wide form, or a table, to a file for pandas, geopandas or QGIS.

    Example: i2db export out/ samples --run 0 --split learn -o samples.parquet
    """
    from i2db.store import export as exporting

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


def import_iota2(
    source: Annotated[Path, typer.Argument(help="Output folder of an iota2 run (outputPath); it is only read.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new project.")],
    nomenclature: Annotated[Path | None, typer.Option(help="iota2's nomenclature, for the names of classes.")] = None,
    color_table: Annotated[Path | None, typer.Option(help="iota2's colour file.")] = None,
    data_field: Annotated[str | None, typer.Option(help="Label column; found by itself where it can be.")] = None,
    resolution: Annotated[float | None, typer.Option(help="Pixel size, where the tree has no map to tell it.")] = None,
) -> None:
    """Read an old iota2 output tree - splits, samples, matrices - into the tables of a new project.

    Example: i2db import-iota2 old_output/ -o imported --nomenclature nomenclature.txt
    """
    from i2db.iota2_import import import_tree

    counts = import_tree(
        source,
        output,
        nomenclature=nomenclature,
        colors=color_table,
        data_field=data_field,
        resolution=resolution,
    )
    typer.echo(", ".join(f"{n} {name}" for name, n in counts.items()) + f" in {output}", err=True)
