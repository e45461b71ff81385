"""Samples as iota2's consumers expect them, and as the labwork's plotting script reads them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas
import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pytest
import shapely

from i2db.errors import ConfigError
from i2db.store.database import Database
from i2db.store.export import write_samples
from i2db.store.sqlite import write_sqlite
from scenes import ask


@pytest.fixture(scope="module")
def samples(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "Samples.sqlite"
    with Database.open(clean / "i2db.duckdb", read_only=True) as database:
        write_samples(database, path, run=0, split="learn")
    return path


def test_the_table_is_that_of_iota2(samples: Path, clean: Path) -> None:
    with closing(sqlite3.connect(samples)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(output)")]
        geometry_column = connection.execute("SELECT * FROM geometry_columns").fetchall()
        rows = connection.execute("SELECT GEOMETRY, code, originfid, region FROM output ORDER BY ogc_fid").fetchall()
    features = [name for (name,) in ask(clean, "SELECT feature_name FROM feature ORDER BY feature_id")]
    assert columns == ["ogc_fid", "GEOMETRY", "code", "originfid", "region", *features]
    assert geometry_column == [("output", "GEOMETRY", 1, 2, 32631, "WKB")]
    expected = ask(
        clean,
        "SELECT ST_AsWKB(ST_Point(x, y)), class_code, polygon_id, region FROM sample_wide "
        "WHERE sample_id IN (SELECT sample_id FROM selection WHERE run = 0) ORDER BY sample_id",
    )
    assert rows == [(bytes(wkb), code, polygon, region) for wkb, code, polygon, region in expected]
    # 21 bytes: byte order, type, x, y, little-endian.
    assert {len(row[0]) for row in rows} == {21}
    assert {row[0][:5] for row in rows} == {b"\x01\x01\x00\x00\x00"}


def test_qgis_sees_points_in_their_projection(samples: Path) -> None:
    layer = pyogrio.read_dataframe(samples, layer="output")
    assert layer.crs.to_epsg() == 32631
    assert set(layer.geometry.geom_type) == {"Point"}


def test_the_plotting_script_of_the_labwork_runs(samples: Path, clean: Path) -> None:
    """Its lines, less pandas' retired argument infer_datetime_format and plt.show()."""
    mpl.use("agg")
    import matplotlib.pyplot as plt

    path_to_db = str(samples)
    with closing(sqlite3.connect(path_to_db)) as conn:
        gdf = geopandas.read_postgis("SELECT * from output", conn, geom_col="GEOMETRY")
    ndvi_columns = [col_ for col_ in gdf.columns if "ndvi" in col_]
    dates = [pd.to_datetime(date_.split("_")[2]) for date_ in ndvi_columns]
    label_converter = dict(ask(clean, "SELECT class_code, class_name FROM class"))
    drawn = {}
    for label in label_converter:
        gdf_ = gdf[gdf["code"] == label][ndvi_columns]
        if gdf_.size > 0:
            fig, ax = plt.subplots(figsize=(10, 5))
            ax.plot(dates, gdf_.values.T / 1000)
            ax.set_title(f"Class {label_converter[label]}")
            ax.set_ylim([-0.5, 1])
            drawn[label] = np.array([line.get_ydata() for line in ax.lines])
            plt.close(fig)
    assert dates == [pd.Timestamp(d) for (d,) in ask(clean, "FROM (SELECT DISTINCT date FROM feature) ORDER BY date")]
    means = ask(
        clean,
        "SELECT class_code, avg(features[feature_rank]) / 1000 FROM sample JOIN feature USING (feature_group) "
        "JOIN candidate USING (sample_id) JOIN polygon USING (polygon_id) WHERE band = 'NDVI' "
        "AND sample_id IN (SELECT sample_id FROM selection WHERE run = 0) GROUP BY class_code",
    )
    assert len(drawn) == len(means) > 2
    for code, mean in means:
        assert drawn[code].mean() == pytest.approx(mean, rel=1e-5)


def test_more_columns_than_sqlite_takes(tmp_path: Path) -> None:
    batch = pa.record_batch({f"c{i}": [1] for i in range(1999)})
    with pytest.raises(ConfigError, match="1999 columns, SQLite takes 1998"):
        write_sqlite(tmp_path / "x.sqlite", [(None, batch)], crs=None)
    assert list(tmp_path.iterdir()) == []


def test_kinds_of_cells(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    batch = pa.record_batch(
        {"Flag": [True, None], "list": [[1, 2], None], "day": pa.array([0, None], pa.date32()), "text": ["é", "'"]}
    )
    wkb = shapely.to_wkb(shapely.from_wkt(["POLYGON ((0 0, 1 0, 1 1, 0 0))", "MULTIPOLYGON EMPTY"])).tolist()
    assert write_sqlite(path, [(wkb, batch)], crs="EPSG:2154") == 2
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT flag, list, day, text FROM output").fetchall() == [
            (1, "[1, 2]", "1970-01-01", "é"),
            (None, None, None, "'"),
        ]
        assert connection.execute("SELECT geometry_type, srid FROM geometry_columns").fetchall() == [(0, 2154)]
