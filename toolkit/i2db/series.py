"""Sensors of a project: their products on disk, the dates and indices that features are made for, where tiles lie."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from i2db.config.sensors import ConfiguredSensor, configured_sensors
from i2db.errors import ConfigError, InputError
from i2db.finding import Finding, errors
from i2db.projection import of_file, spoken
from i2db.raster.features import SensorFeatures, interpolation_dates
from i2db.raster.grid import Grid, Window
from i2db.sensors.check import check_extents
from i2db.sensors.declaration import OWN_SENSORS, Sensor
from i2db.sensors.indices import colors_of, indices_of
from i2db.sensors.product import Product
from i2db.sensors.scan import scan

if TYPE_CHECKING:
    from i2db.config.model import Config
    from i2db.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorProducts:
    """A sensor of the configuration and its products, per tile, by date."""

    configured: ConfiguredSensor
    products: Mapping[str, tuple[Product, ...]]

    @property
    def sensor(self) -> Sensor:
        """Its declaration."""
        return self.configured.sensor


def scan_all(config: Config, facts: Facts | None, found: list[Finding]) -> tuple[SensorProducts, ...]:
    """Products of all sensors over all tiles; what is wrong or odd is added to `found`.

    Whether the files of users' own sensors lie on each other is looked at once for the same files, which `facts`
    remember; without them it is left out.

    Raises:
        ConfigError: no sensor, or a declaration that cannot be used.
    """
    sensors = configured_sensors(config)
    if not sensors:
        raise ConfigError("no sensor is configured", hint="chain.s2_path names the folder with one folder per tile")
    series = []
    for configured in sensors:
        by_tile = {}
        for tile in config.chain.list_tile:
            of_tile, findings = scan(configured.sensor, configured.root, tile)
            if configured.sensor.section == OWN_SENSORS and facts is not None:
                findings += _extents(configured.sensor, tile, of_tile, facts)
            by_tile[tile] = tuple(of_tile)
            found.extend(findings)
        series.append(SensorProducts(configured=configured, products=by_tile))
    return tuple(series)


def _extents(sensor: Sensor, tile: str, products: Sequence[Product], facts: Facts) -> list[Finding]:
    name, basis = f"extents {sensor.name} {tile}", [repr(sensor), *(product.fingerprint for product in products)]
    known = facts.settled(name, basis)
    if known is not None:
        return [Finding(**finding) for finding in known]
    findings = check_extents(products)
    if not errors(findings):
        facts.settle(name, basis, [dataclasses.asdict(finding) for finding in findings])
    return findings


def project_grid(config: Config, series: Sequence[SensorProducts]) -> Grid:
    """The project's grid: as configured, else what all products have in common and the finest band's pixel size.

    Raises:
        InputError: a file without projection.
        ConfigError: the products disagree on the projection and none is given, or their pixels are not in its units.
    """
    import rasterio
    from rasterio.crs import CRS

    found: dict[str, tuple[CRS, float]] = {}
    for one in series:
        for tile, of_tile in one.products.items():
            with rasterio.open(reference(one.sensor, of_tile[0])) as source:
                if source.crs is None:
                    raise InputError(f"{source.name} does not say its projection")
                found[f"{one.sensor.name} {tile}" if len(series) > 1 else tile] = (source.crs, min(source.res))
    names = {place: of_file(crs) for place, (crs, _) in found.items()}
    if config.chain.proj is not None:
        name = config.chain.proj
    elif len(set(names.values())) == 1:
        name = next(iter(names.values()))
    else:
        listing = ", ".join(f"{place}: {spoken(name)}" for place, name in names.items())
        raise ConfigError(f"the tiles have different projections ({listing})", hint="chain.proj chooses one")
    resolution = config.chain.spatial_resolution
    if resolution is None:
        target = CRS.from_user_input(name)
        fitting = [size for crs, size in found.values() if crs == target]
        fitting = fitting or [size for crs, size in found.values() if crs.is_projected and target.is_projected]
        if not fitting:
            raise ConfigError(
                f"chain.spatial_resolution is needed: no product has its pixels in units of {spoken(name)}",
                hint="e.g. chain.spatial_resolution: 10",
            )
        resolution = (min(fitting), min(fitting))
    width, height = float(resolution[0]), float(resolution[1])
    x, y = config.chain.grid_origin
    # Any corner says the same grid: its pixels have the same numbers.
    return Grid(crs=name, resolution_x=width, resolution_y=height, origin_x=x % width, origin_y=y % height)


def reference(sensor: Sensor, product: Product) -> str:
    """The file of the product's finest band: it tells the tile's extent."""
    finest = min(sensor.bands, key=lambda band: band.resolution).name
    return next(file.path for file in product.bands if file.band == finest)


def tile_windows(grid: Grid, series: Sequence[SensorProducts]) -> dict[str, Window]:
    """Windows of the tiles, from north-west: rows from the north, then columns from the west.

    A tile is where all its sensors have data: a model needs them all. Sensors whose products belong to no tile count
    only where there is no other.

    Raises:
        InputError: two sensors share no pixel of a tile.
        ConfigError: several tiles, and no sensor that tells them apart.
    """
    tiled = [one for one in series if one.sensor.knows_tiles] or list(series)
    if not tiled[0].sensor.knows_tiles and len(tiled[0].products) > 1:
        raise ConfigError(
            f"chain.list_tile names {len(tiled[0].products)} tiles, but {tiled[0].sensor.title} has neither folders of "
            "tiles nor a {tile} in its pattern",
            hint="give its one area one name",
        )
    windows: dict[str, Window] = {}
    for one in tiled:
        for tile, of_tile in one.products.items():
            window = _window(grid, reference(one.sensor, of_tile[0]))
            common = windows[tile].intersection(window) if tile in windows else window
            if common is None:
                others = ", ".join(other.sensor.name for other in tiled[: tiled.index(one)])
                raise InputError(f"tile {tile}: {one.sensor.name} has no pixel in common with {others}")
            windows[tile] = common
    return dict(sorted(windows.items(), key=lambda item: (item[1].row, item[1].column, item[0])))


def _window(grid: Grid, path: str) -> Window:
    """The grid pixels that a file touches."""
    import rasterio
    from rasterio.crs import CRS
    from rasterio.warp import transform_bounds

    with rasterio.open(path) as source:
        bounds = tuple(source.bounds)
        if source.crs != CRS.from_user_input(grid.crs):
            bounds = transform_bounds(source.crs, grid.crs, *bounds, densify_pts=21)
    return grid.window_of_bounds(*bounds)


def sensor_features(
    config: Config, series: SensorProducts, facts: Facts, notes: list[str], *, refresh: bool
) -> SensorFeatures:
    """Which features a sensor gives; the dates are settled once, new products do not move them.

    Raises:
        ConfigError: no date, dates that differ between tiles, or features that cannot be computed.
    """
    sensor, section = series.sensor, series.configured.section
    wanted, basis = _dates(config, series)
    answer = [day.isoformat() for day in wanted]
    settled = facts.settle(f"dates {sensor.name}", basis, answer, refresh=refresh)
    if settled != answer:
        notes.append(
            f"{sensor.name}: new products would make the dates {answer[0]} to {answer[-1]} ({len(answer)}); "
            f"the project keeps {settled[0]} to {settled[-1]} ({len(settled)}); --refresh settles them anew"
        )
    extraction = config.iota2_feature_extraction
    kept = section.keep_bands if extraction.extract_bands and section.keep_bands else sensor.band_names
    indices = tuple(index for index in config.arg_train.features if index in indices_of(sensor))
    if colors_of(sensor) and len(indices) < len(config.arg_train.features):
        lacking = ", ".join(index for index in config.arg_train.features if index not in indices)
        notes.append(f"{sensor.name}: no {lacking}, whose bands (red, nir, swir) its declaration does not name")
    return SensorFeatures(
        sensor=sensor,
        bands=tuple(kept),
        dates=tuple(datetime.date.fromisoformat(day) for day in settled),
        is_gap_filled=config.sensors_data_interpolation.use_gapfilling,
        indices=indices,
        copy_input=extraction.copyinput,
        relative_reflectance=extraction.relrefl and sensor.red is not None,
        keep_duplicates=extraction.keepduplicates,
        additional=section.additional_features if config.sensors_data_interpolation.use_additional_features else (),
    )


def _dates(config: Config, series: SensorProducts) -> tuple[tuple[datetime.date, ...], list[object]]:
    """The dates of a sensor's features, and the choices that they were made under."""
    sensor, section, gaps = series.sensor, series.configured.section, config.sensors_data_interpolation
    days = sorted({product.date for of_tile in series.products.values() for product in of_tile})
    if not gaps.use_gapfilling:
        _check_raw_dates(series, days, is_filled=gaps.fill_missing_dates)
        return tuple(days), [sensor.name, "raw"]
    first = days[0] if gaps.auto_date else section.start_date or days[0]
    last = days[-1] if gaps.auto_date else section.end_date or days[-1]
    if sensor.dates == "own":
        within = tuple(day for day in days if first <= day <= last)
        if not within:
            raise ConfigError(f"{sensor.title} has no date from {first} to {last}", hint="mend start_date and end_date")
        return within, [sensor.name, gaps.auto_date, "own", section.start_date, section.end_date]
    step = section.temporal_resolution or sensor.temporal_resolution
    assert step is not None
    return (
        interpolation_dates(first, last, step),
        [sensor.name, gaps.auto_date, step, section.start_date, section.end_date],
    )


def _check_raw_dates(series: SensorProducts, days: Sequence[datetime.date], *, is_filled: bool) -> None:
    """Refuse tiles whose raw dates differ, unless those that a tile lacks may stand as no data."""
    lacking = {
        tile: sorted(set(days) - {product.date for product in of_tile}) for tile, of_tile in series.products.items()
    }
    if is_filled or not any(lacking.values()):
        return
    tile, dates = next((tile, dates) for tile, dates in lacking.items() if dates)
    raise ConfigError(
        f"the tiles have different dates of {series.sensor.name}, and use_gapfilling is False: {tile} lacks {dates[0]}"
        f"{f' and {len(dates) - 1} more' if len(dates) > 1 else ''}",
        hint="raw dates of several tiles make different features; set sensors_data_interpolation.fill_missing_dates to "
        "True (a date that a tile lacks is no data there), or use_gapfilling",
    )
