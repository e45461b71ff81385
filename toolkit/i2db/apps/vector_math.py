"""BandMathX: expressions of whole pixels and their neighbourhoods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application
from i2db.apps.image import Image, cast, check_same_place, moved
from i2db.apps.parameter import RAM, Parameter, out_image
from i2db.apps.pixelwise import pixel_places
from i2db.errors import ConfigError
from i2db.raster.grid import Window
from i2db.raster.vector_expression import VectorExpression, compile_vector_expression

_VARIABLE = re.compile(
    r"im(?P<image>\d+)(?:b(?P<band>\d+)(?:N(?P<width>\d+)x(?P<height>\d+)|(?P<statistic>Mini|Maxi|Mean|Sum|Var))?"
    r"|(?P<spacing>Phy[XY]))?",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LARGEST_SIDE = 21
#: Bytes of the windows in which statistics of a whole image are gathered.
_STATISTICS_MEMORY = 64 * 2**20


class BandMathX(Application):
    """Expressions of vectors."""

    name = "BandMathX"
    summary = "bands computed from whole pixels and their neighbourhoods by expressions of vectors"
    parameters = (
        Parameter("il", "images", "Images of one size and place; im1 is the first of them.", needed=True),
        out_image(),
        Parameter("exp", "texts", "Expressions; those after a ; or in another word make further bands.", needed=True),
        RAM,
    )
    needless = dict.fromkeys(("incontext", "outcontext"), "constants stand in the expression itself")
    reproduced = """
    - `im1` is a pixel, `im1b2` a band, `im1b2N3x5` three columns and five rows around the pixel (odd, at most 21; edges
      repeat), `im1b2Mini`, `Maxi`, `Mean`, `Sum` and `Var` (n - 1) of the whole image, `im1PhyX` and `im1PhyY` its
      spacing, `idxX` and `idxY` the pixel.
    - `bands`, `cat`, `dotpr`, `mean`, `var` (n), `median`, `corr`, `vmin`, `vmax`, `vnorm`, `vcos` and its like;
      between vectors `mult`, `div`, `pow` by component and `mlt`, `dv`, `pw` by a number.
    """
    mended = """
    - `maj` is the most frequent number, the smallest of several (OTB's gives numbers that are not there).
    - A vector and a single number go with each other in any operation, and a neighbourhood may be a result: its pixels
      become bands (OTB ends).
    - Only bands that are named are read; images of one size that lie in different places are refused.
    - Context files are not read.
    """

    def _make(self) -> Image:
        images = self.images_of("il")
        check_same_place(images, [self.label_of("il", place) for place in range(len(images))])
        text = ";".join(part.strip().strip(";") for part in self.value("exp"))
        names = [*_variables(text, images), "idxX", "idxY", "idxPhyX", "idxPhyY"]
        return VectorImage(images, compile_vector_expression(text, names))


@dataclass(frozen=True, slots=True)
class _Term:
    """A variable: image and bands (from 0), and what of them."""

    image: int
    bands: tuple[int, ...]
    width: int = 1
    height: int = 1
    statistic: str | None = None
    spacing: str | None = None


def _variables(text: str, images: Sequence[Image]) -> list[str]:
    """The names of a text that are variables of the images, and those that show how they are called."""
    found = [name for name in dict.fromkeys(_NAME.findall(text)) if _term(name, images) is not None]
    shown = [name for i, image in enumerate(images, 1) for name in (f"im{i}", f"im{i}b1", f"im{i}b{image.n_bands}")]
    return list(dict.fromkeys([*found, *shown]))


def _term(name: str, images: Sequence[Image]) -> _Term | None:
    """What a name stands for, or None.

    Raises:
        ConfigError: a neighbourhood that cannot be.
    """
    match = _VARIABLE.fullmatch(name)
    if match is None or not 1 <= int(match["image"]) <= len(images):
        return None
    place = int(match["image"]) - 1
    if match["band"] is None:
        return _Term(place, tuple(range(images[place].n_bands)), spacing=match["spacing"])
    band = int(match["band"]) - 1
    if not 0 <= band < images[place].n_bands:
        return None
    if match["width"] is None:
        return _Term(place, (band,), statistic=match["statistic"])
    width, height = int(match["width"]), int(match["height"])
    if not (width % 2 and height % 2 and max(width, height) <= _LARGEST_SIDE):
        raise ConfigError(f"{name}: the sides of a neighbourhood are odd and at most {_LARGEST_SIDE}")
    return _Term(place, (band,), width, height)


class VectorImage(Image):
    """The components of an expression of vectors, float32."""

    def __init__(self, images: Sequence[Image], expression: VectorExpression) -> None:
        first = images[0]
        self._expression = expression
        terms = {name: _term(name, images) for name in expression.variables}
        self._terms: Mapping[str, _Term] = {name: term for name, term in terms.items() if term is not None}
        self._known: dict[str, float] = {}
        probe = {name: np.zeros((_length(term), 1, 1)) for name, term in self._terms.items()}
        probe |= {name: np.zeros((1, 1, 1)) for name in ("idxX", "idxY", "idxPhyX", "idxPhyY")}
        n_bands = len(expression.evaluate(probe, (1, 1)))
        super().__init__(grid=first.grid, window=first.window, n_bands=n_bands, dtype=np.float32, sources=images)

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        values = {name: array[np.newaxis] for name, array in pixel_places(self, window).items()}
        values |= {name: self._numbers(name, term, window) for name, term in self._terms.items()}
        result = cast(self._expression.evaluate(values, window.shape), self.dtype, None)
        return result if bands is None else result[list(bands)]

    def _numbers(self, name: str, term: _Term, window: Window) -> NDArray[Any]:
        """(components, rows, columns) of a variable."""
        image = self.sources[term.image]
        if term.spacing is not None:
            size = image.grid.resolution_x if term.spacing == "PhyX" else -image.grid.resolution_y
            return np.full((1, 1, 1), size)
        if term.statistic is not None:
            if name not in self._known:
                self._gather(term)
            return np.full((1, 1, 1), self._known[name])
        place = moved(window, self, image)
        if term.width == term.height == 1:
            return image.read(place, term.bands)
        across, down = term.width // 2, term.height // 2
        grown = Window(place.column - across, place.row - down, place.n_columns + 2 * across, place.n_rows + 2 * down)
        part = grown.intersection(image.window)
        assert part is not None
        rows, columns = part.slices_in(grown)
        beyond = ((rows.start, grown.n_rows - rows.stop), (columns.start, grown.n_columns - columns.stop))
        band = np.pad(image.read(part, term.bands)[0], beyond, mode="edge")
        taps = [(row, column) for row in range(term.height) for column in range(term.width)]
        return np.stack([band[row : row + window.n_rows, column : column + window.n_columns] for row, column in taps])

    def _gather(self, term: _Term) -> None:
        """All statistics of a band in one pass; means and squares are merged window by window (Chan et al., 1983)."""
        image = self.sources[term.image]
        n, mean, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf
        for window in image.windows(_STATISTICS_MEMORY):
            numbers = image.read(window, term.bands)[0].astype(np.float64)
            own, rest = float(numbers.mean()), numbers.size
            squares += float(((numbers - own) ** 2).sum()) + (own - mean) ** 2 * n * rest / (n + rest)
            mean += (own - mean) * rest / (n + rest)
            n += rest
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
        head = f"im{term.image + 1}b{term.bands[0] + 1}"
        found = {"Mini": low, "Maxi": high, "Mean": mean, "Sum": mean * n, "Var": squares / max(1, n - 1)}
        self._known |= {f"{head}{name}": number for name, number in found.items()}

    @property
    def bytes_per_pixel(self) -> float:
        """Every variable in double precision, and as much for what is computed of them."""
        own = sum(_length(term) for term in self._terms.values()) + self.n_bands
        return 32 * own + sum(image.bytes_per_pixel for image in self.sources)


def _length(term: _Term) -> int:
    if term.spacing is not None or term.statistic is not None:
        return 1
    return len(term.bands) * term.width * term.height
