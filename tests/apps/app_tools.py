"""Small rasters and vector files for the applications, and OTB's own applications where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

#: Corner of the rasters: at no multiple of the pixel size, so that nothing relies on it.
LEFT, TOP, PIXEL = 500_003.0, 4_800_007.0, 10.0


def write(
    path: Path,
    array: NDArray[Any],
    *,
    left: float = LEFT,
    top: float = TOP,
    pixel: float = PIXEL,
    crs: str = "EPSG:32631",
    nodata: float | None = None,
) -> Path:
    """Write (bands, rows, columns) or (rows, columns)."""
    bands = array if array.ndim == 3 else array[np.newaxis]
    profile = {
        "driver": "GTiff",
        "count": bands.shape[0],
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype.name,
        "crs": crs,
        "transform": Affine(pixel, 0, left, 0, -pixel, top),
        "nodata": nodata,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(bands)
    return path


def read(path: Path) -> NDArray[Any]:
    """(bands, rows, columns)."""
    with rasterio.open(path) as source:
        array: NDArray[Any] = source.read()
    return array


def corner(path: Path) -> tuple[float, float, int, int]:
    """Left, top, columns, rows."""
    with rasterio.open(path) as source:
        return source.bounds.left, source.bounds.top, source.width, source.height


def otb(name: str, *words: object) -> None:
    """Run OTB's own application; the test is skipped where there is none."""
    program = shutil.which(f"otbcli_{name}")
    if program is None:
        pytest.skip("OTB is not installed")
    environment = os.environ | {"OTB_LOGGER_LEVEL": "WARNING", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    # Python's own libraries must not reach OTB's launcher.
    environment.pop("PYTHONPATH", None)
    command: Sequence[str] = [program, *(str(word) for word in words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def numbers(shape: tuple[int, ...], seed: int = 0, dtype: str = "float32") -> NDArray[Any]:
    """Smooth numbers with some noise, between 0 and 1000 or so."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    smooth = 400 + 200 * np.sin(x / 5) + 150 * np.cos(y / 7)
    return (smooth + random.uniform(0, 60, shape)).astype(dtype)
