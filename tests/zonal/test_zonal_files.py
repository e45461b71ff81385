"""Zones of all kinds, files of all formats, and what is wrong with either."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow.parquet
import pyogrio
import pytest
import shapely
from zone_scenes import LEFT, SIZE, TOP, box, frame, write_raster

from i2db.errors import ConfigError, I2dbError, InputError, StageError
from i2db.zonal import zonal_statistics
from i2db.zonal.fill import Membership
from i2db.zonal.output import SUFFIXES, unique_names
from i2db.zonal.params import Method, Request, parse_params
from i2db.zonal.run import Options, Result

CLASSES = np.array([[11, 11, 12, 12], [11, 11, 12, 31], [12, 12, 31, 31], [12, 12, 31, 31]], dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a raster of 4 x 4 classes."""
    write_raster(tmp_path / "classes.tif", CLASSES, nodata=0)
    return tmp_path


def laid(folder: Path, zones: geopandas.GeoDataFrame, params: str, name: str = "out.gpkg", **options: Any) -> Result:
    zones.to_file(folder / "zones.gpkg")
    return zonal_statistics([folder / "classes.tif"], folder / "zones.gpkg", params, folder / name, Options(**options))


def rows(path: Path) -> list[dict[str, Any]]:
    found = geopandas.read_parquet(path) if path.suffix == ".parquet" else geopandas.read_file(path)
    return found.to_dict("records")


def test_overlapping_outside_of_several_parts_and_empty(folder: Path) -> None:
    parts = shapely.MultiPolygon([box(0, 0, 2, 2), box(2, 2, 4, 4)])
    zones = [box(0, 0, 4, 4), parts, box(3, 3, 9, 9), box(20, 20, 30, 30), box(1.1, 1.1, 1.4, 1.4), None]
    result = laid(folder, frame(zones), "1:rate 1:count", "out.parquet")
    found = rows(folder / "out.parquet")
    assert [zone["name"] for zone in found] == [f"z{i}" for i in range(6)]
    assert [zone["countb1"] for zone in found] == [16, 8, 1, 0, 0, 0]
    assert [found[0]["11"], found[0]["12"], found[0]["31"]] == [4 / 16, 7 / 16, 5 / 16]
    assert [found[1]["11"], found[1]["31"]] == [0.5, 0.5]
    assert found[1]["majority"] == 11
    assert found[2]["31"] == 1
    assert np.isnan(found[2]["11"])
    notes = "\n".join(result.notes)
    assert "1 zone without geometry" in notes
    assert "1 zone outside of the rasters: no statistics (place in the file, from 0: 3)" in notes
    assert "1 zone holds no pixel with data" in notes


def test_absent_classes_are_zero_by_choice_where_there_are_pixels(folder: Path) -> None:
    laid(folder, frame([box(3, 3, 9, 9), box(20, 20, 30, 30)]), "1:rate", absent_is_zero=True)
    inside, outside = rows(folder / "out.gpkg")
    # Only classes that some zone holds have a column: there is no nomenclature.
    assert inside["31"] == 1
    assert np.isnan(outside["31"])
    laid(folder, frame([box(3, 3, 9, 9), box(0, 0, 2, 2)]), "1:rate", absent_is_zero=True)
    first, second = rows(folder / "out.gpkg")
    assert [first["11"], first["31"], second["11"], second["31"]] == [0, 1, 1, 0]


def test_a_nomenclature_names_columns_and_gives_each_class_one(folder: Path) -> None:
    (folder / "names.txt").write_text("été : 11 : ete\nforêt de feuillus : 31\nforêt de feuillus bis : 32\n")
    result = laid(folder, frame([box(0, 0, 4, 4)]), "1:rate", nomenclature=folder / "names.txt")
    assert result.columns == ("ete", "forêt de feuillus", "forêt de feuillus bis", "12", "majority")
    (zone,) = rows(folder / "out.gpkg")
    assert [zone["ete"], zone["forêt de feuillus"], zone["12"]] == [4 / 16, 5 / 16, 7 / 16]
    assert zone["forêt de feuillus bis"] is None or np.isnan(zone["forêt de feuillus bis"])


def test_a_class_called_as_another_column_hides_none(folder: Path) -> None:
    (folder / "names.txt").write_text("majority:11\nmeadow:12\nmeadow:31\n")
    result = laid(folder, frame([box(0, 0, 4, 4)]), "1:rate", nomenclature=folder / "names.txt")
    assert result.columns == ("majority", "meadow", "meadow_2", "majority_2")
    (zone,) = rows(folder / "out.gpkg")
    assert [zone[name] for name in result.columns] == [4 / 16, 7 / 16, 5 / 16, 12]
    assert "field meadow is called meadow_2 in out.gpkg" in result.notes


