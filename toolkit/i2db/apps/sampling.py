"""Applications of sampling: PolygonClassStatistics and SampleSelection.

They use the chain's own rules: the same burning of polygons, the same SQL for quotas and draws.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from i2db.apps.application import Application, refuse_input
from i2db.apps.image import Image, check_same_place
from i2db.apps.parameter import RAM, Parameter, text_of_file
from i2db.apps.vectors import (
    LAYER,
    Polygons,
    burnt,
    check_vector_name,
    overlapping,
    read_polygons,
    write_vector,
)
from i2db.errors import ConfigError, InputError
from i2db.files import write_whole
from i2db.raster.grid import rows_columns, sample_ids

_NEEDLESS = {
    "layer": LAYER,
    **dict.fromkeys(("elev.dem", "elev.geoid", "elev.default"), "no sensor model needs an elevation"),
}
#: The one region and run of a draw without a chain.
_REGION, _RUN = "1", 0


class _Sampling(Application):
    """What the two applications over polygons share."""

    output = None
    needless = _NEEDLESS

    def _polygons(self) -> tuple[Image, Polygons, Image | None]:
        image = self.image_of("in")
        mask = self.image_of("mask") if self.value("mask") is not None else None
        if mask is not None:
            check_same_place([image, mask], [self.label_of("in"), self.label_of("mask")])
        return image, read_polygons(self.value("vec"), self.value("field"), image, self.messages), mask

    def _count(
        self, image: Image, polygons: Polygons, mask: Image | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rows, columns and polygons (their places) of all pixels, in scan order by window."""
        rows, columns, owners = [], [], []
        n_dropped = 0
        for result, kept in burnt(polygons, image, mask):
            rows.append(result.rows[kept])
            columns.append(result.columns[kept])
            owners.append(result.polygon_index[kept].astype(np.int64))
            n_dropped += result.n_dropped
        if n_dropped:
            self.messages.append(f"{n_dropped} pixels lie in polygons of different classes and are left out")
        nothing = np.zeros(0, dtype=np.int64)
        return (
            np.concatenate([nothing, *rows]),
            np.concatenate([nothing, *columns]),
            np.concatenate([nothing, *owners]),
        )


class PolygonClassStatistics(_Sampling):
    """How many pixels each class and polygon has."""

    name = "PolygonClassStatistics"
    summary = "how many pixels each class and each polygon of a vector file has on an image"
    parameters = (
        Parameter("in", "image", "Image whose pixels are counted.", needed=True),
        Parameter("mask", "image", "Image of the same pixels; those that are not 0 count."),
        Parameter("vec", "input", "Vector file of polygons.", needed=True),
        Parameter("field", "text", "Field of the class: numbers or texts.", needed=True),
        Parameter("out", "output", "XML file to write.", needed=True),
        RAM,
    )
    reproduced = """
    - A pixel counts where the polygon holds its centre; centres on a west or south edge are inside, on an east or
      north edge outside, the same for holes.
    - The XML file is OTB's, classes and polygons in the order of texts; polygons that touch the image and hold no
      centre are there with 0. Polygons are called by their feature id (shapefiles count from 0, GeoPackages from 1).
    - No pixel of the image is read.
    """
    mended = """
    - A pixel counts once. Of overlapping polygons of one class the first has it; where classes differ nobody has, and
      the number of such pixels is told. OTB counts it for each of them.
    - Feature ids are those of the file even where it is in another projection (OTB counts anew from 0).
    - A mask counts where it is not 0, in its own type (OTB reads it as uint8: 0.4 is 0). Invalid polygons are
      repaired in memory, and that is told. Lines and points, which OTB can count, are refused.
    """

    def _compute(self) -> None:
        path = self.value("out")
        if path.suffix.lower() != ".xml":
            raise ConfigError(f"-out {path}: the statistics are an .xml file")
        refuse_input(path, self.inputs())
        image, polygons, mask = self._polygons()
        _, _, owners = self._count(image, polygons, mask)
        counts = np.bincount(owners, minlength=len(polygons.labels))
        if mask is not None:
            mask.close()
        is_near = overlapping(polygons, image)
        by_polygon = {
            str(fid): int(n) for fid, n, near in zip(polygons.frame.index, counts, is_near, strict=True) if near
        }
        by_class: dict[str, int] = {}
        for label, n, near in zip(polygons.labels, counts, is_near, strict=True):
            if near:
                by_class[label] = by_class.get(label, 0) + int(n)
        write_whole(path, _statistics_xml({"samplesPerClass": by_class, "samplesPerVector": by_polygon}))


