"""Rasters that are written: what another reader finds in them."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from i2db.errors import ContractError
from i2db.files import checksum
from i2db.raster.grid import Grid, Window
from i2db.raster.write import raster_sink, write_raster

GRID = Grid("EPSG:32631", 10.0, 10.0)
WINDOW = Window(50_000, -560_000, 70, 30)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "int32", "float64"])
@pytest.mark.parametrize("compress", ["deflate", "zstd", "lzw", "none"])
def test_the_same_numbers_come_back(tmp_path: Path, dtype: str, compress: Any) -> None:
    array = np.random.default_rng(1).integers(0, 200, (3, *WINDOW.shape)).astype(dtype)
    path = tmp_path / "out.tif"
    write_raster(path, array, GRID, WINDOW, nodata=0, compress=compress, descriptions=["ndvi", "red", "near infrared"])
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(), array)
        assert dataset.dtypes == (dtype,) * 3
        assert dataset.crs.to_epsg() == 32631
        # By hand: 50000 columns of 10 m east of the origin, 560000 rows north of it.
        assert dataset.bounds == (500_000.0, 5_599_700.0, 500_700.0, 5_600_000.0)
        assert dataset.nodatavals == (0.0,) * 3
        assert dataset.descriptions == ("ndvi", "red", "near infrared")
        assert dataset.profile["tiled"]
        assert dataset.profile["interleave"] == "band"
        assert (dataset.compression is None) == (compress == "none")
    assert [child.name for child in tmp_path.iterdir()] == ["out.tif"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_palette_is_kept(tmp_path: Path, dtype: str) -> None:
    labels = np.full(WINDOW.shape, 60, dtype=dtype)
    write_raster(
        tmp_path / "map.tif", labels, GRID, WINDOW, nodata=0, colormap={60: (224, 155, 167), 99: (213, 144, 187)}
    )
    with rasterio.open(tmp_path / "map.tif") as dataset:
        palette = dataset.colormap(1)
        assert dataset.colorinterp[0].name == "palette"
    assert palette[60][:3] == (224, 155, 167)
    assert palette[99][:3] == (213, 144, 187)
    assert palette[61][:3] == (0, 0, 0)


def test_nan_is_a_nodata_of_floats(tmp_path: Path) -> None:
    array = np.array([[1.5, np.nan]], dtype=np.float32)
    write_raster(tmp_path / "x.tif", array, GRID, Window(0, 0, 2, 1), nodata=np.nan)
    with rasterio.open(tmp_path / "x.tif") as dataset:
        assert dataset.read(1, masked=True).mask.tolist() == [[False, True]]


def test_statistics_of_the_replaced_raster_go(tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    path.with_name("map.tif.aux.xml").write_text("<PAMDataset/>")
    write_raster(path, np.ones(WINDOW.shape, np.uint8), GRID, WINDOW, nodata=0)
    assert [child.name for child in tmp_path.iterdir()] == ["map.tif"]


@settings(deadline=None, max_examples=20)
@given(data=st.data(), n_columns=st.integers(1, 1100), n_rows=st.integers(1, 600))
def test_windows_in_any_order_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, n_columns: int, n_rows: int
) -> None:
    extent = Window(-300, -200, n_columns, n_rows)
    array = np.random.default_rng(n_columns * n_rows).integers(-9, 9, (2, *extent.shape)).astype(np.int16)
    columns = sorted({0, n_columns, *data.draw(st.lists(st.integers(0, n_columns), max_size=3))})
    rows = sorted({0, n_rows, *data.draw(st.lists(st.integers(0, n_rows), max_size=3))})
    pieces = [
        Window(extent.column + left, extent.row + top, right - left, bottom - top)
        for left, right in pairwise(columns)
        for top, bottom in pairwise(rows)
    ]
    path = tmp_path_factory.mktemp("sink") / "x.tif"
    with raster_sink(path, GRID, extent, n_bands=2, dtype=np.int16, nodata=-10000) as sink:
        for piece in data.draw(st.permutations(pieces)):
            sink.write(array[(slice(None), *piece.slices_in(extent))], piece)
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(), array)


def test_unwritten_pixels_are_an_error_and_leave_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(ContractError, match="700 pixels were written to a raster of 2100"),
        raster_sink(tmp_path / "x.tif", GRID, WINDOW, n_bands=1, dtype=np.uint8, nodata=0) as sink,
    ):
        sink.write(np.ones((10, 70), np.uint8), Window(WINDOW.column, WINDOW.row, 70, 10))
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_caller_passes_unchanged_and_keeps_the_old_raster(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    write_raster(path, np.ones(WINDOW.shape, np.uint8), GRID, WINDOW, nodata=0)
    before = checksum(path)

    def write_from_an_absent_raster() -> None:
        with raster_sink(path, GRID, WINDOW, n_bands=1, dtype=np.uint8, nodata=0) as sink:
            sink.write(np.zeros(WINDOW.shape, np.uint8), WINDOW)
            rasterio.open(tmp_path / "absent.tif")

    with pytest.raises(rasterio.errors.RasterioIOError, match="absent"):
        write_from_an_absent_raster()
    assert checksum(path) == before
    assert [child.name for child in tmp_path.iterdir()] == ["x.tif"]


@pytest.mark.parametrize(
    ("array", "window", "message"),
    [
        (np.zeros((30, 70), np.int16), WINDOW, "takes 1 band"),
        (np.zeros((29, 70), np.uint8), WINDOW, "takes 1 band"),
        (np.zeros((2, 30, 70), np.uint8), WINDOW, "takes 1 band"),
        (np.zeros((30, 70), np.uint8), Window(WINDOW.column + 1, WINDOW.row, 70, 30), "lies outside"),
    ],
)
def test_what_does_not_fit_the_sink_is_refused(
    tmp_path: Path, array: np.ndarray[Any, Any], window: Window, message: str
) -> None:
    with (
        pytest.raises(ContractError, match=message),
        raster_sink(tmp_path / "x.tif", GRID, WINDOW, n_bands=1, dtype=np.uint8, nodata=0) as sink,
    ):
        sink.write(array, window)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.zeros((30, 70), np.uint8), {"nodata": -1}, "nodata -1 cannot be written as uint8"),
        (np.zeros((30, 70), np.uint8), {"nodata": 0.5}, "nodata 0.5"),
        (np.zeros((30, 70), np.uint8), {"nodata": float("nan")}, "nodata nan"),
        (np.zeros((30, 70), np.bool_), {"nodata": 0}, "holds numbers"),
        (np.zeros((30, 70), np.uint8), {"nodata": 0, "descriptions": ["a", "b"]}, "2 band descriptions for 1"),
        (np.zeros((30, 70), np.int16), {"nodata": 0, "colormap": {1: (0, 0, 0)}}, "a palette needs"),
        (np.zeros(70, np.uint8), {"nodata": 0}, "an array"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, array: np.ndarray[Any, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        write_raster(tmp_path / "x.tif", array, GRID, WINDOW, **options)


@pytest.mark.parametrize("limit", [20_000, 700_000])
def test_a_disk_that_takes_no_more_is_told_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    # A limit on the size of files stands for a full disk: the first fails while writing, the second on closing.
    script = f"""
