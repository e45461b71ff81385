"""Ground truth, good and bad: every polygon is read, repaired, or left out with a finding that names it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.vector.ground_truth import GroundTruthSource, outside, read_ground_truth, read_recode

CRS = "EPSG:32631"
CODES = {1, 2, 3}

Row = dict[str, Any]


def box(i: int, size: float = 80.0) -> shapely.Polygon:
    """The i-th of a row of squares that do not touch."""
    return shapely.box(500_000 + 100 * i, 4_800_000, 500_000 + 100 * i + size, 4_800_000 + size)


def write(folder: Path, labels: Sequence[Any], shapes: Sequence[Any] | None = None, **columns: Sequence[Any]) -> Path:
    """A GeoPackage with field `code` and ids from 1."""
    geometry = list(shapes) if shapes is not None else [box(i) for i in range(len(labels))]
    path = folder / "ground_truth.gpkg"
    geopandas.GeoDataFrame({"code": labels, **columns}, geometry=geometry, crs=CRS).to_file(path, driver="GPKG")
    return path


def read(path: Path, crs: str = CRS, **options: Any) -> tuple[dict[int, int], list[Finding]]:
    """Class code per polygon id, and findings."""
    table, findings = read_ground_truth(GroundTruthSource(path=path, label_field="code", **options), crs, CODES)
    return dict(zip(table["polygon_id"].to_pylist(), table["class_code"].to_pylist(), strict=True)), findings


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity, finding.item) for finding in findings]


def test_a_plain_file(tmp_path: Path) -> None:
    table, findings = read_ground_truth(
        GroundTruthSource(path=write(tmp_path, [3, 1, 1]), label_field="CODE"), CRS, CODES
    )
    assert findings == []
    assert table["polygon_id"].to_pylist() == [1, 2, 3]
    assert table["class_code"].to_pylist() == [3, 1, 1]
    assert table["source_label"].to_pylist() == ["3", "1", "1"]
    assert table["area"].to_pylist() == pytest.approx([6400.0] * 3)
    assert shapely.from_wkb(table["wkb"][0].as_py()).equals(box(0))


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson", ".parquet"])
def test_every_format_tells_the_same(tmp_path: Path, suffix: str) -> None:
    frame = geopandas.GeoDataFrame({"code": [1, 2], "id": [70, 8]}, geometry=[box(0), box(1)], crs=CRS)
    path = tmp_path / f"ground_truth{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    codes, findings = read(path, id_field="id")
    assert codes == {8: 2, 70: 1}
    assert [finding for finding in findings if finding.severity != "note"] == []


def test_ids_of_a_geoparquet_do_not_depend_on_the_order(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({"code": [1, 2, 3]}, geometry=[box(i) for i in range(3)], crs=CRS)
    frame.to_parquet(tmp_path / "one.parquet")
    frame.iloc[[2, 0, 1]].to_parquet(tmp_path / "two.parquet")
    assert read(tmp_path / "one.parquet")[0] == read(tmp_path / "two.parquet")[0]


@pytest.mark.parametrize(
    ("labels", "codes", "severity", "message"),
    [
        ([1, None, 2], {1: 1, 3: 2}, "warning", "has no label"),
        ([1.0, 2.5, 2.0], {1: 1, 3: 2}, "error", "has the label 2.5, which is no integer"),
        ([1, 0, 2], {1: 1, 3: 2}, "error", "has the label 0"),
        ([1, -4, 2], {1: 1, 3: 2}, "error", "has the label -4"),
        ([1, 70_000, 2], {1: 1, 3: 2}, "error", "has the label 70000"),
        ([1, 9, 2], {1: 1, 3: 2}, "error", "which the nomenclature does not know"),
        (["1", "wheat", " 2 "], {1: 1, 3: 2}, "error", "has the label 'wheat', which is no integer"),
        (["1", "\N{SUPERSCRIPT TWO}", "2"], {1: 1, 3: 2}, "error", "which is no integer"),
        (["1", "--2", "2"], {1: 1, 3: 2}, "error", "has the label '--2', which is no integer"),
    ],
    ids=["null", "float", "zero", "negative", "large", "unknown", "text", "superscript", "dashes"],
)
def test_labels_that_do_not_fit(
    tmp_path: Path, labels: list[Any], codes: dict[int, int], severity: str, message: str
) -> None:
    found, findings = read(write(tmp_path, labels))
    assert found == codes
    assert told(findings) == [(severity, "2")]
    assert message in findings[0].message
    assert findings[0].remedy


@pytest.mark.parametrize(
    ("label", "suffix"), [(datetime.datetime(2018, 5, 14), ".gpkg"), (datetime.date(2018, 5, 14), ".parquet")]
)
def test_dates_are_no_labels(tmp_path: Path, label: datetime.date, suffix: str) -> None:
    path = tmp_path / f"ground_truth{suffix}"
    frame = geopandas.GeoDataFrame({"code": [label]}, geometry=[box(0)], crs=CRS)
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    found, findings = read(path)
    assert found == {}
    assert any("2018" in finding.message and "which is no integer" in finding.message for finding in findings)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
@pytest.mark.parametrize(
    "ids",
    [
        [1.5, 2.0],
        [1.0, 1e300],
        [1.0, math.inf],
        [1, None],
        ["1", "two"],
        ["1", "2.5"],
        [datetime.datetime(2018, 5, d) for d in (1, 2)],
    ],
    ids=["half", "huge", "infinite", "null", "text", "text of a half", "dates"],
)
def test_ids_that_are_no_integers_are_refused(tmp_path: Path, ids: list[Any], suffix: str) -> None:
    path = tmp_path / f"ground_truth{suffix}"
    frame = geopandas.GeoDataFrame({"code": [1, 2], "id": ids}, geometry=[box(0), box(1)], crs=CRS)
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    with pytest.raises(InputError, match="id holds something else than integers"):
        read(path, id_field="id")


@pytest.mark.parametrize("ids", [[1.0, 2.0], ["1", "2"], [1, 2]], ids=["floats", "texts", "integers"])
def test_ids_that_are_whole_are_taken(tmp_path: Path, ids: list[Any]) -> None:
    assert read(write(tmp_path, [1, 2], id=ids), id_field="id")[0] == {1: 1, 2: 2}


def test_large_ids_keep_all_their_digits(tmp_path: Path) -> None:
    ids = [2**53 + 1, 2**62 + 1]
    assert list(read(write(tmp_path, [1, 2], id=ids), id_field="id")[0]) == ids


def test_floats_that_are_whole_are_labels(tmp_path: Path) -> None:
    assert read(write(tmp_path, [1.0, 2.0])) == ({1: 1, 2: 2}, [])


def test_text_labels_through_a_recode(tmp_path: Path) -> None:
    table = tmp_path / "recode.csv"
    table.write_text("text,code\nwheat,1\n maize ,2\n")
    recode = read_recode(table)
    assert recode == {"wheat": 1, "maize": 2}
    found, findings = read(write(tmp_path, ["maize", "wheat ", "rye"]), recode=recode)
    assert found == {1: 2, 2: 1}
    assert told(findings) == [("error", "3")]
    assert "'rye'" in findings[0].message
    assert findings[0].remedy == "add it to the recode"


@pytest.mark.parametrize("line", ["wheat", "wheat,one"])
def test_a_broken_recode_is_named_by_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "recode.csv"
    path.write_text(f"text,code\n{line}\n")
    with pytest.raises(InputError, match=r"recode\.csv:2"):
        read_recode(path)
    with pytest.raises(InputError, match="does not exist"):
        read_recode(tmp_path / "none.csv")


def test_excluded_classes_are_counted(tmp_path: Path) -> None:
    found, findings = read(write(tmp_path, [1, 99, 99, 2]), excluded=(99,))
    assert found == {1: 1, 4: 2}
    assert told(findings) == [("note", "99")]
    assert "2 polygons" in findings[0].message


def bow_tie() -> shapely.Polygon:
    return shapely.Polygon([(500_100, 0), (500_180, 80), (500_180, 0), (500_100, 80)])


def line() -> shapely.LineString:
    return shapely.LineString([(500_100, 0), (500_180, 80)])


@pytest.mark.parametrize(
    ("shape", "kept", "severity", "message"),
    [
        (bow_tie(), True, "warning", "is invalid (Self-intersection"),
        (shapely.Polygon(), False, "warning", "has no geometry"),
        (None, False, "warning", "has no geometry"),
        (line(), False, "error", "is a LineString, not a polygon"),
        (shapely.Polygon([(0, 0), (1, 1), (2, 2)]), False, "warning", "is invalid"),
    ],
    ids=["bow tie", "empty", "missing", "line", "flat"],
)
@pytest.mark.filterwarnings("ignore:.*Geometry type.*")
def test_geometries_that_do_not_fit(tmp_path: Path, shape: Any, kept: bool, severity: str, message: str) -> None:
    found, findings = read(write(tmp_path, [1, 2, 3], [box(0), shape, box(2)]))
    assert found == ({1: 1, 2: 2, 3: 3} if kept else {1: 1, 3: 3})
    assert told(findings) == [(severity, "2")]
    assert message in findings[0].message


def test_a_repaired_polygon_keeps_its_area(tmp_path: Path) -> None:
    table, _ = read_ground_truth(
        GroundTruthSource(path=write(tmp_path, [1], [bow_tie()]), label_field="code"), CRS, CODES
    )
    # Two triangles of base 80 and height 40.
    assert table["area"].to_pylist() == pytest.approx([2 * 80 * 40 / 2])


def test_a_multipolygon_is_one_polygon(tmp_path: Path) -> None:
    whole = shapely.MultiPolygon([box(0), box(1)])
    table, findings = read_ground_truth(
        GroundTruthSource(path=write(tmp_path, [1], [whole]), label_field="code"), CRS, CODES
    )
    assert findings == []
    assert table["area"].to_pylist() == pytest.approx([12_800.0])


def test_duplicates_go_and_contradictions_stay(tmp_path: Path) -> None:
    again = shapely.Polygon(list(box(0).exterior.coords)[::-1])
    found, findings = read(write(tmp_path, [1, 1, 2, 3], [box(0), again, box(0), box(1)]))
    assert found == {1: 1, 3: 2, 4: 3}
    assert told(findings) == [("warning", "2")]
    assert "is the same polygon as 1" in findings[0].message


def test_another_projection_is_taken_over_and_noted(tmp_path: Path) -> None:
    path = write(tmp_path, [1, 2])
    frame = geopandas.read_file(path)
    there = tmp_path / "lambert.gpkg"
    frame.to_crs("EPSG:2154").to_file(there, driver="GPKG")
    table, findings = read_ground_truth(GroundTruthSource(path=there, label_field="code"), CRS, CODES)
    assert told(findings) == [("note", "lambert.gpkg")]
    assert "EPSG:2154" in findings[0].message
    # By pyproj's own way there and back, to a millimetre.
    assert shapely.from_wkb(table["wkb"][0].as_py()).hausdorff_distance(box(0)) < 1e-3


def test_no_projection_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "bare.shp"
    geopandas.GeoDataFrame({"code": [1]}, geometry=[box(0)], crs=CRS).to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(InputError, match="does not say its projection") as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "ogr2ogr" in str(caught.value)


def test_metres_that_call_themselves_degrees_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lost.parquet"
    geopandas.GeoDataFrame({"code": [1]}, geometry=[box(0)], crs="OGC:CRS84").to_parquet(path)
    with pytest.raises(InputError, match="degrees"):
        read(path)


def spoil_nothing(path: Path) -> None:
    path.unlink()


def spoil_bytes(path: Path) -> None:
    path.write_bytes(b"no database")


@pytest.mark.parametrize(
    ("spoil", "message"), [(spoil_nothing, "does not exist"), (spoil_bytes, "cannot be read")], ids=["gone", "broken"]
)
def test_an_unreadable_file_is_named(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    path = write(tmp_path, [1])
    spoil(path)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_missing_field_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, [1])
    with pytest.raises(InputError, match="has no field cod ") as caught:
        read_ground_truth(GroundTruthSource(path=path, label_field="cod"), CRS, CODES)
    assert "did you mean code?" in str(caught.value)
    with pytest.raises(InputError, match=r"arg_train\.group_field"):
        read(path, group_field="village")


@pytest.mark.parametrize(("ids", "message"), [([5, 5], "not unique: 5 occurs 2 times"), (["a", "b"], "integers")])
def test_ids_must_be_whole_and_unique(tmp_path: Path, ids: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path, [1, 2], id=ids), id_field="id")


def test_groups_are_kept_as_text(tmp_path: Path) -> None:
    table, _ = read_ground_truth(
        GroundTruthSource(
            path=write(tmp_path, [1, 2, 3], village=["x", None, "y"]), label_field="code", group_field="village"
        ),
        CRS,
        CODES,
    )
    assert table["group_name"].to_pylist() == ["x", None, "y"]


def test_nothing_usable_is_an_error_with_its_reasons(tmp_path: Path) -> None:
    found, findings = read(write(tmp_path, [None, "wheat"]))
    assert found == {}
    assert told(findings) == [("error", "ground_truth.gpkg"), ("warning", "1"), ("error", "2")]
    assert "no usable polygon" in findings[0].message


def test_polygons_outside_all_tiles(tmp_path: Path) -> None:
    path = write(tmp_path, [1, 2])
    table, _ = read_ground_truth(GroundTruthSource(path=path, label_field="code"), CRS, CODES)
    left, bottom, right, top = box(1).bounds
    assert outside(table, [(0, 0, 1, 1), (left + 1, bottom + 1, right - 1, top - 1)], path) == []
    (finding,) = outside(table, [(0, 0, 1, 1), (left, top + 1, right, top + 2)], path)
    assert (finding.severity, finding.item) == ("error", "ground_truth.gpkg")
    assert "none of the 2 polygons lies within the tiles" in finding.message


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([1, 2, 3, None, 0, -1, 9, 70_000, 99]), min_size=1, max_size=12))
def test_read_and_told_make_the_whole(tmp_path: Path, labels: list[int | None]) -> None:
    """Nothing is lost in silence: a polygon is read, or excluded, or has a finding."""
    path = tmp_path / "ground_truth.gpkg"
    path.unlink(missing_ok=True)
    write(tmp_path, labels)
    found, findings = read(path, excluded=(99,))
    told_of = {int(finding.item) for finding in findings if finding.subject == "polygon"}
    excluded = {i for i, label in enumerate(labels, start=1) if label == 99}
    assert set(found) | told_of | excluded == set(range(1, len(labels) + 1))
    assert not set(found) & told_of
