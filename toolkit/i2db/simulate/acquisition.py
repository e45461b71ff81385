"""What the satellite delivers: dates and products of a scene, and the numbers of each strip of a product."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i2db.raster.grid import Window
from i2db.simulate.atmosphere import CLOUD, HAZE, SHADOW_DEPTH, Sky, Swath, Veil, draw_skies, draw_veil, inside_swath
from i2db.simulate.catalogue import BANDS, FINE_BANDS
from i2db.simulate.landscape import Landscape
from i2db.simulate.layout import Extent, Tile
from i2db.simulate.noise import smooth_noise, uniform_at
from i2db.simulate.phenology import Cover, Traits, cover_on

NODATA = -10000
#: Digital number of reflectance 1, and of a saturated detector.
SCALE, SATURATED = 10_000, 11_000
#: Share of a pixel's light that comes from each of its four neighbours along rows and columns.
_BLUR = 0.12
#: Share of pixels that hold something that glints (roofs, greenhouses), and how often they do.
_GLINT_SHARE, _GLINT_CHANCE = 2e-4, 0.35
GLINT_REFLECTANCE = 1.6


@dataclass(frozen=True, slots=True)
class World:
    """A scene before it is seen: its land, the traits of its parcels, and the number that all draws start from."""

    extent: Extent
    landscape: Landscape
    traits: Traits
    seed: int


@dataclass(frozen=True, slots=True)
class Overpass:
    """One acquisition over all tiles: when, by which satellite, under which sky; `part` of a day with two products.

    Part 0 is a day with one product; parts 1 and 2 are the northern and the southern piece of a tile whose
    datastrips were delivered apart.
    """

    number: int
    at: datetime.datetime
    platform: str
    sky: Sky
    part: int

    def product_name(self, tile: str) -> str:
        """Theia's name of the product over a tile."""
        milliseconds = self.at.microsecond // 1000
        return f"SENTINEL2{self.platform}_{self.at:%Y%m%d-%H%M%S}-{milliseconds:03d}_L2A_{tile}_D_V1-7"


@dataclass(frozen=True, slots=True)
class Strip:
    """Numbers of some rows of a product: bands as int16 (at their own pixel size), masks as uint8 (fine pixels)."""

    bands: dict[str, NDArray[np.int16]]
    clouds: NDArray[np.uint8]
    saturation: NDArray[np.uint8]
    edge: NDArray[np.uint8]


