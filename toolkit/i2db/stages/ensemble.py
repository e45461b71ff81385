"""The models of a region and run as one: a single model, or several whose labels are fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from i2db.learn.classifier import Classifier
from i2db.raster.fusion import agreement, dempster_shafer, vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How labels of several models become one.

    Attributes:
        method: majorityvoting or dempstershafer.
        undecided: what a pixel gets where that does not decide: the label of the surest model (maxConfidence), or of
            the first (learningPriority).
    """

    method: str = "majorityvoting"
    undecided: str = "maxConfidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A model, the columns of the features that it has (None for all), and how far it is believed per class."""

    model: Classifier
    columns: tuple[int, ...] | None = None
    beliefs: Mapping[int, float] = field(default_factory=dict)

    def features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's own columns of all features."""
        return features if self.columns is None else np.ascontiguousarray(features[:, self.columns])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What models make of n pixels: label and confidence (n,), and probabilities (n, n_classes) where asked for."""

    label: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    probability: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Models in the order of their preference, and the rule that makes one label of theirs."""

    members: Sequence[Member]
    rule: Rule = Rule()

    def predict(
        self, features: NDArray[np.float32], *, class_codes: Sequence[int] | None = None, n_threads: int = 1
    ) -> Answer:
        """What the models make of features (n, n_features).

        The probability of a class is the mean over the models, 0 for one that does not know it; of several models the
        confidence is the mean agreement with the label (raster.fusion.agreement).

        Args:
            features: all features, of which each model takes its own.
            class_codes: classes whose probabilities are wanted, ascending, all that the models know among them; None
                for no probabilities.
            n_threads: threads to use.
        """
        answers = [_answer(member, features, class_codes, n_threads) for member in self.members]
        if len(answers) == 1:
            return answers[0]
        labels = np.stack([answer.label for answer in answers])
        confidences = np.stack([answer.confidence for answer in answers])
        if self.rule.method == "dempstershafer":
            label = dempster_shafer(labels, [member.beliefs for member in self.members])
        else:
            label = vote(labels)
        open_ = label == 0
        if open_.any():
            chosen = (
                confidences[:, open_].argmax(axis=0)
                if self.rule.undecided == "maxConfidence"
                else np.zeros(int(open_.sum()), dtype=np.intp)
            )
            label[open_] = np.take_along_axis(labels[:, open_], chosen[np.newaxis], axis=0)[0]
        known = [answer.probability for answer in answers if answer.probability is not None]
        probability = np.mean(known, axis=0) if known else None
        return Answer(label=label, confidence=agreement(labels, confidences, label), probability=probability)


def _answer(member: Member, features: NDArray[np.float32], class_codes: Sequence[int] | None, n_threads: int) -> Answer:
    """What one model makes of some pixels."""
    model, own = member.model, member.features(features)
    if class_codes is None:
        label, confidence = model.predict(own, n_threads=n_threads)
        return Answer(label=label, confidence=confidence, probability=None)
    known = model.predict_proba(own, n_threads=n_threads)
    best = known.argmax(axis=1)
    probability = np.zeros((len(own), len(class_codes)))
    probability[:, np.searchsorted(class_codes, model.classes)] = known
    confidence = known[np.arange(len(best)), best].astype(np.float32)
    return Answer(label=model.classes[best], confidence=confidence, probability=probability)
