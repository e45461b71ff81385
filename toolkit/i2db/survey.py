"""Probability samples of a map: draw one to interpret, and estimate accuracy and areas from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from i2db.accuracy.stratified import Assessment, allocate, assess_sample, sample_size
from i2db.chain.names import CONFIG_NAME
from i2db.errors import ConfigError, InputError
from i2db.files import replacing
from i2db.raster.labels import ClassArea, Drawn, LabelMap, class_areas, draw_pixels, open_labels
from i2db.report.matrix import Confusion, confusions_of
from i2db.report.regroup import Grouping
from i2db.vector.layer import column, read_layer

if TYPE_CHECKING:
    import geopandas

    from i2db.store.database import Database

#: Layers and columns of the file of points.
_POINTS, _STRATA, _STRATUM = "points", "strata", "stratum"

ALLOCATIONS = ("proportional", "equal", "neyman")


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is wanted of a sample: a standard error of the overall accuracy or a number of points, and how to share it.

    expected: guesses of the user's accuracy per class; expected_otherwise where a class has none.
    """

    target_error: float | None = None
    n_points: int | None = None
    least: int = 50
    allocation: str = "proportional"
    expected: Mapping[int, float] = field(default_factory=dict)
    expected_otherwise: float = 0.8
    random_seed: int = 0

    def __post_init__(self) -> None:
        if (self.target_error is None) == (self.n_points is None):
            raise ConfigError("give either a standard error to aim at or a number of points", hint="--target-se 0.01")
        if self.n_points is not None and self.n_points < 1:
            raise ConfigError(f"{self.n_points} points are no sample")
        if self.least < 2:
            raise ConfigError(f"at least {self.least} points per class is too few", hint="a variance needs two")
        if self.allocation not in ALLOCATIONS:
            raise ConfigError(f"there is no allocation {self.allocation!r}", hint=f"it is {', '.join(ALLOCATIONS)}")


@dataclass(frozen=True, slots=True)
class Stratum:
    """A class of the map as a stratum: its pixels, true area (square metres), expected accuracy, and its points."""

    code: int
    n_pixels: int
    area: float
    expected: float
    n_points: int


def design_sample(map_path: Path, output: Path, design: Design) -> list[Stratum]:
    """Draw a stratified random sample of a map's pixels and write it as points for interpretation.

    The file (GeoPackage) has the layer `points` (point_id in scan order, stratum, an empty text `label` to fill in) in
    the map's projection, and the layer `strata` that says how large they are. The map is read twice, strip by strip.

    Raises:
        InputError: the map is missing, no map of labels, or empty; a guess is no share or of no class.
        ConfigError: the output is no GeoPackage.
    """
    if output.suffix.lower() != ".gpkg":
        raise ConfigError(f"{output} is no GeoPackage", hint="its name ends in .gpkg")
    with open_labels(map_path) as labels:
        areas = class_areas(labels)
        if not areas:
            raise InputError(f"the map {map_path} holds no class: all is nodata ({labels.nodata})")
        unknown = sorted(set(design.expected) - set(areas))
        if unknown:
            raise InputError(
                f"an accuracy is expected of classes that are not on the map: {', '.join(map(str, unknown))}",
                hint=f"it has {', '.join(map(str, areas))}",
            )
        strata = _strata(areas, design)
        drawn = draw_pixels(labels, {one.code: one.n_points for one in strata}, design.random_seed)
        _write(labels, drawn, strata, output)
    return strata


def _strata(areas: Mapping[int, ClassArea], design: Design) -> list[Stratum]:
    codes = list(areas)
    n_pixels = np.array([areas[code].n_pixels for code in codes])
    area = np.array([areas[code].area for code in codes])
    expected = np.array([design.expected.get(code, design.expected_otherwise) for code in codes])
    weights = area / area.sum()
    if design.target_error is not None:
        n = sample_size(weights, expected, design.target_error, int(n_pixels.sum()))
    else:
        n = design.n_points or 0
    deviations = np.sqrt(expected * (1 - expected))
    points = allocate(n, weights, n_pixels, design.least, design.allocation, deviations)
    return [
        Stratum(code, int(n_pixels[i]), float(area[i]), float(expected[i]), int(points[i]))
        for i, code in enumerate(codes)
    ]


def _write(labels: LabelMap, drawn: Drawn, strata: Sequence[Stratum], output: Path) -> None:
    import geopandas
    import pandas as pd
    import pyogrio
    import shapely

    # In scan order, so that the order tells nothing of the class.
    order = np.lexsort((drawn.columns, drawn.rows))
    points = geopandas.GeoDataFrame(
        {
            "point_id": np.arange(1, len(order) + 1),
            _STRATUM: drawn.codes[order],
            "label": pd.array([None] * len(order), dtype="string"),
        },
        geometry=shapely.points(drawn.x[order], drawn.y[order]),
        crs=labels.crs,
    )
    sizes = pd.DataFrame(
        {
            _STRATUM: [one.code for one in strata],
            "n_pixels": [one.n_pixels for one in strata],
            "area": [one.area for one in strata],
            "expected_accuracy": [one.expected for one in strata],
            "n_points": [one.n_points for one in strata],
        }
    )
    with replacing(output) as temporary:
        pyogrio.write_dataframe(points, temporary, layer=_POINTS, driver="GPKG")
        pyogrio.write_dataframe(sizes, temporary, layer=_STRATA, driver="GPKG")


