"""Features against a plain numpy computation, pixel by pixel, and the laws of windows and wanted pixels."""

from __future__ import annotations

import datetime
import functools
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
import theia_tree as tree
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from i2db.errors import ConfigError, ContractError
from i2db.raster.cube import Cube
from i2db.raster.features import SensorFeatures, interpolation_dates
from i2db.raster.grid import Window
from i2db.raster.pixels import band_series
from i2db.raster.read import SeriesReader

BANDS = ("B2", "B4", "B8", "B11")
SIZE = (30, 26)
DAYS = ["2018-01-05", "2018-01-25", "2018-02-04", "2018-03-02"]
TARGETS = interpolation_dates(datetime.date(2018, 1, 1), datetime.date(2018, 3, 8), 11)


@functools.cache
def cube_of(window: Window) -> Cube:
    with SeriesReader(tree.sensor_of(BANDS), products(), tree.GRID) as reader:
        return reader.read(window)


@functools.cache
def products() -> tuple[tree.Product, ...]:
    folder = Path(tempfile.mkdtemp(prefix="i2db-features-"))
    return tuple(tree.random_series(folder, DAYS, BANDS, SIZE, seed=11, twice=True))


def features(**options: object) -> SensorFeatures:
    return SensorFeatures(**{"sensor": tree.SENSOR, "bands": BANDS, "dates": TARGETS} | options)  # type: ignore[arg-type]


def chosen_series(cube: Cube) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(dates, bands, rows, columns) of the first clear product of each day, NaN elsewhere; and what is clear."""
    bands = np.stack([band_series(cube, band) for band in BANDS], axis=1).astype(float)
    result = np.full((len(cube.dates), *bands.shape[1:]), np.nan)
    for date in range(len(cube.dates)):
        for product in range(cube.first_product[date + 1] - 1, cube.first_product[date] - 1, -1):
            clear = (cube.flags[product] == 0) & ~np.isnan(bands[product]).any(axis=0)
            result[date][:, clear] = bands[product][:, clear]
    return result, ~np.isnan(result).any(axis=1)


def expected_bands(cube: Cube) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(pixels, targets, bands) by numpy.interp, and which pixels have a clear date."""
    series, clear = chosen_series(cube)
    days = np.array([date.toordinal() for date in cube.dates])
    targets = np.array([date.toordinal() for date in TARGETS])
    n_rows, n_columns = cube.window.shape
    result = np.zeros((n_rows * n_columns, len(targets), len(BANDS)))
    for pixel in range(n_rows * n_columns):
        row, column = divmod(pixel, n_columns)
        seen = clear[:, row, column]
        if seen.any():
            for band in range(len(BANDS)):
                result[pixel, :, band] = np.interp(targets, days[seen], series[seen, band, row, column])
    return result, clear.any(axis=0).ravel()


def ratio(a: NDArray[np.float64], b: NDArray[np.float64], offset: float = 0) -> NDArray[np.float64]:
    total = a + b + offset
    return np.where(np.abs(total) < 1e-5, 0, 1000 * (a - b - offset) / np.where(total == 0, 1, total))


def expected(cube: Cube, offset: float = 0) -> dict[str, NDArray[np.float64]]:
    bands, valid = expected_bands(cube)
    red, nir, swir = bands[:, :, 1], bands[:, :, 2], bands[:, :, 3]
    relative = np.stack([red if band == 1 else ratio(bands[:, :, band], red, offset) for band in range(4)], axis=2)
    return {
        "bands": bands.reshape(len(bands), -1),
        "relative": relative.reshape(len(bands), -1),
        "NDVI": ratio(nir, red, offset),
        "NDWI": ratio(swir, nir, offset),
        "Brightness": np.sqrt((bands**2).sum(axis=2)),
        "valid": valid,
    }


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({}, ["bands", "NDVI", "NDWI", "Brightness"]),
        ({"indices": ("Brightness", "NDVI")}, ["bands", "NDVI", "Brightness"]),
        ({"indices": ()}, ["bands"]),
        ({"copy_input": False}, ["NDVI", "NDWI", "Brightness"]),
        ({"relative_reflectance": True}, ["relative", "NDVI", "NDWI", "Brightness"]),
        ({"relative_reflectance": True, "keep_duplicates": False}, ["relative", "NDWI", "Brightness"]),
        ({"acorfeat": True}, ["bands", "NDVI", "NDWI", "Brightness"]),
        ({"acorfeat": True, "relative_reflectance": True}, ["relative", "NDVI", "NDWI", "Brightness"]),
    ],
)
def test_against_numpy(options: dict[str, object], parts: list[str]) -> None:
    cube = cube_of(tree.whole(SIZE))
    wanted = features(**options)
    numbers, valid = wanted.compute(cube)
    oracle = expected(cube, offset=500 if "acorfeat" in options else 0)
    assert numbers.dtype == np.float32
    assert numbers.flags.c_contiguous
    assert numbers.shape[1] == len(wanted.features) == wanted.n_features
    np.testing.assert_array_equal(valid, oracle["valid"])
    assert 0 < valid.sum() <= len(valid)
    stacked = np.concatenate([oracle[part] for part in parts], axis=1)
    np.testing.assert_allclose(numbers[valid], stacked[valid], rtol=2e-4, atol=0.02)
    assert (numbers[~valid] == 0).all()


