"""Writing a shapefile, which is several files, so that there is the old one or the new one and no mixture."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from i2db.files import TEMPORARY_PREFIX, make_folder, replacing

#: Companions that would describe the shapes of an older file.
_STALE = (".qix", ".sbn", ".sbx", ".cpg", ".prj")


@contextlib.contextmanager
def replacing_shapefile(path: Path) -> Iterator[Path]:
    """A path to write the shapefile to; when the block ends well its files take their places, the .shp last."""
    make_folder(path.parent)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX, dir=path.parent) as folder:
        yield Path(folder) / path.name
        for stale in _STALE:
            path.with_suffix(stale).unlink(missing_ok=True)
        for file in sorted(Path(folder).iterdir(), key=lambda each: each.suffix == ".shp"):
            with replacing(path.with_suffix(file.suffix)) as target:
                file.replace(target)
