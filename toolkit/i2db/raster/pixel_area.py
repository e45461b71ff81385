"""True area of pixels on the ellipsoid, whatever the projection does to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError


def pixel_areas(
    crs: str, resolution_x: float, resolution_y: float, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area in square metres (n,) of pixels whose centres are at x, y (n,) in map units.

    In degrees: the zone between the parallels of the pixel's edges (Snyder 1987, Map Projections, eq. 3-12), exact.
    Projected: the area element of the ellipsoid, by differences of longitude and latitude over the pixel. Degrees on a
    sphere (MODIS' sinusoidal grid) are those of WGS 84, as PROJ takes them on the way to any other system: a sphere is
    how they are projected, not the shape of the ground.

    Raises:
        InputError: the projection is unknown, or does not reach there.
    """
    import pyproj

    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise InputError(f"the true area of pixels in {crs} cannot be told: {error}") from error
    ellipsoid = system.get_geod()
    if ellipsoid is None:
        raise InputError(f"the true area of pixels in {crs} cannot be told: it has no ellipsoid")
    if ellipsoid.es == 0:
        ellipsoid = pyproj.Geod(ellps="WGS84")
    if system.is_geographic:
        unit = float(system.axis_info[0].unit_conversion_factor)
        return _zone_areas(ellipsoid.a, ellipsoid.es, y * unit, resolution_x * unit, resolution_y * unit)
    projection = pyproj.Proj(system)
    ends_x = np.stack([x + resolution_x / 2, x - resolution_x / 2, x, x])
    ends_y = np.stack([y, y, y + resolution_y / 2, y - resolution_y / 2])
    longitude, latitude = (np.radians(angle) for angle in projection(ends_x, ends_y, inverse=True))
    if not (np.isfinite(longitude).all() and np.isfinite(latitude).all()):
        raise InputError(f"the true area of pixels in {crs} cannot be told: the map reaches beyond the projection")
    east, north = _difference(longitude), latitude[::2] - latitude[1::2]
    sine = np.sin(latitude.mean(axis=0))
    curvature = ellipsoid.a**2 * (1 - ellipsoid.es) / (1 - ellipsoid.es * sine**2) ** 2
    area = np.abs(east[0] * north[1] - east[1] * north[0]) * curvature * np.sqrt(1 - sine**2)
    return np.asarray(area, dtype=np.float64)


def _difference(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences of pairs of longitudes (radians), also across the date line."""
    return np.asarray((longitude[::2] - longitude[1::2] + np.pi) % (2 * np.pi) - np.pi, dtype=np.float64)


def _zone_areas(a: float, es: float, latitude: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64]:
    """Area of cells of some width and height (radians) around latitudes (radians) on an ellipsoid."""
    north, south = latitude + abs(height) / 2, latitude - abs(height) / 2
    difference = _authalic(np.sin(north), es) - _authalic(np.sin(south), es)
    return np.asarray(a**2 * abs(width) / 2 * difference, dtype=np.float64)


def _authalic(sine: NDArray[np.float64], es: float) -> NDArray[np.float64]:
    """q of Snyder's eq. 3-12 for the sine of a latitude."""
    e = np.sqrt(es)
    return np.asarray((1 - es) * (sine / (1 - es * sine**2) + np.arctanh(e * sine) / e), dtype=np.float64)
