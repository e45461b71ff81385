"""`i2db zonal`: statistics of rasters, or of a project's maps, over zones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from i2db.errors import ConfigError

if TYPE_CHECKING:
    from i2db.zonal.run import Options, Result


class Absent(StrEnum):
    """What stands for a class that a zone has no pixel of."""

    NULL = "null"
    ZERO = "zero"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("zonal")(zonal)


def zonal(
    rasters: Annotated[
        list[Path],
        typer.Argument(help="Rasters, whose bands are numbered on from 1; or the output folder of a project."),
    ],
    zones: Annotated[
        Path, typer.Option("--zones", "-z", help="Polygons, or points for the method val: any vector file.")
    ],
    params: Annotated[
        str | None,
        typer.Option(
            "--params",
            "-p",
            help="BAND:METHOD ...: rate, stats, statsmaj, stats_CLASS, val (points), count, mean, std, min, max, "
            "median, percentile_P, majority, variety. For a project '1:rate 2:statsmaj 3:statsmaj' unless given.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=".parquet (GeoParquet), .gpkg, .shp, .geojson, .sqlite or .csv."),
    ] = None,
    all_touched: Annotated[
        bool,
        typer.Option("--all-touched", help="Count every pixel that a zone touches, not those with their centre in it."),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Count every pixel by the share of it that the zone covers.")
    ] = False,
    nodata: Annotated[
        float | None, typer.Option(help="A number that is no data, beside what the rasters declare.")
    ] = None,
    absent: Annotated[Absent, typer.Option(help="Rate of a class that a zone has no pixel of.")] = Absent.NULL,
    nomenclature: Annotated[
        Path | None, typer.Option(help="File of class names (name:code): they name columns, and each class has one.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of the zones' file, where it has several.")] = None,
    run: Annotated[int | None, typer.Option(help="Run of the project whose maps are meant; 0 unless given.")] = None,
    nb_parallel_tasks: Annotated[
        int | None, typer.Option(help="Processes; not given: one per core where the work is long.")
    ] = None,
    memory: Annotated[str | None, typer.Option(help="Memory for all processes together, e.g. 2GB.")] = None,
    tmp: Annotated[
        Path | None, typer.Option(help="Folder for intermediate files; not given: beside the output.")
    ] = None,
) -> None:
    """Lay zones over rasters: shares of classes, means, medians and more, a row per zone.

    Example: i2db zonal map.tif confidence.tif --zones parcels.gpkg --params "1:rate 2:statsmaj" -o parcels_map.parquet

    Example: i2db zonal out/ --zones parcels.gpkg, then i2db sql out/ "FROM zone_rate"
    """
    from i2db.zonal.fill import Membership
    from i2db.zonal.run import Options, zonal_statistics

    if all_touched and exact:
        raise ConfigError("--all-touched and --exact exclude each other")
    if nb_parallel_tasks is not None and nb_parallel_tasks < 1:
        raise ConfigError(f"--nb-parallel-tasks must be at least 1, not {nb_parallel_tasks}")
    options = Options(
        membership=Membership.TOUCHED if all_touched else Membership.EXACT if exact else Membership.CENTER,
        nodata=nodata,
        absent_is_zero=absent is Absent.ZERO,
        nomenclature=nomenclature,
        layer=layer,
        n_workers=nb_parallel_tasks,
        memory=_bytes(memory),
        temporary=tmp,
    )
    folders = [path for path in rasters if path.is_dir()]
    if folders:
        if len(rasters) > 1:
            raise ConfigError(f"{folders[0]} is a folder: a project is laid under zones alone, or rasters are named")
        _project(folders[0], zones, params, output, run, options)
        return
    if run is not None:
        raise ConfigError("--run is for a project: name its output folder instead of rasters")
    if params is None or output is None:
        missing = "--params" if params is None else "--output"
        raise ConfigError(f"{missing} is missing", hint='e.g. --params "1:rate" -o result.parquet')
    with _progress() as progress:
        result = zonal_statistics(rasters, zones, params, output, options, progress)
    _tell(result.notes)
    typer.echo(f"{_zones(result)}, {len(result.columns)} new columns written to {output}", err=True)


def _project(
    folder: Path, zones: Path, params: str | None, output: Path | None, run: int | None, options: Options
) -> None:
    from i2db.zonal.project import PARAMS, zonal_statistics_of_project

    with _progress() as progress:
        result = zonal_statistics_of_project(
            folder,
            zones,
            run=run or 0,
            params=PARAMS if params is None else params,
            output=output,
            options=options,
            progress=progress,
        )
    _tell(result.notes)
    if output is not None:
        typer.echo(f"{_zones(result)}, {len(result.columns)} new columns written to {output}", err=True)
    typer.echo(f"{_zones(result)} in the tables: i2db show {folder} zone_rate", err=True)


def _zones(result: Result) -> str:
    return "1 zone" if result.n_zones == 1 else f"{result.n_zones} zones"


def _tell(notes: tuple[str, ...]) -> None:
    for note in notes:
        typer.echo("note: " + note, err=True)


def _bytes(text: str | None) -> int | None:
    from i2db.config.fields import memory_bytes

    if text is None:
        return None
    try:
        return int(memory_bytes(text))
    except ValueError as error:
        raise ConfigError(f"--memory {text!r}: {error}") from error


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("zonal", total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)
