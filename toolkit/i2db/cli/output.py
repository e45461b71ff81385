"""How rows are shown: a table for eyes, CSV, JSON or Parquet for machines. Declared once."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from i2db.errors import ConfigError
from i2db.files import replacing

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from i2db.store.database import Database


class Format(StrEnum):
    """Output formats."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class AnswerFormat(StrEnum):
    """Output formats of queries, which may have a place."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    GEOPARQUET = "geoparquet"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to print the rows.")]
AnswerFormatOption = Annotated[
    AnswerFormat | None,
    typer.Option("--format", "-f", help="How to print the rows; not given: by the suffix of --output, else table."),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead of the standard output.")
]

#: What the suffix of an output file stands for; .gpkg, .geojson and .sqlite are layers, see `i2db.store.export`.
_FORMATS = {".csv": AnswerFormat.CSV, ".json": AnswerFormat.JSON, ".parquet": AnswerFormat.PARQUET}
_TEXTS = ("", ".txt", ".md")
_LAYERS = (".gpkg", ".geojson", ".sqlite", ".parquet", ".geoparquet")

#: Rows of a table that are shown on a terminal; all of them elsewhere.
SHOWN_ROWS = 200

#: Rows that are held at a time while CSV, JSON or Parquet is written.
_ROWS_AT_A_TIME = 100_000


def show(result: duckdb.DuckDBPyConnection, form: Format, output: Path | None = None) -> None:
    """Print the rows of a result, or write them to a file; only a table that is no terminal's is held as a whole."""
    if form is Format.PARQUET:
        _write_parquet(result, output)
        return
    names = [str(column[0]) for column in result.description or ()]
    with _opened(output) as stream:
        if form is not Format.TABLE:
            _write_records(names, _fetched(result), form, stream)
        elif _is_terminal(stream):
            stream.write(table(names, result.fetchmany(SHOWN_ROWS)))
            if result.fetchone() is not None:
                stream.write("... and more rows (--format csv prints all)\n")
        else:
            stream.write(table(names, result.fetchall()))


def format_of(output: Path | None) -> Format:
    """The format that the suffix of a file stands for; a table where there is no file.

    Raises:
        ConfigError: it stands for none.
    """
    suffix = output.suffix.lower() if output is not None else ""
    if suffix in _TEXTS:
        return Format.TABLE
    if suffix not in _FORMATS:
        known = ", ".join([*_FORMATS, ".txt"])
        raise ConfigError(f"{output}: rows are not written as {suffix}", hint=f"use {known}, or say --format")
    return Format(_FORMATS[suffix].value)


