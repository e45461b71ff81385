"""Section sample_table: which columns of a table of labelled series are features, and of what."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from i2db.config.fields import ConfigSection, Day, Names, Text

_DAY: TypeAdapter[datetime.date | None] = TypeAdapter(Day)


def _series(given: Any) -> Any:
    """Sensor and band per pattern of columns."""
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given.values()):
        raise ValueError("must be a mapping of columns and sensor_band, e.g. {'NDVI_*': 'modis_ndvi'}")
    for name in given.values():
        if not re.fullmatch(r"[A-Za-z0-9]+_[A-Za-z0-9_]+", name):
            raise ValueError(f"has {name!r}: sensor and band with _ between them are needed, e.g. 'modis_ndvi'")
    return {str(pattern): name.lower() for pattern, name in given.items()}


def _days(given: Any) -> Any:
    """Dates in a list; a single one may stand alone."""
    listed = given if isinstance(given, list | tuple) else [given]
    try:
        days = tuple(_DAY.validate_python(day) for day in listed)
    except ValidationError:
        days = (None,)
    if None in days:
        raise ValueError("must be a list of dates written as YYYYMMDD, e.g. ['20180101', '20180117']")
    return days


class SampleTable(ConfigSection):
    """A table of labelled series as ground truth: chain.ground_truth is then a Parquet or CSV file of features."""

    features: Annotated[tuple[Text, ...], Names] = Field(
        default=(),
        description="Columns that are features, by name or pattern, e.g. 'NDVI_*'; set: chain.ground_truth is a table "
        "of labelled series, which are not looked for in images.",
    )
    series: Annotated[dict[str, Text], BeforeValidator(_series, json_schema_input_type=dict[str, str])] = Field(
        default={},
        description="Sensor and band of the columns of a pattern, whose order (by their numbers) is that of the dates, "
        "e.g. {'NDVI_*': 'modis_ndvi'}; columns named like modis_ndvi_20140914 need no such word.",
    )
    dates: Annotated[tuple[Day, ...], BeforeValidator(_days, json_schema_input_type=list[str])] = Field(
        default=(),
        description="Dates of a series' columns as YYYYMMDD, where no images are mapped; where some are, theirs hold.",
    )
    scale: float = Field(
        default=1.0,
        gt=0,
        description="Factor from the table's bands and indices to those of the images, e.g. 10000 for reflectance from "
        "0 to 1; columns of rasters and functions of yours are taken as they are.",
    )

    @property
    def is_used(self) -> bool:
        """Whether the ground truth is such a table."""
        return bool(self.features)
