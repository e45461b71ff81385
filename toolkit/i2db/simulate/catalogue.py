"""The land-cover classes that a scene can hold: names and colours of a French nomenclature, spectra and seasons.

Reflectances (0 to 1, in the order of BANDS) and days of the year are round figures of what Sentinel-2 sees over the
south-west of France; they aim at the right shape of each class and at the usual confusions, not at any single field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

Spectrum = tuple[float, float, float, float, float, float, float, float, float, float]

BANDS = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
#: Bands at the scene's resolution; the others are at twice the pixel size. The order is that of the bits of SAT.
FINE_BANDS = ("B2", "B3", "B4", "B8")


class Kind(Enum):
    """Where in the landscape a class is found."""

    FIELD = "field"
    WOOD = "wood"
    BUILT = "built"
    WATER = "water"
    ROAD = "road"


#: Crop and group of crops of the French register of parcels (RPG), by the code of a class of fields.
CROP_CODES: Mapping[int, tuple[str, int]] = {
    5: ("CZH", 5),
    6: ("BTH", 1),
    7: ("PHI", 8),
    8: ("SOJ", 6),
    9: ("TRN", 6),
    10: ("MIS", 2),
    12: ("PTC", 25),
    13: ("PPH", 18),
    14: ("VRG", 20),
    15: ("VRC", 21),
}


@dataclass(frozen=True, slots=True)
class Season:
    """A rise and a fall: day of the year and width (days) of both, height reached, share of parcels that have it."""

    start: float
    start_width: float
    end: float
    end_width: float
    peak: float
    probability: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LandClass:
    """One class: what it is called, where it grows, how it looks and how it changes over the year."""

    code: int
    name: str
    color: tuple[int, int, int]
    kind: Kind
    #: Relative share of the parcels of its kind.
    share: float
    green: Spectrum
    ground: Spectrum
    #: Green cover all year round, and what seasons add to it.
    base: float = 0.0
    seasons: tuple[Season, ...] = ()
    #: Dry matter (straw, scorched grass) over the part that is not green.
    dry: tuple[Season, ...] = ()
    #: Cuts that parcels may get: day of the year and probability.
    cuts: tuple[tuple[float, float], ...] = ()
    #: Day of full flower and how much of the green it covers.
    flower: tuple[float, float] = (0.0, 0.0)
    #: Standard deviations between parcels: days, relative green cover, relative brightness of the ground.
    spread_days: float = 12.0
    spread_cover: float = 0.18
    spread_ground: float = 0.16
    #: Standard deviation of the green cover between the pixels of a parcel.
    texture: float = 0.06


_CROP: Spectrum = (0.027, 0.058, 0.030, 0.095, 0.310, 0.400, 0.430, 0.445, 0.205, 0.095)
_MAIZE: Spectrum = (0.025, 0.055, 0.028, 0.088, 0.290, 0.375, 0.405, 0.420, 0.190, 0.085)
_SUNFLOWER: Spectrum = (0.029, 0.066, 0.034, 0.105, 0.320, 0.420, 0.450, 0.465, 0.220, 0.105)
_SOYA: Spectrum = (0.027, 0.062, 0.029, 0.105, 0.350, 0.455, 0.480, 0.490, 0.205, 0.090)
_RAPE: Spectrum = (0.026, 0.058, 0.028, 0.092, 0.315, 0.405, 0.435, 0.445, 0.185, 0.085)
_GRASS: Spectrum = (0.030, 0.065, 0.036, 0.105, 0.295, 0.365, 0.395, 0.410, 0.220, 0.110)
_DECIDUOUS: Spectrum = (0.019, 0.042, 0.022, 0.074, 0.255, 0.330, 0.355, 0.370, 0.155, 0.068)
_CONIFER: Spectrum = (0.016, 0.032, 0.019, 0.055, 0.160, 0.200, 0.220, 0.232, 0.100, 0.045)
_HEATH: Spectrum = (0.026, 0.048, 0.034, 0.082, 0.205, 0.250, 0.272, 0.285, 0.180, 0.090)
_VINE: Spectrum = (0.026, 0.056, 0.030, 0.092, 0.275, 0.345, 0.370, 0.385, 0.190, 0.095)

_SOIL: Spectrum = (0.070, 0.098, 0.132, 0.158, 0.178, 0.198, 0.218, 0.236, 0.305, 0.262)
_LITTER: Spectrum = (0.040, 0.058, 0.070, 0.095, 0.130, 0.150, 0.168, 0.180, 0.205, 0.135)
_HOUSES: Spectrum = (0.098, 0.122, 0.140, 0.156, 0.172, 0.186, 0.200, 0.206, 0.240, 0.215)
_ROOFS: Spectrum = (0.165, 0.180, 0.192, 0.198, 0.205, 0.212, 0.220, 0.222, 0.235, 0.215)
_CITY: Spectrum = (0.088, 0.104, 0.118, 0.128, 0.138, 0.148, 0.158, 0.162, 0.185, 0.170)
_ASPHALT: Spectrum = (0.080, 0.092, 0.102, 0.108, 0.115, 0.120, 0.128, 0.130, 0.150, 0.138)
_WATER: Spectrum = (0.042, 0.050, 0.034, 0.028, 0.020, 0.018, 0.016, 0.014, 0.008, 0.006)

DRY_MATTER: Spectrum = (0.072, 0.105, 0.142, 0.182, 0.228, 0.258, 0.288, 0.308, 0.335, 0.240)
FLOWERS: Spectrum = (0.045, 0.165, 0.155, 0.220, 0.340, 0.400, 0.430, 0.440, 0.240, 0.130)

#: Growth of weeds or of a sown cover between two crops.
_COVER_CROP = Season(262, 9, 345, 12, 0.50, 0.35)

#: In the order in which they enter a scene: the first `classes` of them.
CATALOGUE: tuple[LandClass, ...] = (
    LandClass(
        code=10,
        name="maïs",
        color=(255, 214, 0),
        kind=Kind.FIELD,
        share=0.22,
        green=_MAIZE,
        ground=_SOIL,
        seasons=(Season(164, 9, 262, 10, 0.90), Season(-60, 15, 95, 8, 0.40, 0.25)),
        dry=(Season(262, 8, 310, 12, 0.5),),
    ),
    LandClass(
        code=6,
        name="cereales à pailles",
        color=(214, 158, 96),
        kind=Kind.FIELD,
        share=0.26,
        green=_CROP,
        ground=_SOIL,
        seasons=(Season(-25, 14, 164, 7, 0.35), Season(78, 12, 164, 7, 0.53), _COVER_CROP),
        dry=(Season(164, 6, 225, 12, 0.8),),
    ),
    LandClass(
        code=13,
        name="prairies",
        color=(160, 220, 110),
        kind=Kind.FIELD,
        share=0.22,
        green=_GRASS,
        ground=_LITTER,
        base=0.42,
        seasons=(Season(76, 14, 305, 20, 0.42),),
        dry=(Season(195, 12, 255, 12, 0.6),),
        cuts=((152, 0.7), (212, 0.45)),
        spread_days=12,
        spread_cover=0.16,
    ),
    LandClass(
        code=16,
        name="forets de feuillus",
        color=(0, 130, 50),
        kind=Kind.WOOD,
        share=0.55,
        green=_DECIDUOUS,
        ground=_LITTER,
        base=0.14,
        seasons=(Season(106, 7, 298, 9, 0.74),),
        spread_days=5,
        spread_cover=0.10,
        texture=0.09,
    ),
    LandClass(
        code=9,
        name="tournesol",
        color=(240, 130, 20),
        kind=Kind.FIELD,
        share=0.15,
        green=_SUNFLOWER,
        ground=_SOIL,
        seasons=(Season(155, 9, 242, 9, 0.82), Season(-60, 15, 90, 8, 0.40, 0.25)),
        dry=(Season(236, 8, 300, 12, 0.5),),
        flower=(198, 0.22),
    ),
    LandClass(
        code=23,
        name="eau",
        color=(30, 110, 220),
        kind=Kind.WATER,
        share=1.0,
        green=_GRASS,
        ground=_WATER,
        base=0.02,
        spread_ground=0.25,
        texture=0.02,
    ),
    LandClass(
        code=2,
        name="batis diffus",
        color=(230, 110, 150),
        kind=Kind.BUILT,
        share=0.6,
        green=_GRASS,
        ground=_HOUSES,
        base=0.22,
        seasons=(Season(85, 14, 300, 16, 0.20),),
        spread_cover=0.30,
        texture=0.14,
    ),
    LandClass(
        code=5,
        name="colza",
        color=(250, 250, 130),
        kind=Kind.FIELD,
        share=0.12,
        green=_RAPE,
        ground=_SOIL,
        seasons=(Season(-85, 12, 160, 7, 0.48), Season(74, 10, 160, 7, 0.42), _COVER_CROP),
        dry=(Season(160, 6, 215, 12, 0.6),),
        flower=(108, 0.6),
    ),
    LandClass(
        code=8,
        name="soja",
        color=(140, 190, 40),
        kind=Kind.FIELD,
        share=0.12,
        green=_SOYA,
        ground=_SOIL,
        seasons=(Season(176, 9, 268, 8, 0.88),),
        dry=(Season(268, 8, 310, 12, 0.4),),
    ),
    LandClass(
        code=17,
        name="forets de coniferes",
        color=(0, 80, 70),
        kind=Kind.WOOD,
        share=0.25,
        green=_CONIFER,
        ground=_LITTER,
        base=0.80,
        seasons=(Season(120, 15, 290, 20, 0.07),),
        spread_cover=0.08,
        texture=0.07,
    ),
    LandClass(
        code=14,
        name="vergers",
        color=(150, 90, 160),
        kind=Kind.FIELD,
        share=0.08,
        green=_VINE,
        ground=_LITTER,
        base=0.30,
        seasons=(Season(100, 8, 304, 12, 0.38),),
        texture=0.12,
    ),
    LandClass(
        code=3,
        name="zones ind et com",
        color=(190, 40, 40),
        kind=Kind.BUILT,
        share=0.25,
        green=_GRASS,
        ground=_ROOFS,
        base=0.05,
        seasons=(Season(85, 14, 300, 16, 0.05),),
        spread_ground=0.28,
        texture=0.06,
    ),
    LandClass(
        code=15,
        name="vignes",
        color=(110, 30, 90),
        kind=Kind.FIELD,
        share=0.10,
        green=_VINE,
        ground=_SOIL,
        base=0.12,
        seasons=(Season(126, 9, 288, 10, 0.40),),
        texture=0.09,
    ),
    LandClass(
        code=19,
        name="landes ligneuses",
        color=(120, 140, 80),
        kind=Kind.WOOD,
        share=0.20,
        green=_HEATH,
        ground=_LITTER,
        base=0.52,
        seasons=(Season(92, 18, 300, 20, 0.24),),
        texture=0.11,
    ),
    LandClass(
        code=12,
        name="tubercules/racines",
        color=(200, 110, 60),
        kind=Kind.FIELD,
        share=0.08,
        green=_CROP,
        ground=_SOIL,
        seasons=(Season(145, 8, 226, 9, 0.88),),
        dry=(Season(226, 8, 255, 10, 0.3),),
    ),
    LandClass(
        code=7,
        name="protéagineux",
        color=(170, 210, 180),
        kind=Kind.FIELD,
        share=0.08,
        green=_CROP,
        ground=_SOIL,
        seasons=(Season(97, 9, 170, 7, 0.86), _COVER_CROP),
        dry=(Season(170, 6, 215, 12, 0.5),),
    ),
    LandClass(
        code=1,
        name="batis denses",
        color=(120, 20, 60),
        kind=Kind.BUILT,
        share=0.25,
        green=_GRASS,
        ground=_CITY,
        base=0.06,
        seasons=(Season(85, 14, 300, 16, 0.08),),
        texture=0.08,
    ),
)

#: Lanes and roads between the parcels: seen by the satellite, never part of the nomenclature.
ROAD = LandClass(
    code=0,
    name="",
    color=(90, 90, 90),
    kind=Kind.ROAD,
    share=0.0,
    green=_GRASS,
    ground=_ASPHALT,
    base=0.16,
    seasons=(Season(85, 14, 300, 16, 0.14),),
    texture=0.10,
)
