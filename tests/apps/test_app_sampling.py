"""Statistics, draws and extraction of samples: by hand, against the chain's own draw, and against OTB."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from app_tools import LEFT, PIXEL, TOP, numbers, otb, read, write

from i2db.apps import ArrayImage, create
from i2db.errors import ConfigError, InputError

COLUMNS, ROWS = 120, 90


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An image and turned polygons of three classes without overlaps; one outside, one holed, one of two parts."""
    folder = tmp_path_factory.mktemp("sampling")
    image = write(folder / "image.tif", numbers((2, ROWS, COLUMNS), 1, "int16"), nodata=-10000)
    random = np.random.default_rng(7)
    shapes, codes = [], []
    for row in range(5):
        for column in range(7):
            x, y = LEFT + 80 + 160 * column, TOP - 90 - 170 * row
            box = shapely.box(x - 55, y - 60, x + 50, y + 58)
            shapes.append(shapely.affinity.rotate(box, random.uniform(0, 90)))
            codes.append(int(random.choice([2, 10, 33], p=[0.6, 0.3, 0.1])))
    shapes[3] = shapes[3].difference(shapes[3].buffer(-30))
    shapes[5] = shapely.union(shapes[5].buffer(-10), shapely.box(LEFT + 1150, TOP - 850, LEFT + 1190, TOP - 800))
    shapes.append(shapely.box(LEFT - 500, TOP, LEFT - 400, TOP + 100))
    codes.append(10)
    frame = geopandas.GeoDataFrame({"Code": codes, "name": [f"n{c}" for c in codes]}, geometry=shapes, crs="EPSG:32631")
    frame.to_file(folder / "polygons.gpkg")
    frame.to_file(folder / "polygons.shp")
    return image, folder / "polygons.gpkg"


def statistics(path: Path) -> dict[str, dict[str, int]]:
    return {
        group.attrib["name"]: {entry.attrib["key"]: int(entry.attrib["value"]) for entry in group}
        for group in ElementTree.parse(path).getroot()
    }


# PolygonClassStatistics


@pytest.mark.parametrize("suffix", [".gpkg", ".shp"])
def test_statistics_are_otb_s(tmp_path: Path, inputs: tuple[Path, Path], suffix: str) -> None:
    image, vector = inputs[0], inputs[1].with_suffix(suffix)
    otb("PolygonClassStatistics", "-in", image, "-vec", vector, "-field", "Code", "-out", tmp_path / "otb.xml")
    create(
        "PolygonClassStatistics", {"in": image, "vec": vector, "field": "Code", "out": tmp_path / "own.xml"}
    ).ExecuteAndWriteOutput()
    assert (tmp_path / "own.xml").read_text() == (tmp_path / "otb.xml").read_text()


def test_statistics_with_a_mask_and_without_an_image(tmp_path: Path, inputs: tuple[Path, Path]) -> None:
    frame = geopandas.read_file(inputs[1])
    kept = np.zeros((ROWS, COLUMNS))
    kept[:, 50:] = 0.4
    mask = ArrayImage(kept, crs="EPSG:32631", transform=(PIXEL, 0, LEFT, 0, -PIXEL, TOP))
    parameters = {"vec": inputs[1], "field": "code", "out": tmp_path / "masked.xml", "mask": mask}
    # Any lazy image will do: no pixel of it is read.
    never = create("BandMath", {"il": [inputs[0]], "exp": "im1b1"})
    never.image.read = None  # type: ignore[method-assign, assignment]
    create("PolygonClassStatistics", {"in": never, **parameters}).Execute()
    expected: Counter[str] = Counter()
    for shape, code in zip(frame.geometry, frame["Code"], strict=True):
        if shape.bounds[0] > LEFT:
            inside = rasterio.features.rasterize(
                [shape], (ROWS, COLUMNS), transform=Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP)
            )
            expected[str(code)] += int((inside * (kept > 0)).sum())
    assert statistics(tmp_path / "masked.xml")["samplesPerClass"] == dict(expected)


