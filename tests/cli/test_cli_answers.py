"""What `i2db sql` answers: parameters, files, formats, layers that QGIS shows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import geopandas
import pyarrow.parquet as pq
import pyogrio
import pytest
from commands import Command

from scenes import ask

WRONG = "SELECT polygon_id, majority_code FROM polygon_accuracy WHERE run = 0 ORDER BY polygon_id"


@pytest.mark.parametrize(
    ("given", "shown"), [("3", "3"), ("maïs", '"maïs"'), ('"3"', '"3"'), ("true", "true"), ("null", "null")]
)
def test_parameters(i2db: Command, clean: Path, given: str, shown: str) -> None:
    said = i2db("sql", clean, "SELECT $x AS x", "-p", f"x={given}", "-f", "json")
    assert json.loads(said.out) == [{"x": json.loads(shown)}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["SELECT $a"], "the query wants $a"),
        (["SELECT 1", "-p", "b=1"], "the query has no parameter $b"),
        (["SELECT 1", "-p", "b"], "is not NAME=VALUE"),
        (["SELECT 1", "--file", "x.sql"], "a query and --file are given"),
        (["--file", "none.sql"], "none.sql does not exist"),
        (["SELECT 1", "-o", "x.gpkg"], "these rows have no geometry"),
        (["SELECT 1", "-f", "geoparquet", "-o", "x.parquet"], "these rows have no geometry"),
        (["SELECT 1 AS a, 2 AS A", "-o", "x.sqlite"], "column a would be there twice"),
    ],
)
def test_what_is_wrong_is_said(
    i2db: Command, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = i2db("sql", clean, *arguments)
    assert said.code == 2
    assert message in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_parameters(i2db: Command, clean: Path, tmp_path: Path) -> None:
    path = tmp_path / "query.sql"
    path.write_text("-- How many?\nSELECT count(*) AS n FROM polygon_split WHERE run = $run AND split = $split;\n")
    said = i2db("sql", clean, "--file", path, "-p", "run=0", "-p", "split=val", "-f", "csv")
    (expected,) = ask(clean, "SELECT count(*) FROM polygon_split WHERE run = 0 AND split = 'val'")
    assert said.out == f"n\n{expected[0]}\n"


def test_the_suffix_names_the_format(i2db: Command, clean: Path, tmp_path: Path) -> None:
    for suffix in ("csv", "json", "parquet", "txt"):
        assert i2db("sql", clean, "SELECT 6 * 7 AS answer", "-o", tmp_path / f"x.{suffix}").code == 0
    assert (tmp_path / "x.csv").read_text().replace('"', "") == "answer\n42\n"
    assert json.loads((tmp_path / "x.json").read_text()) == [{"answer": 42}]
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == [{"answer": 42}]
    assert (tmp_path / "x.txt").read_text() == "answer\n------\n    42\n"
    # A table of text in a file called .shp would be no shapefile.
    for command in (("sql", clean, "FROM polygon"), ("show", clean, "class"), ("trace", clean, "--polygon", 1)):
        said = i2db(*command, "-o", tmp_path / "x.shp")
        assert said.code == 2
        assert "x.shp: rows are not written as .shp" in said.err
        assert not (tmp_path / "x.shp").exists()


def test_a_layer_of_polygons_has_the_classes_colours(i2db: Command, clean: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.gpkg"
    assert i2db("sql", clean, WRONG, "-o", path).code == 0
    layer = pyogrio.read_dataframe(path, layer="wrong")
    expected = ask(clean, f"SELECT polygon_id, ST_AsText(geom) FROM ({WRONG}) JOIN polygon USING (polygon_id)")
    found = dict(zip(layer["polygon_id"], layer.geometry, strict=True))
    assert {
        key: shape.equals(geopandas.GeoSeries.from_wkt([dict(expected)[key]])[0]) for key, shape in found.items()
    } == (dict.fromkeys(dict(expected), True))
    assert layer.crs.to_epsg() == 32631
    with closing(sqlite3.connect(path)) as connection:
        name, column, style, is_default = connection.execute(
            "SELECT f_table_name, f_geometry_column, styleQML, useAsDefault FROM layer_styles"
        ).fetchone()
    assert (name, column, is_default) == ("wrong", "geom", 1)
    root = ElementTree.fromstring(style)
    renderer = root.find("renderer-v2")
    assert renderer is not None
    assert renderer.get("attr") == "majority_code"
    shown = {(c.get("value"), c.get("label")): c.get("symbol") for c in renderer.iter("category")}
    classes = {
        (str(code), name): f"{red},{green},{blue},255"
        for code, name, red, green, blue in ask(clean, "SELECT class_code, class_name, red, green, blue FROM class")
        if code in set(layer["majority_code"])
    }
    assert set(shown) == set(classes)
    symbols = {s.get("name"): s for s in renderer.iter("symbol")}
    for category, symbol in shown.items():
        colors = [o.get("value") for o in symbols[symbol].iter("Option") if o.get("name") == "color"]
        assert colors == [classes[category]]


def test_a_layer_of_pixels_has_its_style_beside_it(i2db: Command, clean: Path, tmp_path: Path) -> None:
    path = tmp_path / "pixels.geojson"
    query = "SELECT sample_id, predicted_code FROM evaluated_pixel WHERE run = 0 ORDER BY sample_id LIMIT 50"
    assert i2db("sql", clean, query, "-o", path).code == 0
    places = ask(
        clean,
        "SELECT x, y FROM sample_wide JOIN (FROM evaluated_pixel WHERE run = 0) USING (sample_id) "
        "ORDER BY sample_id LIMIT 50",
    )
    layer = pyogrio.read_dataframe(path).to_crs(32631)
    assert [(round(p.x, 3), round(p.y, 3)) for p in layer.geometry] == [(round(x, 3), round(y, 3)) for x, y in places]
    assert 'type="marker"' in path.with_suffix(".qml").read_text("utf-8")


def test_geoparquet_has_projection_and_boxes(i2db: Command, clean: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    query = "SELECT polygon_id, geom, ST_Centroid(geom) AS middle FROM polygon"
    assert i2db("sql", clean, query, "-f", "geoparquet", "-o", path).code == 0
    described = json.loads(pq.read_schema(path).metadata[b"geo"])
    column = described["columns"]["geometry"]
    assert described["version"] == "1.1.0"
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 32631}
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    frame = geopandas.read_parquet(path)
    assert frame["middle"].str.startswith("POINT").all()
    inside = frame.cx[frame.total_bounds[0] : frame.total_bounds[0] + 100, :]
    assert 0 < len(inside) < len(frame)
