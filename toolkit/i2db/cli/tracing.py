"""`i2db trace`: where something came from, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2db.cli.comparing import FormOption, SectionOption, check_section, show_sections
from i2db.cli.output import OutputOption
from i2db.errors import ConfigError

if TYPE_CHECKING:
    from i2db.store.database import Database

#: Titles of all sections, in order.
TITLES = {
    "origin": "Where the pixel comes from",
    "runs": "What became of it in each run",
    "votes": "What its models say of it",
    "maps": "What the maps made of those of the runs say of it",
    "nearest": "The learning samples nearest to it (root mean square of standardised differences)",
    "features": "Its features",
    "polygon": "The polygon in each run",
    "pixels": "Its candidate pixels",
    "polygons": "The polygons behind the cell; trace the surest wrong pixel of each",
}

#: Suffixes of layers; a trace is then written with its places.
_LAYERS = (".gpkg", ".geojson", ".sqlite")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace")(trace)


def trace(
    folder: Annotated[Path, typer.Argument(help="Output folder of a project.")],
    sample: Annotated[int | None, typer.Option(help="sample_id of a candidate pixel.")] = None,
    polygon: Annotated[int | None, typer.Option(help="polygon_id of a polygon.")] = None,
    cell: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="REFERENCE PREDICTED", help="A cell of the confusion matrix: two classes, by code or name."
        ),
    ] = None,
    run: Annotated[int | None, typer.Option(help="Only this run.")] = None,
    nearest: Annotated[int, typer.Option(min=0, help="How many learning samples to name, per run.")] = 5,
    section: SectionOption = None,
    form: FormOption = None,
    output: OutputOption = None,
) -> None:
    """Say where a pixel, a polygon or a cell of the confusion matrix came from and what became of it.

    Sections of a pixel: origin, runs, votes, maps, nearest, features; of a polygon: polygon, pixels; of a cell:
    polygons.
    With -o x.gpkg the pixels of a cell, or of a polygon, become a styled layer.

    Example: i2db trace out/ --cell maïs tournesol
    """
    from i2db import tracing
    from i2db.chain.names import DATABASE_NAME
    from i2db.store.database import Database

    if sum(one is not None for one in (sample, polygon, cell)) != 1:
        raise ConfigError("trace what?", hint="give one of --sample ID, --polygon ID, --cell REFERENCE PREDICTED")
    with Database.open(folder / DATABASE_NAME, read_only=True) as database:
        if output is not None and output.suffix.lower() in _LAYERS and form is None:
            _write_layer(database, sample, polygon, cell, run, output)
            return
        if sample is not None:
            sections = tracing.trace_sample(database, folder, sample, run=run, n_nearest=nearest)
        elif polygon is not None:
            sections = tracing.trace_polygon(database, polygon, run=run)
        else:
            sections = tracing.trace_cell(database, *(cell or ("", "")), run=run)
    titles = {name: TITLES[name] for name in sections}
    check_section(section, titles)
    show_sections(sections, titles, section, form, output)
    if sample is not None and not sections["features"]:
        typer.echo("its features were not kept: arg_train.extraction = 'all' keeps those of all candidates", err=True)


def _write_layer(
    database: Database,
    sample: int | None,
    polygon: int | None,
    cell: tuple[str, str] | None,
    run: int | None,
    output: Path,
) -> None:
    """The pixels behind what is traced, as a layer."""
    from i2db import tracing
    from i2db.store.export import write_answer
    from i2db.store.statement import text_of

    given: dict[str, int | None]
    if sample is not None:
        query, given = text_of("trace/origin"), {"sample_id": sample}
    elif polygon is not None:
        query, given = text_of("trace/pixels"), {"polygon_id": polygon}
    else:
        codes = tracing.cell_codes(database, *(cell or ("", "")))
        query, given = tracing.cell_query(), {**codes, "run": run}
    n = write_answer(database, query, output, given)
    typer.echo(f"{n} rows written to {output}", err=True)
