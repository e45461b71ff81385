"""What does a map of features cost beside reading what it needs? One process, one thread, a simulated tile.

    .venv/bin/python tests/bench/bench_features.py --size 2048 --dates 24

Reads two bands and the masks alone; then makes the chunk rasters of the map of the mean NDVI, and of NDVI at every
regular date; then calls ten functions of two bands, which read no more than one does. Every figure is the best of
--repeat.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from i2db.chain.task import WorkContext
from i2db.config.reader import load
from i2db.facts import Facts
from i2db.raster.read import SeriesReader
from i2db.scene import build_scene
from i2db.simulate import simulate
from i2db.stages import feature_map
from i2db.stages.inputs import ChunkReader, narrowed, plain_input

MAP = ("builders.builders_class_name=i2_features_map", "external_features.concat_mode=False")
MEMORY = 2 * 10**9
MODULE = """
import numpy as np


def mean_ndvi(self):
    return self.get_interpolated_Sentinel2_NDVI().mean(axis=2), ["mean_ndvi"]


def all_ndvi(self):
    return self.get_interpolated_Sentinel2_NDVI(), []


def power(self, n=1):
    return self.get_interpolated_Sentinel2_NDVI().mean(axis=2) * n, [f"power_{n}"]
"""


def main() -> None:
    """Parse the arguments, measure, print a table."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = simulate(folder / "scene", size=options.size, dates=options.dates, block=options.block)
        (folder / "code.py").write_text(MODULE, encoding="utf-8")
        ten = "[" + ", ".join(f'["power", {{"n": {n}}}]' for n in range(1, 11)) + "]"
        figures = {}
        wanted = {"mean NDVI": "mean_ndvi", "NDVI at every date": "all_ndvi", "ten functions": ten}
        for title, functions in wanted.items():
            module = f"external_features.module={folder / 'code.py'}"
            settings = [*MAP, module, f"external_features.functions={functions}"]
            found = build_scene(load(scene.config, settings).config, Facts.load(folder / title))
            if "reading" not in figures:
                figures["reading"] = _best(options.repeat, lambda found=found: _read(found))
            figures[f"{title}, {len(found.features)} features"] = _best(
                options.repeat, lambda found=found, title=title: _map(found, folder / title)
            )
    cpu = figures["reading"][1]
    print(f"{'':34} {'wall s':>8} {'CPU s':>8} {'CPU / reading':>14}")
    for title, (of_wall, of_cpu) in figures.items():
        print(f"{title:34} {of_wall:8.2f} {of_cpu:8.2f} {of_cpu / cpu:14.2f}")


def _read(found) -> None:
    """Only the reading, window by window, of what the functions ask for."""
    for chunk in found.chunks:
        whole = plain_input(found, chunk)
        with ChunkReader(narrowed(whole, whole.groups), MEMORY) as reader:
            for window in reader.windows():
                for series in reader.series:
                    assert isinstance(series, SeriesReader)
                    series.read(window, reader.margin)


def _map(found, folder: Path) -> None:
    """The work of the stage feature_map on all chunks."""
    coding = feature_map.Coding(dtype="float32", scale=1.0, nodata=-10000.0)
    for chunk in found.chunks:
        whole = plain_input(found, chunk)
        payload = feature_map._Payload(chunk_input=narrowed(whole, whole.groups), coding=coding)
        task = feature_map.STAGE.task(chunk.unit, [], payload)
        feature_map._work(task, WorkContext(root=folder / "parts", memory=MEMORY))


def _best(repeat: int, work: Callable[[], object]) -> tuple[float, float]:
    """Least wall and CPU seconds of some repetitions, after one that compiles."""
    work()
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="side of the tile in pixels")
    parser.add_argument("--dates", type=int, default=24, help="dates of the series")
    parser.add_argument("--block", type=int, default=512, help="side of the inner tiles of the files")
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
