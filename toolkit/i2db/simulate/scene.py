"""Simulate a scene: check what is asked, draw the world, write what a mapping project starts from."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2db.errors import ConfigError
from i2db.raster.grid import Window
from i2db.simulate.acquisition import (
    Overpass,
    Strip,
    World,
    cover_at,
    observe,
    swaths_of,
)
from i2db.simulate.atmosphere import inside_swath
from i2db.simulate.catalogue import CATALOGUE, ROAD, LandClass
from i2db.simulate.delivery import Calendar, Delivery, deliver, plan_deliveries
from i2db.simulate.instruments import INSTRUMENTS
from i2db.simulate.landscape import Landscape, make_landscape
from i2db.simulate.layout import MAX_TILES, Extent, Tile, lay_out
from i2db.simulate.phenology import Cover, draw_traits
from i2db.simulate.terrain import elevation, write_dem
from i2db.simulate.writer import (
    COMPRESSIONS,
    SHAPEFILE_SUFFIXES,
    LabelledPolygon,
    RasterOptions,
    product_files,
    strips_of,
    write_config,
    write_ground_truth,
    write_parcels,
    write_product,
    write_regions,
    write_texts,
    write_truth,
)

#: Lists the files of a scene, so that a later scene in the same folder takes away these and no others.
MANIFEST = "simulated_files.json"
#: Days by which the seasons of a region lag behind those of the region to its west.
_REGION_DELAY = 5.0
#: Share of the parcels that become ground truth, and how many at most, when no number is asked for.
_LABELLED_SHARE, _MOST_POLYGONS = 0.4, 600
_FEWEST_POLYGONS = 6
_LARGE_CODE = 1200
_DEFAULT_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What was written, as paths; class codes and names are in the order of the codes."""

    folder: Path
    config: Path
    sensor_folder: Path
    tiles: tuple[str, ...]
    products: tuple[Path, ...]
    ground_truth: Path
    ground_truth_shapefile: Path
    regions: Path
    nomenclature: Path
    colors: Path
    truth: Path
    #: Agricultural parcels as in the French register, in another projection; None where none were asked for.
    parcels: Path | None
    class_codes: tuple[int, ...]
    class_names: tuple[str, ...]
    n_polygons: int
    n_regions: int
    #: Products of the sensors beside Theia's Sentinel-2, and the two files of the relief, where they are asked for.
    deliveries: tuple[Delivery, ...] = ()
    dem: tuple[Path, ...] = ()


