"""All problems of the inputs at once: what `i2db check` lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2db.config.sensors import configured_sensors
from i2db.errors import ConfigError, I2dbError, InputError
from i2db.facts import Facts
from i2db.finding import Finding, errors
from i2db.folds import source_of, with_folds
from i2db.projection import of_file
from i2db.report.nomenclature import read_colors, read_nomenclature
from i2db.sample_table import table_columns
from i2db.scene import sensor_series
from i2db.sensors.check import check_extents, check_readable
from i2db.series import SensorProducts, project_grid, scan_all, tile_windows
from i2db.stages.fuse import require_free_label
from i2db.stages.previous import annual_rows, previous_state
from i2db.user_functions import user_functions
from i2db.user_rasters import user_rasters
from i2db.vector.ground_truth import outside, read_ground_truth
from i2db.vector.layer import read_layer, repair
from i2db.vector.points import DEGREES, layer_kind, single_points
from i2db.vector.regions import read_regions

if TYPE_CHECKING:
    from i2db.config.model import Config


def check_inputs(config: Config) -> list[Finding]:
    """Findings on products (each file is decoded at its end), classes, ground truth, regions, and on the user's rasters
    and functions, which are tried as in a run.
    """
    findings: list[Finding] = []
    scanned = scan_all(config, None, findings) if configured_sensors(config) else ()
    products = _products(scanned, findings)
    has_products = bool(products) and not errors(findings)
    has_truth = config.chain.has_ground_truth
    codes = (_attempt(findings, "nomenclature", lambda: _classes(config, findings)) if has_truth else None) or []
    if config.sample_table.is_used and not products:
        _attempt(findings, "table", lambda: _table(config, codes, findings))
        _attempt(findings, "split", lambda: with_folds(config, ()))
        return findings
    crs = config.chain.proj or _attempt(findings, "projection", lambda: _projection(products))
    if crs is None:
        return findings
    if has_truth:
        _attempt(findings, "ground truth", lambda: _ground_truth(config, crs, codes, products, findings))
        _attempt(findings, "split", lambda: with_folds(config, config.chain.list_tile))
    if config.chain.region_path is not None:
        _attempt(findings, "regions", lambda: _regions(config, crs, findings))
    if has_products:
        _attempt(findings, "grid", lambda: _features(config, scanned, findings))
    return findings


def _attempt(findings: list[Finding], item: str, step: Callable[[], Any]) -> Any:
    """The result of a step; an error becomes a finding and the checks go on."""
    try:
        return step()
    except I2dbError as error:
        findings.append(
            Finding(severity="error", subject="input", item=item, message=error.message, remedy=error.hint or "mend it")
        )
        return None


def _products(scanned: Sequence[SensorProducts], findings: list[Finding]) -> list[Any]:
    found: list[Any] = []
    for series in scanned:
        for of_tile in series.products.values():
            broken = [finding for product in of_tile for finding in check_readable(product)]
            findings += broken or check_extents(of_tile)
            found += of_tile
    return found


def _projection(products: list[Any]) -> str:
    import rasterio

    if not products:
        raise InputError("there is no product to take the projection from")
    try:
        with rasterio.open(products[0].bands[0].path) as source:
            crs = source.crs
    except rasterio.errors.RasterioIOError as error:
        raise InputError(str(error)) from error
    if crs is None:
        raise InputError(f"{products[0].bands[0].path} does not say its projection")
    return of_file(crs)


def _classes(config: Config, findings: list[Finding]) -> list[int]:
    names = read_nomenclature(config.chain.nomenclature_file)
    if config.chain.color_table is not None:
        colors = read_colors(config.chain.color_table)
        findings += [
            Finding(
                severity="warning",
                subject="class",
                item=f"{name.name} ({name.code})",
                message=f"has no colour in {config.chain.color_table.name}",
                remedy="it gets one of the default palette",
            )
            for name in names
            if name.code not in colors
        ]
    named = {name.code: name.name for name in names}
    _attempt(findings, "fusion of runs", lambda: require_free_label(config, named))
    if config.arg_train.crop_mix:
        _attempt(findings, "arg_train.crop_mix", lambda: annual_rows(config, named))
        _attempt(findings, "arg_train.crop_mix", lambda: previous_state(config))
    return [name.code for name in names]


def _ground_truth(config: Config, crs: str, codes: list[int], products: list[Any], findings: list[Finding]) -> None:
    table, found = read_ground_truth(source_of(config), crs, set(codes))
    extents = [_extent(product, crs) for product in {product.tile: product for product in products}.values()]
    findings += found if config.sample_table.is_used else [*found, *outside(table, extents, config.chain.labelled_file)]


def _table(config: Config, codes: list[int], findings: list[Finding]) -> None:
    table_columns(config, ())
    findings += read_ground_truth(source_of(config), config.chain.proj or DEGREES, set(codes))[1]


def _features(config: Config, scanned: Sequence[SensorProducts], findings: list[Finding]) -> None:
    """Find the user's rasters, and try the functions as a run does before it opens a file."""
    grid = project_grid(config, scanned)
    tiles = tile_windows(grid, scanned)
    facts = Facts.load(config.chain.output_path)
    series = _attempt(findings, "dates", lambda: sensor_series(config, scanned, facts, []))
    rasters = _attempt(findings, "user rasters", lambda: user_rasters(config, grid, tiles))
    if series is None or rasters is None:
        return
    findings += _functions(config, lambda asked, notes: user_functions(asked, series, list(tiles), rasters, notes))


