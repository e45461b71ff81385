"""The published example of Olofsson et al. (2014), their equations written out, and draws from a known map."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from i2db.accuracy.stratified import Assessment, allocate, assess_sample, sample_size
from i2db.errors import ContractError, InputError

#: Table 8: deforestation, forest gain, stable forest, stable non-forest; rows are the map. Pixels of 30 m.
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = [200_000, 150_000, 3_200_000, 6_450_000]
HECTARES = 0.09


def of_counts(counts: NDArray[np.int64], areas: list[float]) -> Assessment:
    """Strata are the classes of the map."""
    n = len(areas)
    rows, columns = np.indices((n, n))
    produced, reference = np.repeat(rows.ravel(), counts.ravel()), np.repeat(columns.ravel(), counts.ravel())
    return assess_sample(produced, produced, reference, areas, tuple(range(1, n + 1)), areas)


def test_the_published_example() -> None:
    found = of_counts(COUNTS, [n * HECTARES for n in PIXELS])
    # Table 9.
    assert np.round(found.proportions, 4).tolist() == [
        [0.0176, 0.0, 0.0013, 0.0011],
        [0.0, 0.0110, 0.0016, 0.0024],
        [0.0019, 0.0, 0.2967, 0.0213],
        [0.0040, 0.0020, 0.0179, 0.6212],
    ]
    assert [(round(u.value or 0, 2), round(u.half_width or 0, 2)) for u in found.user] == [
        (0.88, 0.07),
        (0.73, 0.10),
        (0.93, 0.04),
        (0.96, 0.02),
    ]
    assert [round(p.value or 0, 2) for p in found.producer] == [0.75, 0.85, 0.93, 0.96]
    # The half widths of the producer's accuracies: by their equation 7, below.
    assert (round(found.overall.value or 0, 2), round(found.overall.half_width or 0, 2)) == (0.95, 0.02)
    # Section 5.3: deforestation has a standard error of 0.0035 of the area, and so 21,158 ha +- 6,158 ha.
    assert round((found.area[0].standard_error or 0) / found.total_area, 4) == 0.0035
    assert round(found.area[0].value or 0) == 21_158
    assert round(found.area[0].half_width or 0) == 6_158
    assert [round(a.value or 0) for a in found.area[1:]] == [11_686, 285_770, 581_386]
    assert [round(a.half_width or 0) for a in found.area[1:]] == [3_756, 15_510, 16_282]


def test_the_published_sample_size() -> None:
    """Section 5.1: user's accuracies 0.7, 0.6, 0.9 and 0.95, a standard error of 0.01: 641 points."""
    weights = np.array(PIXELS) / sum(PIXELS)
    assert sample_size(weights, np.array([0.7, 0.6, 0.9, 0.95]), 0.01, sum(PIXELS)) == 641


