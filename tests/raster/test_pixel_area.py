"""True areas against geodesic polygons."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from i2db.errors import InputError
from i2db.raster.pixel_area import pixel_areas


def geodesic(crs: str, x: float, y: float, width: float, height: float) -> float:
    """Area of a pixel as a polygon of 800 points on the ellipsoid."""
    system = pyproj.CRS(crs)
    transformer = pyproj.Transformer.from_crs(crs, system.geodetic_crs, always_xy=True)
    along = np.linspace(-0.5, 0.5, 200)
    constant = np.ones(200)
    xs = np.concatenate([x + along * width, x + constant * width / 2, x - along * width, x - constant * width / 2])
    ys = np.concatenate([y - constant * height / 2, y + along * height, y + constant * height / 2, y - along * height])
    geod = system.get_geod()
    assert geod is not None
    return abs(geod.polygon_area_perimeter(*transformer.transform(xs, ys))[0])


@pytest.mark.parametrize(
    ("crs", "x", "y", "size"),
    [
        ("EPSG:32631", 500_000, 5_600_000, 10),
        ("EPSG:32631", 830_000, 5_600_000, 100),
        ("EPSG:2154", 700_000, 6_600_000, 500),
        ("EPSG:3035", 4_300_000, 3_200_000, 1000),
        ("EPSG:3857", 500_000, 6_500_000, 1000),
        # US feet.
        ("EPSG:2263", 1_000_000, 200_000, 300),
        ("EPSG:4326", 4, 50, 0.25),
        ("EPSG:4326", 179.95, -70, 0.0001),
    ],
)
def test_equals_a_geodesic_polygon(crs: str, x: float, y: float, size: float) -> None:
    (area,) = pixel_areas(crs, size, size, np.array([float(x)]), np.array([float(y)]))
    assert area == pytest.approx(geodesic(crs, x, y, size, size), rel=2e-6)


SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"


@pytest.mark.parametrize(("x", "y"), [(-6_050_000.0, -1_290_000.0), (1_000_000.0, 6_000_000.0), (10.0, 10.0)])
def test_a_grid_on_a_sphere_has_areas_on_the_ground(x: float, y: float) -> None:
    """MODIS' sinusoidal grid has equal areas on its sphere only: a geodesic polygon on WGS 84 says otherwise."""
    size = 231.656
    to_degrees = pyproj.Transformer.from_crs(SINUSOIDAL, "EPSG:4326", always_xy=True)
    half = size / 2
    corners = to_degrees.transform([x - half, x + half, x + half, x - half], [y - half, y - half, y + half, y + half])
    expected = abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(*corners)[0])
    (area,) = pixel_areas(SINUSOIDAL, size, size, np.array([x]), np.array([y]))
    assert area == pytest.approx(expected, rel=1e-5)
    assert abs(area / size**2 - 1) > 1e-4


def test_utm_is_too_small_in_its_middle_and_too_large_at_its_edge() -> None:
    middle, edge = pixel_areas("EPSG:32631", 10, 10, np.array([500_000.0, 830_000.0]), np.array([5_600_000.0] * 2))
    assert middle == pytest.approx(100 / 0.9996**2, rel=1e-6)
    assert edge < 100 < middle


def test_the_sphere_is_whole() -> None:
    rows = np.arange(-89.5, 90)
    total = pixel_areas("EPSG:4326", 360, 1, np.zeros(180), rows).sum()
    assert total == pytest.approx(510_065_621.7e6, rel=1e-9)  # WGS 84's surface


def test_beyond_the_projection_is_said() -> None:
    with pytest.raises(InputError, match="beyond the projection"):
        pixel_areas("EPSG:3035", 1000, 1000, np.array([1e9]), np.array([1e9]))
