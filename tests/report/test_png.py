"""PNG files written by hand, read back by GDAL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from i2db.report.png import indexed_png


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("n_colors", [1, 5, 256, 300])
def test_colours_come_back(tmp_path: Path, n_colors: int) -> None:
    rng = np.random.default_rng(n_colors)
    palette = rng.integers(0, 256, (n_colors, 3)).astype(np.uint8)
    places = rng.permutation(np.arange(40 * 31) % n_colors).reshape(40, 31)
    (tmp_path / "a.png").write_bytes(indexed_png(places, palette))
    with rasterio.open(tmp_path / "a.png") as source:
        if source.count == 1:
            table = source.colormap(1)
            colors = np.array([table[i][:3] for i in range(len(table))])[source.read(1)]
        else:
            colors = np.moveaxis(source.read(), 0, -1)
    np.testing.assert_array_equal(colors, palette[places])
    assert (source.count == 1) == (n_colors <= 256)


def test_equal_arrays_give_equal_bytes() -> None:
    palette = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    assert indexed_png(np.eye(9, dtype=int), palette) == indexed_png(np.eye(9, dtype=int), palette)
