"""BandMath, ConcatenateImages, ExtractROI, Superimpose and DEM: by hand, by numpy and scipy, and against OTB."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from app_tools import LEFT, PIXEL, TOP, corner, numbers, otb, read, write
from rasterio.warp import Resampling
from rasterio.warp import transform as transform_points
from scipy.ndimage import map_coordinates

from i2db.apps import ArrayImage, create
from i2db.apps.image import cast
from i2db.errors import ConfigError, InputError


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two bands and one band of one place, 70 x 50 pixels."""
    return (
        write(tmp_path / "a.tif", numbers((2, 50, 70), 1, "int16"), nodata=-10000),
        write(tmp_path / "b.tif", numbers((50, 70), 2)),
    )


def vector(path: Path, *boxes: tuple[float, float, float, float], crs: str = "EPSG:32631") -> Path:
    frame = geopandas.GeoDataFrame({"code": range(1, len(boxes) + 1)}, geometry=[shapely.box(*b) for b in boxes])
    frame.set_crs("EPSG:32631").to_crs(crs).to_file(path)
    return path


# BandMath

EXPRESSIONS = [
    "im1b1 + im2b1",
    "ndvi(im1b1, im1b2)",
    "(im1b1 - im1b2) / (im1b1 + im1b2) * 1000",
    "im1b1 > 500 and im2b1 < 450 ? -im2b1^2 : idxX + 1000 * idxY",
    "rint(im2b1) + idxPhyX - idxPhyY",
    "im1b1 / (im1b2 - im1b2)",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_band_math_is_otb_s(tmp_path: Path, pair: tuple[Path, Path], expression: str) -> None:
    otb("BandMath", "-il", *pair, "-exp", expression, "-out", tmp_path / "otb.tif")
    create("BandMath", {"il": list(pair), "exp": expression, "out": tmp_path / "own.tif"}).ExecuteAndWriteOutput()
    np.testing.assert_allclose(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"), rtol=2e-7)
    assert corner(tmp_path / "own.tif") == corner(tmp_path / "otb.tif")


@pytest.mark.parametrize("pixel_type", ["uint8", "int16", "uint16", "int32"])
def test_integers_are_cut_and_held_as_by_otb(tmp_path: Path, pair: tuple[Path, Path], pixel_type: str) -> None:
    expression = "(im2b1 - 400) * 150.7"
    otb("BandMath", "-il", *pair, "-exp", expression, "-out", tmp_path / "otb.tif", pixel_type)
    own = create("BandMath", {"il": list(pair), "exp": expression})
    own.SetParameters({"out": tmp_path / "own.tif", "pixType": pixel_type})
    own.ExecuteAndWriteOutput()
    np.testing.assert_array_equal(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"))


def test_casting_by_hand() -> None:
    given = np.array([2.9, -0.5, -2.9, 300, -300, np.nan, np.inf])
    np.testing.assert_array_equal(cast(given, np.dtype("uint8"), None), [2, 0, 0, 255, 0, 0, 255])
    np.testing.assert_array_equal(cast(given, np.dtype("int16"), -1), [2, 0, -2, 300, -300, -1, 32767])
    assert cast(given, np.dtype("float32"), None)[-1] == np.finfo(np.float32).max


def test_windows_do_not_change_the_result(tmp_path: Path) -> None:
    path = write(tmp_path / "large.tif", numbers((3, 700, 1100)))
    parameters = {"il": [path], "exp": "im1b1 * idxX + im1b3 / (idxY + 1)", "out": tmp_path / "whole.tif"}
    create("BandMath", parameters).ExecuteAndWriteOutput()
    pieces = create("BandMath", parameters | {"out": tmp_path / "pieces.tif", "ram": 1})
    assert len(pieces.image.windows(pieces.memory)) > 10
    pieces.ExecuteAndWriteOutput()
    np.testing.assert_array_equal(read(tmp_path / "pieces.tif"), read(tmp_path / "whole.tif"))


def test_a_chain_writes_nothing_between(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    plus = create("BandMath", {"il": [pair[0]], "exp": "im1b1 + 3", "out": tmp_path / "between.tif"})
    assert plus.Execute() == 0
    both = create("ConcatenateImages", {"il": [plus, pair[1]]})
    zone = vector(tmp_path / "zone.gpkg", (LEFT + 42, TOP - 338, LEFT + 260, TOP - 61))
    part = create("ExtractROI", {"in": (both, [plus]), "mode": "fit", "mode.fit.vect": str(zone)})
    part.SetParameterString("out", str(tmp_path / "part.tif"))
    part.ExecuteAndWriteOutput()
    assert not (tmp_path / "between.tif").exists()
    expected = np.stack([read(pair[0])[0] + np.float32(3), read(pair[1])[0]])[:, 6:34, 4:26]
    np.testing.assert_array_equal(read(tmp_path / "part.tif"), expected)
    assert corner(tmp_path / "part.tif") == (LEFT + 40, TOP - 60, 22, 28)
    array = part.GetVectorImageAsNumpyArray("out")
    np.testing.assert_array_equal(array, np.moveaxis(expected, 0, 2))
    np.testing.assert_array_equal(part.GetImageAsNumpyArray("out"), expected[0])
    assert part.GetParameterString("out") == str(tmp_path / "part.tif")
    assert part.GetParameterString("mode") == "fit"


def test_otb_s_ways_of_connecting(pair: tuple[Path, Path]) -> None:
    first = create("BandMath", {"il": [pair[1]], "exp": "im1b1 * 2"})
    second = create("BandMath")
    second.ConnectImage("il", first, "out")
    second.AddImageToParameterInputImageList("il", str(pair[1]))
    second.SetParameterString("exp", "im1b1 - im2b1")
    np.testing.assert_array_equal(second.GetImageAsNumpyArray("out"), read(pair[1])[0])
    second.SetParameterString("exp", "im1b1 - 2 * im2b1")
    assert not second.GetImageAsNumpyArray("out").any()


def test_an_array_with_a_place(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    array = numbers((50, 70), 5)
    image = ArrayImage(array, crs="EPSG:32631", transform=(PIXEL, 0, LEFT, 0, -PIXEL, TOP))
    found = create("BandMath", {"il": [image, pair[1]], "exp": "im1b1 - im2b1"}).GetImageAsNumpyArray("out")
    np.testing.assert_allclose(found, array - read(pair[1])[0], atol=1e-4)
    with pytest.raises(InputError, match="north up"):
        ArrayImage(array, crs="EPSG:32631", transform=(PIXEL, 0, LEFT, 0, PIXEL, TOP))


def test_only_the_bands_that_are_named_are_read(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    app = create("BandMath", {"il": [pair[0], pair[1]], "exp": "im1b2 * 2"})
    for source in app.image.sources:
        original = source.read
        monkeypatch.setattr(
            source, "read", lambda window, bands=None, do=original: (asked.append(bands), do(window, bands))[1]
        )
    app.GetImageAsNumpyArray("out")
    assert asked == [[1]]


# ConcatenateImages


def test_concatenation_is_otb_s(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    otb("ConcatenateImages", "-il", *pair, "-out", tmp_path / "otb.tif")
    app = create("ConcatenateImages", {"il": list(pair), "out": tmp_path / "own.tif"})
    app.ExecuteAndWriteOutput()
    np.testing.assert_array_equal(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"))
    assert "different numbers for no data" in app.messages[0]


def test_concatenation_keeps_type_nodata_and_names(tmp_path: Path) -> None:
    with rasterio.open(write(tmp_path / "a.tif", numbers((2, 9, 9), 1, "int16"), nodata=-1), "r+") as target:
        target.descriptions = ("red", "nir")
    app = create("ConcatenateImages", {"il": [tmp_path / "a.tif"] * 2, "out": tmp_path / "c.tif"})
    app.ExecuteAndWriteOutput()
    with rasterio.open(tmp_path / "c.tif") as found:
        assert found.dtypes == ("int16",) * 4
        assert found.nodata == -1
        assert found.descriptions == ("red", "nir", "red", "nir")
    np.testing.assert_array_equal(app.image.read(app.image.window, [3, 0]), read(tmp_path / "a.tif")[[1, 0]])


# ExtractROI


@pytest.mark.parametrize(
    "words",
    [
        {"startx": 3, "starty": 5, "sizex": 20, "sizey": 10},
        {"startx": 60, "starty": 5, "sizex": 10, "sizey": 10, "cl": ["Channel2"]},
        {"mode": "extent", "mode.extent.ulx": 2, "mode.extent.uly": 3, "mode.extent.lrx": 9, "mode.extent.lry": 11},
        {
            "mode": "extent",
            "mode.extent.unit": "phy",
            "mode.extent.ulx": LEFT + 31,
            "mode.extent.uly": TOP - 42,
            "mode.extent.lrx": LEFT + 99,
            "mode.extent.lry": TOP - 111,
        },
        {"mode": "radius", "mode.radius.r": 4, "mode.radius.cx": 20, "mode.radius.cy": 30},
    ],
)
def test_extraction_is_otb_s(tmp_path: Path, pair: tuple[Path, Path], words: dict[str, object]) -> None:
    given = [
        word for key, value in words.items() for word in (f"-{key}", *(value if isinstance(value, list) else [value]))
    ]
    otb("ExtractROI", "-in", pair[0], "-out", tmp_path / "otb.tif", *given)
    create("ExtractROI", {"in": pair[0], "out": tmp_path / "own.tif", **words}).ExecuteAndWriteOutput()
    assert corner(tmp_path / "own.tif") == corner(tmp_path / "otb.tif")
    np.testing.assert_array_equal(read(tmp_path / "own.tif"), read(tmp_path / "otb.tif"))
    with rasterio.open(tmp_path / "own.tif") as found:
        assert found.nodata == -10000
        assert found.dtypes[0] == "int16"


@pytest.mark.parametrize(
    ("box", "columns", "rows"),
    [
        ((103, 103, 206, 206), (10, 21), (10, 21)),  # off the grid: OTB loses column and row 20
        ((100, 50, 200, 150), (10, 20), (5, 15)),  # on the grid
        ((101, 51, 102, 52), (10, 11), (5, 6)),  # inside one pixel: OTB gives the rest of the image
        ((-50, -50, 25, 15), (0, 3), (0, 2)),  # partly outside
    ],
)
def test_fit_takes_the_pixels_that_the_extent_touches(
    pair: tuple[Path, Path], tmp_path: Path, box: tuple[float, ...], columns: tuple[int, int], rows: tuple[int, int]
) -> None:
    zone = vector(tmp_path / "zone.shp", (LEFT + box[0], TOP - box[3], LEFT + box[2], TOP - box[1]))
    app = create("ExtractROI", {"in": pair[0], "mode": "fit", "mode.fit.vect": zone})
    found = np.moveaxis(app.GetVectorImageAsNumpyArray("out"), 2, 0)
    np.testing.assert_array_equal(found, read(pair[0])[:, slice(*rows), slice(*columns)])
    assert bool(app.messages) == (box[0] < 0)


def test_fit_in_another_projection(pair: tuple[Path, Path], tmp_path: Path) -> None:
    box = (LEFT + 203, TOP - 306, LEFT + 406, TOP - 103)
    for name, crs in (("lambert", "EPSG:2154"), ("degrees", "EPSG:4326")):
        zone = vector(tmp_path / f"{name}.gpkg", box, crs=crs)
        app = create("ExtractROI", {"in": pair[1], "mode": "fit", "mode.fit.vect": zone})
        window = app.image.window
        assert (window.column, window.row, window.n_columns, window.n_rows) == (20, 10, 21, 21)


def test_fit_to_an_image(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = write(tmp_path / "other.tif", numbers((7, 5)), left=LEFT + 100, top=TOP - 60, pixel=20)
    window = create("ExtractROI", {"in": pair[1], "mode": "fit", "mode.fit.im": other}).image.window
    assert (window.column, window.row, window.n_columns, window.n_rows) == (10, 6, 10, 14)


def test_radius_and_extent_in_other_units(pair: tuple[Path, Path]) -> None:
    x, y = LEFT + 205, TOP - 305
    (longitude,), (latitude,) = transform_points("EPSG:32631", "EPSG:4326", [x], [y])
    around = {"mode": "radius", "mode.radius.r": 30, "mode.radius.unitr": "phy"}
    by_map = {"mode.radius.cx": x, "mode.radius.cy": y, "mode.radius.unitc": "phy"}
    by_degrees = {"mode.radius.cx": longitude, "mode.radius.cy": latitude, "mode.radius.unitc": "lonlat"}
    windows = [create("ExtractROI", {"in": pair[1], **around, **place}).image.window for place in (by_map, by_degrees)]
    assert windows[0] == windows[1]
    assert (windows[0].column, windows[0].row, windows[0].n_columns, windows[0].n_rows) == (17, 27, 7, 7)


# Superimpose


@pytest.mark.parametrize(
    ("method", "radius", "tolerance"), [("bco", 2, 2e-3), ("bco", 3, 2e-3), ("linear", 2, 2e-3), ("nn", 2, 0)]
)
def test_superimposing_is_otb_s(tmp_path: Path, method: str, radius: int, tolerance: float) -> None:
    moving = write(tmp_path / "moving.tif", numbers((40, 45), 3), left=LEFT - 90.5, top=TOP - 33.25, pixel=25)
    reference = write(tmp_path / "reference.tif", numbers((90, 80), 4))
    words = ["-interpolator", method, *(["-interpolator.bco.radius", radius] if method == "bco" else []), "-fv", -5]
    otb("Superimpose", "-inr", reference, "-inm", moving, "-out", tmp_path / "otb.tif", *words)
    parameters = {"inr": reference, "inm": moving, "interpolator": method, "interpolator.bco.radius": radius, "fv": -5}
    create("Superimpose", {**parameters, "out": tmp_path / "own.tif"}).ExecuteAndWriteOutput()
    own, other = read(tmp_path / "own.tif"), read(tmp_path / "otb.tif")
    assert np.abs(own - other).max() <= tolerance
    assert (own == -5).sum() == (other == -5).sum() > 100


def test_superimposing_across_projections(tmp_path: Path) -> None:
    height = numbers((60, 60), 3)
    moving = write(tmp_path / "dem.tif", height, left=496_000, top=6_250_000, pixel=25, crs="EPSG:2154")
    (x,), (y,) = transform_points("EPSG:2154", "EPSG:32631", [496_400], [6_249_600])
    reference = write(tmp_path / "reference.tif", numbers((50, 50), 4), left=round(x), top=round(y))
    for method, order in (("linear", 1), ("nn", 0)):
        found = create("Superimpose", {"inr": reference, "inm": moving, "interpolator": method}).GetImageAsNumpyArray(
            "out"
        )
        columns, rows = np.meshgrid(round(x) + 5 + 10 * np.arange(50.0), round(y) - 5 - 10 * np.arange(50.0))
        xs, ys = transform_points("EPSG:32631", "EPSG:2154", columns.ravel(), rows.ravel())
        places = [(6_250_000 - np.array(ys)) / 25 - 0.5, (np.array(xs) - 496_000) / 25 - 0.5]
        expected = map_coordinates(height.astype(float), places, order=order).reshape(50, 50)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    # Bicubic as GDAL's warp, whose transformer is exact when asked for.
    with rasterio.open(moving) as source, rasterio.open(reference) as target:
        from rasterio.vrt import WarpedVRT

        options = {"crs": target.crs, "transform": target.transform, "width": 50, "height": 50}
        with WarpedVRT(source, resampling=Resampling.cubic, tolerance=1e-6, **options) as warped:
            expected = warped.read(1)
    found = create("Superimpose", {"inr": reference, "inm": moving}).GetImageAsNumpyArray("out")
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_superimposed_windows_and_gaps(tmp_path: Path) -> None:
    height = numbers((60, 60), 3)
    height[20, 30] = -9999
    moving = write(tmp_path / "dem.tif", height, left=LEFT, top=TOP, pixel=25, nodata=-9999)
    reference = write(tmp_path / "reference.tif", numbers((150, 150), 4))
    app = create("Superimpose", {"inr": reference, "inm": moving, "fv": -1, "out": tmp_path / "whole.tif"})
    app.ExecuteAndWriteOutput()
    whole = read(tmp_path / "whole.tif")[0]
    image = app.image
    for window in image.windows(200_000):
        np.testing.assert_array_equal(image.read(window)[0], whole[window.slices_in(image.window)])
    gap = whole == -1
    assert gap.any()
    rows, columns = np.nonzero(gap)
    # Two pixels of 25 m around the one without data, and no others.
    assert rows.min() >= 18 * 2.5 - 1
    assert rows.max() <= 23 * 2.5
    assert columns.min() >= 28 * 2.5 - 1
    assert columns.max() <= 33 * 2.5
    with rasterio.open(tmp_path / "whole.tif") as found:
        assert found.nodata == -1


# DEM


def test_slope_of_a_model_in_metres(tmp_path: Path) -> None:
    x = np.mgrid[:40, :50][1]
    plane = write(tmp_path / "plane.tif", (100 + 3.0 * x).astype("float32"))
    app = create("DEM", {"in": plane, "measure": "slope", "slope.unit": "percent", "out": tmp_path / "slope.tif"})
    app.ExecuteAndWriteOutput()
    slope = read(tmp_path / "slope.tif")[0]
    np.testing.assert_allclose(slope[1:-1, 1:-1], 30, rtol=1e-5)
    assert (slope[[0, -1]] == -9999).all()
    edges = create("DEM", {"in": plane, "measure": "aspect", "compute_edges": "true"}).GetImageAsNumpyArray("out")
    np.testing.assert_allclose(edges, 270)


def test_a_model_in_degrees_is_warped_to_metres(tmp_path: Path) -> None:
    size = 1 / 1200
    latitude = 44 - (np.arange(80) + 0.5) * size
    climb = np.repeat(((latitude - 44) * 111_120 * 0.2)[:, np.newaxis], 90, axis=1).astype("float32")
    path = write(tmp_path / "degrees.tif", climb, left=2.0, top=44.0, pixel=size, crs="EPSG:4326")
    app = create("DEM", {"in": path, "slope.unit": "percent"})
    found = app.GetImageAsNumpyArray("out")
    inner = found[found != -9999]
    np.testing.assert_allclose(inner, 20, rtol=0.01)
    assert "EPSG:32631" in app.messages[0]
    assert 90 < app.image.grid.resolution_x < 94
    facing = create("DEM", {"in": path, "measure": "northness"}).GetImageAsNumpyArray("out")
    np.testing.assert_allclose(facing[facing != -9999], -1, atol=1e-3)


def test_terrain_in_windows(tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif", numbers((130, 120), 6))
    image = create("DEM", {"in": path, "measure": "aspect", "compute_edges": True}).image
    whole = image.read(image.window)
    for window in image.windows(60_000):
        np.testing.assert_array_equal(image.read(window), whole[(slice(None), *window.slices_in(image.window))])


# What is refused


def test_what_is_wrong_is_told(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    small = write(tmp_path / "small.tif", numbers((50, 60)))
    shifted = write(tmp_path / "shifted.tif", numbers((50, 70)), left=LEFT + PIXEL)
    broken = tmp_path / "broken.tif"
    broken.write_text("no raster")
    out = {"out": tmp_path / "out.tif"}
    cases: list[tuple[type[Exception], str, str, dict[str, object]]] = [
        (InputError, r"70 x 50 pixels and small\.tif 60 x 50", "BandMath", {"il": [pair[1], small], "exp": "im1b1"}),
        (InputError, "different places", "ConcatenateImages", {"il": [pair[1], shifted]}),
        (InputError, "none.tif does not exist", "BandMath", {"il": [pair[1], tmp_path / "none.tif"], "exp": "1"}),
        (InputError, "no raster that can be read", "BandMath", {"il": [broken], "exp": "1"}),
        (ConfigError, "unknown variable im1b3", "BandMath", {"il": [pair[0]], "exp": "im1b3 * 2"}),
        (ConfigError, "needs -exp", "BandMath", {"il": [pair[0]]}),
        (ConfigError, "is read and would be overwritten", "BandMath", {"il": [pair[0]], "exp": "1", "out": pair[0]}),
        (ConfigError, "no name of a GeoTIFF", "BandMath", {"il": [pair[0]], "exp": "1", "out": tmp_path / "a.png"}),
        (ConfigError, "-startx takes a whole number", "ExtractROI", {"in": pair[0], "startx": "x"}),
        (ConfigError, "-mode is fits", "ExtractROI", {"in": pair[0], "mode": "fits"}),
        (ConfigError, "one of the two", "ExtractROI", {"in": pair[0], "mode": "fit"}),
        (InputError, "wholly outside", "ExtractROI", {"in": pair[0], "startx": 900, "sizex": 3}),
        (InputError, "no band Channel3", "ExtractROI", {"in": pair[0], "cl": "Channel3"}),
        (ConfigError, "does without -lms", "Superimpose", {"inr": pair[0], "inm": pair[1], "lms": 4}),
        (ConfigError, "in metres", "DEM", {"in": pair[1], "epsg": 2154}),
        (InputError, "2 bands", "DEM", {"in": pair[0]}),
        (ConfigError, "at least 1 MB", "BandMath", {"il": [pair[0]], "exp": "1", "ram": 0}),
        (ConfigError, "there is no application BandMat", "BandMat", {}),
    ]
    before = set(tmp_path.iterdir())
    for kind, message, name, parameters in cases:
        with pytest.raises(kind, match=message):
            create(name, out | parameters if parameters else {}).ExecuteAndWriteOutput()
        assert set(tmp_path.iterdir()) == before, message


def test_a_file_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers((400, 300)))
    path.write_bytes(path.read_bytes()[:200_000])
    app = create("BandMath", {"il": [path], "exp": "im1b1", "out": tmp_path / "out.tif", "ram": 1})
    with pytest.raises(InputError, match=r"a\.tif cannot be read"):
        app.ExecuteAndWriteOutput()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_found_before_the_work(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    application = create("BandMath", {"il": list(pair), "exp": "im1b1", "out": pair[0] / "c.tif"})
    with pytest.raises(ConfigError, match="is a file: nothing can be written into it"):
        application.Execute()
