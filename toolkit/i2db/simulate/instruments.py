"""The sensors that a scene can have beside Theia's Sentinel-2: what they see, how often, the layout of their products.

Spectra are Sentinel-2's: a band of another sensor takes the nearest of them, times a gain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from i2db.simulate.acquisition import Overpass
from i2db.simulate.catalogue import BANDS

Form = Literal["maja", "synthesis", "safe", "n2a"]

#: Processing baselines of simulated Sen2Cor products and what each adds to its numbers (from 04.00 on an offset): they
#: alternate, so that no date tells which is which.
BASELINES = (("05.09", 1000), ("02.11", 0), ("04.00", 1000))
#: Numbers of Sentinel-2's bands in these metadata, in the order of BANDS.
_BAND_IDS = (1, 2, 3, 4, 5, 6, 7, 8, 11, 12)
METADATA = "MTD_MSIL2A.xml"

_MAJA_MASKS = ("CLM", "SAT", "EDG")


@dataclass(frozen=True, slots=True)
class Channel:
    """A band: its name, the place of its spectrum in BANDS, scene pixels per pixel along each axis, a gain."""

    name: str
    position: int
    factor: int
    gain: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A sensor as its declaration names it, and how its products look."""

    sensor: str
    folder: str
    #: Key of section chain.
    key: str
    form: Form
    channels: tuple[Channel, ...]
    #: Scene pixels per pixel of its masks.
    mask_factor: int
    #: Products per product of Sentinel-2, and what sets its draws apart.
    share: float
    number: int
    #: Whether its rasters begin half a pixel before the tile, as USGS's grid does: no other sensor's pixels fit in.
    is_shifted: bool = False

    @property
    def factor(self) -> int:
        """Scene pixels per pixel of its coarsest raster."""
        return max(self.mask_factor, *(channel.factor for channel in self.channels))


def _sentinel2(name: str) -> Channel:
    place = BANDS.index(name)
    return Channel(name, place, 1 if name in ("B2", "B3", "B4", "B8") else 2)


def _landsat(*pairs: tuple[str, str, float]) -> tuple[Channel, ...]:
    return tuple(Channel(name, BANDS.index(like), 3, gain) for name, like, gain in pairs)


_OLI = _landsat(
    ("B1", "B2", 0.92), ("B2", "B2", 1.0), ("B3", "B3", 1.0), ("B4", "B4", 1.0), ("B5", "B8A", 1.0), ("B6", "B11", 1.0),
    ("B7", "B12", 1.0),
)  # fmt: skip
_TM = _landsat(
    ("B1", "B2", 1.0), ("B2", "B3", 1.0), ("B3", "B4", 1.0), ("B4", "B8A", 0.98), ("B5", "B11", 1.0), ("B7", "B12", 1.0)
)
#: In the old layout the bands of TM are numbered without a gap.
_TM_OLD = (*_TM[:5], replace(_TM[5], name="B6"))

INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument(
        sensor="Landsat5Old", folder="l5_old", key="l5_path_old", form="n2a", channels=_TM_OLD, mask_factor=3,
        share=0.6, number=1, is_shifted=True,
    ),
    Instrument(
        sensor="Landsat5", folder="l5", key="l5_path", form="maja", channels=_TM, mask_factor=3, share=0.6, number=2,
    ),
    Instrument(
        sensor="Landsat8", folder="l8", key="l8_path", form="maja", channels=_OLI, mask_factor=3, share=0.6, number=3,
    ),
    Instrument(
        sensor="Landsat8Old", folder="l8_old", key="l8_path_old", form="n2a", channels=_OLI, mask_factor=3, share=0.6,
        number=4, is_shifted=True,
    ),
    Instrument(
        sensor="Sentinel2S2C", folder="s2_s2c", key="s2_s2c_path", form="safe",
        channels=tuple(
            replace(_sentinel2(band), name=f"B{int(band[1:]):02d}" if band[1:].isdigit() else band) for band in BANDS
        ),
        mask_factor=2, share=1.0, number=5,
    ),
    Instrument(
        sensor="Sentinel2L3A", folder="s2_l3a", key="s2_l3a_path", form="synthesis",
        channels=tuple(_sentinel2(band) for band in BANDS), mask_factor=1, share=0.5, number=6,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A raster of a product: where it lies in it, the layers that are its bands, and scene pixels per pixel."""

    path: str
    layers: tuple[str, ...]
    factor: int
    is_mask: bool


def product_name(instrument: Instrument, overpass: Overpass, tile: str) -> str:
    """Name of the folder of a product, as its producer gives it."""
    at = overpass.at
    if instrument.form == "safe":
        baseline = baseline_of(overpass)[0].replace(".", "")
        return f"S2{overpass.platform}_MSIL2A_{at:%Y%m%dT%H%M%S}_N{baseline}_R051_{tile}_{at:%Y%m%d}T125000.SAFE"
    if instrument.form == "synthesis":
        return f"SENTINEL2X_{at:%Y%m%d}-000000-000_L3A_{tile}_D_V1-1"
    satellite, scanner = ("LANDSAT5", "TM") if "5" in instrument.sensor else ("LANDSAT8", "OLITIRS")
    if instrument.form == "n2a":
        return f"{satellite}_{scanner}_XS_{at:%Y%m%d}_N2A_France-Metropole{tile}"
    return f"{satellite}-{scanner}-XS_{at:%Y%m%d-%H%M%S}-{at.microsecond // 1000:03d}_L2A_{tile}_D_V1-7"


def baseline_of(overpass: Overpass) -> tuple[str, int]:
    """Processing baseline of a Sen2Cor product, and what is added to its numbers."""
    return BASELINES[overpass.number % len(BASELINES)]


def files_of(instrument: Instrument, name: str) -> tuple[File, ...]:
    """The rasters of a product of that name."""
    channels = instrument.channels
    if instrument.form == "n2a":
        stem = name.replace("_N2A_", "_N2A_ORTHO_SURF_CORR_PENTE_")
        layers = tuple(channel.name for channel in channels)
        masks = [File(f"MASK/{name}_{mask}.TIF", (mask,), 3, is_mask=True) for mask in ("NUA", "SAT", "DIV")]
        return (File(f"{stem}.TIF", layers, 3, is_mask=False), *masks)
    if instrument.form == "safe":
        folder = f"GRANULE/L2A_{name[38:44]}_A012345/IMG_DATA"
        stem = f"{name[38:44]}_{name[11:26]}"
        return tuple(
            File(f"{folder}/R{10 * factor}m/{stem}_{layer}_{10 * factor}m.jp2", (layer,), factor, layer == "SCL")
            for layer, factor in [*((channel.name, channel.factor) for channel in channels), ("SCL", 2)]
        )
    word, masks_of, suffix = ("FRC", ("FLG",), "R1") if instrument.form == "synthesis" else ("FRE", _MAJA_MASKS, "XS")
    return (
        *(File(f"{name}_{word}_{c.name}.tif", (c.name,), c.factor, is_mask=False) for c in channels),
        *(
            File(f"MASKS/{name}_{mask}_{suffix}.tif", (mask,), instrument.mask_factor, is_mask=True)
            for mask in masks_of
        ),
    )


def metadata(overpass: Overpass) -> str:
    """The part of a Sen2Cor product's metadata that calibrates it."""
    baseline, added = baseline_of(overpass)
    offsets = "".join(f'          <BOA_ADD_OFFSET band_id="{band}">{-added}</BOA_ADD_OFFSET>\n' for band in _BAND_IDS)
    offsets = f"        <BOA_ADD_OFFSET_VALUES_LIST>\n{offsets}        </BOA_ADD_OFFSET_VALUES_LIST>\n" if added else ""
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{overpass.at:%Y-%m-%dT%H:%M:%S}.000Z</PRODUCT_START_TIME>
      <PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
    </Product_Info>
    <Product_Image_Characteristics>
      <QUANTIFICATION_VALUES_LIST>
        <BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
      </QUANTIFICATION_VALUES_LIST>
{offsets}    </Product_Image_Characteristics>
  </n1:General_Info>
</n1:Level-2A_User_Product>
"""
