"""How near are features to reading alone? Measures both on a product tree, one thread.

    .venv/bin/python tests/bench/bench_read.py --size 1024 --dates 12
    .venv/bin/python tests/bench/bench_read.py --tree /data/theia --tile T31TCJ --resolution 10

Without --tree a scene is simulated into a temporary folder. Every figure is the best of --repeat.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from i2db.raster.cube import Cube
from i2db.raster.features import SensorFeatures, interpolation_dates
from i2db.raster.grid import Grid, Window
from i2db.raster.pixels import PixelLoader
from i2db.raster.read import SeriesReader
from i2db.raster.windows import chunks
from i2db.sensors.declaration import load_sensor
from i2db.sensors.product import Product
from i2db.sensors.scan import scan

#: Rows that are computed at once: some megabytes of features.
ROWS = 16


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
        figures = {
            "open the files": _best(1, lambda: _open(products, grid)),
            "read": _best(options.repeat, lambda: [reader.read(window) for window in windows]),
            "read + features": _best(options.repeat, lambda: [_compute(features, reader.read(w)) for w in windows]),
            "masks alone": _best(options.repeat, lambda: [reader.read_masks(window) for window in windows]),
        }
        cube = reader.read(windows[0])
        share = whole.n_pixels / cube.window.n_pixels
        figures["load as reflectances alone"] = share * _best(options.repeat, lambda: _load(cube))
        figures["features alone"] = share * _best(options.repeat, lambda: _compute(features, cube))
    for name, seconds in figures.items():
        print(f"{name:28} {seconds:8.3f} s {whole.n_pixels / seconds / 1000:10.0f} k pixels/s")
    print(f"features / reading alone: {figures['read + features'] / figures['read']:.2f}")


def _compute(features: SensorFeatures, cube: Cube) -> None:
    for row in range(0, cube.window.n_rows, ROWS):
        features.compute(cube, slice(row, row + ROWS))


def _load(cube: Cube) -> None:
    loader = PixelLoader(cube, cube.bands, 256)
    for row in range(cube.window.n_rows):
        for column in _pieces(cube.window.n_columns):
            loader.block(Window(column, row, min(256, cube.window.n_columns - column), 1))


def _pieces(n_columns: int) -> Iterator[int]:
    yield from range(0, n_columns, 256)


def _open(products: list[Product], grid: Grid) -> None:
    with SeriesReader(load_sensor("sentinel2"), products, grid) as reader:
        window = reader.window
        reader.read(Window(window.column - 1, window.row - 1, 1, 1))


def _best(repeat: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


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
