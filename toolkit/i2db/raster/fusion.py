"""Several classifications of one place made one: majority voting, and Dempster-Shafer's combination of evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError

#: What the belief in a label is taken from: a measure of a confusion matrix, per label or of all.
Belief = Literal["precision", "recall", "accuracy", "kappa"]

#: Below this a denominator counts as 0, as in OTB.
_TINY = 1e-10


def vote(labels: NDArray[Any], *, nodata: int = 0, undecided: int = 0) -> NDArray[Any]:
    """The most frequent label of each pixel: (rows, columns) of integers (classifiers, rows, columns).

    Classifiers without data have no vote; a pixel where none has data is `nodata`; where several labels have most votes
    it is `undecided`.
    """
    is_valid = labels != nodata
    counts = np.zeros(labels.shape, dtype=np.int16)
    for one in range(len(labels)):
        counts += (labels == labels[one]) & is_valid
    most = counts.max(axis=0)
    winner = np.take_along_axis(labels, counts.argmax(axis=0)[np.newaxis], axis=0)[0]
    is_tie = ((counts == most) & (labels != winner)).any(axis=0)
    result = np.where(is_tie, np.asarray(undecided, dtype=labels.dtype), winner)
    return np.where(most == 0, np.asarray(nodata, dtype=labels.dtype), result)


def agreement(labels: NDArray[Any], confidences: NDArray[np.float32], fused: NDArray[Any]) -> NDArray[np.float32]:
    """How far classifications agree with the label that they come to, 0 to 1.

    The mean over the classifications that have data of their confidence where they say the label, and of 1 less that
    where they say another one (iota2's rule for fused maps); 0 where the label is none of theirs.

    Args:
        labels: (classifiers, ...), 0 for no data.
        confidences: (classifiers, ...), 0 to 1.
        fused: (...) the label.
    """
    has_data = labels != 0
    says = labels == fused
    total = np.where(says, confidences, 1 - confidences).sum(axis=0, where=has_data)
    mean = total / np.maximum(has_data.sum(axis=0), 1)
    return np.where((says & has_data).any(axis=0), mean, 0).astype(np.float32)


def beliefs(counts: NDArray[Any], labels: Sequence[int], measure: Belief) -> dict[int, float]:
    """How much each label of a classifier is believed, from its confusion matrix (rows reference, columns produced).

    precision is right / produced and recall right / reference, per label (0 where there is nothing); accuracy and kappa
    are one number for all (otb::ConfusionMatrixToMassOfBelief).

    Raises:
        ContractError: the matrix is not square over the labels.
    """
    n = len(labels)
    if counts.shape != (n, n):
        raise ContractError(f"a confusion of {n} labels has counts of shape {counts.shape}")
    matrix = counts.astype(np.float64)
    total, right = matrix.sum(), matrix.diagonal()
    if measure in ("precision", "recall"):
        whole = matrix.sum(axis=0 if measure == "precision" else 1)
        return {
            label: float(one / all_) if all_ > _TINY else 0.0
            for label, one, all_ in zip(labels, right, whole, strict=True)
        }
    accuracy = float(right.sum() / total) if total else 0.0
    if measure == "accuracy":
        return dict.fromkeys(labels, accuracy)
    chance = float((matrix.sum(axis=0) * matrix.sum(axis=1)).sum() / total**2) if total else 0.0
    kappa = 1.0 if abs(1 - chance) < _TINY else (accuracy - chance) / (1 - chance)
    return dict.fromkeys(labels, kappa if total else 0.0)


def dempster_shafer(
    labels: NDArray[Any], believed: Sequence[Mapping[int, float]], *, nodata: int = 0, undecided: int = 0
) -> NDArray[Any]:
    """The label that most evidence is for: (rows, columns) of integers (classifiers, rows, columns).

    A classifier that says label l believes l with its mass m(l), and anything but l with 1 - m(l); the masses of all
    are combined by Dempster's rule (Shafer, 1976, as otb::DSFusionOfClassifiersImageFilter), and the label with the
    largest belief wins. Equal beliefs are `undecided`, as is a pixel where nobody believes what he says; a pixel where
    no classifier has data is `nodata`.

    Args:
        labels: what each classifier says.
        believed: per classifier the mass of its labels, 0 to 1 (`beliefs`); a label that is not in it has 0.
        nodata: says nothing.
        undecided: see above.

    Raises:
        ContractError: there is not one mapping per classifier.
    """
    if len(labels) != len(believed):
        raise ContractError(f"{len(labels)} classifications with the beliefs of {len(believed)}")
    combinations, places = _combinations(labels.reshape(len(labels), -1))
    decided = [
        _decide([int(label) for label in said], believed, nodata=nodata, undecided=undecided) for said in combinations.T
    ]
    return np.array(decided, dtype=labels.dtype)[places].reshape(labels.shape[1:])


def _combinations(pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The different columns (classifiers, m) of pixels (classifiers, n), and which of them each pixel has (n,).

    Classifier after classifier, what is known so far is numbered anew: sorting whole columns takes ten times as long.
    """
    places = np.zeros(pixels.shape[1], dtype=np.intp)
    first = np.zeros(1, dtype=np.intp)
    for one in pixels:
        known, of_pixel = np.unique(one, return_inverse=True)
        key = places * len(known) + of_pixel
        _, first, places = np.unique(key, return_index=True, return_inverse=True)
    return pixels[:, first], places


def _decide(
    said: Sequence[int],
    believed: Sequence[Mapping[int, float]],
    *,
    nodata: int,
    undecided: int,
) -> int:
    """What the labels of one pixel come to."""
    votes = [(label, mass.get(label, 0.0)) for label, mass in zip(said, believed, strict=True) if label != nodata]
    if not votes:
        return nodata
    certain = sorted({label for label, mass in votes if mass >= 1})
    if certain:
        return certain[0] if len(certain) == 1 else undecided
    evidence: dict[int, list[float]] = {}
    for label, mass in votes:
        if mass > 0:
            evidence.setdefault(label, []).append(math.log(mass) - math.log1p(-mass))
    # By Dempster's rule the odds of a label are the product of those that its voters give it, and the belief in it is
    # these times one number for all labels. As logarithms they neither overflow nor depend on the order of the voters.
    odds = {label: math.fsum(of_label) for label, of_label in evidence.items()}
    best = max(odds.values(), default=0.0)
    winners = [label for label, found in odds.items() if found == best]
    return winners[0] if len(winners) == 1 else undecided
