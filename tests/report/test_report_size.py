"""A report of many classes with long names, many runs and large noisy maps still is one small page."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine

from i2db.report import accuracy, seen
from i2db.report.html import Report, Section, report_html
from i2db.report.intervals import IntervalRow
from i2db.report.matrix import Confusion
from i2db.report.style import LegendClass, default_palette

N_CLASSES, N_RUNS, SIDE = 30, 10, 1400


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("maps")
    for name, top in (("labels", N_CLASSES), ("confidence", 100)):
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint8", nodata=0,
            crs="EPSG:32631", transform=Affine(10, 0, 500_000, 0, -10, 5_000_000),
        ) as target:  # fmt: skip
            target.write(rng.integers(1, top + 1, (SIDE, SIDE)).astype(np.uint8), 1)
    codes = range(1, N_CLASSES + 1)
    colors = default_palette(codes)
    names = {code: f"Class {code} <{'of a long & winding name ' * 3}>" for code in codes}
    classes = {code: LegendClass(code, names[code], colors[code]) for code in codes}
    legend = [
        {"class_code": code, "class_name": names[code], "hectares": 1.0, "share": 1 / N_CLASSES}
        | dict(zip(("red", "green", "blue"), colors[code], strict=True))
        for code in codes
    ]
    runs = [
        Confusion(
            tuple(codes), tuple(names.values()), rng.integers(0, 90_000, (N_CLASSES, N_CLASSES)), (5,) * N_CLASSES
        )
        for _ in range(N_RUNS)
    ]
    rows = [
        {"run": run, "held_out": None, "n_polygons": 150, "n_pixels": one.n_pixels, "overall_accuracy": one.oa()}
        | {"kappa": one.kappa(), "f_score": one.mean_f_score()}
        for run, one in enumerate(runs)
    ]
    intervals = [IntervalRow("Overall accuracy", None, 0.5, 0.1, 0.2, ((0.4, 0.6),) * N_RUNS)]
    intervals += [IntervalRow("x", code, 0.5, 0.1, 0.2, ((0.4, 0.6),) * N_RUNS) for code in codes]
    return report_html(
        Report(
            title="Many",
            headline=accuracy.headline(intervals, rows, is_resubstitution=False, notes=[]),
            map=seen.map_figure(folder / "labels.tif", legend, n_runs=N_RUNS),
            legend=seen.legend_entries(legend),
            sections=[
                accuracy.accuracy_section(intervals, rows, []),
                accuracy.classes_section(accuracy.scores_of(runs), intervals, N_RUNS, classes),
                accuracy.confusion_section(runs, []),
                Section("a", (seen.confidence_figure(folder / "confidence.tif", kind="x", n_runs=N_RUNS),)),
                Section("b", (seen.confidence_figure(folder / "confidence.tif", kind="x", n_runs=N_RUNS),)),
            ],
        )
    )


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) < 3_000_000


def test_all_classes_are_there_and_single_matrices_are_elsewhere(page: str) -> None:
    for code in range(1, N_CLASSES + 1):
        assert f"Class {code} &lt;of a long &amp; winding name" in page
    assert "<of" not in page
    assert page.count('class="scroll matrix many"') == 1
    assert "The matrix of each run is in final/" in page
    assert "95 % interval: 30\N{NO-BREAK SPACE}% to 70\N{NO-BREAK SPACE}%" in page


def test_the_interval_is_that_of_the_polygons_where_there_is_one_run() -> None:
    row = IntervalRow("Overall accuracy", None, 0.8, None, None, ((0.75, 0.84),))
    runs = [{"n_polygons": 40}]
    head = accuracy.headline([row], runs, is_resubstitution=False, notes=["Beware."])
    assert head is not None
    assert head.interval.replace("\N{NO-BREAK SPACE}", " ") == "95 % interval: 75 % to 84 %"
    assert "The map was judged by 40 polygons." in head.meaning[1]
    assert head.cautions == ("Beware.",)
    same = accuracy.headline([row], runs, is_resubstitution=True, notes=[])
    assert same is not None
    assert same.interval.startswith("no interval")
    alone = IntervalRow("Overall accuracy", None, 0.8, None, None, (None,))
    without = accuracy.headline([alone], runs, is_resubstitution=False, notes=[])
    assert without is not None
    assert "too few polygons" in without.interval
    nothing = IntervalRow("Overall accuracy", None, None, None, None, ())
    assert accuracy.headline([nothing], [], is_resubstitution=False, notes=[]) is None


def test_an_interval_ends_where_the_measure_does() -> None:
    assert accuracy.best_interval(IntervalRow("x", None, 0.7, 0.3, 0.6, (None, None))) == (pytest.approx(0.1), 1.0)
    assert accuracy.best_interval(IntervalRow("Kappa", None, 0.1, 0.3, 2.0, (None, None)), -1.0) == (-1.0, 1.0)