def test_overlapping_polygons_count_a_pixel_once(tmp_path: Path, inputs: tuple[Path, Path]) -> None:
    boxes = [(0, 0, 100, 100), (50, 0, 150, 100), (120, 0, 200, 100), (100, 300, 104, 304)]
    shapes = [shapely.box(LEFT + a, TOP - d, LEFT + c, TOP - b) for a, b, c, d in boxes]
    frame = geopandas.GeoDataFrame({"c": ["a", "a", "b", "d"]}, geometry=shapes, crs="EPSG:32631")
    frame.to_crs("EPSG:2154").to_file(tmp_path / "p.shp")
    app = create(
        "PolygonClassStatistics", {"in": inputs[0], "vec": tmp_path / "p.shp", "field": "c", "out": tmp_path / "p.xml"}
    )
    app.Execute()
    found = statistics(tmp_path / "p.xml")
    # 30 pixels of a and b are nobody's; d touches the image without holding a centre; ids are those of the shapefile.
    assert found["samplesPerClass"] == {"a": 120, "b": 50, "d": 0}
    assert found["samplesPerVector"] == {"0": 100, "1": 20, "2": 50, "3": 0}
    assert any("30 pixels lie in polygons of different classes" in message for message in app.messages)
    assert any("EPSG:2154" in message for message in app.messages)


# SampleSelection

STRATEGIES = [
    ("all", {}),
    ("smallest", {}),
    ("constant", {"strategy.constant.nb": 150}),
    ("percent", {"strategy.percent.p": 0.37}),
    ("total", {"strategy.total.v": 777}),
]


def select(
    tmp_path: Path, inputs: tuple[Path, Path], name: str = "own.sqlite", **words: object
) -> geopandas.GeoDataFrame:
    parameters = {"in": inputs[0], "vec": inputs[1], "field": "Code", "out": tmp_path / name}
    create("SampleSelection", parameters | words).ExecuteAndWriteOutput()
    return geopandas.read_file(tmp_path / name, layer="output")


@pytest.mark.parametrize(("strategy", "words"), STRATEGIES)
@pytest.mark.parametrize("sampler", ["periodic", "random"])
def test_draws_have_otb_s_sizes(
    tmp_path: Path, inputs: tuple[Path, Path], strategy: str, words: dict[str, object], sampler: str
) -> None:
    create(
        "PolygonClassStatistics", {"in": inputs[0], "vec": inputs[1], "field": "Code", "out": tmp_path / "stats.xml"}
    ).Execute()
    common = {"strategy": strategy, **words, "sampler": sampler, "instats": tmp_path / "stats.xml"}
    given = [word for key, value in common.items() for word in (f"-{key}", value)]
    otb(
        "SampleSelection", "-in", inputs[0], "-vec", inputs[1], "-field", "Code", "-rand", 1, *given,
        "-out", tmp_path / "otb.sqlite", "-outrates", tmp_path / "otb.csv",
    )  # fmt: skip
    own = select(tmp_path, inputs, **common, outrates=tmp_path / "own.csv")
    other = geopandas.read_file(tmp_path / "otb.sqlite", layer="output")
    assert (tmp_path / "own.csv").read_text() == (tmp_path / "otb.csv").read_text()
    differences = Counter(other["code"]) - Counter(own["code"])
    assert sum(differences.values()) <= 3  # OTB's periodic sampler may take one too many of a class
    assert sorted(own.columns) == sorted(other.columns)
    assert own.crs == other.crs
    if strategy == "all":
        places = [
            set(zip(frame.geometry.x, frame.geometry.y, frame["originfid"], strict=True)) for frame in (own, other)
        ]
        assert places[0] == places[1]


