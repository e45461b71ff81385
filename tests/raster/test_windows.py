"""Cutting into windows and chunks: a partition, along the blocks, in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2db.errors import ConfigError
from i2db.raster.grid import Window
from i2db.raster.windows import chunks, split

WINDOWS = st.builds(
    Window, st.integers(-30, 30), st.integers(-30, 30), n_columns=st.integers(1, 60), n_rows=st.integers(1, 60)
)
BLOCKS = st.tuples(st.integers(1, 20), st.integers(1, 20))
ORIGINS = st.tuples(st.integers(-9, 9), st.integers(-9, 9))


def check_partition(parts: list[Window], window: Window) -> None:
    seen = np.zeros(window.shape, dtype=int)
    for part in parts:
        assert part.intersection(window) == part
        seen[part.slices_in(window)] += 1
    assert (seen == 1).all()


@given(WINDOWS, BLOCKS, ORIGINS, st.integers(1, 2000))
def test_split_is_a_partition_along_blocks(
    window: Window, block: tuple[int, int], origin: tuple[int, int], most: int
) -> None:
    parts = split(window, block, origin, most)
    check_partition(parts, window)
    assert all(part.n_pixels <= most for part in parts)
    if most >= block[0] * block[1]:
        assert [(part.row, part.column) for part in parts] == sorted((part.row, part.column) for part in parts)
        columns = {part.column for part in parts} - {window.column}
        rows = {part.row for part in parts} - {window.row}
        assert all((column - origin[0]) % block[1] == 0 for column in columns)
        assert all((row - origin[1]) % block[0] == 0 for row in rows)


def test_split_takes_whole_rows_of_blocks_where_they_fit() -> None:
    tile = Window(0, 0, 2048, 2048)
    assert split(tile, (512, 512), (0, 0), 2**20) == [Window(0, row, 2048, 512) for row in range(0, 2048, 512)]
    assert split(tile, (512, 512), (0, 0), 2**19) == [
        Window(column, row, 1024, 512) for row in range(0, 2048, 512) for column in (0, 1024)
    ]


@given(WINDOWS, BLOCKS, ORIGINS, st.sampled_from([None, 1, 2, 4]))
def test_derived_chunks(window: Window, block: tuple[int, int], origin: tuple[int, int], fine_rows: int | None) -> None:
    parts = chunks(window, block, origin, fine_rows=fine_rows, target_pixels=300)
    check_partition(parts, window)
    assert all(part.n_columns == window.n_columns for part in parts)
    assert all(part.n_rows <= max(block[0], 300 // window.n_columns) for part in parts)
    # Inner limits are all at one place within a block: between blocks, or in the middle of them.
    assert len({(part.row - origin[1]) % block[0] for part in parts[1:]}) <= 1


def test_derived_chunks_of_a_tile() -> None:
    # Blocks of 512 rows at 10 m and at 20 m: limits between the former, in the middle of the latter.
    small = chunks(Window(0, 0, 2048, 2048), (1024, 1024), (0, 0), fine_rows=512)
    assert [(part.row, part.n_rows) for part in small] == [(0, 512), (512, 1024), (1536, 512)]
    large = chunks(Window(0, 0, 10980, 10980), (1024, 1024), (0, 0), fine_rows=512)
    assert [part.n_rows for part in large] == [512, *[1024] * 10, 228]
    # Files of single rows can be cut anywhere.
    assert [part.n_rows for part in chunks(Window(0, 0, 100, 100), (1, 100), (0, 0), fine_rows=1)] == [25, 25, 25, 25]


@given(WINDOWS, st.integers(1, 120))
def test_split_number(window: Window, number: int) -> None:
    if number > window.n_columns + window.n_rows:
        with pytest.raises(ConfigError, match="number_of_chunks"):
            chunks(window, (8, 8), (0, 0), mode="split_number", number=number)
        return
    parts = chunks(window, (8, 8), (0, 0), mode="split_number", number=number)
    check_partition(parts, window)
    if number <= window.n_rows:
        limits = np.floor(np.linspace(0, window.n_rows, number + 1) + 1e-9).astype(int)
        assert [part.row - window.row for part in parts] == limits[:-1].tolist()
        assert all(part.n_columns == window.n_columns for part in parts)


@given(WINDOWS, st.integers(1, 25), st.integers(1, 25))
def test_user_fixed(window: Window, size_x: int, size_y: int) -> None:
    parts = chunks(window, (8, 8), (0, 0), mode="user_fixed", size_x=size_x, size_y=size_y)
    check_partition(parts, window)
    assert (parts[0].column, parts[0].row) == (window.column, window.row)
    assert parts[0].shape == (min(size_y, window.n_rows), min(size_x, window.n_columns))
    assert len(parts) == -(-window.n_rows // size_y) * -(-window.n_columns // size_x)


def test_user_fixed_needs_sizes() -> None:
    with pytest.raises(ConfigError, match="chunk_size_x and chunk_size_y"):
        chunks(Window(0, 0, 9, 9), (8, 8), (0, 0), mode="user_fixed", size_x=5)
