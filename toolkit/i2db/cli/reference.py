"""`python -m i2db.cli.reference`: write docs/reference anew from the code (in a checkout)."""

from __future__ import annotations

from pathlib import Path

import typer

from i2db.cli.main import app
from i2db.reference import write_pages

#: In a checkout; an installed i2db has no docs.
FOLDER = Path(__file__).resolve().parents[3] / "docs" / "reference"


def main() -> None:
    """Write the pages that are behind the code."""
    for path in write_pages(app, FOLDER):
        typer.echo(f"written: {path}")


if __name__ == "__main__":
    main()