def simulate(
    folder: Path,
    *,
    size: int = 256,
    dates: int = 12,
    tiles: int = 1,
    classes: int = 6,
    seed: int = 0,
    regions: int = 1,
    polygons: int | None = None,
    first_date: str | datetime.date = "20180101",
    days_between: int | None = None,
    double_dates: int = 0,
    large_codes: bool = False,
    resolution: int = 10,
    block: int | None = None,
    compress: str = "deflate",
    parcels: bool = False,
    sensors: Sequence[str] = ("sentinel2",),
    dem: bool = False,
    overwrite: bool = False,
) -> Scene:
    """Write a tree of products of a made-up landscape, with ground truth, regions, the true map and a configuration.

    `size` is the side of a tile in pixels of `resolution` metres; `dates` the number of days with a product, spread
    over a year unless `days_between` is given, of which `double_dates` have two products; `polygons` the number of
    ground-truth polygons; `block` the side of the rasters' inner tiles. With `large_codes` one code exceeds 255.
    With `parcels` the fields of the landscape are written as well, as the French register of parcels has them
    (parcels/rpg.shp, in Lambert 93), with `dem` the relief, in two overlapping files in degrees. A product that would
    lie wholly outside the swath is not delivered. Equal arguments give equal arrays.

    `sensors` are names as declared, in lower case; Sentinel-2's kinds have the pixels of the scene and twice as large
    ones, Landsat's three times as large. Each has overpasses of its own.

    Raises ConfigError for arguments that cannot be met and for a folder that holds something, unless `overwrite`;
    even then only files that an earlier simulation wrote there are removed.
    """
    _check(
        _at_least("size", size, 64) or _even("size", size),
        _at_least("dates", dates, 2),
        _at_least("tiles", tiles, 1) or _at_most("tiles", tiles, MAX_TILES, "squares of the layout"),
        _at_least("classes", classes, 2) or _at_most("classes", classes, len(CATALOGUE), "classes in the catalogue"),
        _at_least("seed", seed, 0),
        _at_least("regions", regions, 1),
        _at_least("days_between", days_between, 1),
        _at_least("double_dates", double_dates, 0) or _at_most("double_dates", double_dates, dates, "dates"),
        _at_least("resolution", resolution, 1),
        _at_least("polygons", polygons, classes),
        _check_block(block),
        _check_compression(compress),
        _check_sensors(sensors),
    )
    folder = Path(folder)
    _refuse_full(folder, overwrite=overwrite)
    extent, tile_list = lay_out(tiles, size, resolution)
    chosen = _choose_classes(classes, large_codes=large_codes)
    world = _draw_world(extent, tile_list, chosen, n_regions=regions, seed=seed)
    labelled = _draw_polygons(world.landscape, polygons, seed)
    calendar = Calendar(dates=dates, size=size, first_date=_as_date(first_date), days_between=days_between, seed=seed)
    overpasses = calendar.overpasses(extent, double_dates) if "sentinel2" in sensors else ()
    scene = dataclasses.replace(
        _describe(folder, tile_list, overpasses, chosen, n_polygons=len(labelled), n_regions=regions),
        deliveries=plan_deliveries(folder, sensors, extent, tile_list, calendar),
        dem=(folder / "dem" / "west.tif", folder / "dem" / "east.tif") if dem else (),
        parcels=folder / "parcels" / "rpg.shp" if parcels else None,
    )
    _claim(scene)
    options = RasterOptions(min(block or _DEFAULT_BLOCK, size // 16 * 16), compress)
    _write_land(scene, world, tile_list, labelled, options)
    _write_products(scene, world, tile_list, overpasses, options)
    for delivery in scene.deliveries:
        deliver(world, delivery, options)
    if scene.dem:
        write_dem(scene.dem, extent, elevation(extent, world.landscape, seed))
    return scene


def _draw_world(
    extent: Extent, tiles: tuple[Tile, ...], classes: tuple[LandClass, ...], *, n_regions: int, seed: int
) -> World:
    """Land and traits of its parcels; in each region the seasons come a little later than in the one west of it."""
    landscape = make_landscape(extent, tiles, (*classes, ROAD), n_regions=n_regions, seed=seed)
    delay = _REGION_DELAY * landscape.region.astype(np.float64)
    return World(extent, landscape, draw_traits(landscape.classes, landscape.class_index, delay, seed), seed)


def _write_products(
    scene: Scene, world: World, tiles: tuple[Tile, ...], overpasses: tuple[Overpass, ...], options: RasterOptions
) -> None:
    delivered = set(scene.products)
    for overpass in overpasses:
        cover = cover_at(world, overpass)
        for tile in tiles:
            name = overpass.product_name(tile.name)
            folder = scene.sensor_folder / tile.name / name
            if folder in delivered:
                strips = _observed(world, overpass, cover, tile, options)
                write_product(folder, name, world.extent, tile, strips, options)


def _observed(
    world: World, overpass: Overpass, cover: Cover, tile: Tile, options: RasterOptions
) -> Iterator[tuple[Window, Strip]]:
    for window in strips_of(tile, options.block):
        yield window, observe(world, overpass, cover, tile, window)


def _write_land(
    scene: Scene,
    world: World,
    tiles: tuple[Tile, ...],
    polygons: list[LabelledPolygon],
    options: RasterOptions,
) -> None:
    """Everything but the products."""
    landscape = world.landscape
    code_of_class = np.array([land.code for land in landscape.classes], dtype=np.uint16)
    codes = code_of_class[landscape.class_index][landscape.parcel]
    write_truth(scene.truth, world.extent, codes, tiles, options)
    write_ground_truth(scene.ground_truth, scene.ground_truth_shapefile, polygons)
    write_regions(scene.regions, landscape.regions)
    if scene.parcels is not None:
        lands = [landscape.classes[int(number)] for number in landscape.class_index]
        write_parcels(scene.parcels, list(zip(landscape.usable, lands, strict=True)))
    write_texts(scene.nomenclature, scene.colors, list(landscape.classes[:-1]))
    folders = {"s2_path": scene.sensor_folder.name} if scene.products else {}
    folders |= {delivery.instrument.key: delivery.instrument.folder for delivery in scene.deliveries}
    resolution = world.extent.resolution
    write_config(scene.config, tiles=tiles, folders=folders, resolution=resolution, has_regions=scene.n_regions > 1)


def _describe(
    folder: Path,
    tiles: tuple[Tile, ...],
    overpasses: tuple[Overpass, ...],
    classes: tuple[LandClass, ...],
    *,
    n_polygons: int,
    n_regions: int,
) -> Scene:
    """The scene as it will be on disk."""
    sensor_folder = folder / "s2"
    products = [
        sensor_folder / tile.name / overpass.product_name(tile.name)
        for tile in tiles
        for overpass in overpasses
        if bool(inside_swath(swaths_of(overpass, tile), tile.window).any())
    ]
    ordered = sorted(classes, key=lambda land: land.code)
    return Scene(
        folder=folder,
        config=folder / "config.cfg",
        sensor_folder=sensor_folder,
        tiles=tuple(tile.name for tile in tiles),
        products=tuple(products),
        ground_truth=folder / "ground_truth.gpkg",
        ground_truth_shapefile=folder / "ground_truth.shp",
        regions=folder / "regions.gpkg",
        nomenclature=folder / "nomenclature.txt",
        colors=folder / "colors.txt",
        truth=folder / "truth.tif",
        parcels=None,
        class_codes=tuple(land.code for land in ordered),
        class_names=tuple(land.name for land in ordered),
        n_polygons=n_polygons,
        n_regions=n_regions,
    )


def _choose_classes(n_classes: int, *, large_codes: bool) -> tuple[LandClass, ...]:
    chosen = CATALOGUE[:n_classes]
    if large_codes:
        chosen = (dataclasses.replace(chosen[0], code=_LARGE_CODE), *chosen[1:])
    return chosen


def _draw_polygons(landscape: Landscape, wanted: int | None, seed: int) -> list[LabelledPolygon]:
    """Parcels that become ground truth: a few of every class, the rest as they come, so that classes stay unequal."""
    random = np.random.default_rng([seed, 7])
    available = np.array([number for number, shape in enumerate(landscape.usable) if shape is not None], dtype=np.int64)
    n_classes = len(landscape.classes) - 1
    if wanted is not None and wanted > len(available):
        raise ConfigError(
            f"polygons={wanted}, but this landscape has {len(available)} parcels that can serve as ground truth",
            hint="ask for fewer polygons, or for a larger size",
        )
    default = min(round(_LABELLED_SHARE * len(available)), _MOST_POLYGONS)
    n_polygons = wanted if wanted is not None else min(len(available), max(default, _FEWEST_POLYGONS * n_classes))
    per_class = min(_FEWEST_POLYGONS, n_polygons // n_classes)
    shuffled = random.permutation(available)
    class_index = landscape.class_index[shuffled]
    first = np.concatenate([np.flatnonzero(class_index == position)[:per_class] for position in range(n_classes)])
    others = np.setdiff1d(np.arange(len(shuffled)), first)[: n_polygons - len(first)]
    numbers = np.sort(shuffled[np.concatenate([first, others])])
    polygons = []
    for polygon_id, number in enumerate(numbers.tolist(), start=1):
        land = landscape.classes[int(landscape.class_index[number])]
        polygons.append(LabelledPolygon(polygon_id, land.code, land.name, landscape.usable[number]))
    return polygons


def _refuse_full(folder: Path, *, overwrite: bool) -> None:
    """Refuse what is no folder, and a folder that holds something unless it may be overwritten."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, not a folder", hint="name another folder for the scene")
    if not overwrite and folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"{folder} is not empty", hint="name another folder, or say overwrite to replace an earlier scene in it"
        )


def _claim(scene: Scene) -> None:
    """Take away an earlier scene and list the files of the new one before the first of them is written.

    So an interrupted scene can be replaced too. A file of somebody else's that stands in the way is an error.
    """
    earlier = _earlier_files(scene.folder)
    files = _files_of(scene)
    foreign = [path for path in files if path.exists() and path not in earlier]
    if foreign:
        raise ConfigError(
            f"{foreign[0]} stands in the way and was not written by a simulation",
            hint="move it away, or name another folder for the scene",
        )
    for path in earlier:
        if path.is_file():
            path.unlink()
            _remove_empty_parents(path.parent, scene.folder)
    scene.folder.mkdir(parents=True, exist_ok=True)
    names = [path.relative_to(scene.folder).as_posix() for path in files]
    (scene.folder / MANIFEST).write_text(json.dumps(names, indent=0), encoding="utf-8")


def _earlier_files(folder: Path) -> set[Path]:
    """Files that an earlier simulation listed in the folder; never any outside it."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return set()
    try:
        names = [str(name) for name in json.loads(manifest.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{manifest} is damaged: {error}", hint="delete the old scene yourself") from error
    return {folder / name for name in names if (folder / name).resolve().is_relative_to(folder.resolve())}


def _files_of(scene: Scene) -> list[Path]:
    files = [scene.config, scene.ground_truth, scene.regions, scene.nomenclature, scene.colors, scene.truth]
    shapefiles = [scene.ground_truth_shapefile, *([scene.parcels] if scene.parcels else [])]
    files += [path.with_suffix(suffix) for path in shapefiles for suffix in SHAPEFILE_SUFFIXES]
    for product in scene.products:
        files += product_files(product, product.name)
    for delivery in scene.deliveries:
        files += delivery.files
    files += scene.dem
    return [*files, scene.folder / MANIFEST]


def _remove_empty_parents(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _as_date(value: str | datetime.date) -> datetime.date:
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.datetime.strptime(value, "%Y%m%d").date()
    except ValueError as error:
        raise ConfigError(f"first_date='{value}' is not a date", hint="write it as yyyymmdd, e.g. 20180101") from error


def _check(*problems: str | None) -> None:
    """Raise one ConfigError that names every problem."""
    found = [problem for problem in problems if problem]
    if found:
        raise ConfigError("The scene cannot be simulated: " + "; ".join(found))


def _at_least(name: str, number: int | None, least: int) -> str | None:
    return f"{name}={number}, but it must be at least {least}" if number is not None and number < least else None


def _at_most(name: str, number: int, most: int, what: str) -> str | None:
    return f"{name}={number}, but there are {most} {what}" if number > most else None


def _even(name: str, number: int) -> str | None:
    return f"{name}={number}, but it must be a multiple of 2" if number % 2 else None


def _check_block(block: int | None) -> str | None:
    if block is None or (block >= 16 and block % 16 == 0):
        return None
    return f"block={block}, but it must be a multiple of 16"


def _check_sensors(sensors: Sequence[str]) -> str | None:
    known = ["sentinel2", *(instrument.sensor.lower() for instrument in INSTRUMENTS)]
    unknown = [name for name in sensors if name not in known]
    if unknown or not sensors:
        return f"sensors={','.join(sensors)}, but they must be among {', '.join(known)}"
    return None


def _check_compression(compress: str) -> str | None:
    return (
        None if compress in COMPRESSIONS else f"compress='{compress}', but it must be one of {', '.join(COMPRESSIONS)}"
    )
