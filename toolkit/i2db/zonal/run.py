"""Zonal statistics from beginning to end: look at the inputs, count by chunk, let SQL summarise, write."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from i2db.chain.executor import MEMORY_SHARE, Executor, available_memory, make_executor
from i2db.chain.names import DATABASE_NAME
from i2db.chain.task import Task
from i2db.errors import ConfigError, InputError, StageError
from i2db.files import TEMPORARY_PREFIX, make_folder
from i2db.fingerprint import fingerprint
from i2db.raster.windows import split
from i2db.report.nomenclature import read_nomenclature
from i2db.store.database import Database
from i2db.zonal.fill import BandJob, ChunkJob, Membership, fill
from i2db.zonal.output import Output, check_output, write
from i2db.zonal.params import OF_CLASSES, OF_MOMENTS, OF_NUMBERS, Method, Params, Request, class_band, parse_params
from i2db.zonal.prepare import PreparedZones, Report, prepare
from i2db.zonal.rasters import Band, Frame, is_same_grid, open_bands
from i2db.zonal.table import Column, evaluate, make_columns
from i2db.zonal.zones import BATCH, ZoneLayer

#: Pixels of a chunk. Whoever computes and with how much memory, chunks are the same, and so are sums.
CHUNK_PIXELS = 1 << 22
#: Pixels over all bands from which on it is worth while to start processes.
_WORTH_PROCESSES = 200_000_000

#: Told how many chunks are done, and of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How zones are laid over rasters.

    Attributes:
        membership: which pixels are a zone's: those whose centre lies in it, those it touches, or all by covered share.
        nodata: a number that is no data, beside what the rasters declare.
        absent_is_zero: whether a class that a zone has no pixel of has the rate 0 there, and not null.
        nomenclature: file of class names: columns get them, and all its classes a column.
        layer: which layer of the zones' file; None where it has one.
        n_workers: processes; None for one per core where the work is long, else none beside this.
        memory: bytes for all of them; None for a share of what is free.
        temporary: folder for intermediate files; None for one beside the output, which is removed.
        chunk_pixels: pixels of a chunk.
    """

    membership: Membership = Membership.CENTER
    nodata: float | None = None
    absent_is_zero: bool = False
    nomenclature: Path | None = None
    layer: str | None = None
    n_workers: int | None = None
    memory: int | None = None
    temporary: Path | None = None
    chunk_pixels: int = CHUNK_PIXELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was written: file, number of zones, new columns as they are called there, and notes for a person."""

    path: Path | None
    n_zones: int
    columns: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What is asked of what, checked."""

    requests: tuple[Request, ...]
    bands: Mapping[int, Band]
    layer: ZoneLayer
    class_names: Mapping[int, str] | None

    @property
    def are_points(self) -> bool:
        """Whether zones are points."""
        return any(request.method is Method.VAL for request in self.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted, in a database of its own."""

    database: Database
    report: Report
    notes: tuple[str, ...]


def zonal_statistics(
    rasters: Sequence[Path],
    zones: Path,
    params: Params,
    output: Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Result:
    """Statistics of rasters over zones, as a file: the zones in their order, with their fields and the new columns.

    Args:
        rasters: their bands are numbered one after the other, from 1. They may lie on different grids.
        zones: polygons, or points for the method val: any format of OGR, or GeoParquet. The file is not changed.
        params: what is asked of which band, see `parse_params`.
        output: .parquet (GeoParquet), .gpkg, .shp, .geojson, .sqlite or .csv; replaced as a whole.
        options: how; None for what is usual.
        progress: is told how far it is.

    Raises:
        ConfigError: params, options and files that do not fit together.
        InputError: a file that cannot be used.
        StageError: chunks could not be counted.
    """
    options = options or Options()
    output = Path(output)
    inputs = look(rasters, zones, params, options)
    check_output(output, [Path(zones), *map(Path, rasters)])
    with counted(inputs, options, output.absolute().parent, progress=progress) as found:
        return write_result(inputs, options, found, output)


def look(rasters: Sequence[Path], zones: Path, params: Params, options: Options) -> Inputs:
    """Check what is asked before any work starts; errors are those of `zonal_statistics`."""
    requests = parse_params(params)
    bands = {band.number: band for band in open_bands(rasters, options.nodata)}
    for request in requests:
        if request.band not in bands:
            raise ConfigError(f"params: {request}: the rasters have {len(bands)} band{'s' if len(bands) > 1 else ''}")
    is_point = [request.method is Method.VAL for request in requests]
    if any(is_point) and not all(is_point):
        raise ConfigError("params: val is for points, the other methods are for polygons", hint="ask for them apart")
    if any(is_point) and options.membership is not Membership.CENTER:
        raise ConfigError("a point has one pixel: --all-touched and --exact are for polygons")
    class_names = None
    if options.nomenclature is not None:
        class_names = {each.code: each.alias or each.name for each in read_nomenclature(options.nomenclature)}
    return Inputs(
        requests=requests, bands=bands, layer=ZoneLayer.open(Path(zones), options.layer), class_names=class_names
    )


@contextlib.contextmanager
def counted(
    inputs: Inputs,
    options: Options,
    folder: Path,
    *,
    run: int = 0,
    zone_layer: str = "",
    progress: Progress | None = None,
) -> Iterator[Counted]:
    """Count, in a database and parts of its own, in a folder that is removed at the end of the block.

    `run` and `zone_layer` are what its rows get for a project's tables.
    """
    parent = options.temporary or folder
    make_folder(parent)
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY_PREFIX}zonal-", dir=parent) as name:
        scratch = Path(name)
        memory = options.memory or int(available_memory() * MEMORY_SHARE)
        with Database.open(scratch / DATABASE_NAME) as database:
            database.limit_memory(memory // 4)
            groups = _grids(inputs)
            frames = [frame for frame, _ in groups]
            zones, report = prepare(inputs.layer, frames, scratch, database, are_points=inputs.are_points)
            tasks = [
                task
                for i, (frame, jobs) in enumerate(groups)
                for task in _tasks(inputs, options, zones[i], frame, jobs, i)
            ]
            files = _run(tasks, _executor(scratch / "parts", tasks, options, memory), progress)
            for kind, paths in files.items():
                database.run(f"zonal/fill_{kind}", files=paths, zone_layer=zone_layer, run=run)
            notes = [*report.reprojected, *_other_grids(inputs)]
            yield Counted(database=database, report=report, notes=tuple(notes))


def _grids(inputs: Inputs) -> list[tuple[Frame, list[BandJob]]]:
    """The grids of the bands that are asked for, and what is wanted of the bands of each."""
    groups: list[tuple[Frame, list[BandJob]]] = []
    for number in dict.fromkeys(request.band for request in inputs.requests):
        job = _job(inputs, number)
        for frame, jobs in groups:
            if is_same_grid(frame, job.band.frame):
                jobs.append(job)
                break
        else:
            groups.append((job.band.frame, [job]))
    return groups


def _job(inputs: Inputs, number: int) -> BandJob:
    asked = [request for request in inputs.requests if request.band == number]
    methods = {request.method for request in asked}
    of_classes = tuple(sorted(int(r.argument or 0) for r in asked if r.method is Method.STATS_CLASS))
    return BandJob(
        band=inputs.bands[number],
        classes=Method.RATE in methods,
        moments=bool(methods & OF_MOMENTS),
        numbers=bool(methods & OF_NUMBERS) or Method.VAL in methods,
        class_moments=bool(methods & OF_CLASSES),
        of_classes=() if Method.STATSMAJ in methods else of_classes,
    )


def _other_grids(inputs: Inputs) -> list[str]:
    """Say where classes are brought to another grid."""
    classes = class_band(inputs.requests)
    if classes is None:
        return []
    moved = {
        str(inputs.bands[request.band].path.name)
        for request in inputs.requests
        if request.method in OF_CLASSES
        and not is_same_grid(inputs.bands[request.band].frame, inputs.bands[classes].frame)
    }
    return [
        f"{name} lies on another grid than the classes: a pixel has the class that its centre lies in"
        for name in sorted(moved)
    ]


def _tasks(
    inputs: Inputs, options: Options, zones: PreparedZones, frame: Frame, jobs: Sequence[BandJob], grid: int
) -> Iterator[Task]:
    """A task per chunk with zones."""
    number = class_band(inputs.requests)
    for i, window in enumerate(split(frame.window, frame.block_shape, (0, 0), options.chunk_pixels)):
        if not zones.touches(window):
            continue
        payload = ChunkJob(
            zones=zones.path.resolve(),
            frame=frame,
            window=window,
            chunk=i,
            jobs=tuple(replace(job, band=_absolute(job.band)) for job in jobs),
            class_band=None if number is None else _absolute(inputs.bands[number]),
            membership=options.membership,
            are_points=inputs.are_points,
        )
        yield Task(stage="zonal", unit=f"grid{grid}-chunk{i}", fingerprint=fingerprint(grid, i), payload=payload)


def _absolute(band: Band) -> Band:
    """Workers may have another working folder."""
    return replace(band, path=band.path.absolute())


def _executor(root: Path, tasks: Sequence[Task], options: Options, memory: int) -> Executor:
    n_pixels = sum(task.payload.window.n_pixels * len(task.payload.jobs) for task in tasks)
    alone = options.n_workers is None and n_pixels < _WORTH_PROCESSES
    return make_executor(
        root.resolve(), scheduler="debug" if alone else None, n_workers=options.n_workers, memory=memory
    )


def _run(tasks: Sequence[Task], executor: Executor, progress: Progress | None) -> dict[str, list[str]]:
    """Run the tasks; the files of their parts, by kind."""
    files: dict[str, list[str]] = {}
    try:
        for done, outcome in enumerate(executor.run(fill, tasks), start=1):
            if outcome.failure is not None:
                raise StageError(f"{outcome.task.unit} of the zonal statistics failed: {outcome.failure.message}")
            if outcome.part is not None:
                folder = outcome.task.payload.zones.parent / "parts" / "zonal"
                for file in outcome.part.files:
                    files.setdefault(file.kind, []).append(str(folder / file.name))
            if progress is not None:
                progress(done, len(tasks))
    finally:
        executor.close()
    return {kind: sorted(paths) for kind, paths in sorted(files.items())}


def write_result(inputs: Inputs, options: Options, found: Counted, output: Path) -> Result:
    """Write the zones with the statistics of what was counted."""
    layer = inputs.layer
    is_exact = options.membership is Membership.EXACT
    columns = make_columns(
        inputs.requests,
        inputs.bands,
        found.database,
        inputs.class_names,
        absent_is_zero=options.absent_is_zero,
        is_exact=is_exact,
    )
    plan = Output.plan(output, [*layer.fields.names, *(column.name for column in columns)])
    own = [field.with_name(name) for field, name in zip(layer.fields, plan.names, strict=False)]
    new = [pa.field(name, c.arrow_type) for c, name in zip(columns, plan.names[len(own) :], strict=True)]
    schema = pa.schema([*own, *new, pa.field("geometry", pa.binary())])
    n_rows = [0]
    remarks = write(
        plan, layer, found.report.geometry_types, schema, _rows(layer, found.database, columns, schema, n_rows)
    )
    if sum(n_rows) != found.report.n_zones:
        raise InputError(f"zones {layer.path} changed while they were read", hint="run again")
    return Result(
        path=output,
        n_zones=found.report.n_zones,
        columns=plan.names[len(own) :],
        notes=(*told(found), *_renamed(plan), *remarks),
    )


def _rows(
    layer: ZoneLayer, database: Database, columns: Sequence[Column], schema: pa.Schema, n_rows: list[int]
) -> Iterator[pa.RecordBatch]:
    """The zones with their statistics, some at a time; how many those are is added to a list."""
    for batch in layer.batches(BATCH):
        n = len(batch.wkb)
        arrays = evaluate(database, columns, batch.first, n)
        own = [column.combine_chunks() for column in batch.fields.columns]
        yield pa.record_batch([*own, *arrays, batch.wkb.cast(pa.binary())], schema=schema)
        n_rows.append(n)


def told(found: Counted) -> list[str]:
    """What a person should know: how zones were brought to the rasters, and which have no statistics."""
    report = found.report
    left_out = report.missing.n + report.foreign.n + report.unplaced.n + report.outside.n
    (covered,) = found.database.rows("zonal/count_covered")
    notes = [
        *found.notes,
        *report.missing.told("without geometry: no statistics"),
        *report.foreign.told("of another kind of geometry: no statistics"),
        *report.repaired.told("with an invalid geometry: repaired in memory"),
        *report.unplaced.told("cannot be brought to the raster's projection: no statistics"),
        *report.outside.told("outside of the rasters: no statistics"),
    ]
    if (n := report.n_zones - left_out - int(covered["n"])) > 0:
        notes.append(
            f"{n} zone{'s hold' if n > 1 else ' holds'} no pixel with data (too small, or no data there): "
            "no statistics; --all-touched and --exact take in pixels that a zone only touches"
        )
    return notes


def _renamed(plan: Output) -> list[str]:
    """Say which fields are called otherwise, unless a file beside a shapefile does."""
    if not plan.renamed:
        return []
    if plan.path.suffix.lower() == ".shp":
        return [f"{plan.path.stem}.fields.csv says what the {len(plan.renamed)} shortened fields are"]
    return [f"field {field} is called {name} in {plan.path.name}" for field, name in plan.renamed]