def test_names_of_a_shapefile_are_short_and_told(folder: Path) -> None:
    (folder / "names.txt").write_text("forêt de feuillus:11\nforêt de conifères:12\nFORET DE F:31\n")
    laid(folder, frame([box(0, 0, 4, 4)]), "1:rate 1:percentile_12.5", "out.shp", nomenclature=folder / "names.txt")
    (zone,) = rows(folder / "out.shp")
    with (folder / "out.fields.csv").open() as stream:
        meaning = {row["meaning"]: row["field"] for row in csv.DictReader(stream)}
    assert meaning == {
        "forêt de feuillus": "foret_de_f",
        "forêt de conifères": "foret_de_c",
        "FORET DE F": "FORET_DE_2",
        "p12.5b1": "p12_5b1",
    }
    shares = [zone[meaning[name]] for name in ("forêt de feuillus", "forêt de conifères", "FORET DE F")]
    assert shares == [4 / 16, 7 / 16, 5 / 16]
    assert all(len(name) <= 10 for name in zone if name != "geometry")


def test_unique_names() -> None:
    assert unique_names(["a", "A", "fid", "a_2"], ["fid"]) == ["a", "A_2", "fid_2", "a_2_2"]
    long = unique_names([f"a long name {i}" for i in range(12)], (), 10)
    assert len({name.lower() for name in long}) == 12
    assert max(map(len, long)) == 10


def test_fields_of_the_zones_stay_and_new_ones_step_aside(folder: Path) -> None:
    zones = frame([box(0, 0, 2, 2)], majority=["mine"], Meanb1=[7], when=np.array(["2018-05-14"], "datetime64[ms]"))
    result = laid(folder, zones, "1:rate 1:mean")
    (zone,) = rows(folder / "out.gpkg")
    assert [zone["majority"], zone["Meanb1"], zone["majority_2"], zone["meanb1_2"]] == ["mine", 7, 11, 11]
    assert str(zone["when"])[:10] == "2018-05-14"
    assert "field majority is called majority_2 in out.gpkg" in result.notes


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_same(folder: Path, suffix: str) -> None:
    zones = frame([box(0, 0, 2, 2), box(2, 0, 4, 2), box(50, 50, 60, 60)])
    (folder / f"out{suffix}").write_bytes(b"an older file")
    laid(folder, zones, "1:rate 1:stats", f"out{suffix}")
    path = folder / f"out{suffix}"
    if suffix == ".csv":
        with path.open() as stream:
            first, second, outside = csv.DictReader(stream)
        assert [float(second["12"]), float(second["31"]), float(second["meanb1"])] == [0.75, 0.25, (36 + 31) / 4]
        assert [second["11"], outside["majority"]] == ["", ""]
        return
    first, second, outside = rows(path)
    assert [second["12"], second["31"], second["meanb1"], second["majority"]] == [0.75, 0.25, (36 + 31) / 4, 12]
    assert [first["minb1"], first["maxb1"], first["stdb1"]] == [11, 11, 0]
    assert all(outside[name] is None or np.isnan(outside[name]) for name in ("11", "meanb1", "majority"))
    found = geopandas.read_parquet(path) if suffix == ".parquet" else geopandas.read_file(path)
    assert found.crs.to_epsg() == 32631
    assert all(a.equals(b) for a, b in zip(found.geometry, zones.geometry, strict=True))
    assert not list(folder.glob(".tmp*"))
    if suffix == ".sqlite":
        (blob,) = sqlite3.connect(path).execute('SELECT GEOMETRY FROM "out" LIMIT 1').fetchone()
        assert shapely.from_wkb(blob).equals(zones.geometry[0])
    if suffix == ".gpkg":
        assert pyogrio.read_info(path)["geometry_type"] == "Polygon"


def test_geoparquet_says_boxes_and_is_read_as_zones(folder: Path) -> None:
    laid(folder, frame([box(0, 0, 2, 2), box(2, 2, 4, 4)]), "1:rate 1:percentile_12.5", "out.parquet")
    inside = geopandas.read_parquet(folder / "out.parquet", bbox=box(2.5, 2.5, 3.5, 3.5).bounds)
    assert len(inside) == 1
    zonal_statistics([folder / "classes.tif"], folder / "out.parquet", "1:count", folder / "again.parquet")
    again = pyarrow.parquet.read_table(folder / "again.parquet")
    assert again["countb1"].to_pylist() == [4, 4]
    # Boxes are no field of the zones: they are made anew, and there once.
    assert again.column_names == ["name", "11", "31", "majority", "p12.5b1", "countb1", "geometry", "bbox"]


