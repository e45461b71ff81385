"""Rasterization: polygons of a vector file on the pixels of an image, or on pixels of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application
from i2db.apps.image import Image
from i2db.apps.parameter import RAM, Parameter, out_image
from i2db.apps.vectors import projected
from i2db.errors import ConfigError, InputError
from i2db.raster.burn import burn
from i2db.raster.grid import Grid, Window
from i2db.vector.layer import column, read_layer, repair, to_projection


@dataclass(frozen=True)
class BurnableLayer:
    """Polygons in a grid's projection with a number each, in the order of the file."""

    wkb: NDArray[np.object_]
    values: NDArray[Any]
    tree: Any
    bounds: tuple[float, float, float, float]


def read_burnable(path: Path, field: str, image: Image, messages: list[str]) -> BurnableLayer:
    """The polygons of a file in an image's projection with the whole numbers of a field.

    Raises:
        InputError: the file or field is missing, or the field does not hold whole numbers (texts of them will do).
    """
    frame = read_layer(path, "vector file")
    numbers = _numbers(frame, field, path)
    if (numbers != np.floor(numbers)).any():
        raise InputError(f"{path}: field {field} must hold whole numbers")
    frame, told = projected(frame.assign(_number=numbers.astype(np.int64)), image, path)
    messages += told
    return layer_of(frame, path, messages)


def _numbers(frame: Any, field: str, path: Path) -> NDArray[np.float64]:
    import pandas

    found = pandas.to_numeric(column(frame, field, path, "field"), errors="coerce").to_numpy(np.float64)
    if np.isnan(found).any():
        raise InputError(f"{path}: field {field} is no number in {int(np.isnan(found).sum())} features")
    return np.asarray(found)


def layer_of(frame: Any, path: Path, messages: list[str]) -> BurnableLayer:
    """The polygons of a frame with their `_number`."""
    import shapely

    frame, findings = repair(frame, frame.index.to_numpy(), "polygon")
    messages += [f"polygon {finding.item} of {path.name} {finding.message}: {finding.remedy}" for finding in findings]
    if not len(frame):
        raise InputError(f"{path} holds no polygon")
    shapes = frame.geometry.to_numpy()
    left, bottom, right, top = (float(number) for number in frame.total_bounds)
    return BurnableLayer(
        wkb=shapely.to_wkb(shapely.force_2d(shapes)),
        values=frame["_number"].to_numpy(),
        tree=shapely.STRtree(shapes),
        bounds=(left, bottom, right, top),
    )


def burn_layer(layer: BurnableLayer, image: Image, window: Window, background: float) -> NDArray[Any]:
    """(rows, columns) of a window: the number of the polygon over each pixel centre, the last of several."""
    import shapely

    near = np.sort(layer.tree.query(shapely.box(*image.grid.bounds(window))))
    place = burn(list(layer.wkb[near]), np.arange(1, near.size + 1, dtype=np.int64), window, image.grid)
    table = np.concatenate([[background], layer.values[near]])
    return np.asarray(table[place])


class Rasterization(Application):
    """Polygons as pixels."""

    name = "Rasterization"
    summary = "the polygons of a vector file as pixels"
    pixel_type = "float"
    parameters = (
        Parameter("in", "input", "Vector file of polygons.", needed=True),
        out_image(),
        Parameter("im", "image", "Image whose pixels are taken; not given: the pixels below."),
        Parameter("spx", "number", "Pixel width, without -im."),
        Parameter("spy", "number", "Pixel height, without -im; its sign does not matter, north is up."),
        Parameter("orx", "number", "Left edge of the image; not given: that of the polygons."),
        Parameter("ory", "number", "Upper edge of the image; not given: that of the polygons."),
        Parameter("szx", "integer", "Columns; not given: as many as the polygons take."),
        Parameter("szy", "integer", "Rows; not given: as many as the polygons take."),
        Parameter("epsg", "integer", "Projection; not given: that of the vector file."),
        Parameter("background", "number", "Number where there is no polygon.", 0.0),
        Parameter("mode", "choice", "What a polygon becomes.", "binary", ("binary", "attribute")),
        Parameter("mode.binary.foreground", "number", "binary: this number.", 255.0),
        Parameter("mode.attribute.field", "text", "attribute: the number of this field.", "DN"),
        RAM,
    )
    reproduced = """
    - A pixel belongs to the polygon that holds its centre, to the last of several. Written as float unless another
      pixel type is asked for.
    """
    mended = """
    - A centre on an edge is inside on a west or south edge and outside on an east or north edge, as in the chain and in
      PolygonClassStatistics: polygons that share an edge neither share a pixel nor lose one. OTB's rule here is GDAL's,
      which differs for such centres.
    - A file in another projection is reprojected, and that is told. Lines and points are left out, and that is told.
    - `orx` and `ory` are the corner of the image, not the centre of its first pixel.
    """

    def _make(self) -> Image:
        path = self.value("in")
        frame = read_layer(path, "vector file")
        if self.value("mode") == "binary":
            frame = frame.assign(_number=self.value("mode.binary.foreground"))
        else:
            frame = frame.assign(_number=_numbers(frame, self.value("mode.attribute.field"), path))
        if self.value("im") is not None:
            grid, window = self.image_of("im").grid, self.image_of("im").window
            self._refuse_own_pixels()
            target: str = grid.crs
            if not target:
                raise InputError(f"{self.label_of('im')} does not say its projection")
        else:
            code = self.value("epsg")
            target = frame.crs.to_string() if code is None else f"EPSG:{code}"
        frame, findings = to_projection(frame, target, path, "vector")
        self.messages += [f"{path.name} {finding.message}: {finding.remedy}" for finding in findings]
        layer = layer_of(frame, path, self.messages)
        if self.value("im") is None:
            grid, window = self._own_pixels(layer, target)
        return BurntImage(layer, grid, window, self.value("background"))

    def _refuse_own_pixels(self) -> None:
        given = [key for key in ("spx", "spy", "orx", "ory", "szx", "szy", "epsg") if self.value(key) is not None]
        if given:
            raise ConfigError(f"Rasterization: -im tells the pixels, -{', -'.join(given)} would be without effect")

    def _own_pixels(self, layer: BurnableLayer, crs: str) -> tuple[Grid, Window]:
        width, height = self.value("spx"), self.value("spy")
        if width is None or height is None:
            raise ConfigError("Rasterization needs -im, or -spx and -spy")
        width, height = abs(width), abs(height)
        if not (width and height):
            raise ConfigError("Rasterization: -spx and -spy must not be 0")
        left = layer.bounds[0] if self.value("orx") is None else self.value("orx")
        top = layer.bounds[3] if self.value("ory") is None else self.value("ory")
        columns = self.value("szx") or math.ceil((layer.bounds[2] - left) / width - 1e-9)
        rows = self.value("szy") or math.ceil((top - layer.bounds[1]) / height - 1e-9)
        if min(columns, rows) < 1:
            raise InputError("Rasterization: the polygons lie above or left of -orx and -ory")
        return Grid(crs, width, height, left, top), Window(0, 0, columns, rows)


class BurntImage(Image):
    """Polygons burnt when they are read, float64."""

    def __init__(self, layer: BurnableLayer, grid: Grid, window: Window, background: float) -> None:
        super().__init__(grid=grid, window=window, n_bands=1, dtype=np.float64)
        self._layer, self._background = layer, background

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        one = burn_layer(self._layer, self, window, self._background).astype(np.float64)[np.newaxis]
        return one if bands is None else one[list(bands)]

    @property
    def bytes_per_pixel(self) -> float:
        """Owners and numbers."""
        return 48
