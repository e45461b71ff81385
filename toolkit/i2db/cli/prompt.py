"""The interactive prompt of `i2db sql`, and the same language from a pipe: SQL up to `;`, and commands with a dot."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from i2db.cli.output import table
from i2db.errors import ConfigError, I2dbError
from i2db.store.database import Database, pieces_of

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completion
    from prompt_toolkit.document import Document

#: What answers a statement: writes its rows.
Answer = Callable[[Database, str], None]

HELP = """\
SQL ends with ; and may take several lines.
.tables            tables, views and table macros, with what they hold
.schema [TABLE]    columns with their types and meaning
.help              this text
.quit              leave (or Ctrl-D)
"""

_WORD = re.compile(r"[\w.]+$")


class Leave(Exception):  # noqa: N818 - no error: someone has finished
    """`.quit` was said."""


def obey(database: Database, line: str, write: Callable[[str], object]) -> None:
    """Carry out a command with a dot.

    Raises:
        Leave: it is .quit.
        ConfigError: there is no such command or table.
    """
    name, *words = line.split()
    name = name.rstrip(";")
    words = [word.rstrip(";") for word in words if word != ";"]
    if name in (".quit", ".exit", ".q"):
        raise Leave
    if name in (".help", ".h"):
        write(HELP)
    elif name == ".tables":
        write(table(("kind", "name", "what it holds"), database.table_names()))
    elif name == ".schema":
        write(schema(database, words[0] if words else None))
    else:
        near = difflib.get_close_matches(name, (".tables", ".schema", ".help", ".quit"), n=1)
        raise ConfigError(
            f"there is no command {name}", hint=f"did you mean {near[0]}?" if near else ".help lists them"
        )


def schema(database: Database, relation: str | None) -> str:
    """The columns of a table or view, or of all.

    Raises:
        ConfigError: there is no such table or view.
    """
    rows = database.rows("catalogue/columns")
    if relation is not None:
        known = sorted({str(row["relation"]) for row in rows})
        if relation not in known:
            near = difflib.get_close_matches(relation, known, n=1)
            hint = f"did you mean {near[0]}?" if near else ".tables lists them"
            raise ConfigError(f"there is no table or view {relation}", hint=hint)
        rows = [row for row in rows if row["relation"] == relation]
        return table(("column", "type", "meaning"), [[r["column_name"], r["data_type"], r["comment"]] for r in rows])
    names = ("relation", "column_name", "data_type", "comment")
    return table(("table", "column", "type", "meaning"), [[row[name] for name in names] for row in rows])


def statements(lines: Iterable[str]) -> Iterator[str]:
    """Statements and commands from lines of text; the last one needs no `;`."""
    rest = ""
    for line in lines:
        if not rest.strip() and line.lstrip().startswith("."):
            yield line.strip()
            continue
        whole, rest = pieces_of(rest + (line if line.endswith("\n") else line + "\n"))
        yield from whole
    if rest.strip():
        yield rest


def run_script(database: Database, lines: Iterable[str], answer: Answer) -> None:
    """Carry out statements and commands one after the other; the first error ends it.

    Raises:
        Leave: `.quit` was said.
    """
    for statement in statements(lines):
        if statement.startswith("."):
            obey(database, statement, lambda text: typer.echo(text, nl=False))
        else:
            answer(database, statement)


def converse(database: Database, answer: Answer, session: PromptSession[str] | None = None) -> None:
    """Ask for statements and commands until someone leaves; errors are told, and the conversation goes on.

    The database is let go of while the prompt waits, so that a run can write meanwhile.
    """
    session = session or new_session(database)
    typer.echo(f"{database.path}: SQL ends with ;   .help explains, .quit leaves", err=True)
    database.release()
    while True:
        try:
            text = session.prompt("i2db> ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if not text:
            continue
        try:
            database.regain()
            try:
                run_script(database, text.splitlines(), answer)
            finally:
                database.release()
        except Leave:
            return
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
        except I2dbError as error:
            typer.secho(f"error: {error}", err=True, fg=typer.colors.RED)


def new_session(database: Database, **options: Any) -> PromptSession[str]:
    """A prompt with history and completion; `options` go to prompt_toolkit (tests give input and output)."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    path = history_path()
    history: History
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        history = FileHistory(str(path))
    except OSError:
        history = InMemoryHistory()

    def is_open() -> bool:
        text = get_app().current_buffer.text
        if not text.strip() or text.lstrip().startswith("."):
            return False
        whole, rest = pieces_of(text)
        return bool(rest.strip()) or not whole

    return PromptSession(
        history=history,
        completer=_completer(words(database)),
        complete_while_typing=False,
        multiline=Condition(is_open),
        prompt_continuation=lambda width, _number, _wrapped: "...> ".rjust(width),
        **options,
    )


def history_path() -> Path:
    """Where the questions of earlier days are kept: $XDG_STATE_HOME/i2db/sql_history."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "i2db" / "sql_history"


def words(database: Database) -> dict[str, str]:
    """What can be completed, with what it is: tables first, then columns, keywords, functions, commands."""
    found: dict[str, str] = {}
    for row in database.rows("catalogue/words"):
        found.setdefault(row["word"], row["kind"])
    return found | dict.fromkeys((".tables", ".schema", ".help", ".quit"), "command")


def candidates(text: str, known: dict[str, str]) -> list[tuple[str, str, int]]:
    """(completion, what it is, start relative to the cursor) for the text before the cursor.

    After `.schema`, and after `table.`, only what fits there is offered.
    """
    kinds: tuple[str, ...] = ("table", "view", "macro", "column", "keyword", "function")
    match = _WORD.search(text)
    begun = match.group() if match else ""
    if text.lstrip().startswith("."):
        command, _, argument = text.lstrip().partition(" ")
        kinds = ("command",) if not argument and not text.endswith(" ") else ("table", "view")
        begun = command if kinds == ("command",) else argument
    elif "." in begun:
        begun, kinds = begun.rpartition(".")[2], ("column",)
    elif not begun:
        return []
    found = [(word, kind) for word, kind in known.items() if kind in kinds and word.lower().startswith(begun.lower())]
    return [(word, kind, -len(begun)) for word, kind in sorted(found, key=lambda one: (kinds.index(one[1]), one[0]))]


def _completer(known: dict[str, str]) -> Any:
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.completion import Completion as One

    class Words(Completer):
        """Offers the names of the database."""

        def get_completions(self, document: Document, complete_event: object) -> Iterator[Completion]:  # noqa: ARG002
            for word, kind, start in candidates(document.text_before_cursor, known):
                yield One(word, start_position=start, display_meta=kind)

    return Words()
