"""Tables as files, Parquet or CSV: their columns, and a stretch of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from i2db.errors import InputError

PARQUET = (".parquet", ".geoparquet")


def is_table(path: Path) -> bool:
    """Whether a file is of a kind that tables come in."""
    return path.suffix.lower() in (*PARQUET, ".csv")


def column_types(path: Path) -> Mapping[str, str]:
    """The columns and what each is: number, or the name of its type.

    Raises:
        InputError: the file is missing or unreadable, or no table.
    """
    schema = _schema(path)
    return {
        field.name: "number" if pa.types.is_integer(field.type) or pa.types.is_floating(field.type) else str(field.type)
        for field in schema
    }


def n_rows(path: Path) -> int:
    """Number of rows."""
    if path.suffix.lower() in PARQUET:
        return int(pq.ParquetFile(path).metadata.num_rows)
    return int(_csv(path, path.stat().st_mtime_ns).num_rows)


def read_rows(path: Path, columns: Sequence[str], start: int = 0, end: int | None = None) -> pa.Table:
    """Some columns of the rows from one to before another; of a Parquet file only the row groups that hold them.

    Raises:
        InputError: the file or a column is missing or unreadable.
    """
    names = list(dict.fromkeys(columns))
    known = _schema(path).names
    if missing := [name for name in names if name not in known]:
        raise InputError(f"table {path} has no column {missing[0]}", hint=f"its columns are {', '.join(known)}")
    if path.suffix.lower() not in PARQUET:
        whole = _csv(path, path.stat().st_mtime_ns).select(names)
        return whole.slice(start, None if end is None else end - start)
    with pq.ParquetFile(path) as file:
        wanted, first, offset = [], 0, None
        for group in range(file.metadata.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if first + size > start and (end is None or first < end):
                wanted.append(group)
                offset = first if offset is None else offset
            first += size
        table = file.read_row_groups(wanted, columns=names) if wanted else file.schema_arrow.empty_table().select(names)
    return table.slice(start - (offset or 0), None if end is None else end - start)


def _schema(path: Path) -> pa.Schema:
    if not path.is_file():
        raise InputError(f"table {path} does not exist")
    if not is_table(path):
        raise InputError(f"{path} is no table of series", hint="sample_table reads .parquet and .csv files")
    if path.suffix.lower() not in PARQUET:
        return _csv(path, path.stat().st_mtime_ns).schema
    try:
        with pq.ParquetFile(path) as file:
            return file.schema_arrow
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"table {path} cannot be read: {error}") from error


@lru_cache(maxsize=2)
def _csv(path: Path, changed: int) -> pa.Table:  # noqa: ARG001
    """The whole of a CSV file, as it was at a time of change."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            heading = stream.readline()
        options = pyarrow.csv.ParseOptions(delimiter=max(",;\t", key=heading.count))
        return pyarrow.csv.read_csv(path, parse_options=options)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise InputError(f"table {path} cannot be read: {error}") from error
