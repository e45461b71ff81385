"""A map of labels as a whole: the area of each class, pixels drawn from each, labels at points. Strip by strip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.raster.pixel_area import pixel_areas

#: Rows of a strip (a block of the files that i2db writes), and pixels that are taken to have one area.
_STRIP_ROWS = 512
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class ClassArea:
    """Pixels of a class on a map, and their true area in square metres."""

    n_pixels: int
    area: float


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Pixels drawn from a map: class (n,), row and column in the file (n,), centre in map units (n,)."""

    codes: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class LabelMap:
    """An open raster of class codes, one band; its nodata value, or 0 where it declares none, is no class."""

    def __init__(self, path: Path, dataset: Any) -> None:
        self.path = path
        self._dataset = dataset
        transform = dataset.transform
        if dataset.crs is None:
            raise InputError(f"the map {path} does not say its projection", hint="gdal_edit.py -a_srs gives it one")
        if transform.b or transform.d:
            raise InputError(f"the map {path} is rotated", hint="gdalwarp makes it north-up")
        if np.dtype(dataset.dtypes[0]).kind not in "iu":
            raise InputError(
                f"the map {path} holds {dataset.dtypes[0]}, not class codes", hint="labels are whole numbers"
            )
        self.crs: str = dataset.crs.to_string()
        self.nodata = 0 if dataset.nodata is None else int(dataset.nodata)
        self.n_rows: int = dataset.height
        self.n_columns: int = dataset.width
        self.resolution_x, self.resolution_y = float(transform.a), float(-transform.e)
        self.left, self.top = float(transform.c), float(transform.f)

    def centres_x(self, columns: NDArray[Any]) -> NDArray[np.float64]:
        """Abscissas of the centres of columns."""
        return np.asarray(self.left + (columns + 0.5) * self.resolution_x, dtype=np.float64)

    def centres_y(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Ordinates of the centres of rows."""
        return np.asarray(self.top - (rows + 0.5) * self.resolution_y, dtype=np.float64)

    def strips(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """The first row and the labels (rows, columns) of one strip after the other."""
        for row in range(0, self.n_rows, _STRIP_ROWS):
            yield row, self._read(row, 0, min(_STRIP_ROWS, self.n_rows - row), self.n_columns)

    def _read(self, row: int, column: int, n_rows: int, n_columns: int) -> NDArray[Any]:
        import rasterio.windows
        from rasterio.errors import RasterioError

        try:
            window = rasterio.windows.Window(column, row, n_columns, n_rows)
            return np.asarray(self._dataset.read(1, window=window))
        except RasterioError as error:
            raise InputError(f"cannot read the map {self.path}: {error.__cause__ or error}") from error

    def labels_at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
        """Labels (n,) of the pixels that hold points (map units); nodata outside the map."""
        columns = np.floor((x - self.left) / self.resolution_x).astype(np.int64)
        rows = np.floor((self.top - y) / self.resolution_y).astype(np.int64)
        inside = (columns >= 0) & (columns < self.n_columns) & (rows >= 0) & (rows < self.n_rows)
        labels = np.full(len(x), self.nodata, dtype=np.int64)
        strip = np.where(inside, rows // _STRIP_ROWS, -1)
        for number in np.unique(strip[inside]).tolist():
            here = np.flatnonzero(strip == number)
            first = number * _STRIP_ROWS
            west, east = int(columns[here].min()), int(columns[here].max()) + 1
            array = self._read(first, west, min(_STRIP_ROWS, self.n_rows - first), east - west)
            labels[here] = array[rows[here] - first, columns[here] - west]
        return labels


@contextmanager
def open_labels(path: Path) -> Iterator[LabelMap]:
    """Open a map of labels.

    Raises:
        InputError: the file is missing, unreadable, or no map of labels.
    """
    import rasterio
    from rasterio.errors import RasterioError

    if not path.is_file():
        raise InputError(f"the map {path} does not exist")
    try:
        dataset = rasterio.open(path)
    except RasterioError as error:
        raise InputError(f"the map {path} cannot be read: {error}") from error
    with dataset:
        yield LabelMap(path, dataset)


def class_areas(labels: LabelMap) -> dict[int, ClassArea]:
    """Pixels and true area of every class of the map, ascending; memory is that of a strip.

    Pixels of a block of 64 x 64 count with the area of the block's middle; in degrees every row has its own.
    """
    import pyproj

    by_row = pyproj.CRS.from_user_input(labels.crs).is_geographic
    height = 1 if by_row else _BLOCK
    width = labels.n_columns if by_row else _BLOCK
    counted: dict[int, int] = {}
    areas: dict[int, float] = {}
    for first, strip in labels.strips():
        for row in range(0, len(strip), height):
            block_rows = strip[row : row + height]
            codes, counts = _block_counts(block_rows, width)
            starts = np.arange(0, labels.n_columns, width)
            middles_x = (starts + np.minimum(starts + width, labels.n_columns)) / 2 - 0.5
            middle_y = np.full(len(middles_x), first + row + (len(block_rows) - 1) / 2)
            area = pixel_areas(
                labels.crs,
                labels.resolution_x,
                labels.resolution_y,
                labels.centres_x(middles_x),
                labels.centres_y(middle_y),
            )
            for code, of_blocks in zip(codes, counts, strict=True):
                if code != labels.nodata:
                    counted[code] = counted.get(code, 0) + int(of_blocks.sum())
                    areas[code] = areas.get(code, 0.0) + float(of_blocks @ area)
    return {code: ClassArea(counted[code], areas[code]) for code in sorted(counted)}


def _block_counts(rows: NDArray[Any], width: int) -> tuple[list[int], NDArray[np.int64]]:
    """Codes in some rows, and how often each occurs in every block of columns (codes, blocks)."""
    n_blocks = -(-rows.shape[1] // width)
    low = int(rows.min())
    span = int(rows.max()) - low + 1
    if span > 1 << 16:
        codes, places = np.unique(rows, return_inverse=True)
        places = places.reshape(rows.shape)
    else:
        codes, places = np.arange(low, low + span), rows.astype(np.int64) - low
    blocks = np.arange(rows.shape[1]) // width
    flat = np.bincount((places * n_blocks + blocks).ravel(), minlength=len(codes) * n_blocks)
    counts = flat.reshape(len(codes), n_blocks)
    present = counts.any(axis=1)
    return codes[present].tolist(), counts[present]


def draw_pixels(labels: LabelMap, wanted: Mapping[int, int], random_seed: int) -> Drawn:
    """Draw so many pixels of each class, each with the same probability; class by class, then by row and column.

    A pixel's rank is a hash of its place on the ground and the random seed: the same for a part of the map as for the
    whole, whatever the strips. Memory: a strip, and the pixels drawn so far.
    """
    best = {code: np.empty((3, 0), dtype=np.uint64) for code in wanted}
    column_offset = np.uint64(round(labels.left / labels.resolution_x) & 0xFFFFFFFF)
    row_offset = round(-labels.top / labels.resolution_y)
    for first, strip in labels.strips():
        columns = (np.arange(labels.n_columns, dtype=np.uint64) + column_offset) & np.uint64(0xFFFFFFFF)
        for code, n in wanted.items():
            rows, places = np.nonzero(strip == code)
            if not len(rows):
                continue
            high = ((rows + first + row_offset) & 0xFFFFFFFF).astype(np.uint64) << np.uint64(32)
            rank = _mixed(high | columns[places], random_seed)
            held = best[code]
            if held.shape[1] >= n:
                near = np.flatnonzero(rank < held[0].max(initial=0)) if n else np.empty(0, dtype=np.int64)
                rank, rows, places = rank[near], rows[near], places[near]
            found = np.stack([rank, (rows + first).astype(np.uint64), places.astype(np.uint64)])
            together = np.concatenate([held, found], axis=1)
            best[code] = together[:, np.argsort(together[0], kind="stable")[:n]]
    drawn = {code: held[1:].astype(np.int64) for code, held in best.items()}
    ordered = [pixels[:, np.lexsort((pixels[1], pixels[0]))] for pixels in drawn.values()]
    rows, places = np.concatenate([np.empty((2, 0), dtype=np.int64), *ordered], axis=1)
    codes = np.repeat(np.array(list(drawn), dtype=np.int64), [pixels.shape[1] for pixels in ordered])
    return Drawn(codes, rows, places, labels.centres_x(places), labels.centres_y(rows))


def _mixed(values: NDArray[np.uint64], random_seed: int) -> NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea, Flood 2014) of numbers and a seed: a permutation of 64 bits, so no two are equal."""
    with np.errstate(over="ignore"):
        state = np.uint64((random_seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & 0xFFFFFFFFFFFFFFFF)
        for _ in range(2):
            values = values + np.uint64(0x9E3779B97F4A7C15) + state
            values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            values = values ^ (values >> np.uint64(31))
    return values
