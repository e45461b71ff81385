"""What is computed once from the predictions of all runs: intervals, areas, separability; a part of stage evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.accuracy.bootstrap import (
    N_REPLICATES,
    Measures,
    UnitCounts,
    matrix_of,
    measures,
    percentiles,
    replicates,
    units_per_class,
)
from i2db.accuracy.separability import separabilities
from i2db.chain.project import Project
from i2db.raster.labels import ClassArea, class_areas, open_labels
from i2db.stages.mosaic import FINAL

#: Samples of a class that its separability is computed from: enough for a covariance of a few dozen features.
_N_SAMPLES = 5000


def assess(project: Project) -> None:
    """Fill accuracy_interval, class_area and class_separability."""
    database = project.database
    classes = [int(row["class_code"]) for row in database.rows("evaluate/classes")]
    codes = [int(row["class_code"]) for row in database.rows("evaluate/accuracy_classes")]
    intervals: list[dict[str, Any]] = []
    areas: list[dict[str, Any]] = []
    for row in database.rows("evaluate/runs"):
        run = int(row["run"])
        mapped = _mapped(project, run)
        counts = _unit_counts(database.arrow("evaluate/unit_confusion", run=run), codes)
        of_run, of_areas = assessed(run, int(row["random_seed"]), codes, counts, mapped)
        intervals += of_run
        areas += of_areas if mapped else []
    database.replace("accuracy_interval", pa.Table.from_pylist(intervals, schema=_INTERVAL))
    database.replace("class_area", pa.Table.from_pylist(areas, schema=_AREA))
    database.replace("class_separability", pa.Table.from_pylist(_separability(project, classes), schema=_SEPARABILITY))


def _mapped(project: Project, run: int) -> Mapping[int, ClassArea]:
    """Area per class of a run's map; none where a table of series stands alone and nothing is mapped."""
    if not project.scene.chunks:
        return {}
    with open_labels(project.folder / FINAL / f"Classif_Seed_{run}.tif") as labels:
        areas = dict(class_areas(labels))
    for row in project.database.rows("evaluate/annual_classes"):
        area, known = areas.pop(row["class_code"], None), areas.get(row["merged_code"], ClassArea(0, 0.0))
        if area is not None:
            areas[row["merged_code"]] = ClassArea(known.n_pixels + area.n_pixels, known.area + area.area)
    return areas


_INTERVAL = pa.schema(
    [
        ("run", pa.int32()),
        ("metric", pa.string()),
        ("class_code", pa.int32()),
        ("estimate", pa.float64()),
        ("lower_bound", pa.float64()),
        ("upper_bound", pa.float64()),
        ("n_units", pa.int64()),
        ("n_replicates", pa.int32()),
    ]
)
_AREA = pa.schema(
    [
        ("run", pa.int32()),
        ("class_code", pa.int32()),
        ("n_pixels", pa.int64()),
        ("mapped_area", pa.float64()),
        ("adjusted_area", pa.float64()),
        ("lower_bound", pa.float64()),
        ("upper_bound", pa.float64()),
    ]
)
_SEPARABILITY = pa.schema(
    [
        ("sensor", pa.string()),
        ("date", pa.date32()),
        ("class_code", pa.int32()),
        ("other_code", pa.int32()),
        ("n_features", pa.int32()),
        ("n_samples", pa.int64()),
        ("n_other_samples", pa.int64()),
        ("jeffries_matusita", pa.float64()),
    ]
)


def _unit_counts(table: pa.Table, codes: Sequence[int]) -> UnitCounts:
    ordered = np.argsort(codes)
    ascending = np.asarray(codes)[ordered]

    def places(column: str) -> NDArray[np.int64]:
        return np.asarray(ordered[np.searchsorted(ascending, table[column].to_numpy())], dtype=np.int64)

    return UnitCounts(
        unit=table["unit"].to_numpy(),
        reference=places("reference_code"),
        produced=places("predicted_code"),
        n_pixels=table["n_pixels"].to_numpy(),
        class_codes=np.asarray(codes, dtype=np.int64),
    )


