"""Slope and aspect of an elevation model: what gdaldem does, as an application."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application
from i2db.apps.geometry import ResampledImage
from i2db.apps.image import Image
from i2db.apps.parameter import RAM, Parameter, out_image
from i2db.errors import ConfigError, InputError
from i2db.raster.grid import Grid, Window
from i2db.raster.terrain import MARGIN, MEASURES, fill_margin, is_metric, measure, utm_projection

#: What the files declare as no data, as gdaldem's.
NODATA = -9999.0


class DEM(Application):
    """Slope, aspect, northness or eastness of an elevation model."""

    name = "DEM"
    summary = "slope, aspect, northness or eastness of a digital elevation model, as gdaldem's"
    parameters = (
        Parameter("in", "image", "Elevations in metres, one band.", needed=True),
        out_image(),
        Parameter("measure", "choice", "What is computed.", "slope", MEASURES),
        Parameter("slope.unit", "choice", "slope: unit.", "degree", ("degree", "percent")),
        Parameter("aspect.zero_for_flat", "boolean", "aspect: 0 on flat ground instead of no data.", False),
        Parameter(
            "compute_edges", "boolean", "Continue the elevations beyond the edges instead of no data there.", False
        ),
        Parameter("epsg", "integer", "Projection in metres to warp a model to that is in degrees; not given: UTM."),
        Parameter("spacing", "number", "Pixel size (m) of a model that is warped; not given: that of its own rows."),
        RAM,
    )
    reproduced = """
    - gdaldem's Horn gradient, its degrees and percent, its aspect clockwise from north, -9999 for no data and
      on the rim of the file (without `compute_edges`).
    """
    mended = """
    - A model in degrees is warped (bicubic) to a projection in metres first; gdaldem compares metres with
      degrees.
    - The aspect of pixels that are not square counts in metres.
    - At the four corner pixels `compute_edges` continues both axes; around gaps it does nothing.
    - northness and eastness, the cosine and sine of the aspect (0 on flat ground), are there as well.
    """

    def _make(self) -> Image:
        image = self.image_of("in")
        if image.n_bands != 1:
            raise InputError(f"{self.label_of('in')} has {image.n_bands} bands; elevations are one")
        if not image.grid.crs:
            raise InputError(f"{self.label_of('in')} does not say its projection")
        if not is_metric(image.grid.crs):
            image = self._warped(image)
        elif self.value("epsg") is not None or self.value("spacing") is not None:
            raise ConfigError("DEM: -epsg and -spacing are for a model in degrees; this one is in metres")
        return TerrainImage(
            image,
            self.value("measure"),
            is_percent=self.value("slope.unit") == "percent",
            zero_for_flat=self.value("aspect.zero_for_flat"),
            continues_edges=self.value("compute_edges"),
        )

    def _warped(self, image: Image) -> Image:
        """The model in metres, over the same ground."""
        from rasterio.warp import transform_bounds

        degrees = transform_bounds(image.grid.crs, "EPSG:4326", *image.bounds, densify_pts=21)
        middle = (degrees[0] + degrees[2]) / 2, (degrees[1] + degrees[3]) / 2
        code = self.value("epsg")
        crs = utm_projection(*middle) if code is None else f"EPSG:{code}"
        if not is_metric(crs):
            raise ConfigError(f"DEM: -epsg {code} is not in metres")
        bounds = transform_bounds(image.grid.crs, crs, *image.bounds, densify_pts=21)
        if not all(math.isfinite(number) for number in bounds):
            raise InputError(f"{self.label_of('in')} lies outside of {crs}")
        spacing = self.value("spacing")
        if spacing is None:
            spacing = float(f"{(bounds[3] - bounds[1]) / image.window.n_rows:.4g}")
        if spacing <= 0:
            raise ConfigError(f"DEM: -spacing is {spacing:g}: it must be positive")
        grid = Grid(crs, spacing, spacing)
        self.messages.append(f"the model is not in metres: warped to {crs} with pixels of {spacing:g} m")
        return ResampledImage(image, grid, grid.window_of_bounds(*bounds), "bco", fill=NODATA, repeats_edge=False)


class TerrainImage(Image):
    """A measure of the terrain, float32, from elevations in metres."""

    def __init__(
        self, image: Image, name: Any, *, is_percent: bool, zero_for_flat: bool, continues_edges: bool
    ) -> None:
        super().__init__(
            grid=image.grid,
            window=image.window,
            n_bands=1,
            dtype=np.float32,
            nodata=NODATA,
            names=[name],
            sources=[image],
        )
        self._name = name
        self._is_percent = is_percent
        self._zero_for_flat = zero_for_flat
        self._continues_edges = continues_edges

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        image = self.sources[0]
        grown = window.grown(MARGIN)
        elevation = read_grown(image, grown)[0]
        if self._continues_edges:
            whole = image.window
            fill_margin(
                elevation,
                north=window.row == whole.row,
                south=window.row_end == whole.row_end,
                west=window.column == whole.column,
                east=window.column_end == whole.column_end,
            )
        found = measure(
            elevation,
            self.grid.resolution_x,
            self.grid.resolution_y,
            self._name,
            unit="percent" if self._is_percent else "degree",
            zero_for_flat=self._zero_for_flat,
        )
        found[np.isnan(found)] = NODATA
        return found[np.newaxis] if bands is None else found[np.newaxis][list(bands)]

    @property
    def bytes_per_pixel(self) -> float:
        """Double-precision temporaries, besides the source."""
        return 64 + self.sources[0].bytes_per_pixel


def read_grown(image: Image, window: Window) -> NDArray[np.float32]:
    """(bands, rows, columns) float32 of a window that may reach beyond an image; NaN there and for no data."""
    result = np.full((image.n_bands, *window.shape), np.nan, dtype=np.float32)
    part = window.intersection(image.window)
    if part is not None:
        numbers = image.read(part).astype(np.float32)
        if image.nodata is not None:
            numbers[numbers == np.float32(image.nodata)] = np.nan
        result[(slice(None), *part.slices_in(window))] = numbers
    return result
