"""The mosaic against its definition, pixel by pixel, and its form as a Cloud-Optimised GeoTIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import i2db.raster.mosaic as module
from i2db.errors import ContractError, InputError
from i2db.raster.grid import Grid, Window
from i2db.raster.mosaic import MosaicSource, mosaic
from i2db.raster.write import write_raster

GRID = Grid("EPSG:32631", 10.0, 10.0)


def source(folder: Path, name: str, array: NDArray[Any], window: Window, nodata: float | None = 0) -> MosaicSource:
    write_raster(folder / name, array, GRID, window, nodata=nodata)
    return MosaicSource(folder / name, 1 if array.ndim == 2 else tuple(range(1, array.shape[0] + 1)), window)


def test_the_first_source_with_data_wins(tmp_path: Path) -> None:
    first = source(tmp_path, "a.tif", np.array([[1, 0, 1]], np.uint8), Window(0, 0, 3, 1))
    second = source(tmp_path, "b.tif", np.array([[2, 2, 0]], np.uint8), Window(1, 0, 3, 1))
    extent = Window(-1, 0, 6, 1)
    n_valid = mosaic([first, second], extent, GRID, tmp_path / "out.tif", dtype=np.uint8)
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.read(1).tolist() == [[0, 1, 2, 1, 0, 0]]
    assert n_valid == 3
    mosaic([second, first], extent, GRID, tmp_path / "out.tif", dtype=np.uint8)
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.read(1).tolist() == [[0, 1, 2, 2, 0, 0]]
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a.tif", "b.tif", "out.tif"]


def test_a_pixel_of_several_bands_comes_from_one_source(tmp_path: Path) -> None:
    first = source(tmp_path, "a.tif", np.array([[[0, 0]], [[7, 0]]], np.uint16), Window(0, 0, 2, 1))
    second = source(tmp_path, "b.tif", np.array([[[5, 5]], [[6, 6]]], np.uint16), Window(0, 0, 2, 1))
    mosaic(
        [first, second],
        Window(0, 0, 2, 1),
        GRID,
        tmp_path / "out.tif",
        dtype=np.uint16,
        overview="average",
        descriptions=["wheat", "maize"],
    )
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.read().tolist() == [[[0, 5]], [[7, 6]]]
        assert dataset.descriptions == ("wheat", "maize")


def test_one_band_of_a_file_of_several(tmp_path: Path) -> None:
    window = Window(0, 0, 2, 1)
    stack = source(tmp_path, "a.tif", np.array([[[1, 2]], [[3, 4]]], np.uint8), window)
    mosaic([MosaicSource(stack.path, 2, window)], window, GRID, tmp_path / "out.tif", dtype=np.int16)
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.read(1).tolist() == [[3, 4]]
        assert dataset.dtypes == ("int16",)


@pytest.mark.parametrize("nodata", [-1.0, float("nan")])
def test_nodata_of_floats(tmp_path: Path, nodata: float) -> None:
    window = Window(0, 0, 2, 1)
    first = source(tmp_path, "a.tif", np.array([[nodata, 0.0]], np.float32), window, nodata)
    second = source(tmp_path, "b.tif", np.array([[nodata, 9.0]], np.float32), window, None)
    n_valid = mosaic(
        [first, second], window, GRID, tmp_path / "out.tif", dtype=np.float32, nodata=nodata, overview="average"
    )
    assert n_valid == 1
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert np.array_equal(dataset.read(1), np.array([[nodata, 0.0]], np.float32), equal_nan=True)


windows = st.builds(Window, st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 60), st.integers(1, 60))


@settings(deadline=None, max_examples=25)
@given(extent=windows, places=st.lists(windows, min_size=1, max_size=5), random_seed=st.integers(0, 99))
def test_any_arrangement_equals_the_definition_for_any_piece(
    tmp_path_factory: pytest.TempPathFactory, extent: Window, places: list[Window], random_seed: int
) -> None:
    folder = tmp_path_factory.mktemp("mosaic")
    random = np.random.default_rng(random_seed)
    arrays = [random.integers(0, 3, place.shape).astype(np.uint8) for place in places]
    sources = [
        source(folder, f"{i}.tif", array, place) for i, (array, place) in enumerate(zip(arrays, places, strict=True))
    ]
    expected = np.zeros(extent.shape, np.uint8)
    for row in range(extent.n_rows):
        for column in range(extent.n_columns):
            for array, place in zip(arrays, places, strict=True):
                i, j = row + extent.row - place.row, column + extent.column - place.column
                if 0 <= i < place.n_rows and 0 <= j < place.n_columns and array[i, j]:
                    expected[row, column] = array[i, j]
                    break
    if not any(place.intersection(extent) for place in places):
        with pytest.raises(ContractError, match="none of the"):
            mosaic(sources, extent, GRID, folder / "out.tif", dtype=np.uint8)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 16)
        patch.setattr(module, "PIECE_BYTES", 16 * 16 * 2)
        patch.setattr(module, "_to_cog", lambda plain, temporary, *_: temporary.write_bytes(plain.read_bytes()))
        n_valid = mosaic(sources, extent, GRID, folder / "out.tif", dtype=np.uint8)
    with rasterio.open(folder / "out.tif") as dataset:
        assert np.array_equal(dataset.read(1), expected)
    assert n_valid == np.count_nonzero(expected)


def labels_of_parcels(window: Window) -> NDArray[np.uint8]:
    """Parcels of 8 x 8 pixels with labels 1 to 4, a nodata band in the west, and single odd pixels."""
    random = np.random.default_rng(3)
    labels = np.kron(
        random.integers(1, 5, (window.n_rows // 8, window.n_columns // 8)), np.ones((8, 8), np.int64)
    ).astype(np.uint8)
    labels[::4, ::4] = 5
    labels[:, :9] = 0
    return labels


def test_the_result_is_a_cog_with_palette_nodata_and_mode_overviews(tmp_path: Path) -> None:
    window = Window(100, -3000, 1600, 1200)
    labels = labels_of_parcels(window)
    chunk = source(tmp_path, "a.tif", labels, window)
    colours = {0: (0, 0, 0), 1: (224, 155, 167), 5: (1, 2, 3)}
    mosaic([chunk], window, GRID, tmp_path / "map.tif", dtype=np.uint8, colormap=colours)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert np.array_equal(dataset.read(1), labels)
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.block_shapes == [(512, 512)]
        assert dataset.nodatavals == (0.0,)
        assert dataset.colormap(1)[1][:3] == (224, 155, 167)
        assert dataset.overviews(1) == [2, 4]
    with rasterio.open(tmp_path / "map.tif", overview_level=0) as dataset:
        overview = dataset.read(1)
        assert dataset.colormap(1)[5][:3] == (1, 2, 3)
    blocks = labels.reshape(600, 2, 800, 2).transpose(0, 2, 1, 3).reshape(600, 800, 4)
    counts = np.stack([(blocks == label).sum(axis=2) for label in range(1, 6)], axis=2)
    is_clear = counts.max(axis=2) > 2  # a majority without a tie; nodata has no vote
    assert np.array_equal(overview[is_clear], counts.argmax(axis=2)[is_clear] + 1)
    assert not overview[:, :4].any()
    half = counts[:, 4] > 0  # column 4 of the overview: one column of nodata, one of labels
    assert (overview[:, 4][half.any(axis=1)] > 0).all()
    assert 5 not in np.unique(overview[is_clear])


def test_average_overviews_leave_nodata_out(tmp_path: Path) -> None:
    window = Window(0, 0, 1024, 512)
    confidence = np.full(window.shape, 80, np.uint8)
    confidence[:, ::2] = 0
    chunk = source(tmp_path, "a.tif", confidence, window)
    mosaic([chunk], window, GRID, tmp_path / "out.tif", dtype=np.uint8, overview="average")
    with rasterio.open(tmp_path / "out.tif", overview_level=0) as dataset:
        assert np.unique(dataset.read(1)).tolist() == [80]


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    window = Window(0, 0, 640, 640)
    chunk = source(tmp_path, "a.tif", labels_of_parcels(window), window)
    contents = set()
    for threads in (1, 2):
        mosaic([chunk], window, GRID, tmp_path / "out.tif", dtype=np.uint8, threads=threads)
        contents.add((tmp_path / "out.tif").read_bytes())
    assert len(contents) == 1


def test_what_contradicts_the_grid_is_refused(tmp_path: Path) -> None:
    window = Window(0, 0, 4, 4)
    chunk = source(tmp_path, "a.tif", np.ones((4, 4), np.uint8), window)
    out = tmp_path / "out.tif"
    with pytest.raises(ContractError, match="does not cover"):
        mosaic([MosaicSource(chunk.path, 1, Window(1, 0, 4, 4))], window, GRID, out, dtype=np.uint8)
    with pytest.raises(ContractError, match="has 1 band"):
        mosaic([MosaicSource(chunk.path, 2, window)], window, GRID, out, dtype=np.uint8)
    with pytest.raises(ContractError, match="gives 2 band"):
        mosaic([chunk, MosaicSource(chunk.path, (1, 1), window)], window, GRID, out, dtype=np.uint8)
    with pytest.raises(ContractError, match="none of the 0 sources"):
        mosaic([], window, GRID, out, dtype=np.uint8)
    wide = source(tmp_path, "b.tif", np.full((4, 4), 256, np.uint16), window)
    with pytest.raises(ContractError, match="do not fit a mosaic of uint8"):
        mosaic([wide], window, GRID, out, dtype=np.uint8)
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a.tif", "b.tif"]


def test_a_truncated_source_is_named(tmp_path: Path) -> None:
    window = Window(0, 0, 600, 600)
    noise = np.random.default_rng(0).integers(1, 255, window.shape).astype(np.uint8)
    chunk = source(tmp_path, "a.tif", noise, window)
    chunk.path.write_bytes(chunk.path.read_bytes()[:100_000])
    with pytest.raises(InputError, match=r"a\.tif"):
        mosaic([chunk], window, GRID, tmp_path / "out.tif", dtype=np.uint8)
    assert [child.name for child in tmp_path.iterdir()] == ["a.tif"]
