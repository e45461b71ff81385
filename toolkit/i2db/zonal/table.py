"""The columns of the result: which there are, what they are called, and what SQL makes of the counts for some zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.store.database import Database
from i2db.zonal.params import Method, Request, class_band
from i2db.zonal.rasters import Band

#: More classes than that make no table; a raster that has them is none of classes.
MOST_CLASSES = 1000

#: Suffix-free names of iota2's columns, in its order, and the fields of the query.
_STATS = (("mean", "mean"), ("std", "standard_deviation"), ("max", "maximum"), ("min", "minimum"))
_RANGE = frozenset({"minimum", "maximum"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result.

    Attributes:
        name: what it is called.
        query: name of the .sql file, and parameters beside the range of zones.
        field: which field of the query it shows.
        code: of the rows of rates, those of this class.
        is_integer: whether its numbers are whole.
        absent: number for a zone of which the query has no row; None is null.
        absent_class: number where the zone has rows, but none of the class.
    """

    name: str
    query: tuple[str, tuple[tuple[str, Any], ...]]
    field: str
    code: int | None = None
    is_integer: bool = False
    absent: float | None = None
    absent_class: float | None = None

    @property
    def arrow_type(self) -> pa.DataType:
        """Its type."""
        return pa.int64() if self.is_integer else pa.float64()


def make_columns(
    requests: Sequence[Request],
    bands: Mapping[int, Band],
    database: Database,
    class_names: Mapping[int, str] | None,
    *,
    absent_is_zero: bool,
    is_exact: bool,
) -> list[Column]:
    """The columns that were asked for, in that order; one that several methods have comes once.

    Two that differ may have one name (a class called majority): whoever writes them tells them apart.

    Args:
        requests: what was asked.
        bands: by number.
        database: holds the counts, from which the classes there are known.
        class_names: of the nomenclature: each class gets a column of that name; None: the classes found, by code.
        absent_is_zero: whether a class that a zone has no pixel of has the rate 0 there, and not null.
        is_exact: whether pixels count by their covered share.

    Raises:
        InputError: a band has too many classes.
    """
    n_rates = sum(request.method is Method.RATE for request in requests)
    columns: dict[Column, None] = {}
    for request in requests:
        band = bands[request.band]
        if request.method is Method.RATE:
            suffix = f"b{band.number}" if n_rates > 1 else ""
            made = _rates(band, database, class_names, suffix, 0.0 if absent_is_zero else None)
        else:
            made = _columns(request, band, class_band(requests), is_exact=is_exact)
        columns |= dict.fromkeys(made)
    return list(columns)


def _rates(
    band: Band, database: Database, class_names: Mapping[int, str] | None, suffix: str, absent: float | None
) -> list[Column]:
    codes = [int(row["class_code"]) for row in database.rows("zonal/class_codes", band=band.number)]
    if len(codes) > MOST_CLASSES:
        raise InputError(
            f"raster {band.path}, band {band.index} holds {len(codes)} numbers in the zones: these are no classes",
            hint="rate wants a raster of classes; for numbers ask for stats, median, ...",
        )
    names = dict(class_names or {})
    wanted = [*names, *(code for code in codes if code not in names)]
    query = ("zonal/rates", (("band", band.number),))
    rates = [
        Column(names.get(code, str(code)) + suffix, query, "rate", code=code, absent_class=absent) for code in wanted
    ]
    majority = ("zonal/majorities", (("band", band.number),))
    return [*rates, Column("majority" + suffix, majority, "class_code", is_integer=True)]


def _columns(request: Request, band: Band, classes: int | None, *, is_exact: bool) -> list[Column]:
    """The columns of a method other than rate."""
    number, method = ("band", band.number), request.method
    statistics = ("zonal/statistics", (number,))
    numbers = ("zonal/numbers", (number,))
    end = f"b{band.number}"
    if method is Method.STATSMAJ:
        query = ("zonal/majority_statistics", (number, ("class_band", classes)))
        return [_statistic(f"{name}maj{end}", query, field, band) for name, field in _STATS]
    if method is Method.STATS_CLASS:
        code = int(request.argument or 0)
        query = ("zonal/class_statistics", (number, ("class_code", code)))
        return [_statistic(f"{name}{end}c{code}", query, field, band) for name, field in _STATS]
    if method is Method.STATS:
        return [_statistic(name + end, statistics, field, band) for name, field in _STATS]
    if method in (Method.MEAN, Method.STD, Method.MIN, Method.MAX):
        return [_statistic(f"{method}{end}", statistics, dict(_STATS)[str(method)], band)]
    if method is Method.COUNT:
        return [Column(f"count{end}", statistics, "n_pixels", is_integer=not is_exact, absent=0)]
    if method is Method.VARIETY:
        return [Column(f"variety{end}", numbers, "variety", is_integer=True, absent=0)]
    if method is Method.MAJORITY:
        return [Column(f"majority{end}", numbers, "majority", is_integer=band.is_integer)]
    if method is Method.VAL:
        return [Column(f"val{end}", numbers, "first_number", is_integer=band.is_integer)]
    name = "median" if method is Method.MEDIAN else f"p{request.argument:g}"
    file = "zonal/weighted_percentiles" if is_exact else "zonal/percentiles"
    return [Column(name + end, (file, (number, ("fraction", request.fraction))), "number")]


def _statistic(name: str, query: tuple[str, tuple[tuple[str, Any], ...]], field: str, band: Band) -> Column:
    return Column(name, query, field, is_integer=band.is_integer and field in _RANGE)


def evaluate(database: Database, columns: Sequence[Column], first: int, n: int) -> list[pa.Array]:
    """The columns for `n` zones from the id `first` on; each query is run once."""
    results: dict[tuple[str, tuple[tuple[str, Any], ...]], pa.Table] = {}
    for column in columns:
        if column.query not in results:
            name, parameters = column.query
            results[column.query] = database.arrow(name, **dict(parameters), first=first, end=first + n)
    by_code = {query: _split(table) for query, table in results.items() if "rate" in table.column_names}
    arrays = []
    for column in columns:
        table = results[column.query]
        content = np.full(n, np.nan if column.absent is None else column.absent, dtype=np.float64)
        if column.code is not None:
            split = by_code[column.query]
            if column.absent_class is not None:
                content[table["zone_id"].to_numpy() - first] = column.absent_class
            zones, numbers = split.get(column.code, (np.zeros(0, dtype=np.int64), np.zeros(0)))
        else:
            zones = table["zone_id"].to_numpy()
            numbers = table[column.field].to_numpy().astype(np.float64)
        content[zones - first] = numbers
        arrays.append(_arrow(content, column))
    return arrays


def _split(table: pa.Table) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Zones and rates by class."""
    zones, codes, rates = (table[name].to_numpy() for name in ("zone_id", "class_code", "rate"))
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    pieces = np.split(order, starts[1:]) if len(found) else []
    return {int(code): (zones[piece], rates[piece]) for code, piece in zip(found, pieces, strict=True)}


def _arrow(content: NDArray[np.float64], column: Column) -> pa.Array:
    is_null = np.isnan(content)
    if column.is_integer:
        return pa.array(np.where(is_null, 0, content).astype(np.int64), mask=is_null)
    return pa.array(content, mask=is_null)
