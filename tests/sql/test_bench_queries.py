"""The benchmark of the queries covers them all, and they all answer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from i2db.resources import sql_folder
from i2db.store.database import Database

BENCH = Path(__file__).resolve().parents[1] / "bench" / "bench_queries.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_queries", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_folder_is_asked_or_said_not_to_be(bench: ModuleType) -> None:
    folders = sorted(path.name for path in sql_folder().iterdir() if path.is_dir())
    assert sorted([*bench.ASKED, *bench.NOT_ASKED]) == folders


def test_every_query_answers(bench: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "i2db.duckdb"
    with Database.open(path) as database:
        bench.fill(database, 24_000, 2, 600)
    with Database.open(path, read_only=True) as database:
        bench.attach_copy(database, path)
        rows = {name: bench.answer(database, text).num_rows for name, text in bench.queries(database).items()}
        relations = {name.partition("(")[0] for kind, name, _ in database.table_names() if kind != "table"}
    assert relations <= set(rows)
    broken = {name: n for name, n in rows.items() if name.startswith("sql/audit/") and n}
    # The samples are drawn of all pixels, whoever learns, and quotas are made up.
    assert set(broken) == {"sql/audit/selection_off_quota", "sql/audit/selection_outside_learn"}
    assert rows["accuracy"] == 2
    assert rows["confusion"] == rows["sql/evaluate/confusion"] > 24


FETCH = """
import sys
from pathlib import Path
from i2db.store.database import Database
with Database.open(Path(sys.argv[1]), read_only=True) as database:
    print(database.connection.execute("FROM learnable_pixel").to_arrow_table().num_rows)
"""


def test_pixels_that_may_learn_come_out_however_many_they_are(tmp_path: Path) -> None:
    """DuckDB 1.5.5 waited for ever, deaf to interrupts, where so many rows of this view were fetched, not counted."""
    path = tmp_path / "i2db.duckdb"
    with Database.open(path) as database:
        for text in (
            "INSERT INTO run BY NAME SELECT i AS run, 'val' AS evaluated_split FROM range(2) t(i)",
            "INSERT INTO polygon BY NAME SELECT i AS polygon_id, 1 AS class_code FROM range(10000) t(i)",
            """INSERT INTO polygon_split BY NAME SELECT run, polygon_id, '1' AS region, class_code,
                CASE WHEN (polygon_id + run) % 4 = 0 THEN 'val' ELSE 'learn' END AS split
                FROM run CROSS JOIN polygon""",
            """INSERT INTO candidate BY NAME SELECT i AS sample_id, i // 100 AS polygon_id, '1' AS region
                FROM range(1000000) t(i)""",
        ):
            database.connection.execute(text)
    fetched = subprocess.run(
        [sys.executable, "-c", FETCH, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(fetched.stdout) == 2 * 750_000