@dataclass(frozen=True, slots=True, eq=False)
class Surveyed:
    """What a sample says of a map, and what must be told with it."""

    assessment: Assessment
    notes: tuple[str, ...]


def evaluate_points(
    map_path: Path,
    reference: Path,
    label_field: str,
    *,
    names: Mapping[int, str] | None = None,
    recode: Mapping[str, int] | None = None,
    grouping: Grouping | None = None,
    other: int | None = None,
) -> Surveyed:
    """Estimate accuracy and areas of a map from interpreted points.

    Args:
        map_path: a raster of class codes.
        reference: a layer of points; with column `stratum` and layer `strata` as `design_sample` writes them the
            strata are those, otherwise the classes of the map.
        label_field: field with the class code, or its name, that each point has in truth.
        names: classes that there may be; None: those on the map.
        recode: codes of further labels, as a project's chain.label_recode has them.
        grouping: regrouping of the classes.
        other: code of points that are none of the map's classes in truth: there the map is wrong whatever it says.

    Raises:
        InputError: the layer is no layer of points, misses the map, has unknown labels, or leaves a stratum empty.
    """
    points = read_layer(reference, "the reference", layer=_POINTS)
    _check_points(points, reference)
    labels_of_points = column(points, label_field, reference, "--field")
    with open_labels(map_path) as labels:
        placed = points.to_crs(labels.crs)
        on_map = labels.labels_at(placed.geometry.x.to_numpy(), placed.geometry.y.to_numpy())
        _check_overlap(on_map == labels.nodata, reference, map_path)
        nodata = labels.nodata
        areas = class_areas(labels)
    classes = dict(names) if names is not None else {code: str(code) for code in areas}
    if other is not None:
        classes.setdefault(other, "other")
    if grouping is not None:
        grouping.check({*classes, *areas}, "the map or the nomenclature")
    codes = recode or {}
    given = _codes(
        [codes.get(str(one).strip(), one) for one in labels_of_points],
        {**{code: str(code) for code in areas}, **classes},
        grouping,
        label_field,
    )
    used = (on_map != nodata) & (given >= 0)
    if not used.any():
        raise InputError(
            f"no point of {reference} has a label in {label_field}", hint="interpret the points first, then evaluate"
        )
    strata, sizes, is_designed = _strata_of(points, reference, on_map, areas)
    notes = _notes(on_map == nodata, given < 0, is_designed)
    return Surveyed(_assess(on_map[used], given[used], strata[used], sizes, areas, grouping), tuple(notes))


def _check_points(points: geopandas.GeoDataFrame, path: Path) -> None:
    kinds = sorted(set(points.geometry.geom_type.dropna()))
    if not len(points) or points.geometry.isna().any():
        raise InputError(f"the reference {path} holds no points, or some without a place")
    if kinds != ["Point"]:
        raise InputError(
            f"the reference {path} holds {', '.join(kinds)}, not points",
            hint="pixels of a polygon are no independent sample; take one point of each",
        )


def _check_overlap(is_outside: NDArray[np.bool_], reference: Path, map_path: Path) -> None:
    if is_outside.all():
        raise InputError(
            f"none of the {len(is_outside)} points of {reference} lies where {map_path} has data",
            hint="do both cover the same place, and does each say its right projection?",
        )


def _codes(
    given: Sequence[Any], classes: Mapping[int, str], grouping: Grouping | None, label_field: str
) -> NDArray[np.int64]:
    """Class code of every point; -1 where nothing is written."""
    by_name = {name.casefold(): code for code, name in classes.items()}
    known = {*classes, *(grouping.groups.values() if grouping else ())}
    by_name |= {name.casefold(): code for code, name in (grouping.names.items() if grouping else ())}
    codes, unknown = [], []
    for one in given:
        text = "" if one is None or one != one else str(one).strip()
        code = by_name.get(text.casefold(), -1)
        if code < 0 and text:
            # "11" and "11.0" are class 11; what is no whole number is none.
            number = _number(text)
            code = int(number) if number.is_integer() else -2
            if code not in known:
                unknown.append(text)
        codes.append(code)
    if unknown:
        shown = ", ".join(sorted(set(unknown))[:10])
        names = {**classes, **(grouping.names if grouping else {})}
        listed = ", ".join(
            str(code) if names.get(code) in (None, str(code)) else f"{code} ({names[code]})" for code in sorted(known)
        )
        raise InputError(
            f"field {label_field} holds labels that are no class: {shown}",
            hint=f"classes are {listed}; --other CODE allows one that is not on the map",
        )
    return np.array(codes, dtype=np.int64)


