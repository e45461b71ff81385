"""The database after its process was killed: what was committed is there, projections included."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import geopandas
import pytest

from i2db.errors import ConfigError, ContractError
from i2db.files import TEMPORARY_PREFIX, clean_temporaries
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


FULL = """
import resource, sys
from pathlib import Path
from i2db.errors import StageError
from i2db.store.database import Database
folder, action, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
folder.mkdir()
database = Database.open(folder / "i2db.duckdb", threads=1)
database.connection.execute("SET memory_limit = '60MB'")
# A limit on the size of files stands for a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
rows = "SELECT 1 AS run, i * 7919 % 1000003 AS sample_id FROM range({}) AS t(i)"
spilling = "SELECT i, md5(i::VARCHAR) AS m FROM range(3000000) AS t(i) ORDER BY m"
try:
    if action == "statement":
        database._execute("INSERT INTO selection BY NAME " + rows.format(3_000_000), None, "fill")
    elif action == "commit":
        for _ in range(3000):
            with database.transaction():
                database._execute("INSERT INTO selection BY NAME " + rows.format(100), None, "fill")
    elif action == "asked":
        with database.answering():
            database.query(spilling).fetchall()
    elif action == "spill":
        database._execute("CREATE TEMP TABLE sorted AS " + spilling, None, "sort")
except StageError as error:
    print(error)
    database.close()
    sys.exit(0)
"""


@pytest.mark.parametrize(
    ("action", "limit", "file"),
    [
        ("statement", 2_000_000, "i2db.duckdb: "),
        ("commit", 400_000, "i2db.duckdb.wal: "),
        ("spill", 3_000_000, "duckdb_temp_storage"),
        ("asked", 3_000_000, "duckdb_temp_storage"),
    ],
)
def test_a_full_disk_is_told(tmp_path: Path, action: str, limit: int, file: str) -> None:
    folder = tmp_path / "it's out"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder), action, str(limit)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    message, hint = done.stdout.strip().splitlines()
    assert message.startswith(f"could not write {folder}")
    assert file in message
    assert "File too large" in message
    assert "GB free" in message
    assert "make room" in hint
    with Database.open(folder / "i2db.duckdb") as database:
        (found,) = database.connection.execute("SELECT count(*) % 100 FROM selection").fetchall()
    assert found == (0,)


SPILLING = """
import os, signal, sys
from pathlib import Path
from i2db.store.database import Database
database = Database.open(Path(sys.argv[1]), threads=1)
database.connection.execute("SET memory_limit = '60MB'")
spilling = "SELECT i, md5(i::VARCHAR) AS m FROM range(3000000) AS t(i) ORDER BY m"
database.connection.execute(spilling).fetchone()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_does_not_fit_into_memory_lies_beside_the_database(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "it's out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    command = [sys.executable, "-c", SPILLING, str(out / "i2db.duckdb")]
    assert subprocess.run(command, cwd=elsewhere, check=False).returncode == -signal.SIGKILL
    assert list(elsewhere.iterdir()) == []
    (left,) = out.glob(f"{TEMPORARY_PREFIX}duckdb*")
    assert any(left.iterdir())
    assert clean_temporaries(out) == 1
    assert not left.exists()


def test_two_that_look_spill_apart(tmp_path: Path) -> None:
    path = tmp_path / "i2db.duckdb"
    Database.open(path).close()
    found = set()
    for _ in range(2):
        with Database.open(path, read_only=True) as database:
            found |= set(database.connection.execute("SELECT current_setting('temp_directory')").fetchall())
    assert len(found) == 2


def test_a_row_that_cannot_be_computed_is_said(database: Database) -> None:
    late = "SELECT CASE WHEN i = 200000 THEN error('too late') ELSE i END AS n FROM range(300000) AS t(i)"
    with pytest.raises(ConfigError, match="too late"), database.answering():
        database.query(late).fetchall()
    with pytest.raises(ConfigError, match="too late"), database.answering():
        list(database.query(late).to_arrow_reader(1000))
    with pytest.raises(FileNotFoundError), database.answering():
        (Path("no") / "such").read_text()