def test_names_order_and_units() -> None:
    listed = features(additional=("b1 + b2", "b4")).features
    names = [feature.name for feature in listed]
    n = len(TARGETS)
    assert names[:5] == [
        "sentinel2_b2_20180101", "sentinel2_b4_20180101", "sentinel2_b8_20180101", "sentinel2_b11_20180101",
        "sentinel2_b2_20180112",
    ]  # fmt: skip
    assert names[4 * n] == "sentinel2_ndvi_20180101"
    assert names[5 * n] == "sentinel2_ndwi_20180101"
    assert names[6 * n : 6 * n + 2] == ["sentinel2_brightness_20180101", "sentinel2_brightness_20180112"]
    assert names[7 * n] == "sentinel2_userfeature1_20180101"
    assert names[-1] == "sentinel2_userfeature2_20180308"
    assert len(set(names)) == len(names) == 9 * n
    assert (listed[0].band, listed[0].unit, listed[0].scale) == ("B2", "reflectance", 1e-4)
    assert (listed[4 * n].band, listed[4 * n].unit, listed[4 * n].scale) == ("NDVI", "1", 1e-3)
    assert listed[0].date == datetime.date(2018, 1, 1)


def test_zero_where_the_denominator_vanishes(tmp_path: Path) -> None:
    masks = {mask: np.zeros((4, 4), np.uint8) for mask in ("CLM", "SAT", "EDG")}
    bands = {band: np.zeros((4, 4), np.int16) for band in ("B2", "B4", "B8")} | {"B11": np.zeros((2, 2), np.int16)}
    product = tree.product(tmp_path, "2018-01-05", bands, masks)
    with SeriesReader(tree.sensor_of(BANDS), [product], tree.GRID) as reader:
        numbers, valid = features().compute(reader.read(reader.window))
    assert valid.all()
    assert (numbers == 0).all()


def test_additional_features() -> None:
    cube = cube_of(tree.whole(SIZE))
    text = "(b3 - b2) / (b3 + b2 + 1)"
    numbers, valid = features(additional=(text, "b1 * 2")).compute(cube)
    bands, _ = expected_bands(cube)
    n = len(TARGETS)
    plain = features().compute(cube)[0]
    np.testing.assert_array_equal(numbers[:, : 7 * n], plain)
    own = (bands[:, :, 2] - bands[:, :, 1]) / (bands[:, :, 2] + bands[:, :, 1] + 1)
    np.testing.assert_allclose(numbers[valid, 7 * n : 8 * n], own[valid], atol=1e-4)
    np.testing.assert_allclose(numbers[valid, 8 * n :], 2 * bands[valid, :, 0], rtol=1e-4, atol=0.02)
    alone = features(additional=("b1 * 2",), copy_input=False, indices=()).compute(cube)[0]
    np.testing.assert_array_equal(alone, numbers[:, 8 * n :])


