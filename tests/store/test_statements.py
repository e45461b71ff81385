"""Every .sql file parses, prepares against the empty schema, and keeps to the house's rules."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from i2db.errors import ContractError
from i2db.resources import sql_folder
from i2db.stages.candidate import CANDIDATE_SCHEMA, CONFLICT_SCHEMA
from i2db.stages.classify import PREDICTION_SCHEMA
from i2db.store.database import Database
from i2db.store.statement import load, names, parse
from i2db.store.wide import create_wide_view
from i2db.zonal.fill import CLASS_SCHEMA, MOMENT_SCHEMA, NUMBER_SCHEMA
from i2db.zonal.prepare import ZONE_SCHEMA
from i2db.zonal.project import PROPERTIES_SCHEMA

GEOMETRIES = {
    "catalogue/fill_polygon": ["polygon_id", "class_code", "source_label", "group_name", "split_value", "area"],
    "catalogue/fill_region": ["region", "region_rank"],
    "catalogue/fill_tile": ["tile", "tile_rank", "grid_column", "grid_row", "n_columns", "n_rows"],
}

SAMPLE = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("features", pa.list_(pa.float32())),
        ("feature_group", pa.string()),
        ("tile", pa.string()),
        ("chunk", pa.int32()),
    ]
)
REJECTION = pa.schema([f for f in SAMPLE if f.name != "features"] + [pa.field("reason", pa.string())])

FILES = {
    "candidate/fill": CANDIDATE_SCHEMA,
    "candidate/find_conflicts": CONFLICT_SCHEMA,
    "extract/fill_sample": SAMPLE,
    "extract/fill_rejection": REJECTION,
    "classify/fill": PREDICTION_SCHEMA,
    "zonal/sort_zones": ZONE_SCHEMA,
    "zonal/fill_class": CLASS_SCHEMA,
    "zonal/fill_moment": MOMENT_SCHEMA,
    "zonal/fill_number": NUMBER_SCHEMA,
    "zonal/fill_zone": PROPERTIES_SCHEMA,
}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `i2db diff` attaches beside a project."""
    path = tmp_path_factory.mktemp("other") / "i2db.duckdb"
    Database.open(path, threads=1).close()
    return path


@pytest.fixture
def filled(database: Database, other: Path) -> Database:
    """A database with one feature, so that the wide view exists."""
    database.append(
        "feature",
        [{"feature_id": 1, "feature_group": "sentinel2", "feature_rank": 1, "feature_name": "sentinel2_b2_20180101"}],
    )
    create_wide_view(database)
    database.attach_other(other)
    return database


@pytest.mark.parametrize("name", names())
def test_file_prepares(filled: Database, name: str, tmp_path) -> None:
    if name in GEOMETRIES:
        columns = {column: pa.array([], pa.int64()) for column in GEOMETRIES[name]}
        filled.connection.register("incoming_geometries", pa.table(columns | {"wkb": pa.array([], pa.binary())}))
    for statement in load(name):
        text = statement.text
        if name in FILES:
            path = tmp_path / "part.parquet"
            pq.write_table(FILES[name].empty_table(), path)
            assert "$files" in text or statement.parameters == frozenset({"units"})
            text = text.replace("$files", f"['{path}']")
        filled.connection.execute(f"PREPARE tried AS {text}")
        filled.connection.execute("DEALLOCATE tried")


@pytest.mark.parametrize("name", names())
def test_file_starts_with_a_sentence(name: str) -> None:
    first = (sql_folder() / f"{name}.sql").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"-- [A-Z].+[.:]|-- [A-Z].+", first), first


@pytest.mark.parametrize("name", names())
def test_file_is_deterministic(name: str) -> None:
    text = (sql_folder() / f"{name}.sql").read_text(encoding="utf-8").lower()
    assert not re.search(r"\brandom\(|using sample|\bhash\(|current_timestamp|\bnow\(", text)


@pytest.mark.parametrize("name", names())
def test_file_holds_no_ddl(name: str) -> None:
    assert all(re.match(r"(--.*\n)*\s*(SELECT|INSERT|DELETE|WITH|COPY|FROM)", s.text) for s in load(name))


def test_parameters_are_checked_both_ways(database: Database) -> None:
    with pytest.raises(ContractError, match=r"wants the parameters \['stages'\] and was given \[\]"):
        database.run("catalogue/published")
    with pytest.raises(ContractError, match="was given"):
        database.run("catalogue/published", stages=[], other=1)


def test_errors_name_the_file_and_show_the_text(database: Database) -> None:
    (statement,) = parse("sql/somewhere.sql", "SELECT nothing FROM candidate")
    with pytest.raises(ContractError, match=r"sql/somewhere\.sql") as caught:
        database._run([statement], {})
    assert "SELECT nothing FROM candidate" in str(caught.value)


def test_missing_file_is_named() -> None:
    with pytest.raises(ContractError, match=r"sql/no/such\.sql does not exist"):
        load("no/such")
