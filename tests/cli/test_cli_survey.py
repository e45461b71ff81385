"""Samples of a map: drawn, interpreted by the truth of the scene, evaluated; regrouped classes; what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from commands import Command
from sklearn import metrics

from i2db.errors import InputError
from i2db.raster.labels import open_labels
from i2db.report.regroup import read_grouping
from i2db.simulate import Scene
from i2db.survey import Design, design_sample, evaluate_points
from scenes import ask

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mapped(clean: Path) -> Path:
    return clean / "final" / "Classif_Seed_0.tif"


@pytest.fixture
def interpreted(mapped: Path, scene: Scene, tmp_path: Path) -> Path:
    """A sample of the map with its labels from the truth, in another projection."""
    path = tmp_path / "points.gpkg"
    design_sample(mapped, path, Design(n_points=400, least=30))
    return label(path, scene.truth)


def label(path: Path, truth: Path) -> Path:
    points = pyogrio.read_dataframe(path, layer="points")
    with rasterio.open(truth) as source:
        codes = [int(value[0]) for value in source.sample(zip(points.geometry.x, points.geometry.y, strict=True))]
    points["label"] = [str(code) for code in codes]
    done = path.with_name("interpreted.gpkg")
    pyogrio.write_dataframe(points.to_crs("EPSG:4326"), done, layer="points", driver="GPKG")
    pyogrio.write_dataframe(pyogrio.read_dataframe(path, layer="strata"), done, layer="strata", driver="GPKG")
    return done


def test_a_design_is_what_it_says(mapped: Path, tmp_path: Path) -> None:
    strata = design_sample(mapped, tmp_path / "p.gpkg", Design(target_error=0.02, least=40))
    with rasterio.open(mapped) as source:
        labels = source.read(1)
        points = pyogrio.read_dataframe(tmp_path / "p.gpkg", layer="points")
        assert points.crs == source.crs
        drawn = [int(value[0]) for value in source.sample(zip(points.geometry.x, points.geometry.y, strict=True))]
    assert points["stratum"].tolist() == drawn
    assert points["point_id"].tolist() == list(range(1, len(points) + 1))
    assert points["label"].isna().all()
    # Scan order: north to south, west to east.
    places = list(zip(-points.geometry.y, points.geometry.x, strict=True))
    assert places == sorted(set(places))
    for one in strata:
        assert (one.n_pixels, one.n_points) == ((labels == one.code).sum(), (points["stratum"] == one.code).sum())
        assert one.n_points >= 40
    sizes = pyogrio.read_dataframe(tmp_path / "p.gpkg", layer="strata")
    assert sizes["area"].tolist() == [one.area for one in strata]
    # All expected at 0.8: 0.16 / 0.02 squared are 400 points, a little less for a finite map.
    assert sum(one.n_points for one in strata) == pytest.approx(400, abs=12)


def test_estimates_are_near_the_truth(mapped: Path, interpreted: Path, scene: Scene) -> None:
    """Of the whole map the truth is known: the estimates are within four standard errors of it."""
    found = evaluate_points(mapped, interpreted, "label", other=0).assessment
    with rasterio.open(mapped) as source, rasterio.open(scene.truth) as true:
        labels, truth = source.read(1), true.read(1)[: source.height, : source.width]
        assert source.transform == true.transform
    is_mapped = labels > 0
    accuracy = (labels == truth)[is_mapped].mean()
    assert found.overall.value is not None
    assert found.overall.standard_error is not None
    assert abs(found.overall.value - accuracy) < 4 * found.overall.standard_error
    for i, code in enumerate(found.codes):
        one, share = found.area[i], (truth[is_mapped] == code).mean()
        assert one.value is not None
        assert one.standard_error is not None
        assert abs(one.value / found.total_area - share) < 4 * one.standard_error / found.total_area + 1e-9


def test_another_map_is_evaluated_with_the_same_points(mapped: Path, interpreted: Path, scene: Scene) -> None:
    """The truth itself as a map is never wrong, and its areas are what it shows."""
    found = evaluate_points(scene.truth, interpreted, "label", other=0).assessment
    assert found.overall.value == 1
    assert found.overall.standard_error == pytest.approx(0)
    assert found.counts.trace() == found.counts.sum()


def test_labels_in_words_of_their_own(mapped: Path, interpreted: Path) -> None:
    plain = evaluate_points(mapped, interpreted, "label", other=0)
    points = pyogrio.read_dataframe(interpreted, layer="points")
    points["label"] = " crop " + points["label"]
    pyogrio.write_dataframe(points, interpreted, layer="points", driver="GPKG")
    with pytest.raises(InputError, match="labels that are no class: crop 0, crop 10"):
        evaluate_points(mapped, interpreted, "label", other=0)
    words = {f"crop {code}": code for code in (0, 6, 10, 13, 16)}
    found = evaluate_points(mapped, interpreted, "label", other=0, recode=words)
    assert found.assessment.codes == plain.assessment.codes
    np.testing.assert_array_equal(found.assessment.counts, plain.assessment.counts)
    np.testing.assert_array_equal(found.assessment.proportions, plain.assessment.proportions)


def test_commands(i2db: Command, clean: Path, scene: Scene, tmp_path: Path) -> None:
    answer = i2db("sample-design", clean, "--target-se", "0.03", "--min-per-class", "20", "-o", tmp_path / "p.gpkg")
    code, out, err = answer.code, answer.out, answer.err
    assert code == 0, err
    assert out.splitlines()[0].split()[:3] == ["class_code", "class_name", "n_pixels"]
    done = label(tmp_path / "p.gpkg", scene.truth)
    answer = i2db("evaluate", clean, "--reference", done, "--other", 0)
    code, out, err = answer.code, answer.out, answer.err
    assert code == 0, err
    assert "overall_accuracy  standard_error  half_width" in out
    assert "Strata: those that the points were drawn from." in err
    answer = i2db("evaluate", clean, "--reference", done, "--other", 0, "--show", "areas", "--format", "json")
    code, out, err = answer.code, answer.out, answer.err
    rows = json.loads(out)
    assert sum(row["corrected"] for row in rows) == pytest.approx(sum(row["mapped"] for row in rows))
    answer = i2db("evaluate", clean, "--reference", done, "--format", "json")
    code, out, err = answer.code, answer.out, answer.err
    assert (code, "--show overall, classes, areas or confusion" in err) == (2, True)
    answer = i2db("evaluate", clean)
    code, out, err = answer.code, answer.out, answer.err
    assert (code, "nothing to evaluate with" in err) == (2, True)


def test_regrouped_runs(i2db: Command, clean: Path, tmp_path: Path) -> None:
    codes = [code for (code,) in ask(clean, "SELECT class_code FROM class ORDER BY class_rank")]
    grouping = tmp_path / "groups.csv"
    lines = [f"{codes[0]},900,first two", f"{codes[1]},900,first two"]
    grouping.write_text("\n".join(["class_code,group_code,group_name", *lines]) + "\n")
    answer = i2db("evaluate", clean, "--regroup", grouping)
    code, out, err = answer.code, answer.out, answer.err
    assert code == 0, err
    pixels = ask(clean, "SELECT run, reference_code, predicted_code, n_pixels FROM confusion")
    frame = pd.DataFrame(pixels, columns=["run", "reference", "predicted", "n"]).replace(dict.fromkeys(codes[:2], 900))
    kappas = [
        metrics.cohen_kappa_score(part["reference"], part["predicted"], sample_weight=part["n"])
        for _, part in frame.groupby("run")
    ]
    assert f"KAPPA : {np.mean(kappas):.3f}" in out
    assert "first two" in out
    answer = i2db("evaluate", clean, "--regroup", grouping, "--show", "confusion", "--format", "csv")
    code, out, err = answer.code, answer.out, answer.err
    assert f"0,900,{codes[2]}," in out


def test_regrouped_points(mapped: Path, interpreted: Path, tmp_path: Path) -> None:
    plain = evaluate_points(mapped, interpreted, "label", other=0).assessment
    path = tmp_path / "groups.csv"
    path.write_text("class_code,group_code\n" + "".join(f"{code},1\n" for code in plain.codes if code))
    found = evaluate_points(mapped, interpreted, "label", other=0, grouping=read_grouping(path)).assessment
    # Wrong is what is left: the roads.
    assert (found.codes, found.overall.value) == (
        (0, 1),
        pytest.approx(1 - (plain.area[0].value or 0) / plain.total_area),
    )
    assert found.area[1].value == pytest.approx(plain.total_area - (plain.area[0].value or 0))


def points_file(path: Path, geometry: object, crs: str = "EPSG:32631", **columns: object) -> Path:
    geopandas.GeoDataFrame(columns, geometry=geometry, crs=crs).to_file(path)
    return path


def test_bad_references(mapped: Path, interpreted: Path, tmp_path: Path) -> None:
    with open_labels(mapped) as labels:
        x, y = labels.left + 305, labels.top - 305
        crs = labels.crs
    one = [shapely.Point(x, y)]
    away = points_file(tmp_path / "away.gpkg", [shapely.Point(x + 1e6, y)], crs, label=["1"])
    with pytest.raises(InputError, match=r"none of the 1 points of .*away\.gpkg lies where"):
        evaluate_points(mapped, away, "label")
    areas = points_file(tmp_path / "areas.gpkg", [one[0].buffer(30)], crs, label=["1"])
    with pytest.raises(InputError, match="holds Polygon, not points"):
        evaluate_points(mapped, areas, "label")
    with pytest.raises(InputError, match="has no field klass"):
        evaluate_points(mapped, interpreted, "klass")
    for label in ("lake", "inf", "nan", "1e999", "6.5"):
        strange = points_file(tmp_path / f"strange_{label}.gpkg", one, crs, label=[label])
        with pytest.raises(InputError, match=f"labels that are no class: {label}"):
            evaluate_points(mapped, strange, "label")
    with pytest.raises(InputError, match="labels that are no class") as caught:
        evaluate_points(mapped, strange, "label", names={6: "wheat", 10: "10"})
    assert str(caught.value.hint).startswith("classes are 6 (wheat), 10, 13, 16;")
    added = tmp_path / "added.gpkg"
    points = pyogrio.read_dataframe(interpreted, layer="points")
    points["stratum"] = points["stratum"].astype(float).where(points["point_id"] != 3)
    pyogrio.write_dataframe(points, added, layer="points")
    pyogrio.write_dataframe(pyogrio.read_dataframe(interpreted, layer="strata"), added, layer="strata")
    with pytest.raises(InputError, match=r"1 points of .* have no stratum"):
        evaluate_points(mapped, added, "label", other=0)
    empty = points_file(tmp_path / "empty.gpkg", one, crs, label=[" "])
    with pytest.raises(InputError, match=r"no point of .* has a label"):
        evaluate_points(mapped, empty, "label")
    with open_labels(mapped) as labels:
        (code,) = labels.labels_at(np.array([x]), np.array([y])).tolist()
    lonely = points_file(tmp_path / "lonely.gpkg", one, crs, label=[str(code)])
    with pytest.raises(InputError, match="strata without a labelled point"):
        evaluate_points(mapped, lonely, "label")


def test_points_without_a_design_are_said_to_be_taken_on_trust(mapped: Path, interpreted: Path, tmp_path: Path) -> None:
    points = pyogrio.read_dataframe(interpreted, layer="points").drop(columns="stratum")
    points.loc[0, "label"] = None
    pyogrio.write_dataframe(points, tmp_path / "plain.gpkg")
    found = evaluate_points(mapped, tmp_path / "plain.gpkg", "label", other=0)
    assert any("only if they are a probability sample" in note for note in found.notes)
    assert any("1 points have no label" in note for note in found.notes)
    designed = evaluate_points(mapped, interpreted, "label", other=0).assessment
    assert found.assessment.overall.value == pytest.approx(designed.overall.value, abs=0.02)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "has no column class_code, group_code"),
        ("class_code,group_code\n1,x\n", "2: class_code and group_code are whole numbers"),
        ("class_code,group_code\n1,2\n1,3\n", "3: class 1 is already regrouped"),
        ("class_code,group_code\n1,0\n", "group_code 0 is no class"),
        ("class_code,group_code,group_name\n1,7,a\n2,7,b\n", "group 7 is called 'a' above"),
        ("class_code,group_code\n", "regroups no class"),
    ],
)
def test_bad_groupings(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_grouping(path)


def test_groupings_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_text("class_code,group_code\n1,3\n8,3\n")
    grouping = read_grouping(path)
    with pytest.raises(InputError, match="does not have: 8"):
        grouping.check({1, 2, 3}, "the map")
    with pytest.raises(InputError, match="group 3 has the code of a class that is not regrouped"):
        grouping.check({1, 3, 8}, "the map")
    grouping.check({1, 8, 2}, "the map")