def test_raw_dates() -> None:
    cube = cube_of(tree.whole(SIZE))
    absent = datetime.date(2018, 2, 20)
    dates = tuple(sorted([*cube.dates, absent]))
    wanted = features(dates=dates, is_gap_filled=False, additional=("b1 + 1",))
    numbers, valid = wanted.compute(cube)
    columns = {feature.name: place for place, feature in enumerate(wanted.features)}
    series, clear = chosen_series(cube)
    np.testing.assert_array_equal(valid, clear.any(axis=0).ravel())
    raw = np.stack([band_series(cube, band) for band in BANDS], axis=1)
    for date, day in enumerate(cube.dates):
        first, end = cube.first_product[date], cube.first_product[date + 1]
        seen = numbers[:, columns[f"sentinel2_b8_{day:%Y%m%d}"]]
        index = numbers[:, columns[f"sentinel2_ndvi_{day:%Y%m%d}"]]
        own = numbers[:, columns[f"sentinel2_userfeature1_{day:%Y%m%d}"]]
        is_clear = clear[date].ravel()
        np.testing.assert_allclose(seen[is_clear], series[date, 2].ravel()[is_clear], rtol=1e-6)
        has_data = ~np.isnan(raw[first:end]).any(axis=1)
        nothing = ~has_data.any(axis=0).ravel() & valid
        assert (seen[nothing] == -10000).all()
        assert (index[nothing] == -10000).all()
        assert (own[nothing] == -10000).all()
        if end - first == 1:  # clouded, but acquired: the number as it is
            cloudy = has_data[0].ravel() & ~is_clear & valid
            np.testing.assert_allclose(seen[cloudy], raw[first, 2].ravel()[cloudy], rtol=1e-6)
            assert cloudy.any()
    assert (numbers[valid][:, columns[f"sentinel2_b2_{absent:%Y%m%d}"]] == -10000).all()


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_chunks_rows_and_wanted_pixels_change_nothing(data: st.DataObject) -> None:
    whole = tree.whole(SIZE).grown(4)
    part = data.draw(
        st.builds(
            Window,
            st.integers(whole.column, whole.column_end - 8),
            st.integers(whole.row, whole.row_end - 8),
            n_columns=st.integers(1, 8),
            n_rows=st.integers(1, 8),
        )
    )
    is_filled = data.draw(st.booleans())
    dates = TARGETS if is_filled else tuple(sorted({product.date for product in products()}))
    wanted = features(dates=dates, is_gap_filled=is_filled, additional=("b1 - b4",))
    everything, all_valid = wanted.compute(cube_of(whole))
    rows, columns = part.slices_in(whole)
    places = np.arange(whole.n_pixels).reshape(whole.shape)[rows, columns]
    with SeriesReader(tree.sensor_of(BANDS), products(), tree.GRID) as reader:
        cube = reader.read(part)
    first = data.draw(st.integers(0, part.n_rows - 1))
    marked = np.array(data.draw(st.lists(st.booleans(), min_size=part.n_columns, max_size=part.n_columns)))
    block = np.broadcast_to(marked, (part.n_rows - first, part.n_columns)).copy()
    out = np.empty((part.n_pixels, wanted.n_features), np.float32)
    numbers, valid = wanted.compute(cube, slice(first, None), wanted=block, out=out)
    chosen = places[first:][block]
    np.testing.assert_array_equal(numbers, everything[chosen])
    np.testing.assert_array_equal(valid, all_valid[chosen])
    assert np.shares_memory(numbers, out) or numbers.size == 0


def test_bands_that_are_not_kept_do_not_matter() -> None:
    kept = features(bands=("B4", "B8"), indices=("NDVI",))
    with SeriesReader(tree.sensor_of(BANDS), products(), tree.GRID, bands=kept.bands) as reader:
        alone = kept.compute(reader.read(reader.window))
    among_others = kept.compute(cube_of(tree.whole(SIZE)))
    np.testing.assert_array_equal(alone[0], among_others[0])
    np.testing.assert_array_equal(alone[1], among_others[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"indices": ("EVI",)}, "'EVI' is not known"),
        ({"bands": ("B2", "B4", "B8")}, "keep_bands leaves out B11"),
        ({"bands": ("B2", "B99")}, "has no band 'B99'"),
        ({"dates": ()}, "must rise and be at least one"),
        ({"dates": TARGETS[::-1]}, "must rise"),
        ({"copy_input": False, "indices": ()}, "no feature of"),
        ({"additional": ("b1 +",)}, "b1"),
        ({"additional": ("b9",)}, "b9"),
    ],
)
def test_what_cannot_be_computed_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        features(**options)


def test_wrong_shapes_are_refused() -> None:
    cube = cube_of(tree.whole(SIZE))
    with pytest.raises(ContractError, match="wanted must be"):
        features().compute(cube, slice(0, 2), wanted=np.ones((3, SIZE[1]), bool))
    with pytest.raises(ContractError, match="out must hold"):
        features().compute(cube, out=np.empty((5, 5), np.float32))
    with pytest.raises(ContractError, match="read without band B3"):
        features(bands=("B3", "B4", "B8", "B11")).compute(cube)


def test_travels_to_a_worker() -> None:
    wanted = features(additional=("b1",))
    assert pickle.loads(pickle.dumps(wanted)) == wanted


@pytest.mark.parametrize(
    ("first", "last", "step", "expected_days"),
    [("20200101", "20200120", 10, ["20200101", "20200111"]), ("20190501", "20190506", 3, ["20190501", "20190504"])],
)
def test_interpolation_dates_of_iota2(first: str, last: str, step: int, expected_days: list[str]) -> None:
    found = interpolation_dates(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last), step)
    assert [f"{date:%Y%m%d}" for date in found] == expected_days


def test_interpolation_dates_are_checked() -> None:
    day = datetime.date(2018, 1, 2)
    with pytest.raises(ConfigError, match="lies before"):
        interpolation_dates(day, datetime.date(2018, 1, 1), 10)
    with pytest.raises(ConfigError, match="at least 1 day"):
        interpolation_dates(day, day, 0)
