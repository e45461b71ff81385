"""sampling: every usable pixel of the ground truth, with its polygon, region, clear dates and distance to the edge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.errors import InputError
from i2db.fingerprint import fingerprint
from i2db.raster.burn import BurnResult, are_points, burn_points, burn_polygons, edge_distances
from i2db.raster.grid import sample_ids
from i2db.stages.inputs import LONGEST_GAP_BAND, N_VALID_BAND, ChunkInput, chunk_inputs, owned_pixels, read_raster
from i2db.stages.publishing import publish_tables
from i2db.stages.regions import ChunkRegions, regions_of_chunks
from i2db.stages.series import Stretch, candidates, stretches
from i2db.store.parts import Part

_SENSOR_CLEAR_DATES = pa.list_(pa.struct([("key", pa.string()), ("value", pa.uint16())]))

CANDIDATE_SCHEMA = pa.schema(
    [
        ("sample_id", pa.int64()),
        ("polygon_id", pa.int64()),
        ("region", pa.string()),
        ("tile", pa.string()),
        ("chunk", pa.int32()),
        ("grid_column", pa.int32()),
        ("grid_row", pa.int32()),
        ("n_valid", pa.uint16()),
        ("n_valid_by_sensor", _SENSOR_CLEAR_DATES),
        ("longest_gap", pa.uint16()),
        ("edge_distance", pa.float32()),
    ]
)

CONFLICT_SCHEMA = pa.schema([("polygon_id_a", pa.int64()), ("polygon_id_b", pa.int64()), ("n_pixels", pa.int64())])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    chunk_input: ChunkInput
    polygon_ids: tuple[int, ...]
    class_codes: tuple[int, ...]
    shapes: tuple[bytes, ...]
    regions: ChunkRegions
    cloud_threshold: int
    erode: float


def _tasks(project: Project) -> Sequence[Task]:
    if project.scene.table is not None:
        return [STAGE.task(stretch.unit, stretch.identity, stretch) for stretch in stretches(project)]
    polygons: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in project.database.rows("candidate/polygons_of_chunks"):
        polygons[f"{row['tile']}-{row['chunk']:04d}"].append(row)
    regions = regions_of_chunks(project)
    config = project.config
    # A pixel without any clear date has no features: it cannot be used whatever the threshold.
    threshold = max(1, config.chain.cloud_threshold)
    tasks = []
    for unit, (chunk_input, validity) in chunk_inputs(project).items():
        rows = polygons.get(unit)
        if not rows:
            continue
        payload = _Payload(
            chunk_input=chunk_input,
            polygon_ids=tuple(row["polygon_id"] for row in rows),
            class_codes=tuple(row["class_code"] for row in rows),
            shapes=tuple(bytes(row["wkb"]) for row in rows),
            regions=regions[unit],
            cloud_threshold=threshold,
            erode=config.arg_train.erode,
        )
        shapes = fingerprint([shape.hex() for shape in payload.shapes])
        identity = [
            validity,
            payload.polygon_ids,
            payload.class_codes,
            shapes,
            payload.regions.identity,
            threshold,
            payload.erode,
        ]
        tasks.append(STAGE.task(unit, identity, payload))
    return tasks


def _work(task: Task, context: WorkContext) -> Part:
    if isinstance(task.payload, Stretch):
        writer = context.writer(task)
        writer.table("candidate", candidates(task.payload, CANDIDATE_SCHEMA))
        writer.table("conflict", CONFLICT_SCHEMA.empty_table())
        return writer.finish()
    payload: _Payload = task.payload
    chunk_input = payload.chunk_input
    window = chunk_input.chunk.window
    is_point = are_points(payload.shapes)
    burnt = (burn_points if is_point else burn_polygons)(
        np.array(payload.polygon_ids, dtype=np.int64),
        np.array(payload.class_codes, dtype=np.int32),
        payload.shapes,
        window,
        chunk_input.grid,
    )
    table = _candidates(payload, burnt, is_point=is_point)
    conflicts = pa.Table.from_pylist(
        [{"polygon_id_a": a, "polygon_id_b": b, "n_pixels": n} for a, b, n in burnt.conflicts], schema=CONFLICT_SCHEMA
    )
    writer = context.writer(task)
    writer.table("candidate", table)
    writer.table("conflict", conflicts)
    return writer.finish()


def _candidates(payload: _Payload, burnt: BurnResult, *, is_point: bool) -> pa.Table:
    chunk_input = payload.chunk_input
    chunk, grid = chunk_input.chunk, chunk_input.grid
    rows, columns = burnt.rows - chunk.window.row, burnt.columns - chunk.window.column
    validity = chunk_input.validity
    assert validity is not None
    measures = read_raster(validity.path, chunk.window, chunk.window, [1, 2, 3, *range(4, 4 + len(chunk_input.series))])
    measures = measures[:, rows, columns]
    region = payload.regions.of_pixels(chunk.window, grid)[rows, columns]
    distance = None
    if not is_point:
        x, y = grid.centres(burnt.rows, burnt.columns)
        distance = edge_distances(payload.shapes, burnt.polygon_index, x, y)
    usable = (
        owned_pixels(chunk_input, chunk.window)[rows, columns]
        & (measures[N_VALID_BAND - 1] >= payload.cloud_threshold)
        & (region >= 0)
    )
    if distance is not None:
        usable &= distance >= payload.erode
    ids = sample_ids(burnt.rows, burnt.columns)[usable]
    order = np.argsort(ids)

    def kept(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(values[usable][order])

    n = len(ids)
    sensors = [series.sensor.name for series in chunk_input.series]
    return pa.table(
        [
            ids[order],
            kept(np.array(payload.polygon_ids, dtype=np.int64)[burnt.polygon_index]),
            pa.array(np.array(payload.regions.names, dtype=object)[kept(region)], pa.string()),
            pa.array([chunk.tile] * n, pa.string()),
            np.full(n, chunk.number, dtype=np.int32),
            kept(burnt.columns).astype(np.int32),
            kept(burnt.rows).astype(np.int32),
            kept(measures[N_VALID_BAND - 1]),
            _by_sensor(sensors, [kept(band) for band in measures[3:]]),
            kept(measures[LONGEST_GAP_BAND - 1]),
            pa.nulls(n, pa.float32()) if distance is None else kept(distance).astype(np.float32),
        ],
        schema=CANDIDATE_SCHEMA,
    )


def _by_sensor(sensors: Sequence[str], counts: Sequence[NDArray[np.uint16]]) -> pa.Array:
    """One list of (sensor, clear dates) per pixel."""
    n = len(counts[0])
    entries = pa.StructArray.from_arrays(
        [pa.array(list(sensors) * n, pa.string()), pa.array(np.stack(counts, axis=1).ravel(), pa.uint16())],
        ["key", "value"],
    )
    offsets = np.arange(n + 1, dtype=np.int32) * len(sensors)
    return pa.ListArray.from_arrays(pa.array(offsets), entries).cast(_SENSOR_CLEAR_DATES)


_publish_candidates = publish_tables("candidate/clear", "candidate/fill", "candidate")


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    _publish_candidates(project, changed, retired)
    database = project.database
    (count,) = database.rows("extract/count_candidates")
    if count["n"] == 0:
        raise InputError(
            f"no pixel of {project.config.chain.ground_truth} can be used: all lie outside the regions, have too few "
            "clear dates, or are eroded away",
            hint="see chain.region_path, chain.cloud_threshold and arg_train.erode",
        )
    database.run("catalogue/clear_findings", stage=STAGE.name)
    database.run("candidate/find_empty_polygons")
    published = project.publications(STAGE.name)
    current = {decision.task.unit: decision for decision in changed}
    parts = [decision.part for decision in changed if decision.part is not None]
    for unit, digest in published.items():
        if unit not in current and unit not in retired:
            part = project.parts.find(STAGE.name, unit, digest)
            if part is not None:
                parts.append(part)
    files = [str(project.parts.path_of(part, "conflict")) for part in parts if part.file("conflict").n_rows]
    if files:
        (kind,) = database.rows("candidate/geometry_kind")
        database.run("candidate/find_conflicts", files=sorted(files), is_point=kind["is_point"])


STAGE = Stage(
    name="candidate",
    group="sampling",
    title="pixels of the ground truth",
    reads=("polygon", "region", "tile", "chunk", "grid", "candidate"),
    writes=("candidate", "finding"),
    needs=("validity",),
    version=2,
    sql=(
        "candidate/polygons_of_chunks",
        "candidate/regions",
        "candidate/series",
        "candidate/clear",
        "candidate/fill",
        "candidate/find_empty_polygons",
        "candidate/find_conflicts",
        "candidate/geometry_kind",
        "extract/count_candidates",
    ),
    tasks=_tasks,
    work=_work,
    publish=_publish,
)