def test_points(folder: Path) -> None:
    def point(column: float, row: float) -> shapely.Point:
        return shapely.Point(LEFT + column * SIZE, TOP - row * SIZE)

    points = [point(0.1, 0.1), point(2.9, 1.9), shapely.MultiPoint([point(3.9, 1.1)]), point(-0.1, 2), point(4.01, 0)]
    result = laid(folder, frame(points), "1:val")
    assert [zone["valb1"] for zone in rows(folder / "out.gpkg")][:3] == [11, 12, 31]
    assert np.isnan([zone["valb1"] for zone in rows(folder / "out.gpkg")][3:]).all()
    assert any("2 zones outside" in note for note in result.notes)


def test_invalid_polygons_are_repaired_in_memory(folder: Path) -> None:
    bow = shapely.Polygon([(LEFT, TOP), (LEFT + 40, TOP - 40), (LEFT + 40, TOP), (LEFT, TOP - 40)])
    for membership in Membership:
        result = laid(folder, frame([bow]), "1:count", membership=membership)
        assert any("repaired in memory" in note for note in result.notes)
        (zone,) = rows(folder / "out.gpkg")
        assert 0 < zone["countb1"] <= 16
        assert zone["geometry"].geom_type == "Polygon"


def test_rasters_of_other_grids_and_projections(folder: Path) -> None:
    """A band at half the resolution: its pixels have the class that their centre lies in; zones are in degrees."""
    write_raster(folder / "coarse.tif", np.array([[1, 2], [3, 4]], dtype=np.int16), size=2 * SIZE)
    zones = frame([box(0, 0, 4, 4)]).to_crs(4326)
    zones.to_file(folder / "zones.gpkg")
    result = zonal_statistics(
        [folder / "classes.tif", folder / "coarse.tif"],
        folder / "zones.gpkg",
        "1:rate 2:stats 2:statsmaj 2:stats_31",
        folder / "out.gpkg",
        Options(membership=Membership.TOUCHED),
    )
    (zone,) = rows(folder / "out.gpkg")
    assert zone["meanb2"] == 2.5
    # Centres of the coarse pixels fall on corners of fine ones: those to the south-east have 11, 31, 12 and 31.
    assert zone["meanb2c31"] == 3
    assert zone["majority"] == 12
    assert zone["meanmajb2"] == 3
    assert any("EPSG:4326" in note and "EPSG:32631" in note for note in result.notes)
    assert any("another grid" in note for note in result.notes)
    assert geopandas.read_file(folder / "out.gpkg").crs.to_epsg() == 4326


def test_codes_far_apart_and_signed(folder: Path) -> None:
    write_raster(folder / "codes.tif", np.array([[-5, 2_000_000_000], [7, 7]], dtype=np.int32), size=2 * SIZE)
    frame([box(0, 0, 4, 4)]).to_file(folder / "zones.gpkg")
    zonal_statistics([folder / "codes.tif"], folder / "zones.gpkg", "1:rate 1:median", folder / "out.gpkg")
    (zone,) = rows(folder / "out.gpkg")
    assert [zone["-5"], zone["7"], zone["2000000000"], zone["medianb1"]] == [0.25, 0.5, 0.25, 7]


def test_nodata_is_what_the_file_and_the_user_say(folder: Path) -> None:
    laid(folder, frame([box(0, 0, 4, 4)]), "1:rate 1:count", nodata=12)
    (zone,) = rows(folder / "out.gpkg")
    assert [zone["11"], zone["31"], zone["countb1"]] == [4 / 9, 5 / 9, 9]


def test_weighted_percentiles_by_hand(folder: Path) -> None:
    """Shares 0.5 of 11, 1 of 12: half of the sum, 0.75, is reached at 12; a quarter at 11; a third lies between."""
    laid(
        folder,
        frame([box(1.5, 0, 3, 1)]),
        "1:median 1:p25 1:percentile_33.333333333333333",
        membership=Membership.EXACT,
    )
    (zone,) = rows(folder / "out.gpkg")
    assert [zone["medianb1"], zone["p25b1"], zone["p33.3333b1"]] == [12, 11, 11.5]


