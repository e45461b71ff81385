"""A simulated scene on disk: its layout, what its files say of each other, and whether one can learn from it."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from i2db.errors import ConfigError
from i2db.simulate import Scene, simulate

BANDS = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
FINE = ("B2", "B3", "B4", "B8")
PRODUCT = re.compile(r"SENTINEL2[AB]_(\d{8})-(\d{6})-(\d{3})_L2A_(T31T[A-Z]{2})_D_V1-7")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("single") / "scene"
    return simulate(folder, size=128, dates=8, double_dates=1, seed=4)


@pytest.fixture(scope="module")
def four_tiles(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("four") / "scene"
    return simulate(folder, size=96, dates=5, tiles=4, regions=3, classes=8, seed=2, large_codes=True, block=32)


def _read(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as source:
        array: NDArray[Any] = source.read(1)
    return array


def _band(product: Path, band: str) -> NDArray[Any]:
    return _read(product / f"{product.name}_FRE_{band}.tif")


def _mask(product: Path, mask: str) -> NDArray[Any]:
    return _read(product / "MASKS" / f"{product.name}_{mask}_R1.tif")


def _doubled(coarse: NDArray[Any]) -> NDArray[Any]:
    return coarse.repeat(2, axis=0).repeat(2, axis=1)


def test_products_lie_as_theia_delivers_them(scene: Scene) -> None:
    on_disk = sorted((scene.folder / "s2" / "T31TCJ").iterdir())
    assert sorted(scene.products) == on_disk
    assert len(on_disk) == 9
    matches = [PRODUCT.fullmatch(product.name) for product in on_disk]
    days = sorted(match[1] for match in matches if match)
    assert len(days) == 9
    assert len(set(days)) == 8
    assert days[0] == "20180101"
    gaps = np.diff([datetime.datetime.strptime(day, "%Y%m%d").toordinal() for day in sorted(set(days))])
    assert gaps.min() >= 5
    for product in on_disk:
        names = {path.name for path in product.rglob("*.tif")}
        assert names == {f"{product.name}_FRE_{band}.tif" for band in BANDS} | {
            f"{product.name}_{mask}_R1.tif" for mask in ("CLM", "SAT", "EDG")
        }


def test_rasters_have_the_types_sizes_and_corners_of_theia(scene: Scene) -> None:
    product = scene.products[0]
    for band in BANDS:
        with rasterio.open(product / f"{product.name}_FRE_{band}.tif") as source:
            pixel, size = (10, 128) if band in FINE else (20, 64)
            assert source.dtypes == ("int16",)
            assert source.nodata == -10000
            assert source.crs.to_epsg() == 32631
            assert source.shape == (size, size)
            assert source.res == (pixel, pixel)
            assert (source.bounds.left, source.bounds.top) == (300_000, 4_801_280)
            assert source.block_shapes == [(size, size)]
            assert source.compression.name == "deflate"
    for mask in ("CLM", "SAT", "EDG"):
        with rasterio.open(product / "MASKS" / f"{product.name}_{mask}_R1.tif") as source:
            assert source.dtypes == ("uint8",)
            assert source.shape == (128, 128)


def test_the_edge_mask_is_where_all_bands_have_no_data(scene: Scene) -> None:
    n_outside = 0
    for product in scene.products:
        edge = _mask(product, "EDG")
        assert set(np.unique(edge).tolist()) <= {0, 1}
        n_outside += int(edge.sum())
        for band in BANDS:
            numbers = _band(product, band)
            if band not in FINE:
                numbers = _doubled(numbers)
            np.testing.assert_array_equal(numbers == -10000, edge == 1)
            assert ((numbers[edge == 0] >= 1) & (numbers[edge == 0] <= 11000)).all()
        assert not _mask(product, "CLM")[edge == 1].any()
        assert not _mask(product, "SAT")[edge == 1].any()
    assert n_outside > 0


def test_a_doubled_day_is_complete_once_both_products_are_joined(scene: Scene) -> None:
    by_day: dict[str, list[Path]] = {}
    for product in scene.products:
        by_day.setdefault(product.name[11:19], []).append(product)
    (pair,) = [products for products in by_day.values() if len(products) == 2]
    north, south = (_mask(product, "EDG") == 0 for product in sorted(pair))
    assert north[0].any() > south[0].any()
    assert south[-1].any() > north[-1].any()
    assert (north & south).any()


def test_saturation_bits_name_the_saturated_bands(scene: Scene) -> None:
    n_saturated = 0
    for product in scene.products:
        saturation = _mask(product, "SAT")
        n_saturated += int((saturation > 0).sum())
        for bit, band in enumerate(FINE):
            np.testing.assert_array_equal(saturation >> bit & 1, _band(product, band) >= 11000)
    assert n_saturated > 0


def test_masked_clouds_are_bright_and_masked_shadows_dark(scene: Scene) -> None:
    clear, cloud, shadow = [], [], []
    for product in scene.products:
        blue, mask, edge = _band(product, "B2"), _mask(product, "CLM"), _mask(product, "EDG")
        near = _band(product, "B8")
        clear.append(near[(mask == 0) & (edge == 0)])
        cloud.append(blue[(mask & 2) > 0])
        shadow.append(near[(mask & 32) > 0])
    assert float(np.median(np.concatenate(cloud))) > 3000
    assert float(np.median(np.concatenate(shadow))) < 0.75 * float(np.median(np.concatenate(clear)))


def test_coarse_bands_are_means_of_the_same_scene(scene: Scene) -> None:
    for product in scene.products:
        inside = _mask(product, "EDG")[::2, ::2] == 0
        fine = _band(product, "B8").reshape(64, 2, 64, 2).mean(axis=(1, 3))
        coarse = _band(product, "B8A")
        clear = inside & (_mask(product, "CLM").reshape(64, 2, 64, 2).max(axis=(1, 3)) == 0)
        if clear.sum() > 200:
            assert float(np.corrcoef(fine[clear], coarse[clear])[0, 1]) > 0.97


def test_neighbouring_tiles_agree_where_they_overlap(four_tiles: Scene) -> None:
    # 96 pixels a side, 86 apart: the last ten columns of CJ are the first ten of DJ.
    n_compared = 0
    for west in [product for product in four_tiles.products if "_T31TCJ_" in product.name]:
        east = west.parent.parent / "T31TDJ" / west.name.replace("T31TCJ", "T31TDJ")
        clouds = _mask(west, "CLM")[:, 86:]
        inside = _mask(west, "EDG")[:, 86:] == 0
        np.testing.assert_array_equal(inside, _mask(east, "EDG")[:, :10] == 0)
        np.testing.assert_array_equal(clouds > 0, _mask(east, "CLM")[:, :10] > 0)
        for band in FINE:
            left = _band(west, band)[:, 86:].astype(float)
            right = _band(east, band)[:, :10].astype(float)
            usable = inside & (left < 11000) & (right < 11000)
            difference = (left - right)[usable]
            sigma = np.sqrt(2) * 0.7 * (40 + 0.025 * left[usable])
            assert float(np.abs(difference / sigma).max(initial=0)) < 6
            n_compared += int(usable.sum())
            if usable.any():
                assert difference.std() > 0
    assert n_compared > 1000


def test_ground_truth_lies_inside_its_parcels_and_nowhere_twice(scene: Scene, four_tiles: Scene) -> None:
    for some in (scene, four_tiles):
        frame = geopandas.read_file(some.ground_truth)
        assert frame.crs.to_epsg() == 32631
        assert set(frame.columns) == {"id", "code", "label", "geometry"}
        assert frame["id"].is_unique
        assert len(frame) == some.n_polygons
        assert (frame.geom_type == "Polygon").all()
        assert frame.is_valid.all()
        assert frame.groupby("code").size().min() >= 6
        assert set(frame["code"]) == set(some.class_codes)
        names = dict(zip(some.class_codes, some.class_names, strict=True))
        assert [names[code] for code in frame["code"]] == frame["label"].tolist()
        left, right = shapely.STRtree(frame.geometry.to_numpy()).query(frame.geometry.to_numpy(), "intersects")
        np.testing.assert_array_equal(left, right)
        with rasterio.open(some.truth) as source:
            truth = source.read(1)
            burnt = rasterize(
                zip(frame.geometry, frame["code"], strict=True),
                out_shape=source.shape,
                transform=source.transform,
                dtype="uint16",
            )
        assert truth.dtype == np.uint16
        np.testing.assert_array_equal(truth[burnt > 0], burnt[burnt > 0])


def test_ground_truth_keeps_five_metres_from_other_classes(scene: Scene) -> None:
    frame = geopandas.read_file(scene.ground_truth)
    # A centre 4.9 m from a polygon is still in the polygon's parcel (curved corners apart).
    grown = zip(frame.buffer(4.9, join_style="bevel"), frame["code"], strict=True)
    with rasterio.open(scene.truth) as source:
        truth = source.read(1)
        for shape, code in grown:
            burnt = rasterize([(shape, 1)], out_shape=source.shape, transform=source.transform, dtype="uint8")
            assert set(np.unique(truth[burnt == 1]).tolist()) == {code}


def test_shapefile_and_geopackage_hold_the_same(scene: Scene) -> None:
    first, second = geopandas.read_file(scene.ground_truth), geopandas.read_file(scene.ground_truth_shapefile)
    for column in ("id", "code", "label"):
        assert first[column].tolist() == second[column].tolist()
        assert len(column) <= 10
    # A shapefile turns rings round; what they enclose is the same.
    assert first.geom_equals(second).all()


def test_regions_cover_the_truth_without_overlap(four_tiles: Scene, scene: Scene) -> None:
    frame = geopandas.read_file(four_tiles.regions)
    assert frame["region"].tolist() == ["1", "2", "3"]
    with rasterio.open(four_tiles.truth) as source:
        box = shapely.box(*source.bounds)
    assert float(frame.area.sum()) == pytest.approx(box.area)
    assert frame.union_all().area == pytest.approx(box.area)
    assert "region_path" in four_tiles.config.read_text(encoding="utf-8")
    assert geopandas.read_file(scene.regions)["region"].tolist() == ["1"]
    assert "region_path" not in scene.config.read_text(encoding="utf-8")


def test_texts_name_every_class(four_tiles: Scene) -> None:
    assert max(four_tiles.class_codes) == 1200
    lines = four_tiles.nomenclature.read_text(encoding="utf-8").splitlines()
    assert [int(line.split(":")[1]) for line in lines] == sorted(four_tiles.class_codes)
    assert [line.split(":")[0] for line in lines] == list(four_tiles.class_names)
    colors = [
        [int(word) for word in line.split()] for line in four_tiles.colors.read_text(encoding="utf-8").splitlines()
    ]
    assert [row[0] for row in colors] == sorted(four_tiles.class_codes)
    assert all(len(row) == 4 and max(row[1:]) <= 255 for row in colors)


def test_config_names_files_that_are_there(four_tiles: Scene) -> None:
    text = four_tiles.config.read_text(encoding="utf-8")
    entries = dict(re.findall(r"(\w+) : '([^']*)'", text))
    assert entries["list_tile"].split() == list(four_tiles.tiles)
    for key in ("s2_path", "ground_truth", "nomenclature_path", "color_table", "region_path"):
        assert (four_tiles.folder / entries[key]).exists()


def test_equal_arguments_give_equal_arrays_and_another_seed_others(tmp_path: Path) -> None:
    made = [simulate(tmp_path / str(n), size=64, dates=3, seed=seed) for n, seed in enumerate((7, 7, 8))]
    first, again, other = made
    names = [path.relative_to(first.folder) for path in sorted(first.folder.rglob("*.tif"))]
    assert len(names) == 3 * 13 + 1
    for name in names:
        np.testing.assert_array_equal(_read(first.folder / name), _read(again.folder / name))
    frames = [geopandas.read_file(some.ground_truth) for some in made]
    assert frames[0].equals(frames[1])
    assert not np.array_equal(_read(first.truth), _read(other.truth))


def test_block_and_compression_change_the_storage_alone(tmp_path: Path) -> None:
    scene = simulate(tmp_path / "plain", size=100, dates=2, block=16, compress="none", polygons=9, seed=1)
    with rasterio.open(scene.products[0] / f"{scene.products[0].name}_FRE_B2.tif") as source:
        assert source.block_shapes == [(16, 16)]
        assert source.compression is None
    assert len(geopandas.read_file(scene.ground_truth)) == 9


def test_dates_follow_the_days_between(tmp_path: Path) -> None:
    scene = simulate(tmp_path / "s", size=64, dates=4, classes=2, first_date="20171228", days_between=1)
    days = sorted(product.name[11:19] for product in scene.products)
    assert days == ["20171228", "20171229", "20171230", "20171231"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 62}, "size=62"),
        ({"size": 129}, "multiple of 2"),
        ({"dates": 1}, "dates=1"),
        ({"classes": 1}, "classes=1"),
        ({"classes": 18}, "17 classes"),
        ({"tiles": 0}, "tiles=0"),
        ({"tiles": 37}, "36 squares"),
        ({"seed": -1}, "seed=-1"),
        ({"regions": 0}, "regions=0"),
        ({"polygons": 3}, "polygons=3"),
        ({"polygons": 100_000, "size": 64}, "can serve as ground truth"),
        ({"double_dates": 13}, "double_dates=13"),
        ({"days_between": 0}, "days_between=0"),
        ({"resolution": 0}, "resolution=0"),
        ({"block": 20}, "multiple of 16"),
        ({"compress": "jpeg"}, "deflate"),
        ({"first_date": "2018-13-01"}, "yyyymmdd"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_words(tmp_path: Path, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        simulate(tmp_path / "scene", **arguments)
    assert not (tmp_path / "scene" / "s2").exists()


def test_a_full_folder_is_refused_and_overwriting_spares_what_is_not_ours(tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    folder.mkdir()
    mine = folder / "thesis.txt"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="not empty"):
        simulate(folder, size=64, dates=2)
    old = simulate(folder, size=64, dates=2, seed=1, overwrite=True)
    neighbour = old.products[0] / "note.txt"
    neighbour.write_text("keep", encoding="utf-8")
    new = simulate(folder, size=64, dates=2, seed=1, first_date="20190601", overwrite=True)
    assert mine.read_text(encoding="utf-8") == "mine"
    assert neighbour.exists()
    assert not old.products[1].exists()
    assert all(product.exists() for product in new.products)
    with pytest.raises(ConfigError, match="can serve as ground truth"):
        simulate(folder, size=64, dates=2, polygons=99_999, overwrite=True)
    assert all(product.exists() for product in new.products)
    with pytest.raises(ConfigError, match="is a file"):
        simulate(mine, size=64, dates=2)


def test_a_file_of_somebody_else_is_never_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "config.cfg"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="was not written by a simulation"):
        simulate(tmp_path, size=64, dates=2, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["config.cfg"]
    assert mine.read_text(encoding="utf-8") == "mine"


def _samples(scene: Scene) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Gap-filled bands, class and polygon of every pixel of the ground truth: (n, features), (n,), (n,)."""
    frame = geopandas.read_file(scene.ground_truth)
    with rasterio.open(scene.truth) as source:
        polygon = rasterize(
            zip(frame.geometry, frame["id"], strict=True), out_shape=source.shape, transform=source.transform
        )
    chosen = polygon > 0
    codes = frame.set_index("id")["code"].loc[polygon[chosen]].to_numpy()
    products = sorted(scene.products, key=lambda product: product.name[11:])
    days = np.array([datetime.datetime.strptime(p.name[11:19], "%Y%m%d").toordinal() for p in products], dtype=float)
    valid = np.array([sum(_mask(p, mask)[chosen].astype(int) for mask in ("CLM", "SAT", "EDG")) == 0 for p in products])
    columns = []
    for band in BANDS:
        series = np.array([(_band(p, band) if band in FINE else _doubled(_band(p, band)))[chosen] for p in products])
        filled = np.zeros(series.shape)
        for pixel in np.flatnonzero(valid.any(axis=0)):
            clear = valid[:, pixel]
            filled[:, pixel] = np.interp(days, days[clear], series[clear, pixel])
        columns.append(filled)
    return np.concatenate(columns).T, codes, polygon[chosen]


@pytest.mark.slow
def test_classes_can_be_learnt_but_not_without_error(tmp_path: Path) -> None:
    """Pixels of parcels that a random forest never saw: between 0.80 and 0.98 right, on average over splits."""
    from sklearn.ensemble import RandomForestClassifier

    features, codes, polygons = _samples(simulate(tmp_path / "scene", size=192, dates=12, seed=1))
    accuracies = []
    for split in range(3):
        random = np.random.default_rng(split)
        learnt: list[int] = []
        for code in np.unique(codes):
            members = random.permutation(np.unique(polygons[codes == code]))
            learnt += members[: len(members) // 2].tolist()
        learns = np.isin(polygons, learnt)
        forest = RandomForestClassifier(60, min_samples_leaf=2, random_state=0).fit(features[learns], codes[learns])
        accuracies.append(float((forest.predict(features[~learns]) == codes[~learns]).mean()))
    assert 0.80 < float(np.mean(accuracies)) < 0.98