def answer(
    database: Database,
    query: str,
    form: AnswerFormat | None = None,
    output: Path | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Print what a query returns, or write it to a file in the format that is named, or else that of its suffix.

    Raises:
        ConfigError: DuckDB refuses the query; GeoParquet or a layer is asked for and the rows have no place; the
            suffix stands for no format.
    """
    suffix = output.suffix.lower() if output is not None else ""
    if form is None and output is not None and suffix in _LAYERS:
        from i2db.store.export import write_answer

        n = write_answer(database, query, output, parameters)
        typer.echo(f"{n} rows written to {output}", err=True)
    elif form is AnswerFormat.GEOPARQUET:
        _write_geoparquet(database, query, parameters, output)
    else:
        with database.answering():
            chosen = format_of(output) if form is None else Format(form.value)
            show(database.query(query, parameters), chosen, output)


def _write_geoparquet(
    database: Database, query: str, parameters: Mapping[str, Any] | None, output: Path | None
) -> None:
    from i2db.store.export import write_geoparquet

    if output is None and sys.stdout.isatty():
        raise ConfigError("GeoParquet is not for a terminal", hint="name a file with -o, or redirect the output")
    with database.answering():
        rows = database.query(query, parameters).to_arrow_table()
    if output is None:
        buffer = io.BytesIO()
        write_geoparquet(database, rows, buffer)
        sys.stdout.buffer.write(buffer.getbuffer())
        return
    with _destination(output) as path:
        write_geoparquet(database, rows, path)
    typer.echo(f"{rows.num_rows} rows written to {output}", err=True)


def show_rows(names: Sequence[str], rows: Sequence[Sequence[Any]], form: Format) -> None:
    """Print rows as a table, CSV or JSON.

    Raises:
        ConfigError: Parquet is asked for.
    """
    if form is Format.PARQUET:
        raise ConfigError("these rows are not written as Parquet", hint="--format is table, csv or json here")
    if form is Format.TABLE:
        sys.stdout.write(table(names, rows, limit=SHOWN_ROWS if _is_terminal(sys.stdout) else None))
    else:
        _write_records(names, rows, form, sys.stdout)


def show_table(names: Sequence[str], rows: Sequence[Mapping[str, Any]], form: Format, output: Path | None) -> None:
    """Print rows that are at hand in any format, or write them to a file."""
    cells = [[row.get(name) for name in names] for row in rows]
    if form is Format.PARQUET:
        import pyarrow as pa

        _write_reader(pa.Table.from_pylist([dict(row) for row in rows]).to_reader(), output)
        return
    with _opened(output) as stream:
        if form is Format.TABLE:
            stream.write(table(names, cells))
        else:
            _write_records(names, cells, form, stream)


def _is_terminal(stream: IO[str]) -> bool:
    return stream is sys.stdout and stream.isatty()


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    """The standard output, or a text file."""
    if output is None:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError as error:
            # Who reads has enough (`| head`); Python must not complain of it once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from error
        return
    with _destination(output) as path, path.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def _destination(output: Path) -> contextlib.AbstractContextManager[Path]:
    """Where to write: a file gets its name when all rows are in it; a pipe or device is written to as it is."""
    if output.exists() and not output.is_file():
        return contextlib.nullcontext(output)
    return replacing(output)


def _fetched(result: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while rows := result.fetchmany(_ROWS_AT_A_TIME):
        yield from rows


def _write_records(names: Sequence[str], rows: Iterable[Sequence[Any]], form: Format, stream: IO[str]) -> None:
    """Write rows as CSV or as a JSON list of objects, one after the other."""
    if form is Format.CSV:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
        return
    between = "["
    for row in rows:
        record = dict(zip(names, (_plain(cell) for cell in row), strict=True))
        text = json.dumps(record, indent=1, ensure_ascii=False, default=str)
        stream.write(f"{between}\n {text.replace(chr(10), chr(10) + ' ')}")
        between = ","
    stream.write("[]\n" if between == "[" else "\n]\n")


def _write_parquet(result: duckdb.DuckDBPyConnection, output: Path | None) -> None:
    _write_reader(result.to_arrow_reader(_ROWS_AT_A_TIME), output)


def _write_reader(reader: pa.RecordBatchReader, output: Path | None) -> None:
    import pyarrow.parquet as pq

    def write(target: Any) -> None:
        with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)

    if output is not None:
        with _destination(output) as path:
            write(path)
    elif sys.stdout.isatty():
        raise ConfigError("Parquet is not for a terminal", hint="name a file with -o, or redirect the output")
    else:
        write(sys.stdout.buffer)


def _csv_cell(cell: Any) -> Any:
    """A cell as CSV holds it: nothing for null, JSON for lists and maps."""
    if cell is None:
        return ""
    if isinstance(cell, list | tuple | dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return _plain(cell)


def _plain(cell: Any) -> Any:
    return cell.hex() if isinstance(cell, bytes) else cell


def _text(cell: Any) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.4f}".rstrip("0").rstrip(".") if abs(cell) < 1e6 else f"{cell:.9g}"
    text = _plain(cell)
    return str(text).replace("\n", " ")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)


def table(names: Sequence[str], rows: Sequence[Sequence[Any]], *, limit: int | None = None) -> str:
    """Rows as aligned text; on a narrow terminal the widest columns are cut with an ellipsis, none is left out."""
    shown = rows if limit is None else rows[:limit]
    cells = [[_text(cell) for cell in row] for row in shown]
    numeric = [
        bool(rows)
        and all(row[i] is None or (isinstance(row[i], int | float) and not isinstance(row[i], bool)) for row in shown)
        for i in range(len(names))
    ]
    widths = [max([_width(name), *(_width(row[i]) for row in cells)]) for i, name in enumerate(names)]
    room = shutil.get_terminal_size((10_000, 24)).columns if sys.stdout.isatty() else 10_000
    while sum(widths) + 2 * len(widths) > room and max(widths) > 6:
        widths[widths.index(max(widths))] -= 1

    def line(row: Sequence[str]) -> str:
        return "  ".join(
            _fit(cell, width, right) for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()

    lines = [line(list(names)), line(["-" * width for width in widths]), *(line(row) for row in cells)]
    if len(rows) > len(shown):
        lines.append(f"... {len(rows) - len(shown)} more rows (--format csv prints all)")
    return "\n".join(lines) + "\n"


def _fit(text: str, width: int, right: bool) -> str:
    while _width(text) > width:
        text = text[:-2] + "…"
    space = " " * (width - _width(text))
    return space + text if right else text + space
