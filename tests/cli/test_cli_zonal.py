"""`i2db zonal` as a user types it, on rasters and on a project's maps."""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from commands import Command

from i2db.simulate import Scene
from i2db.store.database import Database
from scenes import ask


@pytest.fixture
def rasters(tmp_path: Path) -> Path:
    """A folder with a map and two zones."""
    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "uint8", "nodata": 0}
    transform = rasterio.Affine(10, 0, 500_000, 0, -10, 4_800_000)
    with rasterio.open(tmp_path / "map.tif", "w", crs="EPSG:32631", transform=transform, **profile) as target:
        target.write(np.array([[1, 1, 2, 2]] * 4, dtype=np.uint8), 1)
    boxes = [shapely.box(500_000, 4_799_960, 500_040, 4_800_000), shapely.box(0, 0, 10, 10)]
    geopandas.GeoDataFrame({"id": [7, 8]}, geometry=boxes, crs="EPSG:32631").to_file(tmp_path / "zones.gpkg")
    return tmp_path


def test_shares_of_a_map(i2db: Command, rasters: Path) -> None:
    out = rasters / "out.parquet"
    answer = i2db("zonal", rasters / "map.tif", "--zones", rasters / "zones.gpkg", "-p", "1:rate", "-o", out)
    assert answer.code == 0, answer.err
    assert "2 zones, 3 new columns" in answer.err
    assert "1 zone outside of the rasters" in answer.err
    assert answer.out == ""
    assert geopandas.read_parquet(out)[["id", "1", "2"]].iloc[0].tolist() == [7, 0.5, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--zones", "none.gpkg", "-p", "1:rate", "-o", "o.gpkg"], "none.gpkg does not exist"),
        (["--zones", "zones.gpkg", "-o", "o.gpkg"], "--params is missing"),
        (["--zones", "zones.gpkg", "-p", "1:rate"], "--output is missing"),
        (["--zones", "zones.gpkg", "-p", "1:rat", "-o", "o.gpkg"], "did you mean rate"),
        (["--zones", "zones.gpkg", "-p", "1:rate", "-o", "o.gpkg", "--exact", "--all-touched"], "exclude each other"),
        (["--zones", "zones.gpkg", "-p", "1:rate", "-o", "o.gpkg", "--run", "0"], "--run is for a project"),
        (["--zones", "zones.gpkg", "-p", "1:rate", "-o", "o.gpkg", "--memory", "much"], "--memory 'much'"),
        (["--zones", "zones.gpkg", "-p", "1:rate", "-o", "o.gpkg", "--nb-parallel-tasks", "0"], "at least 1"),
    ],
)
def test_wrong_words(
    i2db: Command, rasters: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(rasters)
    answer = i2db("zonal", "map.tif", *options)
    assert answer.code == 2
    assert message in answer.err
    assert not (rasters / "o.gpkg").exists()


def test_control_c_is_told(i2db: Command, rasters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("i2db.zonal.run._run", stopped)
    out = rasters / "out.parquet"
    answer = i2db("zonal", rasters / "map.tif", "--zones", rasters / "zones.gpkg", "-p", "1:rate", "-o", out)
    assert answer.code == 130
    assert "stopped: nothing is half-written" in answer.err
    assert not out.exists()
    assert not list(rasters.glob(".tmp*"))


@pytest.mark.slow
def test_zones_of_a_project_are_in_its_tables_and_survive_a_rebuild(
    i2db: Command, scene: Scene, quick: list[str], out: Path, tmp_path: Path
) -> None:
    assert i2db("run", scene.config, "-o", out, *quick).code == 0
    with rasterio.open(out / "final" / "Classif_Seed_0.tif") as source:
        labels, (left, bottom, right, top) = source.read(1), source.bounds
        crs = source.crs
    half = (left + right) / 2
    zones = geopandas.GeoDataFrame(
        {"name": ["west", "whole"]},
        geometry=[shapely.box(left, bottom, half, top), shapely.box(left, bottom, right, top)],
        crs=crs,
    )
    zones.to_crs(4326).to_file(tmp_path / "halves.gpkg")
    answer = i2db("zonal", out, "--zones", tmp_path / "halves.gpkg", "-o", tmp_path / "halves.csv")
    assert answer.code == 0, answer.err
    question = (
        "SELECT properties ->> 'name', class_code, n_pixels FROM zone_class JOIN zone USING (zone_layer, zone_id) "
        "WHERE zone_layer = 'halves' AND run = 0 ORDER BY ALL"
    )
    before = ask(out, question)
    codes, counts = np.unique(labels[labels > 0], return_counts=True)
    whole = {code: n for name, code, n in before if name == "whole"}
    # Reprojected, the outline is a hair off the limits of the pixels.
    assert sum(whole.values()) == pytest.approx(counts.sum(), rel=0.02)
    assert set(whole) == set(codes.tolist())
    statistics = "SELECT band, class_code, n_pixels, mean FROM zone_statistics ORDER BY ALL"
    measured = ask(out, statistics)
    assert {row[0] for row in measured} == {2, 3}
    # Again is the same, and does not add.
    assert i2db("zonal", out, "--zones", tmp_path / "halves.gpkg").code == 0
    assert ask(out, question) == before
    assert i2db("rebuild", out).code == 0
    assert ask(out, question) == before
    assert ask(out, statistics) == measured
    assert ask(out, "SELECT count(*) FROM zone WHERE ST_Area(geom) > 0") == [(2,)]
    answer = i2db("zonal", out, "--zones", tmp_path / "halves.gpkg", "--run", "7")
    assert answer.code == 2
    assert "has no Classif_Seed_7.tif" in answer.err
    with Database.open(out / "i2db.duckdb", read_only=True) as database:
        assert database.count("zonal/class_names") == len(ask(out, "FROM class"))
    # The layer's zones are those of all its runs; counts of others would be taken for theirs.
    assert i2db("zonal", out, "--zones", tmp_path / "halves.gpkg", "--run", "1").code == 0
    runs = "SELECT DISTINCT run FROM zone_class ORDER BY run"
    assert ask(out, runs) == [(0,), (1,)]
    assert ask(out, question) == before
    other = ask(out, question.replace("run = 0", "run = 1"))
    zones.iloc[::-1].to_crs(4326).to_file(tmp_path / "halves.gpkg")
    answer = i2db("zonal", out, "--zones", tmp_path / "halves.gpkg", "--run", "1")
    assert "what run 0 held of halves is removed" in answer.err
    assert ask(out, runs) == [(1,)]
    assert i2db("rebuild", out).code == 0
    assert ask(out, runs) == [(1,)]
    assert ask(out, question.replace("run = 0", "run = 1")) == other
    shutil.rmtree(out / "final")
    assert i2db("zonal", out, "--zones", tmp_path / "halves.gpkg").code == 2
