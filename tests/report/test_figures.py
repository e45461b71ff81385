from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from matplotlib import image
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.report.figures import confidence_figure, confusion_figure, map_figure
from i2db.report.matrix import Confusion
from i2db.report.style import LegendClass

CLASSES = [LegendClass(1200, "Maize", (200, 68, 31)), LegendClass(60, "Urban", (0, 0, 255))]


def raster(path: Path, values: NDArray[Any], nodata: int | None = 0) -> Path:
    rows, columns = values.shape
    transform = Affine(10, 0, 500_000, 0, -10, 5_600_000)
    profile = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "crs": "EPSG:32631"}
    with rasterio.open(path, "w", dtype=values.dtype, transform=transform, nodata=nodata, **profile) as target:
        target.write(values, 1)
    return path


def colors_of(path: Path) -> dict[tuple[int, int, int], int]:
    """Pixels of each colour in a PNG."""
    pixels = np.round(image.imread(path)[..., :3] * 255).astype(np.int64)
    packed, counts = np.unique(pixels @ [65_536, 256, 1], return_counts=True)
    return {(int(p >> 16), int(p >> 8 & 255), int(p & 255)): int(n) for p, n in zip(packed, counts, strict=True)}


def test_a_map_has_the_colours_of_its_classes_in_their_shares(tmp_path: Path) -> None:
    labels = np.full((60, 80), 1200, np.uint16)
    labels[:, :20] = 60
    labels[:10, 60:] = 0
    map_figure(tmp_path / "map.png", raster(tmp_path / "map.tif", labels), CLASSES, has_legend=False)
    counts = colors_of(tmp_path / "map.png")
    assert counts[0, 0, 255] / counts[200, 68, 31] == pytest.approx(1200 / 3400, rel=0.03)
    assert counts[235, 235, 235] / counts[200, 68, 31] == pytest.approx(200 / 3400, rel=0.05)


def test_unknown_labels_are_black_and_a_large_raster_is_read_small(tmp_path: Path) -> None:
    labels = np.full((50, 400), 77, np.uint8)
    labels[:, 200:] = 60
    tif = raster(tmp_path / "map.tif", labels)
    map_figure(tmp_path / "map.png", tif, CLASSES, title="Land cover", max_size=40)
    counts = colors_of(tmp_path / "map.png")
    assert counts[0, 0, 0] == pytest.approx(counts[0, 0, 255], rel=0.1)
    map_figure(tmp_path / "empty.png", tif, [])
    assert colors_of(tmp_path / "empty.png")[0, 0, 0] > 2 * counts[0, 0, 255] * 0.8


def test_confidence_shows_its_extremes_and_no_data(tmp_path: Path) -> None:
    values = np.repeat(np.array([[0, 100, 255]], np.uint8), 30, axis=0).repeat(10, axis=1)
    tif = raster(tmp_path / "confidence.tif", values, nodata=255)
    confidence_figure(tmp_path / "confidence.png", tif, kind="mean leaf probability", title="Confidence")
    counts = colors_of(tmp_path / "confidence.png")
    for color in ((0, 34, 78), (254, 232, 56), (235, 235, 235)):  # cividis from end to end, light grey
        near = sum(n for other, n in counts.items() if max(abs(a - b) for a, b in zip(other, color, strict=True)) < 3)
        assert near > 10_000


def test_a_missing_raster_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot draw .*none\.tif"):
        map_figure(tmp_path / "map.png", tmp_path / "none.tif", CLASSES)


@pytest.mark.parametrize("n", [3, 30])
def test_right_cells_are_blue_and_wrong_ones_orange(tmp_path: Path, n: int) -> None:
    counts = np.eye(n, dtype=np.int64) * 10
    counts[0, 1] = 10
    counts[n - 1] = 0
    path = tmp_path / "matrix.png"
    confusion_figure(path, Confusion(tuple(range(1, n + 1)), tuple(f"class {i}" for i in range(n)), counts))
    colors = colors_of(path)
    blue = sum(k for (red, _, blue), k in colors.items() if blue > red + 60)
    orange = sum(k for (red, _, blue), k in colors.items() if red > blue + 60)
    # n - 1 blue cells, the first a light one, and one orange cell; text takes some of each.
    assert blue / orange == pytest.approx(n - 1, rel=0.15)
    first = path.read_bytes()
    confusion_figure(path, Confusion(tuple(range(1, n + 1)), tuple(f"class {i}" for i in range(n)), counts))
    assert path.read_bytes() == first
