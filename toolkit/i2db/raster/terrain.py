"""Slope, aspect, northness and eastness of a digital elevation model, as gdaldem computes them.

The gradient is Horn's (1981, "Hill shading and the reflectance map"): weighted differences over the eight neighbours.
Elevations and pixel sizes must be in the same unit; where pixels are measured in degrees the model is to be warped to
a projection in metres first (`is_metric`, `utm_projection`). Arrays come with a margin of one pixel on every side, so
that chunks give what the whole gives; NaN means no data.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ContractError, InputError

#: Pixels around a window that its measures depend on.
MARGIN = 1

Measure = Literal["slope", "aspect", "northness", "eastness"]
MEASURES: tuple[Measure, ...] = ("slope", "aspect", "northness", "eastness")
SlopeUnit = Literal["degree", "percent"]


def measure(
    elevation: NDArray[np.floating],
    resolution_x: float,
    resolution_y: float,
    name: Measure,
    *,
    unit: SlopeUnit = "degree",
    zero_for_flat: bool = False,
) -> NDArray[np.float32]:
    """One of `MEASURES` of an array (rows + 2, columns + 2): float32 (rows, columns); see the functions of its name."""
    if name == "slope":
        return slope(elevation, resolution_x, resolution_y, unit=unit)
    if name == "aspect":
        return aspect(elevation, resolution_x, resolution_y, zero_for_flat=zero_for_flat)
    if name == "northness":
        return northness(elevation, resolution_x, resolution_y)
    return eastness(elevation, resolution_x, resolution_y)


def slope(
    elevation: NDArray[np.floating], resolution_x: float, resolution_y: float, *, unit: SlopeUnit = "degree"
) -> NDArray[np.float32]:
    """Slope of an array (rows + 2, columns + 2), float32 (rows, columns): degrees (0 to 90), or percent.

    NaN where the pixel or one of its neighbours has no data, as `gdaldem slope` gives nodata.
    """
    east, north = gradient(elevation, resolution_x, resolution_y)
    rise = np.hypot(east, north)
    return (np.degrees(np.arctan(rise)) if unit == "degree" else 100 * rise).astype(np.float32)


def aspect(
    elevation: NDArray[np.floating], resolution_x: float, resolution_y: float, *, zero_for_flat: bool = False
) -> NDArray[np.float32]:
    """Direction that a slope faces, float32 (rows, columns) of an array (rows + 2, columns + 2).

    Degrees clockwise from north, 0 to below 360, as `gdaldem aspect` gives them. Flat pixels face nowhere: NaN, or 0
    with `zero_for_flat`. NaN where the pixel or one of its neighbours has no data. Where pixels are not square the
    gradient counts in map units; gdaldem takes pixels for it.
    """
    east, north = gradient(elevation, resolution_x, resolution_y)
    # Not -east: of 0 that is -0, and the north would be -0 degrees.
    angle = np.degrees(np.arctan2(0 - east, 0 - north)).astype(np.float32)
    angle = np.where(angle < 0, angle + np.float32(360), angle)
    angle[angle >= 360] = 0
    angle[(east == 0) & (north == 0)] = 0 if zero_for_flat else np.nan
    return np.asarray(angle, dtype=np.float32)


def northness(elevation: NDArray[np.floating], resolution_x: float, resolution_y: float) -> NDArray[np.float32]:
    """Cosine of the aspect, float32 (rows, columns): 1 faces north, -1 south, 0 on flat ground; NaN without data."""
    return _facing(*gradient(elevation, resolution_x, resolution_y), is_north=True)


def eastness(elevation: NDArray[np.floating], resolution_x: float, resolution_y: float) -> NDArray[np.float32]:
    """Sine of the aspect, float32 (rows, columns): 1 faces east, -1 west, 0 on flat ground; NaN without data."""
    return _facing(*gradient(elevation, resolution_x, resolution_y), is_north=False)


def _facing(east: NDArray[np.float64], north: NDArray[np.float64], *, is_north: bool) -> NDArray[np.float32]:
    rise = np.hypot(east, north)
    down = 0 - (north if is_north else east)
    return np.asarray(np.divide(down, rise, out=rise.copy(), where=rise != 0), dtype=np.float32)


def gradient(
    elevation: NDArray[np.floating], resolution_x: float, resolution_y: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Horn's rise per map unit eastwards and northwards, float64 (rows, columns), of an array (rows + 2, columns + 2).

    NaN where the pixel or one of its eight neighbours is NaN. Computed in double precision, where gdaldem adds
    elevations in single precision: with elevations that are exact in it the two agree to the last digit of float32.

    Raises:
        ContractError: the array has no margin, or a pixel size is not positive.
    """
    if elevation.ndim != 2 or min(elevation.shape) < 2 * MARGIN + 1 or min(resolution_x, resolution_y) <= 0:
        raise ContractError(
            f"terrain needs elevations (rows + 2, columns + 2) and positive pixel sizes, not an array of shape "
            f"{elevation.shape} with pixels of {resolution_x} x {resolution_y}"
        )
    z = elevation.astype(np.float64)
    west = z[:-2, :-2] + 2 * z[1:-1, :-2] + z[2:, :-2]
    east = z[:-2, 2:] + 2 * z[1:-1, 2:] + z[2:, 2:]
    north = z[:-2, :-2] + 2 * z[:-2, 1:-1] + z[:-2, 2:]
    south = z[2:, :-2] + 2 * z[2:, 1:-1] + z[2:, 2:]
    centre = np.where(np.isnan(z[1:-1, 1:-1]), np.nan, 0.0)
    # A pixel's own elevation cancels out; only its absence counts.
    return (east - west) / (8 * resolution_x) + centre, (north - south) / (8 * resolution_y) + centre


