"""Land-cover maps from satellite image time series, with everything on the way in a geo-database."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from i2db.api import Results

__version__ = "0.1.0"


def open(folder: str | PathLike[str]) -> Results:
    """The results in an output folder, to ask from Python: `i2db.open("out/").sql("FROM accuracy").df()`.

    Raises:
        ConfigError: there is no database in the folder.
    """
    from i2db.api import Results

    return Results(folder)
