"""Random forests: fitted by scikit-learn, kept as arrays, applied by a compiled kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from i2db.errors import ContractError, InputError
from i2db.learn.packing import LEAF_KEY, NARROW_LEAF_ROWS, NARROW_LIMIT, breadth_first, pack_narrow, pack_wide

#: Class codes are written to uint8 or uint16 rasters, where 0 is no data.
LARGEST_CODE = 65_535


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Forest:
    """A fitted forest as plain arrays; module `packing` says how a node is packed.

    classes: uint16 (n_classes), ascending. nodes: int64, one word a node, two where `is_wide`. offsets: int64
    (n_trees + 1), in words. leaf_values: float64 (n_rows, n_classes), the distinct class proportions of all leaves.
    importances: float64 (n_features), mean decrease of impurity, summing to 1 (Breiman 2001).
    """

    #: Not the votes of the trees, as in OpenCV's forest: its winner may differ from the vote's.
    confidence_kind: ClassVar[str] = "mean leaf probability"

    classes: NDArray[np.uint16]
    nodes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    leaf_values: NDArray[np.float64]
    importances: NDArray[np.float64]
    is_wide: bool = False
    #: rf, or extra_trees (Geurts et al. 2006), which are forests of another way to split.
    kind: str = "rf"

    @property
    def n_features(self) -> int:
        """Number of features that a row of input has."""
        return self.importances.size

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return self.offsets.size - 1

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all trees, leaves included."""
        return self.nodes.size // (2 if self.is_wide else 1)

    def predict(
        self, features: NDArray[np.float32], *, n_threads: int = 1
    ) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        """Class code and confidence of each row of features (n, n_features); equals scikit-learn's predict.

        The confidence is the mean leaf probability of the winner, 0 to 1. InputError where a feature is not finite.
        """
        winners, confidence, _ = self._walk(features, n_threads, is_probability_wanted=False)
        return self.classes[winners], confidence

    def predict_proba(self, features: NDArray[np.float32], *, n_threads: int = 1) -> NDArray[np.float64]:
        """Mean leaf probability of each class (n, n_classes) for each row of features (n, n_features)."""
        return self._walk(features, n_threads, is_probability_wanted=True)[2]

    def _walk(
        self, features: NDArray[np.float32], n_threads: int, *, is_probability_wanted: bool
    ) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float64]]:
        from i2db.learn.forest_kernel import BLOCK, walk_forest

        if features.ndim != 2 or features.shape[1] != self.n_features or features.dtype != np.float32:
            raise ContractError(
                f"the forest takes float32 features of shape (n, {self.n_features}), "
                f"got {features.dtype} of shape {features.shape}"
            )
        n = features.shape[0]
        bits = features.view(np.int32)
        winners, confidence = np.empty(n, np.intp), np.empty(n, np.float32)
        probabilities = np.empty((n if is_probability_wanted else 0, self.classes.size), np.float64)

        def walk(rows: slice) -> bool:
            return bool(
                walk_forest(
                    bits[rows],
                    self.nodes,
                    self.offsets,
                    self.is_wide,
                    self.leaf_values,
                    winners[rows],
                    confidence[rows],
                    probabilities[rows],
                )
            )

        if not _over_threads(walk, n, BLOCK, n_threads):
            raise not_finite(features, "predict")
        return winners, confidence, probabilities


