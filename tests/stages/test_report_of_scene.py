"""The report of a whole run: every figure in it is that of the tables."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from i2db.cli.main import app
from i2db.errors import ConfigError, InputError
from i2db.report.collect import FINAL, REPORT_SQL, collect, write_report
from i2db.report.drawing import Label
from i2db.report.html import Block, ClassName, Folded, Gallery, Matrix, Report, Table, figures_of
from i2db.report.words import area, count, number, percent
from i2db.resources import sql_folder
from i2db.store.database import Database
from scenes import ask

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(clean: Path) -> Report:
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        return collect(database, clean)


def blocks_of(blocks: tuple[Block, ...]) -> Iterator[Block]:
    for block in blocks:
        match block:
            case Gallery():
                yield from block.items
            case Folded():
                yield from blocks_of(block.blocks)
            case _:
                yield block


def blocks(report: Report) -> Iterator[Block]:
    for section in report.sections:
        yield from blocks_of(section.blocks)


def cells(report: Report, caption: str) -> list[tuple[str, ...]]:
    """The texts in a table of the report, bars left out."""
    (table,) = (block for block in blocks(report) if isinstance(block, Table) and block.caption.startswith(caption))
    return [
        tuple(cell.name if isinstance(cell, ClassName) else cell for cell in row if isinstance(cell, str | ClassName))
        for row in table.rows
    ]


def test_the_headline_is_the_corrected_interval(clean: Path, report: Report) -> None:
    ((mean, corrected),) = ask(
        clean,
        "SELECT mean, corrected_half_width FROM accuracy_summary "
        "WHERE metric = 'overall_accuracy' AND class_code IS NULL",
    )
    assert report.headline is not None
    assert report.headline.figure == percent(mean)
    low, high = percent(max(mean - corrected, 0)), percent(min(mean + corrected, 1))
    assert report.headline.interval == f"95 % interval: {low} to {high}"
    assert f"between {low} and {high}" in " ".join(report.headline.meaning)


def test_measures_and_classes_are_those_of_the_views(clean: Path, report: Report) -> None:
    told = {row[0]: row for row in cells(report, "Accuracy of the map")}
    for name, metric in (("Kappa", "kappa"), ("Overall accuracy", "overall_accuracy"), ("Mean F-score", "f_score")):
        ((mean, plain, corrected),) = ask(
            clean,
            "SELECT mean, half_width, corrected_half_width FROM accuracy_summary "
            f"WHERE metric = '{metric}' AND class_code IS NULL",
        )
        assert told[name][1] == number(mean)
        assert told[name][3:] == (f"± {plain:.3f}", f"± {corrected:.3f}")
    expected = ask(
        clean,
        "PIVOT (SELECT class_name, class_code, metric, mean FROM accuracy_summary WHERE class_code IS NOT NULL) "
        "ON metric IN ('precision', 'recall', 'f_score') USING any_value(mean) ORDER BY class_code",
    )
    found = {row[0]: row for row in cells(report, "Accuracy of each class")}
    assert len(found) == len(expected) >= 3
    for name, code, precision, recall, f_score in expected:
        assert found[name][1] == str(code)
        assert found[name][4:7] == (number(precision), number(recall), number(f_score))
    runs = ask(clean, "SELECT run, n_polygons, n_pixels, overall_accuracy FROM accuracy ORDER BY run")
    assert [row[:4] for row in cells(report, "Each run")] == [
        (str(run), count(polygons), count(pixels), number(accuracy)) for run, polygons, pixels, accuracy in runs
    ]


def test_matrices_and_pairs_are_those_of_the_views(clean: Path, report: Report) -> None:
    pixels = {
        (reference, predicted): n
        for reference, predicted, n in ask(
            clean, "SELECT reference_code, predicted_code, sum(n_pixels) FROM confusion GROUP BY ALL"
        )
    }
    matrices = [block for block in blocks(report) if isinstance(block, Matrix)]
    codes = [code for code, _ in matrices[0].classes]
    assert {
        (codes[i], codes[j]): n for i, row in enumerate(matrices[0].counts) for j, n in enumerate(row) if n
    } == pixels
    summed = sum(np.array(matrix.counts) for matrix in matrices[1:])
    np.testing.assert_array_equal(summed, matrices[0].counts)
    top = ask(
        clean,
        "SELECT reference_name, predicted_name, n_pixels, share_of_errors FROM top_confusion "
        "ORDER BY n_pixels DESC, reference_code, predicted_code LIMIT 10",
    )
    assert cells(report, "Pairs of classes") == [(a, b, count(n), percent(share)) for a, b, n, share in top]


def test_the_map_and_its_legend(clean: Path, report: Report) -> None:
    with rasterio.open(clean / FINAL / "Classif_Seed_0.tif") as source:
        labels = source.read(1)
    for entry in report.legend:
        n = int((labels == entry.code).sum())
        expected = n / np.count_nonzero(labels)
        shown = entry.extent.replace("\N{NO-BREAK SPACE}%", "").replace("< ", "")
        assert (entry.extent == "not on the map") == (n == 0)
        assert not n or float(shown) / 100 == pytest.approx(expected, abs=0.006)
    mapped = ask(
        clean,
        "SELECT mapped_area / 1e4 FROM class_area JOIN class USING (class_code) WHERE run = 0 ORDER BY class_rank",
    )
    assert [row[2] for row in cells(report, "Hectares of each class, map of run 0")] == [
        area(hectares) for (hectares,) in mapped
    ]
    with rasterio.open(clean / FINAL / "PixelsValidity.tif") as source:
        dates = source.read(1)
    (told,) = (block for block in blocks(report) if isinstance(block, str) and "seen clear" in block)
    seen = np.sort(dates[dates > 0])
    assert (
        f"on {seen[(len(seen) - 1) // 2]} dates or more, the worst of them on {seen[0]}, the best on {seen[-1]}."
        in told
    )


def test_where_it_fails_samples_findings_and_features(clean: Path, report: Report) -> None:
    edges = ask(
        clean,
        "SELECT bin, sum(n_pixels), sum(accuracy * n_pixels) / sum(n_pixels) FROM accuracy_by_circumstance "
        "WHERE circumstance = 'pixels from the edge' GROUP BY at_least, bin ORDER BY at_least",
    )
    found = [(row[0], row[2], row[3]) for row in cells(report, "Accuracy by pixels from the edge")]
    assert found == [(bin_, count(n), number(share)) for bin_, n, share in edges]
    learnt = ask(
        clean, "SELECT class_name, region, avg(n_learn) FROM class_statistics GROUP BY ALL HAVING avg(n_learn) > 0"
    )
    samples = {(row[0], row[1]): row[6] for row in cells(report, "Samples of each class")}
    assert learnt
    for name, region, n in learnt:
        assert samples[name, region] == count(n)
    n_findings = ask(clean, "SELECT count(*) FROM finding")[0][0]
    assert len(cells(report, "Findings") if n_findings else []) == min(n_findings, 50)
    first = ask(
        clean,
        "SELECT feature_name, avg(importance) FROM feature_importance WHERE method = 'impurity' GROUP BY 1 "
        "ORDER BY 2 DESC, 1 LIMIT 1",
    )
    assert cells(report, "The foremost")[0] == (first[0][0], number(first[0][1], 4))


def test_profiles_are_those_of_the_macro(clean: Path, report: Report) -> None:
    classes = dict(ask(clean, "SELECT DISTINCT class_code, class_name FROM profile('NDVI')"))
    profiles = {figure.name: figure for figure in figures_of(report) if figure.name.startswith("profile_")}
    assert set(profiles) == {f"profile_{code}" for code in classes}
    for code, name in classes.items():
        ((date, top),) = ask(
            clean,
            "SELECT arg_max(date, (median, -epoch(date))), max(median) / 1000 FROM profile('NDVI') "
            f"WHERE class_code = {code}",
        )
        drawing = profiles[f"profile_{code}"].drawing
        assert f"{top:.2f}, on {date}" in drawing.alternative
        assert name in [shape.text for shape in drawing.shapes if isinstance(shape, Label)]


def test_settings_that_differ_and_no_other(report: Report) -> None:
    told = {row[0]: row[1:] for row in cells(report, "Keys that differ")}
    assert told["arg_train.runs"] == ("2", "1")
    assert told["chain.output_path"][1] == "must be set"
    assert "arg_train.ratio" not in told
    assert "chain.first_step" not in told


def test_written_anew_it_is_the_same_and_small(clean: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(clean, folder, ignore=shutil.ignore_patterns("parts", "learningSamples"))
    (folder / "report.html").unlink()
    app(args=["report", str(folder), "--figures", str(folder / "figures")], standalone_mode=False)
    text = (folder / "report.html").read_text("utf-8")
    first = (clean / "report.html").read_text("utf-8")

    def without_times(page: str) -> str:
        """Without the section of what ran: evaluate itself is among it only afterwards."""
        return re.sub(r'<section id="what-ran">.*?</section>', "", page, flags=re.DOTALL)

    assert without_times(text) == without_times(first)
    assert "evaluate" in text
    assert len(text) < 1_000_000
    assert not re.findall(r"https?:|//[a-z]|@import|url\(|<script", re.sub(r"base64,[\w+/=]+", "", text))
    names = {path.name for path in (folder / "figures").iterdir()}
    assert {"map.png", "confidence.png", "clear_dates.png", "confusion_run_0.png", "confusion_run_1.png"} <= names


def test_a_title_is_said_and_escaped(clean: Path, tmp_path: Path) -> None:
    shutil.copytree(clean / FINAL, tmp_path / FINAL)
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        path, _ = write_report(database, tmp_path, title="Crops & <meadows>")
    assert "<h1>Crops &amp; &lt;meadows&gt;</h1>" in path.read_text("utf-8")


def test_what_is_missing_is_named(clean: Path, tmp_path: Path) -> None:
    with (
        Database.open(clean / "i2db.duckdb", read_only=True) as database,
        pytest.raises(InputError, match=r"cannot draw .*Classif_Seed_0\.tif"),
    ):
        write_report(database, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="no database"):
        app(args=["report", str(tmp_path)], standalone_mode=False)
    Database.open(tmp_path / "i2db.duckdb").close()
    with pytest.raises(ConfigError, match="not evaluated yet"):
        app(args=["report", str(tmp_path)], standalone_mode=False)


def test_all_sql_of_the_report_is_in_the_fingerprint_of_evaluate() -> None:
    from i2db.report import collect as module
    from i2db.stages.evaluate import STAGE

    named = set(
        re.findall(r"\"((?:catalogue|curve|evaluate|report)/[a-z_]+)\"", Path(module.__file__).read_text("utf-8"))
    )
    on_disk = {f"report/{path.stem}" for path in (sql_folder() / "report").glob("*.sql")}
    assert named - {"report/evaluated"} == set(REPORT_SQL)
    assert on_disk - {"report/evaluated"} <= set(REPORT_SQL)
    assert set(REPORT_SQL) <= set(STAGE.sql)
