"""`i2db simulate`: a believable scene to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write the scene to.")],
    size: Annotated[int, typer.Option(help="Side of a tile in pixels of 10 m.")] = 256,
    dates: Annotated[int, typer.Option(help="Number of acquisition dates over the year.")] = 12,
    tiles: Annotated[int, typer.Option(help="Number of tiles; neighbours overlap.")] = 1,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 6,
    regions: Annotated[int, typer.Option(help="Number of regions.")] = 1,
    polygons: Annotated[int | None, typer.Option(help="Number of labelled polygons; not given: by size.")] = None,
    first_date: Annotated[str, typer.Option(help="First day of the year of acquisitions, YYYYMMDD.")] = "20180101",
    double_dates: Annotated[int, typer.Option(help="Days with two products.")] = 0,
    parcels: Annotated[
        bool, typer.Option("--parcels", help="Also write fields as the French register has them (parcels/rpg.shp).")
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed: equal numbers, equal scene.")] = 0,
    sensors: Annotated[
        str,
        typer.Option(
            help="Sensors, with commas between them: sentinel2, sentinel2s2c, sentinel2l3a, landsat8, landsat8old, "
            "landsat5, landsat5old."
        ),
    ] = "sentinel2",
    dem: Annotated[bool, typer.Option("--dem", help="Also write the relief, in two files in degrees.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a scene that is there.")] = False,
) -> None:
    """Write a simulated scene: products in their producers' layouts, ground truth, nomenclature, configuration.

    Example: i2db simulate scene --size 256 --dates 12 --classes 6 --sensors sentinel2,landsat8 --dem --seed 1
    """
    from i2db.simulate import simulate as write_scene

    scene = write_scene(
        folder,
        size=size,
        dates=dates,
        tiles=tiles,
        classes=classes,
        regions=regions,
        polygons=polygons,
        first_date=first_date,
        double_dates=double_dates,
        parcels=parcels,
        seed=seed,
        sensors=[name.strip().lower() for name in sensors.split(",") if name.strip()],
        dem=dem,
        overwrite=overwrite,
    )
    typer.echo(f"scene in {folder}; next: i2db run {scene.config}")
