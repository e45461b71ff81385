"""Projections in all the ways they are written, and where a project's grid begins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely

from i2db.config.reader import canonical as canonical_config
from i2db.config.reader import load
from i2db.config.toml import write_toml
from i2db.errors import ConfigError, InputError
from i2db.projection import canonical, spoken
from i2db.simulate import Scene
from scenes import TO_MOSAIC, ask, assert_same, run_scene, scene

__all__ = ["scene"]

SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"


@pytest.mark.parametrize("text", ["EPSG:32631", "32631", "epsg:32631", pyproj.CRS("EPSG:32631").to_wkt()])
def test_a_code_is_kept_as_a_code(text: str) -> None:
    assert canonical(text) == "EPSG:32631"
    assert spoken("EPSG:32631") == "EPSG:32631"


@pytest.mark.parametrize(
    "text",
    [
        SINUSOIDAL,
        pyproj.CRS(SINUSOIDAL).to_wkt(),
        pyproj.CRS(SINUSOIDAL).to_wkt("WKT1_GDAL", pretty=True),
        pyproj.CRS(SINUSOIDAL).to_json(),
        "ESRI:54008",
    ],
)
def test_what_has_no_code_is_kept_whole(text: str) -> None:
    """As PROJJSON, which GeoParquet takes; written again it stays the same, and rasterio knows the same projection."""
    kept = canonical(text)
    assert json.loads(kept)["type"] == "ProjectedCRS"
    assert canonical(kept) == kept
    assert pyproj.CRS(kept) == pyproj.CRS(text)
    expected = rasterio.crs.CRS.from_wkt(pyproj.CRS(text).to_wkt())
    assert rasterio.crs.CRS.from_user_input(kept) == expected


def test_projections_are_said_by_code_name_or_method() -> None:
    assert spoken(canonical("ESRI:54008")) == "ESRI:54008"
    assert spoken(canonical(SINUSOIDAL)) == "a Sinusoidal projection"


@pytest.mark.parametrize("text", ["+proj=nowhere", "+proj=geocent +ellps=WGS84", 'LOCAL_CS["a"]'])
def test_what_no_map_can_have_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no projection"):
        canonical(text)


def test_a_configuration_takes_a_file_and_keeps_what_it_says(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "sinusoidal.prj"
    path.write_text(pyproj.CRS(SINUSOIDAL).to_wkt("WKT1_ESRI"), encoding="utf-8")
    config = load(scene.config, [f"chain.proj='{path}'"]).config
    assert pyproj.CRS(config.chain.proj).to_json_dict()["conversion"]["method"]["name"] == "Sinusoidal"
    written = tmp_path / "again.toml"
    written.write_text(write_toml({name: section for name, section in canonical_config(config).items() if section}))
    assert load(written).config.chain.proj == config.chain.proj
    with pytest.raises(ConfigError, match=r"there is no file .*nowhere\.prj"):
        load(scene.config, ["chain.proj=nowhere.prj"])
    path.write_text("Lambert", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"sinusoidal\.prj holds none"):
        load(scene.config, [f"chain.proj='{path}'"])


@pytest.mark.slow
def test_any_corner_of_the_same_pixels_is_the_same_grid(scene: Scene, tmp_path: Path) -> None:
    run_scene(scene.config, tmp_path / "plain", stages=TO_MOSAIC)
    run_scene(scene.config, tmp_path / "corner", "chain.grid_origin=[299990, -70]", stages=TO_MOSAIC)
    assert_same(tmp_path / "plain", tmp_path / "corner")


@pytest.mark.slow
def test_a_grid_of_another_origin_burns_the_polygons_where_they_are(scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run_scene(scene.config, folder, "chain.grid_origin=[4, 7]", stages=TO_MOSAIC)
    with rasterio.open(folder / "final" / "Classif_Seed_0.tif") as source:
        assert (source.transform.c % 10, source.transform.f % 10) == (4, 7)
    rows = ask(folder, "SELECT polygon_id, x, y, edge_distance FROM sample_wide")
    shapes = dict(ask(folder, "SELECT polygon_id, ST_AsHEXWKB(geom) FROM polygon"))
    assert len(rows) > 1000
    x, y, distance = (np.array([row[i] for row in rows], dtype=float) for i in (1, 2, 3))
    assert set(x % 10) == {9.0}
    assert set(y % 10) == {2.0}
    polygons = shapely.from_wkb([bytes.fromhex(shapes[row[0]]) for row in rows])
    points = shapely.points(x, y)
    assert shapely.covers(polygons, points).all()
    np.testing.assert_allclose(distance, shapely.distance(shapely.boundary(polygons), points), atol=0.51)
