"""Zones over a project's own maps: a file if one is asked for, and rows in the project's database.

The rows lie as files in `zonal/` of the output folder as well: they are the truth that `i2db rebuild` fills the tables
from again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from i2db.chain.names import DATABASE_NAME
from i2db.errors import ConfigError, InputError
from i2db.files import remove, replacing
from i2db.store.database import Database
from i2db.zonal.output import check_output
from i2db.zonal.params import Params
from i2db.zonal.run import Counted, Inputs, Options, Progress, Result, counted, look, told, write_result
from i2db.zonal.zones import ZoneLayer

#: Folder of the counts in an output folder.
FOLDER = "zonal"

#: iota2's statistics of its three maps: shares of classes, confidence and clear dates where the majority class is.
PARAMS = "1:rate 2:statsmaj 3:statsmaj"

PROPERTIES_SCHEMA = pa.schema([("zone_id", pa.int64()), ("properties", pa.string()), ("wkb", pa.binary())])
_BAND_SCHEMA = pa.schema(
    [
        ("zone_layer", pa.string()),
        ("run", pa.int32()),
        ("band", pa.int32()),
        ("raster", pa.string()),
        ("raster_band", pa.int32()),
        ("membership", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the project's database says beforehand."""

    crs: str
    class_names: Mapping[int, str]


