"""Labelled polygons over an image, and vector files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.image import Image
from i2db.errors import ConfigError, InputError
from i2db.files import replacing
from i2db.raster.burn import BurnResult, burn_polygons
from i2db.raster.grid import Window
from i2db.raster.windows import split
from i2db.raster.write import BLOCK
from i2db.vector.layer import column, read_layer, repair, to_projection
from i2db.vector.shapefile import replacing_shapefile

if TYPE_CHECKING:
    import geopandas

#: Why there is no choice of a layer.
LAYER = "the first layer of a file is read"
#: Pixels for which polygons are burnt together.
_BURN_PIXELS = 2**22
#: Driver and most columns of a file, by its suffix.
_DRIVERS: Mapping[str, tuple[str, int]] = {
    ".shp": ("ESRI Shapefile", 250),
    ".gpkg": ("GPKG", 1990),
    ".sqlite": ("SQLite", 1990),
    ".geojson": ("GeoJSON", 100_000),
}
_LONGEST_SHAPEFILE_NAME = 10


@dataclass(frozen=True)
class Polygons:
    """Polygons of a vector file in an image's projection, in the order of the file.

    `frame` has the fields of the file and its feature ids as index; `labels` the field of the class, as texts;
    `classes` the different ones, in the order of texts, and `codes` the place of each polygon's in it.
    """

    frame: geopandas.GeoDataFrame
    labels: list[str]
    classes: list[str]
    codes: NDArray[np.int64]
    wkb: NDArray[np.object_]


def read_polygons(path: Path, field: str, image: Image, messages: list[str]) -> Polygons:
    """The polygons of a file that can be burnt; what was done to them goes to the messages.

    Raises:
        InputError: the file or field is missing, a polygon has no label, nothing is left, or the image has no
            projection.
    """
    import shapely

    frame = read_layer(path, "vector file")
    labels = column(frame, field, path, "-field")
    if labels.isna().any():
        raise InputError(f"{path}: {int(labels.isna().sum())} polygons have no {field}", hint="label or remove them")
    frame = frame.assign(_label=[as_label(label) for label in labels])
    frame, findings = repair(frame, frame.index.to_numpy(), "polygon")
    messages += [f"polygon {finding.item} of {path.name} {finding.message}: {finding.remedy}" for finding in findings]
    frame, told = projected(frame, image, path)
    messages += told
    if not len(frame):
        raise InputError(f"{path} holds no polygon that can be used")
    texts = [str(label) for label in frame.pop("_label")]
    classes = sorted(set(texts))
    place = {label: number for number, label in enumerate(classes)}
    codes = np.array([place[label] for label in texts], dtype=np.int64)
    return Polygons(frame, texts, classes, codes, shapely.to_wkb(shapely.force_2d(frame.geometry.to_numpy())))


def as_label(label: Any) -> str:
    """A label as text; whole numbers that a driver gives as floats without their point."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def projected(frame: Any, image: Image, path: Path) -> tuple[Any, list[str]]:
    """A layer in an image's projection, and what to tell of it.

    Raises:
        InputError: the image does not say its projection.
    """
    if not image.grid.crs:
        raise InputError("the image does not say its projection", hint="assign one, e.g. with gdal_edit.py -a_srs")
    frame, findings = to_projection(frame, image.grid.crs, path, "vector")
    return frame, [f"{path.name} {finding.message.split(',')[0]}: {finding.remedy}" for finding in findings]


def burn_windows(window: Window) -> list[Window]:
    """A window cut for burning."""
    return split(window, (BLOCK, BLOCK), (window.column, window.row), _BURN_PIXELS)


def burnt(polygons: Polygons, image: Image, mask: Image | None) -> Iterator[tuple[BurnResult, NDArray[np.int64]]]:
    """Window by window the pixels of the polygons (all classes), and which of them the mask keeps.

    The rule is the chain's: a pixel belongs to the polygon that holds its centre, to the first of several of one class,
    and to none where classes differ. `polygon_index` is the place in `polygons`.
    """
    import shapely

    from i2db.apps.image import moved

    tree = shapely.STRtree(polygons.frame.geometry.to_numpy())
    for window in burn_windows(image.window):
        near = np.sort(tree.query(shapely.box(*image.grid.bounds(window))))
        if not near.size:
            continue
        result = burn_polygons(near, polygons.codes[near], polygons.wkb[near], window, image.grid)
        kept = np.arange(result.rows.size)
        if mask is not None and kept.size:
            is_used = mask.read(moved(window, image, mask), [0])[0] != 0
            kept = np.flatnonzero(is_used[result.rows - window.row, result.columns - window.column])
        yield _as_places(result, near), kept


def _as_places(result: BurnResult, near: NDArray[np.int64]) -> BurnResult:
    return BurnResult(
        rows=result.rows,
        columns=result.columns,
        polygon_index=near[result.polygon_index].astype(np.int32),
        conflicts=result.conflicts,
        n_dropped=result.n_dropped,
    )


def overlapping(polygons: Polygons, image: Image) -> NDArray[np.bool_]:
    """Which polygons touch the image's extent."""
    import shapely

    touching: NDArray[np.bool_] = shapely.intersects(polygons.frame.geometry.to_numpy(), shapely.box(*image.bounds))
    return touching


def check_vector_name(path: Path, key: str, columns: list[str]) -> None:
    """Refuse a name of a vector file that cannot hold these columns, before any work.

    Raises:
        ConfigError: the suffix is not known, or the format has room for fewer or shorter columns.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return
    if suffix not in _DRIVERS:
        known = ", ".join((*_DRIVERS, ".parquet"))
        raise ConfigError(f"-{key} {path}: {suffix or 'no suffix'} is no vector format", hint=f"it is one of {known}")
    most = _DRIVERS[suffix][1]
    if len(columns) > most:
        raise ConfigError(
            f"-{key} {path}: {len(columns)} columns are more than {suffix} holds ({most})", hint="write .parquet"
        )
    long = [name for name in columns if len(name) > _LONGEST_SHAPEFILE_NAME] if suffix == ".shp" else []
    if long:
        raise ConfigError(
            f"-{key} {path}: shapefiles cut names after {_LONGEST_SHAPEFILE_NAME} letters, e.g. {long[0]}",
            hint="write .gpkg, .sqlite or .parquet",
        )


def write_vector(frame: Any, path: Path, layer: str = "output") -> None:
    """Write a layer to a file, by its suffix; an older file is replaced as a whole.

    In SQLite the geometry is plain WKB in column GEOMETRY and names of columns are in lower case, as OTB and iota2
    leave it; GeoParquet carries projection and bounds.

    Raises:
        StageError: the disk is full.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        with replacing(path) as temporary:
            frame.to_parquet(temporary, schema_version="1.1.0", write_covering_bbox=True, index=False)
        return
    driver = _DRIVERS[suffix][0]
    if suffix == ".shp":
        with replacing_shapefile(path) as temporary:
            frame.to_file(temporary, driver=driver, engine="pyogrio", encoding="UTF-8", index=False)
        return
    options = {"layer": layer} if suffix != ".geojson" else {}
    with replacing(path) as temporary:
        frame.to_file(temporary, driver=driver, engine="pyogrio", index=False, **options)
