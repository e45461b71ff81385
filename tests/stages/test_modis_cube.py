"""The free form on real data: MODIS indices over Sinop, declared by the file that the documentation shows."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer

from i2db.raster.grid import rows_columns
from scenes import TO_MOSAIC, ask, run_scene

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_page_shows_the_declaration() -> None:
    page = (EXAMPLES.parent / "docs" / "how-to" / "own-sensor.md").read_text(encoding="utf-8")
    assert f"```toml\n{(EXAMPLES / 'modis.toml').read_text(encoding='utf-8')}```" in page


def cubic(numbers: NDArray[np.float64], row: float, column: float) -> float:
    """Cubic convolution (Keys 1981, a = -0.5) at a place between pixel centres."""

    def weights(part: float) -> NDArray[np.float64]:
        distance = np.abs(np.array([-1, 0, 1, 2]) - part)
        near = 1.5 * distance**3 - 2.5 * distance**2 + 1
        far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
        return np.where(distance <= 1, near, far)

    top, left = int(np.floor(row)), int(np.floor(column))
    around = numbers[top - 1 : top + 3, left - 1 : left + 3]
    return float(weights(row - top) @ around @ weights(column - left))


def test_a_cube_of_indices_is_learnt_and_mapped(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run_scene(EXAMPLES / "sinop.cfg", folder, "arg_train.runs=1", stages=TO_MOSAIC)
    features = ask(folder, "SELECT feature_name, band, date, unit, scale FROM feature ORDER BY feature_id")
    assert len(features) == 2 * 23
    assert features[0][0] == "modis_ndvi_20130914"
    assert {row[3:] for row in features} == {("1", 0.0001)}
    # A sample is the cubic convolution of the cube at its pixel's centre: no mask, so that nothing is filled in time.
    samples = ask(folder, "SELECT sample_id, features FROM sample ORDER BY sample_id")
    assert len(samples) == 18
    rows, columns = rows_columns(np.array([row[0] for row in samples]))
    for place in (0, 1, 45):
        _, band, date, _, _ = features[place]
        with rasterio.open(real_data / "sinop_modis" / f"TERRA_MODIS_h12v10_{band}_{date:%Y-%m-%d}.jp2") as source:
            numbers, inverse = source.read(1).astype(float), ~source.transform
            to_cube = Transformer.from_crs("EPSG:32721", source.crs, always_xy=True)
        for row, column, sample in zip(rows, columns, samples, strict=True):
            x, y = inverse @ to_cube.transform((column + 0.5) * 231.656, -(row + 0.5) * 231.656)
            # GDAL's way through the projections ends within a sixteenth of a pixel.
            near = [
                cubic(numbers, y - 0.5 + down, x - 0.5 + across)
                for down, across in itertools.product((-1 / 16, 0, 1 / 16), repeat=2)
            ]
            assert min(near) - 3 <= sample[1][place] <= max(near) + 3
            assert max(near) - min(near) < 1500
    with rasterio.open(folder / "final" / "Classif_Seed_0.tif") as source:
        codes, counts = np.unique(source.read(1), return_counts=True)
    assert set(codes) <= {0, 1, 2, 3, 4}
    # The cube is tilted in UTM: some of the map's rectangle is beyond it.
    assert 0.9 * 254 * 144 < counts[codes > 0].sum() < 1.05 * 254 * 144