def fill_margin(
    elevation: NDArray[np.floating],
    *,
    north: bool = False,
    south: bool = False,
    west: bool = False,
    east: bool = False,
) -> None:
    """Continue elevations (rows + 2, columns + 2) beyond the edges of a file, in place, as gdaldem's -compute_edges.

    The margin of the sides that are named, those of the file, continues the two rows or columns before it in a straight
    line. At the four corner pixels of a file gdaldem repeats the column instead; here they continue as the others do.
    Gaps inside the file stay gaps: gdaldem would put the centre's elevation there, which flattens their rims. A file of
    one row or column is not continued across it.
    """
    z = elevation
    if west:
        z[:, 0] = 2 * z[:, 1] - z[:, 2]
    if east:
        z[:, -1] = 2 * z[:, -2] - z[:, -3]
    if north:
        z[0] = 2 * z[1] - z[2]
    if south:
        z[-1] = 2 * z[-2] - z[-3]


def is_metric(crs: str) -> bool:
    """Whether pixels of a projection are measured in metres, so that elevations in metres can be compared with them.

    Raises:
        InputError: the projection is not known.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        projection = CRS.from_user_input(crs)
    except CRSError as error:
        raise InputError(f"the projection {crs} is not known: {error}") from error
    if projection.is_geographic:
        return False
    return all(math.isclose(axis.unit_conversion_factor, 1.0) for axis in projection.axis_info[:2])


def utm_projection(longitude: float, latitude: float) -> str:
    """The UTM zone (WGS 84, as EPSG:32631) over a point in degrees: metres for a model that is in degrees.

    Zones are 6 degrees wide without the exceptions of Norway and Svalbard.

    Raises:
        InputError: the point lies beyond UTM (84 degrees north, 80 south).
    """
    if not (-180 <= longitude <= 180 and -80 <= latitude <= 84):
        raise InputError(
            f"there is no UTM zone at longitude {longitude:g}, latitude {latitude:g}",
            hint="warp the model to a projection in metres first",
        )
    zone = min(60, math.floor((longitude + 180) / 6) + 1)
    return f"EPSG:{32600 + zone if latitude >= 0 else 32700 + zone}"