def test_points_lie_at_centres_and_know_their_polygon(tmp_path: Path, inputs: tuple[Path, Path]) -> None:
    own = select(tmp_path, inputs, "own.gpkg", strategy="constant", **{"strategy.constant.nb": 40, "sampler": "random"})
    polygons = geopandas.read_file(inputs[1], fid_as_index=True)
    across, down = (own.geometry.x - LEFT) / PIXEL, (TOP - own.geometry.y) / PIXEL
    np.testing.assert_allclose(across % 1, 0.5)
    np.testing.assert_allclose(down % 1, 0.5)
    owners = polygons.loc[own["originfid"]]
    assert shapely.contains_xy(owners.geometry.to_numpy(), own.geometry.x, own.geometry.y).all()
    assert list(own["Code"]) == list(owners["Code"])
    assert Counter(own["Code"]) == {2: 40, 10: 40, 33: 40}
    keys = np.floor(down) * COLUMNS + np.floor(across)
    assert (np.diff(keys) > 0).all()  # in scan order, none twice


def test_seeds_and_smaller_draws(tmp_path: Path, inputs: tuple[Path, Path]) -> None:
    def places(n: int, seed: int) -> set[tuple[float, float]]:
        words = {"strategy": "constant", "strategy.constant.nb": n, "sampler": "random", "rand": seed}
        create(
            "SampleSelection",
            {"in": inputs[0], "vec": inputs[1], "field": "Code", "out": tmp_path / f"{n}_{seed}.parquet", **words},
        ).Execute()
        own = geopandas.read_parquet(tmp_path / f"{n}_{seed}.parquet")
        return set(zip(own.geometry.x, own.geometry.y, strict=True))

    assert places(30, 1) < places(60, 1)
    assert places(60, 1) != places(60, 2)


