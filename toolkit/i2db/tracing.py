"""Where a sample, a polygon or a cell of a confusion matrix came from, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ConfigError
from i2db.learn.classifier import Classifier
from i2db.learn.forest import Forest
from i2db.learn.model import load_model
from i2db.learn.scikit import ScikitModel
from i2db.store.database import Database
from i2db.store.statement import text_of

Row = dict[str, Any]

#: Learning samples that are held at a time while the nearest ones are looked for.
_ROWS_AT_A_TIME = 50_000


def trace_sample(
    database: Database, folder: Path, sample_id: int, *, run: int | None = None, n_nearest: int = 5
) -> dict[str, list[Row]]:
    """Sections about one candidate pixel: origin, runs, votes, maps, nearest, features; a section may be empty.

    votes: per run, model and class, how many trees vote for it and its probability. maps: what the maps made of the
    runs' maps say of it. nearest: the learning samples of the pixel's own models that are nearest to it, in features
    divided by their standard deviation over the learning set.

    Args:
        database: of the project.
        folder: output folder, where the models lie.
        sample_id: of a candidate pixel.
        run: only this one.
        n_nearest: how many learning samples to name, per run.

    Raises:
        ConfigError: there is no such pixel or run.
    """
    origin = database.rows("trace/origin", sample_id=sample_id)
    if not origin:
        raise ConfigError(f"no candidate pixel {sample_id}", hint='i2db sql OUT "FROM candidate" lists them')
    runs = _of_run(database.rows("trace/runs", sample_id=sample_id), run)
    features = database.rows("trace/features", sample_id=sample_id)
    votes: list[Row] = []
    nearest: list[Row] = []
    if features:
        stored = {str(row["feature_name"]): row["stored"] for row in features}
        pixel = np.array(list(stored.values()), dtype=np.float32)
        for row in runs:
            head = {"run": row["run"], "model_name": row["model_name"]}
            if row["model"] is not None:
                votes += _votes(folder / row["model"], stored, head | {"kind": row["kind"]})
            nearest += _nearest(database, head, sample_id, pixel, n_nearest)
    maps = database.rows("trace/maps", sample_id=sample_id)
    return {"origin": origin, "runs": runs, "votes": votes, "maps": maps, "nearest": nearest, "features": features}


def trace_polygon(database: Database, polygon_id: int, *, run: int | None = None) -> dict[str, list[Row]]:
    """Sections about one polygon: what became of it in each run, and its candidate pixels.

    Raises:
        ConfigError: there is no such polygon or run.
    """
    found = database.rows("trace/polygon", polygon_id=polygon_id)
    if not found:
        raise ConfigError(f"no polygon {polygon_id}", hint="i2db show OUT polygon lists them; finding, those left out")
    return {"polygon": _of_run(found, run), "pixels": database.rows("trace/pixels", polygon_id=polygon_id)}


def trace_cell(database: Database, reference: str, predicted: str, *, run: int | None = None) -> dict[str, list[Row]]:
    """The polygons behind a cell of the confusion matrix, most pixels first, with the surest wrong pixel of each.

    Args:
        database: of the project.
        reference: class of the ground truth: code or name.
        predicted: class of the map.
        run: only this one.

    Raises:
        ConfigError: there is no such class or run.
    """
    codes = cell_codes(database, reference, predicted)
    _of_run(database.rows("evaluate/runs"), run)
    return {"polygons": database.rows("trace/cell_polygons", run=run, **codes)}


def cell_codes(database: Database, reference: str, predicted: str) -> dict[str, int]:
    """Codes of two classes that are named by code or name; ConfigError where there is none of that name."""
    return {"reference": _class_code(database, reference), "predicted": _class_code(database, predicted)}


def cell_query() -> str:
    """The statement for the pixels of a cell, with $reference, $predicted and $run."""
    return text_of("trace/cell_pixels")


def _class_code(database: Database, name: str) -> int:
    import difflib

    rows = database.rows("export/colors")
    for row in rows:
        if name == str(row["class_code"]) or name.lower() == str(row["class_name"]).lower():
            return int(row["class_code"])
    names = [str(row["class_name"]) for row in rows]
    near = difflib.get_close_matches(name, names, n=1)
    raise ConfigError(
        f"there is no class {name}", hint=f"did you mean {near[0]}?" if near else "the classes are " + ", ".join(names)
    )


def _of_run(rows: list[Row], run: int | None) -> list[Row]:
    chosen = [row for row in rows if run is None or row["run"] == run]
    if not chosen and run is not None:
        raise ConfigError(f"there is no run {run}", hint=f"runs are {sorted({row['run'] for row in rows})}")
    return chosen


def _votes(path: Path, stored: dict[str, float], head: Row) -> list[Row]:
    """Per class the trees that vote for it (None where the model is no forest) and its probability, highest first."""
    model, card = load_model(path)
    pixel = np.array([[stored[name] for name in card.features]], dtype=np.float32)
    names = dict(card.classes)
    probabilities = model.predict_proba(pixel)[0]
    votes = votes_of(model, pixel)
    codes = [int(code) for code in model.classes]
    order = sorted(range(len(codes)), key=lambda i: (-probabilities[i], i))
    return [
        head
        | {
            "class_name": names[codes[i]],
            "n_votes": None if votes is None else votes[i],
            "probability": float(probabilities[i]),
        }
        for i in order
    ]


def votes_of(model: Classifier, pixel: NDArray[np.float32]) -> list[int] | None:
    """The votes of the trees for a pixel (1, n_features), also of a forest behind scaling; None where there is none."""
    if isinstance(model, ScikitModel) and isinstance(model.estimator, Forest) and model.transform is not None:
        seen = np.ascontiguousarray(model.transform.transform(pixel), dtype=np.float32)
        return tree_votes(model.estimator, seen[0])
    return tree_votes(model, pixel[0]) if isinstance(model, Forest) else None


def tree_votes(forest: Forest, pixel: NDArray[np.float32]) -> list[int]:
    """How many trees of a forest are for each class, in the order of its classes: each is for its leaf's likeliest."""
    votes = [0] * forest.classes.size
    for first, last in zip(forest.offsets[:-1], forest.offsets[1:], strict=True):
        tree = Forest(
            classes=forest.classes,
            nodes=forest.nodes[first:last],
            offsets=np.array([0, last - first], dtype=np.int64),
            leaf_values=forest.leaf_values,
            importances=forest.importances,
            is_wide=forest.is_wide,
        )
        votes[int(tree.predict_proba(pixel[None])[0].argmax())] += 1
    return votes


