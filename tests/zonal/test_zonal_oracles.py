"""Zonal statistics against independent computations: rasterize and count, exactextract, the areas of intersections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exactextract
import geopandas
import numpy as np
import pandas
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from zone_scenes import CRS, box, frame, members, pixels, shapes, write_raster

from i2db.raster.coverage import coverage_spans
from i2db.raster.rings import read_rings
from i2db.zonal import compute_zonal_stats, zonal_statistics
from i2db.zonal.fill import Membership
from i2db.zonal.run import Options

WIDTH, HEIGHT = 90, 70
ALL = "1:rate 1:variety 1:majority 1:count 2:stats 2:count 2:median 2:percentile_10 2:statsmaj 2:stats_3"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with classes, numbers (float, with nodata and NaN), and 60 zones."""
    folder = tmp_path_factory.mktemp("zones")
    rng = np.random.default_rng(4)
    classes = rng.integers(0, 5, (HEIGHT, WIDTH)).repeat(1, 0).astype(np.uint8)
    numbers = rng.normal(50, 20, (HEIGHT, WIDTH)).astype(np.float32)
    numbers[rng.random(numbers.shape) < 0.1] = -9999
    numbers[rng.random(numbers.shape) < 0.05] = np.nan
    write_raster(folder / "classes.tif", classes, nodata=0, block=16)
    write_raster(folder / "numbers.tif", numbers, nodata=-9999)
    frame(shapes(60, WIDTH, HEIGHT, 5)).to_file(folder / "zones.gpkg")
    return folder


def computed(scene: Path, tmp_path: Path, params: str, **options: Any) -> pandas.DataFrame:
    zonal_statistics(
        [scene / "classes.tif", scene / "numbers.tif"],
        scene / "zones.gpkg",
        params,
        tmp_path / "out.parquet",
        Options(**options),
    )
    return geopandas.read_parquet(tmp_path / "out.parquet")


@pytest.mark.parametrize("membership", [Membership.CENTER, Membership.TOUCHED])
def test_counts_are_those_of_rasterize(scene: Path, tmp_path: Path, membership: Membership) -> None:
    found = computed(scene, tmp_path, ALL, membership=membership)
    classes, numbers = pixels(scene / "classes.tif"), pixels(scene / "numbers.tif").filled(np.nan)
    for _, zone in found.iterrows():
        inside = members(scene / "classes.tif", zone.geometry, all_touched=membership is Membership.TOUCHED)
        held, measured = classes[inside].compressed(), numbers[inside]
        measured = measured[~np.isnan(measured)].astype(np.float64)
        assert zone["countb1"] == held.size
        assert zone["countb2"] == measured.size
        codes, counts = np.unique(held, return_counts=True)
        assert zone["varietyb1"] == codes.size
        for code in range(1, 5):
            share = (held == code).mean() if code in codes else np.nan
            assert zone[str(code)] == pytest.approx(share, nan_ok=True)
        if held.size:
            assert zone["majority"] == zone["majorityb1"] == codes[counts.argmax()]
        if measured.size:
            assert zone["meanb2"] == pytest.approx(measured.mean(), rel=1e-12)
            assert zone["stdb2"] == pytest.approx(measured.std(), rel=1e-9, abs=1e-9)
            assert [zone["minb2"], zone["maxb2"]] == [measured.min(), measured.max()]
            assert zone["medianb2"] == np.median(measured)
            assert zone["p10b2"] == pytest.approx(np.percentile(measured, 10), rel=1e-12)
        for code, end in ((codes[counts.argmax()] if held.size else None, "majb2"), (3, "b2c3")):
            of_class = numbers[inside & (classes == code).filled(False)]
            of_class = of_class[~np.isnan(of_class)].astype(np.float64)
            assert zone["mean" + end] == pytest.approx(of_class.mean() if of_class.size else np.nan, nan_ok=True)
            assert zone["std" + end] == pytest.approx(
                of_class.std() if of_class.size else np.nan, nan_ok=True, abs=1e-9
            )


