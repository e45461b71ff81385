"""What is left out one after the other: tiles, regions, years or values, a run for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from i2db.errors import ConfigError
from i2db.sample_table import chosen_columns

if TYPE_CHECKING:
    from i2db.config.model import Config
    from i2db.vector.ground_truth import GroundTruthSource


def folds(config: Config, tiles: Iterable[str]) -> tuple[str, ...] | None:
    """The names of what each run leaves out, in the order of the runs; None where polygons or blocks are drawn.

    The order is that of the names (numbers first, by size), so that it depends on no order of files.

    Args:
        config: the configuration.
        tiles: names of the tiles.

    Raises:
        ConfigError: there are fewer than two.
        InputError: the file or field that holds them cannot be read.
    """
    train = config.arg_train
    if not train.leaves_one_out:
        return None
    names = tuple(sorted(tiles)) if train.split_by == "tile" else _names(config)
    if len(names) < 2:
        listing = f"only {names[0]}" if names else "none"
        raise ConfigError(
            f"arg_train.split_by {train.split_by} leaves one after the other out, and there is {listing}",
            hint="two at least are needed; split_by block or polygon draws within one",
        )
    return names


def _names(config: Config) -> tuple[str, ...]:
    train = config.arg_train
    if train.split_by == "region":
        from i2db.vector.regions import read_regions

        assert train.split_region_path is not None
        # In any projection: only the names are wanted.
        table, _ = read_regions(
            train.split_region_path, train.split_region_field, "EPSG:4326", "arg_train.split_region_field"
        )
        return tuple(table["region"].to_pylist())
    from i2db.vector.ground_truth import unit_values

    return tuple(unit_values(source_of(config)))


def source_of(config: Config) -> GroundTruthSource:
    """Where the ground truth is, as the configuration says."""
    from i2db.vector.ground_truth import GroundTruthSource, read_recode

    chain, train = config.chain, config.arg_train
    return GroundTruthSource(
        path=chain.labelled_file,
        label_field=chain.label_field,
        id_field=chain.polygon_id_field,
        group_field=train.group_field,
        recode=read_recode(chain.label_recode) if chain.label_recode is not None else None,
        excluded=tuple(chain.excluded_classes),
        table_crs=chain.ground_truth_proj,
        unit_field=train.split_field if train.leaves_one_out and train.split_by in ("year", "field") else None,
        is_year=train.split_by == "year",
        series_columns=chosen_columns(config) if config.sample_table.is_used else (),
    )


def with_folds(config: Config, tiles: Iterable[str]) -> Config:
    """The configuration with as many runs as there is to leave out.

    Raises:
        ConfigError: another number of runs is configured.
    """
    names = folds(config, tiles)
    train = config.arg_train
    if names is None or train.runs == len(names):
        return config
    if train.runs != 1:
        raise ConfigError(
            f"arg_train.runs is {train.runs}, and split_by {train.split_by} has {len(names)} to leave out: "
            f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}",
            hint="leave arg_train.runs out: there is a run for each",
        )
    return config.model_copy(update={"arg_train": train.model_copy(update={"runs": len(names)})})
