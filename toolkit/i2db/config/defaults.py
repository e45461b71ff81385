"""What the keys of a configuration would be if nobody had set them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2db.config.model import Config
from i2db.config.reader import flat
from i2db.config.spelling import section_fields


def defaults_of(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """The default of every key as JSON text, as in table `configuration`; keys that must be set have none.

    Args:
        rows: of table `configuration`; defaults that depend on keys that must be set are those for their settings.
    """
    required: dict[str, dict[str, Any]] = {section: {} for section in Config.model_fields}
    for row in rows:
        section, key = str(row["section"]), str(row["key"])
        if section in required:
            field = section_fields(section).get(key)
            if field is not None and field.is_required():
                required[section][key] = json.loads(row["setting"])
    config = Config.model_validate(required, context={"folder": Path.cwd()})
    return {(section, key): text for section, key, text in flat(config) if key not in required.get(section, {})}
