"""What no single key can tell about a table of labelled series: what it lacks, and what has no meaning for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from i2db.config.sensors import configured_sensors

if TYPE_CHECKING:
    from i2db.config.check import Checks


def check(checks: Checks) -> None:
    """Add what is contradictory (errors) or idle (warnings) in section sample_table to the findings."""
    config = checks.config
    # What is wrong with a user's own sensor is said where sensors are checked.
    has_images = bool(config.chain.sensors or configured_sensors(config, lambda *_: None))
    if not config.sample_table.is_used:
        is_said = any(message.startswith("chain.list_tile") for _, message in checks.findings.errors)
        if not config.chain.list_tile and not is_said:
            message = "chain.list_tile is missing: Tiles to work on, e.g. 'T31TCJ T31TDJ', in any order."
            checks.findings.error(checks.place("chain"), message)
        for key in ("series", "dates", "scale"):
            checks.idle(("sample_table", key), "sample_table.features is not set")
        return
    if config.chain.ground_truth is None:
        checks.error(("sample_table", "features"), "sample_table.features needs chain.ground_truth: the table")
        return
    if has_images and not config.chain.list_tile:
        checks.error(("chain", "list_tile"), "chain.list_tile is missing: the tiles of the images to map")
    if has_images:
        checks.idle(("sample_table", "dates"), "images are mapped: their dates hold")
    else:
        checks.idle(("chain", "list_tile"), "no sensor has a path: the table stands alone")
        checks.idle(("arg_classification", "enable_probability_map"), "there are no images to map")
        checks.idle(("arg_classification", "generate_final_probability_map"), "there are no images to map")
    for path, reason in (
        (("chain", "region_path"), "series of a table are all of one region"),
        (("chain", "window"), "series of a table are looked for in no window"),
        (("chain", "cloud_threshold"), "series of a table have no clear dates to count"),
        (("arg_train", "erode"), "series of a table have no edge"),
    ):
        section = getattr(config, path[0])
        if getattr(section, path[1]) not in (None, 0, 0.0):
            checks.error(path, f"{path[0]}.{path[1]} has no meaning for a table: {reason}")
    if config.arg_train.split_by == "tile":
        checks.error(("arg_train", "split_by"), "arg_train.split_by tile has no meaning for a table of series")
    if "table" in config.chain.list_tile:
        checks.error(("chain", "list_tile"), "a tile cannot be called table beside a table of series")
