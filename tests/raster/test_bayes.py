"""Bayesian smoothing against the formula computed pixel by pixel; windows against the whole."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from i2db.errors import ContractError
from i2db.raster.bayes import bayes_smooth, logits


def scene(n_classes: int, n_rows: int, n_columns: int, seed: int = 0) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(n_classes, 0.5), size=(n_rows, n_columns))
    return np.floor(shares * 1000 + 0.5).astype(np.uint16).transpose(2, 0, 1), rng.random((n_rows, n_columns)) > 0.2


def slowly(
    parts: NDArray[np.uint16], has_data: NDArray[np.bool_], radius: int, variance: float, fraction: float
) -> NDArray[np.float64]:
    """The posterior by the formula: logits by numpy, a sort per pixel."""
    share = np.clip(parts / 1000, 0.0005, 0.9995)
    x = np.log(share / (1 - share))
    n_classes, n_rows, n_columns = parts.shape
    result = np.zeros((n_classes, n_rows - 2 * radius, n_columns - 2 * radius))
    for row, column in np.ndindex(*result.shape[1:]):
        window = slice(row, row + 2 * radius + 1), slice(column, column + 2 * radius + 1)
        if not has_data[row + radius, column + radius]:
            continue
        for one in range(n_classes):
            around = np.sort(x[one][window][has_data[window]])[::-1]
            kept = around[: int(np.ceil(len(around) * fraction))]
            spread = kept.var(ddof=1) if len(kept) > 1 else 0.0
            own = x[one, row + radius, column + radius]
            posterior = (spread * own + variance * kept.mean()) / (spread + variance)
            result[one, row, column] = 1 / (1 + np.exp(-posterior))
        result[:, row, column] /= result[:, row, column].sum()
    return result


@pytest.mark.parametrize(
    ("radius", "variance", "fraction"), [(1, 10.0, 0.5), (2, 0.5, 1.0), (3, 20.0, 0.25), (1, 5.0, 0.05)]
)
def test_the_formula(radius: int, variance: float, fraction: float) -> None:
    parts, has_data = scene(4, 17, 23)
    found = bayes_smooth(parts, has_data, radius, variance=variance, fraction=fraction)
    np.testing.assert_allclose(found, slowly(parts, has_data, radius, variance, fraction), atol=2e-6)


def test_by_hand() -> None:
    """Of three equal pixels around one that says otherwise: v = 0 for the half that is kept, so it is outvoted."""
    parts = np.full((2, 3, 3), 900, dtype=np.uint16)
    parts[1] = 100
    parts[:, 1, 1] = 400, 600
    found = bayes_smooth(parts, np.ones((3, 3), dtype=bool), 1, variance=10.0, fraction=0.5)
    # Class 1: the five likeliest of (0.9 eight times, 0.4) are all 0.9. Class 2: 0.6 once, then 0.1 four times.
    kept = np.log([0.6 / 0.4, *[0.1 / 0.9] * 4])
    spread, mean = kept.var(ddof=1), kept.mean()
    posterior = (spread * kept[0] + 10 * mean) / (spread + 10)
    likely = np.array([0.9, 1 / (1 + np.exp(-posterior))])
    np.testing.assert_allclose(found[:, 0, 0], likely / likely.sum(), atol=1e-6)
    assert found[0, 0, 0] > found[1, 0, 0]


def test_windows_and_threads_change_no_bit() -> None:
    radius = 3
    parts, has_data = scene(3, 150, 90, seed=4)
    whole = bayes_smooth(parts, has_data, radius, variance=10.0, fraction=0.5)
    assert np.array_equal(whole, bayes_smooth(parts, has_data, radius, variance=10.0, fraction=0.5, n_threads=3))
    n_rows, n_columns = whole.shape[1:]
    for top, left, bottom, right in ((0, 0, 11, 7), (11, 7, 100, 40), (n_rows - 5, 0, n_rows, n_columns)):
        around = slice(top, bottom + 2 * radius), slice(left, right + 2 * radius)
        piece = bayes_smooth(parts[:, *around], has_data[around], radius, variance=10.0, fraction=0.5)
        assert np.array_equal(piece, whole[:, top:bottom, left:right])


def test_a_pixel_alone_stays_as_it_is() -> None:
    parts, has_data = scene(3, 9, 9)
    has_data[:] = False
    has_data[4, 4] = True
    found = bayes_smooth(parts, has_data, 2, variance=10.0, fraction=0.5)
    own = 1 / (1 + np.exp(-logits()[parts[:, 4, 4]]))
    np.testing.assert_allclose(found[:, 2, 2], own / own.sum(), rtol=1e-6)
    found[:, 2, 2] = 0
    assert not found.any()


def test_what_it_refuses() -> None:
    parts, has_data = scene(2, 6, 6)
    with pytest.raises(ContractError, match="no margin of 3"):
        bayes_smooth(parts, has_data, 3, variance=1.0, fraction=0.5)
    with pytest.raises(ContractError, match="no margin of 1"):
        bayes_smooth(parts, has_data[1:], 1, variance=1.0, fraction=0.5)
    with pytest.raises(ContractError, match="1001 parts per thousand"):
        bayes_smooth(np.where(parts == parts.max(), 1001, parts), has_data, 1, variance=1.0, fraction=0.5)


def test_memory_does_not_grow_with_the_threads() -> None:
    """Besides what comes out, each thread has a few rows."""
    probability, has_data = np.full((12, 262, 262), 80, dtype=np.uint16), np.ones((262, 262), dtype=np.bool_)
    bayes_smooth(probability[:, :32, :32], has_data[:32, :32], 3, variance=10.0, fraction=0.5)  # compiled by now
    tracemalloc.start()
    result = bayes_smooth(probability, has_data, 3, variance=10.0, fraction=0.5, n_threads=4)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * result.nbytes
