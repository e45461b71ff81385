"""SampleExtraction: the numbers of an image at points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.apps.application import Application, refuse_input
from i2db.apps.image import Image
from i2db.apps.parameter import RAM, Parameter
from i2db.apps.vectors import LAYER, check_vector_name, projected, write_vector
from i2db.errors import ConfigError, InputError
from i2db.vector.layer import column, read_layer

_NEEDLESS = {"layer": LAYER}


class SampleExtraction(Application):
    """The numbers of an image at points."""

    name = "SampleExtraction"
    summary = "the numbers of an image at the points of a vector file"
    output = None
    parameters = (
        Parameter("in", "image", "Image to read.", needed=True),
        Parameter("vec", "input", "Vector file of points.", needed=True),
        Parameter("field", "text", "Field of the class; it must be there.", needed=True),
        Parameter("out", "output", "File to write: .sqlite, .gpkg, .shp, .geojson or .parquet.", needed=True),
        Parameter("outfield", "choice", "Names of the new fields.", "prefix", ("prefix", "list")),
        Parameter("outfield.prefix.name", "text", "prefix: what a number from 0 follows.", "value_"),
        Parameter("outfield.list.names", "texts", "list: a name per band.", needed=("outfield", "list")),
        RAM,
    )
    needless = _NEEDLESS
    reproduced = """
    - A point has the numbers of the pixel that holds it; the fields of the points are kept.
    - In .sqlite the table is `output`, its column GEOMETRY plain WKB, and names of columns are in lower case.
    """
    mended = """
    - Only windows that hold points are read. Points are in the order of the file (OTB: of its streaming).
    - Points in another projection are brought to the image's for reading (OTB ends); the file keeps their own.
    - Points outside are left out and counted; OTB drops them silently, and reads the next row's first pixel for a point
      on the right border.
    - `out` must be given: the input is never changed.
    - Numbers of no data are null.
    """

    def _compute(self) -> None:
        out = self.value("out")
        refuse_input(out, self.inputs())
        image = self.image_of("in")
        path = self.value("vec")
        frame = read_layer(path, "vector file")
        column(frame, self.value("field"), path, "-field")
        kinds = set(frame.geometry.geom_type.dropna()) - {"Point"}
        if kinds or frame.geometry.isna().any():
            raise InputError(
                f"{path} holds {', '.join(sorted(kinds)) or 'features without geometry'}: numbers are read at points",
                hint="SampleSelection draws points from polygons",
            )
        names = self._names(image)
        own = [str(name) for name in frame.columns if name != frame.geometry.name]
        if clash := sorted({name.lower() for name in names} & {name.lower() for name in own}):
            raise ConfigError(f"{path} has a field {clash[0]} already", hint="other names are -outfield.prefix.name's")
        check_vector_name(out, "out", [*own, *names])
        moved_frame, messages = projected(frame, image, path)
        self.messages += messages
        x, y = moved_frame.geometry.x.to_numpy(), moved_frame.geometry.y.to_numpy()
        columns = np.floor(image.grid.column_of(x)).astype(np.int64)
        rows = np.floor(image.grid.row_of(y)).astype(np.int64)
        window = image.window
        inside = (columns >= window.column) & (columns < window.column_end)
        inside &= (rows >= window.row) & (rows < window.row_end)
        if not inside.any():
            raise InputError(f"no point of {path} lies on the image")
        if not inside.all():
            self.messages.append(f"{int((~inside).sum())} of {inside.size} points lie outside of the image: left out")
        try:
            numbers = pixels_at(image, rows[inside], columns[inside], self.memory)
        finally:
            image.close()
        write_vector(_with_numbers(frame[inside], names, numbers), out)

    def _names(self, image: Image) -> list[str]:
        if self.value("outfield") == "prefix":
            return [f"{self.value('outfield.prefix.name')}{band}" for band in range(image.n_bands)]
        names: list[str] = self.value("outfield.list.names")
        if len(names) != image.n_bands or len({name.lower() for name in names}) != len(names):
            raise ConfigError(f"-outfield.list.names has {len(names)} names for {image.n_bands} bands, or one twice")
        return names


def pixels_at(image: Image, rows: NDArray[np.int64], columns: NDArray[np.int64], memory: int) -> NDArray[Any]:
    """(points, bands) of an image at rows and columns of its grid, float32 where that is exact, else float64.

    NaN for no data. Windows without points are not read.
    """
    is_small = image.dtype.itemsize < 4 or image.dtype == np.float32
    numbers = np.empty((rows.size, image.n_bands), dtype=np.float32 if is_small else np.float64)
    for window in image.windows(memory):
        is_here = (rows >= window.row) & (rows < window.row_end)
        is_here &= (columns >= window.column) & (columns < window.column_end)
        if is_here.any():
            numbers[is_here] = image.read_pixels(rows[is_here], columns[is_here])
    if image.nodata is not None:
        numbers[numbers == image.nodata] = np.nan
    return numbers


def _with_numbers(frame: Any, names: list[str], numbers: NDArray[Any]) -> Any:
    import geopandas
    import pandas

    fields = frame.drop(columns=frame.geometry.name).reset_index(drop=True)
    table = pandas.concat([fields, pandas.DataFrame(numbers, columns=names)], axis=1)
    return geopandas.GeoDataFrame(table, geometry=frame.geometry.to_numpy(), crs=frame.crs)
