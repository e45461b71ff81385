"""Points as ground truth: tables of coordinates, layers of points, and what is neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import pyproj
import pytest
import shapely

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.vector.ground_truth import GroundTruthSource, outside, read_ground_truth, unit_values
from i2db.vector.layer import read_layer

CRS = "EPSG:32631"
CODES = {1, 2, 3}


def read(path: Path, **options: Any) -> tuple[dict[int, tuple[int, float, float]], list[Finding]]:
    """Class code, x and y per id, and findings."""
    table, findings = read_ground_truth(GroundTruthSource(path=path, label_field="code", **options), CRS, CODES)
    points = [shapely.from_wkb(wkb) for wkb in table["wkb"].to_pylist()]
    codes = table["class_code"].to_pylist()
    return dict(
        zip(table["polygon_id"].to_pylist(), [(c, p.x, p.y) for c, p in zip(codes, points, strict=True)], strict=True)
    ), findings


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.severity, each.subject, each.message) for each in findings if each.severity != "note"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_degrees_is_moved_to_the_projection(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(
        separator.join(("id", "Longitude", "LATITUDE", "code")) + f"\n7{separator}3{separator}45{separator}2\n"
    )
    x, y = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(3, 45)
    found, findings = read(path, id_field="id")
    assert found == {7: (2, pytest.approx(x), pytest.approx(y))}
    assert [each.severity for each in findings] == ["note"]


def test_x_and_y_need_their_projection(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("id,x,y,code\n1,500005,4800005,1\n")
    with pytest.raises(InputError, match="x and y without a projection") as caught:
        read(path, id_field="id")
    assert "ground_truth_proj" in str(caught.value.hint)
    assert read(path, id_field="id", table_crs=CRS)[0] == {1: (1, 500005.0, 4800005.0)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,east,north,code\n1,2,3,1\n", "no columns of coordinates; its columns are id, east, north, code"),
        ("id,lon,lat,code\n1,2,45,1\n2,3,here,1\n", r"lat is 'here' in row 2, which is no number"),
        ("id,lon,lat,code\n1,45,120,1\n", "lat is 120 in row 1, beyond 90 degrees"),
        ("", "cannot be read"),
    ],
)
def test_tables_that_hold_no_points_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read(path, id_field="id")


def test_a_row_without_coordinates_or_label_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("id,lon,lat,code\n1,,45,1\n2,3,45,\n3,3,45,1\n")
    found, findings = read(path, id_field="id")
    assert list(found) == [3]
    assert told(findings) == [
        ("warning", "point", "has no label"),
        ("warning", "point", "has no coordinates"),
    ]


def test_ids_of_a_table_do_not_depend_on_the_order(tmp_path: Path) -> None:
    lines = ["3,45,1", "3.1,45,2", "3.1,45,3", "3,45,1"]
    ids = []
    for order in ([0, 1, 2, 3], [3, 2, 0, 1]):
        path = tmp_path / "points.csv"
        path.write_text("\n".join(["lon,lat,code", *(lines[i] for i in order)]) + "\n")
        found, findings = read(path)
        ids.append(found)
        # Two that are equal in place and label are one; two classes in one place stay, to be seen as a conflict.
        assert len(found) == 3
        assert [message.split(" as ")[0] for _, _, message in told(findings)] == ["is the same point"]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".parquet"])
def test_layers_of_points(tmp_path: Path, suffix: str) -> None:
    shapes = [shapely.Point(500005, 4800005, 80), shapely.MultiPoint([(500015, 4800005)])]
    if suffix == ".shp":
        shapes = [shapely.Point(500005, 4800005), shapely.Point(500015, 4800005)]
    frame = geopandas.GeoDataFrame({"code": [1, 2], "id": [70, 8]}, geometry=shapes, crs=CRS)
    path = tmp_path / f"points{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    found, findings = read(path, id_field="id")
    assert found == {70: (1, 500005.0, 4800005.0), 8: (2, 500015.0, 4800005.0)}
    assert told(findings) == []


def test_several_points_in_one_row_are_an_error(tmp_path: Path) -> None:
    shapes = [shapely.Point(500005, 4800005), shapely.MultiPoint([(500015, 4800005), (500025, 4800005)])]
    path = tmp_path / "points.gpkg"
    geopandas.GeoDataFrame({"code": [1, 2]}, geometry=shapes, crs=CRS).to_file(path)
    assert told(read(path)[1]) == [("error", "point", "holds 2 points")]


def test_points_beside_polygons_are_refused(tmp_path: Path) -> None:
    shapes = [shapely.Point(500005, 4800005), shapely.box(500000, 4800000, 500100, 4800100)]
    path = tmp_path / "mixed.gpkg"
    geopandas.GeoDataFrame({"code": [1, 2]}, geometry=shapes, crs=CRS).to_file(path)
    with pytest.raises(InputError, match=r"holds both points \(1\) and polygons \(1\); the fewer are features 1"):
        read(path)


def test_points_outside_all_tiles_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("x,y,code\n500005,4800005,1\n")
    table, _ = read_ground_truth(GroundTruthSource(path=path, label_field="code", table_crs=CRS), CRS, CODES)
    assert outside(table, [(500000, 4800000, 500100, 4800100)], path) == []
    (finding,) = outside(table, [(0, 0, 100, 100)], path)
    assert finding.message == "none of the 1 points lies within the tiles"


@pytest.mark.parametrize(
    ("cells", "is_year", "units"),
    [
        (["2018-05-14", "20190101", "2018"], True, ["2018", "2019"]),
        (["b", "a", "10", "9", "a"], False, ["9", "10", "a", "b"]),
    ],
)
def test_values_to_leave_out(tmp_path: Path, cells: list[str], is_year: bool, units: list[str]) -> None:
    path = tmp_path / "points.csv"
    rows = [f"{3 + i / 100},45,1,{cell}" for i, cell in enumerate(cells)]
    path.write_text("\n".join(["lon,lat,code,when", *rows, "4,45,9,2050", "4.1,45,1,"]) + "\n")
    source = GroundTruthSource(path=path, label_field="code", unit_field="when", is_year=is_year, excluded=(9,))
    assert unit_values(source) == units
    table, findings = read_ground_truth(source, CRS, CODES)
    assert set(table["split_value"].to_pylist()) == set(units)
    assert ("warning", "point", "has nothing in when") in told(findings)


def test_what_is_no_year_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("lon,lat,code,when\n3,45,1,spring\n")
    with pytest.raises(InputError, match="when is 'spring', which is no date"):
        unit_values(GroundTruthSource(path=path, label_field="code", unit_field="when", is_year=True))


def test_the_points_of_sinop(real_data: Path) -> None:
    frame = read_layer(real_data / "sinop_modis" / "samples_sinop_crop.csv", "ground truth")
    assert (len(frame), frame.crs.to_string()) == (18, "EPSG:4326")
    assert (frame.geometry.iloc[0].x, frame.geometry.iloc[0].y) == (-55.65931, -11.76267)
