"""Whether files can be read and lie on each other: a copy that broke off is found before the work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from i2db.finding import Finding, Severity
from i2db.sensors.product import Product


def check_readable(product: Product) -> list[Finding]:
    """Decode the last block of every file of a product; an error for each file that cannot be opened or read."""
    import rasterio
    import rasterio.errors

    findings = []
    files = {(band.path, band.index): f"band {band.band}" for band in product.bands}
    files |= {(mask.path, mask.index): f"mask {mask.mask}" for mask in product.masks}
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        for (path, index), kind in files.items():
            try:
                problem = _problem(path, index)
            except (rasterio.errors.RasterioError, OSError) as error:
                problem = f"cannot be read: {error}"
            if problem is not None:
                message = f"{kind} of {product.date}, tile {product.tile}, {problem}"
                remedy = "get the product again or remove it"
                findings.append(Finding(severity="error", subject="file", item=path, message=message, remedy=remedy))
    return findings


def _problem(path: str, index: int) -> str | None:
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(path, sharing=False) as dataset:
        if index > dataset.count:
            return f"is asked of band {index} of a file with {dataset.count}"
        if dataset.crs is None:
            return "has no projection"
        rows, columns = dataset.block_shapes[index - 1]
        last_row = (dataset.height - 1) // rows * rows
        last_column = (dataset.width - 1) // columns * columns
        window = Window(last_column, last_row, dataset.width - last_column, dataset.height - last_row)
        dataset.read(index, window=window)
    return None


@dataclass(frozen=True, slots=True)
class _Extent:
    """What a file covers: projection (rasterio's CRS), left, bottom, right, top, rows and columns, size of a pixel."""

    crs: Any
    bounds: tuple[float, float, float, float]
    shape: tuple[int, int]
    resolution: float

    def differs(self, other: _Extent) -> bool:
        """Whether another file covers another area, by more than a pixel of the coarser of the two."""
        slack = max(self.resolution, other.resolution)
        edges = zip(self.bounds, other.bounds, strict=True)
        return self.crs != other.crs or any(abs(mine - yours) > slack for mine, yours in edges)

    def __str__(self) -> str:
        left, _, _, top = self.bounds
        return f"{self.shape[1]} x {self.shape[0]} pixels of {self.resolution:g} from {left:.10g}, {top:.10g}"


def check_extents(products: Sequence[Product]) -> list[Finding]:
    """Whether the files of each product cover one area (an error), and all products of a tile the same (a warning).

    Only headers are read; what cannot be opened, or has no projection, is an error as well.
    """
    import rasterio
    import rasterio.errors

    findings: list[Finding] = []
    first: tuple[str, _Extent] | None = None
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        for product in products:
            own: tuple[str, _Extent] | None = None
            paths = [*(band.path for band in product.bands), *(mask.path for mask in product.masks)]
            for path in dict.fromkeys(paths):
                try:
                    extent = _extent(path)
                except (rasterio.errors.RasterioError, OSError, ValueError) as error:
                    findings.append(_misplaced("error", path, product, f"cannot be read: {error}"))
                    continue
                own = own or (path, extent)
                first = first or own
                if extent.differs(own[1]):
                    findings.append(_misplaced("error", path, product, f"is {extent}; {own[0]} is {own[1]}"))
            if own is not None and first is not None and own[1].differs(first[1]):
                message = f"is {own[1]}; {first[0]} is {first[1]}: where it does not reach counts as not acquired"
                findings.append(_misplaced("warning", own[0], product, message))
    return findings


def _extent(path: str) -> _Extent:
    import rasterio

    with rasterio.open(path, sharing=False) as dataset:
        if dataset.crs is None:
            raise ValueError("it has no projection")
        return _Extent(dataset.crs, tuple(dataset.bounds), dataset.shape, max(dataset.res))


def _misplaced(severity: Severity, path: str, product: Product, message: str) -> Finding:
    remedy = "get the product again or remove it" if severity == "error" else "nothing, if that is so"
    message = f"({product.date}, tile {product.tile}) {message}"
    return Finding(severity=severity, subject="file", item=path, message=message, remedy=remedy)
