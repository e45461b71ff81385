"""The compiled walk through a packed forest. Importing this module imports numba.

The layout of a node, and why the walk needs no test for leaves, is told in module `packing`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from i2db.learn.packing import LEAF_KEY

#: Pixels whose features are held as integers at once: 128 pixels of 312 features are 160 kB, and stay in the cache.
BLOCK = 128
#: Pixels that walk down a tree side by side, so that one's wait for memory is another's work.
LANES = 16


@njit(nogil=True, cache=True)
def _load_keys(bits: NDArray[np.int32], first: int, n: int, keys: NDArray[np.int32]) -> bool:
    """Turn the bits of n rows of float32 into integers of the same order; False where one is not finite."""
    is_finite = True
    n_features = bits.shape[1]
    if bits.strides[0] < bits.strides[1]:  # a plane per feature: read along it
        for feature in range(n_features):
            for pixel in range(n):
                word = bits[first + pixel, feature]
                is_finite &= (word & LEAF_KEY) != LEAF_KEY
                keys[pixel, feature] = word ^ ((word >> np.int32(31)) & np.int32(0x7FFFFFFF))
    else:
        for pixel in range(n):
            for feature in range(n_features):
                word = bits[first + pixel, feature]
                is_finite &= (word & LEAF_KEY) != LEAF_KEY
                keys[pixel, feature] = word ^ ((word >> np.int32(31)) & np.int32(0x7FFFFFFF))
    return is_finite


@njit(nogil=True, cache=True)
def _add_tree(
    tree: NDArray[np.int64],
    keys: NDArray[np.int32],
    n: int,
    leaf_values: NDArray[np.float64],
    lanes: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> None:
    """Add the class proportions of the leaves that n pixels of a block reach in one tree (one word a node)."""
    n_features, n_classes = keys.shape[1], sums.shape[1]
    flat = keys.ravel()
    for first in range(0, n, LANES):
        for lane in range(LANES):
            lanes[lane] = tree[0]
        while True:
            # Two levels for one look at whether all lanes have arrived. Unsigned indices spare numba's test for
            # negative ones, a sixth of the time.
            for lane in range(LANES):
                node = lanes[lane]
                key = np.int64(flat[np.uint64((first + lane) * n_features + ((node >> 16) & 0xFFFF))])
                lanes[lane] = tree[np.uint64((node & 0xFFFF) + np.int64(key > (node >> 32)))]
            moved = 0
            for lane in range(LANES):
                node = lanes[lane]
                key = np.int64(flat[np.uint64((first + lane) * n_features + ((node >> 16) & 0xFFFF))])
                child = tree[np.uint64((node & 0xFFFF) + np.int64(key > (node >> 32)))]
                moved |= child ^ node
                lanes[lane] = child
            if moved == 0:
                break
        for lane in range(LANES):
            row = np.uint64((lanes[lane] >> 32) - LEAF_KEY)
            for k in range(n_classes):
                sums[first + lane, k] += leaf_values[row, k]


@njit(nogil=True, cache=True)
def _add_wide_tree(
    tree: NDArray[np.int64],
    keys: NDArray[np.int32],
    n: int,
    leaf_values: NDArray[np.float64],
    lanes: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> None:
    """Do the same as `_add_tree` for a tree of two words a node."""
    n_features, n_classes = keys.shape[1], sums.shape[1]
    flat = keys.ravel()
    for first in range(0, n, LANES):
        for lane in range(LANES):
            lanes[lane] = 0
        moved = 1
        while moved != 0:
            moved = 0
            for lane in range(LANES):
                index = lanes[lane]
                node = tree[np.uint64(2 * index)]
                key = np.int64(flat[np.uint64((first + lane) * n_features + (node & 0xFFFFFFFF))])
                child = (tree[np.uint64(2 * index + 1)] & 0xFFFFFFFF) + np.int64(key > (node >> 32))
                moved |= child ^ index
                lanes[lane] = child
        for lane in range(LANES):
            row = tree[2 * lanes[lane] + 1] >> 32
            for k in range(n_classes):
                sums[first + lane, k] += leaf_values[row, k]


@njit(nogil=True, cache=True)
def walk_forest(
    bits: NDArray[np.int32],
    nodes: NDArray[np.int64],
    offsets: NDArray[np.int64],
    is_wide: bool,
    leaf_values: NDArray[np.float64],
    winners: NDArray[np.intp],
    confidence: NDArray[np.float32],
    probabilities: NDArray[np.float64],
) -> bool:
    """Classify rows of float32 features, given as their bits (n, n_features), by mean leaf proportions.

    Fills `winners` (n) with the index of the most probable class (the first of equals), `confidence` (n) with its
    probability and, unless it has no rows, `probabilities` (n, n_classes). Sums run over the trees in their order, in
    float64: the same numbers as scikit-learn's, to the last bit. Stops with False at a block with a number that is not
    finite. Words of tree t are nodes[offsets[t]:offsets[t + 1]].
    """
    n_trees, n_classes = offsets.size - 1, leaf_values.shape[1]
    # Zeros, not empty: pixels beyond the last row walk as well, and must stay inside the trees.
    keys = np.zeros((BLOCK, bits.shape[1]), np.int32)
    sums = np.empty((BLOCK, n_classes), np.float64)
    lanes = np.empty(LANES, np.int64)
    for first in range(0, bits.shape[0], BLOCK):
        n = min(BLOCK, bits.shape[0] - first)
        if not _load_keys(bits, first, n, keys):
            return False
        sums[:] = 0.0
        for t in range(n_trees):
            tree = nodes[offsets[t] : offsets[t + 1]]
            if is_wide:
                _add_wide_tree(tree, keys, n, leaf_values, lanes, sums)
            else:
                _add_tree(tree, keys, n, leaf_values, lanes, sums)
        for pixel in range(n):
            best, best_probability = 0, -1.0
            for k in range(n_classes):
                probability = sums[pixel, k] / n_trees
                if probabilities.shape[0] > 0:
                    probabilities[first + pixel, k] = probability
                if probability > best_probability:
                    best, best_probability = k, probability
            winners[first + pixel] = best
            confidence[first + pixel] = best_probability
    return True
