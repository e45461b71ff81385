"""`i2db dem`: slope and aspect of every tile, without a seam, from models in another projection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from i2db.dem import write_terrain
from i2db.errors import ConfigError, InputError
from i2db.raster.grid import Grid, Window

GRID = Grid("EPSG:32631", 10, 10)
TILES = {"west": Window(50_000, -498_500, 700, 600), "east": Window(50_600, -498_500, 500, 600)}


def write_model(path: Path, window: Window, heights: str = "plane") -> Path:
    """A model on the grid: a plane that rises 3 m per 10 m eastwards and 4 m southwards, or flat ground."""
    rows, columns = np.indices(window.shape)
    numbers = 3.0 * (columns + window.column - 50_000) + 4.0 * (rows + window.row + 498_500)
    if heights == "flat":
        numbers = np.full(window.shape, 70.0)
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=window.n_columns,
        height=window.n_rows,
        count=1,
        dtype="float32",
        crs=GRID.crs,
        transform=Affine(*GRID.transform(window)),
    ) as target:
        target.write(numbers.astype(np.float32), 1)
    return path


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read(1)


def test_a_plane_has_one_slope_and_one_aspect_up_to_the_edges(tmp_path: Path) -> None:
    """Rise 0.3 eastwards and 0.4 southwards: 0.5 altogether, and the slope faces north-west."""
    models = [
        write_model(tmp_path / "a.tif", Window(50_000, -498_500, 640, 600)),
        write_model(tmp_path / "b.tif", Window(50_640, -498_500, 460, 600)),
    ]
    written = write_terrain(models, GRID, TILES, tmp_path / "features")
    assert sorted(path.relative_to(tmp_path / "features").as_posix() for path in written) == [
        f"{tile}/{name}.tif" for tile in ("east", "west") for name in ("aspect", "mnt", "pente")
    ]
    for tile, window in TILES.items():
        rows, columns = np.indices(window.shape)
        expected = 3.0 * (columns + window.column - 50_000) + 4.0 * rows
        np.testing.assert_array_equal(read(tmp_path / "features" / tile / "mnt.tif"), expected)
        np.testing.assert_allclose(
            read(tmp_path / "features" / tile / "pente.tif"), np.degrees(np.arctan(0.5)), rtol=1e-5
        )
        facing = np.degrees(np.arctan2(-0.3, 0.4)) % 360
        np.testing.assert_allclose(read(tmp_path / "features" / tile / "aspect.tif"), facing, rtol=1e-5)


def test_tiles_agree_where_they_overlap_and_with_a_model_in_degrees(tmp_path: Path) -> None:
    step = 2e-4
    left, top = 2.99, 45.015
    rows, columns = np.indices((400, 900))
    numbers = (200 + 30 * np.sin(columns / 30) + 20 * np.cos(rows / 25)).astype(np.float32)
    path = tmp_path / "degrees.tif"
    profile = {"driver": "GTiff", "width": 900, "height": 400, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=Affine(step, 0, left, 0, -step, top), **profile) as target:
        target.write(numbers, 1)
    tiles = {"west": Window(50_000, -498_400, 300, 200), "east": Window(50_250, -498_400, 300, 200)}
    write_terrain([path], GRID, tiles, tmp_path / "out", measures=["mnt", "pente", "aspect", "northness", "eastness"])
    for name in ("mnt", "pente", "aspect", "northness", "eastness"):
        west, east = (read(tmp_path / "out" / tile / f"{name}.tif") for tile in tiles)
        np.testing.assert_array_equal(west[:, 250:], east[:, :50])
        assert (west != -9999).all()
    # Metres, not degrees: at 22 m by 16 m per pixel of the model the steepest slopes are some degrees.
    assert 3 < read(tmp_path / "out" / "west" / "pente.tif").max() < 8


def test_flat_ground_faces_north_unless_nodata_is_asked_for(tmp_path: Path) -> None:
    model = write_model(tmp_path / "flat.tif", TILES["west"], "flat")
    tiles = {"west": TILES["west"]}
    write_terrain([model], GRID, tiles, tmp_path / "zero", measures=["aspect"])
    assert (read(tmp_path / "zero/west/aspect.tif") == 0).all()
    write_terrain([model], GRID, tiles, tmp_path / "none", measures=["aspect"], flat_is_nodata=True)
    assert (read(tmp_path / "none/west/aspect.tif") == -9999).all()


def test_gaps_are_told_and_bad_input_leaves_nothing(tmp_path: Path) -> None:
    model = write_model(tmp_path / "a.tif", Window(50_000, -498_500, 350, 600))
    lines: list[str] = []
    write_terrain([model], GRID, {"west": TILES["west"]}, tmp_path / "out", told=lines.append)
    assert lines == ["west: 50.00 % of its pixels have an elevation"]
    with pytest.raises(InputError, match=r"a\.tif: no data over tile east"):
        write_terrain([model], GRID, {"east": TILES["east"]}, tmp_path / "out")
    assert not list((tmp_path / "out" / "east").iterdir())
    with pytest.raises(ConfigError, match="no measure slope"):
        write_terrain([model], GRID, TILES, tmp_path / "out", measures=["slope"])
    with pytest.raises(ConfigError, match="not in metres"):
        write_terrain([model], Grid("EPSG:4326", 1e-4, 1e-4), TILES, tmp_path / "out")
