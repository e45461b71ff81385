"""Whether the files of a product can really be read: a copy that broke off is found before the work starts."""

from __future__ import annotations

from i2db.finding import Finding
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
