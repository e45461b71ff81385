"""writing: the features of all chunks put together, per tile and over all tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.errors import StageError
from i2db.files import link
from i2db.raster.grid import Grid, Window
from i2db.raster.mosaic import MosaicSource, mosaic
from i2db.stages.chunk_rasters import verified
from i2db.stages.feature_map import Coding, coding_of
from i2db.stages.inputs import bounded_cache
from i2db.stages.mosaic import FINAL
from i2db.store.parts import Part, PartStore

#: Folder of the maps of single tiles, as iota2's.
FEATURES = "features"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    sources: tuple[tuple[Window, Part], ...]
    extent: Window
    grid: Grid
    names: tuple[str, ...]
    coding: Coding


def _tasks(project: Project) -> Sequence[Task]:
    scene, coding = project.scene, coding_of(project)
    names = tuple(feature.name for feature in scene.features)
    published = project.publications("feature_map")
    of_tile: dict[str, list[tuple[Window, Part]]] = {tile: [] for tile in scene.tiles}
    for chunk in scene.chunks:
        part = project.parts.find("feature_map", chunk.unit, published.get(chunk.unit, ""))
        if part is None:
            raise StageError(f"chunk {chunk.unit} has no map of features", hint="run the chain from first_step init")
        of_tile[chunk.tile].append((chunk.window, part))
    name = project.config.external_features.map_name
    # In the order of the tiles: where two overlap the first with data has the pixel.
    wanted = {"all": ([f"{FINAL}/{name}.tif"], [each for found in of_tile.values() for each in found], scene.extent)}
    for tile, found in of_tile.items():
        output = f"{FEATURES}/{tile}/{name}.tif"
        if len(of_tile) == 1:
            wanted["all"][0].append(output)
        else:
            wanted[tile] = [output], found, scene.tiles[tile]
    tasks = []
    for unit, (outputs, sources, extent) in wanted.items():
        payload = _Payload(sources=tuple(sources), extent=extent, grid=scene.grid, names=names, coding=coding)
        identity = [names, repr(coding), repr(extent), [part.file("features").checksum for _, part in sources]]
        tasks.append(STAGE.task(unit, identity, payload, tuple(outputs)))
    return tasks


def _work(task: Task, context: WorkContext) -> Part:
    payload: _Payload = task.payload
    store = PartStore(context.root)
    bands = tuple(range(1, len(payload.names) + 1))
    sources = [MosaicSource(verified(store, part, "features"), bands, window) for window, part in payload.sources]
    writer = context.writer(task)
    path = writer.path("map", ".tif")
    with bounded_cache(context.memory):
        mosaic(
            sources,
            payload.extent,
            payload.grid,
            path,
            nodata=payload.coding.stored_nodata,
            dtype=payload.coding.dtype,
            descriptions=payload.names,
            overview="average",
            compress="zstd",
            threads=context.n_threads,
        )
    writer.add("map", path)
    return writer.finish()


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """The finished maps take their names; those of tiles that are no more are taken away, other names stay."""
    for tile in retired:
        for path in (project.folder / FEATURES / tile).glob("*.tif"):
            path.unlink()
    for decision in changed:
        if decision.part is None:
            continue
        source = project.parts.verify(decision.part, "map")
        for name in decision.task.outputs:
            target = project.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            link(source, target)
            Path(f"{target}.aux.xml").unlink(missing_ok=True)


STAGE = Stage(
    name="feature_mosaic",
    group="writing",
    title="maps of the features, per tile and over all",
    reads=(),
    writes=(),
    needs=("feature_map",),
    version=1,
    tasks=_tasks,
    work=_work,
    publish=_publish,
    writes_files=True,
)
