"""`i2db dem`: elevation, slope and aspect of the tiles, where the user's rasters are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dem")(dem)


def dem(
    models: Annotated[list[Path], typer.Argument(help="Elevation models in metres, of any projection, side by side.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="Configuration: it tells grid and tiles.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for a folder per tile; not given: chain.user_feat_path."),
    ] = None,
    tiles: Annotated[str, typer.Option(help="Only these tiles, with blanks between them.")] = "",
    measures: Annotated[
        str, typer.Option(help="What to write: mnt (elevation), pente (slope), aspect, northness, eastness.")
    ] = "mnt pente aspect",
    flat_is_nodata: Annotated[
        bool,
        typer.Option("--flat-is-nodata", help="No aspect where the ground is flat, as gdaldem; not given: 0."),
    ] = False,
) -> None:
    """Write elevation, slope and aspect (degrees) of every tile, aligned with the images.

    Example: i2db dem DEM_41_5M.tif DEM_45_5M.tif --config config.cfg -o features
    """
    from i2db.config.reader import load
    from i2db.dem import write_terrain
    from i2db.errors import ConfigError
    from i2db.scene import survey

    settings = load(config).config
    folder = output or settings.chain.user_feat_path
    if folder is None:
        raise ConfigError("where to write is not told", hint="give --output, or set chain.user_feat_path")
    grid, windows = survey(settings)
    wanted = tiles.replace(",", " ").split() or list(windows)
    if unknown := [tile for tile in wanted if tile not in windows]:
        raise ConfigError(f"there is no tile {unknown[0]}", hint=f"{config} has {', '.join(windows)}")
    written = write_terrain(
        models,
        grid,
        {tile: windows[tile] for tile in wanted},
        folder,
        measures=measures.replace(",", " ").split(),
        flat_is_nodata=flat_is_nodata,
        told=lambda line: typer.echo(line, err=True),
    )
    for path in written:
        typer.echo(path)
