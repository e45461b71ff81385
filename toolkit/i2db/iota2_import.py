"""An old iota2 output tree as a project folder: its polygons, splits, samples and matrices in i2db's tables.

What iota2 did not keep is not made up: there are no predictions by pixel, only matrices (table confusion_count), and
the candidates are the pixels that were drawn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.chain.names import DATABASE_NAME
from i2db.errors import ConfigError, InputError
from i2db.files import replacing
from i2db.iota2_files import SampleFile, Tree, find_files, projection_of, read_matrix, read_rows
from i2db.projection import of_file
from i2db.raster.grid import Grid, sample_ids
from i2db.report.nomenclature import read_colors, read_nomenclature
from i2db.store.database import Database
from i2db.store.wide import create_wide_view

#: Columns of iota2's files that are no feature and no label.
_FIXED = frozenset({"ogc_fid", "ogr_geometry", "geometry", "region", "originfid", "tile_o", "fid", "i2label"})
_FEATURE = re.compile(r"(?P<sensor>[a-z0-9]+)_(?P<band>[a-z0-9]+)_(?P<date>\d{8})")
#: iota2 stores reflectances x 10000 and normalised indices x 1000.
_SCALES = {"ndvi": 0.001, "ndwi": 0.001}
#: iota2's features are one group: the order is that of its columns.
_GROUP = "iota2"

#: A polygon as iota2 drew it: tile, region, label, originfid, outline.
Piece = tuple[str, str, int, int, bytes]


@dataclass(slots=True)
class _Content:
    """What was read of the tree."""

    label: str
    pieces: dict[Piece, dict[int, set[str]]] = field(default_factory=dict)
    numbers: dict[Piece, int] = field(default_factory=dict)
    of_source: dict[int, list[Piece]] = field(default_factory=dict)
    features: list[str] = field(default_factory=list)
    known: set[int] = field(default_factory=set)
    n_samples: dict[tuple[int, str, int], int] = field(default_factory=dict)


def import_tree(
    source: Path,
    folder: Path,
    *,
    nomenclature: Path | None = None,
    colors: Path | None = None,
    data_field: str | None = None,
    resolution: float | None = None,
) -> dict[str, int]:
    """Make a project folder of an old iota2 output tree; how many rows of what it now holds.

    Args:
        source: iota2's outputPath; nothing in it is changed.
        folder: the project's folder, without a database yet.
        nomenclature: iota2's file of class names; without it a class is called by its label.
        colors: iota2's file of colours.
        data_field: name of the label column; found by itself where the files have one column more than iota2's own.
        resolution: pixel size in map units, where the tree has no final/Classif_Seed_*.tif to tell it.

    Raises:
        ConfigError: the folder has a database; the label or the resolution cannot be told.
        InputError: a file is not what iota2 leaves.
    """
    path = folder / DATABASE_NAME
    if path.exists():
        raise ConfigError(f"{path} is there already", hint="name another output folder with -o")
    tree = find_files(source)
    matrices = {run: [read_matrix(one) for one in files] for run, files in tree.matrices.items()}
    content = _Content(data_field.lower() if data_field else _label(tree))
    _read_polygons(tree, content)
    grid = _grid(source, tree, resolution)
    with replacing(path) as temporary, Database.open(temporary) as database:
        database.set_projection(grid.crs)
        with database.transaction():
            for file in tree.samples:
                _read_samples(database, file, grid, content)
            _fill(database, tree, content, grid)
            _fill_classes(database, content, matrices, nomenclature, colors)
            _fill_matrices(database, matrices)
            create_wide_view(database)
        (counts,) = database.rows("catalogue/count_imported")
    return {name: int(n) for name, n in counts.items()}


def _grid(source: Path, tree: Tree, resolution: float | None) -> Grid:
    """Projection and pixel size: those of the map, or else of the vectors and of the argument."""
    import rasterio

    for path in sorted((source / "final").glob("Classif_Seed_*.tif")):
        with rasterio.open(path) as raster:
            crs = of_file(raster.crs) if raster.crs else None
            if crs is not None:
                return Grid(crs, abs(raster.transform.a), abs(raster.transform.e))
    vectors = [*(file.path for file in tree.samples), *(file.path for file in tree.splits)]
    crs = next((found for path in vectors if (found := projection_of(path)) is not None), None)
    if crs is None or resolution is None:
        raise ConfigError(
            f"{source} has no final/Classif_Seed_*.tif to tell the pixel size", hint="give it: --resolution 10"
        )
    return Grid(crs, resolution, resolution)


def _label(tree: Tree) -> str:
    """The label column: the one column of the split files that is not iota2's own."""
    if not tree.splits:
        raise ConfigError(
            "without dataAppVal/*.sqlite the label column is not known", hint="give it: --data-field code"
        )
    path = tree.splits[0].path
    names = next((names for names, _ in read_rows(path)), [])
    found = [name for name in names if name not in _FIXED]
    if len(found) != 1:
        raise ConfigError(
            f"{path.name} has the columns {', '.join(found) or '(none)'}: which of them is the label?",
            hint="give it: --data-field code",
        )
    return found[0]


