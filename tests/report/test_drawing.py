"""A drawing is the same in both of its forms."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import image

from i2db.report.drawing import Area, Dot, Drawing, Label, Line, Raster, Rectangle, svg, write_png
from i2db.report.png import indexed_png

ODD = "<b>&\"$x$'é"


@pytest.fixture
def drawing() -> Drawing:
    checks = indexed_png(np.array([[0, 1], [1, 0]]), np.array([[255, 0, 0], [0, 0, 255]], np.uint8))
    return Drawing(
        width=200,
        height=100,
        shapes=(
            Rectangle(x=10, y=20, width=50, height=40, fill="#00ff00"),
            Area(points=((100, 10), (140, 10), (140, 50)), fill="#ff00ff"),
            Line(points=((0, 95), (200, 95)), stroke="#0000ff", width=4),
            Dot(x=180, y=20, radius=10, fill="#ff8800"),
            Raster(x=150, y=40, width=40, height=40, png=checks),
            Label(x=5, y=15, text=ODD, has_halo=True, is_bold=True),
        ),
        alternative=ODD,
    )


def test_svg_is_well_formed_and_escaped(drawing: Drawing) -> None:
    root = ElementTree.fromstring(svg(drawing))
    assert [child.tag for child in root] == ["rect", "polygon", "polyline", "circle", "image", "text"]
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == ODD
    assert root[-1].text == ODD
    assert root[0].attrib == {"x": "10", "y": "20", "width": "50", "height": "40", "fill": "#00ff00"}


def test_png_has_the_shapes_where_they_are(drawing: Drawing, tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", drawing, scale=2)
    pixels = np.round(image.imread(tmp_path / "a.png")[..., :3] * 255).astype(int)
    assert pixels.shape == (200, 400, 3)
    for (x, y), color in {
        (30, 50): (0, 255, 0),
        (130, 20): (255, 0, 255),
        (110, 45): (255, 255, 255),
        (100, 95): (0, 0, 255),
        (180, 20): (255, 136, 0),
        (155, 45): (255, 0, 0),
        (185, 45): (0, 0, 255),
        (155, 75): (0, 0, 255),
        (90, 80): (255, 255, 255),
    }.items():
        assert tuple(pixels[2 * y, 2 * x]) == color, (x, y)