def _functions(config: Config, tried: Callable[[Config, list[str]], Any]) -> list[Finding]:
    """What trying the functions told, each by itself and then all together, as their names may collide."""
    section = config.external_features
    findings: list[Finding] = []
    for asked in section.functions:
        alone = section.model_copy(update={"functions": (asked,)})
        only = config.model_copy(update={"external_features": alone})
        _attempt(findings, f"function {asked[0]}", partial(tried, only, []))
    # A module that cannot be imported is one problem, however many functions it has.
    findings = list({finding.message: finding for finding in reversed(findings)}.values())[::-1]
    notes: list[str] = []
    if not findings:
        _attempt(findings, "functions", lambda: tried(config, notes))
    remedy = "nothing, where that is meant"
    findings += [Finding(severity="note", subject="input", item="functions", message=n, remedy=remedy) for n in notes]
    return findings


def _extent(product: Any, crs: str) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a product in a projection."""
    import rasterio
    from rasterio.warp import transform_bounds

    try:
        with rasterio.open(product.bands[0].path) as source:
            left, bottom, right, top = transform_bounds(source.crs, crs, *source.bounds, densify_pts=21)
    except rasterio.errors.RasterioIOError as error:
        raise InputError(str(error)) from error
    return left, bottom, right, top


def _regions(config: Config, crs: str, findings: list[Finding]) -> None:
    assert config.chain.region_path is not None
    _, found = read_regions(config.chain.region_path, config.chain.region_field, crs)
    findings += found


def write_repaired(config: Config, path: Path) -> int:
    """Write the ground truth with its geometries repaired to a new GeoPackage; the original is not touched.

    Returns:
        Number of polygons (or points) written.

    Raises:
        ConfigError: the file is there already, or is no GeoPackage.
    """
    if path.exists() or path.suffix.lower() != ".gpkg":
        raise ConfigError(f"{path} is there already, or no .gpkg", hint="--fix names a new GeoPackage")
    if config.chain.ground_truth is None:
        raise ConfigError("chain.ground_truth is not set", hint="--fix repairs the polygons of the ground truth")
    source = config.chain.ground_truth
    frame = read_layer(source, "ground truth", config.chain.ground_truth_proj)
    if layer_kind(frame, source) == "point":
        repaired, _ = single_points(frame, frame.index.to_numpy())
    else:
        repaired, _ = repair(frame, frame.index.to_numpy(), "polygon")
    from i2db.files import replacing

    with replacing(path) as temporary:
        repaired.to_file(temporary, driver="GPKG", layer=path.stem)
    return len(repaired)
