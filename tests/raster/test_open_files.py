"""A series of more files than a process may open at first is read all the same."""

from __future__ import annotations

import itertools
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from i2db.config.reader import load
from i2db.raster.open_files import hint_of
from i2db.raster.read import SeriesReader
from i2db.series import project_grid, scan_all
from i2db.simulate import simulate

OPEN = Path("/proc/self/fd")


ROOM = 40


def opened() -> set[int]:
    return {int(entry.name) for entry in OPEN.iterdir()}


@pytest.fixture
def few_files() -> Iterator[int]:
    """A process that may open `ROOM` files more; the number that it has open."""
    before, used = resource.getrlimit(resource.RLIMIT_NOFILE), opened()
    free = (number for number in itertools.count() if number not in used)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next(itertools.islice(free, ROOM, None)), before[1]))
    yield len(used)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(not OPEN.is_dir(), reason="the system does not tell which files are open")
def test_more_files_than_the_limit_of_the_shell(tmp_path: Path, few_files: int) -> None:
    scene = simulate(tmp_path / "scene", size=64, dates=5, classes=3, seed=1)
    config = load(scene.config).config
    (series,) = scan_all(config, None, [])
    (products,) = series.products.values()
    grid = project_grid(config, [series])
    with SeriesReader(series.sensor, products, grid) as reader:
        cube = reader.read(reader.window)
        assert len(opened()) > few_files + ROOM
    assert cube.n_products == len(products)


def test_where_the_limit_cannot_be_raised_it_is_told() -> None:
    assert "ulimit -n" in str(hint_of(OSError("a.tif: Too many open files")))
    assert hint_of(OSError("a.tif: No such file")) is None
