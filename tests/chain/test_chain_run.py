"""The chain over toy stages: what runs, why, what is published, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from toy import World, go, numbers, open_toy, reasons, stages

from i2db.chain.plan import decide
from i2db.chain.project import Project
from i2db.chain.publish import publish
from i2db.errors import StageError


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    opened = open_toy(tmp_path / "out")
    yield opened
    opened.close()


NOTHING = {"make/a": None, "make/b": None, "make/c": None, "total/all": None}


def everything(project: Project) -> list[tuple[object, ...]]:
    """All that the database holds but times and costs."""
    rows: list[tuple[object, ...]] = []
    for query in (
        "FROM toy ORDER BY ALL",
        "FROM publication ORDER BY ALL",
        "SELECT stage, unit, fingerprint, kind, path, n_rows, n_bytes, checksum FROM part ORDER BY ALL",
    ):
        rows += project.database.connection.execute(query).fetchall()
    return rows


def test_everything_runs_once_and_then_nothing(project: Project) -> None:
    counts, progress = go(project, World())
    assert counts["make"] == {"run": 3, "adopted": 0, "current": 0, "failed": 0}
    assert counts["total"] == {"run": 1, "adopted": 0, "current": 0, "failed": 0}
    assert (numbers(project), (project.folder / "total.txt").read_text()) == ({"a": 2, "b": 4, "c": 6}, "12")
    assert progress.started == [("make", 3, 0), ("total", 0, 0)]
    before = everything(project)
    counts, progress = go(project, World())
    assert [counts[stage]["run"] for stage in ("make", "total")] == [0, 0]
    assert progress.started == [("make", 0, 3), ("total", 0, 1)]
    assert everything(project) == before
    assert reasons(project, World()) == NOTHING


def test_publishing_twice_is_publishing_once(project: Project) -> None:
    go(project, World())
    before = everything(project)
    for stage in stages(World()):
        staged = decide(project, stage, stage.tasks(project), force=True)
        found = [
            decided.__class__(
                decided.task,
                decided.reason,
                project.parts.find(stage.name, decided.task.unit, decided.task.fingerprint),
            )
            for decided in staged.decisions or ()
        ]
        for _ in range(2):
            publish(project, stage, found, ())
    assert everything(project) == before


def test_missing_is_a_reason_and_what_follows_waits(project: Project) -> None:
    assert reasons(project, World()) == {"make/a": "missing", "make/b": "missing", "make/c": "missing", "total": "?"}


def test_a_changed_input_runs_its_task_only(project: Project) -> None:
    go(project, World())
    world = World(numbers={"a": 1, "b": 20, "c": 3})
    assert reasons(project, world) == {"make/a": None, "make/b": "changed", "make/c": None, "total": "?"}
    counts, _ = go(project, world)
    assert counts["make"] == {"run": 1, "adopted": 0, "current": 2, "failed": 0}
    assert (project.folder / "total.txt").read_text() == "48"


def test_going_back_adopts_the_old_part(project: Project) -> None:
    go(project, World())
    go(project, World(numbers={"a": 1, "b": 20, "c": 3}))
    counts, _ = go(project, World())
    assert counts["make"] == {"run": 0, "adopted": 1, "current": 2, "failed": 0}
    assert numbers(project) == {"a": 2, "b": 4, "c": 6}


def test_force_runs_all(project: Project) -> None:
    go(project, World())
    staged = decide(project, stages(World())[0], stages(World())[0].tasks(project), force=True)
    assert [str(decision.reason) for decision in staged.decisions or ()] == ["forced"] * 3
    before = everything(project)
    counts, _ = go(project, World(), force=True)
    assert (counts["make"]["run"], counts["total"]["run"]) == (3, 1)
    assert everything(project) == before


def test_a_failure_names_unit_and_message_and_publishes_nothing(project: Project) -> None:
    with pytest.raises(StageError) as caught:
        go(project, World(failing=("b",)))
    text = str(caught.value)
    assert "1 of 3 tasks of stage make failed" in text
    assert "b: ValueError: no good number in b" in text
    assert "run again" in text
    assert caught.value.exit_code == 1
    assert numbers(project) == {}
    assert not (project.folder / "total.txt").exists()
    assert project.publications("make") == {}
    outcomes = project.database.connection.execute("SELECT unit, outcome FROM task_run ORDER BY unit").fetchall()
    assert outcomes == [("a", "done"), ("b", "failed"), ("c", "done")]


def test_the_next_run_does_what_failed_and_nothing_else(project: Project) -> None:
    with pytest.raises(StageError):
        go(project, World(failing=("b",)))
    assert reasons(project, World()) == {"make/a": "missing", "make/b": "failed", "make/c": "missing", "total": "?"}
    counts, _ = go(project, World())
    assert counts["make"] == {"run": 1, "adopted": 2, "current": 0, "failed": 0}
    assert numbers(project) == {"a": 2, "b": 4, "c": 6}
    assert reasons(project, World()) == NOTHING


def test_many_failures_are_counted_and_some_are_shown(project: Project) -> None:
    world = World(numbers={f"u{i}": i for i in range(8)}, failing=tuple(f"u{i}" for i in range(8)))
    with pytest.raises(StageError, match="8 of 8 tasks") as caught:
        go(project, world)
    assert "u4: " in str(caught.value)
    assert "u5: " not in str(caught.value)
    assert "and 3 more" in str(caught.value)


def test_units_that_are_no_more_are_taken_out(project: Project) -> None:
    go(project, World())
    world = World(numbers={"a": 1, "c": 3})
    assert reasons(project, world) == {"make/a": None, "make/c": None, "make/b": "retired", "total": "?"}
    go(project, world)
    assert numbers(project) == {"a": 2, "c": 6}
    assert (project.folder / "total.txt").read_text() == "8"
    assert project.database.connection.execute("SELECT count(*) FROM part WHERE unit = 'b'").fetchall() == [(0,)]
    assert sorted(project.publications("make")) == ["a", "c"]


def test_a_removed_output_is_made_again(project: Project) -> None:
    go(project, World())
    (project.folder / "total.txt").unlink()
    assert reasons(project, World()) == NOTHING | {"total/all": "missing"}
    counts, _ = go(project, World())
    assert (counts["make"]["run"], counts["total"]["run"]) == (0, 1)
    assert (project.folder / "total.txt").read_text() == "12"


def test_a_removed_part_is_made_again(project: Project) -> None:
    go(project, World())
    for path in (project.folder / "parts" / "make").glob("a-*.parquet"):
        path.unlink()
    assert reasons(project, World())["make/a"] == "missing"
    counts, _ = go(project, World())
    assert counts["make"] == {"run": 1, "adopted": 0, "current": 2, "failed": 0}
    assert numbers(project) == {"a": 2, "b": 4, "c": 6}


def test_an_error_in_publishing_leaves_the_tables_as_they_were(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(project, World())
    before = everything(project)
    world = World(numbers={"a": 1, "b": 20, "c": 30})
    calls: list[str] = []
    verify = type(project.parts).verify

    def second_fails(store: object, part: object, kind: str) -> Path:
        calls.append(kind)
        if len(calls) == 2:
            raise OSError("the disk is gone")
        return verify(store, part, kind)  # type: ignore[arg-type]

    monkeypatch.setattr(type(project.parts), "verify", second_fails)
    with pytest.raises(OSError, match="the disk is gone"):
        go(project, world)
    assert everything(project) == before
    monkeypatch.undo()
    counts, _ = go(project, world)
    assert counts["make"] == {"run": 0, "adopted": 2, "current": 1, "failed": 0}
    assert numbers(project) == {"a": 2, "b": 40, "c": 60}
