"""Features of samples, from the files of the extraction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from i2db.errors import StageError


def read_samples(files: Sequence[str], sample_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Features of some pixels, (n, n_features) float32 in the order of their ids, one file in memory at a time.

    Args:
        files: Parquet files with the columns sample_id and features.
        sample_ids: (n,) ascending.
    """
    features: NDArray[np.float32] | None = None
    found = 0
    for path in files:
        table = pq.read_table(path, columns=["sample_id", "features"]).combine_chunks()
        ids = table["sample_id"].to_numpy()
        place = np.minimum(np.searchsorted(sample_ids, ids), len(sample_ids) - 1)
        mask = sample_ids[place] == ids
        if not mask.any():
            continue
        lists = table["features"].chunk(0)
        # .flatten() heeds a slice's offset, .values does not.
        rows = lists.flatten().to_numpy().reshape(len(ids), -1)
        if features is None:
            features = np.empty((len(sample_ids), rows.shape[1]), dtype=np.float32)
        features[place[mask]] = rows[mask]
        found += int(mask.sum())
    if features is None or found != len(sample_ids):
        raise StageError(f"{len(sample_ids) - found} of {len(sample_ids)} samples are missing from the parts")
    return features
