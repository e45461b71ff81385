"""A shapefile is replaced whole, its companions too, or stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas
import pytest
from shapely.geometry import Point

from i2db.vector.shapefile import replacing_shapefile


def points(n: int) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame({"n": range(n)}, geometry=[Point(i, i) for i in range(n)], crs="EPSG:32631")


def written(path: Path, n: int, then: Callable[[], None] = lambda: None) -> None:
    with replacing_shapefile(path) as temporary:
        points(n).to_file(temporary)
        then()


def fail() -> None:
    raise RuntimeError("half way")


def test_an_index_of_the_old_file_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "zones.shp"
    written(path, 3)
    path.with_suffix(".qix").write_bytes(b"index of three")
    written(path, 5)
    assert len(geopandas.read_file(path)) == 5
    assert sorted(file.suffix for file in path.parent.iterdir()) == [".cpg", ".dbf", ".prj", ".shp", ".shx"]


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "zones.shp"
    written(path, 3)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(RuntimeError, match="half way"):
        written(path, 5, fail)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