def plan_overpasses(
    extent: Extent,
    *,
    dates: int,
    size: int,
    first_date: datetime.date,
    days_between: int | None,
    double_dates: int,
    seed: int,
) -> tuple[Overpass, ...]:
    """Overpasses in order of time: `dates` days, of which `double_dates` have two products.

    Without `days_between` the dates spread over a year, at least five days apart, as Sentinel-2's two satellites are.
    """
    random = np.random.default_rng([seed, 5])
    step = days_between if days_between is not None else max(5, 365 // dates)
    slack = min(3, (step - 1) // 2)
    skies = draw_skies(extent, dates, size, seed)
    doubled = set(random.choice(dates, size=double_dates, replace=False).tolist())
    overpasses = []
    for number in range(dates):
        day = first_date + datetime.timedelta(
            days=number * step + (int(random.integers(0, slack + 1)) if number else 0)
        )
        seconds = 10 * 3600 + 50 * 60 + float(random.uniform(0, 900))
        at = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(seconds=seconds)
        platform = "AB"[number % 2]
        if number in doubled:
            overpasses.append(Overpass(number, at, platform, skies[number], 1))
            overpasses.append(Overpass(number, at + datetime.timedelta(seconds=11.5), platform, skies[number], 2))
        else:
            overpasses.append(Overpass(number, at, platform, skies[number], 0))
    return tuple(overpasses)


def swaths_of(overpass: Overpass, tile: Tile) -> tuple[Swath, ...]:
    """The lines that bound what an overpass delivers over a tile; its two parts share a tenth of the tile's rows."""
    swaths = (overpass.sky.swath,) if overpass.sky.swath else ()
    middle, overlap = tile.window.row + 0.55 * tile.window.n_rows, 0.05 * tile.window.n_rows
    if overpass.part == 1:
        return (*swaths, Swath(0.0, -1.0, middle + overlap))
    if overpass.part == 2:
        return (*swaths, Swath(0.0, 1.0, overlap - middle))
    return swaths


def cover_at(world: World, overpass: Overpass) -> Cover:
    """State of all parcels on the day of an overpass."""
    day = float(overpass.at.timetuple().tm_yday)
    return cover_on(day, world.landscape.classes, world.traits)


def observe(world: World, overpass: Overpass, cover: Cover, tile: Tile, window: Window) -> Strip:
    """Numbers that an overpass yields over `window`, whole rows of a tile with even edges.

    Bands off FINE_BANDS are means over 2 x 2 pixels of the same scene; every band gets its own noise.
    """
    inside = inside_swath(swaths_of(overpass, tile), window)
    veil = draw_veil(overpass.sky, window, tile.window)
    ground = Ground.over(world, overpass.sky, cover, window)
    glint = glints(world, overpass, window)
    random = np.random.default_rng([world.seed, 6, *tile.name.encode(), overpass.number, overpass.part, window.row])
    bands: dict[str, NDArray[np.int16]] = {}
    saturation = np.zeros(window.shape, dtype=np.uint8)
    for position, band in enumerate(BANDS):
        reflectance: NDArray[np.float32] = through(ground.band(position), veil, overpass.sky, position)
        reflectance[glint] = GLINT_REFLECTANCE
        is_fine = band in FINE_BANDS
        numbers = digitised(reflectance if is_fine else block_mean(reflectance), is_fine, random)
        acquired = inside if is_fine else inside[::2, ::2]
        if is_fine:
            saturated = (numbers >= SATURATED) & acquired
            saturation |= (saturated.astype(np.uint8) << FINE_BANDS.index(band)).astype(np.uint8)
        bands[band] = np.where(acquired, numbers, np.int16(NODATA))
    clouds = np.where(inside, veil.mask, 0).astype(np.uint8)
    return Strip(bands, clouds, saturation, (~inside).astype(np.uint8))


def block_mean(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over blocks of 2 x 2 pixels: (2n, 2m) to (n, m)."""
    total: NDArray[np.float32] = fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]
    mean: NDArray[np.float32] = total * np.float32(0.25)
    return mean


@dataclass(frozen=True, slots=True)
class Ground:
    """Land under a window with a margin of one pixel: parcel and green cover of each pixel, relative brightness."""

    parcel: NDArray[np.int32]
    green: NDArray[np.float32]
    bare_share: NDArray[np.float32]
    cover: Cover

    @staticmethod
    def over(world: World, sky: Sky, cover: Cover, window: Window) -> Ground:
        """The land under a window; beyond the scene its last pixels go on."""
        extent, labels = world.extent, world.landscape.parcel
        rows = np.arange(window.row - 1, window.row_end + 1)
        columns = np.arange(window.column - 1, window.column_end + 1)
        parcel = labels[np.ix_(rows.clip(0, extent.n_rows - 1), columns.clip(0, extent.n_columns - 1))]
        y, x = rows.astype(float), columns.astype(float)
        key = world.seed * 31
        # Vigour and soil vary within a parcel in the same way all year: patches of some 60 m, and single pixels.
        vigour = np.float32(0.7) * smooth_noise(y, x, key=key + 1, wavelength=7, octaves=2)
        vigour += np.float32(0.7) * smooth_noise(y, x, key=key + 2, wavelength=1.1)
        soil = smooth_noise(y, x, key=key + 3, wavelength=30, octaves=3)
        moisture = smooth_noise(y, x, key=sky.key * 8 + 2, wavelength=60, octaves=4)
        green: NDArray[np.float32] = np.clip(cover.green[parcel] + world.traits.texture[parcel] * vigour, 0, 1)
        relief = np.float32(sky.dryness) + np.float32(0.06) * soil + np.float32(0.03) * moisture
        return Ground(parcel, green, (1 - green) * np.clip(relief, 0.4, 1.6), cover)

    def band(self, position: int) -> NDArray[np.float32]:
        """Reflectance of one band over the window itself, with the light that strays from neighbour to neighbour."""
        sharp: NDArray[np.float32] = self.green * self.cover.green_spectrum[:, position][self.parcel]
        sharp += self.bare_share * self.cover.bare_spectrum[:, position][self.parcel]
        middle, stray = np.float32(1 - 2 * _BLUR), np.float32(_BLUR)
        across: NDArray[np.float32] = sharp[:, 1:-1] * middle + (sharp[:, :-2] + sharp[:, 2:]) * stray
        blurred: NDArray[np.float32] = across[1:-1] * middle + (across[:-2] + across[2:]) * stray
        return blurred


def through(land: NDArray[np.float32], veil: Veil, sky: Sky, position: int) -> NDArray[np.float32]:
    """Reflectance of the land as seen through haze, shadows and clouds."""
    seen = land * np.float32(sky.brightness) + np.float32(HAZE[position] * sky.haze)
    if not np.isfinite(sky.threshold):
        return seen
    # Shadows are bluish: the sky still lights them.
    seen = seen * (1 - np.float32(SHADOW_DEPTH + 0.012 * position) * veil.shadow)
    cloud = (np.float32(0.38) + np.float32(0.68) * veil.core) * np.float32(CLOUD[position])
    through: NDArray[np.float32] = seen + veil.opacity * (cloud - seen)
    return through


def glints(world: World, overpass: Overpass, window: Window) -> NDArray[np.bool_]:
    """Pixels that glint on this overpass: the same few places, each on about a third of the days."""
    rows = np.arange(window.row, window.row_end)[:, None]
    columns = np.arange(window.column, window.column_end)[None, :]
    key = world.seed * 31 + 4
    candidate = uniform_at(key, rows, columns) < 2 * _GLINT_SHARE - 1
    turn = uniform_at(key + 1_000_003 * (overpass.number + 1), rows, columns) < 2 * _GLINT_CHANCE - 1
    glint: NDArray[np.bool_] = candidate & turn
    return glint


def digitised(reflectance: NDArray[np.float32], is_fine: bool, random: np.random.Generator) -> NDArray[np.int16]:
    """Reflectance with the instrument's noise as whole numbers from 1 to SATURATED; coarse pixels are less noisy."""
    level = np.float32(0.7 if is_fine else 0.5)
    noise = random.standard_normal(reflectance.shape, dtype=np.float32)
    noise *= level * (np.float32(0.004) + np.float32(0.025) * reflectance)
    numbers = np.rint((reflectance + noise) * np.float32(SCALE))
    clipped: NDArray[np.int16] = np.clip(numbers, 1, SATURATED).astype(np.int16)
    return clipped
