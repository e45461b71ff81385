"""Confusion matrices and what is computed from them. Undefined is None, and enters no mean."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError, InputError


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Pixel counts of one run: int64 (n, n), rows are the reference, columns what the map produced.

    n_polygons: validation polygons of each reference class, where known. Pixels whose class the model of their region
    never saw are part of it, as errors; how many they are is told apart.
    """

    codes: tuple[int, ...]
    names: tuple[str, ...]
    counts: NDArray[np.int64]
    n_polygons: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        n = len(self.codes)
        if self.counts.shape != (n, n) or len(self.names) != n or len(set(self.codes)) != n:
            raise ContractError(
                f"a confusion of {n} classes with {len(self.names)} names has counts of shape {self.counts.shape}"
            )
        if self.n_polygons is not None and len(self.n_polygons) != n:
            raise ContractError(f"{len(self.n_polygons)} numbers of polygons for {n} classes")

    @property
    def n_reference(self) -> NDArray[np.int64]:
        """Pixels of each reference class (n): row totals."""
        totals: NDArray[np.int64] = self.counts.sum(axis=1)
        return totals

    @property
    def n_produced(self) -> NDArray[np.int64]:
        """Pixels of each produced class (n): column totals."""
        totals: NDArray[np.int64] = self.counts.sum(axis=0)
        return totals

    @property
    def n_pixels(self) -> int:
        """All validated pixels."""
        return int(self.counts.sum())

    def oa(self) -> float | None:
        """Overall accuracy: trace / total."""
        return _ratio(int(self.counts.trace()), self.n_pixels)

    def kappa(self) -> float | None:
        """Cohen's kappa (1960): (OA - e) / (1 - e), e = sum of row total x column total / total squared.

        None where chance alone explains everything (e = 1): one class in map and reference.
        """
        total, chance = self.n_pixels, sum(int(r) * int(p) for r, p in zip(*self._totals(), strict=True))
        return _ratio(int(self.counts.trace()) * total - chance, total**2 - chance)

    def precision(self) -> list[float | None]:
        """Per class: right pixels / pixels produced (1 - commission); None for a class that the map does not hold."""
        return [_ratio(*pair) for pair in zip(self._right(), self._totals()[1], strict=True)]

    def recall(self) -> list[float | None]:
        """Per class: right pixels / pixels of reference (1 - omission); None for a class without reference."""
        return [_ratio(*pair) for pair in zip(self._right(), self._totals()[0], strict=True)]

    def f_score(self) -> list[float | None]:
        """Per class: 2 x right / (reference + produced) (Dice; the harmonic mean of precision and recall).

        None for a class without reference, 0 for one that the map misses altogether: its precision is undefined, but
        leaving it out of the mean would reward forgetting a class.
        """
        triples = zip(self._right(), *self._totals(), strict=True)
        return [_ratio(2 * right, reference and reference + produced) for right, reference, produced in triples]

    def mean_f_score(self) -> float | None:
        """Mean of the F-scores that are defined: of classes that have a reference."""
        scores = [score for score in self.f_score() if score is not None]
        return math.fsum(scores) / len(scores) if scores else None

    def _right(self) -> list[int]:
        return [int(count) for count in self.counts.diagonal()]

    def _totals(self) -> tuple[list[int], list[int]]:
        return [int(n) for n in self.n_reference], [int(n) for n in self.n_produced]


def confusions_of(
    rows: Sequence[Mapping[str, Any]],
    polygons: Sequence[Mapping[str, Any]],
    names: Mapping[int, str],
    runs: Sequence[int],
) -> list[Confusion]:
    """The matrix of every run, all over the same classes: those that occur in any, in the order of `names`.

    Args:
        rows: run, reference_code, predicted_code, n_pixels.
        polygons: run, class_code, n_polygons.
        names: name of each class.
        runs: numbers of the runs.
    """
    of_polygons = {(row["run"], row["class_code"]): row["n_polygons"] for row in polygons}
    seen = {row["reference_code"] for row in rows} | {row["predicted_code"] for row in rows}
    codes = tuple(code for code in names if code in seen)
    place = {code: i for i, code in enumerate(codes)}
    counts = {run: np.zeros((len(codes), len(codes)), dtype=np.int64) for run in runs}
    for row in rows:
        counts[row["run"]][place[row["reference_code"]], place[row["predicted_code"]]] = row["n_pixels"]
    return [
        Confusion(
            codes=codes,
            names=tuple(names[code] for code in codes),
            counts=counts[run],
            n_polygons=tuple(int(of_polygons.get((run, code), 0)) for code in codes),
        )
        for run in runs
    ]


