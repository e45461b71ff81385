"""The stages in their order, and iota2's groups of steps."""

from __future__ import annotations

from collections.abc import Sequence

from i2db.chain.stage import Stage
from i2db.errors import ConfigError
from i2db.stages import (
    candidate,
    catalogue,
    classify,
    evaluate,
    extract,
    learn,
    mosaic,
    select,
    split,
    statistics,
    validity,
)

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
    classify.STAGE,
    mosaic.STAGE,
    evaluate.STAGE,
)

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(stage.group for stage in CLASSIFICATION))


def steps(
    first_group: str, last_group: str, first_step: int | None = None, last_step: int | None = None
) -> Sequence[Stage]:
    """The stages from one group to another; or, where steps are given by number (from 1; -1 is the last), by these.

    Raises:
        ConfigError: a group is not of this chain, or a number out of range.
    """
    for group in (first_group, last_group):
        if group not in GROUPS:
            raise ConfigError(
                f"there is no group of steps {group} in the classification", hint=f"the groups are {', '.join(GROUPS)}"
            )
    first = next(i for i, stage in enumerate(CLASSIFICATION) if stage.group == first_group)
    last = max(i for i, stage in enumerate(CLASSIFICATION) if stage.group == last_group)
    n = len(CLASSIFICATION)
    if first_step is not None:
        first = _index(first_step, n)
    if last_step is not None:
        last = _index(last_step, n)
    if first > last:
        raise ConfigError(
            f"the first step ({CLASSIFICATION[first].name}) comes after the last ({CLASSIFICATION[last].name})"
        )
    return CLASSIFICATION[first : last + 1]


def _index(number: int, n: int) -> int:
    if number == -1:
        return n - 1
    if not 1 <= number <= n:
        raise ConfigError(f"there is no step {number}", hint=f"steps go from 1 to {n}; --only-summary lists them")
    return number - 1
