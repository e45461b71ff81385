"""The database after its process was killed: what was committed is there, projections included."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import geopandas
import pytest

from i2db.errors import ContractError
from i2db.store.database import Database

KILLED = """
import os, signal, sys
from pathlib import Path
from i2db.store.database import Database
database = Database.open(Path(sys.argv[1]))
database.set_projection("EPSG:32631")
with database.transaction():
    database.connection.execute("INSERT INTO polygon (polygon_id, geom) SELECT 1, ST_Point(500000, 0)")
database.connection.begin()
database.connection.execute("DELETE FROM polygon")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A database whose process died with a transaction open."""
    path = tmp_path / "i2db.duckdb"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.with_name("i2db.duckdb.wal").exists()
    return path


@pytest.mark.parametrize("read_only", [False, True])
def test_what_was_committed_is_there(killed: Path, tmp_path: Path, read_only: bool) -> None:
    with Database.open(killed, read_only=read_only) as database:
        assert database.connection.execute("SELECT polygon_id FROM polygon").fetchall() == [(1,)]
        database.connection.execute(f"COPY polygon TO '{tmp_path / 'p.parquet'}'")
    frame = geopandas.read_parquet(tmp_path / "p.parquet")
    assert frame.crs.to_epsg() == 32631
    assert frame.geometry[0].x == 500_000


def test_projections_survive_closing(tmp_path: Path) -> None:
    path = tmp_path / "i2db.duckdb"
    for crs in ("EPSG:32631", "EPSG:32631", "EPSG:2154"):
        with Database.open(path) as database:
            database.set_projection(crs)
        with Database.open(path, read_only=True) as database:
            found = {row["data_type"] for row in database.rows("catalogue/geometry_columns")}
        assert found == {f"GEOMETRY('{crs}')"}


def test_a_log_that_cannot_be_read_is_said(killed: Path) -> None:
    log = killed.with_name("i2db.duckdb.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    with pytest.raises(ContractError, match="cannot be opened") as caught:
        Database.open(killed)
    assert "rebuild" in str(caught.value)
