"""Any number of projects side by side, in sections of rows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2db.chain.names import DATABASE_NAME
from i2db.errors import ConfigError
from i2db.store.database import Database

Row = dict[str, Any]

#: Names of the sections, in order, with their titles.
SECTIONS: Mapping[str, str] = {
    "configuration": "Keys that differ",
    "samples": "Pixels of each class, mean over the runs",
    "accuracy": "Accuracy over the runs, with 95 % intervals",
    "classes": "F-score of each class",
    "paired": "Paired differences to the first project, where runs have the same split",
    "cost": "Cost",
}

#: What says nothing about a result: where it lies, and how it was computed.
_NO_CHOICES = ("chain.output_path", "execution.")


@dataclass(frozen=True, slots=True)
class _Project:
    """What is read of one project."""

    name: str
    configuration: Mapping[str, str]
    samples: Sequence[Row]
    accuracy: Sequence[Row]
    classes: Sequence[Row]
    runs: Sequence[Row]
    splits: Mapping[int, Row]
    cost: Sequence[Row]


def compare(folders: Sequence[Path]) -> dict[str, list[Row]]:
    """The sections of a comparison, each as rows; the first folder is what the others are held against.

    Args:
        folders: output folders of at least two projects.

    Raises:
        ConfigError: fewer than two, one twice, or one without a database.
    """
    if len(folders) < 2:
        raise ConfigError("there is nothing to compare", hint="name two output folders or more: i2db compare out_*/")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError("an output folder is named twice")
    projects = [_read(folder, name) for folder, name in zip(folders, short_names(folders), strict=True)]
    return {
        "configuration": differing_keys({p.name: p.configuration for p in projects}),
        "samples": _by_class(projects, "samples"),
        "accuracy": [_with_bounds({"project": p.name} | row) for p in projects for row in p.accuracy],
        "classes": [_with_bounds(row) for row in _by_class(projects, "classes")],
        "paired": [row for other in projects[1:] for row in _paired(projects[0], other)],
        "cost": [{"project": p.name} | row for p in projects for row in p.cost],
    }


def short_names(folders: Sequence[Path]) -> list[str]:
    """The folders' last names, with as many of the names above them as it takes to tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    depth = 1
    while len({names[-depth:] for names in parts}) < len(parts) and depth < max(map(len, parts)):
        depth += 1
    return ["/".join(names[-depth:]).replace("//", "/") for names in parts]


def _read(folder: Path, name: str) -> _Project:
    with Database.open(folder / DATABASE_NAME, read_only=True) as database:
        return _Project(
            name=name,
            configuration={row["key"]: row["setting"] for row in database.rows("compare/configuration")},
            samples=database.rows("compare/samples"),
            accuracy=database.rows("compare/accuracy"),
            classes=database.rows("compare/class_accuracy"),
            runs=database.rows("compare/runs"),
            splits={row["run"]: row for row in database.rows("compare/splits")},
            cost=database.rows("compare/cost"),
        )


def differing_keys(configurations: Mapping[str, Mapping[str, str]]) -> list[Row]:
    """Keys that are not set alike in all projects, a column per project; dictionaries key by key.

    Where results lie and how they were computed (output_path, section execution) is left out.
    """
    flat = {name: _leaves(settings) for name, settings in configurations.items()}
    keys = list(dict.fromkeys(key for settings in flat.values() for key in settings))
    rows: list[Row] = []
    for key in sorted(keys):
        settings = [leaves.get(key) for leaves in flat.values()]
        if len(set(settings)) > 1 and not key.startswith(_NO_CHOICES):
            rows.append({"key": key} | dict(zip(flat, settings, strict=True)))
    return rows


def _leaves(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings (JSON texts) with each key of a dictionary on its own."""
    found: dict[str, str] = {}

    def add(key: str, setting: Any) -> None:
        if isinstance(setting, dict) and setting:
            for inner, content in setting.items():
                add(f"{key}.{inner}", content)
        else:
            found[key] = json.dumps(setting, ensure_ascii=False)

    for key, text in settings.items():
        add(key, json.loads(text))
    return found


def _by_class(projects: Sequence[_Project], what: str) -> list[Row]:
    """Rows class by class, the projects side by side in each."""
    rows = [(p.name, row) for p in projects for row in getattr(p, what)]
    classes = list(dict.fromkeys(row["class_name"] for _, row in rows))
    return [
        {"class_name": name, "project": project} | {k: v for k, v in row.items() if k != "class_name"}
        for name in classes
        for project, row in rows
        if row["class_name"] == name
    ]


def _with_bounds(row: Row) -> Row:
    """A mean with the ends of its corrected interval (Nadeau and Bengio)."""
    mean, half = row["mean"], row["corrected_half_width"]
    known = mean is not None and half is not None
    return row | {"lower_bound": mean - half if known else None, "upper_bound": mean + half if known else None}


def _paired(first: _Project, other: _Project) -> list[Row]:
    """Mean over the runs of (other - first), with its interval; only runs whose polygons are split alike count.

    The interval is the corrected one of Nadeau and Bengio (2003): variance x (1/n + test/learn), n - 1 degrees of
    freedom, as the runs of one ground truth overlap.
    """
    common = sorted(set(first.splits) & set(other.splits))
    alike = [run for run in common if first.splits[run]["digest"] == other.splits[run]["digest"]]
    head = {"project": other.name, "against": first.name}
    if not alike:
        return [head | dict.fromkeys(_PAIRED) | {"n_runs": 0, "verdict": "no run has the same split"}]
    ratios = [s["n_test"] / s["n_learn"] for s in (first.splits[run] for run in alike) if s["n_learn"]]
    ratio = sum(ratios) / len(ratios) if ratios else 0.0
    values = [{(r["run"], r["metric"], r["class_name"]): r["measure"] for r in p.runs} for p in (first, other)]
    measures = list(dict.fromkeys((row["metric"], row["class_name"]) for row in first.runs))
    rows = []
    for metric, class_name in measures:
        pairs = [tuple(v.get((run, metric, class_name)) for v in values) for run in alike]
        differences = [b - a for a, b in pairs if a is not None and b is not None]
        if differences:
            rows.append(head | {"metric": metric, "class_name": class_name} | paired_interval(differences, ratio))
    return rows


_PAIRED = ("metric", "class_name", "n_runs", "difference", "half_width", "lower_bound", "upper_bound", "verdict")


def paired_interval(differences: Sequence[float], test_ratio: float) -> Row:
    """Mean difference and its corrected 95 % interval; the verdict is better or worse where the interval leaves out 0.

    Args:
        differences: one per run.
        test_ratio: what validates / what learns, in groups of polygons.
    """
    from scipy import stats

    n = len(differences)
    mean = math.fsum(differences) / n
    row: Row = {"n_runs": n, "difference": mean, "half_width": None, "lower_bound": None, "upper_bound": None}
    if n == 1:
        return row | {"verdict": "one run: no interval"}
    variance = math.fsum((d - mean) ** 2 for d in differences) / (n - 1)
    half = float(stats.t.ppf(0.975, n - 1)) * math.sqrt(variance * (1 / n + test_ratio))
    bounds = {"half_width": half, "lower_bound": mean - half, "upper_bound": mean + half}
    verdict = "better" if mean - half > 0 else "worse" if mean + half < 0 else "no difference shown"
    return row | bounds | {"verdict": "equal" if mean == half == 0 else verdict}
