"""Applications that look at one pixel at a time: BandMath, ConcatenateImages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application
from i2db.apps.image import Image, cast, check_same_place, moved
from i2db.apps.parameter import RAM, Parameter, out_image
from i2db.errors import InputError
from i2db.raster.expression import Expression, compile_expression
from i2db.raster.grid import Window

#: Variables of a pixel's place: its column and row in the image from 0, and the coordinates of its centre.
PLACES = ("idxX", "idxY", "idxPhyX", "idxPhyY")
#: Double-precision arrays that an expression has on its stack at a time, roughly.
_STACK = 6


class BandMath(Application):
    """An expression of the bands of images of one size."""

    name = "BandMath"
    summary = "one band computed from the bands of several images by an expression"
    parameters = (
        Parameter("il", "images", "Images of one size and place; im1 is the first of them.", needed=True),
        out_image(),
        Parameter("exp", "text", "The expression, e.g. (im1b4 - im1b3) / (im1b4 + im1b3).", needed=True),
        RAM,
    )
    reproduced = """
    - The language is muParser's: `-x^2` is `-(x^2)`, `rint` rounds halves up, comparisons give 1 or 0,
      `ndvi(red, nir)` is 0 where the sum is below 1e-6; `idxX`, `idxY` count from 0, `idxPhyX`, `idxPhyY` are
      pixel centres.
    - It computes in double precision and gives float; infinities become the largest float, NaN stays.
    - Written as an integer type, numbers are cut towards zero and held within its range (2.9 gives 2, 300 gives
      255 as uint8), and NaN gives 0.
    """
    mended = """
    - Only the bands that the expression names are read; OTB reads all of them.
    - Images of one size that lie in different places are refused; OTB computes with them all the same.
    - An error in the expression points at its character.
    """

    def _make(self) -> Image:
        images = self.images_of("il")
        check_same_place(images, [self.label_of("il", place) for place in range(len(images))])
        bands = [f"im{i}b{b}" for i, image in enumerate(images, start=1) for b in range(1, image.n_bands + 1)]
        return ExpressionImage(images, compile_expression(self.value("exp"), [*bands, *PLACES]))


class ExpressionImage(Image):
    """One band, float32, of an expression over the bands of images."""

    def __init__(self, images: Sequence[Image], expression: Expression) -> None:
        first = images[0]
        super().__init__(grid=first.grid, window=first.window, n_bands=1, dtype=np.float32, sources=images)
        self._expression = expression
        #: Per image, the bands (from 0) that are read.
        self._bands: list[list[int]] = [[] for _ in images]
        for name in expression.variables:
            if name not in PLACES:
                image, band = name.removeprefix("im").split("b")
                self._bands[int(image) - 1].append(int(band) - 1)

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        values: dict[str, Any] = {"shape": np.empty(window.shape, dtype=np.bool_)}
        values |= pixel_places(self, window)
        for number, (image, chosen) in enumerate(zip(self.sources, self._bands, strict=True), start=1):
            if chosen:
                numbers = image.read(moved(window, self, image), chosen)
                values |= {f"im{number}b{band + 1}": array for band, array in zip(chosen, numbers, strict=True)}
        result = np.broadcast_to(self._expression.evaluate(values), window.shape)
        one = cast(result[np.newaxis], self.dtype, None)
        return one if bands is None else one[list(bands)]

    @property
    def bytes_per_pixel(self) -> float:
        """The bands that are read, in double precision, and the stack."""
        read = sum(
            image.bytes_per_pixel * len(chosen) / image.n_bands
            for image, chosen in zip(self.sources, self._bands, strict=True)
        )
        return read + 8 * (len(self._expression.variables) + _STACK)


def pixel_places(image: Image, window: Window) -> dict[str, NDArray[np.float64]]:
    """The variables of `PLACES` for a window; rows and columns broadcast."""
    column = np.arange(window.column, window.column_end, dtype=np.float64)[np.newaxis, :]
    row = np.arange(window.row, window.row_end, dtype=np.float64)[:, np.newaxis]
    grid = image.grid
    return {
        "idxX": column - image.window.column,
        "idxY": row - image.window.row,
        "idxPhyX": grid.origin_x + (column + 0.5) * grid.resolution_x,
        "idxPhyY": grid.origin_y - (row + 0.5) * grid.resolution_y,
    }


class ConcatenateImages(Application):
    """The bands of several images in one."""

    name = "ConcatenateImages"
    summary = "the bands of several images one after the other"
    parameters = (
        Parameter("il", "images", "Images of one size and place, in the order of their bands.", needed=True),
        out_image(),
        RAM,
    )
    mended = """
    - The pixel type is the smallest that holds those of all inputs (OTB: float), and names of bands are kept.
    - Images of one size that lie in different places are refused.
    """

    def _make(self) -> Image:
        images = self.images_of("il")
        check_same_place(images, [self.label_of("il", place) for place in range(len(images))])
        if len({image.nodata for image in images}) > 1:
            self.messages.append("the images have different numbers for no data: the result declares none")
        return StackedImage(images)


class StackedImage(Image):
    """The bands of images of one place, one after the other."""

    def __init__(self, images: Sequence[Image]) -> None:
        first = images[0]
        nodata = {image.nodata for image in images}
        super().__init__(
            grid=first.grid,
            window=first.window,
            n_bands=sum(image.n_bands for image in images),
            dtype=np.result_type(*(image.dtype for image in images)),
            nodata=nodata.pop() if len(nodata) == 1 else None,
            names=[name for image in images for name in image.names] if all(image.names for image in images) else (),
            sources=images,
        )

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        wanted = list(range(self.n_bands)) if bands is None else list(bands)
        result = np.empty((len(wanted), *window.shape), dtype=self.dtype)
        first = 0
        for image in self.sources:
            own = [(place, band - first) for place, band in enumerate(wanted) if first <= band < first + image.n_bands]
            if own:
                result[[place for place, _ in own]] = image.read(moved(window, self, image), [band for _, band in own])
            first += image.n_bands
        return result


def chosen_bands(names: Sequence[str], image: Image, key: str) -> list[int]:
    """Places of bands (from 0) called Channel1, Channel2, ..., or 1, 2, ...

    Raises:
        InputError: the image has no such band.
    """
    places = []
    for name in names:
        number = name.removeprefix("Channel")
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= image.n_bands):
            raise InputError(f"-{key}: there is no band {name}; the image has Channel1 to Channel{image.n_bands}")
        places.append(int(number) - 1)
    return places
