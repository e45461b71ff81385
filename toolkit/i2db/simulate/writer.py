"""Files of a scene: products in Theia's layout, the true map, ground truth, regions and the texts that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.raster.grid import Window
from i2db.simulate.acquisition import NODATA, Strip
from i2db.simulate.catalogue import BANDS, CROP_CODES, FINE_BANDS, Kind, LandClass
from i2db.simulate.layout import CRS, Extent, Tile

MASKS = ("CLM", "SAT", "EDG")
#: Suffixes of the files that make up a shapefile.
SHAPEFILE_SUFFIXES = (".shp", ".shx", ".dbf", ".prj", ".cpg")
#: Projection of the French register of parcels: Lambert 93.
PARCELS_CRS = "EPSG:2154"
COMPRESSIONS = ("deflate", "lzw", "zstd", "none")


@dataclass(frozen=True, slots=True)
class RasterOptions:
    """How rasters are stored: side of the inner tiles (pixels, a multiple of 16) and compression."""

    block: int
    compress: str


@dataclass(frozen=True, slots=True)
class LabelledPolygon:
    """A polygon of the ground truth."""

    polygon_id: int
    code: int
    label: str
    shape: Any


def product_files(folder: Path, name: str) -> tuple[Path, ...]:
    """Paths of the bands and masks of a product, in the order of BANDS and MASKS."""
    bands = [folder / f"{name}_FRE_{band}.tif" for band in BANDS]
    return (*bands, *(folder / "MASKS" / f"{name}_{mask}_R1.tif" for mask in MASKS))


def strips_of(tile: Tile, block: int) -> Iterator[Window]:
    """Windows of whole rows of a tile; they end at block edges at both pixel sizes: no block is written twice."""
    window, height = tile.window, 2 * block
    for row in range(window.row, window.row_end, height):
        yield Window(window.column, row, window.n_columns, min(height, window.row_end - row))


def write_product(
    folder: Path, name: str, extent: Extent, tile: Tile, strips: Iterable[tuple[Window, Strip]], options: RasterOptions
) -> None:
    """Write a product strip by strip: int16 bands with nodata declared, uint8 masks at the fine pixel size."""
    import rasterio

    (folder / "MASKS").mkdir(parents=True, exist_ok=True)
    files = product_files(folder, name)
    with ExitStack() as stack:
        targets = {}
        for key, path in zip((*BANDS, *MASKS), files, strict=True):
            factor = 1 if key in FINE_BANDS or key in MASKS else 2
            profile = _profile(extent, tile.window, factor, "uint8" if key in MASKS else "int16", options)
            if key not in MASKS:
                profile["nodata"] = NODATA
            targets[key] = stack.enter_context(rasterio.open(path, "w", **profile))
        for window, strip in strips:
            arrays: dict[str, NDArray[Any]] = {
                **strip.bands,
                "CLM": strip.clouds,
                "SAT": strip.saturation,
                "EDG": strip.edge,
            }
            for key, array in arrays.items():
                top = (window.row - tile.window.row) * array.shape[0] // window.n_rows
                place = rasterio.windows.Window(0, top, array.shape[1], array.shape[0])
                targets[key].write(array, 1, window=place)


def write_truth(
    path: Path, extent: Extent, codes: NDArray[np.uint16], tiles: tuple[Tile, ...], options: RasterOptions
) -> None:
    """Write the class code of every pixel that some tile covers (uint16; 0 for roads and outside the tiles)."""
    import rasterio

    covered = np.zeros(codes.shape, dtype=np.bool_)
    whole = Window(0, 0, extent.n_columns, extent.n_rows)
    for tile in tiles:
        covered[tile.window.slices_in(whole)] = True
    profile = _profile(extent, whole, 1, "uint16", options)
    with rasterio.open(path, "w", nodata=0, **profile) as target:
        target.write(np.where(covered, codes, np.uint16(0)), 1)


def _profile(extent: Extent, window: Window, factor: int, dtype: str, options: RasterOptions) -> dict[str, Any]:
    from rasterio.transform import Affine

    width, height = window.n_columns // factor, window.n_rows // factor
    block = min(options.block, min(width, height) // 16 * 16)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": dtype,
        "crs": CRS,
        "transform": Affine(*extent.transform(window, factor)),
        "tiled": True,
        "blockxsize": block,
        "blockysize": block,
    }
    if options.compress != "none":
        profile.update(compress=options.compress, predictor=2)
    return profile


def write_ground_truth(geopackage: Path, shapefile: Path, polygons: list[LabelledPolygon]) -> None:
    """Write the same polygons as a GeoPackage and as a shapefile (fields id, code, label)."""
    import geopandas

    frame = geopandas.GeoDataFrame(
        {
            "id": np.array([polygon.polygon_id for polygon in polygons], dtype=np.int32),
            "code": np.array([polygon.code for polygon in polygons], dtype=np.int32),
            "label": [polygon.label for polygon in polygons],
        },
        geometry=[polygon.shape for polygon in polygons],
        crs=CRS,
    )
    _write_vector(frame, geopackage, "GPKG")
    _write_vector(frame, shapefile, "ESRI Shapefile")


def write_regions(path: Path, shapes: list[Any]) -> None:
    """Write one polygon per region, named "1", "2", ... in the text field `region`."""
    import geopandas

    names = [str(number) for number in range(1, len(shapes) + 1)]
    _write_vector(geopandas.GeoDataFrame({"region": names}, geometry=shapes, crs=CRS), path, "GPKG")


def write_parcels(path: Path, parcels: list[tuple[Any, LandClass]]) -> None:
    """Write the fields among parcels (shape or None, class) as the French register (RPG) has them, in Lambert 93.

    ID_PARCEL counts from 1, SURF_PARC is in hectares, CODE_CULTU and CODE_GROUP say the crop and its group.
    """
    import geopandas

    fields = [(shape, land) for shape, land in parcels if shape is not None and land.kind is Kind.FIELD]
    codes = [CROP_CODES[land.code] for _, land in fields]
    frame = geopandas.GeoDataFrame(
        {
            "ID_PARCEL": [str(number) for number in range(1, len(fields) + 1)],
            "SURF_PARC": [round(float(shape.area) / 1e4, 2) for shape, _ in fields],
            "CODE_CULTU": [crop for crop, _ in codes],
            "CODE_GROUP": [str(group) for _, group in codes],
        },
        geometry=[shape for shape, _ in fields],
        crs=CRS,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_vector(frame.to_crs(PARCELS_CRS), path, "ESRI Shapefile")


def _write_vector(frame: Any, path: Path, driver: str) -> None:
    # A GeoPackage that is there already would get a second layer.
    path.unlink(missing_ok=True)
    options = {"encoding": "UTF-8"} if driver == "ESRI Shapefile" else {"layer": path.stem}
    frame.to_file(path, driver=driver, engine="pyogrio", **options)


def write_texts(nomenclature: Path, colors: Path, classes: list[LandClass]) -> None:
    """Write `name:code` and `code R G B`, one line per class, in the order of the codes."""
    ordered = sorted(classes, key=lambda land: land.code)
    nomenclature.write_text("".join(f"{land.name}:{land.code}\n" for land in ordered), encoding="utf-8")
    rows = (f"{land.code} {red} {green} {blue}\n" for land in ordered for red, green, blue in [land.color])
    colors.write_text("".join(rows), encoding="utf-8")


def write_config(
    path: Path, *, tiles: tuple[Tile, ...], folders: Mapping[str, str], resolution: int, has_regions: bool
) -> None:
    """Write a configuration in iota2's dialect of 2022; its paths are relative to it.

    `folders` has the folder of each sensor's products under its key of section chain.
    """
    sensors = "".join(f"  {key} : '{folder}'\n" for key, folder in folders.items())
    regions = "  region_path : 'regions.gpkg'\n  region_field : 'region'\n" if has_regions else ""
    text = f"""# Simulated scene: everything that `i2db run` needs. Paths are relative to this file.
chain :
{{
  output_path : 'out'
  list_tile : '{" ".join(tile.name for tile in tiles)}'
{sensors}  ground_truth : 'ground_truth.gpkg'
  data_field : 'code'
  nomenclature_path : 'nomenclature.txt'
  color_table : 'colors.txt'
  proj : '{CRS}'
  spatial_resolution : {resolution}
{regions}}}
arg_train :
{{
  runs : 2
  ratio : 0.5
  random_seed : 1
  classifier : 'rf'
  otb_classifier_options : {{"classifier.rf.min" : 5, "classifier.rf.max" : 25}}
  sample_selection : {{"sampler" : "random", "strategy" : "all"}}
}}
"""
    path.write_text(text, encoding="utf-8")
