"""Applications that move pixels: ExtractROI, Superimpose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application
from i2db.apps.image import Image, same_projection
from i2db.apps.parameter import RAM, Parameter, out_image
from i2db.apps.pixelwise import chosen_bands
from i2db.errors import ConfigError, InputError
from i2db.raster.grid import Grid, Window
from i2db.raster.interpolate import Method, interpolate, reach

_ELEVATION = "pixels are mapped on the ground as the projections have it, no sensor model needs an elevation"
_ELEVATION_KEYS = dict.fromkeys(("elev.dem", "elev.geoid", "elev.default"), _ELEVATION)


class ExtractROI(Application):
    """A rectangle of an image, and some of its bands."""

    name = "ExtractROI"
    summary = "a rectangle of an image, by pixels, coordinates, another image or a vector file"
    parameters = (
        Parameter("in", "image", "Image to cut.", needed=True),
        out_image(),
        Parameter("mode", "choice", "How the rectangle is given.", "standard", ("standard", "fit", "extent", "radius")),
        Parameter("startx", "integer", "standard: first column, from 0.", 0),
        Parameter("starty", "integer", "standard: first row, from 0.", 0),
        Parameter("sizex", "integer", "standard: columns; 0 or not given: up to the last."),
        Parameter("sizey", "integer", "standard: rows; 0 or not given: up to the last."),
        Parameter("mode.fit.im", "image", "fit: image whose extent is taken."),
        Parameter("mode.fit.vect", "input", "fit: vector file whose extent is taken."),
        Parameter("mode.extent.ulx", "number", "extent: x of the upper left corner.", needed=("mode", "extent")),
        Parameter("mode.extent.uly", "number", "extent: y of the upper left corner.", needed=("mode", "extent")),
        Parameter("mode.extent.lrx", "number", "extent: x of the lower right corner.", needed=("mode", "extent")),
        Parameter("mode.extent.lry", "number", "extent: y of the lower right corner.", needed=("mode", "extent")),
        Parameter(
            "mode.extent.unit",
            "choice",
            "extent: pxl for columns and rows from 0, phy for map units, lonlat for degrees (WGS 84).",
            "pxl",
            ("pxl", "phy", "lonlat"),
        ),
        Parameter("mode.radius.r", "number", "radius: half the side.", needed=("mode", "radius")),
        Parameter("mode.radius.unitr", "choice", "radius: unit of the half side.", "pxl", ("pxl", "phy")),
        Parameter("mode.radius.cx", "number", "radius: x of the centre.", needed=("mode", "radius")),
        Parameter("mode.radius.cy", "number", "radius: y of the centre.", needed=("mode", "radius")),
        Parameter("mode.radius.unitc", "choice", "radius: unit of the centre.", "pxl", ("pxl", "phy", "lonlat")),
        Parameter("cl", "texts", "Bands to keep, as Channel1 Channel3; not given: all."),
        RAM,
    )
    needless = _ELEVATION_KEYS
    reproduced = """
    - Both corners of an extent are inside: columns 2 to 5 are four columns.
    - A radius r gives 2 r + 1 columns and rows; what reaches beyond the image is cut off.
    """
    mended = """
    - fit takes every pixel that the extent touches. OTB loses the last row and column where the extent ends
      inside a pixel, and gives the rest of the image for an extent inside one pixel.
    - Coordinates are in double precision; OTB keeps the corners of a vector file in single (a quarter of a
      metre).
    - The pixel type, nodata and names of bands are those of the input (OTB: float, and none).
    - A reference image with another pixel size counts by its edges, not by the centres of its corner pixels.
    """

    def _make(self) -> Image:
        image = self.image_of("in")
        mode = self.value("mode")
        window = {"standard": self._standard, "fit": self._fit, "extent": self._extent, "radius": self._radius}[mode](
            image
        )
        inside = window.intersection(image.window)
        if inside is None:
            raise InputError(f"the rectangle lies wholly outside of {self.label_of('in')}")
        if inside != window:
            self.messages.append(
                f"the rectangle reaches beyond the image: {inside.n_columns} x {inside.n_rows} pixels are left"
            )
        names = self.value("cl")
        bands = chosen_bands(names, image, "cl") if names else list(range(image.n_bands))
        return PartImage(image, inside, bands)

    def _standard(self, image: Image) -> Window:
        whole = image.window
        left, top = whole.column + self.value("startx"), whole.row + self.value("starty")
        sizes = self.value("sizex") or whole.column_end - left, self.value("sizey") or whole.row_end - top
        if min(sizes) < 1:
            raise ConfigError(f"ExtractROI: no pixel is left from column {left} and row {top}, size {sizes}")
        return Window(left, top, *sizes)

    def _fit(self, image: Image) -> Window:
        by_image, by_vector = self.value("mode.fit.im"), self.value("mode.fit.vect")
        if (by_image is None) == (by_vector is None):
            raise ConfigError("ExtractROI -mode fit needs -mode.fit.im or -mode.fit.vect, one of the two")
        if by_image is not None:
            other = self.image_of("mode.fit.im")
            return image.grid.window_of_bounds(*_bounds_in(other.bounds, other.grid.crs, image.grid.crs))
        return image.grid.window_of_bounds(*_layer_bounds(by_vector, image))

    def _extent(self, image: Image) -> Window:
        unit = self.value("mode.extent.unit")
        corners = [
            _pixel(image, self.value(f"mode.extent.{corner}x"), self.value(f"mode.extent.{corner}y"), unit)
            for corner in ("ul", "lr")
        ]
        (left, top), (right, bottom) = corners
        if right < left or bottom < top:
            raise ConfigError("ExtractROI: the lower right corner of the extent lies above or left of the upper left")
        return Window(left, top, right - left + 1, bottom - top + 1)

    def _radius(self, image: Image) -> Window:
        center = _pixel(
            image, self.value("mode.radius.cx"), self.value("mode.radius.cy"), self.value("mode.radius.unitc")
        )
        r = self.value("mode.radius.r")
        if r < 0:
            raise ConfigError(f"ExtractROI: -mode.radius.r is {r:g}: it must be positive")
        is_pixels = self.value("mode.radius.unitr") == "pxl"
        across = math.floor((r if is_pixels else r / image.grid.resolution_x) + 0.5)
        down = math.floor((r if is_pixels else r / image.grid.resolution_y) + 0.5)
        return Window(center[0] - across, center[1] - down, 2 * across + 1, 2 * down + 1)


class PartImage(Image):
    """A window and some bands of an image."""

    def __init__(self, image: Image, window: Window, bands: Sequence[int]) -> None:
        super().__init__(
            grid=image.grid,
            window=window,
            n_bands=len(bands),
            dtype=image.dtype,
            nodata=image.nodata,
            names=[image.names[band] for band in bands] if image.names else (),
            sources=[image],
        )
        self._bands = list(bands)
        self._is_whole = self._bands == list(range(image.n_bands))

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        wanted = self._bands if bands is None else [self._bands[band] for band in bands]
        return self.sources[0].read(window, None if self._is_whole and bands is None else wanted)

    @property
    def bytes_per_pixel(self) -> float:
        """Those of the bands that are read."""
        return self.sources[0].bytes_per_pixel * max(1.0, self.n_bands / self.sources[0].n_bands)


def _pixel(image: Image, x: float, y: float, unit: str) -> tuple[int, int]:
    """Column and row of the image's grid of a place in pixels from the image's corner, map units or degrees."""
    if unit == "pxl":
        return image.window.column + math.floor(x + 0.5), image.window.row + math.floor(y + 0.5)
    if unit == "lonlat":
        from rasterio.warp import transform

        (x,), (y,) = transform("EPSG:4326", _known(image.grid.crs, "the image"), [x], [y])[:2]
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError("the place given in degrees lies outside of the image's projection")
    return math.floor(image.grid.column_of(x)), math.floor(image.grid.row_of(y))


def _known(crs: str, what: str) -> str:
    if not crs:
        raise InputError(f"{what} does not say its projection", hint="assign one, e.g. with gdal_edit.py -a_srs")
    return crs


def _bounds_in(bounds: tuple[float, float, float, float], crs: str, target: str) -> tuple[float, float, float, float]:
    """Bounds in another projection."""
    from rasterio.warp import transform_bounds

    if same_projection(crs, target):
        return bounds
    left, bottom, right, top = transform_bounds(
        _known(crs, "the reference"), _known(target, "the image"), *bounds, densify_pts=21
    )
    return left, bottom, right, top


def _layer_bounds(path: Any, image: Image) -> tuple[float, float, float, float]:
    """Bounds of a vector file in the projection of an image."""
    from i2db.vector.layer import read_layer, to_projection

    frame = read_layer(path, "vector file")
    if not len(frame) or frame.geometry.isna().all():
        raise InputError(f"{path} holds no geometry")
    frame, _ = to_projection(frame, _known(image.grid.crs, "the image"), path, "vector")
    left, bottom, right, top = (float(number) for number in frame.total_bounds)
    return left, bottom, right, top


class Superimpose(Application):
    """An image on the pixels of another."""

    name = "Superimpose"
    summary = "an image brought onto the pixels of another, whatever its projection"
    parameters = (
        Parameter("inr", "image", "Reference: its projection, pixels and extent are taken.", needed=True),
        Parameter("inm", "image", "Image to bring onto them.", needed=True),
        out_image(),
        Parameter(
            "interpolator",
            "choice",
            "bco for bicubic, linear, or nn for the nearest pixel (classes).",
            "bco",
            ("bco", "linear", "nn"),
        ),
        Parameter("interpolator.bco.radius", "integer", "Radius of the bicubic, in pixels of the moving image.", 2),
        Parameter("fv", "number", "Number where the moving image has no data; declared as nodata in the file.", 0.0),
        RAM,
    )
    needless = _ELEVATION_KEYS | {
        "lms": "every pixel is mapped exactly, there is no deformation field to space",
        "mode": "both images are on a projection, there is one way to map them",
    }
    reproduced = """
    - The kernel is OTB's: 2 radius + 1 taps around the nearest pixel, weights made to sum to 1, pixels beyond
      the edge are those at the edge; nothing is smoothed where the new pixels are larger.
    - Outside of the moving image stands the fill value, and the file declares it as nodata.
    """
    mended = """
    - Every pixel is mapped exactly. OTB interpolates a field of displacements, 10 pixels apart.
    - Where the moving image has no data in reach of the kernel the result is the fill value; OTB computes with
      the number that means no data.
    - nn keeps the pixel type of the moving image (OTB: float).
    """

    def _make(self) -> Image:
        reference, image = self.image_of("inr"), self.image_of("inm")
        if self.value("interpolator.bco.radius") < 1:
            raise ConfigError("Superimpose: -interpolator.bco.radius must be at least 1")
        return ResampledImage(
            image,
            reference.grid,
            reference.window,
            self.value("interpolator"),
            radius=self.value("interpolator.bco.radius"),
            fill=self.value("fv"),
        )


class ResampledImage(Image):
    """An image on other pixels."""

    def __init__(
        self,
        image: Image,
        grid: Grid,
        window: Window,
        method: Method,
        *,
        radius: int = 2,
        fill: float = 0.0,
        repeats_edge: bool = True,
    ) -> None:
        if not same_projection(image.grid.crs, grid.crs):
            for crs, what in ((image.grid.crs, "the moving image"), (grid.crs, "the reference")):
                _known(crs, what)
        is_kept = method == "nn" and (image.dtype.kind == "f" or _fits(fill, image.dtype))
        super().__init__(
            grid=grid,
            window=window,
            n_bands=image.n_bands,
            dtype=image.dtype if is_kept else np.float32,
            nodata=fill,
            names=image.names,
            sources=[image],
        )
        self._method: Method = method
        self._radius = radius
        self._fill = fill
        self._repeats_edge = repeats_edge

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        image = self.sources[0]
        n_bands = self.n_bands if bands is None else len(bands)
        result = np.full((n_bands, *window.shape), self._fill, dtype=self.dtype)
        columns, rows = self._places(window)
        needed = _reached(columns, rows, reach(self._method, self._radius), image.window)
        if needed is None:
            return result
        numbers = image.read(needed, bands)
        for band, source in zip(result, numbers, strict=True):
            found = interpolate(
                source,
                needed.column - image.window.column,
                needed.row - image.window.row,
                image.window.shape,
                columns,
                rows,
                self._method,
                radius=self._radius,
                nodata=image.nodata,
                repeats_edge=self._repeats_edge,
            )
            np.copyto(band, found, where=~np.isnan(found), casting="unsafe")
        return result

    def _places(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the pixel centres of a window lie in columns and rows of the source (0 at its first centre)."""
        from rasterio.warp import transform

        image = self.sources[0]
        left, _, _, top = self.grid.bounds(window)
        x = left + (np.arange(window.n_columns) + 0.5) * self.grid.resolution_x
        y = top - (np.arange(window.n_rows) + 0.5) * self.grid.resolution_y
        xs, ys = np.meshgrid(x, y)
        if not same_projection(image.grid.crs, self.grid.crs):
            moved_x, moved_y = transform(self.grid.crs, image.grid.crs, xs.ravel(), ys.ravel())[:2]
            xs, ys = np.reshape(moved_x, xs.shape), np.reshape(moved_y, ys.shape)
        columns = image.grid.column_of(xs) - image.window.column - 0.5
        rows = image.grid.row_of(ys) - image.window.row - 0.5
        return columns, rows

    @property
    def bytes_per_pixel(self) -> float:
        """The result, the places, and the source pixels under a pixel (estimated at the middle of the image)."""
        place = self.window
        middle = Window(place.column + place.n_columns // 2, place.row + place.n_rows // 2, 2, 2)
        columns, rows = self._places(middle)
        extent = max(1.0, float(np.ptp(columns))) * max(1.0, float(np.ptp(rows)))
        share = extent if math.isfinite(extent) else 1.0
        return self.n_bands * self.dtype.itemsize + 96 + share * self.sources[0].bytes_per_pixel


def _fits(number: float, dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return float(number).is_integer() and limits.min <= number <= limits.max


def _reached(columns: NDArray[np.float64], rows: NDArray[np.float64], margin: int, window: Window) -> Window | None:
    """The part of a source's window that places (columns and rows from its corner) reach."""
    is_near = np.isfinite(columns) & np.isfinite(rows)
    is_near &= (columns >= -0.5) & (columns < window.n_columns) & (rows >= -0.5) & (rows < window.n_rows)
    if not is_near.any():
        return None
    left, right = math.floor(columns[is_near].min()) - margin, math.ceil(columns[is_near].max()) + margin
    top, bottom = math.floor(rows[is_near].min()) - margin, math.ceil(rows[is_near].max()) + margin
    return Window(window.column + left, window.row + top, right - left + 1, bottom - top + 1).intersection(window)
