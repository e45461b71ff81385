"""How fast the forest kernel is beside scikit-learn's predict_proba on the same model and cores.

python tests/bench/bench_forest.py --pixels 65536 --features 312 --samples 12000 --trees 100
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from i2db.learn.forest import Forest, pack_forest


def season(n: int, n_features: int, n_classes: int, random_seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Noisy series of class signatures, as far apart as crops are: (n, n_features) float32 and labels from 1."""
    signatures = np.random.default_rng(0).normal(0, 1, (n_classes, n_features)).cumsum(axis=1)
    generator = np.random.default_rng(random_seed)
    labels = generator.integers(0, n_classes, n)
    noise = generator.normal(0, 4, (n, n_features)) + generator.normal(0, 6, (n, 1))
    return ((signatures[labels] + noise) * 500).astype(np.float32), labels + 1


def best_of(n: int, work: Callable[[], object]) -> float:
    """Shortest wall time of n calls, seconds."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(model: Any, forest: Forest, pixels: NDArray[np.float32], n_threads: int, repeats: int) -> None:
    model.set_params(n_jobs=n_threads)
    seconds_sklearn = best_of(repeats, lambda: model.predict_proba(pixels))
    planes = np.asfortranarray(pixels)
    for name, array in (("row per pixel", pixels), ("plane per feature", planes)):
        seconds = best_of(repeats, partial(forest.predict, array, n_threads=n_threads))
        print(
            f"{n_threads} thread(s), {name}: {len(pixels) / seconds:,.0f} pixels/s; "
            f"scikit-learn {len(pixels) / seconds_sklearn:,.0f}; ratio {seconds_sklearn / seconds:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, default=65_536)
    parser.add_argument("--features", type=int, default=312)
    parser.add_argument("--samples", type=int, default=12_000)
    parser.add_argument("--classes", type=int, default=12)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()

    features, labels = season(arguments.samples, arguments.features, arguments.classes, 1)
    pixels, _ = season(arguments.pixels, arguments.features, arguments.classes, 2)
    model = RandomForestClassifier(
        arguments.trees, max_depth=25, min_samples_split=6, random_state=0, n_jobs=os.cpu_count()
    ).fit(features, labels)
    start = time.perf_counter()
    forest = pack_forest(model)
    print(f"{forest.n_nodes:,} nodes packed in {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    forest.predict(pixels[:16])
    print(f"first call (import and compilation, or the cache): {time.perf_counter() - start:.2f} s")
    for n_threads in sorted({1, os.cpu_count() or 1}):
        measure(model, forest, pixels, n_threads, arguments.repeats)
    model.set_params(n_jobs=1)
    expected = model.predict_proba(pixels)
    is_same = (forest.predict(pixels)[0] == model.classes_[expected.argmax(axis=1)]).all()
    print(f"same labels: {is_same}; same probabilities: {(forest.predict_proba(pixels) == expected).all()}")


if __name__ == "__main__":
    main()
