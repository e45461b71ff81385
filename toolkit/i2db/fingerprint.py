"""One short name for everything that something depends on."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def fingerprint(*items: Any) -> str:
    """BLAKE2b hash (16 bytes, hexadecimal) of anything JSON can hold; equal content, equal fingerprint."""
    text = json.dumps(items, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
