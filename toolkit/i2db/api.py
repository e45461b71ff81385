"""Results in Python: `import i2db; p = i2db.open("out/"); p.sql("FROM accuracy").df()`.

A project is free between questions: each answer opens the database to read, takes its rows and lets go of it, so that
a notebook that is left open stops no run (docs/decisions/0016-readers-let-go.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db.chain.names import DATABASE_NAME
from i2db.errors import ConfigError
from i2db.store.database import Database, quote_identifier
from i2db.store.export import samples_query, write_answer
from i2db.store.places import places

if TYPE_CHECKING:
    import geopandas
    import pandas as pd
    import pyarrow as pa

#: Rows that an answer shows of itself in a notebook or console.
_SHOWN_ROWS = 20


class Results:
    """What an output folder holds, to read."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self._database = Database.open(self.folder / DATABASE_NAME, read_only=True)
        self._database.release()

    def sql(self, query: str, **parameters: Any) -> Answer:
        """The answer to a query; `$name` in it is filled by a keyword argument. It is computed when it is taken.

        Raises:
            ConfigError: when the answer is taken, where DuckDB refuses the query.
        """
        return Answer(self, query, parameters)

    def file(self, path: str | PathLike[str], **parameters: Any) -> Answer:
        """The answer to a query in a file, such as those of examples/queries/.

        Raises:
            ConfigError: the file cannot be read.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        return self.sql(text, **parameters)

    def table(self, name: str) -> Answer:
        """All rows of a table or view."""
        return self.sql(f"FROM {quote_identifier(name)}")

    def tables(self) -> pd.DataFrame:
        """Every table, view and table macro: kind, name, what it holds."""
        import pandas as pd

        with self.reading() as database:
            return pd.DataFrame(database.table_names(), columns=["kind", "name", "comment"])

    def samples(self, run: int | None = None, split: str | None = None) -> Answer:
        """Extracted pixels, a column per feature; with a run, those drawn in it (learn) and all of the others (val).

        Args:
            run: adds the columns run and split.
            split: learn or val; None for both.

        Raises:
            ConfigError: nothing is extracted yet; a split is given without a run.
        """
        with self.reading() as database:
            query, parameters = samples_query(database, run=run, split=split)
        return Answer(self, query, parameters)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Database]:
        """The database, open to read for as long as the block lasts.

        Raises:
            LockedError: a run writes to it.
        """
        self._database.regain()
        try:
            yield self._database
        finally:
            self._database.release()

    def close(self) -> None:
        """Free the connection's memory."""
        self._database.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"i2db.open({str(self.folder)!r})"


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, in the form one asks for; each call asks the database anew."""

    results: Results
    query: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table; geometries are WKB."""
        with self.results.reading() as database, database.answering():
            return database.query(self.query, self.parameters).to_arrow_table()

    def df(self) -> pd.DataFrame:
        """The rows as a pandas frame."""
        frame: pd.DataFrame = self.arrow().to_pandas()
        return frame

    def geo(self) -> geopandas.GeoDataFrame:
        """The rows with their geometry, or that of their sample_id, polygon_id, or x and y, and the projection.

        Raises:
            ConfigError: the rows have none of them.
        """
        with self.results.reading() as database:
            with database.answering():
                table = database.query(self.query, self.parameters).to_arrow_table()
            return places(database, table)

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return list(self.arrow().to_pylist())

    def write(self, path: str | PathLike[str]) -> int:
        """Write the rows to a file, by its suffix (see `i2db.store.export.write_answer`); how many those are."""
        with self.results.reading() as database:
            return write_answer(database, self.query, Path(path), self.parameters)

    def __repr__(self) -> str:
        return f"{self._head()}"

    def _repr_html_(self) -> str:
        return str(self._head().to_html())

    def _head(self) -> pd.DataFrame:
        """The first rows, as consoles and notebooks show them."""
        with self.results.reading() as database, database.answering():
            reader = database.query(self.query, self.parameters).to_arrow_reader(_SHOWN_ROWS)
            batch = next(iter(reader), None)
            head = reader.schema.empty_table() if batch is None else batch.slice(0, _SHOWN_ROWS)
            frame: pd.DataFrame = head.to_pandas()
        return frame
