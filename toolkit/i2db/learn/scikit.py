"""Models of scikit-learn applied to pixels: block by block, so that neither memory nor result depends on how many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError
from i2db.learn.forest import Forest, not_finite

#: Rows that are predicted at a time. All blocks have as many, the last one filled up: how a product of matrices rounds
#: depends on their shape, and a pixel must not depend on its neighbours in the chunk.
BLOCK = 1024


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ScikitModel:
    """A fitted model: a transformation of the features (or None), then an estimator of scikit-learn or a packed forest.

    The label is the class of the largest probability, which for an SVC may differ from its own vote.
    """

    kind: str
    classes: NDArray[np.uint16]
    n_features: int
    confidence_kind: str
    transform: Any | None
    estimator: Any

    def predict(
        self, features: NDArray[np.float32], *, n_threads: int = 1
    ) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        """Class code and confidence (0 to 1) of each row of features (n, n_features).

        Raises:
            InputError: a feature is not finite.
        """
        winners = np.empty(len(features), np.intp)
        confidence = np.empty(len(features), np.float32)

        def take(rows: slice, probability: NDArray[np.float64]) -> None:
            best = probability.argmax(axis=1)
            winners[rows] = best
            # Of float32 sums some come out a millionth above 1.
            confidence[rows] = np.minimum(probability[np.arange(len(best)), best], 1)

        self._walk(features, n_threads, take)
        return self.classes[winners], confidence

    def predict_proba(self, features: NDArray[np.float32], *, n_threads: int = 1) -> NDArray[np.float64]:
        """Probability of each class (n, n_classes) for each row of features (n, n_features)."""
        probabilities = np.empty((len(features), self.classes.size), np.float64)

        def take(rows: slice, probability: NDArray[np.float64]) -> None:
            probabilities[rows] = probability

        self._walk(features, n_threads, take)
        return probabilities

    def _walk(self, features: NDArray[np.float32], n_threads: int, take: Any) -> None:
        from threadpoolctl import threadpool_limits

        if features.ndim != 2 or features.shape[1] != self.n_features or features.dtype != np.float32:
            raise ContractError(
                f"the model takes float32 features of shape (n, {self.n_features}), "
                f"got {features.dtype} of shape {features.shape}"
            )
        if not np.isfinite(features).all():
            raise not_finite(features, "predict")
        starts = range(0, len(features), BLOCK)

        def work(start: int) -> None:
            rows = slice(start, min(start + BLOCK, len(features)))
            block = features[rows]
            n = len(block)
            if n < BLOCK:
                block = np.concatenate([block, np.repeat(block[:1], BLOCK - n, axis=0)])
            take(rows, self._probabilities(np.ascontiguousarray(block))[:n])

        n_threads = max(1, min(n_threads, len(starts)))
        with threadpool_limits(1):
            if n_threads == 1:
                for start in starts:
                    work(start)
            else:
                # The limit of OpenMP is each thread's own.
                with ThreadPoolExecutor(n_threads, initializer=threadpool_limits, initargs=(1,)) as pool:
                    list(pool.map(work, starts))

    def _probabilities(self, block: NDArray[np.float32]) -> NDArray[np.float64]:
        if self.transform is not None:
            block = np.ascontiguousarray(self.transform.transform(block), dtype=np.float32)
        if isinstance(self.estimator, Forest):
            return self.estimator.predict_proba(block)
        if getattr(self.estimator, "voting", None) == "hard":
            return self._votes(block)
        probabilities: NDArray[np.float64] = self.estimator.predict_proba(block)
        return probabilities

    def _votes(self, block: NDArray[np.float32]) -> NDArray[np.float64]:
        """Share of the members' votes, by their weights, that each class has."""
        votes = self.estimator.transform(block)  # (n, members), places among the classes
        weights = self.estimator.weights if self.estimator.weights is not None else np.ones(votes.shape[1])
        shares: NDArray[np.float64] = np.zeros((len(block), self.classes.size))
        for member, weight in enumerate(weights):
            shares[np.arange(len(block)), votes[:, member]] += weight
        shares /= np.sum(weights)
        return shares
