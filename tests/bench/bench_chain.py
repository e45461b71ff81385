"""The whole chain against reading its inputs alone and, where it is installed, against OTB: `make bench`.

OTB gets a ready stack without gaps on the disk; i2db reads the product tree with its masks and fills the gaps.
Times are those of whole processes, memory is that of all processes of a command together.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import psutil

I2DB = [sys.executable, "-m", "i2db"]

#: Learning as OTB does it by iota2's options: 100 trees, depth 25, nodes of more than 5 samples are split.
TREES = ["-classifier", "rf", "-classifier.rf.nbtrees", "100", "-classifier.rf.max", "25", "-classifier.rf.min", "5"]


@dataclass(frozen=True)
class Cost:
    """What a command took: elapsed and processor seconds, and the largest memory of all its processes (bytes)."""

    wall: float
    cpu: float
    peak: int


def measure(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end and measure it with all its children."""
    peak = 0
    with log.open("a") as stream:
        stream.write(f"$ {' '.join(command)}\n")
        stream.flush()
        before, started = os.times(), time.perf_counter()
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environment)
        stop = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not stop.wait(0.05):
                peak = max(peak, tree_memory(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        stop.set()
        watcher.join()
    after = os.times()
    if code != 0:
        raise SystemExit(f"{' '.join(command)} ended with {code}; see {log}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.perf_counter() - started, cpu, peak)


def tree_memory(pid: int) -> int:
    """Memory of a process and all below it, in bytes; pages that several share are counted once (PSS)."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    except psutil.Error:
        return 0
    return total


def make_scene(folder: Path, options: argparse.Namespace) -> Path:
    """The simulated scene; made once."""
    from i2db.simulate import simulate

    config = folder / "scene" / "config.cfg"
    if not config.exists():
        simulate(
            folder / "scene",
            size=options.size,
            dates=options.dates,
            classes=options.classes,
            polygons=options.polygons,
            seed=4,
        )
    return config


def run_i2db(config: Path, out: Path, settings: dict[str, object], options: argparse.Namespace, log: Path) -> Cost:
    """One run of the chain into a fresh folder."""
    shutil.rmtree(out, ignore_errors=True)
    changes = [part for key, given in settings.items() for part in ("--set", f"{key}={given}")]
    memory = ["--memory", options.memory] if options.memory else []
    workers = ["--nb-parallel-tasks", str(options.workers)]
    return measure([*I2DB, "run", str(config), "-o", str(out), *changes, *workers, *memory], log)


def stages(out: Path) -> list[tuple[str, float, float, float]]:
    """(stage, elapsed seconds from its first task to its last, processor seconds, peak megabytes of a process)."""
    query = """
        SELECT stage, max(epoch(started_at) + wall_seconds) - min(epoch(started_at)), sum(cpu_seconds),
            max(peak_megabytes)
        FROM task_run GROUP BY stage ORDER BY min(started_at)
    """
    with duckdb.connect(str(out / "i2db.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def write_stack(config: Path, path: Path) -> int:
    """The gap-filled bands of the tile as one uncompressed, tiled int16 file: OTB's input. Returns the bands."""
    import rasterio

    from i2db.config.reader import load
    from i2db.facts import Facts
    from i2db.raster.features import SensorFeatures
    from i2db.raster.read import SeriesReader
    from i2db.raster.windows import split
    from i2db.scene import build_scene

    scene = build_scene(load(config, [f"{k}={v}" for k, v in COMMON.items()]).config, Facts(Path("none")))
    (series,) = scene.series
    ((tile, window),) = scene.tiles.items()
    features = SensorFeatures(
        sensor=series.sensor, bands=series.features.bands, dates=series.features.dates, indices=()
    )
    n = len(features.features)
    if path.exists():
        return n
    profile = {
        "driver": "GTiff",
        "width": window.n_columns,
        "height": window.n_rows,
        "count": n,
        "dtype": "int16",
        "crs": scene.grid.crs,
        "transform": rasterio.Affine(*scene.grid.transform(window)),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "interleave": "pixel",
        "BIGTIFF": "YES",
    }
    with (
        SeriesReader(series.sensor, series.products[tile], scene.grid) as reader,
        rasterio.open(path, "w", **profile) as out,
    ):
        for piece in split(window, (512, 512), (window.column, window.row), 512 * 512):
            values, _ = features.compute(reader.read(piece))
            bands = np.round(values).astype(np.int16).T.reshape(n, *piece.shape)
            rows, columns = piece.slices_in(window)
            out.write(bands, window=((rows.start, rows.stop), (columns.start, columns.stop)))
    return n


def run_otb(folder: Path, config: Path, n_bands: int, log: Path) -> dict[str, Cost]:
    """The same work by OTB's applications, on the stack."""
    work = folder / "otb"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    stack, truth = str(folder / "stack.tif"), str(config.parent / "ground_truth.shp")
    names = [f"value_{i}" for i in range(n_bands)]
    env = os.environ | {"OTB_MAX_RAM_HINT": "1024"}
    statistics, field = str(work / "stats.xml"), ["-field", "code"]
    costs = {}
    costs["PolygonClassStatistics"] = measure(
        ["otbcli_PolygonClassStatistics", "-in", stack, "-vec", truth, *field, "-out", statistics], log, env
    )
    for name, strategy in (
        ("all", ["-strategy", "all"]),
        ("constant", ["-strategy", "constant", "-strategy.constant.nb", "1000"]),
    ):
        costs[f"SampleSelection {name}"] = measure(
            [
                "otbcli_SampleSelection",
                "-in",
                stack,
                "-vec",
                truth,
                *field,
                "-instats",
                statistics,
                *strategy,
                "-sampler",
                "random",
                "-out",
                str(work / f"{name}.gpkg"),
            ],
            log,
            env,
        )
        costs[f"SampleExtraction {name}"] = measure(
            [
                "otbcli_SampleExtraction",
                "-in",
                stack,
                "-vec",
                str(work / f"{name}.gpkg"),
                *field,
                "-outfield",
                "prefix",
                "-outfield.prefix.name",
                "value_",
                "-out",
                str(work / f"{name}_samples.gpkg"),
                "-ram",
                "1024",
            ],
            log,
            env,
        )
    costs["TrainVectorClassifier"] = measure(
        [
            "otbcli_TrainVectorClassifier",
            "-io.vd",
            str(work / "constant_samples.gpkg"),
            "-feat",
            *names,
            "-cfield",
            "code",
            *TREES,
            "-io.out",
            str(work / "model.txt"),
        ],
        log,
        env,
    )
    costs["ImageClassifier"] = measure(
        [
            "otbcli_ImageClassifier",
            "-in",
            stack,
            "-model",
            str(work / "model.txt"),
            "-out",
            str(work / "map.tif"),
            "uint8",
            "-confmap",
            str(work / "confidence.tif"),
            "-ram",
            "1024",
        ],
        log,
        env,
    )
    costs["ComputeConfusionMatrix"] = measure(
        [
            "otbcli_ComputeConfusionMatrix",
            "-in",
            str(work / "map.tif"),
            "-ref",
            "vector",
            "-ref.vector.in",
            truth,
            "-ref.vector.field",
            "code",
            "-out",
            str(work / "matrix.csv"),
        ],
        log,
        env,
    )
    return costs


def read_alone(config: Path, options: argparse.Namespace) -> Cost:
    """Decode every band and mask of the tile once, in whole blocks, by as many processes as the chain has."""
    files = sorted(str(path) for path in (config.parent / "s2").rglob("*.tif"))
    shares = [files[i :: options.workers] for i in range(options.workers)]
    code = (
        "import sys, rasterio\n"
        "for path in sys.stdin.read().split():\n"
        "    with rasterio.open(path) as source:\n        source.read(1)\n"
    )
    before, started = os.times(), time.perf_counter()
    readers = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True) for _ in shares]
    for reader, share in zip(readers, shares, strict=True):
        assert reader.stdin is not None
        reader.stdin.write("\n".join(share))
        reader.stdin.close()
    for reader in readers:
        reader.wait()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(time.perf_counter() - started, cpu, 0)


COMMON = {"arg_train.runs": 1, "Sentinel_2.temporal_resolution": 15, "arg_train.random_seed": 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--dates", type=int, default=24)
    parser.add_argument("--classes", type=int, default=12)
    parser.add_argument("--polygons", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--memory", default=None)
    parser.add_argument("--no-otb", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    log = options.folder / "bench.log"
    log.unlink(missing_ok=True)
    config = make_scene(options.folder, options)
    constant = {
        "arg_train.sample_selection.strategy": "constant",
        "arg_train.sample_selection.strategy.constant.nb": 1000,
    }
    out, out_all = options.folder / "out", options.folder / "out_all"
    # Kernels are compiled once per machine; that is not what is measured here.
    run_i2db(config, out, COMMON | constant | {"chain.window": 256}, options, log)
    chain = run_i2db(config, out, COMMON | constant | {"arg_train.extraction": "selected"}, options, log)
    everything = run_i2db(
        config, out_all, COMMON | {"arg_train.extraction": "all", "chain.last_step": "sampling"}, options, log
    )
    figures = {
        "machine": f"{options.workers} workers, {platform.machine()}, Python {platform.python_version()}",
        "scene": f"{options.size} x {options.size}, {options.dates} dates",
        "reading alone": vars(read_alone(config, options)),
        "chain, constant 1000": vars(chain),
        "stages": {name: rest for name, *rest in stages(out)},
        "sampling, all candidates": vars(everything),
        "stages of sampling": {name: rest for name, *rest in stages(out_all)},
    }
    if not options.no_otb and shutil.which("otbcli_ImageClassifier"):
        n_bands = write_stack(config, options.folder / "stack.tif")
        figures["OTB"] = {name: vars(cost) for name, cost in run_otb(options.folder, config, n_bands, log).items()}
    text = json.dumps(figures, indent=1)
    (options.folder / "figures.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