def _places(path: Path, names: Sequence[str], *wanted: str) -> list[int]:
    """Places of some columns; an InputError that names the first one that is missing."""
    for name in wanted:
        if name not in names:
            raise InputError(f"{path} has no column {name}", hint="its columns are " + ", ".join(names[:10]))
    return [list(names).index(name) for name in wanted]


def _read_polygons(tree: Tree, content: _Content) -> None:
    """The polygons of all tiles and runs, and ids for them: a source polygon that was cut is several."""
    for file in tree.splits:
        for names, rows in read_rows(file.path):
            label, source, geometry = _places(file.path, names, content.label, "originfid", "geometry")
            region = names.index("region") if "region" in names else None
            for row in rows:
                key = (
                    file.tile,
                    str(row[region]) if region is not None else "1",
                    int(row[label]),
                    int(row[source]),
                    bytes(row[geometry]),
                )
                content.pieces.setdefault(key, {}).setdefault(file.run, set()).add(file.split)
    for piece in sorted(content.pieces):
        content.of_source.setdefault(piece[3], []).append(piece)
    free = max(content.of_source, default=0) + 1
    for source_id, pieces in sorted(content.of_source.items()):
        for number, piece in enumerate(pieces):
            content.numbers[piece] = source_id if number == 0 else free
            free += number > 0


def _read_samples(database: Database, file: SampleFile, grid: Grid, content: _Content) -> None:
    """Drawn pixels of a region and run: rows of candidate, selection and sample; a pixel is stored once."""
    import shapely

    drawn: set[int] = set()
    for names, rows in read_rows(file.path):
        label, source, geometry = _places(file.path, names, content.label, "originfid", "geometry")
        features = [name for name in names if name not in _FIXED and name != content.label]
        if content.features and features != content.features:
            raise InputError(f"{file.path} has other features than the files before it")
        content.features = features
        points = shapely.from_wkb(np.array([bytes(row[geometry]) for row in rows], dtype=object))
        columns = np.floor(grid.column_of(shapely.get_x(points))).astype(np.int64)
        grid_rows = np.floor(grid.row_of(shapely.get_y(points))).astype(np.int64)
        ids = sample_ids(grid_rows, columns)
        _, first = np.unique(ids, return_index=True)
        fresh = [int(i) for i in np.sort(first) if int(ids[i]) not in drawn]
        drawn.update(int(ids[i]) for i in fresh)
        pieces = {i: _piece_of(content, int(rows[i][source]), int(rows[i][label]), file, points[i]) for i in fresh}
        for i in fresh:
            key = (file.run, file.region, pieces[i][2])
            content.n_samples[key] = content.n_samples.get(key, 0) + 1
        of_file = {"run": [file.run] * len(fresh), "region": [file.region] * len(fresh)}
        database.append("selection", pa.table(of_file | {"sample_id": ids[fresh]}))
        new = [i for i in fresh if int(ids[i]) not in content.known]
        content.known.update(int(ids[i]) for i in new)
        places = [names.index(name) for name in features]
        _append_pixels(
            database,
            ids[new],
            pa.table(
                {
                    "polygon_id": pa.array([content.numbers[pieces[i]] for i in new], pa.int64()),
                    "region": pa.array([file.region] * len(new), pa.string()),
                    "tile": pa.array([pieces[i][0] for i in new], pa.string()),
                    "grid_column": columns[new],
                    "grid_row": grid_rows[new],
                }
            ),
            np.array([[rows[i][place] for place in places] for i in new], dtype=np.float32).reshape(len(new), -1),
        )


