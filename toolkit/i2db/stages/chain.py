"""The stages in their order, and iota2's groups of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from i2db.chain.stage import Stage
from i2db.errors import ConfigError
from i2db.stages import (
    candidate,
    catalogue,
    classify,
    curve,
    evaluate,
    extract,
    feature_map,
    feature_mosaic,
    fuse,
    learn,
    mosaic,
    select,
    smooth,
    split,
    statistics,
    validity,
)

if TYPE_CHECKING:
    from i2db.config.model import Config

#: The classification chain (iota2's builder i2_classification).
CLASSIFICATION: tuple[Stage, ...] = (
    catalogue.STAGE,
    validity.STAGE,
    candidate.STAGE,
    split.STAGE,
    select.STAGE,
    extract.STAGE,
    statistics.STAGE,
    learn.STAGE,
    curve.STAGE,
    classify.STAGE,
    fuse.STAGE,
    smooth.STAGE,
    mosaic.STAGE,
    evaluate.STAGE,
)

#: The chain that writes features as a map (iota2's builder i2_features_map).
FEATURES_MAP: tuple[Stage, ...] = (catalogue.STAGE, feature_map.STAGE, feature_mosaic.STAGE)

#: The chain of each builder.
BUILDERS: Mapping[str, tuple[Stage, ...]] = {"i2_classification": CLASSIFICATION, "i2_features_map": FEATURES_MAP}


def chain_of(config: Config) -> tuple[Stage, ...]:
    """All stages of the configuration's builder."""
    return BUILDERS[config.builders.name]


def all_stages() -> tuple[Stage, ...]:
    """The stages of all builders, each once."""
    return tuple(dict.fromkeys(stage for chain in BUILDERS.values() for stage in chain))


def chosen_steps(
    config: Config, first_step: int | None = None, last_step: int | None = None, *, from_start: bool = False
) -> Sequence[Stage]:
    """The stages that a configuration, or numbers of steps, choose; `from_start` leaves out no first ones."""
    chain = chain_of(config)
    groups = [stage.group for stage in chain]
    last = config.chain.last_step
    first = groups[0] if from_start else config.chain.first_step
    return steps(first, last if last in groups else groups[-1], first_step, last_step, chain)


def steps(
    first_group: str,
    last_group: str,
    first_step: int | None = None,
    last_step: int | None = None,
    chain: Sequence[Stage] = CLASSIFICATION,
) -> Sequence[Stage]:
    """The stages from one group to another; or, where steps are given by number (from 1; -1 is the last), by these.

    Raises:
        ConfigError: a group is not of this chain, or a number out of range.
    """
    groups = tuple(dict.fromkeys(stage.group for stage in chain))
    for group in (first_group, last_group):
        if group not in groups:
            raise ConfigError(
                f"there is no group of steps {group} in this chain", hint=f"the groups are {', '.join(groups)}"
            )
    first = next(i for i, stage in enumerate(chain) if stage.group == first_group)
    last = max(i for i, stage in enumerate(chain) if stage.group == last_group)
    n = len(chain)
    if first_step is not None:
        first = _index(first_step, n)
    if last_step is not None:
        last = _index(last_step, n)
    if first > last:
        raise ConfigError(f"the first step ({chain[first].name}) comes after the last ({chain[last].name})")
    return chain[first : last + 1]


def _index(number: int, n: int) -> int:
    if number == -1:
        return n - 1
    if not 1 <= number <= n:
        raise ConfigError(f"there is no step {number}", hint=f"steps go from 1 to {n}; --only-summary lists them")
    return number - 1