def test_covered_shares_are_those_of_exactextract(scene: Path, tmp_path: Path) -> None:
    found = computed(scene, tmp_path, "1:rate 1:variety 1:count 2:stats 2:count", membership=Membership.EXACT)
    zones = geopandas.read_file(scene / "zones.gpkg")
    kinds = exactextract.exact_extract(
        str(scene / "classes.tif"), zones, ["unique", "frac", "count", "majority", "variety"], output="pandas"
    )
    numbers = exactextract.exact_extract(
        str(scene / "numbers.tif"), zones, ["count", "mean", "stdev", "min", "max"], output="pandas"
    )
    for i, zone in found.iterrows():
        assert zone["countb1"] == pytest.approx(kinds["count"][i], abs=1e-5)
        assert zone["countb2"] == pytest.approx(numbers["count"][i], abs=1e-5)
        if not zone["countb1"]:
            continue
        shares = dict(zip(kinds["unique"][i].astype(int), kinds["frac"][i], strict=True))
        assert {code: zone[str(code)] for code in shares} == pytest.approx(shares, abs=1e-6)
        assert zone["majority"] == kinds["majority"][i]
        assert zone["varietyb1"] == kinds["variety"][i]
        if zone["countb2"]:
            assert zone["meanb2"] == pytest.approx(numbers["mean"][i], abs=1e-5)
            assert zone["stdb2"] == pytest.approx(numbers["stdev"][i], abs=1e-5)
            assert [zone["minb2"], zone["maxb2"]] == [numbers["min"][i], numbers["max"][i]]


def shares(geometry: list[Any], left: int, top: int, n_columns: int, n_rows: int) -> np.ndarray:
    rings = read_rings([shapely.to_wkb(each) for each in geometry], np.arange(len(geometry)))
    spans, found = coverage_spans(
        rings.x, rings.y, rings.ring_starts, rings.polygon_starts, rings.is_hole, left, top, n_columns, n_rows
    )
    result = np.zeros((len(geometry), n_rows, n_columns))
    for (polygon, row, first, end), share in zip(spans, found, strict=True):
        assert not result[polygon, row, first:end].any()
        result[polygon, row, first:end] = share
    return result


@settings(deadline=None, max_examples=15)
@given(random_seed=st.integers(0, 10_000), column=st.integers(1, 19), row=st.integers(1, 19), snap=st.booleans())
def test_coverage_is_the_area_of_the_intersection(random_seed: int, column: int, row: int, snap: bool) -> None:
    rng = np.random.default_rng(random_seed)
    geometry = []
    for _ in range(4):
        vertices = rng.uniform(-4, 24, (rng.integers(3, 7), 2))
        hull = shapely.MultiPoint(np.round(vertices) if snap else vertices).convex_hull
        other = shapely.Point(rng.uniform(0, 20, 2)).buffer(rng.uniform(0.1, 4))
        geometry += [g for g in (hull, hull.difference(other), shapely.union(hull, other)) if "Polygon" in g.geom_type]
    whole = shares(geometry, 0, 0, 20, 20)
    x, y = np.meshgrid(np.arange(20), np.arange(20))
    cells = shapely.box(x, y, x + 1, y + 1)
    expected = np.array([shapely.area(shapely.intersection(each, cells)) for each in geometry]).reshape(whole.shape)
    assert whole == pytest.approx(expected, abs=1e-8)
    parts = [
        np.concatenate([shares(geometry, x0, y0, x1 - x0, y1 - y0) for x0, x1 in ((0, column), (column, 20))], axis=2)
        for y0, y1 in ((0, row), (row, 20))
    ]
    assert np.concatenate(parts, axis=1) == pytest.approx(whole, abs=1e-12)


@settings(deadline=None, max_examples=3)
@given(chunk_pixels=st.integers(600, 4000), membership=st.sampled_from(list(Membership)))
def test_chunks_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, scene: Path, chunk_pixels: int, membership: Membership
) -> None:
    folder = tmp_path_factory.mktemp("chunks")
    whole = computed(scene, folder, ALL, membership=membership)
    cut = computed(scene, folder, ALL, membership=membership, chunk_pixels=chunk_pixels)
    pandas.testing.assert_frame_equal(
        pandas.DataFrame(whole.drop(columns=["geometry", "bbox"], errors="ignore")),
        pandas.DataFrame(cut.drop(columns=["geometry", "bbox"], errors="ignore")),
        rtol=1e-10,
        atol=1e-12,
    )


def test_a_band_of_integers_is_exactly_the_same_by_chunk(scene: Path, tmp_path: Path) -> None:
    params = "1:rate 1:stats 1:median 1:variety"
    whole = computed(scene, tmp_path, params)
    cut = computed(scene, tmp_path, params, chunk_pixels=300)
    exact = ["1", "2", "3", "4", "majority", "meanb1", "maxb1", "minb1", "medianb1", "varietyb1"]
    pandas.testing.assert_frame_equal(whole[exact], cut[exact], check_exact=True)


