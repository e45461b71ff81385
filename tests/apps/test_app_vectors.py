"""BandMathX and ZonalStatistics by numpy and against OTB; what expressions refuse."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from app_tools import LEFT, PIXEL, TOP, numbers, otb, read, write

from i2db.apps import create
from i2db.errors import ConfigError, InputError
from i2db.raster.vector_expression import compile_vector_expression


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    return [
        write(tmp_path / "a.tif", numbers((3, 24, 31), 1)),
        write(tmp_path / "b.tif", numbers((2, 24, 31), 2, "int16")),
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "im1b1 + im2b2",
        "im1b1 - im1b2; im2b1 * 2",
        "bands(im1, {3, 1})",
        "mean(im1b1N3x5, im2b2N3x3)",
        "median(im1b1N5x3)",
        "var(im1b2N3x3)",
        "dotpr(im1, {1, 2, 3})",
        "(im1b1 - im1b1Mean) / sqrt(im1b1Var)",
        "im2b1Mini + im2b1Maxi; im1b2Sum",
        "im1 mult im1",
        "im1 mlt 2",
        "im1 dv 2; im1 pw 2",
        "vmin(im1); vmax(im1); vnorm(im1)",
        "im1b1 > 500 ? im1b2 : im1b3",
        "im1PhyX + im1PhyY * 2 + idxX * 3 + idxY",
        "corr(im1b1N3x3, im1b2N3x3)",
        "vcos(im1)",
    ],
)
def test_band_math_x_is_otb_s(tmp_path: Path, images: list[Path], expression: str) -> None:
    otb("BandMathX", "-il", *images, "-exp", expression, "-out", tmp_path / "otb.tif")
    create("BandMathX", {"il": images, "exp": expression, "out": tmp_path / "own.tif"}).ExecuteAndWriteOutput()
    np.testing.assert_allclose(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"), rtol=2e-6, atol=1e-6)


def test_majority_and_a_neighbourhood_as_bands(images: list[Path]) -> None:
    band = np.pad(read(images[1])[1], ((1, 1), (0, 0)), mode="edge").astype("float32")
    found = create("BandMathX", {"il": images, "exp": "im2b2N1x3"}).GetVectorImageAsNumpyArray("out")
    np.testing.assert_array_equal(np.moveaxis(found, 2, 0), np.stack([band[:-2], band[1:-1], band[2:]]))
    vector = {"v": np.array([2.0, 3, 3, 2, 7]).reshape(5, 1, 1)}
    assert compile_vector_expression("maj(v)", ["v"]).evaluate(vector, (1, 1))[0, 0, 0] == 2
    assert compile_vector_expression("maj({5, 1, 5, 4})", []).evaluate({}, (1, 1))[0, 0, 0] == 5


def test_windows_and_words(images: list[Path]) -> None:
    app = create("BandMathX", {"il": images, "exp": ["mean(im1b1N5x5)", "im1 mlt im2b1Mean;", "{1, 2} * idxX"]})
    image = app.image
    whole = image.read(image.window)
    assert whole.shape[0] == 1 + 3 + 2
    for window in image.windows(30_000):
        np.testing.assert_array_equal(image.read(window), whole[(slice(None), *window.slices_in(image.window))])


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("im1 + im2", r"\+ is given vectors of 2 and 3 components"),
        ("bands(im1, {4})", r"components 1 to 3, not \[4.0\]"),
        ("im1b1N4x3", "odd and at most 21"),
        ("im1b1N23x3", "odd and at most 21"),
        ("im3b1", "unknown variable im3b1"),
        ("im1b4", "unknown variable im1b4\n  im1b4\n  \\^"),
        ("{1, 2", "this brace is never closed"),
        ("{1; 2}", "unexpected ';'"),
        ("mean(im1b1N3x3))", "this parenthesis was never opened"),
        ("media(im1)", "did you mean median"),
        ("corr(im1)", "corr takes two arguments, not 1"),
    ],
)
def test_errors_are_told(images: list[Path], expression: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create("BandMathX", {"il": images, "exp": expression}).Execute()


def test_band_math_has_no_braces(images: list[Path]) -> None:
    with pytest.raises(ConfigError, match=r"unexpected .\{"):
        create("BandMath", {"il": images, "exp": "{1}"}).Execute()
    with pytest.raises(ConfigError, match="one expression gives one band"):
        create("BandMath", {"il": images, "exp": "im1b1; im1b2"}).Execute()


# ZonalStatistics


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    """Turned boxes without overlaps; one too thin to hold a centre, one of two parts."""
    shapes = [
        shapely.affinity.rotate(shapely.box(LEFT + x, TOP - y - 55, LEFT + x + 60, TOP - y), angle)
        for x, y, angle in ((15, 20, 10), (110, 30, 40), (210, 15, 77), (30, 130, 15), (150, 140, 60))
    ]
    shapes[4] = shapely.union(shapes[4], shapely.box(LEFT + 250, TOP - 230, LEFT + 290, TOP - 180))
    shapes.append(shapely.box(LEFT + 101, TOP - 4, LEFT + 103, TOP - 1))
    frame = geopandas.GeoDataFrame({"name": list("abcdef")}, geometry=shapes, crs="EPSG:32631")
    frame.to_file(tmp_path / "zones.shp")
    frame.to_crs("EPSG:2154").to_file(tmp_path / "zones.gpkg")
    return tmp_path / "zones.shp"


def test_zonal_statistics_by_numpy_and_otb(tmp_path: Path, images: list[Path], zones: Path) -> None:
    words = {"in": images[0], "inzone.vector.in": zones, "out.vector.filename": tmp_path / "own.shp", "ram": 1}
    app = create("ZonalStatistics", words)
    app.ExecuteAndWriteOutput()
    own = geopandas.read_file(tmp_path / "own.shp")
    assert list(own["name"]) == list("abcdef")
    assert "1 of 6 zones hold no centre of a pixel" in app.messages
    array = read(images[0]).astype(float)
    for zone in range(5):
        inside = rasterio.features.rasterize(
            [own.geometry[zone]], array.shape[1:], transform=Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP)
        ).astype(bool)
        assert own["count"][zone] == inside.sum() > 5
        for band in range(3):
            pixels = array[band][inside]
            expected = [pixels.mean(), pixels.std(ddof=1), pixels.min(), pixels.max()]
            found = [own[f"{name}_{band}"][zone] for name in ("mean", "stdev", "min", "max")]
            np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert own["count"][5] == 0
    assert np.isnan(own["mean_0"][5])
    otb("ZonalStatistics", "-in", images[0], "-inzone.vector.in", zones, "-out.vector.filename", tmp_path / "otb.shp")
    other = geopandas.read_file(tmp_path / "otb.shp").set_index("name")
    for name in "abcd":  # OTB splits e and drops f
        row = own[own["name"] == name].iloc[0]
        for column in [column for column in other.columns if column != "geometry"]:
            assert row[column] == pytest.approx(other.loc[name, column], rel=1e-5)


def test_zones_by_labels_as_xml_and_raster(tmp_path: Path, images: list[Path]) -> None:
    labels = np.repeat(np.arange(24)[:, np.newaxis] // 8 * 5, 31, axis=1).astype("int16")
    path = write(tmp_path / "labels.tif", labels)
    array = read(images[1])
    common = {
        "in": images[1], "inzone": "labelimage", "inzone.labelimage.in": path, "inzone.labelimage.nodata": 5,
        "inbv": float(array[0, 0, 0]),
    }  # fmt: skip
    create("ZonalStatistics", {**common, "out": "xml", "out.xml.filename": tmp_path / "own.xml"}).Execute()
    root = ElementTree.parse(tmp_path / "own.xml").getroot()
    found = {group.attrib["name"]: {e.attrib["key"]: e.attrib["value"] for e in group} for group in root}
    assert found["count"] == {"0": "248", "10": "248"}
    kept = [band[:8][band[:8] != array[0, 0, 0]] for band in array]
    assert found["mean"]["0"] == f"[{kept[0].mean():.6g}, {kept[1].mean():.6g}]"
    create("ZonalStatistics", {**common, "out": "raster", "out.raster.filename": tmp_path / "own.tif"}).Execute()
    raster = read(tmp_path / "own.tif")
    assert raster.shape == (9, 24, 31)
    assert (raster[:, 8:16] == -9999).all()
    assert (raster[0, 16:] == 248).all()
    np.testing.assert_allclose(raster[5:, 0, 0], [kept[1].mean(), kept[1].std(ddof=1), kept[1].min(), kept[1].max()])
    with pytest.raises(ConfigError, match="have no shapes"):
        create("ZonalStatistics", {**common, "out.vector.filename": tmp_path / "own.gpkg"}).Execute()


def test_zones_in_another_projection(tmp_path: Path, images: list[Path], zones: Path) -> None:
    found = []
    for source in (zones, zones.with_suffix(".gpkg")):
        words = {"in": images[0], "inzone.vector.in": source, "out.vector.filename": tmp_path / "own.parquet"}
        app = create("ZonalStatistics", words)
        app.Execute()
        found.append(geopandas.read_parquet(tmp_path / "own.parquet"))
    assert found[1].crs == "EPSG:2154"
    assert any("EPSG:2154" in message for message in app.messages)
    assert list(found[0]["count"]) == list(found[1]["count"])


def test_labels_of_floats_are_whole_or_no_zone(tmp_path: Path, images: list[Path]) -> None:
    labels = np.full((24, 31), 3.0, dtype=np.float32)
    labels[:8] = np.nan
    words = {"in": images[1], "inzone": "labelimage", "out": "xml", "out.xml.filename": tmp_path / "own.xml"}
    path = write(tmp_path / "labels.tif", labels)
    create("ZonalStatistics", {**words, "inzone.labelimage.in": path}).Execute()
    (count,) = ElementTree.parse(tmp_path / "own.xml").getroot().iterfind("Statistic[@name='count']/StatisticMap")
    assert count.attrib == {"key": "3", "value": f"{16 * 31}"}
    path = write(tmp_path / "shares.tif", labels + np.float32(0.5))
    with pytest.raises(InputError, match=r"holds 3\.5, which is no label"):
        create("ZonalStatistics", {**words, "inzone.labelimage.in": path}).Execute()


@pytest.mark.parametrize("is_declared", [True, False])
def test_no_data_is_what_the_pixels_can_hold(tmp_path: Path, is_declared: bool) -> None:
    # 0.1 in 32 bits is another number than in 64.
    pixels = np.array([[0.1, 2], [4, 0.1]], dtype=np.float32)
    path = write(tmp_path / "in.tif", pixels, nodata=0.1 if is_declared else None)
    box = shapely.box(LEFT, TOP - 20, LEFT + 20, TOP)
    geopandas.GeoDataFrame({"name": ["a"]}, geometry=[box], crs="EPSG:32631").to_file(tmp_path / "zone.gpkg")
    words = {"in": path, "inzone.vector.in": tmp_path / "zone.gpkg", "out.vector.filename": tmp_path / "own.parquet"}
    create("ZonalStatistics", words if is_declared else {**words, "inbv": 0.1}).Execute()
    (zone,) = geopandas.read_parquet(tmp_path / "own.parquet").to_dict("records")
    assert [zone["count"], zone["mean_0"], zone["min_0"], zone["max_0"]] == [4, 3, 2, 4]
