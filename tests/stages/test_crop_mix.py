"""Annual classes from the previous year: two simulated years of the same parcels, and what does not go together."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2db.config.reader import load
from i2db.errors import ConfigError, InputError
from i2db.raster.grid import Grid
from i2db.simulate import Scene, simulate
from i2db.stages.chain import CLASSIFICATION
from i2db.stages.fuse import require_free_label
from i2db.stages.previous import annual_rows, check_previous, match_features, previous_folder
from scenes import ask, run_scene

ANNUAL = (6, 10)
TO_EXTRACT = tuple(stage for stage in CLASSIFICATION[:6])
RESOLUTION = "sentinel_2.temporal_resolution=60"


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    """The same parcels in two years; the first is extracted."""
    folder = tmp_path_factory.mktemp("years")
    scenes = [
        simulate(folder / str(year), size=64, dates=4, classes=4, polygons=24, seed=3, first_date=f"{year}0101")
        for year in (2017, 2018)
    ]
    run_scene(scenes[0].config, folder / "2017/out", RESOLUTION, stages=TO_EXTRACT)
    return scenes[0], scenes[1]


def settings(years: tuple[Scene, Scene], *others: str) -> tuple[str, ...]:
    return (
        RESOLUTION,
        "arg_train.crop_mix=True",
        f"arg_train.prev_features={years[0].folder / 'out'}",
        'arg_train.annual_crop=["6", "10"]',
        'arg_train.a_crop_label_replacement=["20", "annualCrop"]',
        *others,
    )


@pytest.fixture(scope="module")
def mixed(years: tuple[Scene, Scene], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mixed") / "out"
    run_scene(years[1].config, out, *settings(years))
    return out


@pytest.mark.slow
def test_annual_classes_learn_last_years_numbers_and_the_others_this_years(
    years: tuple[Scene, Scene], mixed: Path
) -> None:
    before = years[0].folder / "out"
    theirs = {row[0]: row[1] for row in ask(before, "SELECT sample_id, features FROM sample")}
    drawn = ask(
        mixed,
        "SELECT run, class_code, sample_id, features FROM selection JOIN labelled_pixel USING (sample_id) "
        "JOIN sample USING (sample_id)",
    )
    assert {code for _, code, *_ in drawn} > set(ANNUAL)
    for _, code, sample_id, features in drawn:
        assert (sample_id < 0) == (code in ANNUAL)
        if code in ANNUAL:
            assert features == theirs[-1 - sample_id]
    # The same parcels: with strategy all exactly last year's pixels off this year's val polygons are learnt.
    for run in (0, 1):
        learning = {
            row[0]
            for row in ask(
                mixed,
                "SELECT sample_id FROM candidate JOIN polygon_split USING (polygon_id) JOIN polygon USING (polygon_id) "
                f"WHERE run = {run} AND split = 'learn' AND polygon.class_code IN {ANNUAL}",
            )
        }
        assert {-1 - row[2] for row in drawn if row[0] == run and row[1] in ANNUAL} == learning & set(theirs)
    counts = {
        (run, code): sum(row[:2] == (run, code) for row in drawn) for run, code in {(row[0], row[1]) for row in drawn}
    }
    assert counts == {row[:2]: row[2] for row in ask(mixed, "SELECT run, class_code, n_samples FROM model_class")}


@pytest.mark.slow
def test_the_matrix_is_merged_and_the_original_kept(mixed: Path) -> None:
    def matrix(path: Path) -> tuple[list[int], np.ndarray]:
        lines = path.read_text(encoding="utf-8").splitlines()
        codes = [int(code) for code in lines[0].split(":")[1].split(",")]
        return codes, np.array([[int(cell) for cell in row] for row in csv.reader(lines[2:])])

    for run in (0, 1):
        codes, whole = matrix(mixed / f"final/MatrixBeforeClassMerge_{run}.csv")
        merged_codes, merged = matrix(mixed / f"final/TMP/Classif_Seed_{run}.csv")
        assert set(ANNUAL) <= set(codes)
        assert 20 in merged_codes
        assert not set(ANNUAL) & set(merged_codes)
        place = [merged_codes.index(20 if code in ANNUAL else code) for code in codes]
        expected = np.zeros_like(merged)
        np.add.at(expected, (np.array(place)[:, None], np.array(place)[None, :]), whole)
        np.testing.assert_array_equal(merged, expected)
        (accuracy,) = ask(mixed, f"SELECT overall_accuracy, n_unknown FROM accuracy WHERE run = {run}")
        assert accuracy == (pytest.approx(merged.trace() / merged.sum()), 0)
    text = (mixed / "final/RESULTS.txt").read_text(encoding="utf-8")
    assert "F-score of annualCrop" in text
    assert ask(mixed, "SELECT count(*) FROM class_area WHERE class_code = 20 AND mapped_area > 0") == [(2,)]


@pytest.mark.slow
def test_a_run_again_does_nothing_and_a_strategy_sees_last_years_pixels(
    years: tuple[Scene, Scene], mixed: Path, tmp_path: Path
) -> None:
    again: Any = run_scene(years[1].config, mixed, *settings(years))
    assert again.tally.total("run") == 0
    out = tmp_path / "out"
    strategy = ("arg_train.sample_selection.strategy=smallest", "arg_train.runs=1")
    run_scene(years[1].config, out, *settings(years, *strategy), stages=TO_EXTRACT, lenders=(mixed / "parts",))
    numbers = {row[0] for row in ask(out, "SELECT n_drawn FROM quota")}
    assert len(numbers) == 1
    assert ask(out, "SELECT count(DISTINCT class_code) FROM quota") == [(4,)]


def _feature(sensor: str, band: str, day: str | None, group: str = "s", rank: int = 1) -> dict[str, Any]:
    date = None if day is None else datetime.date.fromisoformat(day)
    return {"feature_group": group, "feature_rank": rank, "sensor": sensor, "band": band, "date": date}


def test_features_are_matched_by_their_order_in_time_within_sensor_and_band() -> None:
    ours = [
        _feature("s2", "B4", "2018-01-01"),
        _feature("s2", "B4", "2018-03-01"),
        _feature("s2", "NDVI", "2018-01-01"),
        _feature("user", "slope", None),
    ]
    theirs = [
        _feature("user", "slope", None, "rasters", 1),
        _feature("s2", "NDVI", "2017-01-05", "s", 1),
        _feature("s2", "B4", "2017-03-06", "s", 2),
        _feature("s2", "B4", "2017-01-05", "s", 3),
    ]
    assert match_features(ours, theirs, "it") == [("s", 2), ("s", 1), ("s", 0), ("rasters", 0)]
    with pytest.raises(InputError, match=r"it has other features than this year: s2 B4: 1 there, 2 here; s2 B8: 1"):
        match_features(ours, [*theirs[:3], _feature("s2", "B8", "2017-01-05")], "it")


def config_of(years: tuple[Scene, Scene], *others: str) -> Any:
    return load(years[1].config, settings(years, *others)).config


def test_what_is_impossible_in_the_configuration_is_told(years: tuple[Scene, Scene]) -> None:
    for others, message in (
        (("arg_train.prev_features=None",), "crop_mix needs arg_train.prev_features"),
        (("arg_train.annual_crop=[]",), "crop_mix needs arg_train.annual_crop"),
        (('arg_train.annual_crop=["six"]',), "must be class codes"),
        (("arg_train.a_crop_label_replacement=[10]",), "must be a label and a name"),
        (("arg_train.a_crop_label_replacement=[6, 'crop']",), "label 6 is one of arg_train.annual_crop itself"),
        (("arg_train.output_prev_features=x",), "says it twice"),
        (("arg_train.samples_classif_mix=True",), "not built yet"),
    ):
        with pytest.raises(ConfigError, match=message):
            config_of(years, *others)
    names = {6: "wheat", 10: "maize", 13: "meadow"}
    rows = annual_rows(config_of(years), names)
    assert [(row["class_code"], row["merged_code"], row["merged_name"]) for row in rows] == [
        (6, 20, "annualCrop"),
        (10, 20, "annualCrop"),
    ]
    apart = annual_rows(config_of(years, "arg_train.a_crop_label_replacement=[]"), names)
    assert {row["merged_code"] for row in apart} == {None}
    for others, message in (
        (("arg_train.annual_crop=[6, 11]",), "class 11 is not in"),
        (("arg_train.a_crop_label_replacement=[13, 'crop']",), r"nomenclature has 13 \(meadow\)"),
        (("arg_train.a_crop_label_replacement=[21, 'meadow']",), r"nomenclature has 13 \(meadow\)"),
    ):
        with pytest.raises(InputError, match=message):
            annual_rows(config_of(years, *others), names)


def test_the_label_of_annual_classes_is_none_of_undecided_pixels(years: tuple[Scene, Scene]) -> None:
    merge = "arg_classification.merge_final_classifications"
    names = {6: "wheat", 10: "maize", 13: "meadow"}
    undecided = config_of(years, f"{merge}=True", f"{merge}_undecidedlabel=20")
    with pytest.raises(ConfigError, match="undecidedlabel is 20, which is class annualCrop"):
        require_free_label(undecided, names)
    require_free_label(config_of(years, f"{merge}=True"), names)


def test_a_previous_project_is_found_by_folder_or_configuration(years: tuple[Scene, Scene], tmp_path: Path) -> None:
    out = years[0].folder / "out"
    assert previous_folder(config_of(years)) == out
    by_configuration = config_of(years, f"arg_train.prev_features={years[0].config}")
    assert previous_folder(by_configuration).resolve() == out.resolve()
    moved = (f"arg_train.prev_features={years[0].config}", f"arg_train.output_prev_features={tmp_path}")
    for others, message in (
        (moved, "there is no project in"),
        ((f"arg_train.prev_features={tmp_path / 'none'}",), "does not exist"),
        ((f"chain.output_path={out}",), "this year's own output folder"),
    ):
        with pytest.raises(ConfigError, match=message):
            previous_folder(config_of(years, *others))


def test_a_previous_project_of_another_kind_is_told(years: tuple[Scene, Scene]) -> None:
    config, grid = config_of(years), Grid("EPSG:32631", 10.0, 10.0)
    features = [
        dict(zip(("feature_group", "feature_rank", "sensor", "band", "date"), row, strict=True))
        for row in ask(
            years[0].folder / "out",
            "SELECT feature_group, feature_rank, sensor, band, date FROM feature ORDER BY feature_id",
        )
    ]
    check_previous(config, grid, ["1"], features)
    for given, message in (
        ((Grid("EPSG:32631", 20.0, 20.0), ["1"], features), "this year's are EPSG:32631, pixels of 20.0 x 20.0"),
        ((Grid("EPSG:32631", 10.0, 10.0, 5.0, 5.0), ["1"], features), r"pixels of 10.0 x 10.0 from \(5.0, 5.0\)"),
        ((grid, ["north"], features), "has regions that this year has not: 1"),
        ((grid, ["1"], features[:-1]), "has other features than this year"),
    ):
        with pytest.raises(InputError, match=message):
            check_previous(config, *given)
    with pytest.raises(InputError, match="has no sample of annual class 99"):
        check_previous(config_of(years, "arg_train.annual_crop=[6, 99]"), grid, ["1"], features)
