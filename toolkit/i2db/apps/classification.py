"""Applications on maps of classes: FusionOfClassifications, ClassificationMapRegularization, ComputeConfusionMatrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application, refuse_input
from i2db.apps.image import Image, check_same_place, moved
from i2db.apps.parameter import RAM, Parameter, out_image, text_of_file
from i2db.apps.rasterization import burn_layer, read_burnable
from i2db.errors import ConfigError, InputError
from i2db.files import write_whole
from i2db.raster.fusion import beliefs, dempster_shafer, vote
from i2db.raster.grid import Window
from i2db.raster.regularise import regularise
from i2db.report.matrix import Confusion

_LARGEST_LABEL = 65_535


def check_classes(image: Image, label: str) -> None:
    """A map of classes has one band of integers.

    Raises:
        InputError: it has not.
    """
    if image.n_bands != 1:
        raise InputError(f"{label} has {image.n_bands} bands; a map of classes has one")


def read_classes(image: Image, window: Window, label: str) -> NDArray[np.int64]:
    """Classes of a window, (rows, columns).

    Raises:
        InputError: there are numbers that are no labels.
    """
    numbers: NDArray[Any] = image.read(window)[0]
    if numbers.dtype.kind == "f":
        numbers = np.nan_to_num(numbers, nan=0.0 if image.nodata is None else image.nodata)
        if (numbers != np.floor(numbers)).any():
            raise InputError(
                f"{label} holds {numbers[numbers != np.floor(numbers)][0]:g}, which is no label of a class"
            )
    return numbers.astype(np.int64)


class FusionOfClassifications(Application):
    """One map of several."""

    name = "FusionOfClassifications"
    summary = "one map of classes made of several, by majority or by Dempster-Shafer"
    pixel_type = "uint8"
    parameters = (
        Parameter("il", "images", "Maps of one place.", needed=True),
        out_image(),
        Parameter("method", "choice", "How they are fused.", "majorityvoting", ("majorityvoting", "dempstershafer")),
        Parameter(
            "method.dempstershafer.cmfl",
            "inputs",
            "dempstershafer: confusion matrix (CSV of ComputeConfusionMatrix) of each map.",
            needed=("method", "dempstershafer"),
        ),
        Parameter(
            "method.dempstershafer.mob",
            "choice",
            "dempstershafer: what the belief in a label is taken from.",
            "precision",
            ("precision", "recall", "accuracy", "kappa"),
        ),
        Parameter("nodatalabel", "integer", "Label of no data.", 0),
        Parameter("undecidedlabel", "integer", "Label where no class wins.", 0),
        RAM,
    )
    reproduced = """
    - Dempster-Shafer's masses and beliefs, and what is undecided; of a confusion matrix the columns count whose labels
      the reference has.
    - Written as uint8 unless another pixel type is asked for.
    """
    mended = """
    - In majority voting a map without data has no vote, as OTB's manual has it; its program counts no data as a class.
    - In Dempster-Shafer a label that a map is never wrong about (mass 1) wins, as Dempster's rule has it, and two of
      them are undecided. OTB leaves such a map out where another one says something else.
    - A map whose labels do not fit the pixel type is refused instead of cut.
    """

    def _make(self) -> Image:
        images = self.images_of("il")
        labels = [self.label_of("il", place) for place in range(len(images))]
        check_same_place(images, labels)
        for image, label in zip(images, labels, strict=True):
            check_classes(image, label)
        believed = None
        if self.value("method") == "dempstershafer":
            paths = self.value("method.dempstershafer.cmfl")
            if len(paths) != len(images):
                raise ConfigError(f"FusionOfClassifications: {len(paths)} confusion matrices for {len(images)} maps")
            measure = self.value("method.dempstershafer.mob")
            believed = [beliefs(counts, codes, measure) for codes, counts in map(read_confusion, paths)]
        return FusedImage(
            images, labels, believed, self.value("nodatalabel"), self.value("undecidedlabel"), self._pixel_type()
        )


class FusedImage(Image):
    """Maps of classes fused, uint16."""

    def __init__(
        self,
        images: Sequence[Image],
        labels: Sequence[str],
        believed: Sequence[dict[int, float]] | None,
        nodata: int,
        undecided: int,
        written: str | None,
    ) -> None:
        first = images[0]
        super().__init__(
            grid=first.grid, window=first.window, n_bands=1, dtype=np.uint16, nodata=nodata, sources=images
        )
        self._labels = labels
        self._believed = believed
        self._undecided = undecided
        self._largest = _LARGEST_LABEL if written is None else min(_LARGEST_LABEL, _largest_of(np.dtype(written)))

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        assert self.nodata is not None
        said = np.stack(
            [
                read_classes(image, moved(window, self, image), label)
                for image, label in zip(self.sources, self._labels, strict=True)
            ]
        )
        nodata = int(self.nodata)
        if self._believed is None:
            result = vote(said, nodata=nodata, undecided=self._undecided)
        else:
            result = dempster_shafer(said, self._believed, nodata=nodata, undecided=self._undecided)
        _check_range(result, self._largest)
        one = result.astype(np.uint16)[np.newaxis]
        return one if bands is None else one[list(bands)]

    @property
    def bytes_per_pixel(self) -> float:
        """The maps as int64, and what is counted in them."""
        return 32 * len(self.sources) + sum(image.bytes_per_pixel for image in self.sources)


def _largest_of(dtype: np.dtype[Any]) -> int:
    return _LARGEST_LABEL if dtype.kind == "f" else int(np.iinfo(dtype).max)


def _check_range(labels: NDArray[Any], largest: int) -> None:
    if labels.size and not (labels.min() >= 0 and labels.max() <= largest):
        found = labels.min() if labels.min() < 0 else labels.max()
        raise InputError(
            f"label {found} does not fit the map that is written (0 to {largest})", hint="ask for uint16 after -out"
        )


def read_confusion(path: Path) -> tuple[list[int], NDArray[np.int64]]:
    """Labels and the square matrix over the reference labels of a CSV file of ComputeConfusionMatrix.

    Raises:
        InputError: it is no such file.
    """
    lines = [line.strip() for line in text_of_file(path).splitlines() if line.strip()]
    heads = [line.partition(":") for line in lines if line.startswith("#")]
    try:
        reference, produced = ([int(cell) for cell in head[2].split(",")] for head in heads[:2])
        rows = [[int(float(cell)) for cell in line.split(",")] for line in lines if not line.startswith("#")]
        counts = np.array(rows, dtype=np.int64).reshape(len(reference), len(produced))
    except ValueError as error:
        raise InputError(f"{path} is no confusion matrix of ComputeConfusionMatrix: {error}") from error
    square = np.zeros((len(reference), len(reference)), dtype=np.int64)
    for place, label in enumerate(reference):
        if label in produced:
            square[:, place] = counts[:, produced.index(label)]
    return reference, square


class ClassificationMapRegularization(Application):
    """A map made smoother."""

    name = "ClassificationMapRegularization"
    summary = "a map of classes where every pixel has the most frequent class around it"
    output = "io.out"
    pixel_type = "uint8"
    parameters = (
        Parameter("io.in", "image", "Map of classes.", needed=True),
        out_image("io.out"),
        Parameter("ip.radius", "integer", "Radius of the ball (pixels): 1 is nine pixels, 2 is 21.", 1),
        Parameter("ip.suvbool", "boolean", "Whether ties become undecided; else the pixel keeps its class.", False),
        Parameter("ip.nodatalabel", "integer", "Label of no data: it stays, and has no vote.", 0),
        Parameter("ip.undecidedlabel", "integer", "Label of ties.", 0),
        Parameter("ip.onlyisolatedpixels", "boolean", "Whether only isolated pixels change.", False),
        Parameter("ip.isolatedthreshold", "integer", "How often its class is in an isolated pixel's ball, at most.", 1),
        RAM,
    )
    reproduced = """
    - The ball is OTB's, (dx / (r + 1/2))^2 + (dy / (r + 1/2))^2 <= 1. No data and what lies beyond the map have no
      vote.
    - Written as uint8 unless another pixel type is asked for.
    """
    mended = """
    - Labels that do not fit the pixel type are refused instead of cut.
    """

    def _make(self) -> Image:
        image = self.image_of("io.in")
        check_classes(image, self.label_of("io.in"))
        if self.value("ip.radius") < 1:
            raise ConfigError(f"-ip.radius is {self.value('ip.radius')}: it must be at least 1")
        return RegularisedImage(
            image,
            self.label_of("io.in"),
            radius=self.value("ip.radius"),
            nodata=self.value("ip.nodatalabel"),
            undecided=self.value("ip.undecidedlabel") if self.value("ip.suvbool") else None,
            isolated=self.value("ip.isolatedthreshold") if self.value("ip.onlyisolatedpixels") else None,
            largest=_largest_of(np.dtype(self._pixel_type())),
        )


class RegularisedImage(Image):
    """A map of classes after a vote around each pixel, uint16."""

    def __init__(
        self,
        image: Image,
        label: str,
        *,
        radius: int,
        nodata: int,
        undecided: int | None,
        isolated: int | None,
        largest: int,
    ) -> None:
        super().__init__(
            grid=image.grid, window=image.window, n_bands=1, dtype=np.uint16, nodata=nodata, sources=[image]
        )
        self._label, self._radius, self._largest = label, radius, largest
        self._undecided, self._isolated = undecided, isolated

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        assert self.nodata is not None
        grown = window.grown(self._radius)
        labels = np.full(grown.shape, int(self.nodata), dtype=np.int64)
        part = grown.intersection(self.window)
        assert part is not None
        labels[part.slices_in(grown)] = read_classes(self.sources[0], part, self._label)
        _check_range(labels, self._largest)
        result = regularise(
            labels, self._radius, nodata=int(self.nodata), undecided=self._undecided, isolated=self._isolated
        )
        one = result.astype(np.uint16)[np.newaxis]
        return one if bands is None else one[list(bands)]

    @property
    def bytes_per_pixel(self) -> float:
        """Labels in some types, besides the source."""
        return 24 + self.sources[0].bytes_per_pixel


class ComputeConfusionMatrix(Application):
    """A map compared with a reference."""

    name = "ComputeConfusionMatrix"
    summary = "the confusion matrix of a map of classes and a reference, raster or vector"
    output = None
    parameters = (
        Parameter("in", "image", "Map of classes.", needed=True),
        Parameter("out", "output", "CSV file to write.", needed=True),
        Parameter(
            "format", "choice", "Layout of the file.", "confusionmatrix", ("confusionmatrix", "contingencytable")
        ),
        Parameter("ref", "choice", "What the reference is.", "raster", ("raster", "vector")),
        Parameter("ref.raster.in", "image", "raster: reference of the same pixels.", needed=("ref", "raster")),
        Parameter("ref.raster.nodata", "integer", "raster: label without reference."),
        Parameter("ref.vector.in", "input", "vector: polygons.", needed=("ref", "vector")),
        Parameter("ref.vector.field", "text", "vector: field of the label, whole numbers.", needed=("ref", "vector")),
        Parameter("ref.vector.nodata", "integer", "vector: label without reference.", 0),
        Parameter("nodatalabel", "integer", "Label of the map that is left out."),
        RAM,
    )
    reproduced = """
    - Rows are the reference, columns what the map has; the CSV files are OTB's. Of polygons that overlap the last one
      counts. No data of a raster is left out only where its label is given.
    """
    mended = """
    - Overall accuracy and kappa, which are told, count all pixels. OTB leaves out those whose class the reference does
      not have: errors disappear.
    - Polygons in another projection are brought to the map's, their holes and edges are burnt by the chain's rule.
    """

    def _compute(self) -> None:
        out = self.value("out")
        refuse_input(out, self.inputs())
        image = self.image_of("in")
        check_classes(image, self.label_of("in"))
        counts = self._counted(image)
        if not counts:
            raise InputError("no pixel has a reference", hint="do map and reference lie in one place?")
        reference = sorted({pair[0] for pair in counts})
        produced = sorted({pair[1] for pair in counts})
        rows = [[counts.get((row, column), 0) for column in produced] for row in reference]
        write_whole(out, _matrix_csv(reference, produced, rows, is_table=self.value("format") == "contingencytable"))
        every = sorted({*reference, *produced})
        square = np.array([[counts.get((row, column), 0) for column in every] for row in every], dtype=np.int64)
        #: The matrix over the labels of both.
        self.confusion = Confusion(tuple(every), tuple(map(str, every)), square)
        kappa = self.confusion.kappa()
        self.messages.append(
            f"{self.confusion.n_pixels} pixels, overall accuracy {self.confusion.oa():.4f}, "
            f"kappa {'undefined' if kappa is None else f'{kappa:.4f}'}"
        )

    def _counted(self, image: Image) -> dict[tuple[int, int], int]:
        """Pixels per pair of labels (reference, map)."""
        is_vector = self.value("ref") == "vector"
        layer = other = None
        if is_vector:
            layer = read_burnable(self.value("ref.vector.in"), self.value("ref.vector.field"), image, self.messages)
        else:
            other = self.image_of("ref.raster.in")
            check_classes(other, self.label_of("ref.raster.in"))
            check_same_place([image, other], [self.label_of("in"), self.label_of("ref.raster.in")])
        nodata = self.value("ref.vector.nodata" if is_vector else "ref.raster.nodata")
        left_out = self.value("nodatalabel")
        counts: dict[tuple[int, int], int] = {}
        try:
            for window in image.windows(self.memory):
                if layer is not None:
                    reference = burn_layer(layer, image, window, nodata).astype(np.int64)
                else:
                    assert other is not None
                    reference = read_classes(other, moved(window, image, other), self.label_of("ref.raster.in"))
                found = read_classes(image, window, self.label_of("in"))
                is_used = np.ones(found.shape, dtype=np.bool_)
                if nodata is not None:
                    is_used &= reference != nodata
                if left_out is not None:
                    is_used &= found != left_out
                pairs, n = np.unique(np.stack([reference[is_used], found[is_used]]), axis=1, return_counts=True)
                for (row, column), number in zip(pairs.T.tolist(), n.tolist(), strict=True):
                    counts[row, column] = counts.get((row, column), 0) + number
        finally:
            for each in (image, other):
                if each is not None:
                    each.close()
        return counts


def _matrix_csv(
    reference: Sequence[int], produced: Sequence[int], rows: Sequence[Sequence[int]], *, is_table: bool
) -> str:
    """OTB's two layouts."""
    if is_table:
        lines = [",".join(["labels", *map(str, produced)])]
        lines += [",".join(map(str, [label, *row])) for label, row in zip(reference, rows, strict=True)]
        return "\n".join([*lines, ""])
    head: str = f"#Reference labels (rows):{','.join(map(str, reference))}\n"
    head += f"#Produced labels (columns):{','.join(map(str, produced))}\n"
    return head + "".join(",".join(map(str, row)) + "\n" for row in rows)
