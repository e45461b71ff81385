"""The worker: what the pixels of one chunk hold, zone by zone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from i2db.chain.task import Task, WorkContext
from i2db.raster.grid import Window
from i2db.raster.tally import NO_CODE
from i2db.store.parts import Part, PartFile
from i2db.zonal.rasters import Band, Frame, Rasters

CLASS_SCHEMA = pa.schema(
    [
        ("zone_id", pa.int64()),
        ("band", pa.int32()),
        ("chunk", pa.int32()),
        ("code", pa.int32()),
        ("n_pixels", pa.float64()),
    ]
)
MOMENT_SCHEMA = pa.schema(
    [*CLASS_SCHEMA, *((name, pa.float64()) for name in ("total", "squares", "minimum", "maximum"))]
)
NUMBER_SCHEMA = pa.schema([*list(CLASS_SCHEMA)[:3], ("number", pa.float64()), ("n_pixels", pa.float64())])

#: What a part holds, by kind of file.
SCHEMAS = {"class": CLASS_SCHEMA, "moment": MOMENT_SCHEMA, "number": NUMBER_SCHEMA}

#: Codes that are counted in an array of all of them; where they lie further apart they are looked up first.
_DENSE_CODES = 1 << 20
#: How much is worked on together: about so many runs of pixels, or so many bytes of geometry.
_BATCH_SPANS, _BATCH_BYTES = 1_000_000, 100_000_000


class Membership(StrEnum):
    """Which pixels are a zone's."""

    CENTER = "center"
    TOUCHED = "touched"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class BandJob:
    """What is wanted of a band: counts per class, moments, counts per number, moments per class (of some, or all)."""

    band: Band
    classes: bool = False
    moments: bool = False
    numbers: bool = False
    class_moments: bool = False
    of_classes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ChunkJob:
    """The payload of a task: a window of one grid, the zones there, and what is wanted of which bands."""

    zones: Path
    frame: Frame
    window: Window
    chunk: int
    jobs: tuple[BandJob, ...]
    class_band: Band | None
    membership: Membership
    are_points: bool


@dataclass(slots=True)
class _Tables:
    """The files of a part while they are written."""

    writers: dict[str, Any]
    n_rows: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, zone_ids: NDArray[np.int64], band: int, chunk: int, *columns: Any) -> None:
        """Write rows; columns are those of the schema after the chunk, None for nulls."""
        n = len(zone_ids)
        if not n:
            return
        schema = SCHEMAS[kind]
        arrays = [pa.array(zone_ids), pa.array(np.full(n, band, np.int32)), pa.array(np.full(n, chunk, np.int32))]
        for column, wanted in zip(columns, list(schema)[3:], strict=True):
            arrays.append(pa.nulls(n, wanted.type) if column is None else pa.array(column).cast(wanted.type))
        self.writers[kind].write_table(pa.table(arrays, schema=schema))
        self.n_rows[kind] = self.n_rows.get(kind, 0) + n


