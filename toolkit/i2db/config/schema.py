"""JSON Schema of the configuration: what editors check and complete a .toml file with.

`python -m i2db.config.schema` writes schemas/config.schema.json anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from i2db.config.model import Config
from i2db.files import replacing

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: In a checkout; an installed i2db has the file among its schemas.
SCHEMA_PATH = Path(__file__).resolve().parents[3] / "schemas" / "config.schema.json"


def json_schema() -> dict[str, Any]:
    """The schema of the model: today's names, types, ranges, defaults and meanings."""
    schema = Config.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DIALECT, **schema, "title": "Configuration of i2db"}


def schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Write the schema's file."""
    with replacing(SCHEMA_PATH) as temporary:
        temporary.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
