"""ZonalStatistics: count, mean, standard deviation, minimum and maximum of every band in zones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application, refuse_input
from i2db.apps.image import Image, as_held, check_same_place, moved, write_image
from i2db.apps.parameter import RAM, Parameter
from i2db.apps.rasterization import BurnableLayer, burn_layer, layer_of
from i2db.apps.vectors import check_vector_name, projected, write_vector
from i2db.errors import ConfigError, InputError
from i2db.files import write_whole
from i2db.raster.grid import Window
from i2db.vector.layer import read_layer

#: Names of the statistics in files, in their order, and those of OTB's XML.
_NAMES = ("mean", "stdev", "min", "max")
_NEEDLESS = {"inzone.vector.reproject": "a layer in another projection is always reprojected"}
_XML_NAMES = ("mean", "std", "min", "max")


class Moments:
    """Statistics of zones that grow window by window: arrays (zones) and (zones, bands).

    Means and sums of squares of windows are merged as Chan, Golub and LeVeque (1983) have it.
    """

    def __init__(self, n_zones: int, n_bands: int) -> None:
        self.count = np.zeros(n_zones, dtype=np.int64)
        self.n = np.zeros((n_zones, n_bands), dtype=np.int64)
        self.mean = np.zeros((n_zones, n_bands))
        self.squares = np.zeros((n_zones, n_bands))
        self.low = np.full((n_zones, n_bands), np.inf)
        self.high = np.full((n_zones, n_bands), -np.inf)

    def grow(self, n_zones: int) -> None:
        """Make room for more zones."""
        more = Moments(n_zones - len(self.count), self.n.shape[1])
        for name in ("count", "n", "mean", "squares", "low", "high"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))

    def add(self, zones: NDArray[np.int64], numbers: NDArray[np.float64], is_valid: NDArray[np.bool_]) -> None:
        """Add pixels: their zones (pixels), and (bands, pixels) what they hold and whether it counts."""
        touched, local = np.unique(zones, return_inverse=True)
        size = touched.size
        self.count[touched] += np.bincount(local, minlength=size)
        for band, (row, valid) in enumerate(zip(numbers, is_valid, strict=True)):
            place, value = local[valid], row[valid]
            n = np.bincount(place, minlength=size)
            mean = np.divide(np.bincount(place, value, size), n, out=np.zeros(size), where=n > 0)
            squares = np.bincount(place, (value - mean[place]) ** 2, size)
            known, total = self.n[touched, band], self.n[touched, band] + n
            shift = mean - self.mean[touched, band]
            share = np.divide(n, total, out=np.zeros(size), where=total > 0)
            self.squares[touched, band] += squares + shift**2 * known * share
            self.mean[touched, band] += shift * share
            self.n[touched, band] = total
            low, high = np.full(size, np.inf), np.full(size, -np.inf)
            np.minimum.at(low, place, value)
            np.maximum.at(high, place, value)
            self.low[touched, band] = np.minimum(self.low[touched, band], low)
            self.high[touched, band] = np.maximum(self.high[touched, band], high)

    def statistics(self) -> list[NDArray[np.float64]]:
        """Mean, standard deviation (n - 1), minimum and maximum, each (zones, bands); NaN where they are undefined."""
        has_any = self.n > 0
        variance = np.divide(self.squares, self.n - 1, out=np.full(self.n.shape, np.nan), where=self.n > 1)
        found = [self.mean, np.sqrt(variance), self.low, self.high]
        return [np.where(has_any, each, np.nan) for each in found]


class ZonalStatistics(Application):
    """Statistics of an image in zones."""

    name = "ZonalStatistics"
    summary = "count, mean, standard deviation, minimum and maximum of an image in zones"
    output = None
    parameters = (
        Parameter("in", "image", "Image.", needed=True),
        Parameter("inbv", "number", "Number that is left out; not given: what the file declares as nodata."),
        Parameter("inzone", "choice", "What tells the zones.", "vector", ("vector", "labelimage")),
        Parameter("inzone.vector.in", "input", "vector: polygons.", needed=("inzone", "vector")),
        Parameter("inzone.labelimage.in", "image", "labelimage: whole numbers.", needed=("inzone", "labelimage")),
        Parameter("inzone.labelimage.nodata", "integer", "labelimage: label that is no zone."),
        Parameter("out", "choice", "What is written.", "vector", ("vector", "xml", "raster")),
        Parameter("out.vector.filename", "output", "vector: file of zones to write.", needed=("out", "vector")),
        Parameter("out.xml.filename", "output", "xml: file of statistics.", needed=("out", "xml")),
        Parameter("out.raster.filename", "output", "raster: GeoTIFF to write.", needed=("out", "raster")),
        Parameter("out.raster.bv", "number", "raster: number where nothing is defined.", -9999.0),
        RAM,
    )
    needless = _NEEDLESS
    reproduced = """
    - `count` is the number of pixels whose centre lies in the zone, no data included; `mean_b`, `stdev_b` (n - 1),
      `min_b` and `max_b` are those of band b, counted from 0. Of zones that overlap the last one has the pixel.
    - The raster has 1 + 4 bands per band: the count, then mean, standard deviation, minimum, maximum.
    """
    mended = """
    - A zone is a feature of the file: multipolygons are one row (OTB splits them), and keys of the XML file are its
      feature ids. Zones that hold no pixel centre stay in the file, with 0 and nothing.
    - NaN and the file's own nodata are left out; statistics of nothing, and the deviation of one pixel, are null.
    - A layer in another projection is reprojected, and that is told; OTB gives an empty result.
    - Outside of zones the raster is -9999, declared as nodata (OTB: 2147483647).
    - Shares of classes, medians, exact fractions and zones that overlap are for `i2db zonal`.
    """

    def _compute(self) -> None:
        kind = self.value("out")
        path: Path = self.value(f"out.{kind}.filename")
        refuse_input(path, self.inputs())
        image = self.image_of("in")
        if self.value("inzone") == "vector":
            frame, layer = self._zones(image, path)
            self._write(path, image, list(frame.index), frame, layer=layer)
            return
        if kind == "vector":
            raise ConfigError("ZonalStatistics: zones of a label image have no shapes: -out is xml or raster")
        labels = self.image_of("inzone.labelimage.in")
        check_same_place([image, labels], [self.label_of("in"), self.label_of("inzone.labelimage.in")])
        self._write(path, image, [], None, labels=labels)

    def _zones(self, image: Image, path: Path) -> tuple[Any, BurnableLayer]:
        """The features, in their own projection, and their polygons with the number of each from 1."""
        source: Path = self.value("inzone.vector.in")
        frame = read_layer(source, "zones")
        names = [str(name) for name in frame.columns if name != frame.geometry.name]
        new = ["count", *(f"{name}_{band}" for band in range(image.n_bands) for name in _NAMES)]
        if self.value("out") == "vector":
            if clash := sorted({name.lower() for name in names} & set(new)):
                raise ConfigError(f"{source} has a field {clash[0]} already", hint="rename it")
            check_vector_name(path, "out.vector.filename", [*names, *new])
        placed, told = projected(frame.assign(_number=np.arange(1, len(frame) + 1)), image, source)
        self.messages += told
        return frame, layer_of(placed, source, self.messages)

    def _write(
        self,
        path: Path,
        image: Image,
        keys: list[Any],
        frame: Any,
        *,
        layer: BurnableLayer | None = None,
        labels: Image | None = None,
    ) -> None:
        zones = _Zones(image, layer, labels, self.value("inzone.labelimage.nodata"), keys)
        try:
            moments = zones.gathered(self.memory, self._background(image))
            if not moments.count.any():
                raise InputError("no zone holds the centre of a pixel of the image")
            empty = int((moments.count == 0).sum())
            if empty:
                self.messages.append(f"{empty} of {len(keys)} zones hold no centre of a pixel")
            statistics = moments.statistics()
            if self.value("out") == "vector":
                write_vector(_with_statistics(frame, moments, statistics), path, layer=path.stem)
            elif self.value("out") == "xml":
                write_whole(path, _xml(keys, moments, statistics))
            else:
                result = ZoneImage(zones, moments, statistics, self.value("out.raster.bv"))
                write_image(result, path, dtype="float32", memory=self.memory)
        finally:
            for each in (image, labels):
                if each is not None:
                    each.close()

    def _background(self, image: Image) -> float | None:
        given = self.value("inbv")
        return image.nodata if given is None else as_held(float(given), image.dtype)


class _Zones:
    """Which zone a pixel is in, by burning or from labels; zones of labels are numbered as they are met."""

    def __init__(
        self, image: Image, layer: BurnableLayer | None, labels: Image | None, nodata: int | None, keys: list[Any]
    ) -> None:
        self.image, self._layer, self._labels, self._nodata, self._keys = image, layer, labels, nodata, keys
        self._places: dict[int, int] = {}

    def read(self, window: Window) -> NDArray[np.int64]:
        """(rows, columns): place of the zone, -1 outside."""
        if self._layer is not None:
            return burn_layer(self._layer, self.image, window, 0).astype(np.int64) - 1
        assert self._labels is not None
        labels = self._labels.read(moved(window, self.image, self._labels), [0])[0]
        found, inverse = np.unique(labels, return_inverse=True)
        # Where a label image of floats has no number there is no zone.
        known = found[~np.isnan(found)]
        if (known != np.floor(known)).any():
            raise InputError(f"-inzone.labelimage.in holds {known[known != np.floor(known)][0]:g}, which is no label")
        for label in map(int, known.tolist()):
            if label != self._nodata and label not in self._places:
                self._places[label] = len(self._keys)
                self._keys.append(label)
        places = np.array([self._places.get(label, -1) for label in found.tolist()], dtype=np.int64)
        return places[inverse].reshape(labels.shape)

    def gathered(self, memory: int, background: float | None) -> Moments:
        """The statistics of all zones."""
        moments = Moments(len(self._keys), self.image.n_bands)
        for window in self.image.windows(memory // 4):
            zones = self.read(window)
            if len(self._keys) > len(moments.count):
                moments.grow(len(self._keys))
            inside = zones >= 0
            if inside.any():
                numbers = self.image.read(window)[:, inside].astype(np.float64)
                is_valid = ~np.isnan(numbers)
                if background is not None:
                    is_valid &= numbers != background
                moments.add(zones[inside], numbers, is_valid)
        return moments


class ZoneImage(Image):
    """Count and statistics of the zone of each pixel, float32."""

    def __init__(
        self, zones: _Zones, moments: Moments, statistics: Sequence[NDArray[np.float64]], background: float
    ) -> None:
        image = zones.image
        names = ["count", *(f"{name}_{band}" for band in range(image.n_bands) for name in _NAMES)]
        super().__init__(
            grid=image.grid,
            window=image.window,
            n_bands=len(names),
            dtype=np.float32,
            nodata=background,
            names=names,
            sources=[image],
        )
        table = np.concatenate(
            [moments.count[:, np.newaxis], np.stack(statistics, axis=2).reshape(len(moments.count), -1)], axis=1
        )
        outside = np.full((1, len(names)), np.nan)
        self._table = np.nan_to_num(np.concatenate([table, outside]), nan=background).astype(np.float32)
        self._zones = zones

    def read(self, window: Window, bands: Sequence[int] | None = None) -> NDArray[Any]:
        """As of any image."""
        table = self._table if bands is None else self._table[:, list(bands)]
        return np.ascontiguousarray(np.moveaxis(table[self._zones.read(window)], 2, 0))


def _with_statistics(frame: Any, moments: Moments, statistics: Sequence[NDArray[np.float64]]) -> Any:
    import geopandas
    import pandas

    columns: dict[str, Any] = {"count": moments.count}
    for band in range(moments.n.shape[1]):
        columns |= {f"{name}_{band}": found[:, band] for name, found in zip(_NAMES, statistics, strict=True)}
    fields = frame.drop(columns=frame.geometry.name).reset_index(drop=True)
    table = pandas.concat([fields, pandas.DataFrame(columns)], axis=1)
    return geopandas.GeoDataFrame(table, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def _xml(keys: Sequence[Any], moments: Moments, statistics: Sequence[NDArray[np.float64]]) -> str:
    """OTB's layout: per statistic a map of zones; those without pixels are left out."""
    maps = {"count": [f"{n}" for n in moments.count]}
    for name, found in sorted(zip(_XML_NAMES, statistics, strict=True)):
        maps[name] = ["[" + ", ".join(f"{number:.6g}" for number in row) + "]" for row in found]
    lines = ['<?xml version="1.0" ?>', "<GeneralStatistics>"]
    for name in ("count", "max", "mean", "min", "std"):
        lines.append(f'    <Statistic name="{name}">')
        entries = sorted((str(key), text) for key, text, n in zip(keys, maps[name], moments.count, strict=True) if n)
        lines += [f'        <StatisticMap key="{key}" value="{text}" />' for key, text in entries]
        lines.append("    </Statistic>")
    return "\n".join([*lines, "</GeneralStatistics>", ""])