import resource, signal, sys
from pathlib import Path
import numpy as np
from i2db.errors import StageError
from i2db.raster.grid import Grid, Window
from i2db.raster.write import write_raster
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
array = np.random.default_rng(0).integers(0, 60000, (700, 700)).astype(np.uint16)
try:
    write_raster(Path(sys.argv[1]), array, Grid("EPSG:32631", 10, 10), Window(0, 0, 700, 700), nodata=0)
except StageError as error:
    sys.exit(str(error))
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "x.tif")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1, result.stderr
    assert "could not write" in result.stderr
    assert "GB free" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_compression_is_quick_and_loses_nothing(tmp_path: Path, dtype: str) -> None:
    """Level 1 or 3 of Zstandard, near in size to GDAL's own level 9, and the numbers come back."""
    rng = np.random.default_rng(4)
    array = (1000 * np.sin(np.indices((512, 512)).sum(axis=0) / 40) + rng.normal(0, 20, (512, 512))).astype(dtype)
    grid, window = Grid("EPSG:32631", 10, 10), Window(0, 0, 512, 512)
    path, slow = tmp_path / "quick.tif", tmp_path / "slow.tif"
    write_raster(path, array, grid, window, nodata=None)
    with rasterio.open(path) as source:
        np.testing.assert_array_equal(source.read(1), array)
        profile = source.profile | {"zstd_level": 9, "predictor": 3 if dtype == "float32" else 2}
    with rasterio.open(slow, "w", **profile) as target:
        target.write(array, 1)
    assert slow.stat().st_size <= path.stat().st_size < 1.2 * slow.stat().st_size
