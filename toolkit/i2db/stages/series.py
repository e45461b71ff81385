"""Series of a table in place of pixels: what the stages of sampling and classification make of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.fingerprint import file_fingerprint, fingerprint
from i2db.folds import source_of
from i2db.learn.classifier import Classifier
from i2db.sample_table import ROWS_OF_CHUNK, TABLE, TableColumns, read_features
from i2db.vector.ground_truth import series_ids
from i2db.vector.regions import SOLE_REGION

#: Bytes of features that are predicted at a time.
FEATURE_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some rows of a table: what one task works on, as it does on a chunk of an image.

    Attributes:
        path: of the table.
        start: first row of the stretch.
        rows: (n,) rows of it that can be used, ascending, counted from `start`.
        sample_ids: (n,) their ids.
        number: of the stretch, from 0; it stands for the chunk.
    """

    path: Path
    start: int
    rows: NDArray[np.int64]
    sample_ids: NDArray[np.int64]
    number: int

    @property
    def unit(self) -> str:
        """Its name as the unit of a task."""
        return f"{TABLE}-{self.number:04d}"

    @property
    def identity(self) -> list[Any]:
        """What its rows depend on."""
        return [
            file_fingerprint(self.path),
            self.start,
            fingerprint(self.rows.tobytes().hex(), self.sample_ids.tobytes().hex()),
        ]

    def only(self, sample_ids: NDArray[np.int64]) -> Stretch:
        """The rows of some ids."""
        mask = np.isin(self.sample_ids, sample_ids)
        return replace(self, rows=self.rows[mask], sample_ids=self.sample_ids[mask])

    def features(self, columns: Sequence[str], scale: float) -> NDArray[np.float32]:
        """Features of its rows, (n, n_columns) float32."""
        return read_features(self.path, columns, scale, self.start, self.rows)


def stretches(project: Project) -> list[Stretch]:
    """The stretches of the project's table that hold usable rows; none where the ground truth is no table."""
    table = project.scene.table
    if table is None:
        return []
    ids = series_ids(source_of(project.config))
    used = np.isin(ids, project.database.arrow("candidate/series")["polygon_id"].to_numpy())
    found = []
    for number, start in enumerate(range(0, len(ids), ROWS_OF_CHUNK)):
        rows = np.flatnonzero(used[start : start + ROWS_OF_CHUNK])
        if len(rows):
            stretch_ids = ids[start + rows]
            found.append(Stretch(path=table.path, start=start, rows=rows, sample_ids=stretch_ids, number=number))
    return found


def candidates(stretch: Stretch, schema: pa.Schema) -> pa.Table:
    """Rows of table `candidate`, by id: a series is its own polygon and has no place in the grid."""
    ids = np.sort(stretch.sample_ids)
    n = len(ids)
    known = {
        "sample_id": ids,
        "polygon_id": ids,
        "region": pa.array([SOLE_REGION] * n, pa.string()),
        "tile": pa.array([TABLE] * n, pa.string()),
        "chunk": np.full(n, stretch.number, dtype=np.int32),
    }
    return pa.table([known.get(field.name, pa.nulls(n, field.type)) for field in schema], schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """Models for the rows of a stretch, by run."""

    stretch: Stretch
    columns: TableColumns

    def predict(
        self, models: Mapping[int, Classifier], n_runs: int, n_threads: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Label and confidence, (runs, n) each; label 0 where a feature is missing or a run has no model."""
        n = len(self.stretch.rows)
        labels = np.zeros((n_runs, n), dtype=np.int32)
        confidences = np.zeros((n_runs, n), dtype=np.float32)
        step = max(1, FEATURE_BYTES // (4 * len(self.columns.columns)))
        for start in range(0, n, step):
            part = slice(start, start + step)
            rows = self.stretch_part(part)
            features = np.hstack(
                [rows.features(columns, self.columns.scale_of(group)) for group, columns in self.columns.groups]
            )
            valid = np.flatnonzero(np.isfinite(features).all(axis=1))
            for run, model in models.items():
                if len(valid):
                    label, confidence = model.predict(features[valid], n_threads=n_threads)
                    labels[run, start + valid] = label
                    confidences[run, start + valid] = confidence
        return labels, confidences

    def stretch_part(self, part: slice) -> Stretch:
        """Some of the rows."""
        stretch = self.stretch
        return replace(stretch, rows=stretch.rows[part], sample_ids=stretch.sample_ids[part])
