"""A stage touches the tables that it declares, and no others: seen over a whole run."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from i2db.chain.stage import Stage
from i2db.simulate import Scene
from i2db.stages.chain import CLASSIFICATION
from i2db.store.database import Database
from i2db.store.statement import load, names
from scenes import FUSED, run_scene

#: The chain's own books, and what every statement may use.
BOOKS = {"configuration", "part", "publication", "task_run", "schema_version", "student_t"}

CREATES_VIEW = re.compile(r"^\s*(CREATE OR REPLACE VIEW|COMMENT ON)")
WRITES = re.compile(r"\b(?:INSERT INTO|DELETE FROM|UPDATE|ALTER TABLE)\s+\"?(\w+)")
READS = re.compile(r"\b(?<!DELETE )(?:FROM|JOIN)\s+(?:other\.)?\"?(\w+)")
NAMED = re.compile(r"(?:WITH|,)\s+(\w+) AS \(")


def touched(text: str) -> tuple[set[str], set[str]]:
    """(read, written) names of relations in a statement, the names it defines itself left out."""
    plain = re.sub(r"--.*", "", text)
    return set(READS.findall(plain)) - set(NAMED.findall(plain)), set(WRITES.findall(plain))


@pytest.fixture(scope="module")
def relations() -> set[str]:
    with Database.in_memory() as database:
        database.create_schema()
        return {name for kind, name, _ in database.table_names() if kind != "macro"}


@pytest.fixture(scope="module")
def sources(relations: set[str]) -> dict[str, set[str]]:
    """Per view the tables that it is made from, through other views too."""
    with Database.in_memory() as database:
        database.create_schema()
        made = dict(
            database.connection.execute("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall()
        )
    direct = {view: touched(text)[0] & relations for view, text in made.items()}

    def tables_of(view: str) -> set[str]:
        return set().union(*(tables_of(name) if name in direct else {name} for name in direct[view]))

    return {view: tables_of(view) for view in direct}


@pytest.fixture(scope="module")
def seen(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, relations: set[str]
) -> dict[str, tuple[set[str], set[str]]]:
    """Per stage what it read and wrote, in a first run and in one where everything has changed."""
    texts: dict[str, list[str]] = defaultdict(list)
    current: list[str] = []
    #: Databases of other projects, which a stage may read without declaring it.
    foreign: set[Path | None] = set()
    execute = Database._execute

    @contextmanager
    def of(name: str) -> Iterator[None]:
        current.append(name)
        yield
        current.pop()

    def watched(stage: Stage) -> Stage:
        def tasks(project: Any) -> Sequence[Any]:
            with of(stage.name):
                return stage.tasks(project)

        def publish(*arguments: Any) -> None:
            with of(stage.name):
                stage.publish(*arguments)

        return dataclasses.replace(stage, tasks=tasks, publish=publish)

    def noted(database: Database, text: str, parameters: Any, name: str) -> Any:
        if current and database.path not in foreign and not CREATES_VIEW.match(text):
            texts[current[-1]].append(text)
        return execute(database, text, parameters, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_execute", noted)
        folder = tmp_path_factory.mktemp("declared") / "out"
        stages = [watched(stage) for stage in CLASSIFICATION]
        run_scene(scene.config, folder, "arg_train.learning_curve=[5]", stages=stages)
        of_runs = "arg_classification.merge_final_classifications_method=dempstershafer"
        run_scene(scene.config, folder, *FUSED, of_runs, stages=stages)
        run_scene(
            scene.config,
            folder,
            "arg_train.random_seed=99",
            "arg_train.erode=5",
            "arg_train.extraction=selected",
            "arg_train.sample_selection.strategy=smallest",
            "arg_train.split_by=block",
            "arg_train.block_size=150",
            stages=stages,
        )
        # Annual classes come from another project.
        foreign.add(folder / "i2db.duckdb")
        mix = (f"arg_train.prev_features={folder}", f"arg_train.annual_crop={scene.class_codes[0]}")
        others = ("arg_train.crop_mix=True", "arg_train.a_crop_label_replacement=[250, 'annual']")
        run_scene(scene.config, folder.parent / "out_mix", *mix, *others, stages=stages)
        # A table of series takes other ways through the same stages.
        table = folder.parent / "table.csv"
        table.write_text("id,code,v\n" + "".join(f"{i},{scene.class_codes[i % 2]},{i % 2}\n" for i in range(20)))
        own = (f"chain.ground_truth='{table}'", "chain.polygon_id_field=id", "sample_table.features=v")
        alone = ("chain.s2_path=None", "chain.list_tile=None", "chain.region_path=None")
        run_scene(scene.config, folder.parent / "out_table", *own, *alone, stages=stages)
    found = {}
    for stage, executed in texts.items():
        read, written = map(set().union, *(touched(text) for text in executed))  # type: ignore[arg-type]
        found[stage] = (read & relations - BOOKS, written & relations - BOOKS)
    return found


def test_the_reading_of_statements_is_right() -> None:
    text = """-- FROM comment
    WITH used AS (SELECT 1 FROM polygon) INSERT INTO quota BY NAME SELECT 1 FROM used JOIN candidate USING (x)"""
    assert touched(text) == ({"polygon", "candidate"}, {"quota"})
    assert touched("DELETE FROM sample WHERE x IN (SELECT 1 FROM region)") == ({"region"}, {"sample"})


def test_the_reading_agrees_with_duckdb(database: Database) -> None:
    """On the statements that DuckDB tells the tables of; views it tells by what they are made from."""
    views = {name for kind, name, _ in database.table_names() if kind == "view"}
    n = 0
    for name in names():
        for statement in load(name):
            read, _ = touched(statement.text)
            if read & views or not statement.text.startswith(("SELECT", "--", "INSERT", "WITH")):
                continue
            try:
                told = database.connection.get_table_names(statement.text)
            except duckdb.Error:
                continue
            assert told - {"incoming_geometries", "sample_wide"} <= read, name
            n += 1
    assert n >= 25


@pytest.mark.slow
@pytest.mark.parametrize("stage", CLASSIFICATION, ids=lambda stage: stage.name)
def test_a_stage_reads_and_writes_what_it_declares(
    seen: dict[str, tuple[set[str], set[str]]], sources: dict[str, set[str]], stage: Stage
) -> None:
    read, written = seen.get(stage.name, (set(), set()))
    declared = {*stage.reads, *stage.writes}
    undeclared = {name for name in read - declared if not (name in sources and sources[name] <= declared)}
    assert undeclared == set()
    used = read | written | set().union(*(sources.get(name, set()) for name in read))
    assert set(stage.reads) - used - BOOKS == set(), "declared, never read"
    assert written - set(stage.writes) == set()
    assert set(stage.writes) - written == set(), "declared, never written"


@pytest.mark.parametrize("stage", CLASSIFICATION, ids=lambda stage: stage.name)
def test_what_a_stage_reads_was_written_before(relations: set[str], sources: dict[str, set[str]], stage: Stage) -> None:
    earlier = set(BOOKS)
    for other in CLASSIFICATION[: CLASSIFICATION.index(stage) + 1]:
        earlier |= set(other.writes)
    assert set(stage.reads) - earlier - set(sources) == set()
    assert {*stage.reads, *stage.writes} <= relations


def run_names(function: Callable[..., Any]) -> set[str]:
    """Names of .sql files that a module's functions name."""
    source = Path(str(function.__code__.co_filename)).read_text(encoding="utf-8")
    return set(re.findall(r"\"([a-z]+/[a-z_]+)\"", source))


@pytest.mark.parametrize("stage", CLASSIFICATION, ids=lambda stage: stage.name)
def test_the_sql_that_a_stage_runs_is_in_its_fingerprint(stage: Stage) -> None:
    named = {name for name in run_names(stage.tasks) if name in names()} - {"catalogue/clear_findings"}
    assert named <= set(stage.sql)
