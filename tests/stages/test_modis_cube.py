"""The free form on real data: MODIS indices over Sinop, declared by the file that the documentation shows."""

from __future__ import annotations

import itertools
from pathlib import Path

import geopandas
import numpy as np
import pandas
import pyproj
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer

from i2db.raster.grid import rows_columns
from i2db.stages.chain import CLASSIFICATION
from i2db.store.database import Database
from i2db.store.export import write_samples
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


#: Another projection than the cube's.
UTM = ("chain.proj=EPSG:32721", "chain.spatial_resolution=231.656", "chain.grid_origin=[0, 0]")


def test_a_cube_is_mapped_in_its_own_grid(real_data: Path, tmp_path: Path) -> None:
    """In its sinusoidal projection, which has no code: nothing is interpolated, and the map lies on the cube."""
    folder = tmp_path / "out"
    run_scene(EXAMPLES / "sinop.cfg", folder, "arg_train.runs=1", stages=CLASSIFICATION)
    file = real_data / "sinop_modis" / "TERRA_MODIS_h12v10_NDVI_2013-09-14.jp2"
    with rasterio.open(folder / "final" / "Classif_Seed_0.tif") as made, rasterio.open(file) as source:
        np.testing.assert_allclose(made.transform[:6], source.transform[:6], rtol=1e-12)
        assert (made.crs, made.shape) == (source.crs, source.shape)
        assert (made.read(1) > 0).all()
        ndvi, transform, crs = source.read(1), source.transform, source.crs
    # Each point's pixel is the one of the cube that it falls in, with the number that the file has there.
    points = pandas.read_csv(real_data / "sinop_modis" / "samples_sinop_crop.csv")
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(points.longitude, points.latitude)
    columns, rows = np.floor(~transform @ (np.array(x), np.array(y))).astype(int)
    expected = {int(i): float(ndvi[r, c]) for i, r, c in zip(points.id, rows, columns, strict=True)}
    found = ask(folder, "SELECT polygon_id, x, y, modis_ndvi_20130914 FROM sample_wide")
    assert {row[0]: row[3] for row in found} == expected
    centres = {int(i): transform @ (c + 0.5, r + 0.5) for i, r, c in zip(points.id, rows, columns, strict=True)}
    for i, centre_x, centre_y, _ in found:
        assert (centre_x, centre_y) == pytest.approx(centres[i], abs=1e-6)
    # What others read carries the projection.
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        write_samples(database, tmp_path / "samples.parquet", run=None, split=None)
        write_samples(database, tmp_path / "samples.gpkg", run=None, split=None)
    for name in ("samples.parquet", "samples.gpkg"):
        read = geopandas.read_parquet if name.endswith("parquet") else geopandas.read_file
        frame = read(tmp_path / name)
        assert frame.crs == pyproj.CRS.from_wkt(crs.to_wkt())
        away = frame.to_crs("EPSG:4326").geometry
        assert np.hypot(away.x + 55.6, away.y + 11.6).max() < 0.5
    # On the ground: not 231.656 squared, which holds on the sphere.
    ((area,),) = ask(folder, "SELECT sum(mapped_area) FROM class_area WHERE run = 0")
    ratio = area / (ndvi.size * 231.656**2)
    latitude = np.radians(-11.64)
    e2, a, sphere = 0.0066943799901413, 6378137.0, 6371007.181
    meridian = a * (1 - e2) / (1 - e2 * np.sin(latitude) ** 2) ** 1.5
    assert ratio == pytest.approx(meridian * a / np.sqrt(1 - e2 * np.sin(latitude) ** 2) / sphere**2, rel=1e-4)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "231.656 m in a Sinusoidal projection" in page


def test_a_cube_of_indices_is_learnt_and_mapped(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run_scene(EXAMPLES / "sinop.cfg", folder, *UTM, "arg_train.runs=1", stages=TO_MOSAIC)
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