def test_periodic_is_exact_by_hand(tmp_path: Path) -> None:
    array = np.zeros((1, 10, 10), dtype="uint8")
    image = ArrayImage(array, crs="EPSG:32631", transform=(10, 0, 500_000, 0, -10, 4_800_000))
    frame = geopandas.GeoDataFrame({"code": [7]}, geometry=[shapely.box(*image.bounds)], crs="EPSG:32631")
    frame.to_file(tmp_path / "one.gpkg")
    words = {"strategy": "constant", "strategy.constant.nb": 7, "sampler": "periodic"}
    create(
        "SampleSelection",
        {"in": image, "vec": tmp_path / "one.gpkg", "field": "code", "out": tmp_path / "s.geojson", **words},
    ).Execute()
    own = geopandas.read_file(tmp_path / "s.geojson").to_crs("EPSG:32631")
    numbers_ = np.round((4_799_995 - own.geometry.y) / 10) * 10 + np.round((own.geometry.x - 500_005) / 10)
    taken = [i for i in range(1, 101) if -(-i * 7 // 100) > -(-(i - 1) * 7 // 100)]
    assert list(numbers_ + 1) == taken


def test_byclass_and_too_few(tmp_path: Path, inputs: tuple[Path, Path]) -> None:
    (tmp_path / "counts.csv").write_text("#class number\n2;12\n33;100000\n99;5\n")
    words = {"strategy": "byclass", "strategy.byclass.in": tmp_path / "counts.csv", "out": tmp_path / "s.gpkg"}
    app = create("SampleSelection", {"in": inputs[0], "vec": inputs[1], "field": "Code", **words})
    app.Execute()
    counts = Counter(geopandas.read_file(tmp_path / "s.gpkg")["Code"])
    assert counts[2] == 12
    assert 10 not in counts
    assert any("class 33: 100000 pixels asked for" in message for message in app.messages)
    assert any("class 99 of counts.csv has no polygon" in message for message in app.messages)


# SampleExtraction


@pytest.mark.parametrize("outfield", ["prefix", "list"])
def test_extraction_of_samples_is_otb_s(tmp_path: Path, inputs: tuple[Path, Path], outfield: str) -> None:
    select(tmp_path, inputs, "points.sqlite", strategy="constant", **{"strategy.constant.nb": 60})
    names = {"outfield": outfield, "outfield.list.names": ["red_1", "NIR_2"]} if outfield == "list" else {}
    words = ["-outfield", "list", "-outfield.list.names", "red_1", "NIR_2"] if names else []
    common = ["-in", inputs[0], "-vec", tmp_path / "points.sqlite", "-field", "code"]
    otb("SampleExtraction", *common, *words, "-out", tmp_path / "otb.sqlite")
    parameters = {"in": inputs[0], "vec": tmp_path / "points.sqlite", "field": "code", "out": tmp_path / "own.sqlite"}
    create("SampleExtraction", parameters | names).ExecuteAndWriteOutput()
    frames = [geopandas.read_file(tmp_path / f"{who}.sqlite", layer="output") for who in ("own", "otb")]
    new = ["red_1", "nir_2"] if names else ["value_0", "value_1"]
    rows = [
        sorted(zip(f.geometry.x, f.geometry.y, f["code"], f["originfid"], f[new[0]], f[new[1]], strict=True))
        for f in frames
    ]
    assert rows[0] == rows[1]
    image = read(inputs[0])
    row, column = (
        ((TOP - frames[0].geometry.y) // PIXEL).astype(int),
        ((frames[0].geometry.x - LEFT) // PIXEL).astype(int),
    )
    np.testing.assert_array_equal(frames[0][new[1]], image[1, row, column])


def test_the_labwork_s_consumer_reads_it(tmp_path: Path, inputs: tuple[Path, Path]) -> None:
    select(tmp_path, inputs, "points.sqlite", strategy="constant", **{"strategy.constant.nb": 10})
    create(
        "SampleExtraction",
        {"in": inputs[0], "vec": tmp_path / "points.sqlite", "field": "code", "out": tmp_path / "own.sqlite"},
    ).ExecuteAndWriteOutput()
    connection = sqlite3.connect(tmp_path / "own.sqlite")
    frame = geopandas.read_postgis("SELECT * from output", connection, geom_col="GEOMETRY")
    connection.close()
    assert len(frame[frame["code"] == 33]) == 10
    assert {"code", "name", "originfid", "value_0", "value_1"} <= set(frame.columns)


def test_points_outside_gaps_and_other_projections(tmp_path: Path) -> None:
    array = np.arange(20, dtype="int16").reshape(1, 4, 5)
    array[0, 2, 1] = -1
    image = ArrayImage(array, crs="EPSG:32631", transform=(10, 0, 500_003, 0, -10, 4_800_007), nodata=-1)
    x = 500_003 + np.array([5.0, 49.999, 15.0, 50.0, -0.1])
    y = 4_800_007 - np.array([5.0, 39.999, 25.0, 20.0, 5.0])
    frame = geopandas.GeoDataFrame({"c": [1, 2, 3, 4, 5]}, geometry=geopandas.points_from_xy(x, y), crs="EPSG:32631")
    frame.to_crs("EPSG:2154").to_file(tmp_path / "points.gpkg")
    app = create(
        "SampleExtraction", {"in": image, "vec": tmp_path / "points.gpkg", "field": "c", "out": tmp_path / "s.parquet"}
    )
    app.Execute()
    found = geopandas.read_parquet(tmp_path / "s.parquet")
    assert list(found["c"]) == [1, 2, 3]
    np.testing.assert_array_equal(found["value_0"], [0, 19, np.nan])
    assert found.crs == "EPSG:2154"
    assert any("2 of 5 points lie outside" in message for message in app.messages)


def test_only_windows_with_points_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "large.tif", numbers((900, 1200), 2))
    frame = geopandas.GeoDataFrame(
        {"c": [1, 2]}, geometry=geopandas.points_from_xy([LEFT + 6005, LEFT + 6105], [TOP - 8005, TOP - 8105])
    ).set_crs("EPSG:32631")
    frame.to_file(tmp_path / "points.shp")
    app = create(
        "SampleExtraction",
        {"in": create("BandMath", {"il": [path], "exp": "im1b1 * 2"}), "vec": tmp_path / "points.shp", "field": "c",
         "out": tmp_path / "out.shp", "ram": 8},
    )  # fmt: skip
    image = app.image_of("in")
    asked = []
    original = image.read
    image.read = lambda window, bands=None: (asked.append(window), original(window, bands))[1]  # type: ignore[method-assign]
    app.Execute()
    assert sum(window.n_pixels for window in asked) == 11 * 11
    np.testing.assert_allclose(
        geopandas.read_file(tmp_path / "out.shp")["value_0"], read(path)[0, [800, 810], [600, 610]] * 2
    )


def test_bad_samplings_are_told(tmp_path: Path, inputs: tuple[Path, Path]) -> None:
    image, vector = inputs
    select(tmp_path, inputs, "points.gpkg", strategy="constant", **{"strategy.constant.nb": 5})
    points = tmp_path / "points.gpkg"
    (tmp_path / "wrong.xml").write_text("<GeneralStatistics/>")
    (tmp_path / "other.xml").write_text(
        '<G><Statistic name="samplesPerClass"><StatisticMap key="2" value="3"/></Statistic></G>'
    )
    geopandas.GeoDataFrame({"code": [1]}, geometry=[shapely.box(0, 0, 9, 9)], crs="EPSG:32631").to_file(
        tmp_path / "far.gpkg"
    )
    draw = {"in": image, "vec": vector, "field": "Code", "out": tmp_path / "s.gpkg"}
    extract = {"in": image, "vec": points, "field": "Code", "out": tmp_path / "e.gpkg"}
    cases: list[tuple[type[Exception], str, str, dict[str, object]]] = [
        (InputError, "has no field Cod .*\n.*did you mean Code", "SampleSelection", {**draw, "field": "Cod"}),
        (InputError, "has no samplesPerClass", "SampleSelection", {**draw, "instats": tmp_path / "wrong.xml"}),
        (InputError, "counts 0 pixels of class 10", "SampleSelection", {**draw, "instats": tmp_path / "other.xml"}),
        (ConfigError, "needs -strategy.constant.nb", "SampleSelection", {**draw, "strategy": "constant"}),
        (ConfigError, "between 0 and 1", "SampleSelection", {**draw, "strategy.percent.p": 1.5}),
        (InputError, "no pixel is drawn", "SampleSelection", {**draw, "vec": tmp_path / "far.gpkg", "field": "code"}),
        (ConfigError, "no vector format", "SampleSelection", {**draw, "out": tmp_path / "s.tif"}),
        (ConfigError, "overwritten", "SampleSelection", {**draw, "out": vector}),
        (ConfigError, "does without -layer", "SampleSelection", {**draw, "layer": 0}),
        (ConfigError, "an .xml file", "PolygonClassStatistics", {**draw, "out": tmp_path / "s.txt"}),
        (InputError, "Polygon: numbers are read at points", "SampleExtraction", {**extract, "vec": vector}),
        (ConfigError, "1 names for 2 bands", "SampleExtraction",
         {**extract, "outfield": "list", "outfield.list.names": ["a"]}),
        (ConfigError, "cut names after 10", "SampleExtraction",
         {**extract, "out": tmp_path / "e.shp", "outfield.prefix.name": "a_long_prefix_"}),
        (ConfigError, "has a field code already", "SampleExtraction",
         {**extract, "outfield": "list", "outfield.list.names": ["a", "Code"]}),
    ]  # fmt: skip
    before = set(tmp_path.iterdir())
    for kind, message, name, parameters in cases:
        with pytest.raises(kind, match=message):
            create(name, parameters).ExecuteAndWriteOutput()
        assert set(tmp_path.iterdir()) == before, message
