"""Results in Python: `import i2db; p = i2db.open(folder)`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import geopandas
import pandas as pd
import pytest

import i2db
from i2db.api import Results
from i2db.errors import ConfigError, LockedError
from scenes import ask


@pytest.fixture(scope="module")
def p(clean: Path) -> Results:
    return i2db.open(str(clean))


def test_importing_i2db_is_light() -> None:
    code = "import sys, i2db; print([n for n in ('duckdb', 'numpy', 'pandas', 'pyarrow') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_query_in_three_forms(p: Results, clean: Path) -> None:
    answer = p.sql("SELECT run, count(*) AS n FROM selection WHERE run >= $first GROUP BY run ORDER BY run", first=0)
    expected = ask(clean, "SELECT run, count(*) FROM selection GROUP BY run ORDER BY run")
    assert answer.rows() == [{"run": run, "n": n} for run, n in expected]
    assert answer.arrow().to_pylist() == answer.rows()
    pd.testing.assert_frame_equal(answer.df(), pd.DataFrame(expected, columns=["run", "n"]), check_dtype=False)
    with pytest.raises(ConfigError, match="no geometry"):
        answer.geo()


def test_samples(p: Results, clean: Path) -> None:
    frame = p.samples(run=0, split="learn").geo()
    features = [name for (name,) in ask(clean, "SELECT feature_name FROM feature ORDER BY feature_id")]
    assert isinstance(frame, geopandas.GeoDataFrame)
    assert frame.crs.to_epsg() == 32631
    assert list(frame["sample_id"]) == [
        key for (key,) in ask(clean, "SELECT sample_id FROM selection WHERE run = 0 ORDER BY sample_id")
    ]
    assert set(features) <= set(frame.columns)
    # The chosen features, pixel by pixel, are those of the array they come from.
    (first,) = ask(clean, f"SELECT features FROM sample WHERE sample_id = {frame['sample_id'][0]}")
    assert frame.loc[0, features].tolist() == first[0]
    assert p.samples(run=0, split="learn").arrow().num_rows == len(frame)
    every = p.samples().df()
    assert every["sample_id"].is_monotonic_increasing
    assert len(every) == ask(clean, "SELECT count(*) FROM sample")[0][0]
    with pytest.raises(ConfigError, match="learn or val"):
        p.samples(run=0, split="test")
    with pytest.raises(ConfigError, match="needs --run"):
        p.samples(split="val")


def test_geometry_of_polygons_and_tables(p: Results, clean: Path) -> None:
    frame = p.table("polygon").geo()
    areas = dict(ask(clean, "SELECT polygon_id, area FROM polygon"))
    assert dict(zip(frame["polygon_id"], frame.area, strict=True)) == pytest.approx(areas)
    by_id = p.sql("SELECT NULL::BIGINT AS polygon_id UNION ALL SELECT min(polygon_id) FROM polygon").geo()
    assert sorted(by_id.geometry.isna()) == [False, True]


def test_a_file_and_what_is_written(p: Results, tmp_path: Path) -> None:
    path = tmp_path / "query.sql"
    path.write_text("SELECT $a AS a")
    assert p.file(path, a=3).rows() == [{"a": 3}]
    assert p.file(path, a=3).write(tmp_path / "a.csv") == 1
    with pytest.raises(ConfigError, match="cannot be read"):
        p.file(tmp_path / "none.sql")
    with pytest.raises(ConfigError, match=r"cannot write \.doc"):
        p.table("accuracy").write(tmp_path / "a.doc")


def test_an_answer_shows_its_first_rows(p: Results) -> None:
    answer = p.sql("SELECT i FROM range(100000) AS t(i)")
    assert len(repr(answer).splitlines()) == 21
    assert answer._repr_html_().count("<tr") == 21
    assert "Empty" in repr(p.sql("SELECT 1 AS a WHERE false"))
    assert set(p.tables()["kind"]) == {"table", "view", "macro"}


def test_a_project_is_free_between_questions(tmp_path: Path) -> None:
    path = tmp_path / "i2db.duckdb"
    i2db_store = __import__("i2db.store.database", fromlist=["Database"])
    i2db_store.Database.open(path).close()
    with i2db.open(tmp_path) as p:
        answer = p.table("class")
        assert answer.rows() == []
        with duckdb.connect(str(path)) as writer:
            writer.execute("INSERT INTO class BY NAME SELECT 7 AS class_code")
            code = f"import i2db; i2db.open({str(tmp_path)!r})"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            assert LockedError.__name__ in done.stderr
        assert [row["class_code"] for row in answer.rows()] == [7]
        assert repr(p) == f"i2db.open({str(tmp_path)!r})"


def test_a_folder_without_a_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no database"):
        i2db.open(tmp_path)