def assessed(
    run: int, random_seed: int, codes: Sequence[int], counts: UnitCounts, mapped: Mapping[int, ClassArea]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of accuracy_interval and class_area of one run.

    Args:
        run: its number.
        random_seed: what its draws start from.
        codes: classes, in the places that `counts` uses.
        counts: pixels of the validation units.
        mapped: area of each class on the map; labels that are no class are left out.
    """
    # Where the map says a class that it gives no validation pixel, nothing tells what is there: it is left out.
    produced = np.bincount(counts.produced, weights=counts.n_pixels, minlength=len(codes)) > 0
    areas_on_map = np.array([mapped[code].area if code in mapped else 0.0 for code in codes]) * produced
    whole = float(areas_on_map.sum())
    shares = areas_on_map / whole if whole else np.full(len(codes), np.nan)
    estimate = measures(matrix_of(counts), shares)
    drawn = measures(replicates(counts, random_seed), shares)
    n_units = units_per_class(counts)
    total = len(np.unique(counts.unit))

    def row(metric: str, code: int | None, column: tuple[str, int | None], units: int) -> dict[str, Any]:
        name, place = column
        low, high = percentiles(_column(drawn, name, place)) if units > 1 else (None, None)
        return {
            "run": run,
            "metric": metric,
            "class_code": code,
            "estimate": _defined(_column(estimate, name, place)[0]),
            "lower_bound": low,
            "upper_bound": high,
            "n_units": units,
            "n_replicates": N_REPLICATES,
        }

    intervals = [
        row("overall_accuracy", None, ("overall", None), total),
        row("kappa", None, ("kappa", None), total),
        row("f_score", None, ("mean_f_score", None), total),
        row("area_weighted_accuracy", None, ("weighted", None), total),
    ]
    areas = []
    occurring = np.unique(np.concatenate([counts.reference, counts.produced]))
    for place, code in enumerate(codes):
        if place in occurring:
            intervals += [
                row(metric, code, (metric, place), int(n_units[place])) for metric in ("precision", "recall", "f_score")
            ]
        if place in occurring or code in mapped:
            share = row("share", code, ("shares", place), total)
            areas.append(
                {"run": run, "class_code": code, "n_pixels": mapped[code].n_pixels if code in mapped else 0}
                | {"mapped_area": mapped[code].area if code in mapped else 0.0}
                | {"adjusted_area": _times(share["estimate"], whole)}
                | {name: _times(share[name], whole) for name in ("lower_bound", "upper_bound")}
            )
    return intervals, areas


def _column(of: Measures, name: str, place: int | None) -> NDArray[np.float64]:
    values: NDArray[np.float64] = getattr(of, name)
    return values if place is None else values[:, place]


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _times(share: float | None, whole: float) -> float | None:
    return None if share is None else share * whole


def _separability(project: Project, codes: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of class_separability; memory is that of `_N_SAMPLES` samples per class of one group of features."""
    database = project.database
    dated = database.rows("evaluate/dated_features")
    rows = []
    for group in sorted({row["feature_group"] for row in dated}):
        samples: dict[int, NDArray[np.float32]] = {}
        for code in codes:
            table = database.arrow("evaluate/class_samples", class_code=code, feature_group=group, n_samples=_N_SAMPLES)
            if table.num_rows:
                flat = table["features"].combine_chunks().flatten().to_numpy()
                samples[code] = flat.reshape(table.num_rows, -1)
        for feature in (row for row in dated if row["feature_group"] == group):
            places = np.array(feature["feature_ranks"]) - 1
            of_date = {code: values[:, places].astype(np.float64) for code, values in samples.items()}
            rows += [
                {
                    "sensor": feature["sensor"],
                    "date": feature["date"],
                    "class_code": one,
                    "other_code": other,
                    "n_features": len(places),
                    "n_samples": len(samples[one]),
                    "n_other_samples": len(samples[other]),
                    "jeffries_matusita": distance,
                }
                for (one, other), distance in separabilities(of_date).items()
            ]
    return rows