def matrix_text(confusion: Confusion) -> str:
    """A matrix as OTB writes it: CSV whose header names the orientation."""
    text = io.StringIO()
    codes = ",".join(str(code) for code in confusion.codes)
    text.write(f"#Reference labels (rows):{codes}\n#Produced labels (columns):{codes}\n")
    csv.writer(text, lineterminator="\n").writerows(confusion.counts.tolist())
    return text.getvalue()


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def mean_interval(values: Sequence[float | None], confidence: float = 0.95) -> tuple[float | None, float | None]:
    """Mean over runs and half width of its Student interval, with (number of defined values - 1) degrees of freedom.

    The half width is None for fewer than two values. iota2 takes (number of labels - 1) degrees of freedom instead,
    which is too narrow for few runs.
    """
    from scipy import stats

    defined = [value for value in values if value is not None]
    n = len(defined)
    if n == 0:
        return None, None
    mean = math.fsum(defined) / n
    if n == 1:
        return mean, None
    standard_error = math.sqrt(math.fsum((value - mean) ** 2 for value in defined) / (n - 1) / n)
    return mean, float(stats.t.ppf((1 + confidence) / 2, n - 1)) * standard_error


@dataclass(frozen=True, slots=True)
class Score:
    """A measure over runs: its name, mean, half width of its 95 % interval (None for one run), and value per run."""

    name: str
    mean: float | None
    half_width: float | None
    per_run: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Accuracy of one class over runs; n_polygons and n_pixels are means of validation polygons and pixels per run."""

    code: int
    name: str
    precision: Score
    recall: Score
    f_score: Score
    n_polygons: float | None
    n_pixels: float
    #: Names of the produced classes with most pixels of this reference class, the right one among them.
    confused_with: tuple[str, ...]


def map_scores(confusions: Sequence[Confusion]) -> list[Score]:
    """Kappa, overall accuracy and class-mean F-score over runs, with intervals."""
    _check_alike(confusions)
    measures: list[tuple[str, Callable[[Confusion], float | None]]] = [
        ("Kappa", Confusion.kappa),
        ("Overall accuracy", Confusion.oa),
        ("Mean F-score", Confusion.mean_f_score),
    ]
    return [_score(name, [measure(one) for one in confusions]) for name, measure in measures]


def class_scores(confusions: Sequence[Confusion], *, n_confused: int = 3) -> list[ClassScore]:
    """Precision, recall and F-score of each class over runs, with the `n_confused` classes it is most often mapped as.

    As in iota2, those are ordered by (mean count, name), descending: equal counts stand in reverse alphabetical order.
    """
    _check_alike(confusions)
    mean = mean_counts(confusions)
    per_run = [(one.precision(), one.recall(), one.f_score()) for one in confusions]
    scores = []
    for i, (code, name) in enumerate(zip(confusions[0].codes, confusions[0].names, strict=True)):
        ranked = sorted(zip(mean[i], confusions[0].names, strict=True), reverse=True)
        polygons = [one.n_polygons[i] for one in confusions if one.n_polygons is not None]
        scores.append(
            ClassScore(
                code=code,
                name=name,
                precision=_score("Precision", [values[0][i] for values in per_run]),
                recall=_score("Recall", [values[1][i] for values in per_run]),
                f_score=_score("F-score", [values[2][i] for values in per_run]),
                n_polygons=sum(polygons) / len(polygons) if polygons else None,
                n_pixels=float(mean[i].sum()),
                confused_with=tuple(other for _, other in ranked[:n_confused]),
            )
        )
    return scores


def mean_counts(confusions: Sequence[Confusion]) -> NDArray[np.float64]:
    """Mean of the counts over runs (n, n)."""
    _check_alike(confusions)
    mean: NDArray[np.float64] = np.sum([one.counts for one in confusions], axis=0) / len(confusions)
    return mean


def _score(name: str, values: Sequence[float | None]) -> Score:
    mean, half_width = mean_interval(values)
    return Score(name, mean, half_width, tuple(values))


def _check_alike(confusions: Sequence[Confusion]) -> None:
    if not confusions:
        raise InputError("no confusion matrix to report", hint="was any polygon kept for validation?")
    if any(one.codes != confusions[0].codes or one.names != confusions[0].names for one in confusions):
        raise ContractError("the confusion matrices of the runs have different classes; fill the missing with zeros")
