"""What lies between land and satellite: clouds and their shadows, haze, the edge of the swath, and what masks say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i2db.raster.grid import Window
from i2db.simulate.catalogue import Spectrum
from i2db.simulate.layout import Extent
from i2db.simulate.noise import smooth_noise

#: Bits of Theia's cloud mask (CLM).
ANY_CLOUD_OR_SHADOW, ALL_CLOUDS, BY_REFLECTANCE, BY_TIME = 1, 2, 4, 8
THINNEST_CLOUD, SHADOW_INSIDE, SHADOW_FROM_OUTSIDE, HIGH_CLOUD = 16, 32, 64, 128

CLOUD: Spectrum = (1.00, 0.98, 0.96, 0.97, 0.98, 0.98, 0.99, 1.00, 0.72, 0.56)
HAZE: Spectrum = (0.016, 0.010, 0.006, 0.005, 0.004, 0.003, 0.003, 0.002, 0.001, 0.000)

#: Share of the light that a full shadow takes away.
SHADOW_DEPTH = 0.62
#: Width of a cloud's edge, in standard deviations of its field.
_EDGE = 0.30
_THIN = 0.35
_OCTAVES = 5


@dataclass(frozen=True, slots=True)
class Swath:
    """The acquired side of a line through the scene: inside where a x column + b x row + c >= 0 (pixels)."""

    a: float
    b: float
    c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """The weather of one day over the whole scene."""

    key: int
    #: Share of the scene under clouds, and the height of the cloud field from which a pixel is under one.
    cover: float
    threshold: float
    wavelength: float
    #: From a cloud to its shadow, pixels.
    shadow_rows: float
    shadow_columns: float
    haze: float
    is_high: bool
    #: Illumination common to all bands, and dryness of bare ground.
    brightness: float
    dryness: float
    swath: Swath | None


@dataclass(frozen=True, slots=True)
class Veil:
    """Clouds over a window: opacity and shadow from 0 to 1, height of the cloud field over its threshold, CLM."""

    opacity: NDArray[np.float32]
    shadow: NDArray[np.float32]
    core: NDArray[np.float32]
    mask: NDArray[np.uint8]


def draw_skies(extent: Extent, n_days: int, size: int, seed: int) -> tuple[Sky, ...]:
    """Weather of each day: about a quarter of the days cloudless, others up to 90 % covered; a fifth meet the swath."""
    random = np.random.default_rng([seed, 4])
    rank = random.permutation((np.arange(n_days) + 0.5) / n_days)
    cover = 0.9 * np.clip((rank - 0.25) / 0.75, 0.0, None) ** 1.7
    n_edges = round(n_days / 5)
    on_edge = set(random.choice(n_days, size=n_edges, replace=False).tolist())
    skies = []
    for day in range(n_days):
        key = seed * 1009 + day + 1
        wavelength = float(np.clip(size * random.uniform(0.18, 0.5), 20, 700))
        shadow = random.uniform(0.25, 0.6) * min(wavelength * 0.5, 60)
        skies.append(
            Sky(
                key=key,
                cover=float(cover[day]),
                threshold=_threshold(extent, key, wavelength, float(cover[day])),
                wavelength=wavelength,
                # In the northern hemisphere the morning sun stands in the south-east: shadows fall to the north-west.
                shadow_rows=-float(shadow),
                shadow_columns=-float(shadow * random.uniform(0.3, 0.7)),
                haze=float(random.gamma(2.0, 0.35)),
                is_high=bool(random.random() < 0.25),
                brightness=float(1 + np.clip(random.normal(0, 0.025), -0.06, 0.06)),
                dryness=float(1 + np.clip(random.normal(0, 0.08), -0.2, 0.2)),
                swath=_draw_swath(extent, size, random) if day in on_edge else None,
            )
        )
    return tuple(skies)


def _draw_swath(extent: Extent, size: int, random: np.random.Generator) -> Swath:
    """The edge of a descending orbit (leaning by some 12 degrees) with data on its west or on its east."""
    lean = float(np.tan(np.radians(random.uniform(9, 14))))
    cut = random.uniform(0.15, 0.6) * size
    middle = extent.n_rows / 2
    if random.random() < 0.5:
        # Data east of the line: column >= cut - lean * (row - middle).
        return Swath(1.0, lean, -cut - lean * middle)
    return Swath(-1.0, -lean, extent.n_columns - cut + lean * middle)


def _threshold(extent: Extent, key: int, wavelength: float, cover: float) -> float:
    """Height over which the share `cover` of the scene's cloud field lies (infinite for a cloudless day)."""
    if cover <= 0:
        return float("inf")
    rows = np.linspace(0, extent.n_rows - 1, min(extent.n_rows, 300))
    columns = np.linspace(0, extent.n_columns - 1, min(extent.n_columns, 300))
    return float(np.quantile(_cloud_field(rows, columns, key, wavelength), 1 - cover))


