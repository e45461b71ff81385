"""A map of labels as a whole, against numpy on the whole array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine
from test_pixel_area import geodesic

import i2db.raster.labels as module
from i2db.errors import InputError
from i2db.raster.labels import class_areas, draw_pixels, open_labels


def write(path: Path, array: NDArray[np.generic], crs: str = "EPSG:32631", size: float = 10, **options: object) -> Path:
    left, top = (600_000, 5_600_000) if crs != "EPSG:4326" else (3, 51)
    transform = Affine(size, 0, left, 0, -size, top)
    rows, columns = array.shape
    with rasterio.open(
        path, "w", height=rows, width=columns, count=1, dtype=array.dtype, crs=crs, transform=transform, **options
    ) as sink:
        sink.write(array, 1)
    return path


@pytest.fixture
def array() -> NDArray[np.uint8]:
    made = np.random.default_rng(0).choice([0, 1, 2, 12], size=(150, 210), p=[0.1, 0.6, 0.28, 0.02])
    return made.astype(np.uint8)


def test_areas(tmp_path: Path, array: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STRIP_ROWS", 64)
    with open_labels(write(tmp_path / "map.tif", array)) as labels:
        found = class_areas(labels)
    assert {code: one.n_pixels for code, one in found.items()} == {code: (array == code).sum() for code in (1, 2, 12)}
    whole = geodesic("EPSG:32631", 600_000 + 1050, 5_600_000 - 750, 2100, 1500)
    assert sum(one.area for one in found.values()) == pytest.approx(whole * (array > 0).mean(), rel=1e-5)


def test_areas_in_degrees_are_those_of_their_rows(tmp_path: Path) -> None:
    array = np.repeat(np.array([[1], [2], [2]], dtype=np.int32), 5, axis=1)
    array[0, 0] = 70_000_000
    with open_labels(write(tmp_path / "map.tif", array, crs="EPSG:4326", size=0.5, nodata=-1)) as labels:
        found = class_areas(labels)
    assert found[1].area == pytest.approx(4 * geodesic("EPSG:4326", 3.25, 50.75, 0.5, 0.5), rel=1e-7)
    assert found[70_000_000].n_pixels == 1
    rows = [geodesic("EPSG:4326", 3.25, y, 0.5, 0.5) for y in (50.25, 49.75)]
    assert found[2].area == pytest.approx(5 * sum(rows), rel=1e-6)


def test_draws(tmp_path: Path, array: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "map.tif", array)
    wanted = {1: 300, 2: 40, 12: 10_000}
    with open_labels(path) as labels:
        drawn = draw_pixels(labels, wanted, 5)
        other = draw_pixels(labels, wanted, 6)
        monkeypatch.setattr(module, "_STRIP_ROWS", 37)
        again = draw_pixels(labels, wanted, 5)
    assert np.bincount(drawn.codes)[[1, 2, 12]].tolist() == [300, 40, (array == 12).sum()]
    np.testing.assert_array_equal(array[drawn.rows, drawn.columns], drawn.codes)
    np.testing.assert_array_equal(drawn.x, 600_000 + 10 * drawn.columns + 5)
    np.testing.assert_array_equal(drawn.y, 5_600_000 - 10 * drawn.rows - 5)
    for name in ("codes", "rows", "columns"):
        np.testing.assert_array_equal(getattr(drawn, name), getattr(again, name))
    assert not np.array_equal(drawn.rows[:300], other.rows[:300])
    # No pixel twice, and no part of the map preferred: quarters hold a quarter within four deviations.
    assert len({*zip(drawn.rows.tolist(), drawn.columns.tolist(), strict=True)}) == len(drawn.codes)
    of_one = drawn.codes == 1
    north_west = (drawn.rows[of_one] < 75) & (drawn.columns[of_one] < 105)
    assert abs(north_west.sum() - 75) < 4 * np.sqrt(300 * 0.25 * 0.75)


def test_a_draw_does_not_depend_on_what_else_is_on_the_map(tmp_path: Path, array: NDArray[np.uint8]) -> None:
    """The ranks are those of places on the ground: cut at the north-west, what is left keeps its order."""
    with open_labels(write(tmp_path / "map.tif", array)) as labels:
        all_of_one = draw_pixels(labels, {1: 400}, 0)
    masked = array.copy()
    masked[:, 100:] = 0
    with open_labels(write(tmp_path / "part.tif", masked)) as labels:
        part = draw_pixels(labels, {1: 400}, 0)
    west = {(r, c) for r, c in zip(all_of_one.rows.tolist(), all_of_one.columns.tolist(), strict=True) if c < 100}
    assert west <= {*zip(part.rows.tolist(), part.columns.tolist(), strict=True)}


def test_labels_at_points(tmp_path: Path, array: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(600_000 - 500, 600_000 + 2600, 500), rng.uniform(5_600_000 - 2000, 5_600_000 + 500, 500)
    with open_labels(write(tmp_path / "map.tif", array)) as labels:
        found = labels.labels_at(x, y)
    expected = np.zeros(500, dtype=int)
    for i in range(500):
        row, column = int((5_600_000 - y[i]) // 10), int((x[i] - 600_000) // 10)
        if 0 <= row < 150 and 0 <= column < 210:
            expected[i] = array[row, column]
    np.testing.assert_array_equal(found, expected)
    assert (expected > 0).sum() > 100


def test_what_is_no_map_of_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"), open_labels(tmp_path / "none.tif"):
        pass
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InputError, match="cannot be read"), open_labels(tmp_path / "text.tif"):
        pass
    path = write(tmp_path / "float.tif", np.zeros((3, 3), dtype=np.float32))
    with pytest.raises(InputError, match="holds float32, not class codes"), open_labels(path):
        pass