def _nearest(database: Database, head: Row, sample_id: int, pixel: NDArray[np.float32], n: int) -> list[Row]:
    """The nearest learning samples of a run's model, the pixel itself left out; two passes, some rows at a time."""
    run, model = head["run"], head["model_name"]
    count, mean, squares = 0, np.zeros(pixel.size), np.zeros(pixel.size)
    for _, features in _learning_set(database, run, model):
        # Chan, Golub and LeVeque (1979): means and sums of squares of pieces, merged.
        size, here = len(features), features.mean(axis=0)
        step = here - mean
        squares += ((features - here) ** 2).sum(axis=0) + step**2 * count * size / (count + size)
        mean += step * size / (count + size)
        count += size
    if count == 0:
        return []
    deviation = np.sqrt(squares / count)
    scale = np.where(deviation > 0, deviation, 1.0)
    best: list[tuple[float, int, Row]] = []
    for rows, features in _learning_set(database, run, model):
        distances = np.sqrt((((features - pixel) / scale) ** 2).mean(axis=1))
        nearest = np.argsort(distances, kind="stable")[: n + 1]
        best += [(float(distances[i]), int(rows[i]["sample_id"]), rows[i]) for i in map(int, nearest)]
        best = sorted(best, key=lambda one: one[:2])[: n + 1]
    kept = [(distance, row) for distance, other, row in best if other != sample_id][:n]
    return [head | {"rank": i} | row | {"distance": distance} for i, (distance, row) in enumerate(kept, start=1)]


def _learning_set(database: Database, run: int, model: str) -> Iterator[tuple[list[Row], NDArray[np.float64]]]:
    """Batches of (rows without features, features as float64 (n, n_features)) of a model's learning set."""
    database.run("trace/learning_set", run=run, model=model)
    for batch in database.connection.to_arrow_reader(_ROWS_AT_A_TIME):
        features = batch["features"].flatten().to_numpy().astype(np.float64).reshape(batch.num_rows, -1)
        yield batch.drop_columns(["features"]).to_pylist(), features