def _statistics_xml(statistics: Mapping[str, Mapping[str, int]]) -> str:
    from xml.sax.saxutils import quoteattr

    lines = ['<?xml version="1.0" ?>', "<GeneralStatistics>"]
    for name, counts in statistics.items():
        lines.append(f'    <Statistic name="{name}">')
        lines += [f'        <StatisticMap key={quoteattr(key)} value="{counts[key]}" />' for key in sorted(counts)]
        lines.append("    </Statistic>")
    return "\n".join([*lines, "</GeneralStatistics>", ""])


def read_class_statistics(path: Path) -> dict[str, int]:
    """Pixels per class of a file of PolygonClassStatistics, i2db's or OTB's.

    Raises:
        InputError: it is no such file.
    """
    try:
        root = ElementTree.parse(path).getroot()
        found = root.find("Statistic[@name='samplesPerClass']")
        counts = None if found is None else {entry.attrib["key"]: int(entry.attrib["value"]) for entry in found}
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no file of PolygonClassStatistics: {error}") from error
    if counts is None:
        raise InputError(f"{path} is no file of PolygonClassStatistics: it has no samplesPerClass")
    return counts


class SampleSelection(_Sampling):
    """Pixels drawn from polygons."""

    name = "SampleSelection"
    summary = "pixels drawn from the polygons of a vector file, by class"
    parameters = (
        Parameter("in", "image", "Image whose pixels are drawn.", needed=True),
        Parameter("mask", "image", "Image of the same pixels; those that are not 0 can be drawn."),
        Parameter("vec", "input", "Vector file of polygons.", needed=True),
        Parameter("field", "text", "Field of the class: numbers or texts.", needed=True),
        Parameter("instats", "input", "Statistics of PolygonClassStatistics, of the same polygons and image."),
        Parameter("out", "output", "File of points to write: .sqlite, .gpkg, .shp, .geojson or .parquet.", needed=True),
        Parameter("outrates", "output", "CSV file to write: per class required, total and rate."),
        Parameter(
            "strategy",
            "choice",
            "How many of each class.",
            "smallest",
            ("byclass", "constant", "percent", "total", "smallest", "all"),
        ),
        Parameter(
            "strategy.byclass.in", "input", "byclass: CSV file of class and number.", needed=("strategy", "byclass")
        ),
        Parameter("strategy.constant.nb", "integer", "constant: number.", needed=("strategy", "constant")),
        Parameter("strategy.percent.p", "number", "percent: share, 0 to 1.", 0.5),
        Parameter("strategy.total.v", "integer", "total: number over all classes, in proportion to their sizes.", 1000),
        Parameter("sampler", "choice", "How pixels are drawn.", "periodic", ("periodic", "random")),
        Parameter("sampler.periodic.jitter", "integer", "periodic: how far a pixel may move along the order.", 0),
        Parameter("rand", "integer", "Random seed.", 0),
        RAM,
    )
    needless = _NEEDLESS
    reproduced = """
    - Strategies and their roundings: `percent` floor(0.5 + p T), `total` trunc(0.5 + v T / sum T), `smallest` the size
      of the smallest class that is not empty. A class with too few pixels gives all it has, and that is told.
    - Points lie at the centres of pixels, in layer `output`, with the fields of the polygons and `originfid`.
    - `outrates` is OTB's file; `required` stands there as asked for, not as drawn.
    """
    mended = """
    - The periodic sampler counts in integers: OTB's rounding gives one pixel too many for 4 % of the numbers.
    - The order is class, polygon, row, column of the whole image; OTB's depends on `ram`, which changes the draw.
    - The random sampler ranks pixels by a hash of the seed and their place, so a draw does not depend on the order of
      polygons and a smaller draw is a part of a larger one. The seed is 0 where OTB draws anew each time. Which pixels
      are drawn is therefore not as in OTB; how many is.
    - `instats` is compared with the polygons and image, and refused where it counts others; it may be left out. In OTB
      a class that it lacks ends the program.
    - `originfid` is the feature id of the file in any projection. Points are in scan order.
    """

    def _compute(self) -> None:
        out, rates = self.value("out"), self.value("outrates")
        for path in (out, rates):
            if path is not None:
                refuse_input(path, self.inputs())
        strategy = self._strategy()
        image, polygons, mask = self._polygons()
        fields = [str(name) for name in polygons.frame.columns if name != polygons.frame.geometry.name]
        check_vector_name(out, "out", [*fields, "originfid"])
        wanted = self._wanted(polygons)
        rows, columns, owners = self._count(image, polygons, mask)
        if mask is not None:
            mask.close()
        self._compare(polygons, owners)
        ids, drawn, quota = _draw(polygons, sample_ids(rows, columns), owners, strategy, wanted)
        for code, required, available, _ in quota:
            if required > available:
                self.messages.append(
                    f"class {polygons.classes[code]}: {required} pixels asked for, {available} available: all are taken"
                )
        if not ids.size:
            raise InputError("no pixel is drawn", hint="see -strategy, and whether the polygons lie on the image")
        write_vector(_points(polygons, image, ids, drawn), out)
        if rates is not None:
            share = strategy["percent"] if strategy["strategy"] == "percent" else None
            write_whole(rates, _rates(polygons.classes, quota, share))

    def _strategy(self) -> dict[str, Any]:
        """A row of the strategies of select/quota and select/selection."""
        percent, jitter = self.value("strategy.percent.p"), self.value("sampler.periodic.jitter")
        count, total = self.value("strategy.constant.nb"), self.value("strategy.total.v")
        if not 0 <= percent <= 1:
            raise ConfigError(f"-strategy.percent.p is {percent:g}: it must lie between 0 and 1")
        if min(jitter, count or 0, total) < 0:
            raise ConfigError("SampleSelection: jitter and numbers of pixels must not be negative")
        return {
            "region": _REGION,
            "sampler": self.value("sampler"),
            "strategy": self.value("strategy"),
            "percent": percent,
            "count": count,
            "total": total,
            "jitter": float(jitter),
            "rand": self.value("rand"),
        }

    def _wanted(self, polygons: Polygons) -> dict[int, int]:
        """Numbers of the byclass file, by place of the class."""
        if self.value("strategy") != "byclass":
            return {}
        counts = _class_counts(self.value("strategy.byclass.in"))
        unknown = [label for label in counts if label not in polygons.classes]
        for label in unknown:
            self.messages.append(f"class {label} of {self.value('strategy.byclass.in').name} has no polygon")
        return {polygons.classes.index(label): n for label, n in counts.items() if label in polygons.classes}

    def _compare(self, polygons: Polygons, owners: NDArray[np.int64]) -> None:
        path = self.value("instats")
        if path is None:
            return
        told = read_class_statistics(path)
        counts = np.bincount(polygons.codes[owners], minlength=len(polygons.classes))
        for label, n in zip(polygons.classes, counts, strict=True):
            if told.get(label, 0) != n:
                raise InputError(
                    f"{path} counts {told.get(label, 0)} pixels of class {label}, the polygons hold {n} on this image",
                    hint="make it again with PolygonClassStatistics, with the same -in, -vec, -field and -mask",
                )


