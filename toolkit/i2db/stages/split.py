"""sampling: which polygons learn and which validate, in every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task
from i2db.config.train import ArgTrain
from i2db.errors import InputError
from i2db.fingerprint import file_fingerprint
from i2db.stages.models_of_regions import deal_out, several_models
from i2db.stages.slices import slices_by
from i2db.vector.regions import read_regions


def _tasks(project: Project) -> Sequence[Task]:
    train = project.config.arg_train
    truth = file_fingerprint(project.config.chain.ground_truth)
    identity = [
        project.published("candidate"),
        project.random_seed,
        train.runs,
        train.ratio,
        train.split_ground_truth,
        train.lone_polygon,
        train.min_distance,
        [train.group_field, truth] if train.group_field else None,
        _unit_identity(train, truth) if train.split_ground_truth else None,
        _held_ratio(project),
        several_models(project),
    ]
    return [STAGE.task("all", identity)]


def _held_ratio(project: Project) -> float | None:
    """Share of the polygons that is held for the validation of the fused map, if any is."""
    section = project.config.arg_classification
    return section.merge_final_classifications_ratio if section.holds_polygons_back else None


def _unit_identity(train: ArgTrain, truth: list[Any]) -> list[Any]:
    """What the units of the split depend on, besides the candidates."""
    return [
        train.split_by,
        train.block_size,
        train.split_buffer,
        [train.split_field, truth] if train.split_field else None,
        [train.split_region_field, file_fingerprint(train.split_region_path)] if train.split_region_path else None,
    ]


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    import shapely

    database, train = project.database, project.config.arg_train
    used = database.arrow("split/used_polygons")
    if project.scene.table is not None:
        _require_places(project, used)
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
    _hold(project)
    _split(project, polygon_ids, geometry)
    database.run("split/held")
    width = train.split_buffer if train.split_ground_truth else 0.0
    database.replace("polygon_buffer", within_buffer(polygon_ids, geometry, database.arrow("split/sides"), width))
    database.run("split/leave_out")
    _require_learning(project)
    deal_out(project)
    database.run("catalogue/clear_findings", stage=STAGE.name)
    database.run("split/find_parts")
    if _held_ratio(project) is not None:
        database.run("split/find_unheld")
    database.run("split/find_unvalidated", is_split=train.split_ground_truth)
    is_told = train.split_ground_truth and (train.split_by != "polygon" or width > 0)
    database.run("split/find_left_out", is_told=is_told)
    database.replace("polygon_distance", distances(polygon_ids, geometry, database.arrow("split/learn_and_val")))


def _hold(project: Project) -> None:
    """Fill table `held_group`; an InputError where polygons are to be held and no class has enough."""
    ratio = _held_ratio(project)
    if ratio is None:
        project.database.replace("held_group", [])
        return
    project.database.run("split/hold", random_seed=project.random_seed, ratio=float(ratio))
    (count,) = project.database.rows("split/count_held")
    if count["n"] == 0:
        raise InputError(
            "no polygon can be kept aside for the fused map: no class of a region has three",
            hint="add polygons, or judge the map by all of them "
            "(arg_classification.fusionofclassification_all_samples_validation True)",
        )


def _require_places(project: Project, used: pa.Table) -> None:
    """An InputError where the split asks where the series of a table are, and they have degrees, or nothing."""
    import pyproj

    train = project.config.arg_train
    keys = [key for key in ("min_distance", "split_buffer") if getattr(train, key) > 0]
    keys += [f"split_by {train.split_by}"] if train.split_by in ("block", "region") else []
    if not keys or not train.split_ground_truth:
        return
    if pyproj.CRS.from_user_input(project.scene.grid.crs).is_geographic:
        raise InputError(
            f"arg_train.{keys[0]} is in metres, and the series of {project.config.chain.labelled_file} have degrees",
            hint="chain.proj names a projection in metres, e.g. 'EPSG:32631'",
        )
    if used["wkb"].null_count:
        raise InputError(
            f"{used['wkb'].null_count} series of {project.config.chain.labelled_file} have no coordinates, and "
            f"arg_train.{keys[0]} asks where they are",
            hint="give the table columns longitude and latitude, or x and y and chain.ground_truth_proj",
        )


def _split(project: Project, polygon_ids: NDArray[np.int64], geometry: NDArray[np.object_]) -> None:
    """Fill tables `polygon_unit` and `polygon_split` as arg_train.split_by asks."""
    database, train = project.database, project.config.arg_train
    by = train.split_by if train.split_ground_truth else "polygon"
    if by == "block":
        database.run("split/units_of_blocks", block_size=train.block_size)
        if len({row["unit"] for row in database.rows("split/units")}) < 2:
            raise InputError(
                f"all of the ground truth lies in one block of {train.block_size:g}",
                hint="take a smaller arg_train.block_size",
            )
        database.run("split/split_blocks", ratio=float(train.ratio))
        return
    if by == "polygon":
        database.replace("polygon_unit", [])
        database.run(
            "split/split",
            ratio=float(train.ratio),
            is_split=train.split_ground_truth,
            lone_both=train.lone_polygon == "both",
        )
        return
    if by == "tile":
        database.run("split/units_of_tiles")
    elif by == "region":
        database.replace("polygon_unit", _units_of_regions(project, polygon_ids, geometry))
    else:
        database.run("split/units_of_values")
    database.run("split/split_units")


def _units_of_regions(project: Project, polygon_ids: NDArray[np.int64], geometry: NDArray[np.object_]) -> pa.Table:
    """Rows of table `polygon_unit`: the regions of split_region_path that each polygon has a part in, and how much."""
    import shapely

    train = project.config.arg_train
    assert train.split_region_path is not None
    regions, _ = read_regions(
        train.split_region_path, train.split_region_field, project.scene.grid.crs, "arg_train.split_region_field"
    )
    shapes = shapely.from_wkb(regions["wkb"].to_numpy())
    polygon, region = shapely.STRtree(shapes).query(geometry, predicate="intersects")
    weight = shapely.area(shapely.intersection(geometry[polygon], shapes[region]))
    weight[shapely.get_dimensions(geometry[polygon]) == 0] = 1.0
    shares = weight > 0  # what only touches the border has no part in the region
    names = np.array(regions["region"].to_pylist(), dtype=object)
    return pa.table(
        {
            "polygon_id": polygon_ids[polygon[shares]],
            "unit": pa.array(names[region[shares]].tolist(), pa.string()),
            "weight": weight[shares],
        }
    )


def _require_learning(project: Project) -> None:
    """An InputError if a run has nothing to learn from."""
    for row in project.database.rows("split/count_sides"):
        if row["n_learn"] == 0 and row["n_val"] + row["n_buffer"] > 0:
            without = f" (without {row['held_out']})" if row["held_out"] is not None else ""
            raise InputError(
                f"run {row['run']}{without} has no polygon to learn from: {row['n_val']} validate, "
                f"{row['n_buffer']} are left out",
                hint="see arg_train.split_by, split_buffer and ratio",
            )


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


def within_buffer(ids: NDArray[np.int64], geometry: NDArray[np.object_], sides: pa.Table, distance: float) -> pa.Table:
    """Rows of table `polygon_buffer`: learn polygons at most a distance from a val polygon; none where it is 0.

    Args:
        ids: (n,) ids of polygons, ascending.
        geometry: (n,) their shapes.
        sides: run, polygon_id and is_learn, sorted by run and id; a polygon that is on both sides stays.
        distance: in map units.
    """
    import shapely

    runs, left_out, nearest, measured = [], [], [], []
    place = np.searchsorted(ids, sides["polygon_id"].to_numpy())
    is_learn = sides["is_learn"].to_numpy()
    for (run,), rows in slices_by(sides, "run") if distance > 0 else ():
        learns, validates = place[rows][is_learn[rows]], place[rows][~is_learn[rows]]
        learns = np.setdiff1d(learns, validates)
        if not len(learns) or not len(validates):
            continue
        (of_learn, of_val), found = shapely.STRtree(geometry[validates]).query_nearest(
            geometry[learns], max_distance=distance, return_distance=True, all_matches=False
        )
        runs.append(np.full(len(found), run, dtype=np.int32))
        left_out.append(ids[learns[of_learn]])
        nearest.append(ids[validates[of_val]])
        measured.append(found)
    return pa.table(
        {
            "run": np.concatenate([*runs, np.empty(0, dtype=np.int32)]),
            "polygon_id": np.concatenate([*left_out, ids[:0]]),
            "nearest_polygon_id": np.concatenate([*nearest, ids[:0]]),
            "distance": np.concatenate([*measured, np.empty(0)]),
        }
    )


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
    reads=(
        "candidate",
        "polygon",
        "run",
        "class",
        "grid",
        "polygon_group",
        "polygon_unit",
        "polygon_buffer",
        "polygon_split",
        "held_group",
        "region",
        "region_model",
    ),
    writes=(
        "polygon_group",
        "polygon_unit",
        "polygon_buffer",
        "held_group",
        "polygon_split",
        "polygon_distance",
        "region_model",
        "polygon_model",
        "finding",
    ),
    version=4,
    sql=(
        "split/used_polygons",
        "split/neighbours",
        "split/units",
        "split/units_of_blocks",
        "split/units_of_tiles",
        "split/units_of_values",
        "split/split",
        "split/split_blocks",
        "split/split_units",
        "split/hold",
        "split/held",
        "split/count_held",
        "split/find_unheld",
        "split/region_sizes",
        "split/deal",
        "split/find_parts",
        "split/sides",
        "split/leave_out",
        "split/count_sides",
        "split/find_unvalidated",
        "split/find_left_out",
        "split/learn_and_val",
    ),
    tasks=_tasks,
    publish=_publish,
)
