"""sampling: which polygons learn and which validate, in every run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.stages.catalogue import file_fingerprint


def _tasks(project: Project) -> Sequence[Task]:
    train = project.config.arg_train
    identity = [
        project.published("candidate"),
        project.random_seed,
        train.runs,
        train.ratio,
        train.split_ground_truth,
        train.lone_polygon,
        train.min_distance,
        [train.group_field, file_fingerprint(project.config.chain.ground_truth)] if train.group_field else None,
    ]
    return [STAGE.task("all", identity)]


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    database, train = project.database, project.config.arg_train
    used = database.arrow("split/used_polygons")
    polygon_ids = used["polygon_id"].to_numpy()
    grouped = database.arrow("split/neighbours")
    near = close_pairs(polygon_ids, used["wkb"].to_pylist(), train.min_distance)
    groups = connected(
        polygon_ids,
        np.concatenate([grouped["polygon_id_a"].to_numpy(), near[0]]),
        np.concatenate([grouped["polygon_id_b"].to_numpy(), near[1]]),
    )
    database.replace("polygon_group", pa.table({"polygon_id": polygon_ids, "group_id": groups}))
    database.run(
        "split/split",
        ratio=float(train.ratio),
        is_split=train.split_ground_truth,
        lone_both=train.lone_polygon == "both",
    )
    database.run("catalogue/clear_findings", stage=STAGE.name)
    database.run("split/find_unvalidated", is_split=train.split_ground_truth)
    database.replace("polygon_distance", distances(database.arrow("split/learn_and_val")))


def connected(ids: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """The smallest id of the connected component of every id.

    Args:
        ids: (n,) distinct ids, ascending.
        first, second: (m,) the pairs that belong together.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(ids)
    edges = (np.searchsorted(ids, first), np.searchsorted(ids, second))
    graph = coo_array((np.ones(len(first), dtype=np.int8), edges), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    smallest = np.full(component.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, ids)
    return np.asarray(smallest[component])


def close_pairs(
    ids: NDArray[np.int64], shapes: Sequence[bytes], distance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of all pairs of polygons (WKB) that are at most a distance apart; none where the distance is 0.

    By GEOS: DuckDB's own ST_DWithin (1.5.5) takes polygons for touching whose edges lie on one line.
    """
    import shapely

    if distance <= 0:
        return ids[:0], ids[:0]
    geometry = shapely.from_wkb(shapes)
    first, second = shapely.STRtree(geometry).query(geometry, predicate="dwithin", distance=distance)
    is_pair = first < second
    return ids[first[is_pair]], ids[second[is_pair]]


def distances(polygons: pa.Table) -> pa.Table:
    """Rows of table `polygon_distance`: how far each val polygon is from the nearest learn polygon of its class."""
    import shapely

    sides: dict[tuple[int, int], dict[str, list[tuple[int, bytes]]]] = defaultdict(lambda: defaultdict(list))
    for row in polygons.to_pylist():
        sides[row["run"], row["class_code"]][row["split"]].append((row["polygon_id"], row["wkb"]))
    rows = []
    for (run, _), by_split in sides.items():
        learn, val = by_split["learn"], by_split["val"]
        if not learn or not val:
            continue
        tree = shapely.STRtree(shapely.from_wkb([shape for _, shape in learn]))
        shapes = shapely.from_wkb([shape for _, shape in val])
        (of_val, of_learn), found = tree.query_nearest(shapes, return_distance=True, all_matches=False)
        for i, j, distance in zip(of_val, of_learn, found, strict=True):
            rows.append(
                {
                    "run": run,
                    "polygon_id": val[i][0],
                    "nearest_polygon_id": learn[j][0],
                    "distance": float(distance),
                }
            )
    schema = pa.schema(
        [
            ("run", pa.int32()),
            ("polygon_id", pa.int64()),
            ("nearest_polygon_id", pa.int64()),
            ("distance", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


STAGE = Stage(
    name="split",
    group="sampling",
    title="draw learn and val polygons",
    reads=("candidate", "polygon", "run", "class", "polygon_group", "polygon_split"),
    writes=("polygon_group", "polygon_split", "polygon_distance", "finding"),
    version=1,
    sql=("split/used_polygons", "split/neighbours", "split/split", "split/find_unvalidated", "split/learn_and_val"),
    tasks=_tasks,
    publish=_publish,
)
