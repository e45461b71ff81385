"""The chain with several models per region, fused runs and smoothed maps, against the same made by hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from sklearn import metrics

from i2db.chain.project import Project
from i2db.config.reader import load
from i2db.errors import ConfigError, InputError
from i2db.raster.bayes import bayes_smooth
from i2db.raster.fusion import beliefs, dempster_shafer
from i2db.raster.grid import Window, rows_columns
from i2db.raster.regularise import regularise
from i2db.runner import space_shortage
from i2db.simulate import Scene, simulate
from scenes import FUSED, TO_MOSAIC, TO_SELECT, Quiet, ask, maps, run_scene, tables

pytestmark = pytest.mark.slow

MERGE = "arg_classification.merge_final_classifications"
PROBABILITIES = "arg_classification.enable_probability_map=True"


@pytest.fixture(scope="module")
def fused(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs with all of it."""
    folder = tmp_path_factory.mktemp("fused") / "out"
    run_scene(scene.config, folder, *FUSED, PROBABILITIES, "arg_train.runs=3")
    return folder


@pytest.fixture(scope="module")
def voted(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, fused by evidence and smoothed by vote, one model per region, judged by all polygons."""
    folder = tmp_path_factory.mktemp("voted") / "out"
    run_scene(scene.config, folder, *VOTED)
    return folder


VOTED = (
    f"{MERGE}=True",
    f"{MERGE}_method=dempstershafer",
    f"{MERGE}_undecidedlabel=200",
    "arg_classification.dempstershafer_mob=recall",
    "arg_classification.fusionofclassification_all_samples_validation=True",
    "arg_classification.smoothing=majority",
    "arg_classification.keep_runs_results=False",
)


def at(array: NDArray[np.generic], folder: Path, ids: list[int]) -> list[int]:
    """What a map (rows, columns) holds at samples."""
    with rasterio.open(folder / "final" / "Classif_Seed_0.tif") as source:
        left, top, size = source.transform.c, source.transform.f, source.transform.a
    rows, columns = rows_columns(np.array(ids))
    found: list[int] = array[rows + round(top / size), columns - round(left / size)].tolist()
    return found


def test_the_runs_vote(fused: Path) -> None:
    of = maps(fused)
    labels = np.stack([of[f"Classif_Seed_{run}.tif"][0] for run in range(3)]).astype(int)
    confidences = np.stack([of[f"Confidence_Seed_{run}.tif"][0] for run in range(3)]) / 100
    found = of["Classifications_fusion.tif"][0]
    n_tied = 0
    for row, column in np.ndindex(*found.shape):
        said = labels[:, row, column]
        said = said[said != 0]
        codes, counts = np.unique(said, return_counts=True)
        winners = codes[counts == counts.max()] if len(said) else [0]
        assert found[row, column] == (winners[0] if len(winners) == 1 else 255)
        n_tied += len(winners) > 1
    assert n_tied > 0
    says = labels == found
    agreement = np.where(says, confidences, 1 - confidences).mean(axis=0)
    expected = np.where(says.any(axis=0) & (found > 0), agreement * 100, 0)
    assert np.abs(of["Confidence_fusion.tif"][0] - expected).max() <= 0.5 + 1e-4


def test_fused_probabilities_and_how_sure_they_are(fused: Path) -> None:
    of = maps(fused)
    probabilities = np.stack([of[f"ProbabilityMap_seed_{run}.tif"] for run in range(3)]).astype(float)
    mean = of["ProbabilityMap_fusion.tif"].astype(float)
    assert np.abs(mean - probabilities.mean(axis=0)).max() <= 0.5
    has_data = of["Classifications_fusion.tif"][0] > 0
    assert has_data.any()
    for suffix, probability in (("Seed_0", probabilities[0]), ("fusion", mean)):
        ordered = np.sort(probability / 1000, axis=0)
        margin, entropy = of[f"Margin_{suffix}.tif"][0], of[f"Entropy_{suffix}.tif"][0]
        assert (margin[~has_data] == 255).all()
        assert np.abs(margin - (ordered[-1] - ordered[-2]) * 100)[has_data].max() <= 0.61
        share = np.clip(probability / 1000, 1e-12, 1)
        share /= share.sum(axis=0)
        expected = -(share * np.log(share)).sum(axis=0) / np.log(len(share)) * 100
        assert np.abs(entropy - expected)[has_data].max() <= 1.5


def test_smoothed_by_bayes_as_the_whole_map_would_be(scene: Scene, fused: Path, tmp_path: Path) -> None:
    """Two tiles and many chunks, and no seam: what the maps hold is what comes of them put together."""
    of = maps(fused)
    codes = np.array([row[0] for row in ask(fused, "SELECT class_code FROM class ORDER BY 1")])
    for name, labels in (("seed_0", "Classif_Seed_0"), ("fusion", "Classifications_fusion")):
        has_data = np.pad(of[f"{labels}.tif"][0] > 0, 3)
        parts = np.pad(of[f"ProbabilityMap_{name}.tif"], ((0, 0), (3, 3), (3, 3)))
        smooth = bayes_smooth(parts, has_data, 3, variance=10.0, fraction=0.5)
        expected = np.where(has_data[3:-3, 3:-3], codes[smooth.argmax(axis=0)], 0)
        np.testing.assert_array_equal(of[f"{labels}_smoothed.tif"][0], expected)
        assert (expected != of[f"{labels}.tif"][0]).any()
        share = of[f"Confidence_{name.replace('seed', 'Seed')}_smoothed.tif"][0]
        assert np.abs(share - np.where(has_data[3:-3, 3:-3], smooth.max(axis=0) * 100, 0)).max() <= 0.5 + 1e-3
    run_scene(
        scene.config,
        tmp_path / "out",
        *FUSED,
        PROBABILITIES,
        "arg_train.runs=3",
        "python_data_managing.chunk_size_mode=user_fixed",
        "python_data_managing.chunk_size_x=23",
        "python_data_managing.chunk_size_y=31",
        stages=TO_MOSAIC,
    )
    cut = maps(tmp_path / "out")
    for name, array in cut.items():
        np.testing.assert_array_equal(array, of[name], err_msg=name)
    names = ("derived_prediction", "prediction", "model_confusion")
    assert tables(fused, names) == tables(tmp_path / "out", names)


def test_the_tables_hold_what_the_maps_do(fused: Path) -> None:
    of = maps(fused)
    files = {(run, False): f"Classif_Seed_{run}" for run in range(3)} | {(None, False): "Classifications_fusion"}
    files |= {(run, True): f"{name}_smoothed" for (run, _), name in files.items()}
    rows = ask(
        fused,
        """SELECT run, is_smoothed, list(sample_id ORDER BY sample_id), list(class_code ORDER BY sample_id)
        FROM (SELECT run, FALSE AS is_smoothed, sample_id, class_code FROM prediction
            UNION ALL SELECT run, is_smoothed, sample_id, class_code FROM derived_prediction)
        GROUP BY ALL""",
    )
    assert len(rows) == len(files) == 8
    for run, is_smoothed, ids, codes in rows:
        held = at(of[f"{files[run, is_smoothed]}.tif"][0], fused, ids)
        assert [code or 0 for code in codes] == held


def test_held_polygons_judge_the_fusion_alone(fused: Path) -> None:
    held = {row[0] for row in ask(fused, "SELECT polygon_id FROM polygon_split WHERE split = 'held'")}
    assert held
    for table in ("quota", "selection"):
        assert ask(fused, f"SELECT count(*) > 0 FROM {table}") == [(True,)]
    learnt = {row[0] for row in ask(fused, "SELECT polygon_id FROM selection JOIN candidate USING (sample_id)")}
    judged = {row[0] for row in ask(fused, "SELECT polygon_id FROM evaluated_pixel")}
    assert not held & (learnt | judged)
    rows = ask(
        fused,
        """SELECT polygon.class_code, derived.class_code FROM derived_prediction AS derived
        JOIN candidate USING (sample_id) JOIN polygon USING (polygon_id)
        WHERE run IS NULL AND NOT is_smoothed AND polygon_id IN
            (SELECT polygon_id FROM polygon_split WHERE split = 'held')""",
    )
    known = [(reference, code) for reference, code in rows if code not in (None, 255)]
    ((accuracy, kappa, n_undecided),) = ask(
        fused,
        "SELECT overall_accuracy, kappa, n_undecided FROM map_accuracy WHERE run IS NULL AND NOT is_smoothed",
    )
    assert accuracy == pytest.approx(metrics.accuracy_score(*zip(*known, strict=True)))
    assert kappa == pytest.approx(metrics.cohen_kappa_score(*zip(*known, strict=True)))
    assert n_undecided == sum(code == 255 for _, code in rows)
    text = (fused / "final" / "RESULTS.txt").read_text(encoding="utf-8")
    assert f"OA : {accuracy:.3f}" in text
    assert f"Fusion of 3 runs by majority voting, judged by {len(held)} polygons that no run learns" in text
    runs = (fused / "final" / "RESULTS_seeds.txt").read_text(encoding="utf-8")
    assert "Means of 3 runs" in runs
    matrix = (fused / "final" / "merge_final_classifications" / "confusion_mat_maj_vote.csv").read_text("utf-8")
    counts = np.array([line.split(",") for line in matrix.splitlines()[2:]], dtype=int)
    assert (counts.trace(), counts.sum()) == (sum(a == b for a, b in known), len(known))
    report = (fused / "report.html").read_text(encoding="utf-8")
    assert "Fusion of the runs, smoothed" in report


def test_models_of_a_region_learn_from_parts_of_it(fused: Path) -> None:
    """Each from its own polygons, every polygon that learns by one of them, and every model knows every class."""
    assert ask(fused, "SELECT region, count(*) FROM region_model GROUP BY 1 ORDER BY 1") == [("1", 2), ("2", 3)]
    assert ask(fused, "SELECT count(*), count(DISTINCT (run, region)) FROM model") == [(15, 15)]
    # Where a class has as many polygons in a region as there are models, each is one model's; else they go round.
    dealt = ask(
        fused,
        """SELECT n_models, count(DISTINCT polygon_id) AS n_polygons, count(model) AS n_dealt FROM (
            SELECT polygon_split.run, here.region, polygon_split.class_code, polygon_split.polygon_id,
                polygon_model.model
            FROM polygon_split
            JOIN (SELECT DISTINCT polygon_id, region FROM candidate) AS here USING (polygon_id)
            LEFT JOIN polygon_model ON polygon_model.run = polygon_split.run AND polygon_model.region = here.region
                AND polygon_model.polygon_id = polygon_split.polygon_id
            WHERE polygon_split.split = 'learn')
        JOIN (SELECT region, count(*) AS n_models FROM region_model GROUP BY 1) USING (region)
        GROUP BY run, region, class_code, n_models""",
    )
    assert len(dealt) >= 3 * 2 * 3
    assert all(n_dealt == max(n_polygons, n_models) for n_models, n_polygons, n_dealt in dealt)
    # What is not learnt validates nothing: the out-of-fold confusion has every sample once, of classes of two polygons.
    assert ask(
        fused,
        """WITH learnt AS (
            SELECT selection.run, selection.region, class_code, count(*) AS n
            FROM selection JOIN candidate USING (sample_id) JOIN polygon USING (polygon_id)
            GROUP BY ALL
            HAVING count(DISTINCT polygon_id) > 1
        ), tested AS (
            SELECT run, region, reference_code AS class_code, sum(n_samples) AS n FROM model_confusion GROUP BY ALL
        )
        SELECT (SELECT count(*) > 0 FROM learnt), count(*)
        FROM learnt FULL JOIN tested USING (run, region, class_code)
        WHERE learnt.n IS DISTINCT FROM tested.n""",
    ) == [(True, 0)]
    assert ask(fused, "SELECT count(DISTINCT kind) FROM prediction") == [(1,)]
    assert ask(fused, "SELECT count(*) FROM prediction WHERE region NOT IN ('1', '2')") == [(0,)]


def test_evidence_and_a_vote_around_each_pixel(voted: Path) -> None:
    of = maps(voted)
    labels = np.stack([of[f"Classif_Seed_{run}.tif"][0] for run in range(2)]).astype(int)
    believed = []
    for run in range(2):
        rows = ask(voted, f"SELECT reference_code, predicted_code, n_pixels FROM confusion WHERE run = {run}")
        codes = sorted({code for row in rows for code in row[:2]})
        counts = np.zeros((len(codes), len(codes)), dtype=int)
        for reference, predicted, n in rows:
            counts[codes.index(reference), codes.index(predicted)] = n
        believed.append(beliefs(counts, codes, "recall"))
    expected = dempster_shafer(labels, believed, undecided=200)
    np.testing.assert_array_equal(of["Classifications_fusion.tif"][0], expected)
    for name in ("Classif_Seed_0", "Classif_Seed_1", "Classifications_fusion"):
        smooth = regularise(np.pad(of[f"{name}.tif"][0], 1), 1)
        np.testing.assert_array_equal(of[f"{name}_smoothed.tif"][0], smooth)
    assert not any(name.startswith(("Confidence_fusion_smoothed", "Confidence_Seed_0_s")) for name in of)
    assert ask(voted, "SELECT DISTINCT evaluated_on FROM map_accuracy WHERE run IS NULL") == [("all",)]
    assert not (voted / "final" / "RESULTS_seeds.txt").exists()
    assert "those that learnt among them" in (voted / "final" / "RESULTS.txt").read_text(encoding="utf-8")
    assert ask(voted, "SELECT count(*) FROM polygon_split WHERE split = 'held'") == [(0,)]


def test_a_label_that_alone_is_changed_is_no_class_either(scene: Scene, voted: Path) -> None:
    """Everything else is up to date, and so the classes are not read anew."""
    before = maps(voted)
    with pytest.raises(ConfigError, match=f"undecidedlabel is {scene.class_codes[0]}, which is class"):
        run_scene(scene.config, voted, *VOTED, f"{MERGE}_undecidedlabel={scene.class_codes[0]}")
    assert before.keys() == maps(voted).keys()


def test_without_it_again_nothing_of_it_is_left(scene: Scene, voted: Path, clean: Path) -> None:
    """Last, for it changes the folder: what fusion and smoothing made goes, and no model is learnt again."""
    progress = Quiet()
    run_scene(scene.config, voted, progress=progress)
    assert {stage for stage, _ in progress.ran} <= {"mosaic"}
    assert tables(voted) == tables(clean)
    assert set(maps(voted)) == set(maps(clean))
    for name in ("fusionConfusion.png", "merge_final_classifications"):
        assert not (voted / "final" / name).exists()
    assert "Means of 2 runs" in (voted / "final" / "RESULTS.txt").read_text(encoding="utf-8")


def test_late_fusion_of_two_sensors(tmp_path: Path) -> None:
    """A model per sensor, each with the features of its own and those of no sensor, and one map."""
    sensors = ["sentinel2", "landsat8old"]
    scene = simulate(tmp_path / "scene", size=96, dates=5, classes=4, seed=3, sensors=sensors, dem=True)
    dem = [str(scene.folder / "dem" / name) for name in ("west.tif", "east.tif")]
    run_scene(
        scene.config,
        tmp_path / "out",
        "landsat8_old.temporal_resolution=90",
        "arg_train.late_fusion=True",
        f"user_feat.files={{'mnt': {dem}}}",
        stages=TO_MOSAIC,
    )
    folder = tmp_path / "out"
    models = ask(folder, "SELECT region, any_value(n_features), sum(n_samples) FROM model GROUP BY 1 ORDER BY 1")
    counts = dict(ask(folder, "SELECT sensor, count(*) FROM feature GROUP BY 1"))
    assert [row[:2] for row in models] == [
        ("1_Landsat8Old", counts["Landsat8Old"] + 1),
        ("1_Sentinel2", counts["Sentinel2"] + 1),
    ]
    assert models[0][2] == models[1][2]  # both learn from the same pixels
    ((named,),) = ask(folder, "SELECT list(DISTINCT feature_name) FROM feature_importance WHERE region = '1_Sentinel2'")
    assert any(name.startswith("mnt") for name in named)
    assert not any("landsat" in name for name in named)
    assert maps(folder)["Classif_Seed_0.tif"].any()
    assert ask(
        folder,
        "SELECT avg((prediction.class_code = polygon.class_code)::INT) > 0.7 FROM prediction "
        "JOIN candidate USING (sample_id) JOIN polygon USING (polygon_id)",
    ) == [(True,)]


def test_a_label_of_a_class_cannot_be_that_of_undecided_pixels(scene: Scene, tmp_path: Path) -> None:
    code = scene.class_codes[0]
    with pytest.raises(ConfigError, match=f"undecidedlabel is {code}, which is class") as caught:
        run_scene(scene.config, tmp_path / "out", f"{MERGE}=True", f"{MERGE}_undecidedlabel={code}", stages=TO_SELECT)
    assert "255 is free" in str(caught.value.hint)


def test_too_few_polygons_to_hold_any(scene: Scene, tmp_path: Path) -> None:
    """One group of polygons per class: none can be kept aside."""
    with pytest.raises(InputError, match="no polygon can be kept aside for the fused map"):
        run_scene(
            scene.config,
            tmp_path / "out",
            f"{MERGE}=True",
            "arg_train.min_distance=5000",
            stages=TO_SELECT,
        )


def test_the_disk_must_hold_all_maps(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Per map label and confidence, in parts and in final/; probabilities where they are kept, and where written."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    n_pixels = 10**9

    def gigabytes(*settings: str) -> float:
        project = SimpleNamespace(
            config=load(scene.config, ["arg_train.runs=3", *settings]).config,
            scene=SimpleNamespace(series=[None], tiles={"T": Window(0, 0, n_pixels, 1)}),
            folder=tmp_path,
            publications=lambda _: {},
        )
        told = space_shortage(cast(Project, project))
        assert told is not None
        return float(told.split("up to ")[1].split()[0])

    n_classes = len(scene.class_codes)
    alone = gigabytes()
    assert alone == 2 * (3 + 1) + 2 * (2 + 3 * 3)
    assert gigabytes(f"{MERGE}=True") - alone == 2 * 3
    assert gigabytes("arg_classification.uncertainty_maps=margin") - alone == 2 * 3
    assert gigabytes("arg_classification.smoothing=majority") - alone == 2 * 3 * 3
    assert gigabytes("arg_classification.smoothing=bayes") - alone == 2 * 3 * 3 + 2 * 3 * n_classes
    assert gigabytes(PROBABILITIES) - alone == 2 * 2 * 3 * n_classes


def test_two_runs_that_vote_are_warned_of(scene: Scene) -> None:
    told = load(scene.config, [f"{MERGE}=True"]).warnings
    assert any("lets two runs vote: pixels on which they differ are undecided" in one for one in told)
    weighed = load(scene.config, [f"{MERGE}=True", f"{MERGE}_method=dempstershafer"]).warnings
    assert not any("vote" in one for one in weighed)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["arg_train.runs=1", f"{MERGE}=True"], "needs two runs at least, and arg_train.runs is 1"),
        (["arg_train.late_fusion=True"], "arg_train.late_fusion needs two sensors"),
        (
            ["arg_classification.classif_mode=fusion", "arg_train.learning_curve=[5]"],
            "arg_train.learning_curve knows one model per region",
        ),
        (["arg_classification.fusion_options='-method median'"], "known are majorityvoting and dempstershafer"),
        (["arg_classification.fusion_options='-nodatalabel 7'"], "has -nodatalabel 7"),
        (["arg_classification.smoothing=gauss"], "must be one of 'bayes' or 'majority'"),
        (["arg_classification.uncertainty_maps=variance"], "must be one of 'margin' or 'entropy'"),
        (
            ["arg_train.split_ground_truth=False", "arg_train.runs=1", f"{MERGE}=True"],
            "has nothing to fuse: arg_train.split_ground_truth False makes one run",
        ),
    ],
)
def test_what_is_refused_before_anything_starts(
    scene: Scene, tmp_path: Path, settings: list[str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        run_scene(scene.config, tmp_path / "out", *settings)
    assert message in caught.value.message
    assert not (tmp_path / "out").exists()