def zonal_statistics_of_project(
    folder: Path,
    zones: Path,
    *,
    run: int = 0,
    params: Params = PARAMS,
    output: Path | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Result:
    """Lay zones over the maps of a run: band 1 is the labels, 2 the confidence, 3 the number of clear dates.

    Tables zone, zone_band, zone_class, zone_moment and zone_number get the rows of this layer and run, in the place of
    those they had. Another run's are removed where the layer held other zones then: they would be taken for these.
    Columns of a file are called as the project's classes, unless the options name a nomenclature.

    Raises:
        ConfigError: no project there, or no map of the run.
        LockedError: a run is writing to the project.
    """
    options = options or Options()
    folder = folder.resolve()
    known = _known(folder)
    rasters = _maps(folder, run)
    inputs = look(rasters, zones, params, options)
    layer = replace(inputs.layer, name=zones.stem if options.layer is None else f"{zones.stem}.{options.layer}")
    if inputs.class_names is None:
        inputs = replace(inputs, class_names=known.class_names)
    if output is not None:
        check_output(output, [zones, *rasters])
    with counted(inputs, options, folder, run=run, zone_layer=layer.name, progress=progress) as found:
        result = (
            write_result(inputs, options, found, output)
            if output is not None
            else Result(path=None, n_zones=found.report.n_zones, columns=(), notes=tuple(told(found)))
        )
        plain = re.sub(r"[^\w.-]", "_", layer.name)
        target = folder / FOLDER / f"{plain}-run{run}"
        with replacing(target) as temporary:
            temporary.mkdir()
            _store(temporary, inputs, found, options, layer.name, run, known.crs)
        stale = _of_other_zones(folder, target, layer.name)
        with Database.open(folder / DATABASE_NAME) as database:
            _fill(database, target, stale.values())
        for other in stale:
            remove(other)
    notes = [
        f"what run {other} held of {layer.name} is removed, its zones were others: i2db zonal --run {other} counts anew"
        for other in sorted(stale.values())
    ]
    return replace(result, notes=(*result.notes, *notes))


def refill(database: Database, folder: Path) -> int:
    """Fill the tables of zones again from the files in an output folder; how many layers and runs those are."""
    targets = sorted(path.parent for path in (folder / FOLDER).glob("*/band.parquet"))
    for target in targets:
        _fill(database, target)
    return len(targets)


def _known(folder: Path) -> _Known:
    with Database.open(folder / DATABASE_NAME, read_only=True) as database:
        grid = database.rows("export/grid")
        names = {int(row["class_code"]): str(row["column_name"]) for row in database.rows("zonal/class_names")}
    if not grid:
        raise ConfigError(f"{folder} has no map yet", hint="run the chain to its end: i2db run")
    # The single writer: whether another process is at it is found out before long work.
    Database.check_unlocked(folder / DATABASE_NAME)
    return _Known(str(grid[0]["crs"]), names)


def _maps(folder: Path, run: int) -> list[Path]:
    """The maps of a run."""
    final = folder / "final"
    paths = [final / f"Classif_Seed_{run}.tif", final / f"Confidence_Seed_{run}.tif", final / "PixelsValidity.tif"]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        there = sorted(path.stem.rsplit("_", 1)[1] for path in final.glob("Classif_Seed_*[0-9].tif"))
        raise ConfigError(
            f"{final} has no {missing[0]}",
            hint=f"--run {' or '.join(there)}" if there else "run the chain to its end: i2db run",
        )
    return paths


def _store(folder: Path, inputs: Inputs, found: Counted, options: Options, zone_layer: str, run: int, crs: str) -> None:
    """Write zones, bands and counts as files."""
    found.database.run(
        "zonal/store_results",
        class_file=str(folder / "class.parquet"),
        moment_file=str(folder / "moment.parquet"),
        number_file=str(folder / "number.parquet"),
    )
    used = sorted({request.band for request in inputs.requests})
    bands = [
        {
            "zone_layer": zone_layer,
            "run": run,
            "band": number,
            "raster": inputs.bands[number].path.name,
            "raster_band": inputs.bands[number].index,
            "membership": str(options.membership),
        }
        for number in used
    ]
    pq.write_table(pa.Table.from_pylist(bands, _BAND_SCHEMA), folder / "band.parquet")
    with pq.ParquetWriter(folder / "zone.parquet", PROPERTIES_SCHEMA, compression="zstd") as writer:
        for batch in _zones(inputs.layer, crs):
            writer.write_batch(batch)


def _zones(layer: ZoneLayer, crs: str) -> Iterator[pa.RecordBatch]:
    """The zones in the project's projection, with their fields as JSON."""
    import pyproj
    import shapely

    source, target = pyproj.CRS.from_user_input(layer.crs), pyproj.CRS.from_user_input(crs)
    transformer = None
    if not source.equals(target, ignore_axis_order=True):
        transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    for batch in layer.batches():
        geometry = shapely.force_2d(shapely.from_wkb(batch.wkb.to_numpy(zero_copy_only=False)))
        if transformer is not None:
            geometry = shapely.transform(geometry, transformer.transform, interleaved=False)
        ids = np.arange(batch.first, batch.first + len(geometry), dtype=np.int64)
        properties = [json.dumps(row, ensure_ascii=False, default=_text) for row in batch.fields.to_pylist()]
        # A layer without fields gives no rows.
        properties = properties or ["{}"] * len(geometry)
        yield pa.record_batch(
            [pa.array(ids), pa.array(properties), pa.array(shapely.to_wkb(geometry), pa.binary())],
            schema=PROPERTIES_SCHEMA,
        )


def _text(cell: object) -> str:
    return cell.hex() if isinstance(cell, bytes) else str(cell)


def _of_other_zones(folder: Path, target: Path, zone_layer: str) -> dict[Path, int]:
    """Folders of other runs over a layer of this name that held other zones than those in `target`, and their runs."""
    mine = _digest(target / "zone.parquet")
    found = {}
    for path in sorted((folder / FOLDER).glob("*/band.parquet")):
        if path.parent == target:
            continue
        first = _first_band(path.parent)
        if first["zone_layer"] == zone_layer and _digest(path.with_name("zone.parquet")) != mine:
            found[path.parent] = int(first["run"])
    return found


def _digest(path: Path) -> str:
    """Hash of the zones in a file: which shapes, in which order."""
    digest = hashlib.blake2b(digest_size=16)
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["wkb"]):
            for shape in batch.column(0).to_pylist():
                digest.update(hashlib.blake2b(shape or b"", digest_size=16).digest())
    return digest.hexdigest()


def _first_band(target: Path) -> dict[str, Any]:
    """A row of the bands of a layer and run; InputError if there is none."""
    try:
        (first,) = pq.read_table(target / "band.parquet").slice(0, 1).to_pylist()
    except (ValueError, OSError, pa.ArrowException) as error:
        raise InputError(f"{target} is damaged: {error}", hint="remove that folder, or run i2db zonal again") from error
    return dict(first)


def _fill(database: Database, target: Path, stale: Iterable[int] = ()) -> None:
    """Put the rows of a layer and run in the place of those there are and of `stale` runs, all or nothing.

    Raises:
        InputError: the files are damaged.
    """
    files = {f"{kind}_file": str(target / f"{kind}.parquet") for kind in ("band", "class", "moment", "number")}
    first = _first_band(target)
    with database.transaction():
        for run in (first["run"], *stale):
            database.run("zonal/clear", zone_layer=first["zone_layer"], run=run)
        database.run("zonal/clear_zone", zone_layer=first["zone_layer"])
        database.run("zonal/fill_zone", zone_layer=first["zone_layer"], files=[str(target / "zone.parquet")])
        database.run("zonal/fill_results", **files)
