"""Colours of classes, and the style file that QGIS reads beside a label raster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from i2db.files import write_whole
from i2db.report.nomenclature import Color

#: Okabe and Ito (2008), told apart with any colour vision; black and yellow left for lines and highlights.
_FIRST_COLORS: tuple[Color, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (213, 94, 0),
    (0, 114, 178),
    (204, 121, 167),
)


@dataclass(frozen=True, slots=True)
class LegendClass:
    """A class as legends show it."""

    code: int
    name: str
    color: Color

    @property
    def hexadecimal(self) -> str:
        """The colour as #rrggbb."""
        return hexadecimal(self.color)


def hexadecimal(color: Color) -> str:
    """A colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def default_palette(codes: Iterable[int]) -> dict[int, Color]:
    """A colour per class code for classes without a colour file; the same for the same set of codes.

    The first six in ascending order get Okabe and Ito's colours, every further one the colour of a regular lattice that
    is farthest, in OKLab, from those taken and from the white and black around them.
    """
    ordered = sorted(set(codes))
    taken = list(_FIRST_COLORS[: len(ordered)])
    if len(ordered) > len(taken):
        steps = next(n for n in range(6, 257) if n**3 >= 8 * len(ordered))
        levels = np.round(np.linspace(20, 235, steps)).astype(int)
        lattice = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
        lightness = oklab(lattice)[:, 0]
        lattice = lattice[(lightness > 0.4) & (lightness < 0.93)]
        positions = oklab(lattice)
        surroundings = oklab(np.array([*taken, (255, 255, 255), (0, 0, 0)]))
        nearest = np.linalg.norm(positions[:, None] - surroundings[None], axis=2).min(axis=1)
        while len(taken) < len(ordered):
            farthest = int(nearest.argmax())
            red, green, blue = lattice[farthest].tolist()
            taken.append((red, green, blue))
            nearest = np.minimum(nearest, np.linalg.norm(positions - positions[farthest], axis=1))
    return dict(zip(ordered, taken, strict=True))


def oklab(colors: NDArray[np.integer]) -> NDArray[np.float64]:
    """OKLab coordinates (n, 3) of sRGB colours 0 to 255 (n, 3): distances are about as large as they look.

    Ottosson (2020), "A perceptual color space for image processing".
    """
    encoded = colors / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    lab: NDArray[np.float64] = np.cbrt(linear @ to_cones.T) @ to_lab.T
    return lab


def write_qml(path: Path, classes: Sequence[LegendClass]) -> None:
    """Write a QGIS style (paletted values of band 1) with the colour and name of each class.

    QGIS loads it by itself when its stem is that of the raster: `Classif_Seed_0.qml` for `Classif_Seed_0.tif`.
    """
    root = ElementTree.Element("qgis", {"version": "3.28", "styleCategories": "Symbology"})
    pipe = ElementTree.SubElement(root, "pipe")
    attributes = {"type": "paletted", "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    renderer = ElementTree.SubElement(pipe, "rasterrenderer", attributes)
    ElementTree.SubElement(renderer, "rasterTransparency")
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for one in classes:
        entry = {"value": str(one.code), "color": one.hexadecimal, "alpha": "255", "label": one.name}
        ElementTree.SubElement(palette, "paletteEntry", entry)
    ElementTree.SubElement(pipe, "rasterresampler", {"maxOversampling": "1"})
    ElementTree.indent(root)
    document_type = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    write_whole(path, document_type + ElementTree.tostring(root, encoding="utf-8") + b"\n")
