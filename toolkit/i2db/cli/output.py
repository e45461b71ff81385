"""How rows are shown: a table for eyes, CSV, JSON or Parquet for machines. Declared once."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from i2db.errors import ConfigError

if TYPE_CHECKING:
    import duckdb


class Format(StrEnum):
    """Output formats."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to print the rows.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead of the standard output.")
]

#: Rows of a table that are shown on a terminal; all of them elsewhere.
SHOWN_ROWS = 200


def show(result: duckdb.DuckDBPyConnection, form: Format, output: Path | None = None) -> None:
    """Print the rows of a result, or write them to a file."""
    if form is Format.PARQUET:
        _write_parquet(result, output)
        return
    show_rows([str(column[0]) for column in result.description or ()], result.fetchall(), form, output)


def show_rows(names: Sequence[str], rows: Sequence[Sequence[Any]], form: Format, output: Path | None = None) -> None:
    """Print rows as a table, CSV or JSON, or write them to a file.

    Raises:
        ConfigError: Parquet is asked for.
    """
    if form is Format.PARQUET:
        raise ConfigError("these rows are not written as Parquet", hint="--format is table, csv or json here")
    stream = output.open("w", encoding="utf-8", newline="") if output else sys.stdout
    try:
        if form is Format.CSV:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(names)
            writer.writerows([["" if cell is None else _plain(cell) for cell in row] for row in rows])
        elif form is Format.JSON:
            records = [dict(zip(names, (_plain(cell) for cell in row), strict=True)) for row in rows]
            stream.write(json.dumps(records, indent=1, ensure_ascii=False, default=str) + "\n")
        else:
            stream.write(table(names, rows, limit=SHOWN_ROWS if stream is sys.stdout and sys.stdout.isatty() else None))
    finally:
        if output:
            stream.close()


def _write_parquet(result: duckdb.DuckDBPyConnection, output: Path | None) -> None:
    import pyarrow.parquet as pq

    if output is None:
        if sys.stdout.isatty():
            raise ConfigError("Parquet is not for a terminal", hint="name a file with -o, or redirect the output")
        pq.write_table(result.to_arrow_table(), sys.stdout.buffer)
    else:
        pq.write_table(result.to_arrow_table(), output, compression="zstd")


def _plain(cell: Any) -> Any:
    return cell.hex() if isinstance(cell, bytes) else cell


def _text(cell: Any) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.4f}".rstrip("0").rstrip(".") if abs(cell) < 1e6 else f"{cell:.6g}"
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
