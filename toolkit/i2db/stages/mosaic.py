"""mosaic: the maps of all chunks put together into the files of final/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2db.chain.project import Project
from i2db.chain.stage import Stage
from i2db.chain.task import Decision, Task, WorkContext
from i2db.config.classification import ArgClassification
from i2db.files import link
from i2db.raster.grid import Grid, Window
from i2db.raster.mosaic import MosaicSource, Overview, mosaic
from i2db.raster.uncertainty import NODATA as UNCERTAINTY_NODATA
from i2db.report.style import LegendClass, write_qml
from i2db.stages.chunk_rasters import sources_of, verified
from i2db.stages.classify import PROBABILITY_SCALE
from i2db.stages.inputs import bounded_cache
from i2db.store.parts import Part, PartStore

FINAL = "final"

#: The stages whose rasters are put together, and what a chunk is not where one is missing.
_STAGES = {"classify": "is not classified", "fuse": "is not fused", "smooth": "is not smoothed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Product:
    """One file of final/: from which rasters of the chunks, which of their bands, and how it is written."""

    name: str
    stage: str
    kind: str
    bands: tuple[int, ...]
    dtype: str
    overview: Overview
    descriptions: tuple[str, ...] = ()
    is_label: bool = False
    nodata: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    product: _Product
    sources: tuple[tuple[Window, Part], ...]
    extent: Window
    grid: Grid
    classes: tuple[LegendClass, ...]


def _products(project: Project, largest_code: int, class_names: Sequence[str]) -> list[_Product]:
    scene, section = project.scene, project.config.arg_classification
    runs = range(project.config.arg_train.runs)
    most_dates = max(
        sum(len({product.date for product in series.products[tile]}) for series in scene.series) for tile in scene.tiles
    )
    products = [
        _Product(
            name="PixelsValidity",
            stage="classify",
            kind="validity",
            bands=(1,),
            dtype=_type_for(most_dates),
            overview="average",
            descriptions=("number of clear dates",),
        )
    ]
    label_type = _type_for(largest_code)
    for run in runs:
        products += _of_map(section, "classify", run, label_type, class_names, f"Classif_Seed_{run}", f"_Seed_{run}")
    fused_type = _type_for(max(largest_code, section.merge_final_classifications_undecidedlabel))
    if section.merge_final_classifications:
        products += _of_map(section, "fuse", 0, fused_type, class_names, "Classifications_fusion", "_fusion")
    if section.smoothing is not None:
        named = [(run, f"Classif_Seed_{run}", f"_Seed_{run}", label_type) for run in runs]
        if section.merge_final_classifications:
            named.append((len(runs), "Classifications_fusion", "_fusion", fused_type))
        for place, name, suffix, dtype in named:
            products.append(_label("smooth", place, dtype, f"{name}_smoothed"))
            if section.smoothing == "bayes":
                products.append(_share("smooth", "confidence", place, f"Confidence{suffix}_smoothed"))
    return products


def _makes(products: Sequence[_Product], stage: str) -> bool:
    return any(product.stage == stage for product in products)


def _type_for(largest: int) -> str:
    return "uint8" if largest <= np.iinfo(np.uint8).max else "uint16"


def _label(stage: str, place: int, dtype: str, name: str) -> _Product:
    return _Product(
        name=name,
        stage=stage,
        kind="label",
        bands=(place + 1,),
        dtype=dtype,
        overview="mode",
        descriptions=("class",),
        is_label=True,
    )


def _share(stage: str, kind: str, place: int, name: str, nodata: int = 0) -> _Product:
    return _Product(
        name=name,
        stage=stage,
        kind=kind,
        bands=(place + 1,),
        dtype="uint8",
        overview="average",
        descriptions=(f"{kind} in percent",),
        nodata=nodata,
    )


def _of_map(
    section: ArgClassification,
    stage: str,
    place: int,
    label_type: str,
    class_names: Sequence[str],
    name: str,
    suffix: str,
) -> list[_Product]:
    """The label of a map, how sure it is, and the probabilities it was made from."""
    products = [_label(stage, place, label_type, name), _share(stage, "confidence", place, f"Confidence{suffix}")]
    for measure in section.uncertainty_maps:
        products.append(_share(stage, measure, place, f"{measure.capitalize()}{suffix}", UNCERTAINTY_NODATA))
    if section.has_probability_map:
        n = len(class_names)
        products.append(
            _Product(
                # iota2 writes the seed of this one small.
                name=f"ProbabilityMap{suffix.lower()}",
                stage=stage,
                kind="probability",
                bands=tuple(range(place * n + 1, (place + 1) * n + 1)),
                dtype="uint16",
                overview="average",
                descriptions=tuple(f"{one}, probability x {PROBABILITY_SCALE}" for one in class_names),
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
    products = _products(project, max(c.code for c in classes), ascending)
    parts = {stage: sources_of(project, stage, hint) for stage, hint in _STAGES.items() if _makes(products, stage)}
    section = project.config.arg_classification
    undecided = LegendClass(code=section.merge_final_classifications_undecidedlabel, name="undecided", color=(255,) * 3)
    tasks = []
    for product in products:
        of_product = list(parts[product.stage].values())
        sources = tuple((source.window, source.part) for source in of_product)
        is_fused = product.is_label and product.name.startswith("Classifications_fusion")
        legend = (*classes, undecided) if is_fused else classes
        payload = _Payload(
            product=product, sources=sources, extent=project.scene.extent, grid=project.scene.grid, classes=legend
        )
        identity = [
            repr(product),
            repr(legend),
            repr(payload.extent),
            [part.file(product.kind).checksum for _, part in sources],
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
            nodata=product.nodata,
            dtype=product.dtype,
            colormap={c.code: c.color for c in payload.classes} if product.is_label else None,
            descriptions=product.descriptions,
            overview=product.overview,
            threads=context.n_threads,
        )
    writer.add("map", path)
    return writer.finish()


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
    needs=("classify", "fuse", "smooth"),
    version=2,
    sql=("mosaic/classes",),
    tasks=_tasks,
    work=_work,
    publish=_publish,
    writes_files=True,
)
