"""One short name for everything that something depends on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from i2db.errors import InputError


def fingerprint(*items: Any) -> str:
    """BLAKE2b hash (16 bytes, hexadecimal) of anything JSON can hold; equal content, equal fingerprint."""
    text = json.dumps(items, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def file_fingerprint(path: Path | None) -> list[Any]:
    """Size, time and head of a file and of its companions of the same stem (shapefiles): what it changes with."""
    if path is None:
        return []
    if not path.exists():
        raise InputError(f"{path} does not exist")
    companions = sorted(path.parent.glob(f"{path.stem}.*")) if path.suffix.lower() == ".shp" else [path]
    found = []
    for companion in companions:
        stat = companion.stat()
        with companion.open("rb") as stream:
            head = hashlib.blake2b(stream.read(65_536), digest_size=8).hexdigest()
        found.append([companion.name, stat.st_size, stat.st_mtime_ns, head])
    return found
