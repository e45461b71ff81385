"""Points as ground truth: tables of coordinates read as layers, and what a layer holds told apart."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.vector.table import column_types, read_rows

if TYPE_CHECKING:
    import geopandas

Kind = Literal["polygon", "point", "series"]

#: What the two columns of coordinates may be called, in lower case; the first two are degrees.
COORDINATES = (("longitude", "latitude"), ("lon", "lat"), ("x", "y"))
DEGREES = "EPSG:4326"

#: Types of columns of a table that are passed over.
_NESTED = ("list", "large_list", "struct", "map", "binary", "large_binary", "fixed_size", "extension")


def read_point_table(path: Path, what: str, crs: str | None) -> geopandas.GeoDataFrame:
    """A CSV file of points as a layer: longitude and latitude (or lon, lat), or x and y in a stated projection.

    Args:
        path: file with a heading; comma, semicolon or tab between the columns.
        what: its name in messages.
        crs: projection of the coordinates; None for degrees of EPSG:4326, which x and y must not be.

    Raises:
        InputError: it cannot be read, has no pair of coordinates, or a coordinate is no number or out of range.
    """
    import geopandas
    import pandas

    frame = read_csv(path, what)
    names = {str(name).strip().lower(): str(name) for name in frame.columns}
    pair = next((pair for pair in COORDINATES if set(pair) <= set(names)), None)
    if pair is None:
        raise InputError(
            f"{what} {path} has no columns of coordinates; its columns are {', '.join(map(str, frame.columns))}",
            hint="name them longitude and latitude, or x and y",
        )
    if pair == ("x", "y") and crs is None:
        raise InputError(f"{what} {path} has x and y without a projection", hint="set chain.ground_truth_proj")
    values = [_numbers(frame[names[name]], path, what) for name in pair]
    crs = crs or DEGREES
    layer = geopandas.GeoDataFrame(
        frame.drop(columns=[names[name] for name in pair]),
        geometry=geopandas.points_from_xy(*values),
        crs=crs,
    )
    missing = pandas.isna(values[0]) | pandas.isna(values[1])
    layer.loc[missing, "geometry"] = None
    if layer.crs.is_geographic:
        _check_degrees(values, pair, path, what)
    return layer


def read_series(path: Path, features: Sequence[str], crs: str | None) -> geopandas.GeoDataFrame:
    """A table of labelled series as a layer: its columns less the features, with points where there are coordinates.

    Args:
        path: Parquet or CSV file.
        features: its columns of features.
        crs: projection of x and y; None for longitude and latitude (x and y alone are then no coordinates).

    Raises:
        InputError: it cannot be read, or a coordinate is no number or out of range.
    """
    import geopandas
    import pandas

    types = column_types(path)
    plain = [name for name, kind in types.items() if name not in features and not kind.startswith(_NESTED)]
    frame = read_rows(path, plain).to_pandas()
    names = {str(name).strip().lower(): str(name) for name in frame.columns}
    pairs = [pair for pair in COORDINATES if set(pair) <= set(names) and (pair != ("x", "y") or crs is not None)]
    if not pairs:
        return geopandas.GeoDataFrame(frame, geometry=[None] * len(frame), crs=crs or DEGREES)
    pair = ("x", "y") if crs is not None and ("x", "y") in pairs else pairs[0]
    values = [_numbers(frame[names[name]], path, "table") for name in pair]
    layer = geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(*values), crs=crs or DEGREES)
    layer.loc[pandas.isna(values[0]) | pandas.isna(values[1]), "geometry"] = None
    if layer.crs.is_geographic:
        _check_degrees(values, pair, path, "table")
    return layer


def read_csv(path: Path, what: str) -> Any:
    """A CSV file as a data frame; its separator is the commonest of comma, semicolon and tab in the heading.

    Raises:
        InputError: it cannot be read.
    """
    import pandas

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            heading = stream.readline()
        separator = max(",;\t", key=heading.count)
        return pandas.read_csv(path, sep=separator, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, UnicodeDecodeError, csv.Error, pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
        raise InputError(f"{what} {path} cannot be read: {error}") from error


def _numbers(cells: Any, path: Path, what: str) -> Any:
    """Coordinates as float64, NaN where a cell is empty."""
    import pandas

    numbers = pandas.to_numeric(cells, errors="coerce").to_numpy(dtype="float64")
    wrong = np.flatnonzero(np.isnan(numbers) & ~pandas.isna(cells).to_numpy())
    if len(wrong):
        raise InputError(
            f"{what} {path}: {cells.name} is {cells.iloc[wrong[0]]!r} in row {wrong[0] + 1}, which is no number",
            hint="numbers have a decimal point, not a comma",
        )
    return numbers


def _check_degrees(values: list[Any], pair: tuple[str, str], path: Path, what: str) -> None:
    for numbers, name, limit in zip(values, pair, (180, 90), strict=True):
        wrong = np.flatnonzero(np.abs(numbers) > limit)
        if len(wrong):
            raise InputError(
                f"{what} {path}: {name} is {numbers[wrong[0]]:g} in row {wrong[0] + 1}, beyond {limit} degrees",
                hint="are the columns swapped, or is it a projection (chain.ground_truth_proj)?",
            )


def layer_kind(frame: Any, path: Path) -> Kind:
    """Whether a layer holds points or polygons; what is missing counts as neither.

    Raises:
        InputError: it holds both.
    """
    import shapely

    kinds = shapely.get_type_id(frame.geometry.to_numpy())
    is_point, is_polygon = np.isin(kinds, (0, 4)), np.isin(kinds, (3, 6))
    n_points, n_polygons = int(is_point.sum()), int(is_polygon.sum())
    if n_points and n_polygons:
        few = is_point if n_points <= n_polygons else is_polygon
        first = ", ".join(str(name) for name in frame.index[few][:5])
        raise InputError(
            f"ground truth {path} holds both points ({n_points}) and polygons ({n_polygons}); "
            f"the fewer are features {first}{', ...' if few.sum() > 5 else ''}",
            hint="a ground truth is of one kind: keep them in two files, or draw a polygon around each point",
        )
    return "point" if n_points else "polygon"


def single_points(frame: Any, ids: Any) -> tuple[Any, list[Finding]]:
    """Only points, in two dimensions: those of one are taken out of multipoints, others are left out and told."""
    import shapely

    findings: list[Finding] = []
    geometry = shapely.force_2d(frame.geometry.to_numpy())
    keep = np.ones(len(frame), dtype=bool)
    for i, shape in enumerate(geometry):
        message = None
        if shape is None or shape.is_empty:
            message, remedy, is_error = "has no coordinates", "left out", False
        elif shape.geom_type == "MultiPoint" and len(shape.geoms) == 1:
            geometry[i] = shape.geoms[0]
        elif shape.geom_type == "MultiPoint":
            message = f"holds {len(shape.geoms)} points"
            remedy, is_error = "make them single points, one row each", True
        elif shape.geom_type != "Point":
            message, remedy, is_error = f"is a {shape.geom_type}, not a point", "left out", True
        if message is not None:
            keep[i] = False
            severity: Literal["error", "warning"] = "error" if is_error else "warning"
            findings.append(
                Finding(severity=severity, subject="point", item=str(ids[i]), message=message, remedy=remedy)
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        single = frame.set_geometry(geometry, crs=frame.crs)
    return single[keep], findings
