"""What every kind of model can do once it is fitted, whatever it is made of."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Classifier(Protocol):
    """A fitted model: float32 features in, class codes with a confidence, or probabilities, out."""

    @property
    def kind(self) -> str:
        """The kind of model as cards and tables name it, e.g. "rf"."""

    @property
    def classes(self) -> NDArray[np.uint16]:
        """Class codes, ascending: the order of the columns of `predict_proba`."""

    @property
    def n_features(self) -> int:
        """Number of features that a row of input has."""

    @property
    def confidence_kind(self) -> str:
        """What the confidence is, in words; it is not comparable between kinds of models."""

    def predict(
        self, features: NDArray[np.float32], *, n_threads: int = 1
    ) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        """Class code and confidence (0 to 1) of each row of features (n, n_features)."""

    def predict_proba(self, features: NDArray[np.float32], *, n_threads: int = 1) -> NDArray[np.float64]:
        """Probability of each class (n, n_classes) for each row of features (n, n_features)."""