def _over_threads(walk: Callable[[slice], bool], n: int, block: int, n_threads: int) -> bool:
    """Call `walk` on slices of n rows, one per thread; whole blocks each, so that the result is the same for any."""
    n_blocks = -(-n // block)
    n_threads = max(1, min(n_threads, n_blocks))
    if n_threads == 1:
        return walk(slice(0, n))
    bounds = [block * (n_blocks * i // n_threads) for i in range(n_threads)] + [n]
    with ThreadPoolExecutor(n_threads) as pool:
        return all(pool.map(walk, [slice(*pair) for pair in pairwise(bounds)]))


def not_finite(features: NDArray[np.float32], doing: str) -> InputError:
    """The error that names the first number that is not finite."""
    row, feature = (int(index[0]) for index in np.nonzero(~np.isfinite(features)))
    return InputError(
        f"cannot {doing}: feature {feature} of row {row} is {features[row, feature]}",
        hint="features must be finite: mask pixels without data, and look at what computes that feature",
    )


def check_learning_set(
    features: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    region: str | None,
) -> None:
    """InputError for samples that nothing can be learnt from, ContractError for arrays that do not fit together."""
    where = f" in region {region}" if region is not None else ""
    if features.ndim != 2 or features.dtype != np.float32 or labels.shape != features.shape[:1]:
        raise ContractError(
            f"learning takes float32 features (n, n_features) and n labels, "
            f"got {features.dtype} {features.shape} and {labels.shape}"
        )
    if features.size == 0:
        raise InputError(
            f"nothing to learn from{where}: {features.shape[0]} samples of {features.shape[1]} features",
            hint="look at class_statistics: which polygons lie there, and what did the selection draw?",
        )
    if labels.min() < 1 or labels.max() > LARGEST_CODE:
        bad = labels[(labels < 1) | (labels > LARGEST_CODE)][0]
        raise InputError(f"class code {bad}{where}: codes go from 1 to {LARGEST_CODE}, 0 is no data")
    classes = np.unique(labels)
    if classes.size < 2:
        raise InputError(
            f"all {labels.size} samples{where} are of class {classes[0]}: a model needs two classes",
            hint="add polygons of another class there, or merge the region with a neighbour",
        )
    if not np.isfinite(features).all():
        raise not_finite(features, f"learn{where}")


def pack_forest(model: Any, *, is_wide: bool | None = None) -> Forest:
    """Pack a fitted RandomForestClassifier into arrays; wide packing where a tree or the features need it, or on wish.

    A pixel goes to the same leaf as in scikit-learn, which compares float32 features with float64 thresholds: rounding
    those towards minus infinity to float32 changes no comparison.
    """
    trees = [breadth_first(estimator.tree_) for estimator in model.estimators_]
    n_features = int(model.n_features_in_)
    rows, row_of_leaf = np.unique(np.concatenate([t.leaf_values for t in trees]), axis=0, return_inverse=True)
    is_large = max(t.left.size for t in trees) > NARROW_LIMIT or n_features > NARROW_LIMIT
    wide = bool(is_large or len(rows) > NARROW_LEAF_ROWS) if is_wide is None else is_wide
    words, first = [], 0
    for tree in trees:
        leaf_rows = row_of_leaf.reshape(-1)[first : first + len(tree.leaf_values)]
        first += len(leaf_rows)
        words.append((pack_wide if wide else pack_narrow)(tree, leaf_rows))
    return Forest(
        classes=_frozen(model.classes_, np.uint16),
        nodes=_frozen(np.concatenate(words), np.int64),
        offsets=_frozen(np.cumsum([0, *(w.size for w in words)]), np.int64),
        leaf_values=_frozen(rows, np.float64),
        importances=_frozen(model.feature_importances_, np.float64),
        is_wide=wide,
    )


def _frozen(values: ArrayLike, dtype: type) -> NDArray[Any]:
    array: NDArray[Any] = np.ascontiguousarray(values, dtype=dtype)
    array.flags.writeable = False
    return array


def check_forest(forest: Forest) -> list[str]:
    """What is wrong with the arrays of a forest that came from a file; an empty list is a forest safe to walk."""
    problems: list[str] = []
    if forest.classes.size != forest.leaf_values.shape[1]:
        problems.append(f"{forest.classes.size} classes, leaf values of {forest.leaf_values.shape[1]}")
    if forest.classes.size < 2 or (np.diff(forest.classes.astype(np.int64)) <= 0).any():
        problems.append("classes are not ascending")
    sizes = np.diff(forest.offsets)
    if forest.n_trees < 1 or (sizes < 1).any() or forest.offsets[0] != 0 or forest.offsets[-1] != forest.nodes.size:
        return [*problems, "tree offsets do not cut the nodes"]
    n_words = 2 if forest.is_wide else 1
    if (sizes % n_words).any():
        return [*problems, "a tree ends inside a node"]
    return problems + _check_nodes(forest, sizes // n_words)


def _check_nodes(forest: Forest, sizes: NDArray[np.int64]) -> list[str]:
    if forest.is_wide:
        words = forest.nodes.reshape(-1, 2)
        keys, features = words[:, 0] >> 32, words[:, 0] & 0xFFFFFFFF
        rows, left = words[:, 1] >> 32, words[:, 1] & 0xFFFFFFFF
    else:
        keys, features, left = forest.nodes >> 32, (forest.nodes >> 16) & 0xFFFF, forest.nodes & 0xFFFF
        rows = keys - LEAF_KEY
    own = np.arange(left.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    is_leaf = keys >= LEAF_KEY
    checks: Sequence[tuple[str, NDArray[np.bool_]]] = (
        ("a feature beyond the last", features >= forest.n_features),
        ("a leaf that does not point at itself", is_leaf & (left != own)),
        ("a node that points upwards", ~is_leaf & (left <= own)),
        ("a child beyond its tree", ~is_leaf & (left + 1 >= np.repeat(sizes, sizes))),
        ("a leaf without values", is_leaf & ((rows < 0) | (rows >= len(forest.leaf_values)))),
    )
    return [text for text, is_bad in checks if is_bad.any()]
