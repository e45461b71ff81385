"""How near are features to reading alone? Measures both on a product tree, one thread.

    .venv/bin/python tests/bench/bench_read.py --size 1024 --dates 12
    .venv/bin/python tests/bench/bench_read.py --tree /data/theia --tile T31TCJ --resolution 10

Without --tree a scene is simulated into a temporary folder. Every figure is the best of --repeat.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from i2db.raster.cube import Cube
from i2db.raster.features import SensorFeatures, interpolation_dates
from i2db.raster.grid import Grid, Window
from i2db.raster.read import SeriesReader
from i2db.raster.windows import chunks
from i2db.sensors.declaration import load_sensor
from i2db.sensors.product import Product
from i2db.sensors.scan import scan

#: Rows that are computed at once: some megabytes of features.
ROWS = 8


def main() -> None:
    """Parse the arguments, measure, print a table."""
    options = _options()
    sensor = load_sensor("sentinel2")
    with tempfile.TemporaryDirectory() as folder:
        root, tile = options.tree, options.tile
        if root is None:
            root, tile = _simulated(Path(folder), options)
        products, findings = scan(sensor, root, tile)
        for finding in findings:
            print(finding)
        grid = Grid(_projection(products[0]), options.resolution, options.resolution)
        _measure(products, grid, options)


def _measure(products: list[Product], grid: Grid, options: argparse.Namespace) -> None:
    sensor = load_sensor("sentinel2")
    dates = interpolation_dates(products[0].date, products[-1].date, options.step)
    features = SensorFeatures(sensor=sensor, bands=sensor.band_names, dates=dates)
    figures: dict[str, tuple[float, float]] = {}
    with SeriesReader(sensor, products, grid) as reader:
        whole = reader.window
        windows = chunks(whole, reader.block_shape, reader.origin, target_pixels=options.chunk)
        print(
            f"{whole.n_columns} x {whole.n_rows} pixels, {len(products)} products, {len(dates)} target dates, "
            f"{len(features.features)} features, blocks {reader.block_shape}, {len(windows)} chunk(s), "
            f"{reader.bytes_per_pixel:.0f} bytes per pixel"
        )
        small = reader.read(Window(whole.column, whole.row, 32, 32))
        _compute(features, small)  # compiles, or loads what was compiled
        cube = reader.read(windows[0])
        share = whole.n_pixels / cube.window.n_pixels
        figures["features of what is read"] = _best(options.repeat, lambda: _compute(features, cube), share)

    # A reader of its own for each pass: GDAL forgets the decoded blocks of a file when the file is closed.
    def run(work: Callable[[SeriesReader, Window], object]) -> None:
        with SeriesReader(sensor, products, grid) as reader:
            for window in windows:
                work(reader, window)

    figures["open the files"] = _best(options.repeat, lambda: _open(products, grid))
    figures["masks"] = _best(options.repeat, lambda: run(lambda reader, window: reader.read_masks(window)))
    figures["read"] = _best(options.repeat, lambda: run(lambda reader, window: reader.read(window)))
    figures["read + features"] = _best(
        options.repeat, lambda: run(lambda reader, window: _compute(features, reader.read(window)))
    )
    print(f"{'':28} {'wall s':>8} {'CPU s':>8} {'k pixels per CPU s':>20}")
    for name, (wall, cpu) in figures.items():
        print(f"{name:28} {wall:8.3f} {cpu:8.3f} {whole.n_pixels / cpu / 1000:20.0f}")
    print(f"read + features / read: {figures['read + features'][1] / figures['read'][1]:.2f} (CPU)")


def _compute(features: SensorFeatures, cube: Cube) -> None:
    out = np.empty((ROWS * cube.window.n_columns, features.n_features), dtype=np.float32)
    for row in range(0, cube.window.n_rows, ROWS):
        features.compute(cube, slice(row, row + ROWS), out=out)


def _open(products: list[Product], grid: Grid) -> None:
    with SeriesReader(load_sensor("sentinel2"), products, grid) as reader:
        window = reader.window
        reader.read(Window(window.column - 1, window.row - 1, 1, 1))


def _best(repeat: int, work: Callable[[], object], share: float = 1.0) -> tuple[float, float]:
    """Least wall and CPU seconds of some repetitions, times a share."""
    walls, cpus = [], []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return share * min(walls), share * min(cpus)


def _simulated(folder: Path, options: argparse.Namespace) -> tuple[Path, str]:
    from i2db.simulate import simulate

    block = options.block or None
    simulate(folder / "scene", size=options.size, dates=options.dates, block=block, overwrite=True)
    tile_folder = next(path.parent for path in sorted(folder.rglob("SENTINEL2*")) if path.is_dir())
    return tile_folder.parent, tile_folder.name


def _projection(product: Product) -> str:
    import rasterio

    with rasterio.open(product.bands[0].path) as dataset:
        return str(dataset.crs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, help="folder of tiles; a scene is simulated without it")
    parser.add_argument("--tile", default="", help="tile in that folder")
    parser.add_argument("--resolution", type=float, default=10.0, help="metres per pixel of the grid")
    parser.add_argument("--size", type=int, default=1024, help="side of the simulated tile in pixels")
    parser.add_argument("--dates", type=int, default=12, help="dates of the simulated series")
    parser.add_argument("--block", type=int, default=0, help="side of the inner tiles of simulated files")
    parser.add_argument("--step", type=int, default=30, help="days between target dates")
    parser.add_argument("--chunk", type=int, default=2**20, help="pixels of a chunk")
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
