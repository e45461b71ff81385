"""Rows on their way out: no more is fetched than is shown, and every table can be written."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pandas
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from commands import Command

from i2db.cli import output
from i2db.cli.output import SHOWN_ROWS, Format, show
from i2db.store.database import Database

N = 1500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An output folder whose database holds some candidates with maps, samples with lists, and odd words."""
    folder = tmp_path / "out"
    folder.mkdir()
    with Database.open(folder / "i2db.duckdb", threads=1) as database:
        database.connection.execute(
            f"""INSERT INTO candidate BY NAME SELECT i AS sample_id, 1 AS polygon_id, 'a "b", c' AS region,
            MAP {{'sentinel2': i % 7, 'l"8': 2}} AS n_valid_by_sensor FROM range({N}) AS t(i)"""
        )
        database.connection.execute("INSERT INTO candidate BY NAME SELECT -1 AS sample_id")
        database.connection.execute(
            "INSERT INTO sample BY NAME SELECT 1 AS sample_id, 's2' AS feature_group, [1.5, NULL] AS features"
        )
    return folder


class Screen(io.StringIO):
    """A standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Counted:
    """A result that counts the rows which are fetched."""

    def __init__(self, result: Any) -> None:
        self.result, self.description, self.n, self.largest = result, result.description, 0, 0

    def fetchmany(self, n: int) -> list[Any]:
        rows = list(self.result.fetchmany(n))
        self.n += len(rows)
        self.largest = max(self.largest, len(rows))
        return rows

    def fetchone(self) -> Any:
        self.n += 1
        return self.result.fetchone()


@pytest.mark.parametrize(("n", "last"), [(SHOWN_ROWS, str(SHOWN_ROWS - 1)), (SHOWN_ROWS + 1, "... and more rows")])
def test_a_terminal_gets_what_it_shows(database: Database, monkeypatch: pytest.MonkeyPatch, n: int, last: str) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    result: Any = Counted(database.query(f"SELECT i FROM range({n}) AS t(i)"))
    show(result, Format.TABLE)
    lines = screen.getvalue().splitlines()
    assert lines[-1].strip().startswith(last)
    assert len(lines) == 2 + SHOWN_ROWS + (n > SHOWN_ROWS)
    assert result.n == SHOWN_ROWS + 1


@pytest.mark.parametrize("form", [Format.CSV, Format.JSON])
def test_rows_are_streamed(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: Format
) -> None:
    monkeypatch.setattr(output, "_ROWS_AT_A_TIME", 1000)
    result: Any = Counted(database.query("SELECT i FROM range(3500) AS t(i)"))
    show(result, form)
    assert (result.n, result.largest) == (3500, 1000)
    text = capsys.readouterr().out
    if form is Format.CSV:
        assert text == "i\n" + "".join(f"{i}\n" for i in range(3500))
    else:
        assert text == json.dumps([{"i": i} for i in range(3500)], indent=1) + "\n"


def test_json_is_as_it_was(i2db: Command, folder: Path) -> None:
    query = "SELECT 'é\n\u2028' AS a, NULL AS b, {'c': [1, 2]} AS d UNION ALL SELECT 'x', 2, {'c': []}"
    text = i2db("sql", folder, query, "-f", "json").out
    records = [{"a": "é\n\u2028", "b": None, "d": {"c": [1, 2]}}, {"a": "x", "b": 2, "d": {"c": []}}]
    assert text == json.dumps(records, indent=1, ensure_ascii=False) + "\n"
    assert i2db("sql", folder, "SELECT 1 AS a WHERE false", "-f", "json").out == "[]\n"


def test_lists_and_maps_are_json_in_csv(i2db: Command, folder: Path) -> None:
    text = i2db("sql", folder, "SELECT n_valid_by_sensor FROM candidate WHERE sample_id = 3", "-f", "csv").out
    (_, (cell,)) = csv.reader(io.StringIO(text))
    assert json.loads(cell) == {"sentinel2": 3, 'l"8': 2}


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_row_that_fails_late_leaves_no_half_file(i2db: Command, folder: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"rows.{form}"
    path.write_text("old")
    query = "SELECT CASE WHEN i = 400000 THEN error('too late') ELSE i END AS n FROM range(500000) AS t(i)"
    answer = i2db("sql", folder, query, "-f", form, "-o", path)
    assert answer.code == 2
    # With several threads DuckDB now and then tells of the others that it stopped, and not of the cause.
    assert "too late" in answer.err or "Interrupted" in answer.err
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir() if child.is_file()] == [path.name]


def test_shown_parquet_is_written_in_groups(
    i2db: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_ROWS_AT_A_TIME", 1000)
    path = tmp_path / "rows.parquet"
    assert i2db("show", folder, "candidate", "-f", "parquet", "-o", path).code == 0
    found = pq.ParquetFile(path)
    assert (found.metadata.num_rows, found.metadata.num_row_groups) == (N + 1, 2)


def test_a_device_is_written_to_as_it_is(i2db: Command, folder: Path) -> None:
    assert i2db("sql", folder, "SELECT 1 AS a", "-f", "csv", "-o", "/dev/null").code == 0
    assert not Path("/dev/null").is_file()


def test_maps_and_lists_are_exported(i2db: Command, folder: Path, tmp_path: Path) -> None:
    for what in ("candidate", "sample"):
        for suffix in (".csv", ".parquet"):
            answer = i2db("export", folder, what, "-o", tmp_path / f"{what}{suffix}")
            assert answer.code == 0, answer.err
            assert answer.err.startswith(f"{N + 1 if what == 'candidate' else 1} rows written")
    frame = pandas.read_csv(tmp_path / "candidate.csv").set_index("sample_id")
    assert len(frame) == N + 1
    assert json.loads(frame.loc[3, "n_valid_by_sensor"]) == {"sentinel2": 3, 'l"8': 2}
    assert pandas.isna(frame.loc[-1, "n_valid_by_sensor"])
    assert frame.loc[3, "region"] == 'a "b", c'
    assert json.loads(pandas.read_csv(tmp_path / "sample.csv")["features"][0]) == [1.5, None]
    native = pq.read_table(tmp_path / "candidate.parquet").filter(pc.field("sample_id") == 3)
    assert dict(native["n_valid_by_sensor"][0].as_py()) == {"sentinel2": 3, 'l"8': 2}
    assert pq.read_table(tmp_path / "sample.parquet")["features"].to_pylist() == [[1.5, None]]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_table_and_view_is_exported_without_pandas(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    from i2db.store import export

    def refuse(*_: object) -> None:
        raise AssertionError("a data frame was made")

    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        relations = [name for kind, name, _ in database.table_names() if kind != "macro"]
        with monkeypatch.context() as patched:
            patched.setattr(export, "places", refuse)
            for name in relations:
                columns = {column[0] for column in database.query(f"FROM {name} LIMIT 0").description or ()}
                if suffix == ".csv" or not ("geom" in columns or {"x", "y"} <= columns):
                    ((n,),) = database.query(f"SELECT count(*) FROM {name}").fetchall()
                    assert export.write_relation(database, name, tmp_path / f"{name}{suffix}") == n
    assert len(list(tmp_path.glob(f"*{suffix}"))) > 20


def test_an_audit_shows_the_first_rows_and_counts_all(i2db: Command, folder: Path) -> None:
    answer = i2db("audit", folder, "-f", "csv")
    assert answer.code == 3
    assert f"candidate_outside_chunk: {N + 1} rows, the first {SHOWN_ROWS} are shown" in answer.err
    assert answer.out.count("\n") <= 10 * (SHOWN_ROWS + 1)
