"""mosaic: the maps of all chunks put together into the files of final/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.errors import StageError
from i2db.files import link
from i2db.raster.grid import Grid, Window
from i2db.raster.mosaic import MosaicSource, Overview, mosaic
from i2db.report.style import LegendClass, write_qml
from i2db.stages.classify import PROBABILITY_SCALE
from i2db.stages.inputs import bounded_cache
from i2db.store.parts import Part, PartStore

FINAL = "final"

#: Files whose checksums this process found right, with what tells whether they have changed since: the rasters of a
#: chunk hold all runs, and are read for the map of each.
_SEEN: set[tuple[Path, str, int, int, int]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Product:
    """One file of final/: from which rasters of the chunks, which of their bands, and how it is written."""

    name: str
    kind: str
    bands: tuple[int, ...]
    dtype: str
    overview: Overview
    descriptions: tuple[str, ...] = ()
    is_label: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    product: _Product
    sources: tuple[tuple[Window, Part], ...]
    extent: Window
    grid: Grid
    classes: tuple[LegendClass, ...]


def _products(project: Project, largest_code: int, class_names: Sequence[str]) -> list[_Product]:
    config = project.config
    label_type = "uint8" if largest_code <= np.iinfo(np.uint8).max else "uint16"
    scene = project.scene
    most_dates = max(
        sum(len({product.date for product in series.products[tile]}) for series in scene.series) for tile in scene.tiles
    )
    products = [
        _Product(
            name="PixelsValidity",
            kind="validity",
            bands=(1,),
            dtype="uint8" if most_dates <= np.iinfo(np.uint8).max else "uint16",
            overview="average",
            descriptions=("number of clear dates",),
        )
    ]
    for run in range(config.arg_train.runs):
        products += [
            _Product(
                name=f"Classif_Seed_{run}",
                kind="label",
                bands=(run + 1,),
                dtype=label_type,
                overview="mode",
                descriptions=("class",),
                is_label=True,
            ),
            _Product(
                name=f"Confidence_Seed_{run}",
                kind="confidence",
                bands=(run + 1,),
                dtype="uint8",
                overview="average",
                descriptions=("confidence in percent",),
            ),
        ]
        if config.arg_classification.has_probability_map:
            n = len(class_names)
            products.append(
                _Product(
                    name=f"ProbabilityMap_seed_{run}",
                    kind="probability",
                    bands=tuple(range(run * n + 1, (run + 1) * n + 1)),
                    dtype="uint16",
                    overview="average",
                    descriptions=tuple(f"{name}, probability x {PROBABILITY_SCALE}" for name in class_names),
                )
            )
    return products


def _tasks(project: Project) -> Sequence[Task]:
    if not project.scene.chunks:
        return []
    rows = project.database.rows("mosaic/classes")
    classes = tuple(
        LegendClass(code=row["class_code"], name=row["class_name"], color=(row["red"], row["green"], row["blue"]))
        for row in rows
    )
    ascending = [row["class_name"] for row in sorted(rows, key=lambda row: int(row["class_code"]))]
    published = project.publications("classify")
    parts = []
    for chunk in project.scene.chunks:
        part = project.parts.find("classify", chunk.unit, published.get(chunk.unit, ""))
        if part is None:
            raise StageError(f"chunk {chunk.unit} is not classified", hint="run the chain from first_step init")
        parts.append((chunk, part))
    tasks = []
    for product in _products(project, max(c.code for c in classes), ascending):
        sources = tuple((chunk.window, part) for chunk, part in parts)
        payload = _Payload(
            product=product, sources=sources, extent=project.scene.extent, grid=project.scene.grid, classes=classes
        )
        identity = [
            repr(product),
            repr(classes),
            repr(payload.extent),
            [part.file(product.kind).checksum for _, part in parts],
        ]
        tasks.append(STAGE.task(product.name, identity, payload, tuple(_outputs(product))))
    return tasks


def _outputs(product: _Product) -> list[str]:
    names = [f"{FINAL}/{product.name}.tif"]
    if product.is_label:
        names += [
            f"{FINAL}/{product.name}.qml",
            f"{FINAL}/{product.name}_ColorIndexed.tif",
            f"{FINAL}/{product.name}_ColorIndexed.qml",
        ]
    return names


def _work(task: Task, context: WorkContext) -> Part:
    payload: _Payload = task.payload
    product = payload.product
    # A flipped bit in a compressed block reads back as valid data: the sums are checked before anything is read.
    store = PartStore(context.root)
    sources = [MosaicSource(verified(store, part, product.kind), product.bands, w) for w, part in payload.sources]
    writer = context.writer(task)
    path = writer.path("map", ".tif")
    with bounded_cache(context.memory):
        mosaic(
            sources,
            payload.extent,
            payload.grid,
            path,
            nodata=0,
            dtype=product.dtype,
            colormap={c.code: c.color for c in payload.classes} if product.is_label else None,
            descriptions=product.descriptions,
            overview=product.overview,
            threads=context.n_threads,
        )
    writer.add("map", path)
    return writer.finish()


def verified(store: PartStore, part: Part, kind: str) -> Path:
    """The path of a part's file whose checksum is right; one that this process has seen is not read a second time."""
    path = store.path_of(part, kind)
    if path.exists():
        status = path.stat()
        state = (path, part.file(kind).checksum, status.st_ino, status.st_size, status.st_mtime_ns)
        if state not in _SEEN:
            store.verify(part, kind)
            _SEEN.add(state)
        return path
    return store.verify(part, kind)


def _publish(project: Project, changed: Sequence[Decision], retired: Sequence[str]) -> None:
    """The finished maps take their names in final/; what a smaller number of runs no longer makes is taken away."""
    folder = project.folder / FINAL
    folder.mkdir(exist_ok=True)
    for decision in changed:
        if decision.part is None:
            continue
        payload: _Payload = decision.task.payload
        source = project.parts.verify(decision.part, "map")
        for name in decision.task.outputs:
            target = project.folder / name
            if target.suffix == ".qml":
                write_qml(target, payload.classes)
            else:
                link(source, target)
                Path(f"{target}.aux.xml").unlink(missing_ok=True)
    for unit in retired:
        for path in (*folder.glob(f"{unit}.*"), *folder.glob(f"{unit}_ColorIndexed.*")):
            path.unlink()


STAGE = Stage(
    name="mosaic",
    group="mosaic",
    title="final maps",
    reads=("class",),
    writes=(),
    needs=("classify",),
    version=1,
    sql=("mosaic/classes",),
    tasks=_tasks,
    work=_work,
    publish=_publish,
    writes_files=True,
)
