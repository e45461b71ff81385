"""`i2db sql` without a query: a prompt at a terminal, a script from a pipe."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from commands import Command
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from i2db.cli import prompt
from i2db.cli.output import answer
from i2db.cli.prompt import Leave, candidates, converse, new_session, run_script, statements, words
from i2db.store.database import Database, pieces_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An output folder whose database holds two classes."""
    folder = tmp_path / "out"
    folder.mkdir()
    with Database.open(folder / "i2db.duckdb", threads=1) as database:
        database.append("class", [{"class_code": code, "class_name": f"class {code}"} for code in (1, 2)])
    return folder


Talk = Callable[[str], str]


@pytest.fixture
def talk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Talk:
    """Types keys at a prompt; what is printed, errors included."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def say(keys: str) -> str:
        with (
            create_pipe_input() as typed,
            Database.open(folder / "i2db.duckdb", read_only=True) as database,
        ):
            typed.send_text(keys)
            converse(database, answer, new_session(database, input=typed, output=DummyOutput()))
        out, err = capsys.readouterr()
        return out + err

    return say


@pytest.mark.parametrize(
    ("text", "whole", "rest"),
    [
        ("select 1", [], "select 1"),
        ("select 1;", ["select 1;"], ""),
        ("select 1; select 2; select", ["select 1;", "select 2;"], " select"),
        ("select ';'", [], "select ';'"),
        ("select ';", [], "select ';"),
        ("select 'é;'; x", ["select 'é;';"], " x"),
        ("select 1; -- and ; that", ["select 1;"], ""),
        ("/* ; */ select 1;", ["/* ; */ select 1;"], ""),
        ("select 1; /* not yet", ["select 1;"], " /* not yet"),
        ("select $a$ ; $a$;", ["select $a$ ; $a$;"], ""),
        ("", [], ""),
    ],
)
def test_a_statement_ends_where_its_semicolon_is(text: str, whole: list[str], rest: str) -> None:
    assert pieces_of(text) == (whole, rest)


def test_a_script_is_cut_into_statements_and_commands() -> None:
    lines = [".tables\n", "select\n", "1; select 2\n", ";\n", "  .help\n", "select .5"]
    assert list(statements(lines)) == [".tables", "select\n1;", "select 2\n;", ".help", "select .5\n"]


def test_a_prompt_answers_over_several_lines(talk: Talk) -> None:
    said = talk("select count(*) as n\rfrom class;\r.quit\r")
    assert "n\n-\n2\n" in said


def test_a_prompt_survives_mistakes(talk: Talk) -> None:
    said = talk("select 1 from nothing;\r.tabels\r.schema clas\rselect 6 * 7 as answer;\r.quit\r")
    assert "nothing does not exist" in said
    assert "did you mean .tables?" in said
    assert "did you mean class?" in said
    assert "answer\n------\n    42\n" in said


def test_control_d_leaves(talk: Talk) -> None:
    assert ".help explains" in talk("\x04")


def test_variables_stay_between_questions(talk: Talk) -> None:
    assert "seven\n-----\n    7" in talk("set variable x = 7;\rselect getvariable('x') as seven;\r\x04")


def test_history_is_kept(talk: Talk, tmp_path: Path) -> None:
    talk("select 1 as first;\r\x04")
    assert "+select 1 as first;" in (tmp_path / "state" / "i2db" / "sql_history").read_text()
    # The arrow up brings it back in another session.
    assert "first\n-----\n    1" in talk("\x1b[A\r\x04")


def test_a_history_that_cannot_be_written_is_no_matter(
    talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(prompt, "history_path", lambda: tmp_path / "file" / "history")
    assert "1" in talk("select 1;\r\x04")


def test_a_prompt_that_waits_locks_nobody_out(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    class Session:
        """Between two questions another process writes."""

        def __init__(self) -> None:
            self.n = 0

        def prompt(self, _text: str) -> str:
            self.n += 1
            if self.n == 1:
                return "select count(*) from class;"
            if self.n == 2:
                with duckdb.connect(str(folder / "i2db.duckdb")) as other:
                    other.execute("DELETE FROM class WHERE class_code = 1")
                return "select count(*) from class;"
            raise EOFError

    answers: list[object] = []
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        converse(database, lambda base, text: answers.append(base.query(text).fetchall()), Session())  # type: ignore[arg-type]
    assert answers == [[(2,)], [(1,)]]


def test_completion_knows_what_fits(folder: Path) -> None:
    with Database.open(folder / "i2db.duckdb", read_only=True) as database:
        known = words(database)

    def offered(text: str) -> list[str]:
        return [word for word, _, _ in candidates(text, known)]

    assert {"accuracy", "accuracy_summary"} <= set(offered("from accu"))
    assert offered("select class.class_n") == ["class_name"]
    assert "SELECT" in offered("sel")
    assert "ST_Area" in offered("select st_ar")
    assert "profile" in offered("from prof")
    assert offered(".sch") == [".schema"]
    assert offered(".schema polygon_sp") == ["polygon_split"]
    assert offered("select ") == []
    assert ("accuracy", "view", -5) in candidates("select accur", known)


def test_a_script_from_a_pipe(i2db: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("select 1 as a;\nselect $b as b;\n.schema grid\n.quit\nselect 3;"))
    said = i2db("sql", folder, "--param", "b=two")
    assert said.code == 0
    assert said.out.startswith("a\n-\n1\nb\n---\ntwo\ncolumn        type")
    assert "3" not in said.out


def test_a_script_ends_with_its_first_error(i2db: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("select 1 as a;\nselect nix;\nselect 3;"))
    said = i2db("sql", folder)
    assert (said.code, said.out) == (2, "a\n-\n1\n")


def test_leaving_is_passed_on(database: Database) -> None:
    with pytest.raises(Leave):
        run_script(database, ["select 1;", ".quit"], lambda _database, _text: None)
