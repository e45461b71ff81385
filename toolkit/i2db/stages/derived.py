"""What maps that are made of other maps say of the pixels of the ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from i2db.scene import Chunk
from i2db.stages.at_candidates import CandidateLabels

DERIVED_SCHEMA = pa.schema(
    [
        ("run", pa.int32()),
        ("is_smoothed", pa.bool_()),
        ("tile", pa.string()),
        ("chunk", pa.int32()),
        ("sample_id", pa.int64()),
        ("class_code", pa.int32()),
        ("confidence", pa.float32()),
    ]
)


def derived_rows(
    chunk: Chunk, runs: Sequence[int | None], found: CandidateLabels | None, *, is_smoothed: bool
) -> pa.Table:
    """Rows of table `derived_prediction`: one per map and candidate pixel of a chunk."""
    if found is None:
        return DERIVED_SCHEMA.empty_table()
    n = len(found.ids)
    tables = []
    for place, run in enumerate(runs):
        label, confidence = found.label[place].astype(np.int32), found.confidence[place]
        missing = label == 0
        columns: Mapping[str, Any] = {
            "run": pa.array([run] * n, pa.int32()),
            "is_smoothed": pa.array([is_smoothed] * n, pa.bool_()),
            "tile": pa.array([chunk.tile] * n, pa.string()),
            "chunk": pa.array([chunk.number] * n, pa.int32()),
            "sample_id": pa.array(found.ids),
            "class_code": pa.array(label, mask=missing),
            "confidence": pa.array(confidence, mask=missing | np.isnan(confidence)),
        }
        tables.append(pa.table(columns, schema=DERIVED_SCHEMA))
    return pa.concat_tables(tables)
