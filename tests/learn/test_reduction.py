"""Principal components by group against numpy's singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from i2db.errors import InputError
from i2db.learn.reduction import FeatureKey, reducer, reduction_of

KEYS = [
    FeatureKey(f"{sensor}_{band}_{date}", sensor, band, date)
    for sensor in ("s2", "l8")
    for date in ("20180101", "20180111", "20180121")
    for band in ("B4", "NDVI")
] + [FeatureKey("slope", "user", "slope", None)]


@pytest.mark.parametrize(
    ("mode", "groups"),
    [
        ("global", {"all": list(range(13))}),
        ("sensor_band", {"s2_B4": [0, 2, 4], "s2_NDVI": [1, 3, 5], "l8_B4": [6, 8, 10], "l8_NDVI": [7, 9, 11],
                         "user_slope": [12]}),
        ("band", {"B4": [0, 2, 4, 6, 8, 10], "NDVI": [1, 3, 5, 7, 9, 11], "slope": [12]}),
        ("date", {"20180101": [0, 1, 6, 7], "20180111": [2, 3, 8, 9], "20180121": [4, 5, 10, 11], "undated": [12]}),
        ("sensor_date", {"s2_20180101": [0, 1], "s2_20180111": [2, 3], "s2_20180121": [4, 5], "l8_20180101": [6, 7],
                         "l8_20180111": [8, 9], "l8_20180121": [10, 11], "user_undated": [12]}),
    ],
)  # fmt: skip
def test_groups_and_their_components(mode: str, groups: dict[str, list[int]]) -> None:
    reduction = reduction_of(KEYS, mode, 1)  # type: ignore[arg-type]
    assert {name: list(columns) for name, columns in reduction.groups} == groups
    generator = np.random.default_rng(0)
    features = (generator.normal(size=(80, 13)) @ generator.normal(size=(13, 13)) * 100 + 7).astype(np.float32)
    found = reducer(reduction, len(features)).fit(features).transform(features)
    assert found.shape == (80, len(groups))
    for i, columns in enumerate(groups.values()):
        part = features[:, columns].astype(np.float64)
        part = (part - part.mean(axis=0)) / part.std(axis=0)
        _, _, components = np.linalg.svd(part, full_matrices=False)
        expected = part @ components[0]
        sign = np.sign(found[:, i] @ expected)
        np.testing.assert_allclose(found[:, i], sign * expected, rtol=1e-3, atol=1e-3)


def test_a_reduction_that_reduces_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"target_dimension 2 reduces nothing.*sensor_date has 2 features"):
        reduction_of(KEYS, "sensor_date", 2)
    assert reduction_of(KEYS, "date", 2).n_components == 2