@pytest.mark.parametrize("seed", range(5))
def test_equals_olofssons_equations(seed: int) -> None:
    """Equations 1 to 11, written out, on a random matrix."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 60, (5, 5)) + np.diag(rng.integers(10, 200, 5))
    areas = rng.uniform(10, 9000, 5)
    found = of_counts(counts, areas.tolist())
    weights, n = areas / areas.sum(), counts.sum(axis=1)
    p = weights[:, None] * counts / n[:, None]
    user, producer = p.diagonal() / p.sum(axis=1), p.diagonal() / p.sum(axis=0)
    assert found.overall.value == pytest.approx(p.trace())
    assert found.overall.standard_error == pytest.approx(np.sqrt((weights**2 * user * (1 - user) / (n - 1)).sum()))
    for k in range(5):
        assert found.user[k].value == pytest.approx(user[k])
        assert found.user[k].standard_error == pytest.approx(np.sqrt(user[k] * (1 - user[k]) / (n[k] - 1)))
        totals = (areas[:, None] * counts / n[:, None]).sum(axis=0)
        others = [
            areas[i] ** 2 * counts[i, k] / n[i] * (1 - counts[i, k] / n[i]) / (n[i] - 1) for i in range(5) if i != k
        ]
        first = areas[k] ** 2 * (1 - producer[k]) ** 2 * user[k] * (1 - user[k]) / (n[k] - 1)
        variance = (first + producer[k] ** 2 * sum(others)) / totals[k] ** 2
        assert found.producer[k].value == pytest.approx(producer[k])
        assert found.producer[k].standard_error == pytest.approx(np.sqrt(variance))
        assert found.area[k].value == pytest.approx(areas.sum() * p[:, k].sum())
        spread = np.sqrt(((weights * p[:, k] - p[:, k] ** 2) / (n - 1)).sum())
        assert found.area[k].standard_error == pytest.approx(areas.sum() * spread)


def test_unbiased_and_honest_where_the_strata_are_not_the_classes() -> None:
    """A known map of 4,000 pixels, drawn 600 times by three strata that are no classes."""
    rng = np.random.default_rng(0)
    stratum = np.repeat([0, 1, 2], [2500, 1200, 300])
    reference = np.where(rng.random(4000) < 0.8 - 0.3 * stratum, 0, 1)
    produced = np.where(rng.random(4000) < 0.85, reference, 1 - reference)
    truth = {
        "overall": (produced == reference).mean(),
        "user": reference[produced == 1].mean(),
        "producer": produced[reference == 1].mean(),
        "area": (reference == 1).sum(),
    }
    values: dict[str, list[float]] = {name: [] for name in truth}
    errors: dict[str, list[float]] = {name: [] for name in truth}
    for _ in range(600):
        drawn = np.concatenate(
            [rng.choice(np.flatnonzero(stratum == h), n, replace=False) for h, n in enumerate((60, 50, 40))]
        )
        found = assess_sample(stratum[drawn], produced[drawn], reference[drawn], [2500, 1200, 300], (1, 2), [0, 0])
        for name in truth:
            one = found.overall if name == "overall" else getattr(found, name)[1]
            values[name].append(one.value)
            errors[name].append(one.standard_error)
    for name, true in truth.items():
        spread = np.std(values[name])
        assert np.mean(values[name]) == pytest.approx(true, abs=5 * spread / np.sqrt(600)), name
        assert np.mean(errors[name]) == pytest.approx(spread, rel=0.12), name


def test_undefined_is_none() -> None:
    found = of_counts(np.array([[5, 1, 0], [0, 1, 0], [0, 3, 0]]), [70.0, 20, 10])
    assert found.producer[2].value is None, "no point of the class"
    assert found.user[2].value == 0
    assert found.overall.value is not None
    assert found.overall.standard_error is None, "a stratum with one point has no variance"
    assert found.user[0].standard_error is not None, "which is no matter where it has no case"
    with pytest.raises(ContractError, match="strata without points"):
        of_counts(np.array([[5, 1], [0, 0]]), [1.0, 1.0])


def test_allocation() -> None:
    weights = np.array(PIXELS) / sum(PIXELS)
    deviations = np.sqrt(np.array([0.7, 0.6, 0.9, 0.95]) * (1 - np.array([0.7, 0.6, 0.9, 0.95])))
    available = np.array(PIXELS)
    # As in the paper: the rare classes get 75, the rest is shared by area (the paper rounds to 165 and 325).
    assert allocate(641, weights, available, 75, "proportional", deviations).tolist() == [75, 75, 163, 328]
    assert allocate(641, weights, available, 0, "equal", deviations).tolist() == [161, 160, 160, 160]
    neyman = allocate(640, weights, available, 0, "neyman", deviations)
    assert neyman.sum() == 640
    np.testing.assert_allclose(neyman, 640 * weights * deviations / (weights * deviations).sum(), atol=1)
    # A class of twenty pixels gives twenty, and the others get what is left.
    shares, few = np.array([0.5, 0.4, 0.1]), np.array([20, 900, 900])
    assert allocate(100, shares, few, 10, "proportional", np.ones(3)).tolist() == [20, 64, 16]
    # The least of all is more than was asked for; the map has fewer pixels than were asked for.
    half = np.array([0.5, 0.5])
    assert allocate(10, half, np.array([900, 900]), 30, "proportional", np.ones(2)).tolist() == [30, 30]
    assert allocate(5000, half, np.array([9, 9]), 30, "proportional", np.ones(2)).tolist() == [9, 9]


def test_what_cannot_be_aimed_at() -> None:
    with pytest.raises(InputError, match="standard error of 1 "):
        sample_size(np.ones(1), np.array([0.8]), 1, 100)
    with pytest.raises(InputError, match="between 0 and 1"):
        sample_size(np.ones(1), np.array([1.0]), 0.01, 100)
