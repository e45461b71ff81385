"""Cutting a tile into chunks and windows that are whole blocks of its files.

Reading half a block decodes all of it, so a cut across blocks costs 2 to 12 times the reading.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from i2db.errors import ConfigError
from i2db.raster.grid import Window

#: Pixels that a chunk whose size is derived holds at most, unless one row of blocks holds more.
TARGET_PIXELS = 2**23
#: Chunks that a tile has at least, where its blocks allow it: workers want something to share.
LEAST_CHUNKS = 4

ChunkMode = Literal["derived", "split_number", "user_fixed"]


def split(window: Window, block_shape: tuple[int, int], origin: tuple[int, int], max_pixels: int) -> list[Window]:
    """Cut a window into windows of at most `max_pixels`, row by row from the north-west, along the files' blocks.

    `block_shape` is (rows, columns) of a block in grid pixels, `origin` the (column, row) where the blocks start.
    A block is cut, into rows, only when it alone holds more than `max_pixels`.

    Raises:
        ValueError: `max_pixels` is less than 1.
    """
    if max_pixels < 1:
        raise ValueError(f"max_pixels must be at least 1, not {max_pixels}")
    rows = _block_edges(window.row, window.row_end, origin[1], block_shape[0])
    columns = _block_edges(window.column, window.column_end, origin[0], block_shape[1])
    highest = max(b - a for a, b in pairwise(rows))
    if highest * window.n_columns <= max_pixels:
        rows = _grouped(rows, max_pixels // window.n_columns)
        columns = [window.column, window.column_end]
    else:
        columns = _grouped(columns, max(1, max_pixels // highest))
    windows = _lattice(columns, rows)
    return [piece for part in windows for piece in _cut_small(part, max_pixels)]


def chunks(
    tile_window: Window,
    block_shape: tuple[int, int],
    origin: tuple[int, int],
    *,
    mode: ChunkMode = "derived",
    number: int = 1,
    size_x: int = 0,
    size_y: int = 0,
    fine_rows: int | None = None,
    target_pixels: int = TARGET_PIXELS,
) -> list[Window]:
    """The chunks of a tile, row by row from the north-west.

    - derived: rows of blocks over the whole width, as many as make `target_pixels` and leave `LEAST_CHUNKS` chunks.
      Bands that are interpolated need a few pixels beyond a chunk, so a limit between two of their blocks has both
      decoded by both chunks, and one within a block only that block: with `fine_rows` (rows of the finest band's
      blocks) limits lie there, in the middle of the coarser band's blocks;
    - split_number: `number` strips of rows with limits floor(linspace(0, height, number + 1)); a number above the
      height gives strips of one row cut into `number` - height pieces each;
    - user_fixed: `size_x` by `size_y` pixels from the tile's north-west corner, the last ones smaller.

    Raises:
        ConfigError: a number below 1 or above height + width, or a size below 1.
    """
    if mode == "derived":
        return _lattice(
            [tile_window.column, tile_window.column_end],
            _strips(tile_window, block_shape[0], origin[1], fine_rows, target_pixels),
        )
    if mode == "user_fixed":
        if size_x < 1 or size_y < 1:
            raise ConfigError(
                f"chunk_size_x and chunk_size_y must be at least 1, not {size_x} and {size_y}",
                hint="or leave chunk_size_mode out: the size is then derived from the files' blocks",
            )
        return _lattice(
            _block_edges(tile_window.column, tile_window.column_end, tile_window.column, size_x),
            _block_edges(tile_window.row, tile_window.row_end, tile_window.row, size_y),
        )
    width, height = tile_window.n_columns, tile_window.n_rows
    if not 1 <= number <= width + height:
        raise ConfigError(
            f"number_of_chunks must lie between 1 and {width + height} (width + height of the tile), not {number}"
        )
    n_strips, n_pieces = min(number, height), max(1, number - height)
    return _lattice(
        [tile_window.column + width * k // n_pieces for k in range(n_pieces + 1)],
        [tile_window.row + height * k // n_strips for k in range(n_strips + 1)],
    )


def _strips(tile: Window, block_rows: int, origin_row: int, fine_rows: int | None, target_pixels: int) -> list[int]:
    """Limits of the rows of derived chunks."""
    is_shifted = fine_rows is not None and fine_rows < block_rows and block_rows % (2 * fine_rows) == 0
    shift = block_rows // 2 if is_shifted else 0
    edges = _block_edges(tile.row, tile.row_end, origin_row + shift, block_rows)
    most_rows = max(target_pixels // tile.n_columns, block_rows)
    return _grouped(edges, max(block_rows, min(most_rows, -(-tile.n_rows // LEAST_CHUNKS))))


def _block_edges(first: int, end: int, origin: int, size: int) -> list[int]:
    """`first`, `end` and the limits of blocks between them."""
    inner = range(origin + (math.floor((first - origin) / size) + 1) * size, end, size)
    return [first, *inner, end]


def _grouped(edges: Sequence[int], longest: int) -> list[int]:
    """Leave out edges so that pieces are as long as possible but, where a single one fits, at most `longest`."""
    kept = [edges[0]]
    for edge, following in zip(edges[1:], [*edges[2:], None], strict=True):
        if following is None or following - kept[-1] > longest:
            kept.append(edge)
    return kept


def _lattice(columns: Sequence[int], rows: Sequence[int]) -> list[Window]:
    return [
        Window(left, top, right - left, bottom - top)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]


def _cut_small(window: Window, max_pixels: int) -> list[Window]:
    """The window, or rows of it where it is too large, or pieces of rows where even those are."""
    if window.n_pixels <= max_pixels:
        return [window]
    n_columns = min(window.n_columns, max_pixels)
    n_rows = max(1, max_pixels // window.n_columns)
    return _lattice(
        _block_edges(window.column, window.column_end, window.column, n_columns),
        _block_edges(window.row, window.row_end, window.row, n_rows),
    )
