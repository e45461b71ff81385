from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from i2db.report.matrix import Confusion
from i2db.report.nomenclature import read_nomenclature
from i2db.report.results import Caveats, Unseen, results_text

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data" / "confusion").resolve()


@pytest.fixture
def runs() -> list[Confusion]:
    """iota2's two matrices: ten classes, 69 pixels each."""
    if not DATA.is_dir():
        pytest.skip("the matrices of iota2's tests are not here (shared/data/confusion)")
    names = {one.code: one.name for one in read_nomenclature(DATA / "nomenclature.txt")}
    confusions = []
    for path in sorted(DATA.glob("*.csv")):
        header, _, *rows = path.read_text().splitlines()
        codes = tuple(int(code) for code in header.split(":")[1].split(","))
        counts = np.array([[int(count) for count in row.split(",")] for row in rows])
        confusions.append(Confusion(codes, tuple(names[code] for code in codes), counts))
    return confusions


def test_iota2s_matrices_give_iota2s_means_and_the_right_intervals(runs: list[Confusion]) -> None:
    text = results_text(runs)
    kappas, accuracies = [], []
    for run in runs:
        reference, produced = np.nonzero(run.counts)
        weights = run.counts[reference, produced]
        kappas.append(metrics.cohen_kappa_score(reference, produced, sample_weight=weights))
        accuracies.append(metrics.accuracy_score(reference, produced, sample_weight=weights))
    factor = stats.t.ppf(0.975, 1)
    assert f"KAPPA : 0.903 +- {factor * stats.sem(kappas):.3f}\n" in text
    assert f"OA : 0.913 +- {factor * stats.sem(accuracies):.3f}\n" in text
    # With iota2's 9 degrees of freedom the same errors are the 0.037 and 0.033 of its own report.
    assert round(stats.t.ppf(0.975, 9) * stats.sem(kappas), 3) == 0.037
    assert round(stats.t.ppf(0.975, 9) * stats.sem(accuracies), 3) == 0.033
    assert "Student's t with 1 degree of freedom" in text


def test_layout_is_iota2s(runs: list[Confusion]) -> None:
    lines = results_text(runs).splitlines()
    assert lines[:5] == ["#row = reference", "#col = production", "", "*********** Confusion matrix ***********", ""]
    width = len("foret coniferes")
    assert [cell.strip() for cell in lines[5].split("|")[:4]] == ["", "ete", "hiver", "foret feuillus"]
    assert {len(cell) for cell in lines[7].split("|")[:-1]} == {width}
    assert [cell.strip() for cell in lines[7].split("|")[:3]] == ["hiver", "0.00", "6.50"]
    header = next(i for i, line in enumerate(lines) if line.strip().startswith("Classes"))
    names = [cell.strip() for cell in lines[header].split("|")]
    assert names[:5] == ["Classes", "Precision mean", "Recall mean", "F-score mean", "Confusion max"]
    assert set(lines[header + 1]) == {"-"}
    first, second = ([cell.strip() for cell in lines[header + k].split("|")] for k in (2, 3))
    assert first == ["ete", *["1.000 +- 0.000"] * 3, "ete, vigne, verger", "-", "8"]
    assert second[0] == "hiver"
    assert second[1].startswith("0.889 +- 1.412")  # iota2: 0.251 with t(0.975, 9) = 2.262 in place of 12.706
    assert round(1.412 / stats.t.ppf(0.975, 1) * stats.t.ppf(0.975, 9), 3) == 0.251


def test_one_run_has_no_interval_and_undefined_is_a_dash() -> None:
    counts = np.array([[3, 1, 0], [0, 0, 0], [0, 2, 0]])
    text = results_text([Confusion((1, 2, 3), ("maize", "grass", "water"), counts, (2, 0, 1))])
    assert "+-" not in text.split("One run: no interval.")[0]
    assert "OA : 0.500\n" in text
    rows = {line.split("|")[0].strip(): [cell.strip() for cell in line.split("|")] for line in text.splitlines()}
    assert rows["maize"] == ["maize", "1.000", "0.750", "0.857", "maize, grass, water", "2", "4"]
    assert rows["grass"] == ["grass", "0.000", "-", "-", "-", "0", "0"]
    assert rows["water"] == ["water", "-", "0.000", "0.000", "grass, water, maize", "1", "2"]
    assert "Never validated (no validation polygon in any run): grass." in text
    assert "RESUBSTITUTION" not in text


def test_notes() -> None:
    one = Confusion((1, 2), ("maize", "grass"), np.array([[3, 1], [0, 2]]), (2, 2))
    orchard = Unseen(run=0, region="2", name="orchard", n_polygons=1, n_pixels=12)
    text = results_text([one, one], Caveats(is_resubstitution=True, unvalidated=("potatoes",), unseen=(orchard,)))
    assert "RESUBSTITUTION: the polygons that validate also learnt" in text
    assert "Never validated (no validation polygon in any run): potatoes." in text
    assert "  run 0, region 2: orchard, pixels: 12, polygons: 1" in text
    assert all(line == line.rstrip() for line in text.splitlines())