@pytest.mark.slow
def test_processes_and_memory_change_nothing(scene: Path, tmp_path: Path) -> None:
    alone = computed(scene, tmp_path, ALL, chunk_pixels=2000)
    shared = computed(scene, tmp_path, ALL, chunk_pixels=2000, n_workers=2, memory=600_000_000)
    fields = [name for name in alone.columns if name not in ("geometry", "bbox")]
    pandas.testing.assert_frame_equal(alone[fields], shared[fields], check_exact=True)


def test_zion_by_another_way(real_data: Path, tmp_path: Path) -> None:
    """Known shares: the park's outline burnt by rasterio after geopandas reprojected it."""
    folder = real_data / "zion"
    before = (folder / "zion.gpkg").read_bytes()
    result = zonal_statistics(
        [folder / "nlcd.tif", folder / "srtm.tif"],
        folder / "zion.gpkg",
        "1:rate 2:stats 2:median",
        tmp_path / "zion.gpkg",
    )
    (park,) = geopandas.read_file(tmp_path / "zion.gpkg").to_dict("records")
    assert any("reprojected" in note for note in result.notes)
    assert (folder / "zion.gpkg").read_bytes() == before
    with rasterio.open(folder / "nlcd.tif") as source:
        outline = geopandas.read_file(folder / "zion.gpkg").to_crs(source.crs).geometry[0]
    cover = pixels(folder / "nlcd.tif")[members(folder / "nlcd.tif", outline)].compressed()
    codes, counts = np.unique(cover, return_counts=True)
    assert {code: park[str(code)] for code in codes} == pytest.approx(
        dict(zip(codes, counts / cover.size, strict=True))
    )
    with rasterio.open(folder / "srtm.tif") as source:
        outline = geopandas.read_file(folder / "zion.gpkg").to_crs(source.crs).geometry[0]
    height = pixels(folder / "srtm.tif")[members(folder / "srtm.tif", outline)].compressed()
    assert [park["meanb2"], park["stdb2"]] == pytest.approx([height.mean(), height.std()], rel=1e-12)
    assert [park["minb2"], park["maxb2"], park["medianb2"]] == [height.min(), height.max(), np.median(height)]
    # Published figures for the park: land cover is mostly shrub and evergreen forest, from about 1100 to 2660 m.
    assert 1100 < park["minb2"] < 1200
    assert 2600 < park["maxb2"] < 2700


def test_iota2s_call(tmp_path: Path) -> None:
    """By hand: touched pixels, 0 is no data, codes as columns, null for absent classes, ties to smaller codes."""
    classes = np.array([[1, 1, 2, 2], [0, 1, 2, 3], [0, 0, 3, 3]], dtype=np.uint8)
    confidence = np.array([[10, 20, 30, 40], [50, 60, 70, 80], [90, 90, 90, 90]], dtype=np.uint8)
    write_raster(tmp_path / "classes.tif", classes)
    write_raster(tmp_path / "confidence.tif", confidence)
    # The second box touches columns 1 to 2 of rows 0 and 1 and holds no centre.
    frame([box(0, 0, 4, 3), box(1.6, 0.6, 2.4, 1.4), box(0.1, 1.1, 0.9, 2.9)]).to_file(tmp_path / "zones.shp")
    compute_zonal_stats(
        str(tmp_path / "work"),
        [str(tmp_path / "classes.tif"), str(tmp_path / "confidence.tif")],
        str(tmp_path / "zones.shp"),
        ["1:rate", "2:statsmaj"],
        str(tmp_path / "stats.shp"),
    )
    whole, small, empty = geopandas.read_file(tmp_path / "stats.shp").to_dict("records")
    assert [whole["1"], whole["2"], whole["3"], whole["majority"]] == pytest.approx([3 / 9, 3 / 9, 3 / 9, 1])
    assert [whole["meanmajb2"], whole["minmajb2"], whole["maxmajb2"]] == [30, 10, 60]
    assert whole["stdmajb2"] == pytest.approx(np.std([10, 20, 60]))
    assert [small["1"], small["2"], small["majority"]] == [0.5, 0.5, 1]
    assert np.isnan(small["3"])
    assert all(np.isnan(empty[name]) for name in ("1", "2", "3", "majority", "meanmajb2"))
    assert str(geopandas.read_file(tmp_path / "stats.shp").crs) == CRS
    assert not list((tmp_path / "work").iterdir())
