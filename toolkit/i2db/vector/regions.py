"""Regions: where which model applies."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.vector.layer import column, read_layer, repair, to_projection

#: Name of the one region where the user gives none.
SOLE_REGION = "1"


def sole_region() -> pa.Table:
    """Rows of table `region` for a project without regions: one, everywhere."""
    return pa.table(
        {"region": [SOLE_REGION], "region_rank": pa.array([1], pa.int32()), "wkb": pa.array([None], pa.binary())}
    )


def read_regions(path: Path, field: str, crs: str, key: str = "chain.region_field") -> tuple[pa.Table, list[Finding]]:
    """Rows of table `region` (geometry as WKB in column wkb), one per name, numbers before words, and findings.

    Args:
        path: file of polygons.
        field: of their names.
        crs: projection of the project.
        key: the configuration's key that names the field, for messages.

    Raises:
        InputError: the file or its field is missing, or no polygon is left.
    """
    frame = read_layer(path, "region file")
    names = column(frame, field, path, key)
    ids = frame.index.to_numpy()
    findings = [
        Finding(
            severity="error",
            subject="region",
            item=str(ids[i]),
            message=f"has nothing in field {field}",
            remedy="name it or remove it",
        )
        for i, name in enumerate(names)
        if name is None or name != name or not str(name).strip()
    ]
    frame = frame.assign(_region=[str(name).strip() for name in names])
    frame, repaired = repair(frame, ids, "region")
    frame, moved = to_projection(frame, crs, path, "region file")
    findings += [*moved, *repaired]
    if frame.empty:
        raise InputError(f"{path} holds no usable region")
    merged = frame.dissolve(by="_region", sort=False)
    order = sorted(merged.index, key=_natural)
    merged = merged.loc[order]
    findings += _overlaps(merged)
    table = pa.table(
        {
            "region": pa.array(order, pa.string()),
            "region_rank": pa.array(range(1, len(order) + 1), pa.int32()),
            "wkb": pa.array(merged.geometry.to_wkb().tolist(), pa.binary()),
        }
    )
    return table, findings


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdigit() else (1, 0, name)


def _overlaps(merged: object) -> list[Finding]:
    """A finding per pair of regions that share some area: the first in order has the pixels."""
    import shapely

    geometry = merged.geometry.to_numpy()  # type: ignore[attr-defined]
    names = list(merged.index)  # type: ignore[attr-defined]
    tree = shapely.STRtree(geometry)
    findings = []
    for first, second in sorted(zip(*tree.query(geometry, predicate="intersects"), strict=True)):
        if first < second:
            area = shapely.area(shapely.intersection(geometry[first], geometry[second]))
            if area > 0:
                findings.append(
                    Finding(
                        severity="warning",
                        subject="region",
                        item=f"{names[first]} and {names[second]}",
                        message=f"overlap on {area:.0f} square map units",
                        remedy=f"pixels there belong to {names[first]}",
                    )
                )
    return findings
