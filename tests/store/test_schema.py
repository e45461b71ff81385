"""The schema: everything is commented, keys are words of the field, and it is made the same twice."""

from __future__ import annotations

import duckdb
import pytest

from i2db.errors import ConfigError, ContractError, LockedError
from i2db.store.database import Database


def test_every_table_and_view_has_a_comment(database: Database) -> None:
    bare = [name for _, name, comment in database.table_names() if not comment]
    assert bare == []


def test_every_column_has_a_comment(database: Database) -> None:
    rows = database.connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    ).fetchall()
    assert rows == []


def test_no_name_is_a_keyword(database: Database) -> None:
    reserved = {
        row[0]
        for row in database.connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        ).fetchall()
    }
    used = {
        row[0]
        for row in database.connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE NOT internal UNION SELECT table_name FROM duckdb_tables()"
        ).fetchall()
    }
    assert used & reserved == set()


def test_a_database_made_twice_is_the_same(tmp_path) -> None:
    path = tmp_path / "i2db.duckdb"
    for _ in range(2):
        with Database.open(path) as database:
            assert len(database.connection.execute("FROM student_t").fetchall()) == 200


def test_student_quantiles_are_the_published_ones(database: Database) -> None:
    # Standard tables: 12.706 for 1, 4.303 for 2, 2.262 for 9 degrees of freedom.
    rows = dict(database.connection.execute("SELECT degrees_of_freedom, quantile FROM student_t").fetchall())
    assert [round(rows[df], 3) for df in (1, 2, 9)] == [12.706, 4.303, 2.262]


def test_another_schema_version_is_refused(tmp_path) -> None:
    path = tmp_path / "i2db.duckdb"
    with Database.open(path) as database:
        database.connection.execute("UPDATE schema_version SET version = 0")
    with pytest.raises(ContractError, match="holds schema version 0") as caught:
        Database.open(path)
    assert "rebuild" in str(caught.value)


def test_a_missing_database_is_said(tmp_path) -> None:
    with pytest.raises(ConfigError, match="no database at"):
        Database.open(tmp_path / "none.duckdb", read_only=True)


def test_a_broken_file_is_no_lock(tmp_path) -> None:
    path = tmp_path / "i2db.duckdb"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(ContractError, match="cannot be opened"):
        Database.open(path)


def test_a_writer_locks_others_out(tmp_path) -> None:
    import os
    import subprocess
    import sys

    path = tmp_path / "i2db.duckdb"
    with Database.open(path):
        code = (
            "import sys; from pathlib import Path; from i2db.store.database import Database\n"
            "from i2db.errors import LockedError\n"
            "try:\n    Database.open(Path(sys.argv[1]), read_only=True)\n"
            "except LockedError as error:\n    print(error); sys.exit(4)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert str(os.getpid()) in done.stdout
    assert LockedError.exit_code == 4


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    def half() -> None:
        with database.transaction():
            database.append("run", [{"run": 0, "random_seed": 1, "evaluated_split": "val"}])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert database.connection.execute("FROM run").fetchall() == []


def test_rows_that_do_not_fit_are_refused(database: Database) -> None:
    with pytest.raises(ContractError, match="append to run"):
        database.append("run", [{"run": 0, "no_such_column": 1}])


def test_a_projection_stays_with_the_geometry(database: Database, tmp_path) -> None:
    import geopandas

    database.set_projection("EPSG:32631")
    database.connection.execute("INSERT INTO polygon (polygon_id, geom) SELECT 1, ST_Point(500000, 0)")
    database.connection.execute(f"COPY polygon TO '{tmp_path / 'p.parquet'}'")
    assert geopandas.read_parquet(tmp_path / "p.parquet").crs.to_epsg() == 32631


def test_spatial_extension_fits() -> None:
    assert duckdb.__version__ == "1.5.5"
