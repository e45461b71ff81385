"""Products of the sensors beside Theia's Sentinel-2: what they show, and the files that hold it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.raster.grid import Window
from i2db.simulate.acquisition import (
    GLINT_REFLECTANCE,
    NODATA,
    SATURATED,
    Ground,
    Overpass,
    World,
    cover_at,
    digitised,
    glints,
    plan_overpasses,
    swaths_of,
    through,
)
from i2db.simulate.atmosphere import SHADOW_FROM_OUTSIDE, SHADOW_INSIDE, draw_veil, inside_swath
from i2db.simulate.catalogue import BANDS
from i2db.simulate.instruments import (
    INSTRUMENTS,
    METADATA,
    Channel,
    File,
    Instrument,
    baseline_of,
    files_of,
    metadata,
    product_name,
)
from i2db.simulate.layout import CRS, Extent, Tile
from i2db.simulate.phenology import Cover
from i2db.simulate.writer import RasterOptions

#: Classes of Sen2Cor's scene classification and of the syntheses' flags.
_SCL_SATURATED, _SCL_SHADOW, _SCL_GREEN, _SCL_BARE, _SCL_WATER, _SCL_CLOUD = 1, 3, 4, 5, 6, 9
_FLG_CLOUD, _FLG_WATER, _FLG_LAND = 1, 3, 4
#: Bits of DIV in the old layout: border, and water, which leaves a pixel valid.
_DIV_BORDER, _DIV_WATER = 1, 2
#: Near infrared (x 10000) under which a pixel is taken for water, and NDVI over which it is green.
_DARK, _GREEN = 600, 0.4


@dataclass(frozen=True, slots=True)
class Delivery:
    """One product: who took it, when, over which tile, and its folder."""

    instrument: Instrument
    overpass: Overpass
    tile: Tile
    folder: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of it."""
        paths = [self.folder / file.path for file in files_of(self.instrument, self.folder.name)]
        return (*paths, self.folder / METADATA) if self.instrument.form == "safe" else tuple(paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When overpasses are: number of days, from when on, days from one to the next (None: spread over a year)."""

    dates: int
    #: Side of a tile in pixels, which clouds go by.
    size: int
    first_date: datetime.date
    days_between: int | None
    seed: int

    def overpasses(self, extent: Extent, double_dates: int = 0) -> tuple[Overpass, ...]:
        """The overpasses over a scene, some of them with two products."""
        return plan_overpasses(
            extent,
            dates=self.dates,
            size=self.size,
            first_date=self.first_date,
            days_between=self.days_between,
            double_dates=double_dates,
            seed=self.seed,
        )

    def of(self, instrument: Instrument) -> Calendar:
        """Days of another sensor, under skies of their own."""
        days = None if self.days_between is None else max(1, round(self.days_between / instrument.share))
        return Calendar(
            dates=max(2, round(self.dates * instrument.share)),
            size=self.size,
            first_date=self.first_date + datetime.timedelta(days=instrument.number),
            days_between=days,
            seed=self.seed + 7919 * instrument.number,
        )


def plan_deliveries(
    folder: Path, sensors: Collection[str], extent: Extent, tiles: tuple[Tile, ...], calendar: Calendar
) -> tuple[Delivery, ...]:
    """Products of the named sensors (as declared, in lower case) over all tiles, as far as their swaths reach."""
    found = []
    for instrument in INSTRUMENTS:
        if instrument.sensor.lower() not in sensors:
            continue
        numbered = [
            dataclasses.replace(overpass, number=1000 * instrument.number + overpass.number)
            for overpass in calendar.of(instrument).overpasses(extent)
        ]
        for tile in tiles:
            root = folder / instrument.folder / tile.name
            found += [
                Delivery(instrument, overpass, tile, root / product_name(instrument, overpass, tile.name))
                for overpass in numbered
                if _sees(overpass, tile)
            ]
    return tuple(found)


def _sees(overpass: Overpass, tile: Tile) -> bool:
    """Whether an overpass saw anything of a tile."""
    return bool(inside_swath(swaths_of(overpass, tile), tile.window).any())


def deliver(world: World, delivery: Delivery, options: RasterOptions) -> None:
    """Write a product, some rows at a time."""
    instrument, folder = delivery.instrument, delivery.folder
    files = files_of(instrument, folder.name)
    cover = cover_at(world, delivery.overpass)
    with ExitStack() as stack:
        targets = [
            (file, stack.enter_context(_target(folder / file.path, _profile(file, delivery, world, options))))
            for file in files
        ]
        for first, n_rows in _strips(delivery, options.block):
            layers = _view(world, delivery, cover, first, n_rows)
            for file, target in targets:
                top = first // file.factor
                for index, name in enumerate(file.layers, start=1):
                    array = layers[name]
                    target.write(array, index, window=((top, top + array.shape[0]), (0, array.shape[1])))
    if instrument.form == "safe":
        (folder / METADATA).write_text(metadata(delivery.overpass), encoding="utf-8")


def _size(delivery: Delivery) -> tuple[int, int]:
    """Scene rows and columns of the rasters: up to whole pixels of the coarsest that cover the tile."""
    factor, window = delivery.instrument.factor, delivery.tile.window
    before = factor // 2 + 1 if delivery.instrument.is_shifted else 0
    return -(-(window.n_rows + before) // factor) * factor, -(-(window.n_columns + before) // factor) * factor


def _strips(delivery: Delivery, block: int) -> Iterator[tuple[int, int]]:
    """First scene row in the rasters and number of rows of pieces that end at block edges at every pixel size."""
    height, step = _size(delivery)[0], 2 * delivery.instrument.factor * block
    for first in range(0, height, step):
        yield first, min(step, height - first)


@contextmanager
def _target(path: Path, profile: dict[str, Any]) -> Iterator[Any]:
    """A raster open for writing; JPEG 2000 cannot be written in pieces, so it is a GeoTIFF until the end."""
    import rasterio
    import rasterio.shutil

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".jp2":
        with rasterio.open(path, "w", **profile) as target:
            yield target
        return
    temporary = path.with_suffix(".tif")
    try:
        with rasterio.open(temporary, "w", **profile) as target:
            yield target
        rasterio.shutil.copy(temporary, path, driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES", YCBCR420="NO")
    finally:
        temporary.unlink(missing_ok=True)


def _profile(file: File, delivery: Delivery, world: World, options: RasterOptions) -> dict[str, Any]:
    from rasterio.transform import Affine

    instrument, extent = delivery.instrument, world.extent
    n_rows, n_columns = (side // file.factor for side in _size(delivery))
    size, _, left, _, _, top = extent.transform(delivery.tile.window, file.factor)
    half = size / 2 if instrument.is_shifted else 0.0
    block = max(16, min(options.block, min(n_rows, n_columns) // 16 * 16))
    is_safe = instrument.form == "safe"
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": n_columns,
        "height": n_rows,
        "count": len(file.layers),
        "dtype": "uint8" if file.is_mask else "uint16" if is_safe else "int16",
        "crs": CRS,
        "transform": Affine(size, 0.0, left - half, 0.0, -size, top + half),
        "tiled": True,
        "blockxsize": block,
        "blockysize": block,
    }
    if not (file.is_mask or is_safe):
        profile["nodata"] = NODATA
    if options.compress != "none":
        profile.update(compress=options.compress, predictor=2)
    return profile


def _view(world: World, delivery: Delivery, cover: Cover, first: int, n_rows: int) -> dict[str, NDArray[Any]]:
    """Bands and masks of some scene rows of the rasters, each at its own pixel size, in the numbers of the product."""
    instrument, overpass, tile = delivery.instrument, delivery.overpass, delivery.tile
    n_columns = _size(delivery)[1]
    window = Window(tile.window.column, tile.window.row + first, n_columns, n_rows)
    if instrument.is_shifted:
        # From half a pixel of 30 m, which is a pixel and a half of the scene, before the tile.
        window = Window(window.column - 2, window.row - 2, n_columns + 3, n_rows + 3)
    sky = overpass.sky
    inside = inside_swath(swaths_of(overpass, tile), window)
    veil = draw_veil(sky, window, tile.window)
    ground = Ground.over(world, sky, cover, window)
    glint = glints(world, overpass, window)
    seeds = [world.seed, 6, *tile.name.encode(), overpass.number, overpass.part, window.row + 2]
    random = np.random.default_rng(seeds)

    def coarse(array: NDArray[Any], factor: int) -> NDArray[np.float32]:
        return _mean(array, factor, is_shifted=instrument.is_shifted)

    outside = coarse(~inside, instrument.mask_factor) > 0
    saturated = np.zeros(outside.shape, dtype=np.uint8)
    numbers: dict[str, NDArray[np.int16]] = {}
    for place, channel in enumerate(instrument.channels):
        reflectance = through(ground.band(channel.position), veil, sky, channel.position) * np.float32(channel.gain)
        reflectance[glint] = GLINT_REFLECTANCE
        found = digitised(coarse(reflectance, channel.factor), channel.factor == 1, random)
        numbers[channel.name] = np.where(coarse(~inside, channel.factor) > 0, np.int16(NODATA), found)
        if channel.factor == instrument.mask_factor:
            saturated |= ((found >= SATURATED) & ~outside).astype(np.uint8) << np.uint8(place)
    worst = _bits(veil.mask, instrument.mask_factor, is_shifted=instrument.is_shifted)
    clouds = np.where(outside, np.uint8(0), worst).astype(np.uint8)
    if instrument.form == "safe":
        added = np.uint16(baseline_of(overpass)[1])
        bands = {name: np.where(array == NODATA, 0, array + added).astype(np.uint16) for name, array in numbers.items()}
        return {**bands, "SCL": _scene_classes(instrument, numbers, clouds, outside)}
    masks = {"CLM": clouds, "SAT": saturated, "EDG": outside.astype(np.uint8)}
    if instrument.form == "n2a":
        water = (_near_infrared(instrument, numbers) < _DARK) & ~outside
        masks = {
            "NUA": clouds,
            "SAT": saturated,
            "DIV": (outside * _DIV_BORDER + water * _DIV_WATER).astype(np.uint8),
        }
    elif instrument.form == "synthesis":
        water = _near_infrared(instrument, numbers) < _DARK
        flags = np.where(clouds > 0, _FLG_CLOUD, np.where(water, _FLG_WATER, _FLG_LAND))
        masks = {"FLG": np.where(outside, 0, flags).astype(np.uint8)}
    return {**numbers, **masks}


def _mean(array: NDArray[Any], factor: int, *, is_shifted: bool) -> NDArray[np.float32]:
    """Mean over factor x factor scene pixels; shifted, the array begins two pixels before and has one more."""
    if factor == 1:
        return array.astype(np.float32)
    mean: NDArray[np.float32] = _blocks(array, factor, is_shifted=is_shifted).mean(axis=(1, 3), dtype=np.float32)
    return mean


def _bits(array: NDArray[np.uint8], factor: int, *, is_shifted: bool) -> NDArray[np.uint8]:
    """All bits that are set in factor x factor scene pixels."""
    blocks = _blocks(array, factor, is_shifted=is_shifted)
    bits: NDArray[np.uint8] = np.bitwise_or.reduce(np.bitwise_or.reduce(blocks, axis=3), axis=1)
    return bits


def _blocks(array: NDArray[Any], factor: int, *, is_shifted: bool) -> NDArray[Any]:
    """The pixels of each block: (rows, pixels, columns, pixels); shifted ones are cut at half a scene pixel."""
    if is_shifted:
        side = 2 * factor
        halves = array.repeat(2, axis=0).repeat(2, axis=1)[1:-5, 1:-5]
    else:
        side, halves = factor, array
    rows, columns = halves.shape
    return halves.reshape(rows // side, side, columns // side, side)


def _near_infrared(instrument: Instrument, numbers: dict[str, NDArray[np.int16]]) -> NDArray[np.int16]:
    channel = _channel(instrument, ("B8", "B8A"))
    return numbers[channel.name]


def _channel(instrument: Instrument, likes: tuple[str, ...]) -> Channel:
    """The band that looks like one of Sentinel-2's, at the pixel size of the masks."""
    places = [BANDS.index(like) for like in likes]
    return next(
        channel
        for channel in instrument.channels
        if channel.position in places and channel.factor == instrument.mask_factor
    )


def _scene_classes(
    instrument: Instrument, numbers: dict[str, NDArray[np.int16]], clouds: NDArray[np.uint8], outside: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Sen2Cor's scene classification, made from the bands at its pixel size and from the true clouds."""
    near = numbers[_channel(instrument, ("B8A",)).name].astype(np.float32)
    edge = numbers[_channel(instrument, ("B5",)).name].astype(np.float32)
    is_green = (near - edge) > _GREEN * (near + edge)
    is_shadow = (clouds & (SHADOW_INSIDE | SHADOW_FROM_OUTSIDE)) > 0
    is_saturated = np.maximum(near, edge) >= SATURATED
    classes = np.where(is_green, _SCL_GREEN, np.where(near < _DARK, _SCL_WATER, _SCL_BARE))
    classes = np.where(is_saturated, _SCL_SATURATED, classes)
    classes = np.where(clouds > 0, np.where(is_shadow, _SCL_SHADOW, _SCL_CLOUD), classes)
    return np.where(outside, 0, classes).astype(np.uint8)
