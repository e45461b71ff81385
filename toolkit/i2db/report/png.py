"""Arrays as PNG, the same bytes for the same array: few colours as a palette, many as red, green, blue."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_MOST_COLORS = 256


def indexed_png(places: NDArray[np.integer], palette: NDArray[np.uint8]) -> bytes:
    """PNG of an array (rows, columns) of places in a palette of colours (n, 3).

    Only the colours that occur are kept; beyond 256 of them every pixel has its own red, green and blue.
    """
    used, found = np.unique(places, return_inverse=True)
    rows, columns = places.shape
    if len(used) > _MOST_COLORS:
        pixels, kind, chunks = palette[places].reshape(rows, columns * 3), 2, b""
    else:
        pixels, kind = found.reshape(rows, columns).astype(np.uint8), 3
        chunks = _chunk(b"PLTE", palette[used].astype(np.uint8).tobytes())
    lines = np.zeros((rows, pixels.shape[1] + 1), np.uint8)  # the first byte of a line: no filter
    lines[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            chunks,
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
