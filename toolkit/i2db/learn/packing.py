"""How the trees of a forest become arrays of int64.

A node is one int64: the threshold as a sortable integer (bits 32-63), the feature (bits 16-31) and the left child
within the tree (bits 0-15); the right child follows the left one. Going down is `left + (x > threshold)` without a
branch. A leaf points at itself and its key lies above that of every finite number, so walking on does not leave it;
the distance of its key from LEAF_KEY is the row of its class proportions in `leaf_values`.

Trees too large for 16 bits use two words a node: threshold << 32 | feature, then row of the leaf << 32 | left child.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The bits of +infinity: no finite float32 has a sort key as large.
LEAF_KEY = 0x7F800000
#: What 16 bits of a packed node can count: nodes of a tree, features.
NARROW_LIMIT = 65_536
#: Keys above LEAF_KEY: as many distinct leaf values fit into one word a node.
NARROW_LEAF_ROWS = 0x7FFFFFFF - LEAF_KEY


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree breadth first, siblings adjacent: sort key, feature, left child, leaf or not, per node; leaf values."""

    keys: NDArray[np.int64]
    features: NDArray[np.int64]
    left: NDArray[np.int64]
    is_leaf: NDArray[np.bool_]
    leaf_values: NDArray[np.float64]


def breadth_first(tree: Any) -> Tree:
    """Number the nodes of scikit-learn's `tree_` (children_left, threshold, value, ...) anew, level by level."""
    order, left = np.empty(tree.node_count, np.int64), np.arange(tree.node_count)
    level, first = np.zeros(1, np.int64), 0
    while level.size:
        here = slice(first, first + level.size)
        first += level.size
        order[here] = level
        is_inner = tree.children_left[level] >= 0
        parents = level[is_inner]
        left[here][is_inner] = first + 2 * np.arange(parents.size)
        level = np.column_stack([tree.children_left[parents], tree.children_right[parents]]).reshape(-1)
    is_leaf = tree.children_left[order] < 0
    return Tree(
        keys=sort_keys(floor_to_float32(tree.threshold[order])).astype(np.int64),
        features=np.where(is_leaf, 0, tree.feature[order]).astype(np.int64),
        left=left,
        is_leaf=is_leaf,
        leaf_values=tree.value[order[is_leaf], 0, :],
    )


def pack_narrow(tree: Tree, leaf_rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """One word a node; leaf_rows: for each leaf in order, its row in the forest's leaf values."""
    keys = tree.keys.copy()
    keys[tree.is_leaf] = LEAF_KEY + leaf_rows
    return (keys << 32) | (tree.features << 16) | tree.left


def pack_wide(tree: Tree, leaf_rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Two words a node, one after the other; leaf_rows as in `pack_narrow`."""
    keys, rows = tree.keys.copy(), np.zeros(tree.left.size, np.int64)
    keys[tree.is_leaf] = LEAF_KEY
    rows[tree.is_leaf] = leaf_rows
    return np.column_stack([(keys << 32) | tree.features, (rows << 32) | tree.left]).reshape(-1)


def floor_to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above each float64, and 0.0 for -0.0 (equal as numbers, not as sort keys)."""
    rounded = values.astype(np.float32)
    is_above = rounded.astype(np.float64) > values
    rounded[is_above] = np.nextafter(rounded[is_above], np.float32(-np.inf))
    return rounded + np.float32(0.0)


def sort_keys(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """Integers in the order of the floats: the bits, with all but the sign turned over for negative numbers."""
    bits = np.ascontiguousarray(values).view(np.int32)
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
