"""Tables with random predictions of a few polygons, for the views of accuracy; and the pixels that are evaluated."""

from __future__ import annotations

import numpy as np
import pandas as pd
from cases import fill

from i2db.store.database import Database


def fill_predictions(database: Database, *, runs: int = 3, seed: int = 0) -> pd.DataFrame:
    """Twelve polygons of three classes in two tiles and regions; half of each class validates. The evaluated pixels."""
    rng = np.random.default_rng(seed)
    sizes = {polygon: int(rng.integers(4, 70)) for polygon in range(1, 13)}
    classes = {polygon: 10 * (1 + polygon % 3) for polygon in sizes}
    regions = {polygon: "1" if polygon < 7 else "2" for polygon in sizes}
    fill(database, sizes, classes, runs=runs, regions=regions)
    database.append("grid", [{"crs": "EPSG:32631", "resolution_x": 10.0, "resolution_y": 10.0}])
    connection = database.connection
    connection.execute(
        "UPDATE candidate SET tile = CASE WHEN polygon_id % 2 = 0 THEN 'T1' ELSE 'T2' END, "
        "n_valid = 5 + sample_id * 7 % 40, longest_gap = 10 + sample_id * 11 % 60, "
        "edge_distance = 5 + sample_id * 3 % 140"
    )
    splits, distances = [], []
    for run in range(runs):
        for code in (10, 20, 30):
            members = rng.permutation([polygon for polygon, of in classes.items() if of == code]).tolist()
            for i, polygon in enumerate(members):
                side = "learn" if i < 2 else "val"
                splits.append(
                    {"run": run, "polygon_id": polygon, "region": regions[polygon], "class_code": code}
                    | {"group_id": polygon, "split": side}
                )
                if side == "val" and polygon != 5:
                    distances.append(
                        {"run": run, "polygon_id": polygon, "nearest_polygon_id": members[0]}
                        | {"distance": float(rng.choice([0, 30, 300, 700, 3000, 9000]))}
                    )
    database.append("polygon_split", splits)
    database.append("polygon_distance", distances)
    database.append(
        "model_class",
        [
            {"run": run, "region": region, "kind": "rf", "class_code": code, "n_samples": 1}
            for run in range(runs)
            for region in ("1", "2")
            for code in (10, 20, 30)
        ],
    )
    pixels = connection.execute("SELECT sample_id, polygon_id, region, tile, chunk FROM candidate ORDER BY ALL").df()
    for run in range(runs):
        predicted = pixels.assign(run=run, kind="rf")
        right = predicted["polygon_id"].map(classes)
        is_wrong = rng.random(len(predicted)) < np.where(predicted["polygon_id"] == 4, 0.9, 0.3)
        # Polygon 4 is of class 20, and looks like 30.
        other = np.where(predicted["polygon_id"] == 4, 30, rng.choice([10, 20, 30], len(predicted)))
        predicted["class_code"] = np.where(is_wrong, other, right)
        predicted["confidence"] = rng.random(len(predicted)).astype(np.float32)
        database.append("prediction", predicted.drop(columns="polygon_id").to_dict("records"))
    return connection.execute(
        "SELECT prediction.run, candidate.*, polygon.class_code AS reference, prediction.class_code AS predicted, "
        "prediction.confidence::DOUBLE AS confidence FROM prediction JOIN candidate USING (sample_id) "
        "JOIN polygon USING (polygon_id) JOIN polygon_split ON polygon_split.run = prediction.run "
        "AND polygon_split.polygon_id = candidate.polygon_id AND split = 'val'"
    ).df()
