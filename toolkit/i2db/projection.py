"""Projections in one form of writing: `EPSG:<code>` where that is what they are, else PROJJSON in a line.

PROJJSON, as it is what GeoParquet asks for, and loses nothing of what WKT and PROJ strings say.
"""

from __future__ import annotations

import json
import re
import warnings

from i2db.errors import InputError

_EPSG = re.compile(r"(?:epsg:)?(?P<code>\d{4,6})", re.IGNORECASE)
#: Authority and code; or the beginnings of PROJ strings, PROJJSON and WKT.
_WRITTEN = re.compile(r"[A-Za-z]+:[A-Za-z0-9_.]+|\+.*|\{.*|[A-Za-z_]+\s*\[.*", re.DOTALL)


def is_written(text: str) -> bool:
    """Whether a text says a projection, and is no path of a file."""
    return _EPSG.fullmatch(text.strip()) is not None or _WRITTEN.fullmatch(text.strip()) is not None


def canonical(text: str) -> str:
    """A projection as the project keeps it, from an EPSG code, authority and code, a PROJ string, WKT or PROJJSON.

    Raises:
        InputError: it is none, or it has not two axes (x and y, or degrees).
    """
    match = _EPSG.fullmatch(text.strip())
    if match is not None:
        return f"EPSG:{match['code']}"
    import pyproj

    try:
        with warnings.catch_warnings():
            # +init=epsg:32631 is an old word for a code.
            warnings.simplefilter("ignore", FutureWarning)
            projection = pyproj.CRS.from_user_input(text.strip())
    except pyproj.exceptions.CRSError as error:
        raise InputError(f"{text.strip()[:80]!r} is no projection: {error}") from error
    if not (projection.is_projected or projection.is_geographic) or len(projection.axis_info) != 2:
        raise InputError(f"{projection.name!r} is no projection of a map: it has not two axes, x and y or degrees")
    named = projection.to_json_dict().get("id")
    if named is not None and named["authority"] == "EPSG":
        return f"EPSG:{named['code']}"
    return projection.to_json()


def of_file(crs: object) -> str:
    """The projection of an open raster (a rasterio CRS) as the project keeps it."""
    from rasterio.crs import CRS

    assert isinstance(crs, CRS)
    authority = crs.to_authority()
    if authority is not None and authority[0] == "EPSG":
        return ":".join(authority)
    return canonical(crs.to_wkt())


def spoken(crs: str) -> str:
    """A projection as a person knows it: by authority and code, else by its name, or by how it projects."""
    if not crs.startswith("{"):
        return crs
    known = json.loads(crs)
    named, method = known.get("id"), known.get("conversion", {}).get("method", {}).get("name", "")
    if named is not None:
        return f"{named['authority']}:{named['code']}"
    has_name = known.get("name", "unknown") not in ("unknown", "unnamed")
    return str(known["name"]) if has_name else f"a {method} projection" if method else "a projection without a name"