def _append_pixels(database: Database, ids: NDArray[np.int64], table: pa.Table, features: NDArray[np.float32]) -> None:
    """Rows of candidate and sample; `features` is (n, n_features)."""
    chunk = pa.array(np.zeros(len(ids), dtype=np.int32))
    fixed = {"sample_id": pa.array(ids), "chunk": chunk}
    database.append("candidate", pa.table(fixed | {name: table[name] for name in table.column_names}))
    lists = pa.ListArray.from_arrays(
        pa.array(np.arange(len(ids) + 1, dtype=np.int32) * features.shape[1]), pa.array(features.ravel())
    )
    group = pa.array([_GROUP] * len(ids), pa.string())
    database.append("sample", pa.table(fixed | {"feature_group": group, "tile": table["tile"], "features": lists}))


def _piece_of(content: _Content, source: int, label: int, file: SampleFile, point: Any) -> Piece:
    """The polygon that a drawn pixel belongs to: of the pieces of its source polygon, the one nearest to it."""
    import shapely

    pieces = content.of_source.get(source)
    if not pieces:
        # Samples without dataAppVal: the polygon is known by its number only.
        piece: Piece = ("", file.region, label, source, b"")
        content.pieces.setdefault(piece, {}).setdefault(file.run, set()).add("learn")
        content.numbers[piece] = source
        content.of_source[source] = [piece]
        return piece
    if len(pieces) == 1:
        if pieces[0][4] == b"":
            content.pieces[pieces[0]].setdefault(file.run, set()).add("learn")
        return pieces[0]
    shapes = shapely.from_wkb(np.array([piece[4] for piece in pieces], dtype=object))
    return pieces[int(np.argmin(shapely.distance(shapes, point)))]


def _fill(database: Database, tree: Tree, content: _Content, grid: Grid) -> None:
    """The tables that say what the rest refers to."""
    import shapely

    ordered = sorted(content.numbers, key=lambda piece: content.numbers[piece])
    shapes = [shapely.from_wkb(piece[4]) if piece[4] else None for piece in ordered]
    numbers = [content.numbers[piece] for piece in ordered]
    rows = {
        "polygon_id": pa.array(numbers, pa.int64()),
        "class_code": pa.array([piece[2] for piece in ordered], pa.int32()),
        "source_label": pa.array([str(piece[2]) for piece in ordered]),
        "group_name": pa.array([str(piece[3]) for piece in ordered]),
        "split_value": pa.array([None] * len(ordered), pa.string()),
        "area": pa.array([shape.area if shape is not None else None for shape in shapes], pa.float64()),
        "wkb": pa.array([piece[4] or None for piece in ordered], pa.binary()),
    }
    database.connection.register("incoming_geometries", pa.table(rows))
    try:
        database.run("catalogue/fill_polygon")
    finally:
        database.connection.unregister("incoming_geometries")
    database.append("polygon_group", [{"polygon_id": n, "group_id": n} for n in numbers])
    runs = sorted({f.run for f in tree.splits} | {f.run for f in tree.samples} | set(tree.matrices))
    # Without a split iota2 validates with what learnt: both files hold the same polygons.
    is_split = any("val" in sides and "learn" not in sides for by in content.pieces.values() for sides in by.values())
    evaluated = "val" if is_split or not tree.splits else "learn"
    database.append("run", [{"run": run, "evaluated_split": evaluated} for run in runs])
    database.append(
        "polygon_split",
        [
            {
                "run": run,
                "polygon_id": content.numbers[piece],
                "region": piece[1],
                "class_code": piece[2],
                "group_id": content.numbers[piece],
                "split": "learn" if "learn" in sides else "val",
            }
            for piece, by_run in content.pieces.items()
            for run, sides in sorted(by_run.items())
        ],
    )
    regions = sorted({piece[1] for piece in ordered} | {file.region for file in tree.samples})
    database.append("region", [{"region": name, "region_rank": i} for i, name in enumerate(regions, 1)])
    tiles = sorted({file.tile for file in tree.splits})
    database.append("tile", [{"tile": name, "tile_rank": i} for i, name in enumerate(tiles, 1)])
    database.append("grid", [{"crs": grid.crs, "resolution_x": grid.resolution_x, "resolution_y": grid.resolution_y}])
    database.append("feature", [_feature_row(i, name) for i, name in enumerate(content.features, 1)])
    database.append(
        "quota",
        [
            {"run": run, "region": region, "class_code": code, "n_drawn": n}
            for (run, region, code), n in sorted(content.n_samples.items())
        ],
    )
    settings = {"data_field": content.label, "proj": grid.crs, "spatial_resolution": grid.resolution_x}
    database.append(
        "configuration",
        [{"section": "chain", "key": key, "setting": json.dumps(setting)} for key, setting in settings.items()],
    )


