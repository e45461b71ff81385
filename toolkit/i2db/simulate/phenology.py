"""What each parcel looks like on a day: green cover from double logistics, then a mixture of spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i2db.simulate.catalogue import BANDS, DRY_MATTER, FLOWERS, LandClass, Season

_YEAR = 365.0
#: A cut takes this share of the green cover away, which comes back with this time constant (days).
_CUT_DEPTH, _CUT_RECOVERY = 0.65, 22.0
_FLOWER_WIDTH = 10.0
_MOST_GREEN = 0.96
#: Share of parcels where little grew (a failed crop, a felled stand, a bare yard), and what they reach of the cover.
_POOR_SHARE, _POOR_COVER = 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Traits:
    """What makes a parcel differ from its class; one element per parcel."""

    class_index: NDArray[np.int64]
    shift: NDArray[np.float64]
    cover: NDArray[np.float64]
    brightness: NDArray[np.float64]
    #: (parcels, 4) draws in [0, 1) that decide which seasons and cuts the parcel has.
    chance: NDArray[np.float64]
    texture: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cover:
    """State of every parcel on one day: green cover, and the spectra of its green and of its bare part."""

    green: NDArray[np.float32]
    #: (parcels, bands) reflectance.
    green_spectrum: NDArray[np.float32]
    bare_spectrum: NDArray[np.float32]


def draw_traits(
    classes: tuple[LandClass, ...], class_index: NDArray[np.int64], delay: NDArray[np.float64], seed: int
) -> Traits:
    """Traits of parcels of the given classes; `delay` (days, per parcel) moves all their seasons."""
    random = np.random.default_rng([seed, 11])
    n_parcels = len(class_index)
    spread = np.array([[c.spread_days, c.spread_cover, c.spread_ground, c.texture] for c in classes])[class_index]
    is_poor = random.random(n_parcels) < _POOR_SHARE
    draws = np.clip(random.standard_normal((n_parcels, 3)), -2.3, 2.3)
    return Traits(
        class_index=class_index,
        shift=delay + spread[:, 0] * draws[:, 0],
        cover=(1.0 + spread[:, 1] * draws[:, 1]) * np.where(is_poor, _POOR_COVER, 1.0),
        brightness=np.exp(spread[:, 2] * draws[:, 2]),
        chance=random.random((n_parcels, 4)),
        texture=spread[:, 3].astype(np.float32),
    )


def cover_on(day: float, classes: tuple[LandClass, ...], traits: Traits) -> Cover:
    """State of all parcels on a day of the year (1 to 366; the seasons come back every 365 days)."""
    n_parcels = len(traits.class_index)
    green = np.zeros(n_parcels)
    green_spectrum = np.zeros((n_parcels, len(BANDS)))
    bare_spectrum = np.zeros((n_parcels, len(BANDS)))
    for position, land in enumerate(classes):
        members = np.flatnonzero(traits.class_index == position)
        if not len(members):
            continue
        days = day - traits.shift[members]
        chance = traits.chance[members]
        grown = land.base + _seasons(land.seasons, days, chance)
        grown *= traits.cover[members] * _cuts(land, days, chance)
        green[members] = np.clip(grown, 0.0, _MOST_GREEN)
        dry = np.clip(_seasons(land.dry, days, chance), 0.0, 1.0)[:, None]
        ground = np.asarray(land.ground) * traits.brightness[members, None]
        bare_spectrum[members] = (1 - dry) * ground + dry * np.asarray(DRY_MATTER)
        flower_day, flower_share = land.flower
        flower = (flower_share * np.exp(-0.5 * ((days - flower_day) / _FLOWER_WIDTH) ** 2))[:, None]
        green_spectrum[members] = (1 - flower) * np.asarray(land.green) + flower * np.asarray(FLOWERS)
    return Cover(
        green=green.astype(np.float32),
        green_spectrum=green_spectrum.astype(np.float32),
        bare_spectrum=bare_spectrum.astype(np.float32),
    )


def double_logistic(season: Season, days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of a season on days of the year: a logistic rise less a logistic fall (as in Beck et al. 2006).

    Seasons may begin before 1 January (a negative start): last year's, this year's and next year's are added.
    """
    height = np.zeros_like(days)
    for year in (-_YEAR, 0.0, _YEAR):
        rise = _logistic((days + year - season.start) / season.start_width)
        fall = _logistic((days + year - season.end) / season.end_width)
        height += rise - fall
    return season.peak * np.clip(height, 0.0, None)


def _seasons(
    seasons: tuple[Season, ...], days: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum of the seasons that each parcel has."""
    total = np.zeros_like(days)
    for season in seasons:
        total += np.where(chance[:, 0] < season.probability, double_logistic(season, days), 0.0)
    return total


def _cuts(land: LandClass, days: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """What mowing leaves of the green cover, 0 to 1."""
    left = np.ones_like(days)
    for number, (day, probability) in enumerate(land.cuts, start=1):
        # The same draw says whether the parcel is cut and when, within about three weeks.
        draw = chance[:, number]
        since = days - (day + 20.0 * (draw / probability - 0.5))
        is_cut = (draw < probability) & (since >= 0)
        left *= np.where(is_cut, 1.0 - _CUT_DEPTH * np.exp(-np.clip(since, 0, None) / _CUT_RECOVERY), 1.0)
    return left


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # With tanh large arguments neither overflow nor warn.
    return 0.5 * (1.0 + np.tanh(0.5 * x))
