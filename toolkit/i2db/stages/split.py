"""sampling: which polygons learn and which validate, in every run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.fingerprint import file_fingerprint
from i2db.stages.slices import slices_by


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
    import shapely

    database, train = project.database, project.config.arg_train
    used = database.arrow("split/used_polygons")
    polygon_ids = used["polygon_id"].to_numpy()
    geometry = shapely.from_wkb(used["wkb"].to_numpy())
    grouped = database.arrow("split/neighbours")
    near = close_pairs(polygon_ids, geometry, train.min_distance)
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
    database.replace("polygon_distance", distances(polygon_ids, geometry, database.arrow("split/learn_and_val")))


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
    ids: NDArray[np.int64], geometry: NDArray[np.object_], distance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of all pairs of polygons that are at most a distance apart; none where the distance is 0.

    By GEOS: DuckDB's own ST_DWithin (1.5.5) takes polygons for touching whose edges lie on one line.
    """
    import shapely

    if distance <= 0:
        return ids[:0], ids[:0]
    first, second = shapely.STRtree(geometry).query(geometry, predicate="dwithin", distance=distance)
    is_pair = first < second
    return ids[first[is_pair]], ids[second[is_pair]]


def distances(ids: NDArray[np.int64], geometry: NDArray[np.object_], polygons: pa.Table) -> pa.Table:
    """Rows of table `polygon_distance`: how far each val polygon is from the nearest learn polygon of its class.

    Args:
        ids: (n,) ids of polygons, ascending.
        geometry: (n,) their shapes.
        polygons: run, class_code, polygon_id and is_learn, sorted by them; a polygon can be on both sides.
    """
    import shapely

    place = np.searchsorted(ids, polygons["polygon_id"].to_numpy())
    is_learn = polygons["is_learn"].to_numpy()
    runs, val, nearest, measured = [], [], [], []
    for (run, _), rows in slices_by(polygons, "run", "class_code"):
        learns, validates = place[rows][is_learn[rows]], place[rows][~is_learn[rows]]
        if not len(learns) or not len(validates):
            continue
        tree = shapely.STRtree(geometry[learns])
        (of_val, of_learn), found = tree.query_nearest(geometry[validates], return_distance=True, all_matches=False)
        runs.append(np.full(len(found), run, dtype=np.int32))
        val.append(ids[validates[of_val]])
        nearest.append(ids[learns[of_learn]])
        measured.append(found)
    return pa.table(
        {
            "run": np.concatenate([*runs, np.empty(0, dtype=np.int32)]),
            "polygon_id": np.concatenate([*val, ids[:0]]),
            "nearest_polygon_id": np.concatenate([*nearest, ids[:0]]),
            "distance": np.concatenate([*measured, np.empty(0)]),
        }
    )


STAGE = Stage(
    name="split",
    group="sampling",
    title="draw learn and val polygons",
    reads=("candidate", "polygon", "run", "class", "polygon_group", "polygon_split"),
    writes=("polygon_group", "polygon_split", "polygon_distance", "finding"),
    version=2,
    sql=("split/used_polygons", "split/neighbours", "split/split", "split/find_unvalidated", "split/learn_and_val"),
    tasks=_tasks,
    publish=_publish,
)
