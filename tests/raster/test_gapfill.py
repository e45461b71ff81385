"""Gap-filling against the vectors of OTB's module and numpy.interp; validity against a count by hand."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2db.raster.cube import MaskCube
from i2db.raster.gapfill import day_numbers, fill_series, longest_gap, n_valid
from i2db.raster.grid import Window


def fill(values: list[float], masked: list[int], days: list[float], targets: list[float]) -> tuple[list[float], bool]:
    series = np.array(values, dtype=np.float32)[np.newaxis, :, np.newaxis]
    invalid = np.array([masked], dtype=np.uint8)
    filled, valid = fill_series(series, invalid, np.array(days, float), np.array(targets, float))
    return filled[0, :, 0].tolist(), bool(valid[0])


@pytest.mark.parametrize(
    ("days", "expected"),
    [([0, 1, 2, 2.5, 4, 5, 6], 1.75), ([0, 1, 2, 3, 4, 5, 6], 2.5), ([0, 1, 2, 3.7, 4, 5, 6], 3.55)],
)
def test_vectors_of_the_otb_module(days: list[float], expected: float) -> None:
    filled, valid = fill([1, 1, 1, 0, 4, 1, 1], [0, 0, 0, 1, 0, 0, 0], days, days)
    assert filled[3] == pytest.approx(expected, abs=1e-6)
    assert filled[:3] + filled[4:] == [1, 1, 1, 4, 1, 1]
    assert valid


def test_leading_gap_takes_the_first_clear_value() -> None:
    assert (
        fill([0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 5, 6])[0] == [1] * 7
    )


def test_other_output_dates() -> None:
    filled, _ = fill([0, 1, 2, 4, 5], [0] * 5, [0, 1, 2, 4, 5], [0, 1, 2, 3, 4, 5])
    assert filled == [0, 1, 2, 3, 4, 5]


def test_no_clear_date_is_no_data() -> None:
    assert fill([5, 6], [1, 1], [0, 1], [0, 1]) == ([0, 0], False)


@given(st.data())
def test_numpy_interp(data: st.DataObject) -> None:
    days = sorted(data.draw(st.sets(st.integers(0, 800), min_size=1, max_size=12)))
    targets = sorted(data.draw(st.sets(st.integers(-50, 850), min_size=1, max_size=12)))
    n = len(days)
    values = data.draw(st.lists(st.integers(-2000, 12000), min_size=2 * n, max_size=2 * n))
    masked = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    series = np.array(values, dtype=np.float32).reshape(1, n, 2)
    invalid = np.array([masked], dtype=np.uint8)
    filled, valid = fill_series(series, invalid, np.array(days, float), np.array(targets, float))
    clear = ~np.array(masked)
    assert valid[0] == clear.any()
    if clear.any():
        for band in range(2):
            expected = np.interp(targets, np.array(days)[clear], series[0, clear, band])
            np.testing.assert_allclose(filled[0, :, band], expected, rtol=1e-5, atol=0.01)


@given(st.data())
def test_validity_by_hand(data: st.DataObject) -> None:
    offsets = sorted(data.draw(st.sets(st.integers(0, 40), min_size=1, max_size=8)))
    first = datetime.date(2018, 1, 1)
    dates = tuple(first + datetime.timedelta(days=offset) for offset in offsets)
    shape = (len(dates), 2, 3)
    n = len(dates) * 6
    invalid = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    masks = MaskCube(
        window=Window(0, 0, 3, 2),
        dates=dates,
        invalid=invalid.reshape(shape).astype(np.uint8),
        acquired=np.ones(shape, dtype=np.bool_),
    )
    counts, gaps = n_valid(masks), longest_gap(masks)
    days = day_numbers(dates)
    for row in range(2):
        for column in range(3):
            clear = {int(day) for day, bad in zip(days, masks.invalid[:, row, column], strict=True) if not bad}
            runs = "".join("." if day in clear else "x" for day in range(days[0], days[-1] + 1)).split(".")
            assert counts[row, column] == len(clear)
            assert gaps[row, column] == max(map(len, runs))
