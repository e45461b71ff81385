"""What maps hold at the pixels of the ground truth, taken over window by window while they are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.raster.grid import Window, rows_columns


@dataclass(frozen=True, slots=True)
class CandidateLabels:
    """A chunk's pixels of the ground truth (n,), their regions, and what maps hold there: (maps, n).

    The label is 0 for no data; the confidence is 0 to 1, or NaN in maps that have none.
    """

    ids: NDArray[np.int64]
    region: pa.ChunkedArray
    label: NDArray[np.uint16]
    confidence: NDArray[np.float32]

    @classmethod
    def read(cls, path: str, n_maps: int) -> CandidateLabels:
        """The pixels of a part of the stage candidate, with nothing known of the maps."""
        table = pq.read_table(path, columns=["sample_id", "region"])
        shape = n_maps, table.num_rows
        return cls(
            ids=table["sample_id"].to_numpy(),
            region=table["region"],
            label=np.zeros(shape, dtype=np.uint16),
            confidence=np.zeros(shape, dtype=np.float32),
        )

    def take(self, label: NDArray[Any], confidence: NDArray[np.float32] | None, window: Window) -> None:
        """Take over what maps (maps, rows, columns) hold in a window; None for maps without a confidence."""
        rows, columns = rows_columns(self.ids)
        rows, columns = rows - window.row, columns - window.column
        inside = np.flatnonzero((rows >= 0) & (rows < window.n_rows) & (columns >= 0) & (columns < window.n_columns))
        self.label[:, inside] = label[:, rows[inside], columns[inside]]
        found = np.nan if confidence is None else confidence[:, rows[inside], columns[inside]]
        self.confidence[:, inside] = found


def candidate_files(project: Project) -> dict[str, str]:
    """The file of the candidates of every chunk that has a part of them."""
    found = {}
    for unit, digest in project.publications("candidate").items():
        part = project.parts.find("candidate", unit, digest)
        if part is not None:
            found[unit] = str(project.parts.path_of(part, "candidate"))
    return found
