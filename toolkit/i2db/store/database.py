"""The one place that opens DuckDB, and the one method through which all SQL passes."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from i2db import __version__
from i2db.errors import ConfigError, ContractError, I2dbError, LockedError, StageError
from i2db.files import TEMPORARY_PREFIX, disk_full
from i2db.store.statement import Statement, load, parse, schema_files

SCHEMA_VERSION = 9

#: Less than this DuckDB cannot work with (bytes).
LEAST_MEMORY = 256 * 2**20

#: Tables whose geometry is in the project's projection.
GEOMETRY_TABLES = ("polygon", "region", "tile", "zone")

#: How DuckDB says that a disk, a quota or a limit of file sizes is full; the file it names, where it names one.
_DISK_FULL = re.compile(
    r"could not write file(?: \"(?P<path>[^\"]+)\")?|no space left|file too large|disk quota exceeded"
    r"|failed to offload data block",
    re.IGNORECASE,
)

logger = logging.getLogger("i2db.sql")


def quote_identifier(name: str) -> str:
    """A name as an SQL identifier, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def pieces_of(text: str) -> tuple[list[str], str]:
    """The statements of a text that end with `;`, and what comes after the last one.

    A `;` within a string or a comment ends nothing. A rest that holds no more than blanks and comments is empty.
    """
    encoded = text.encode()
    tokens = duckdb.tokenize(text)
    ends = [at + 1 for at, kind in tokens if kind == duckdb.token_type.operator and encoded[at : at + 1] == b";"]
    pieces = [encoded[start:end].decode().strip() for start, end in pairwise([0, *ends])]
    last = ends[-1] if ends else 0
    is_rest = any(at >= last for at, _ in tokens) or encoded[last:].count(b"/*") > encoded[last:].count(b"*/")
    return [piece for piece in pieces if piece != ";"], encoded[last:].decode() if is_rest else ""