def _feature_row(number: int, name: str) -> dict[str, Any]:
    """A row of feature from iota2's name `sensor_band_yyyymmdd`; other names are scalars in no known unit."""
    row: dict[str, Any] = {
        "feature_id": number,
        "feature_group": _GROUP,
        "feature_rank": number,
        "feature_name": name,
        "sensor": None,
        "band": name,
        "date": None,
        "unit": None,
        "scale": 1.0,
    }
    if match := _FEATURE.fullmatch(name):
        date = match["date"]
        scale = _SCALES.get(match["band"], 0.0001)
        row |= {
            "sensor": match["sensor"],
            "band": match["band"].upper(),
            "date": np.datetime64(f"{date[:4]}-{date[4:6]}-{date[6:]}").item(),
            "unit": "1" if match["band"] in _SCALES else "reflectance",
            "scale": scale,
        }
    return row


def _fill_classes(
    database: Database,
    content: _Content,
    matrices: Mapping[int, Sequence[Mapping[tuple[int, int], int]]],
    nomenclature: Path | None,
    colors: Path | None,
) -> None:
    """Classes of the nomenclature, or else the labels that occur, called by themselves."""
    seen = {piece[2] for piece in content.numbers}
    seen |= {code for of_run in matrices.values() for matrix in of_run for pair in matrix for code in pair}
    named = {one.code: one.name for one in read_nomenclature(nomenclature)} if nomenclature is not None else {}
    shades = read_colors(colors) if colors is not None else {}
    codes = [*named, *sorted(seen - set(named))]
    database.append(
        "class",
        [
            {"class_code": code, "class_name": named.get(code, str(code)), "class_rank": rank}
            | dict(zip(("red", "green", "blue"), shades.get(code, (None, None, None)), strict=True))
            for rank, code in enumerate(codes, 1)
        ],
    )


def _fill_matrices(database: Database, matrices: Mapping[int, Sequence[Mapping[tuple[int, int], int]]]) -> None:
    """The counts of each run, summed over its files."""
    total: dict[tuple[int, int, int], int] = {}
    for run, of_run in matrices.items():
        for matrix in of_run:
            for (reference, predicted), n in matrix.items():
                key = (run, reference, predicted)
                total[key] = total.get(key, 0) + n
    database.append(
        "confusion_count",
        [
            {"run": run, "reference_code": reference, "predicted_code": predicted, "n_pixels": n}
            for (run, reference, predicted), n in sorted(total.items())
        ],
    )
