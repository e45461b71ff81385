"""What changed from one project to another: configuration, samples, predictions, map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2db.chain.names import DATABASE_NAME
from i2db.comparison.compare import Row, differing_keys
from i2db.errors import ConfigError
from i2db.store.database import Database

#: Names of the sections, in order, with their titles; each but the first is a statement of sql/diff/.
SECTIONS: Mapping[str, str] = {
    "configuration": "Keys that differ",
    "polygons": "Polygons added, removed, or changed",
    "splits": "Polygons on another side of the split",
    "candidates": "Candidate pixels",
    "selections": "Drawn pixels, by run",
    "features": "Features that only one has",
    "predictions": "Labels of the ground truth's pixels, by run",
    "relabelled": "From which label to which, all runs together",
    "map": "Pixels of the maps, by run",
    "areas": "Area of each class on the map, in hectares",
}

#: Rows of a map that are compared at a time.
_ROWS = 512


def diff(before: Path, now: Path) -> dict[str, list[Row]]:
    """The sections of a difference, each as rows; what is the same leaves no row behind.

    Raises:
        ConfigError: a folder has no database, or it is the same one; the grids differ, so that no pixel is the same.
    """
    if before.resolve() == now.resolve():
        raise ConfigError(f"{before} and {now} are the same folder")
    with Database.open(before / DATABASE_NAME, read_only=True) as database:
        database.attach_other(now / DATABASE_NAME)
        if database.rows("diff/grids"):
            raise ConfigError(
                f"{before} and {now} lie on different grids: no pixel of the one is one of the other",
                hint="`i2db compare` sets them side by side all the same",
            )
        names = (f"before ({before.name})", f"now ({now.name})")
        configurations = [
            {row["key"]: row["setting"] for row in database.rows(name)}
            for name in ("compare/configuration", "diff/configuration")
        ]
        sections = {"configuration": differing_keys(dict(zip(names, configurations, strict=True)))}
        for name in SECTIONS:
            if name == "map":
                runs = [int(row["run"]) for row in database.rows("diff/runs")]
                sections[name] = [row for run in runs if (row := _map_difference(before, now, run)) is not None]
            elif name != "configuration":
                sections[name] = database.rows(f"diff/{name}")
    return sections


def _map_difference(before: Path, now: Path, run: int) -> Row | None:
    """Pixels of a run's two maps where both have data, and how many bear another label; strip by strip.

    None where a map is missing. Maps of different extents are compared where they overlap.
    """
    import numpy as np
    import rasterio
    from rasterio.errors import RasterioIOError
    from rasterio.windows import Window

    paths = [folder / "final" / f"Classif_Seed_{run}.tif" for folder in (before, now)]
    if not all(path.is_file() for path in paths):
        return None
    try:
        with rasterio.open(paths[0]) as one, rasterio.open(paths[1]) as other:
            column = round((other.transform.c - one.transform.c) / one.transform.a)
            row = round((other.transform.f - one.transform.f) / one.transform.e)
            left, top = max(0, column), max(0, row)
            width = min(one.width, column + other.width) - left
            height = min(one.height, row + other.height) - top
            n_pixels = n_changed = 0
            for start in range(0, max(height, 0) if width > 0 else 0, _ROWS):
                n_rows = min(_ROWS, height - start)
                a = one.read(1, window=Window(left, top + start, width, n_rows))
                b = other.read(1, window=Window(left - column, top - row + start, width, n_rows))
                known = (a > 0) & (b > 0)
                n_pixels += int(np.count_nonzero(known))
                n_changed += int(np.count_nonzero(known & (a != b)))
    except RasterioIOError as error:
        raise ConfigError(f"a map of run {run} cannot be read: {error}") from error
    share: Any = n_changed / n_pixels if n_pixels else None
    return {"run": run, "n_pixels": n_pixels, "n_changed": n_changed, "share_changed": share}