def _spatial_extension() -> Path:
    """The file of DuckDB's spatial extension, which comes as a Python package: nothing is downloaded."""
    import duckdb_extension_spatial

    folder = Path(duckdb_extension_spatial.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    path = folder / "spatial.duckdb_extension"
    if not path.is_file():
        raise ContractError(
            f"the spatial extension of DuckDB {duckdb.__version__} is not in {folder.parent}",
            hint="install duckdb and duckdb-extension-spatial in the same version",
        )
    return path


@dataclass(frozen=True, slots=True)
class Database:
    """A DuckDB connection with the spatial extension, on a file or in memory."""

    connection: duckdb.DuckDBPyConnection
    path: Path | None

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, threads: int | None = None) -> Database:
        """Open a project's database; for writing it is created when it is not there.

        Raises:
            LockedError: another process writes to it.
            ConfigError: there is none and it was to be read.
            ContractError: it was made with another schema.
        """
        if read_only and not path.is_file():
            raise ConfigError(f"no database at {path}", hint="is this the output folder of a run? `i2db run` makes it")
        connection = duckdb.connect()
        database = cls(connection, path)
        database._configure(threads)
        connection.execute(f"SET temp_directory = {_quoted_text(str(_spill_folder(path)))}")
        try:
            connection.execute(_attachment(path, read_only=read_only))
        except duckdb.Error as error:
            connection.close()
            raise _lock_error(path, error) from error
        if read_only:
            database._check_version()
        else:
            database.create_schema()
        return database

    @classmethod
    def in_memory(cls, *, threads: int | None = None) -> Database:
        """An empty database that lives in memory only: for workers, which never open the project's, and for tests."""
        database = cls(duckdb.connect(), None)
        database._configure(threads)
        return database

    @staticmethod
    def check_unlocked(path: Path) -> None:
        """A LockedError if another process writes to the file; a file that cannot be read otherwise is no matter."""
        try:
            duckdb.connect(str(path)).close()
        except duckdb.Error as error:
            found = _lock_error(path, error)
            if isinstance(found, LockedError):
                raise found from error

    def _configure(self, threads: int | None) -> None:
        self.connection.execute(f"LOAD {_quoted_text(str(_spatial_extension()))}")
        if threads is not None:
            self.connection.execute(f"SET threads = {int(threads)}")
        # UTC, so that times do not depend on the machine.
        self.connection.execute("SET TimeZone = 'UTC'")

    def limit_memory(self, n_bytes: int) -> None:
        """Let DuckDB use so many bytes; what does not fit goes to a temporary folder beside the file."""
        self._execute(f"SET memory_limit = '{max(n_bytes, LEAST_MEMORY)}B'", None, "memory limit")

    def create_schema(self) -> None:
        """Create tables and views where they are missing.

        Raises:
            ContractError: the database holds another version of the schema.
        """
        if self._has_schema():
            self._check_version()
            return
        with self.transaction():
            for path in schema_files():
                for statement in parse(f"schemas/{path.name}", path.read_text(encoding="utf-8")):
                    self._execute(statement.text, None, statement.name)
            self.append("schema_version", [{"version": SCHEMA_VERSION, "i2db_version": __version__}])
            self.append("student_t", _student_quantiles())
        self._execute("CHECKPOINT", None, "checkpoint")

    def _has_schema(self) -> bool:
        found = self._execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_version'", None, "schema"
        ).fetchone()
        return bool(found and found[0])

    def _check_version(self) -> None:
        version = None
        if self._has_schema():
            row = self._execute("SELECT max(version) FROM schema_version", None, "schema").fetchone()
            version = row[0] if row else None
        if version != SCHEMA_VERSION:
            raise ContractError(
                f"{self.path} holds schema version {version}, this i2db needs {SCHEMA_VERSION}",
                hint="`i2db rebuild` makes the database again from the parts beside it",
            )

    def _execute(self, text: str, parameters: Mapping[str, Any] | None, name: str) -> duckdb.DuckDBPyConnection:
        """Run one statement: everything passes here, is logged, and fails with its name and text."""
        started = time.perf_counter()
        with self._explained(name, text):
            result = self.connection.execute(text, dict(parameters) if parameters else None)
        logger.debug("%s: %.3f s", name, time.perf_counter() - started)
        return result

    @contextlib.contextmanager
    def _explained(self, name: str, text: str = "") -> Iterator[None]:
        """Turn what DuckDB raises in the block into an error that names the statement.

        Raises:
            StageError: a disk is full.
            ContractError: anything else.
        """
        try:
            yield
        except duckdb.Error as error:
            raise self._full_disk(error) or ContractError(f"{name}: {error}\n{text}".rstrip()) from error

    def _full_disk(self, error: Exception) -> StageError | None:
        """What to say if an error of DuckDB's tells of a full disk."""
        return _full_disk(self.path or Path.cwd() / ".tmp", error)

    def run(self, name: str, **parameters: Any) -> None:
        """Run all statements of sql/<name>.sql; each takes the parameters it names, and none may be left over."""
        self._run(load(name), parameters)

    def _run(self, statements: Sequence[Statement], parameters: Mapping[str, Any]) -> None:
        wanted = frozenset[str]().union(*(statement.parameters for statement in statements))
        if wanted != frozenset(parameters):
            name = statements[0].name if statements else "?"
            raise ContractError(f"{name} wants the parameters {sorted(wanted)} and was given {sorted(parameters)}")
        for statement in statements:
            self._execute(
                statement.text, {key: parameters[key] for key in statement.parameters} or None, statement.name
            )

    def arrow(self, name: str, **parameters: Any) -> pa.Table:
        """The result of sql/<name>.sql (its last statement) as an Arrow table."""
        self.run(name, **parameters)
        # DuckDB computes rows as they are fetched, and may fail there.
        with self._explained(f"sql/{name}.sql"):
            return self.connection.to_arrow_table()

    def batches(self, name: str, n_rows: int, **parameters: Any) -> pa.RecordBatchReader:
        """The result of sql/<name>.sql (its last statement), so many rows at a time; no other may run meanwhile."""
        self.run(name, **parameters)
        return self.connection.to_arrow_reader(n_rows)

    def rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """The result of sql/<name>.sql as one dict per row: for the few rows that steer the chain."""
        self.run(name, **parameters)
        with self._explained(f"sql/{name}.sql"):
            names = [column[0] for column in self.connection.description or ()]
            return [dict(zip(names, row, strict=True)) for row in self.connection.fetchall()]

    def count(self, name: str) -> int:
        """Number of rows that the one statement of sql/<name>.sql would return; none of them is fetched."""
        (statement,) = load(name)
        counted = self._execute(f"SELECT count(*) FROM (\n{statement.text.rstrip(';')}\n)", None, statement.name)
        with self._explained(statement.name, statement.text):
            return int(counted.fetchall()[0][0])

    def query(self, text: str, parameters: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Start a person's own statements; the last one's rows are computed as they are fetched, see `answering`.

        Raises:
            ConfigError: DuckDB refuses it, or it wants other $parameters than those given.
        """
        wanted, given = self.parameters_of(text), frozenset(parameters or ())
        if wanted != given:
            raise _other_parameters(wanted, given)
        with self.answering():
            if not wanted:
                return self.connection.execute(text)
            statements = duckdb.extract_statements(text)
            result = self.connection
            for statement in statements:
                named = {name: (parameters or {})[name] for name in statement.named_parameters}
                result = self.connection.execute(statement, named or None)
            return result

    def parameters_of(self, text: str) -> frozenset[str]:
        """Names of the $parameters of a person's statements; ConfigError if they do not parse."""
        with self.answering():
            return frozenset[str]().union(*(one.named_parameters for one in duckdb.extract_statements(text)))

    def release(self) -> None:
        """Let go of the file: another process may write to it now; `regain` takes it up again.

        What the connection holds in memory (variables, temporary tables) stays.
        """
        self._execute("USE memory", None, "release")
        self._execute("DETACH project", None, "release")

    def regain(self) -> None:
        """Open the file again, to read it; errors are those of `open`."""
        path = self.path
        if path is None or not path.is_file():
            raise ConfigError(f"no database at {path}", hint="is this the output folder of a run? `i2db run` makes it")
        try:
            self.connection.execute(_attachment(path, read_only=True))
        except duckdb.Error as error:
            raise _lock_error(path, error) from error
        self._check_version()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """In the block, where the rows of `query` are fetched, errors are the driver's words, without our file names.

        Raises:
            ConfigError: DuckDB refuses the statement, or stumbles over a row.
            StageError: a disk is full.
        """
        try:
            yield
        except (duckdb.Error, OSError) as error:
            # Arrow passes on what DuckDB says as an OSError without a number; one with a number is not DuckDB's.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            hint = "`i2db show OUT` lists the tables and views"
            raise self._full_disk(error) or ConfigError(str(error), hint=hint) from error

    def table_names(self) -> list[tuple[str, str, str]]:
        """(kind, name, comment) of every table, view and table macro of the schema."""
        self.run("catalogue/relations")
        return [(str(kind), str(name), str(comment or "")) for kind, name, comment in self.connection.fetchall()]

    def attach_other(self, path: Path) -> None:
        """Open another project's database to read beside this one: its tables are `other.<name>`.

        Errors are those of `open`.
        """
        Database.open(path, read_only=True).close()
        try:
            self.connection.execute(f"ATTACH {_quoted_text(str(path))} AS other (READ_ONLY)")
        except duckdb.Error as error:
            raise _lock_error(path, error) from error

    def append(self, table: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
        """Add rows to a table, matched by column name.

        Raises:
            ContractError: a column does not exist, or a value does not fit.
        """
        if not isinstance(rows, pa.Table):
            if not rows:
                return
            rows = pa.Table.from_pylist([dict(row) for row in rows])
        self.connection.register("incoming_rows", rows)
        try:
            self._execute(
                f"INSERT INTO {quote_identifier(table)} BY NAME SELECT * FROM incoming_rows", None, f"append to {table}"
            )
        finally:
            self.connection.unregister("incoming_rows")

    def replace(self, table: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
        """Put rows in the place of all that a table held."""
        self._execute(f"DELETE FROM {quote_identifier(table)}", None, f"clear {table}")
        self.append(table, rows)

    def define(self, view: str, text: str, comment: str) -> None:
        """Create a generated view with its comment."""
        self._execute(text, None, f"define {view}")
        self._execute(
            f"COMMENT ON VIEW {quote_identifier(view)} IS {_quoted_text(comment)}", None, f"comment on {view}"
        )

    def set_projection(self, crs: str) -> None:
        """Give the geometry columns their projection (a GeoParquet written from them then carries it).

        The file is brought up to date at once, and nothing is done where the projection is the one already: DuckDB
        1.5.5 loses the projection of a column when it takes this statement from the log of a killed process.

        Args:
            crs: as `projection.canonical` writes it: GeoParquet takes PROJJSON, and codes of EPSG.
        """
        wanted = f"GEOMETRY({_quoted_text(crs)})"
        columns = {row["table_name"]: row["data_type"] for row in self.rows("catalogue/geometry_columns")}
        changed = [table for table in GEOMETRY_TABLES if columns.get(table) != wanted]
        for table in changed:
            self._execute(
                f"ALTER TABLE {quote_identifier(table)} ALTER COLUMN geom SET DATA TYPE {wanted} "
                f"USING ST_SetCRS(geom, {_quoted_text(crs)})",
                None,
                f"projection of {table}",
            )
        if changed:
            self._execute("CHECKPOINT", None, "checkpoint")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: committed at the end, rolled back on any error."""
        self._execute("BEGIN TRANSACTION", None, "begin")
        try:
            yield
            self._execute("COMMIT", None, "commit")
        except BaseException:
            # The driver may have rolled back by itself (a full disk); then there is nothing left to undo.
            with contextlib.suppress(duckdb.Error):
                self.connection.rollback()
            raise

    def close(self) -> None:
        """Write what is left to the file and close it."""
        self.connection.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _attachment(path: Path, *, read_only: bool) -> str:
    """The statement that opens a file as the connection's own database.

    Attached, the file is read after the spatial extension, which its log may need; and only the newest form of
    storage keeps the projection of geometry columns.
    """
    options = "STORAGE_VERSION 'latest'" + (", READ_ONLY" if read_only else "")
    return f"ATTACH {_quoted_text(str(path))} AS project ({options}); USE project"


def _other_parameters(wanted: frozenset[str], given: frozenset[str]) -> ConfigError:
    """What to say when a query's parameters are not those that were given."""
    told = []
    if missing := sorted(wanted - given):
        told.append("the query wants " + ", ".join(f"${name}" for name in missing))
    if extra := sorted(given - wanted):
        told.append("the query has no parameter " + ", ".join(f"${name}" for name in extra))
    hint = "--param name=value on the command line, p.sql(query, name=value) in Python"
    return ConfigError("; ".join(told), hint=hint)


def _quoted_text(content: str) -> str:
    """A text as an SQL literal, for the statements that take no parameters."""
    return "'" + content.replace("'", "''") + "'"


def _spill_folder(path: Path) -> Path:
    """Where a connection puts what does not fit into memory: a folder of its own beside the database.

    Its name is one that `clean_temporaries` finds after a crash. A reader who may not write there uses the system's
    folder for temporary files.
    """
    parent = path.absolute().parent
    if not os.access(parent, os.W_OK):
        parent = Path(tempfile.gettempdir())
    return parent / f"{TEMPORARY_PREFIX}duckdb-{uuid.uuid4().hex[:12]}"


def _full_disk(path: Path, error: Exception) -> StageError | None:
    """What to say if an error of DuckDB's tells of a full disk: the file it names, or else the one at `path`."""
    found = _DISK_FULL.search(str(error))
    if found is None:
        return None
    return disk_full(Path(found["path"] or path), str(error).splitlines()[0])


def _lock_error(path: Path, error: duckdb.Error) -> I2dbError:
    """What to say when the file cannot be opened: who holds it, if that is the reason."""
    text = str(error)
    if (full := _full_disk(path, error)) is not None:
        return full
    if "could not set lock" not in text.lower():
        return ContractError(
            f"{path} cannot be opened: {text}", hint="`i2db rebuild` makes the database again from the parts beside it"
        )
    holder = re.search(r"PID (\d+)", text)
    who = f"by process {holder.group(1)}" if holder else "by another process"
    return LockedError(
        f"{path} is in use {who} (a run writes to it)",
        hint="wait until the run has ended, or stop it; what it has done is kept and the next run goes on from there",
    )


def _student_quantiles(n: int = 200) -> list[dict[str, float]]:
    """The 0.975 quantiles of Student's t for 1 to n degrees of freedom."""
    from scipy.stats import t

    return [{"degrees_of_freedom": df, "quantile": float(t.ppf(0.975, df))} for df in range(1, n + 1)]
