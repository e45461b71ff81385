"""Maps read small for a picture, and where they lie: labels by their most frequent class, numbers by their mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError

#: Pixels along the longer side of a quick look of labels, and of numbers: what a screen shows, and what keeps the
#: report below 3 MB even where a map is nothing but noise.
MOST_PIXELS = {"mode": 1000, "average": 700}
_STRIP_ROWS = 512


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a raster lies: true metres across its middle, and its middle in degrees; NaN where it has no projection.

    unit: of its coordinates, as it is written.
    """

    width: float
    height: float
    longitude: float
    latitude: float
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class QuickLook:
    """A raster read small.

    values: (rows, columns), masked where there is no data. aspect: width of a pixel over its height, in map units.
    """

    values: Any
    aspect: float
    where: Whereabouts


def quick_look(path: Path, how: Literal["mode", "average"], *, most_pixels: int | None = None) -> QuickLook:
    """Read a raster at no more than so many pixels along a side, through its overviews; InputError if it cannot be."""
    from rasterio.enums import Resampling

    with _opened(path) as source:
        most = most_pixels or MOST_PIXELS[how]
        step = max(1.0, source.width / most, source.height / most)
        shape = max(1, round(source.height / step)), max(1, round(source.width / step))
        nodata = 0 if source.nodata is None else source.nodata
        values = source.read(1, out_shape=shape, resampling=Resampling[how])
        aspect = abs(source.res[0] * source.width / shape[1]) / abs(source.res[1] * source.height / shape[0])
        return QuickLook(np.ma.masked_equal(values, nodata), aspect, _whereabouts(source))


def whereabouts(path: Path) -> Whereabouts:
    """Where a raster lies; InputError if it cannot be read."""
    with _opened(path) as source:
        return _whereabouts(source)


def histogram(path: Path) -> dict[int, int]:
    """Pixels of each value of a raster of whole numbers, no data left out; the whole raster, strip by strip."""
    counts = np.zeros(1, np.int64)
    with _opened(path) as source:
        nodata = 0 if source.nodata is None else int(source.nodata)
        for top in range(0, source.height, _STRIP_ROWS):
            rows = min(_STRIP_ROWS, source.height - top)
            strip: NDArray[np.integer] = source.read(1, window=((top, top + rows), (0, source.width)))
            found = np.bincount(strip.ravel())
            if len(found) > len(counts):
                counts, found = found.astype(np.int64), counts
            counts[: len(found)] += found
    return {value: int(n) for value, n in enumerate(counts) if n and value != nodata}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import rasterio

    try:
        with rasterio.open(path) as source:
            yield source
    except rasterio.errors.RasterioIOError as error:
        raise InputError(f"cannot draw {path}: {error}", hint="has the mosaic stage run?") from error


def _whereabouts(source: Any) -> Whereabouts:
    """Lengths on the ellipsoid, along the middle row and the middle column."""
    import pyproj

    if source.crs is None:
        return Whereabouts(math.nan, math.nan, math.nan, math.nan, "units")
    names = {"metre": "m", "meter": "m", "degree": "°"}
    unit = "°" if source.crs.is_geographic else names.get(source.crs.linear_units, source.crs.linear_units)
    west, south, east, north = source.bounds
    x, y = (west + east) / 2, (south + north) / 2
    to_degrees = pyproj.Transformer.from_crs(pyproj.CRS.from_wkt(source.crs.to_wkt()), "OGC:CRS84", always_xy=True)
    longitudes, latitudes = to_degrees.transform([west, x, east, x, x], [y, south, y, north, y])
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(longitudes[:2], latitudes[:2], longitudes[2:4], latitudes[2:4])
    return Whereabouts(float(metres[0]), float(metres[1]), float(longitudes[4]), float(latitudes[4]), unit)
