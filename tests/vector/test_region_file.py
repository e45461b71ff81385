"""Regions: their names, their order, their faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.vector.regions import read_regions, sole_region

CRS = "EPSG:32631"


def write(folder: Path, names: list[Any], shapes: list[Any]) -> Path:
    path = folder / "regions.gpkg"
    geopandas.GeoDataFrame({"region": names}, geometry=shapes, crs=CRS).to_file(path, driver="GPKG")
    return path


def square(left: float, width: float = 100) -> shapely.Polygon:
    return shapely.box(left, 0, left + width, 100)


def read(path: Path) -> tuple[dict[str, float], list[Finding]]:
    """Area per region in their order, and findings."""
    table, findings = read_regions(path, "region", CRS)
    assert table["region_rank"].to_pylist() == list(range(1, table.num_rows + 1))
    areas = [shapely.from_wkb(shape.as_py()).area for shape in table["wkb"]]
    return dict(zip(table["region"].to_pylist(), areas, strict=True)), findings


def test_without_a_file_there_is_one_everywhere() -> None:
    assert sole_region().to_pylist() == [{"region": "1", "region_rank": 1, "wkb": None}]


def test_numbers_come_before_words_and_in_their_order(tmp_path: Path) -> None:
    found, findings = read(write(tmp_path, ["b", "10", "2", "a"], [square(100 * i) for i in range(4)]))
    assert list(found) == ["2", "10", "a", "b"]
    assert findings == []


def test_polygons_of_one_name_are_one_region(tmp_path: Path) -> None:
    found, _ = read(write(tmp_path, ["1", "2", "1"], [square(0), square(100), square(200)]))
    assert found == pytest.approx({"1": 20_000.0, "2": 10_000.0})


def test_an_overlap_is_told_with_its_area(tmp_path: Path) -> None:
    _, findings = read(write(tmp_path, ["1", "2"], [square(0), square(70)]))
    (finding,) = findings
    assert (finding.severity, finding.item) == ("warning", "1 and 2")
    assert "3000 square map units" in finding.message
    assert finding.remedy == "pixels there belong to 1"


def test_regions_that_touch_do_not_overlap(tmp_path: Path) -> None:
    assert read(write(tmp_path, ["1", "2"], [square(0), square(100)]))[1] == []


def test_a_region_within_another_overlaps_it(tmp_path: Path) -> None:
    _, findings = read(write(tmp_path, ["1", "2"], [square(0), square(20, 30)]))
    assert [finding.item for finding in findings] == ["1 and 2"]


def test_two_regions_of_one_shape_overlap(tmp_path: Path) -> None:
    _, findings = read(write(tmp_path, ["1", "2"], [square(0), square(0)]))
    assert [finding.item for finding in findings] == ["1 and 2"]


@pytest.mark.parametrize("name", [None, "", "  "])
def test_a_region_without_name_is_an_error(tmp_path: Path, name: str | None) -> None:
    _, findings = read(write(tmp_path, ["1", name], [square(0), square(100)]))
    (finding,) = [finding for finding in findings if finding.severity == "error"]
    assert "has nothing in field region" in finding.message
    assert finding.remedy == "name it or remove it"


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no field zone \(chain.region_field\)"):
        read_regions(write(tmp_path, ["1"], [square(0)]), "zone", CRS)


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no usable region"):
        read(write(tmp_path, ["1"], [shapely.Polygon()]))