def _number(text: str) -> float:
    """The number that a text is; NaN for others."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _strata_of(
    points: geopandas.GeoDataFrame, path: Path, on_map: NDArray[np.int64], areas: Mapping[int, ClassArea]
) -> tuple[NDArray[np.int64], dict[int, float], bool]:
    """Stratum of each point, area of each stratum, and whether they come from the file."""
    import pyogrio

    if _STRATUM not in points.columns or _STRATA not in pyogrio.list_layers(path)[:, 0]:
        return on_map, {code: one.area for code, one in areas.items()}, False
    lacking = points[_STRATUM].isna()
    if lacking.any():
        raise InputError(
            f"{int(lacking.sum())} points of {path} have no {_STRATUM}: they are none of those that were drawn",
            hint="take out what was added by hand; only points drawn at random say anything of the map",
        )
    sizes = pyogrio.read_dataframe(path, layer=_STRATA)
    return (
        points[_STRATUM].to_numpy().astype(np.int64),
        {int(code): float(area) for code, area in zip(sizes[_STRATUM], sizes["area"], strict=True)},
        True,
    )


def _notes(is_outside: NDArray[np.bool_], is_empty: NDArray[np.bool_], is_designed: bool) -> list[str]:
    notes = []
    if is_outside.any():
        notes.append(f"{int(is_outside.sum())} points lie where the map has no data: left out.")
    if (is_empty & ~is_outside).any():
        notes.append(
            f"{int((is_empty & ~is_outside).sum())} points have no label: left out, as if they were missing by chance."
        )
    if is_designed:
        notes.append("Strata: those that the points were drawn from.")
    else:
        notes.append(
            "The points do not say how they were drawn. The estimates hold only if they are a probability sample: "
            "drawn at random within each class of this map."
        )
    return notes


def _assess(
    on_map: NDArray[np.int64],
    given: NDArray[np.int64],
    strata: NDArray[np.int64],
    sizes: Mapping[int, float],
    areas: Mapping[int, ClassArea],
    grouping: Grouping | None,
) -> Assessment:
    empty = sorted(set(sizes) - set(strata.tolist()))
    if empty:
        raise InputError(
            f"strata without a labelled point: {', '.join(map(str, empty))}",
            hint="nothing can be said of them, nor of the whole map; label points there",
        )
    foreign = sorted(set(strata.tolist()) - set(sizes))
    if foreign:
        raise InputError(f"points of strata that layer {_STRATA} does not have: {', '.join(map(str, foreign))}")
    grouped = grouping or Grouping({}, {})
    mapped: dict[int, float] = {}
    for code, one in areas.items():
        mapped[grouped.group_of(code)] = mapped.get(grouped.group_of(code), 0.0) + one.area
    produced = np.array([grouped.group_of(code) for code in on_map.tolist()])
    reference = np.array([grouped.group_of(code) for code in given.tolist()])
    codes = sorted({*mapped, *produced.tolist(), *reference.tolist()})
    places = sorted(sizes)
    return assess_sample(
        np.searchsorted(places, strata),
        np.searchsorted(codes, produced),
        np.searchsorted(codes, reference),
        [sizes[code] for code in places],
        codes,
        [mapped.get(code, 0.0) for code in codes],
    )


def class_names(database: Database) -> dict[int, str]:
    """Name of every class of a project, in the order of its nomenclature."""
    return {int(row["class_code"]): str(row["class_name"]) for row in database.rows("evaluate/classes")}


def label_codes(folder: Path) -> dict[str, int]:
    """Codes of the labels that a project's ground truth has as text (chain.label_recode); empty where it has none."""
    from i2db.config.reader import load
    from i2db.vector.ground_truth import read_recode

    # A project that was imported has no configuration.
    path = folder / CONFIG_NAME
    recode = load(path).config.chain.label_recode if path.is_file() else None
    return {} if recode is None else read_recode(recode)


def expected_accuracies(database: Database, run: int) -> dict[int, float]:
    """What a project knows of the user's accuracies of a run's map: the precision of each class, between 0.5 and 0.95.

    Beyond these bounds the precision of a few polygons is no guess to make a design of.
    """
    rows = database.rows("evaluate/precision", run=run)
    return {int(row["class_code"]): min(max(float(row["precision"]), 0.5), 0.95) for row in rows}


def regrouped_confusions(database: Database, grouping: Grouping) -> dict[int, Confusion]:
    """The confusion of every run, by its number, with its classes regrouped.

    Raises:
        InputError: the grouping names classes that the project does not have; or nothing is evaluated yet.
    """
    names = class_names(database)
    grouping.check(names, "the nomenclature")
    merged = {grouping.group_of(code): name for code, name in names.items()}
    merged |= {code: name for code, name in grouping.names.items() if code in merged}
    groups = [{"class_code": code, "group_code": group} for code, group in grouping.groups.items()]
    rows = database.rows("evaluate/regrouped", groups=groups)
    if not rows:
        raise InputError("nothing is evaluated yet", hint="run the chain to its end first")
    runs = sorted({int(row["run"]) for row in rows})
    polygons = database.rows("evaluate/regrouped_polygons", groups=groups)
    return dict(zip(runs, confusions_of(rows, polygons, merged, runs), strict=True))
