"""What a run leaves in the tables of intervals, areas and separability, and what its report says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from i2db.simulate import Scene
from i2db.store.database import Database
from scenes import ask, run_scene

pytestmark = pytest.mark.slow


def test_intervals_hold_the_estimates_of_the_views(clean: Path) -> None:
    found = dict(ask(clean, "SELECT metric, estimate FROM accuracy_interval WHERE class_code IS NULL AND run = 0"))
    ((oa, kappa, f_score),) = ask(clean, "SELECT overall_accuracy, kappa, f_score FROM accuracy WHERE run = 0")
    assert (found["overall_accuracy"], found["kappa"]) == (pytest.approx(oa), pytest.approx(kappa))
    assert found["f_score"] == pytest.approx(f_score)
    per_class = ask(
        clean,
        "SELECT metric, accuracy_interval.class_code, estimate, precision, recall, f_score FROM accuracy_interval "
        "JOIN class_accuracy USING (run, class_code)",
    )
    assert len(per_class) >= 12
    for metric, _, estimate, precision, recall, score in per_class:
        expected = {"precision": precision, "recall": recall, "f_score": score}[metric]
        assert estimate == (None if expected is None else pytest.approx(expected))
    bounds = ask(
        clean, "SELECT lower_bound, estimate, upper_bound FROM accuracy_interval WHERE lower_bound IS NOT NULL"
    )
    assert all(0 <= low <= high <= 1 for low, _, high in bounds)
    assert sum(low <= estimate <= high for low, estimate, high in bounds) > 0.9 * len(bounds)


def test_areas_are_those_of_the_map(clean: Path) -> None:
    with rasterio.open(clean / "final" / "Classif_Seed_0.tif") as source:
        labels = source.read(1)
    found = ask(clean, "SELECT class_code, n_pixels, mapped_area, adjusted_area FROM class_area WHERE run = 0")
    assert {code: n for code, n, *_ in found if n} == {
        int(code): int((labels == code).sum()) for code in np.unique(labels) if code
    }
    for _, n, mapped, _ in found:
        # UTM: within a thousandth of 100 square metres a pixel.
        assert mapped == pytest.approx(100 * n, rel=2e-3)
    adjusted = [area for *_, area in found if area is not None]
    assert sum(adjusted) == pytest.approx(sum(mapped for _, _, mapped, _ in found), rel=1e-9)


def test_separability_of_every_date_and_pair(clean: Path) -> None:
    ((n_dates,),) = ask(clean, "SELECT count(DISTINCT date) FROM feature")
    ((n_classes,),) = ask(
        clean,
        "SELECT count(DISTINCT class_code) FROM sample JOIN candidate USING (sample_id) "
        "JOIN polygon USING (polygon_id)",
    )
    ((n, low, high),) = ask(
        clean, "SELECT count(*), min(jeffries_matusita), max(jeffries_matusita) FROM class_separability"
    )
    assert n == n_dates * n_classes * (n_classes - 1) // 2
    assert 0 <= low < high <= 2


def test_the_report_and_the_text_show_it(clean: Path) -> None:
    report = (clean / "report.html").read_text("utf-8")
    for heading in ("How good the map is", "Where the map fails", "NDVI of the classes", "Areas"):
        assert f"<h2>{heading}</h2>" in report
    text = (clean / "final" / "RESULTS.txt").read_text("utf-8")
    ((corrected,),) = ask(
        clean, "SELECT corrected_half_width FROM accuracy_summary WHERE metric = 'kappa' AND class_code IS NULL"
    )
    (line,) = (line for line in text.splitlines() if line.startswith("Kappa "))
    assert f"+- {corrected:.3f}" in line


def test_evaluated_again_gives_the_same(scene: Scene, clean: Path, tmp_path: Path) -> None:
    names = ("accuracy_interval", "class_area", "class_separability")
    run_scene(scene.config, tmp_path / "out", "execution.memory=1GB", lenders=(clean / "parts",))
    for name in names:
        assert ask(tmp_path / "out", f"FROM {name} ORDER BY ALL") == ask(clean, f"FROM {name} ORDER BY ALL")
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        assert database.rows("evaluate/areas")
