from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from i2db.report.figures import confusion_figure
from i2db.report.matrix import Confusion


def colors_of(path: Path) -> dict[tuple[int, int, int], int]:
    """Pixels of each colour in a PNG."""
    pixels = np.round(image.imread(path)[..., :3] * 255).astype(np.int64)
    packed, counts = np.unique(pixels @ [65_536, 256, 1], return_counts=True)
    return {(int(p >> 16), int(p >> 8 & 255), int(p & 255)): int(n) for p, n in zip(packed, counts, strict=True)}


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
