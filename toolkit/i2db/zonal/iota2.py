"""iota2's call form of the zonal statistics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from i2db.zonal.fill import Membership
from i2db.zonal.params import Params
from i2db.zonal.run import Options, Result, zonal_statistics


def compute_zonal_stats(
    tmp: str | Path,
    rasters: Sequence[str | Path],
    zones: str | Path,
    params: Params,
    out: str | Path,
    classes: str | Path = "",
    nodata: float | None = 0,
) -> Result:
    """Zonal statistics by iota2's rules: every pixel that a zone touches counts, 0 is no data, codes name columns.

    Unlike iota2's, the zones' file is not changed, multipolygons stay one row, and numbers are not rounded.

    Args:
        tmp: folder for intermediate files.
        rasters: their bands are numbered one after the other, from 1.
        zones: polygons, or points for the method val.
        params: e.g. ["1:rate", "2:statsmaj"], or {1: "rate", 2: "statsmaj"}.
        out: file to write; its suffix says the format.
        classes: nomenclature: its names name columns then.
        nodata: no data beside what the rasters declare; None for nothing else.

    Raises:
        ConfigError, InputError, StageError: see `zonal_statistics`.
    """
    options = Options(
        membership=Membership.TOUCHED,
        nodata=nodata,
        nomenclature=Path(classes) if classes else None,
        temporary=Path(tmp),
    )
    return zonal_statistics([Path(raster) for raster in rasters], Path(zones), params, Path(out), options)