def test_params_in_all_forms() -> None:
    wanted = (Request(1, Method.RATE), Request(2, Method.STATS_CLASS, 12), Request(3, Method.PERCENTILE, 12.5))
    assert parse_params("1:rate 2:stats_12 3:percentile_12.5") == wanted
    assert parse_params(["1:rate", "2:STATS_12", "3:p12.5"]) == wanted
    assert parse_params({1: "rate", 2: "stats_12", 3: "percentile_12.5"}) == wanted


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("", "no statistic is asked for"),
        ("rate", "'rate' is not 'band:method'"),
        ("0:rate", "is not 'band:method'"),
        ("1:rates", "did you mean rate"),
        ("1:stats_", "no method stats_"),
        ("1:percentile_101", "between 0 and 100"),
        ("1:rate 1:rate", "asked for twice"),
        ("1:statsmaj", "no band has the method rate"),
        ("2:rate", "the rasters have 1 band"),
        ("1:val 1:rate", "val is for points"),
    ],
)
def test_params_that_are_wrong(folder: Path, params: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        laid(folder, frame([box(0, 0, 2, 2)]), params)
    assert not (folder / "out.gpkg").exists()


def test_files_that_are_wrong(folder: Path) -> None:
    zones, raster = folder / "zones.gpkg", folder / "classes.tif"
    good = frame([box(0, 0, 2, 2)])
    good.to_file(zones)

    def refused(kind: type[I2dbError], message: str, **other: Any) -> None:
        arguments = {"rasters": [raster], "zones": zones, "params": "1:rate", "output": folder / "out.gpkg"} | other
        with pytest.raises(kind, match=message):
            zonal_statistics(**arguments)
        assert not (folder / "out.gpkg").exists()
        assert not list(folder.glob(".tmp*"))

    refused(InputError, "does not exist", rasters=[folder / "none.tif"])
    refused(InputError, "does not exist", zones=folder / "none.gpkg")
    (folder / "text.gpkg").write_text("no layer")
    refused(InputError, "cannot be read", zones=folder / "text.gpkg")
    good.to_file(folder / "bare.shp")
    (folder / "bare.prj").unlink()
    refused(InputError, "does not say its projection", zones=folder / "bare.shp")
    write_raster(folder / "bare.tif", CLASSES, crs=None)
    refused(InputError, "does not say its projection", rasters=[folder / "bare.tif"])
    frame([shapely.Point(LEFT, TOP)]).to_file(folder / "points.gpkg")
    refused(InputError, "holds no polygon", zones=folder / "points.gpkg")
    refused(InputError, "holds no point", params="1:val")
    good.to_file(folder / "two.gpkg", layer="one")
    good.to_file(folder / "two.gpkg", layer="other")
    refused(ConfigError, "holds 2 layers", zones=folder / "two.gpkg")
    refused(ConfigError, "no layer third", zones=folder / "two.gpkg", options=Options(layer="third"))
    refused(ConfigError, "holds other layers", output=folder / "two.gpkg")
    refused(ConfigError, "is an input", output=zones)
    refused(ConfigError, "cannot write .xlsx", output=folder / "out.xlsx")
    refused(ConfigError, "text.gpkg is a file: nothing can be written into it", output=folder / "text.gpkg" / "out.csv")
    refused(ConfigError, "is a file", options=Options(temporary=folder / "text.gpkg" / "tmp"))
    write_raster(folder / "height.tif", np.array([[0.5, 1.5]], dtype=np.float32))
    refused(StageError, "0.5 is no class code", rasters=[folder / "height.tif"])
    write_raster(folder / "wide.tif", np.arange(1600, dtype=np.int16).reshape(40, 40), size=1)
    refused(InputError, "these are no classes", rasters=[folder / "wide.tif"], zones=_whole(folder))
    assert zones.read_bytes()


def _whole(folder: Path) -> Path:
    frame([box(0, 0, 4, 4)]).to_file(folder / "whole.gpkg")
    return folder / "whole.gpkg"


def test_an_older_result_stays_when_something_fails(folder: Path) -> None:
    laid(folder, frame([box(0, 0, 2, 2)]), "1:rate")
    before = (folder / "out.gpkg").read_bytes()
    write_raster(folder / "classes.tif", CLASSES + 0.5)
    with pytest.raises(StageError, match="no class code"):
        laid(folder, frame([box(0, 0, 2, 2)]), "1:rate")
    assert (folder / "out.gpkg").read_bytes() == before
