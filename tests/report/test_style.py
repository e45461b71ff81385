from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from i2db.report.style import LegendClass, default_palette, oklab, write_qml


@pytest.mark.parametrize(("n_classes", "distance"), [(6, 0.15), (12, 0.15), (24, 0.1), (60, 0.06)])
def test_default_colours_are_apart_from_each_other_and_from_paper(n_classes: int, distance: float) -> None:
    palette = default_palette(range(1, n_classes + 1))
    positions = oklab(np.array([*palette.values(), (255, 255, 255), (0, 0, 0)]))
    gaps = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    assert gaps[np.triu_indices(n_classes + 2, 1)].min() > distance


def test_default_colours_depend_on_the_set_of_codes_only() -> None:
    codes = [9120, 60, 99, 1200, 255, 3, 17, 4]
    assert default_palette(codes) == default_palette([*sorted(codes), 60])
    assert list(default_palette(codes)) == sorted(codes)
    assert default_palette([]) == {}
    assert len(set(default_palette(range(1, 301)).values())) == 300


def test_oklab_of_known_colours() -> None:
    """Red as published with CSS Color 4: oklch(0.628 0.2577 29.23)."""
    white, black, red = oklab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]]))
    np.testing.assert_allclose(white, [1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(black, [0, 0, 0], atol=1e-6)
    np.testing.assert_allclose([red[0], np.hypot(*red[1:])], [0.628, 0.2577], atol=1e-3)


def test_qml_is_a_paletted_style_with_escaped_names(tmp_path: Path) -> None:
    path = tmp_path / "Classif_Seed_0.qml"
    write_qml(path, [LegendClass(11, 'été & "hiver" <1>', (255, 85, 0)), LegendClass(9120, "grass", (0, 1, 2))])
    renderer = ElementTree.parse(path).getroot().find("pipe/rasterrenderer")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")
    entries = [entry.attrib for entry in renderer.iterfind("colorPalette/paletteEntry")]
    assert entries == [
        {"value": "11", "color": "#ff5500", "alpha": "255", "label": 'été & "hiver" <1>'},
        {"value": "9120", "color": "#000102", "alpha": "255", "label": "grass"},
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["Classif_Seed_0.qml"]