def _class_counts(path: Path) -> dict[str, int]:
    """`class separator count` lines; classes may be texts."""
    counts: dict[str, int] = {}
    lines = [line.split("#")[0].strip() for line in text_of_file(path).splitlines()]
    separator = next((mark for mark in "\t;, " if any(mark in line for line in lines)), ",")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        label, _, count = (part.strip() for part in line.partition(separator))
        if not (label and count.isascii() and count.isdigit()) or label in counts:
            raise InputError(f"{path}:{number}: {line!r} is not class{separator}number, or a class occurs twice")
        counts[label] = int(count)
    return counts


def _draw(
    polygons: Polygons,
    ids: NDArray[np.int64],
    owners: NDArray[np.int64],
    strategy: Mapping[str, Any],
    wanted: Mapping[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[int, int, int, float]]]:
    """Draw with the chain's SQL: drawn sample ids and their polygons, and (class, required, available, rate) rows."""
    from i2db.store.database import Database

    n = len(polygons.codes)
    places = np.arange(n, dtype=np.int64)
    with Database.in_memory() as database:
        database.create_schema()
        database.append("run", [{"run": _RUN, "random_seed": strategy["rand"]}])
        database.append("polygon", pa.table({"polygon_id": places, "class_code": polygons.codes.astype(np.int32)}))
        learn = pa.table(
            {
                "run": np.full(n, _RUN, dtype=np.int32),
                "polygon_id": places,
                "region": [_REGION] * n,
                "split": ["learn"] * n,
            }
        )
        database.append("polygon_split", learn)
        database.append(
            "candidate", pa.table({"sample_id": ids, "polygon_id": owners, "region": pa.array([_REGION] * len(ids))})
        )
        asked = [{"region": _REGION, "class_code": code, "n_wanted": count} for code, count in wanted.items()]
        columns = ("region", "sampler", "strategy", "percent", "count", "total")
        database.run("select/quota", strategies=[{key: strategy[key] for key in columns}], wanted_classes=asked)
        database.run("select/selection", strategies=[{key: strategy[key] for key in ("region", "jitter", "rand")}])
        drawn = database.arrow("apps/drawn")
        quota = [
            (int(row["class_code"]), int(row["n_required"]), int(row["n_available"]), float(row["rate"]))
            for row in database.rows("apps/rates")
        ]
    return drawn["sample_id"].to_numpy(), drawn["polygon_id"].to_numpy(), quota


def _points(polygons: Polygons, image: Image, ids: NDArray[np.int64], owners: NDArray[np.int64]) -> Any:
    """Points at the centres of drawn pixels, with the fields of their polygons."""
    import geopandas

    rows, columns = rows_columns(ids)
    grid = image.grid
    x = grid.origin_x + (columns + 0.5) * grid.resolution_x
    y = grid.origin_y - (rows + 0.5) * grid.resolution_y
    fields = polygons.frame.drop(columns=polygons.frame.geometry.name).iloc[owners]
    fields = fields.assign(originfid=polygons.frame.index.to_numpy()[owners]).reset_index(drop=True)
    return geopandas.GeoDataFrame(fields, geometry=geopandas.points_from_xy(x, y), crs=grid.crs)


def _rates(classes: list[str], quota: list[tuple[int, int, int, float]], share: float | None) -> str:
    """OTB's file of rates; for a share that was asked for, the rate is that and not what its rounding makes of it."""
    rows = sorted((classes[code], required, available, rate) for code, required, available, rate in quota)
    lines = [
        f"{label}\t{required}\t{available}\t{rate if share is None else share:.6g}"
        for label, required, available, rate in rows
    ]
    return "\n".join(["#className requiredSamples totalSamples rate", *lines, ""])
