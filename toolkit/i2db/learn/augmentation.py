"""More samples for small classes: copies, noisy copies, or points between neighbours (SMOTE, Chawla et al. 2002)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.learn.specification import Augmentation


def n_to_add(augmentation: Augmentation, counts: Mapping[int, int]) -> dict[int, int]:
    """How many samples each class gets on top of its own; classes that get none are left out.

    balance: the largest class's number less its own; minNumber and byClass: what is wanted less its own, never below 0.
    """
    wanted = dict(augmentation.wanted)
    largest = max(counts.values(), default=0)

    def goal(code: int) -> int:
        if augmentation.target == "balance":
            return largest
        return augmentation.minimum if augmentation.target == "minNumber" else wanted.get(code, 0)

    added = {code: goal(code) - n for code, n in sorted(counts.items())}
    return {code: n for code, n in added.items() if n > 0}


def augment(
    augmentation: Augmentation, features: NDArray[np.float32], labels: NDArray[np.integer[Any]], *, random_state: int
) -> tuple[NDArray[np.float32], NDArray[np.integer[Any]]]:
    """The samples (n, n_features) with their labels, and those that are added after them, class by class.

    replicate goes round the samples of the class as often as is needed, jitter adds to each feature normal noise whose
    deviation is the class's own divided by `std_factor`, both as OTB's SampleAugmentation does. smote is that of
    imbalanced-learn; a class with fewer than n_neighbors + 1 samples uses all of its own.

    Raises:
        InputError: smote has no second sample of a class to draw towards.
    """
    codes, counts = np.unique(labels, return_counts=True)
    sizes = dict(zip(codes.tolist(), counts.tolist(), strict=True))
    added = n_to_add(augmentation, sizes)
    if not added:
        return features, labels
    if augmentation.method == "smote":
        new, codes = _smote(augmentation, features, labels, sizes, added, random_state)
    else:
        generator = np.random.default_rng(random_state)
        pieces = []
        for code, n in added.items():
            own = features[labels == code]
            piece = own[np.arange(n) % len(own)]
            if augmentation.method == "jitter":
                spread = own.std(axis=0, dtype=np.float64) / augmentation.std_factor
                piece = (piece + generator.normal(size=piece.shape) * spread).astype(np.float32)
            pieces.append(piece)
        new, codes = np.concatenate(pieces), np.repeat(list(added), list(added.values()))
    return np.concatenate([features, new]), np.concatenate([labels, codes.astype(labels.dtype)])


def _smote(
    augmentation: Augmentation,
    features: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    sizes: Mapping[int, int],
    added: Mapping[int, int],
    random_state: int,
) -> tuple[NDArray[np.float32], NDArray[np.integer[Any]]]:
    """The samples that are added, and their labels; classes with equal numbers of neighbours are made together."""
    from imblearn.over_sampling import SMOTE

    if alone := [code for code in added if sizes[code] < 2]:
        raise InputError(
            f"class {alone[0]} has one sample: smote draws between samples and needs two",
            hint="use strategy replicate or jitter, or draw more samples of the class",
        )
    by_neighbors: dict[int, list[int]] = {}
    for code in added:
        by_neighbors.setdefault(min(augmentation.n_neighbors, sizes[code] - 1), []).append(code)
    pieces, codes = [], []
    for n_neighbors, of_codes in sorted(by_neighbors.items(), reverse=True):
        wanted = {code: sizes[code] + added[code] for code in of_codes}
        made, made_labels = SMOTE(
            sampling_strategy=wanted, k_neighbors=n_neighbors, random_state=random_state
        ).fit_resample(features, labels)
        pieces.append(made[len(features) :])
        codes.append(made_labels[len(features) :])
    new, new_codes = np.concatenate(pieces), np.concatenate(codes)
    order = np.argsort(new_codes, kind="stable")
    return new[order].astype(np.float32, copy=False), new_codes[order]