def fill(task: Task, context: WorkContext) -> Part:
    """Count what the zones hold of one chunk; files of the part are `class`, `moment` and `number`."""
    job: ChunkJob = task.payload
    folder = context.root / task.stage
    folder.mkdir(parents=True, exist_ok=True)
    # Nobody needs these files after a crash: they are neither synced to the disk nor given checksums.
    paths = {kind: folder / f"{task.unit}.{kind}.parquet" for kind in _kinds(job)}
    with contextlib.ExitStack() as stack:
        tables = _Tables(
            {kind: stack.enter_context(pq.ParquetWriter(path, SCHEMAS[kind])) for kind, path in paths.items()}
        )
        with Rasters() as rasters:
            _fill(job, _Pixels(rasters, job, context.memory // 2), tables)
    files = tuple(
        PartFile(kind=kind, name=path.name, n_rows=tables.n_rows.get(kind, 0), n_bytes=path.stat().st_size, checksum="")
        for kind, path in paths.items()
    )
    return Part(stage=task.stage, unit=task.unit, fingerprint=task.fingerprint, files=files)


def _kinds(job: ChunkJob) -> list[str]:
    wanted = {
        "class": any(each.classes for each in job.jobs),
        "moment": any(each.moments or each.class_moments for each in job.jobs),
        "number": any(each.numbers for each in job.jobs),
    }
    return [kind for kind, is_wanted in wanted.items() if is_wanted]


def _fill(job: ChunkJob, pixels: _Pixels, tables: _Tables) -> None:
    zones = _ZoneReader(job)
    window = zones.extent()
    if window is None:
        return
    pixels.window = window
    for ids, wkb in zones.batches(window):
        if job.are_points:
            _fill_points(job, ids, wkb, pixels, tables)
            continue
        spans, weights = _spans(wkb, window, job.membership)
        if not spans.size:
            continue
        for each in job.jobs:
            _fill_band(job, each, ids, spans, weights, pixels, tables)


def _fill_band(
    job: ChunkJob,
    each: BandJob,
    ids: NDArray[np.int64],
    spans: NDArray[np.int64],
    weights: NDArray[np.float64],
    pixels: _Pixels,
    tables: _Tables,
) -> None:
    from i2db.raster import tally

    band = each.band
    if each.classes or (each.numbers and band.fits_codes):
        codes, lowest, lookup = _dense(pixels.codes(band))
        keys, sums = tally.count_codes(spans, weights, codes, lowest, lookup.size)
        zone_ids, found = ids[keys[:, 0]], lookup[keys[:, 1] - lowest]
        if each.classes:
            tables.add("class", zone_ids, band.number, job.chunk, found, sums)
        if each.numbers:
            tables.add("number", zone_ids, band.number, job.chunk, found.astype(np.float64), sums)
    if each.numbers and not band.fits_codes:
        zones, numbers, sums = tally.count_numbers(spans, weights, pixels.numbers(band))
        tables.add("number", ids[zones], band.number, job.chunk, numbers, sums)
    if each.moments:
        everywhere = np.zeros(pixels.window.shape, dtype=np.int32)
        keys, sets = tally.moments(spans, weights, pixels.numbers(band), everywhere, 0, 1)
        tables.add("moment", ids[keys[:, 0]], band.number, job.chunk, None, *sets.T)
    if each.class_moments and job.class_band is not None:
        codes = pixels.codes(job.class_band)
        if each.of_classes:
            codes = np.where(np.isin(codes, each.of_classes), codes, np.int32(NO_CODE))
        codes, lowest, lookup = _dense(codes)
        keys, sets = tally.moments(spans, weights, pixels.numbers(band), codes, lowest, lookup.size)
        tables.add("moment", ids[keys[:, 0]], band.number, job.chunk, lookup[keys[:, 1] - lowest], *sets.T)


def _fill_points(job: ChunkJob, ids: NDArray[np.int64], wkb: list[bytes], pixels: _Pixels, tables: _Tables) -> None:
    import shapely

    window = pixels.window
    column, row = np.floor(shapely.get_coordinates(shapely.from_wkb(wkb))).astype(np.int64).T
    column, row = column - window.column, row - window.row
    is_here = (column >= 0) & (column < window.n_columns) & (row >= 0) & (row < window.n_rows)
    ids, column, row = ids[is_here], column[is_here], row[is_here]
    for each in job.jobs:
        numbers = pixels.numbers(each.band)[row, column]
        is_known = ~np.isnan(numbers)
        ones = np.ones(int(is_known.sum()))
        tables.add("number", ids[is_known], each.band.number, job.chunk, numbers[is_known], ones)


def _spans(wkb: list[bytes], window: Window, membership: Membership) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Runs of pixels of some zones in a window, and the weight of each run's pixels."""
    from i2db.raster.coverage import coverage_spans
    from i2db.raster.rings import read_rings
    from i2db.raster.scanline import polygon_spans

    rings = read_rings(wkb, np.arange(len(wkb)))
    place = (window.column, window.row, window.n_columns, window.n_rows)
    if membership is Membership.CENTER:
        spans = polygon_spans(rings.x, rings.y, rings.ring_starts, rings.polygon_starts, *place)
        return spans, np.ones(len(spans))
    spans, shares = coverage_spans(rings.x, rings.y, rings.ring_starts, rings.polygon_starts, rings.is_hole, *place)
    return spans, shares if membership is Membership.EXACT else np.ones(len(spans))


def _dense(codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], int, NDArray[np.int64]]:
    """Codes that can index an array: themselves or their rank, the lowest, and the true code of each from there on."""
    is_known = codes != NO_CODE
    if not is_known.any():
        return codes, 0, np.zeros(1, dtype=np.int64)
    lowest, highest = int(codes.min(where=is_known, initial=np.iinfo(np.int32).max)), int(codes.max())
    if highest - lowest < _DENSE_CODES:
        return codes, lowest, np.arange(lowest, highest + 1, dtype=np.int64)
    lookup, ranks = np.unique(codes[is_known], return_inverse=True)
    ranked = codes.copy()
    ranked[is_known] = ranks
    return ranked, 0, lookup.astype(np.int64)


class _Pixels:
    """The pixels of bands in the window; those read last are kept while there is room."""

    def __init__(self, rasters: Rasters, job: ChunkJob, memory: int) -> None:
        self._rasters, self._job, self._memory = rasters, job, memory
        self._kept: dict[tuple[int, str], NDArray[Any]] = {}
        self.window = job.window

    def numbers(self, band: Band) -> NDArray[np.float64]:
        """Numbers of a band; NaN is no data."""
        key = (band.number, "numbers")
        if key not in self._kept:
            self._keep(key, self._rasters.numbers(band, self.window))
        return self._kept[key]

    def codes(self, band: Band) -> NDArray[np.int32]:
        """Codes of a band, in the chunk's grid."""
        key = (band.number, "codes")
        if key not in self._kept:
            self._keep(key, self._rasters.codes(band, self.window, self._job.frame))
        return self._kept[key]

    def _keep(self, key: tuple[int, str], pixels: NDArray[Any]) -> None:
        if sum(kept.nbytes for kept in self._kept.values()) + pixels.nbytes > self._memory:
            self._kept.clear()
        self._kept[key] = pixels


class _ZoneReader:
    """Reads the zones of a chunk from the sorted file, of which it opens only the row groups that touch the chunk."""

    _BOX = ("column_start", "column_end", "row_start", "row_end")

    def __init__(self, job: ChunkJob) -> None:
        self._window = job.window
        self._path = job.zones

    def extent(self) -> Window | None:
        """The part of the chunk that the boxes of its zones lie in; None where there are none."""
        found: Window | None = None
        with pq.ParquetFile(self._path) as file:
            for group in self._groups(file):
                boxes = self._boxes(file.read_row_group(group, columns=list(self._BOX)))
                here = boxes[:, self._touches(boxes)]
                if here.size:
                    left, right, top, bottom = (
                        int(edge) for edge in (here[0].min(), here[1].max(), here[2].min(), here[3].max())
                    )
                    part = Window(left, top, right - left, bottom - top)
                    found = part if found is None else found.union(part)
        return None if found is None else found.intersection(self._window)

    def batches(self, window: Window) -> Iterator[tuple[NDArray[np.int64], list[bytes]]]:
        """Ids and geometries (WKB, in pixels) of the zones, some at a time, always in the same order."""
        with pq.ParquetFile(self._path) as file:
            ids: list[NDArray[np.int64]] = []
            wkb: list[bytes] = []
            n_spans = n_bytes = 0
            for group in self._groups(file):
                table = file.read_row_group(group)
                boxes = self._boxes(table)
                here = np.flatnonzero(self._touches(boxes))
                if not here.size:
                    continue
                table = table.take(here)
                boxes = boxes[:, here]
                rows = np.minimum(boxes[3], window.row_end) - np.maximum(boxes[2], window.row)
                columns = np.minimum(boxes[1], window.column_end) - np.maximum(boxes[0], window.column)
                geometry = table["wkb"].to_pylist()
                cost = np.cumsum(2 * (rows + columns).astype(np.int64))
                first = 0
                # Zones with many runs of pixels are given out before the row group ends.
                while first < len(geometry):
                    base = cost[first - 1] if first else 0
                    stop = max(first + 1, int(np.searchsorted(cost, base + _BATCH_SPANS - n_spans, side="right")))
                    ids.append(table["zone_id"].to_numpy()[first:stop])
                    wkb += geometry[first:stop]
                    n_spans += int(cost[stop - 1] - base)
                    n_bytes += sum(map(len, geometry[first:stop]))
                    first = stop
                    if n_spans >= _BATCH_SPANS or first < len(geometry) or n_bytes >= _BATCH_BYTES:
                        yield np.concatenate(ids), wkb
                        ids, wkb, n_spans, n_bytes = [], [], 0, 0
            if wkb:
                yield np.concatenate(ids), wkb

    def _groups(self, file: Any) -> Iterator[int]:
        """Row groups in which a zone may touch the chunk, by their statistics."""
        names = {file.schema_arrow.names[i]: i for i in range(len(file.schema_arrow.names))}
        for group in range(file.metadata.num_row_groups):
            content = file.metadata.row_group(group)
            start_x, end_x, start_y, end_y = (content.column(names[name]).statistics for name in self._BOX)
            boxes = np.array([[start_x.min], [end_x.max], [start_y.min], [end_y.max]])
            if self._touches(boxes)[0]:
                yield group

    def _boxes(self, table: pa.Table) -> NDArray[np.int32]:
        return np.stack([table[name].to_numpy() for name in self._BOX])

    def _touches(self, boxes: NDArray[Any]) -> NDArray[np.bool_]:
        window = self._window
        return np.asarray(
            (boxes[0] < window.column_end)
            & (boxes[1] > window.column)
            & (boxes[2] < window.row_end)
            & (boxes[3] > window.row)
        )
