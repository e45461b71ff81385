"""Tables of labelled series: alone, with images to map, and against the run whose samples they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pyarrow.parquet as pq
import pytest
import rasterio
from sklearn.metrics import accuracy_score

from i2db.checks import check_inputs
from i2db.config.reader import load
from i2db.errors import ConfigError, I2dbError, InputError
from i2db.finding import errors
from i2db.sample_table import ROWS_OF_CHUNK, table_columns
from i2db.simulate import Scene
from i2db.stages import series
from i2db.stages.chain import CLASSIFICATION
from i2db.store.audit import audit
from i2db.store.database import Database
from i2db.store.export import write_samples
from scenes import QUICK, TO_MOSAIC, Quiet, ask, maps, run_scene, tables

TO_CLASSIFY = tuple(stage for stage in CLASSIFICATION if stage.name not in ("mosaic", "evaluate"))


def configure(folder: Path, table: Path, **keys: str) -> Path:
    """A configuration of a table that stands alone."""
    lines = "\n".join(f"  {key} : {text}" for key, text in keys.items())
    (folder / "nomenclature.txt").write_text("low:1\nhigh:2\n")
    path = folder / "table.cfg"
    path.write_text(
        f"chain :\n{{\n  output_path : 'out'\n  ground_truth : '{table}'\n  data_field : 'code'\n"
        f"  polygon_id_field : 'id'\n  nomenclature_path : 'nomenclature.txt'\n}}\n"
        f"sample_table :\n{{\n  features : 'v_*'\n{lines}\n}}\narg_train : {{ random_seed : 3 }}\n"
    )
    return path


def made(n: int = 80) -> pandas.DataFrame:
    """Two classes that the first of three features tells apart."""
    generator = np.random.default_rng(1)
    code = 1 + np.arange(n) % 2
    site = np.arange(n) // 4
    frame = pandas.DataFrame({"id": 7 * np.arange(n) + 3, "code": code, "site": site, "when": 2018 + site % 3})
    for i in (2, 10, 1):
        frame[f"v_{i}"] = np.round(generator.uniform(0, 1, n) + (5 * code if i == 1 else 0), 4)
    return frame


def run(config: Path, folder: Path, *settings: str) -> Path:
    run_scene(config, folder, *settings, stages=TO_CLASSIFY)
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        assert audit(database) == {}
    return folder


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_table_alone(tmp_path: Path, suffix: str) -> None:
    frame, path = made(), tmp_path / f"table{suffix}"
    frame.loc[5, "v_10"] = np.nan
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, sep=";", index=False)
    folder = run(configure(tmp_path, path, scale="100"), tmp_path / "out", "arg_train.group_field=site")
    assert ask(folder, "SELECT feature_name FROM feature ORDER BY feature_id") == [("v_1",), ("v_2",), ("v_10",)]
    # The numbers are those of the table, by id and not by row, in the order and scale that was asked for.
    found = dict(ask(folder, "SELECT sample_id, features FROM sample"))
    whole = frame.dropna()
    assert sorted(found) == sorted(whole["id"])
    for row in whole.itertuples():
        np.testing.assert_allclose(found[row.id], 100 * np.array([row.v_1, row.v_2, row.v_10]), rtol=1e-6)
    assert ask(folder, "SELECT sample_id, reason FROM rejection") == [(38, "a feature is missing in the table")]
    # A site of four series is on one side; what has no features has no label.
    sides = "SELECT count(DISTINCT split) AS n FROM polygon_split JOIN polygon USING (polygon_id) GROUP BY group_name"
    assert ask(folder, f"SELECT max(n) FROM ({sides})") == [(1,)]
    predicted = dict(ask(folder, "SELECT sample_id, class_code FROM prediction"))
    assert predicted.pop(38) is None
    codes = dict(zip(frame["id"], frame["code"], strict=True))
    assert accuracy_score([codes[i] for i in predicted], list(predicted.values())) == 1
    val = ask(folder, "SELECT polygon_id FROM polygon_split WHERE split = 'val' AND polygon_id <> 38")
    assert ask(folder, "SELECT overall_accuracy, n_pixels - n_unclassified FROM accuracy") == [(1.0, len(val))]


def test_order_and_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = made()
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=7)
    config = configure(tmp_path, tmp_path / "table.parquet")
    whole = run(config, tmp_path / "whole")
    monkeypatch.setattr(series, "ROWS_OF_CHUNK", 13)
    cut = run(config, tmp_path / "cut")
    frame.sample(frac=1, random_state=2).to_parquet(tmp_path / "table.parquet", row_group_size=11)
    shuffled = run(config, tmp_path / "shuffled")
    assert ask(cut, "SELECT count(DISTINCT chunk) FROM candidate") == [(7,)]
    names = ("candidate", "polygon", "polygon_split", "selection", "sample", "prediction", "model_class")
    assert tables(whole, names) == tables(cut, names) == tables(shuffled, names)
    assert ROWS_OF_CHUNK > 1000


def test_ids_without_a_field_are_those_of_the_rows(tmp_path: Path) -> None:
    frame = made(20)
    frame = pandas.concat([frame, frame.iloc[:1]])
    ids = []
    for part in (frame, frame.sample(frac=1, random_state=1)):
        part.to_parquet(tmp_path / "table.parquet")
        folder = tmp_path / f"out{len(ids)}"
        run_scene(
            configure(tmp_path, tmp_path / "table.parquet"),
            folder,
            "chain.polygon_id_field=None",
            stages=TO_CLASSIFY[:3],
        )
        ids.append(ask(folder, "SELECT polygon_id, class_code FROM polygon ORDER BY ALL"))
    assert len(ids[0]) == 21
    assert ids[0] == ids[1]


def test_leave_one_year_out_of_a_table(tmp_path: Path) -> None:
    made().to_parquet(tmp_path / "table.parquet")
    config = configure(tmp_path, tmp_path / "table.parquet")
    folder = run(config, tmp_path / "out", "arg_train.split_by=year", "arg_train.split_field=when")
    assert ask(folder, "SELECT run, held_out FROM run ORDER BY run") == [(0, "2018"), (1, "2019"), (2, "2020")]
    assert ask(folder, "SELECT run, n_polygons FROM accuracy ORDER BY run") == [(0, 28), (1, 28), (2, 24)]
    assert ask(folder, "SELECT min(overall_accuracy) > 0.9 FROM accuracy") == [(True,)]


def test_the_whole_chain_writes_a_report_and_no_map(tmp_path: Path) -> None:
    made().to_parquet(tmp_path / "table.parquet")
    done = run_scene(configure(tmp_path, tmp_path / "table.parquet"), tmp_path / "out")
    assert {name for name, _ in done.results} == {"report", "accuracy", "samples", "database"}
    assert "table.parquet" in (tmp_path / "out" / "report.html").read_text("utf-8")
    progress = Quiet()
    run_scene(configure(tmp_path, tmp_path / "table.parquet"), tmp_path / "out", progress=progress)
    assert progress.ran == []
    assert errors(check_inputs(load(configure(tmp_path, tmp_path / "table.parquet")).config)) == []


def write_soil(scene: Scene, path: Path) -> Path:
    """A raster of 10 m pixels over the scene, whose numbers say something of the classes."""
    with rasterio.open(scene.folder / "truth.tif") as source:
        profile, truth = source.profile, source.read(1)
    profile.update(dtype="float32", count=1, nodata=None, driver="GTiff")
    noise = np.random.default_rng(5).normal(0, 5, truth.shape)
    with rasterio.open(path, "w", **profile) as target:
        target.write((truth + noise).astype(np.float32), 1)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 100])
def test_an_export_maps_as_the_run_it_comes_from(scene: Scene, tmp_path: Path, scale: int) -> None:
    """i2db's own samples as the table, a raster and a function of the user too: the same map, pixel by pixel.

    Where the table has its reflectances divided by a scale, the raster and the function are as they were.
    """
    soil = write_soil(scene, tmp_path / "soil.tif")
    together = (
        "chain.region_path=None",
        "arg_train.runs=1",
        "arg_train.split_ground_truth=False",
        f"user_feat.files={{'soil': '{soil}'}}",
        "external_features.functions=get_soi",
    )
    run_scene(scene.config, tmp_path / "run", *together, stages=TO_MOSAIC)
    path = tmp_path / "samples.parquet"
    with Database.open(tmp_path / "run" / "i2db.duckdb", read_only=True) as database:
        write_samples(database, path, run=None, split=None)
    names = [name for name in pq.read_schema(path).names if name.startswith(("sentinel2_", "soi_", "soil_"))]
    assert {name.split("_")[0] for name in names} == {"sentinel2", "soi", "soil"}
    # The order of the columns is nothing to go by.
    frame = pandas.read_parquet(path)
    of_sensor = [name for name in names if name.startswith("sentinel2_")]
    frame[of_sensor] = frame[of_sensor].astype("float64") / scale
    frame[[*names[::-1], *[name for name in frame.columns if name not in names and name != "geometry"]]].to_parquet(
        path
    )
    settings = (
        f"chain.ground_truth='{path}'",
        "chain.data_field=class_code",
        "chain.polygon_id_field=sample_id",
        "sample_table.features=sentinel2_* soi_* soil_*",
        f"sample_table.scale={scale}",
    )
    run_scene(scene.config, tmp_path / "table", *together, *settings, stages=TO_MOSAIC)
    of_run, of_table = maps(tmp_path / "run"), maps(tmp_path / "table")
    np.testing.assert_array_equal(of_run["Classif_Seed_0.tif"], of_table["Classif_Seed_0.tif"])
    np.testing.assert_array_equal(of_run["Confidence_Seed_0.tif"], of_table["Confidence_Seed_0.tif"])
    assert tables(tmp_path / "run", ["model_class"]) == tables(tmp_path / "table", ["model_class"])
    # What the maps say at the pixels is what the models say of their series in the table.
    query = "SELECT sample_id, class_code, confidence FROM prediction ORDER BY sample_id"
    assert ask(tmp_path / "run", query) == ask(tmp_path / "table", query)
    for change, message in (
        ("sample_table.features=sentinel2_b*", "lacks sentinel2_ndvi_"),
        ("arg_train.features=[]", "which the images do not give"),
    ):
        with pytest.raises(InputError, match=message):
            run_scene(scene.config, tmp_path / "other", *together, *settings, change, stages=TO_CLASSIFY[:1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("sample_table.features=w_*",), "no column w_\\*"),
        (("sample_table.features=note",), "column note holds no numbers"),
        (
            ("sample_table.series={'v_*': 'modis_ndvi'}", "sample_table.dates=['20180101']"),
            "1 dates, .* 3 columns",
        ),
        (("sample_table.series={'x_*': 'modis_ndvi'}",), "no feature x_\\*"),
        (("chain.data_field=label",), "has no field label"),
        (("chain.polygon_id_field=code",), "code is not unique"),
        (("chain.ground_truth=nowhere.parquet",), "does not exist"),
        (("chain.ground_truth=nomenclature.txt",), "is no table of series"),
        (("arg_train.min_distance=10", "chain.proj=EPSG:32631"), "80 series .* have no coordinates"),
        (
            ("arg_train.split_by=block", "arg_train.block_size=500"),
            "split_by block is in metres, and the series .* degrees",
        ),
        (("arg_train.split_by=tile",), "split_by tile has no meaning for a table"),
        (("arg_train.erode=10",), "erode has no meaning for a table"),
        (("sample_table.series={'v_*': 'ndvi'}",), "sensor and band with _ between them"),
        (("sample_table.features=[]",), "no sensor is configured"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, settings: tuple[str, ...], message: str) -> None:
    made().assign(note="text").to_parquet(tmp_path / "table.parquet")
    config = configure(tmp_path, tmp_path / "table.parquet")
    with pytest.raises(I2dbError, match=message):
        run_scene(config, tmp_path / "out", *settings, stages=TO_CLASSIFY[:4])


def test_series_get_the_names_of_dates(tmp_path: Path) -> None:
    made().to_parquet(tmp_path / "table.parquet")
    dated = ["sample_table.series={'v_*': 'Modis_NDVI'}", "sample_table.dates=['20180101', '20180117', '20180202']"]
    columns = table_columns(load(configure(tmp_path, tmp_path / "table.parquet"), [*QUICK[1:], *dated]).config, ())
    assert columns.columns == ("v_1", "v_2", "v_10")
    assert [feature.name for feature in columns.features] == [
        "modis_ndvi_20180101",
        "modis_ndvi_20180117",
        "modis_ndvi_20180202",
    ]
    with pytest.raises(ConfigError, match="must be a list of dates"):
        load(configure(tmp_path, tmp_path / "table.parquet"), ["sample_table.dates=['spring']"])


def test_the_series_of_sinop(real_data: Path, tmp_path: Path) -> None:
    """1218 real MODIS series of four classes, 12 dates: the forest tells most of those it has not seen."""
    (tmp_path / "recode.csv").write_text("Cerrado,1\nForest,2\nPasture,3\nSoy_Corn,4\n")
    config = configure(tmp_path, real_data / "sinop_modis" / "samples_modis_ndvi.parquet")
    (tmp_path / "nomenclature.txt").write_text("Cerrado:1\nForest:2\nPasture:3\nSoy and maize:4\n")
    settings = ("chain.data_field=label", "chain.polygon_id_field=sample", "chain.label_recode=recode.csv")
    folder = run(config, tmp_path / "out", *settings, "sample_table.features=NDVI_*", "arg_train.ratio=0.7")
    assert ask(folder, "SELECT class_code, count(*) FROM polygon GROUP BY ALL ORDER BY ALL") == [
        (1, 379),
        (2, 131),
        (3, 344),
        (4, 364),
    ]
    ((accuracy, n),) = ask(folder, "SELECT overall_accuracy, n_pixels FROM accuracy")
    assert accuracy > 0.8
    assert n == 365
