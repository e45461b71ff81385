"""Zonal statistics: what polygons and points hold of rasters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from i2db.zonal.iota2 import compute_zonal_stats
    from i2db.zonal.run import zonal_statistics

__all__ = ["compute_zonal_stats", "zonal_statistics"]


def __getattr__(name: str) -> object:
    """What the package offers, loaded when it is first asked for: the command line knows the package at its start."""
    if name == "compute_zonal_stats":
        from i2db.zonal.iota2 import compute_zonal_stats

        return compute_zonal_stats
    if name == "zonal_statistics":
        from i2db.zonal.run import zonal_statistics

        return zonal_statistics
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