def _cloud_field(
    rows: NDArray[np.float64], columns: NDArray[np.float64], key: int, wavelength: float
) -> NDArray[np.float32]:
    return smooth_noise(rows, columns, key=key * 8, wavelength=wavelength, octaves=_OCTAVES, persistence=0.55)


def inside_swath(extent_swaths: tuple[Swath, ...], window: Window) -> NDArray[np.bool_]:
    """Which pixels of an even-aligned window were acquired; blocks of 2 x 2 pixels share one answer.

    The edge is drawn at twice the pixel size, so that the bands of both resolutions end at the same line.
    """
    rows = (np.arange(window.row, window.row_end) // 2 * 2 + 1.0)[:, None]
    columns = (np.arange(window.column, window.column_end) // 2 * 2 + 1.0)[None, :]
    inside = np.ones(window.shape, dtype=np.bool_)
    for swath in extent_swaths:
        inside &= swath.a * columns + swath.b * rows + swath.c >= 0
    return inside


def draw_veil(sky: Sky, window: Window, tile: Window) -> Veil:
    """Clouds, shadows and the cloud mask over a window of a tile.

    The mask is that of a real detector: a little wider than the clouds, with stretches of thin edge that it misses.
    """
    if not np.isfinite(sky.threshold):
        nothing = np.zeros(window.shape, dtype=np.float32)
        return Veil(nothing, nothing, nothing, np.zeros(window.shape, dtype=np.uint8))
    rows = np.arange(window.row, window.row_end, dtype=np.float64)
    columns = np.arange(window.column, window.column_end, dtype=np.float64)
    above, margin = _cloud_height(sky, rows, columns)
    source_rows: NDArray[np.float64] = rows - sky.shadow_rows
    source_columns: NDArray[np.float64] = columns - sky.shadow_columns
    above_source, margin_source = _cloud_height(sky, source_rows, source_columns)
    opacity = _opacity(above)
    shadow = _opacity(above_source) * (1 - opacity)
    is_cloud = above + margin > 0
    is_shadow = (above_source + margin_source > 0) & ~is_cloud
    source_inside = ((source_rows >= tile.row) & (source_rows < tile.row_end))[:, None] & (
        (source_columns >= tile.column) & (source_columns < tile.column_end)
    )[None, :]
    is_thin = opacity < _THIN
    thick = ANY_CLOUD_OR_SHADOW | ALL_CLOUDS | BY_REFLECTANCE | (HIGH_CLOUD if sky.is_high else 0)
    mask = np.where(is_cloud, np.where(is_thin, THINNEST_CLOUD, thick), 0)
    mask |= np.where(is_cloud & (opacity > 0.7), BY_TIME, 0)
    mask |= np.where(is_shadow, np.where(source_inside, SHADOW_INSIDE, SHADOW_FROM_OUTSIDE) | ANY_CLOUD_OR_SHADOW, 0)
    return Veil(opacity, shadow, np.clip(above, 0, 2.5) / np.float32(2.5), mask.astype(np.uint8))


def _cloud_height(
    sky: Sky, rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cloud field over its threshold, and what the detector adds to it (negative where it misses edges)."""
    above = _cloud_field(rows, columns, sky.key, sky.wavelength) - np.float32(sky.threshold)
    margin = smooth_noise(rows, columns, key=sky.key * 8 + 1, wavelength=24, octaves=2)
    return above, np.float32(0.10) + np.float32(0.10) * margin


def _opacity(above: NDArray[np.float32]) -> NDArray[np.float32]:
    share = np.clip(above / np.float32(_EDGE), 0, 1)
    opacity: NDArray[np.float32] = share * share * (3 - 2 * share)
    return opacity
