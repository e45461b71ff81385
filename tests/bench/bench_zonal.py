"""Zonal statistics against exactextract: class shares and means of polygons over a raster, in one run.

    .venv/bin/python tests/bench/bench_zonal.py --size 5000 --zones 5000

Both read the same files and write the same kind of result; each is run once to warm up (kernels are compiled, files
are in the page cache), then the best of --repeat is told. One process each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import rasterio
import shapely

from i2db.zonal import zonal_statistics
from i2db.zonal.fill import Membership
from i2db.zonal.run import Options

LEFT, TOP, SIZE = 400_000.0, 5_000_000.0, 10.0


def main() -> None:
    """Parse the arguments, make the data, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=5000, help="rows and columns of the raster")
    parser.add_argument("--zones", type=int, default=5000, help="polygons")
    parser.add_argument("--radius", type=float, default=350.0, help="of a typical polygon, metres")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder, options)
        figures = {
            "shares, pixel centres: i2db": _best(lambda: _ours(folder, Membership.CENTER, "1:rate"), options.repeat),
            "shares, touched: i2db": _best(lambda: _ours(folder, Membership.TOUCHED, "1:rate"), options.repeat),
            "shares, covered: i2db": _best(lambda: _ours(folder, Membership.EXACT, "1:rate"), options.repeat),
            "shares, covered: exactextract": _best(lambda: _theirs(folder, ["unique", "frac"]), options.repeat),
            "mean, covered: i2db": _best(lambda: _ours(folder, Membership.EXACT, "1:stats"), options.repeat),
            "mean, covered: exactextract": _best(
                lambda: _theirs(folder, ["mean", "stdev", "min", "max"]), options.repeat
            ),
        }
        for what, (wall, cpu) in figures.items():
            print(f"{what:<32} {wall:7.2f} s {cpu:7.2f} CPU s")


def _make(folder: Path, options: argparse.Namespace) -> None:
    """Fields of 12 classes, and polygons of 24 vertices."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(1, 13, (-(-options.size // 20),) * 2, dtype=np.uint8)
    labels = coarse.repeat(20, 0).repeat(20, 1)[: options.size, : options.size]
    profile = {
        "driver": "GTiff",
        "width": options.size,
        "height": options.size,
        "count": 1,
        "dtype": "uint8",
        "nodata": 0,
        "crs": "EPSG:32631",
        "transform": rasterio.Affine(SIZE, 0, LEFT, 0, -SIZE, TOP),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
    }
    with rasterio.open(folder / "labels.tif", "w", **profile) as target:
        target.write(labels, 1)
    side = options.size * SIZE
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    x = LEFT + rng.uniform(0, side, options.zones)
    y = TOP - rng.uniform(0, side, options.zones)
    reach = options.radius * rng.uniform(0.5, 1.5, (options.zones, 1)) * rng.uniform(0.7, 1, (options.zones, 24))
    vertices = np.stack([x[:, None] + reach * np.cos(angles), y[:, None] + reach * np.sin(angles)], axis=2)
    zones = geopandas.GeoDataFrame({"id": range(options.zones)}, geometry=shapely.polygons(vertices), crs="EPSG:32631")
    zones.to_file(folder / "zones.gpkg")
    n_pixels = zones.area.sum() / SIZE**2
    print(f"{options.size**2 / 1e6:.0f} million pixels, {options.zones} zones of {n_pixels / options.zones:.0f} pixels")


def _ours(folder: Path, membership: Membership, params: str) -> None:
    zonal_statistics(
        [folder / "labels.tif"], folder / "zones.gpkg", params, folder / "ours.parquet", Options(membership=membership)
    )


def _theirs(folder: Path, operations: list[str]) -> None:
    """As its documentation shows it: from file to table, and the table to a file."""
    import exactextract

    zones = geopandas.read_file(folder / "zones.gpkg")
    result = exactextract.exact_extract(
        str(folder / "labels.tif"), zones, operations, include_cols=["id"], include_geom=True, output="pandas"
    )
    result.to_parquet(folder / "theirs.parquet")


def _best(work: Callable[[], None], repeat: int) -> tuple[float, float]:
    """Shortest wall time and CPU time of some runs, after one to warm up."""
    work()
    walls, processors = [], []
    for _ in range(repeat):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


if __name__ == "__main__":
    main()
