"""Sorted Arrow tables, cut where a key changes: no Python object per row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def slices_by(table: pa.Table, *names: str) -> Iterator[tuple[tuple[Any, ...], slice]]:
    """Key and slice of each stretch of rows that agree in some columns; the table must be sorted by them."""
    n = table.num_rows
    if n == 0:
        return
    starts = np.ones(n, dtype=bool)
    starts[1:] = False
    for name in names:
        column = table[name]
        starts[1:] |= pc.not_equal(column.slice(1), column.slice(0, n - 1)).to_numpy()
    bounds = [*np.flatnonzero(starts).tolist(), n]
    for start, end in pairwise(bounds):
        yield tuple(table[name][start].as_py() for name in names), slice(start, end)
