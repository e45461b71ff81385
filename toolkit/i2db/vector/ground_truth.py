"""The ground truth: labelled polygons, points or series, checked one by one."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.finding import Finding
from i2db.vector.layer import column, read_layer, repair, to_projection
from i2db.vector.points import Kind, layer_kind, read_series, single_points
from i2db.vector.table import read_rows

LARGEST_CODE = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruthSource:
    """Where the polygons (or points) are and how to read their labels.

    Attributes:
        path: vector file, or CSV file of points.
        label_field: field of the label, integer or text.
        id_field: field of the polygon's id; None for the feature id of the file.
        group_field: field whose equal values keep polygons on one side of the split, or None.
        recode: label code per text, for text labels.
        excluded: codes to leave out.
        table_crs: projection of the coordinates of a CSV file; None for longitude and latitude.
        unit_field: field whose values are left out one after the other (table `polygon`, split_value), or None.
        is_year: whether the year of its dates is meant.
        series_columns: columns of features, where the file is a table of labelled series, with or without coordinates.
    """

    path: Path
    label_field: str
    id_field: str | None = None
    group_field: str | None = None
    recode: dict[str, int] | None = None
    excluded: tuple[int, ...] = ()
    table_crs: str | None = None
    unit_field: str | None = None
    is_year: bool = False
    series_columns: tuple[str, ...] = ()


def read_ground_truth(
    source: GroundTruthSource, crs: str, known_codes: Collection[int]
) -> tuple[pa.Table, list[Finding]]:
    """Polygons that can be used, as rows of table `polygon` (geometry as WKB in column wkb), and all findings.

    Raises:
        InputError: the file or a field is missing, or the ids are not unique.
    """
    frame, kind = _read(source)
    labels = column(frame, source.label_field, source.path, "chain.data_field")
    ids = _polygon_ids(frame, labels, source, kind)
    groups = column(frame, source.group_field, source.path, "arg_train.group_field") if source.group_field else None
    frame = frame.assign(_id=ids, _label=[None if _is_null(label) else str(label) for label in labels], _group=groups)
    codes, findings = _codes(labels, ids, source, known_codes)
    if source.unit_field is not None:
        units = units_of(column(frame, source.unit_field, source.path, "arg_train.split_field"), source)
        lacking = [i for i, unit in enumerate(units) if unit is None and codes[i] > 0]
        findings += [_about(ids[i], f"has nothing in {source.unit_field}", "left out", "warning") for i in lacking]
        codes[lacking] = 0
        frame = frame.assign(_unit=units)
    else:
        frame = frame.assign(_unit=None)
    frame = frame.assign(_code=codes)[codes > 0]
    used = frame["_id"].to_numpy()
    repaired: list[Finding] = []
    duplicates: list[Finding] = []
    if kind != "series":
        frame, repaired = single_points(frame, used) if kind == "point" else repair(frame, used, "polygon")
    frame, moved = to_projection(frame, crs, source.path, "ground truth")
    if kind != "series":
        frame, duplicates = _without_duplicates(frame, kind)
    findings += [*moved, *repaired, *duplicates]
    if frame.empty:
        findings.insert(0, _unusable(source.path, f"holds no usable {kind}", "why each was left out is told beside"))
    if kind != "polygon":
        findings = [replace(each, subject=kind) if each.subject == "polygon" else each for each in findings]
    return _table(frame.sort_values("_id")), findings


def _read(source: GroundTruthSource) -> tuple[Any, Kind]:
    """The file as a layer, and what it is one of."""
    if source.series_columns:
        return read_series(source.path, source.series_columns, source.table_crs), "series"
    frame = read_layer(source.path, "ground truth", source.table_crs)
    return frame, layer_kind(frame, source.path)


def series_ids(source: GroundTruthSource) -> NDArray[np.int64]:
    """The id of every row of a table of series, in their order; those that cannot be used have theirs too."""
    frame, kind = _read(source)
    labels = column(frame, source.label_field, source.path, "chain.data_field")
    return np.asarray(_polygon_ids(frame, labels, source, kind), dtype=np.int64)


def _table(frame: Any) -> pa.Table:
    """Rows of table `polygon`, with the geometry as WKB."""
    import shapely

    def texts(name: str) -> pa.Array:
        return pa.array([None if _is_null(cell) else str(cell) for cell in frame[name]], pa.string())

    return pa.table(
        {
            "polygon_id": pa.array(frame["_id"].to_numpy(), pa.int64()),
            "class_code": pa.array(frame["_code"].to_numpy(), pa.int32()),
            "source_label": texts("_label"),
            "group_name": texts("_group"),
            "split_value": texts("_unit"),
            "area": pa.array(np.nan_to_num(shapely.area(frame.geometry.to_numpy())), pa.float64()),
            "wkb": pa.array(frame.geometry.to_wkb().tolist(), pa.binary()),
        }
    )


def units_of(cells: Any, source: GroundTruthSource) -> list[str | None]:
    """The text, or the year, of the cells of the split field; None where there is nothing.

    Raises:
        InputError: a cell is no date, where years are wanted.
    """
    units: list[str | None] = []
    for cell in cells:
        if _is_null(cell) or not str(cell).strip():
            units.append(None)
        elif not source.is_year:
            whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
            units.append(str(int(cell)) if whole else str(cell).strip())
        else:
            # A year, a date such as 2018-05-14 or 20180514, or either as a number.
            found = re.match(r"((?:19|20)[0-9]{2})(?:[-/.]|[0-9]{4}\b|\.0$|$)", str(cell).strip())
            if found is None:
                raise InputError(
                    f"{source.path}: {source.unit_field} is {str(cell)!r}, which is no date",
                    hint="write years or dates (2018, 2018-05-14, 20180514), or split by field instead of year",
                )
            units.append(found[1])
    return units


def unit_values(source: GroundTruthSource) -> list[str]:
    """The values of the split field over the polygons that have a label which is not excluded, numbers first."""
    frame, _ = _read(source)
    labels = column(frame, source.label_field, source.path, "chain.data_field")
    units = units_of(column(frame, source.unit_field or "", source.path, "arg_train.split_field"), source)
    found = {
        unit
        for label, unit in zip(labels, units, strict=True)
        if unit is not None and not _is_null(label) and _code(label, source.recode) not in source.excluded
    }
    return sorted(found, key=lambda unit: (not unit.isdigit(), int(unit) if unit.isdigit() else 0, unit))


def outside(polygons: pa.Table, extents: Sequence[tuple[float, float, float, float]], path: Path) -> list[Finding]:
    """An error where not one of the polygons (rows as `read_ground_truth` gives them) touches an extent.

    Args:
        polygons: with their geometry as WKB in column wkb.
        extents: left, bottom, right, top of the tiles, in the projection of the polygons.
        path: the file, for the message.
    """
    import shapely

    tree = shapely.STRtree(shapely.from_wkb(polygons["wkb"].to_pylist()))
    boxes = [shapely.box(*extent) for extent in extents]
    if polygons.num_rows == 0 or tree.query(boxes, predicate="intersects").size:
        return []
    kind = "points" if shapely.get_type_id(tree.geometries[0]) == 0 else "polygons"
    message = f"none of the {polygons.num_rows} {kind} lies within the tiles"
    return [_unusable(path, message, "see whether its projection is the right one, and chain.list_tile")]


def _unusable(path: Path, message: str, remedy: str) -> Finding:
    return Finding(severity="error", subject="ground truth", item=path.name, message=message, remedy=remedy)


def read_recode(path: Path) -> dict[str, int]:
    """Label code per text label, from a CSV file with the columns text and code (a header is optional).

    Raises:
        InputError: the file is missing, or a line has no integer code.
    """
    if not path.is_file():
        raise InputError(f"label recode {path} does not exist")
    recode: dict[str, int] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            if not row:
                continue
            try:
                text, code = row[0].strip(), int(row[1])
            except (IndexError, ValueError) as error:
                if number == 1:
                    continue
                raise InputError(f"{path}:{number}: {','.join(row)!r} is not text,code") from error
            recode[text] = code
    return recode


def _is_null(cell: Any) -> bool:
    return cell is None or cell != cell or str(cell) in ("<NA>", "NaT")


def _polygon_ids(frame: Any, labels: Any, source: GroundTruthSource, kind: Kind) -> Any:
    """One int64 per polygon, from the source and never from a place in a list."""
    if source.id_field is not None:
        cells = column(frame, source.id_field, source.path, "chain.polygon_id_field")
        ids, name = _integers(cells, source), source.id_field
    elif frame.index.name == "fid":
        ids, name = frame.index.to_numpy().astype("int64"), "its feature ids"
    else:
        ids, name = _hashes(frame, labels, source, kind), "the hash of its geometry"
    unique, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise InputError(
            f"{source.path}: {name} is not unique: {unique[counts > 1][0]} occurs {counts[counts > 1][0]} times",
            hint="chain.polygon_id_field names a field with one id per polygon",
        )
    return ids


def _hashes(frame: Any, labels: Any, source: GroundTruthSource, kind: Kind) -> Any:
    """Ids where a file has none (GeoParquet, CSV): the polygon itself is one, whatever its place in the file.

    A point is found with its label, a series with its numbers too; of several that are the same in all, it is all one
    which is which.
    """
    import hashlib

    import shapely

    keys = [shape or b"" for shape in shapely.to_wkb(frame.geometry.to_numpy())]
    if kind == "series":
        features = read_rows(source.path, source.series_columns)
        numbers = np.column_stack([features[name].cast("float64").to_numpy() for name in source.series_columns])
        keys = [key + row.tobytes() for key, row in zip(keys, numbers, strict=True)]
    if kind != "polygon":
        seen: dict[bytes, int] = {}
        for i, label in enumerate(labels):
            key = keys[i] + str(label).encode()
            seen[key] = seen.get(key, 0) + 1
            keys[i] = key if seen[key] == 1 else key + f"|{seen[key]}".encode()
    digests = [hashlib.blake2b(key, digest_size=7).digest() for key in keys]
    return np.array([int.from_bytes(digest) for digest in digests], dtype="int64")


def _integers(cells: Any, source: GroundTruthSource) -> Any:
    """The cells of the id field as int64: integers, whole floats, or texts of integers."""
    refusal = InputError(
        f"{source.path}: {source.id_field} holds something else than integers",
        hint="chain.polygon_id_field names a field of integers, one per polygon",
    )
    try:
        with np.errstate(invalid="ignore"):
            # Dates are no floats; as integers they would be nanoseconds.
            numbers, ids = cells.astype("float64").to_numpy(), cells.astype("int64").to_numpy()
    except (ValueError, TypeError) as error:
        raise refusal from error
    if (ids != numbers).any():
        raise refusal
    return ids


def _codes(labels: Any, ids: Any, source: GroundTruthSource, known_codes: Collection[int]) -> tuple[Any, list[Finding]]:
    """Label code per polygon, 0 for those to leave out, and why."""
    codes = np.zeros(len(ids), dtype="int64")
    findings: list[Finding] = []
    excluded: dict[int, int] = {}
    for i, (label, polygon_id) in enumerate(zip(labels, ids, strict=True)):
        if _is_null(label):
            findings.append(_about(polygon_id, "has no label", "left out", "warning"))
            continue
        code = _code(label, source.recode)
        if code is None:
            wanted = (
                "chain.label_recode names a CSV file text,code" if source.recode is None else "add it to the recode"
            )
            findings.append(_about(polygon_id, f"has the label {label!r}, which is no integer", wanted))
        elif code in source.excluded:
            excluded[code] = excluded.get(code, 0) + 1
        elif not 0 < code <= LARGEST_CODE:
            findings.append(_about(polygon_id, f"has the label {code}", f"labels go from 1 to {LARGEST_CODE}"))
        elif code not in known_codes:
            findings.append(
                _about(
                    polygon_id,
                    f"has the label {code}, which the nomenclature does not know",
                    "add it there, or to chain.excluded_classes",
                )
            )
        else:
            codes[i] = code
    for code, n in sorted(excluded.items()):
        findings.append(
            Finding(
                severity="note",
                subject="class",
                item=str(code),
                message=f"is excluded: {n} polygons",
                remedy="left out, as chain.excluded_classes asks",
            )
        )
    return codes, findings


def _code(label: Any, recode: dict[str, int] | None) -> int | None:
    if recode is not None and str(label).strip() in recode:
        return recode[str(label).strip()]
    if isinstance(label, str):
        text = label.strip()
        return int(text) if re.fullmatch(r"-?[0-9]+", text) else None
    # Neither is a date or a list of some kind.
    return int(label) if isinstance(label, int | float | Decimal | np.number) and float(label).is_integer() else None


def _about(polygon_id: Any, message: str, remedy: str, severity: str = "error") -> Finding:
    return Finding(
        severity="error" if severity == "error" else "warning",
        subject="polygon",
        item=str(polygon_id),
        message=message,
        remedy=remedy,
    )


def _without_duplicates(frame: Any, kind: Kind) -> tuple[Any, list[Finding]]:
    """Of polygons with the same geometry and label the one with the smallest id; with other labels they all stay
    (their pixels are in conflict and will be left out)."""
    import shapely

    frame = frame.sort_values("_id")
    shapes = shapely.to_wkb(shapely.normalize(frame.geometry.to_numpy()))
    first: dict[tuple[bytes, int], int] = {}
    keep = np.ones(len(frame), dtype=bool)
    findings = []
    for i, (shape, polygon_id, code) in enumerate(zip(shapes, frame["_id"], frame["_code"], strict=True)):
        original = first.setdefault((shape, code), polygon_id)
        if original != polygon_id:
            keep[i] = False
            findings.append(_about(polygon_id, f"is the same {kind} as {original}", "left out", "warning"))
    return frame[keep], findings
