"""What no single key can tell about the annual crop mix: what it lacks, and what has no meaning beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from i2db.config.check import Checks

_KEYS = ("prev_features", "output_prev_features", "annual_crop", "a_crop_label_replacement")


def check(checks: Checks) -> None:
    """Add what is contradictory (errors) or idle (warnings) about arg_train.crop_mix to the findings."""
    config = checks.config
    train = config.arg_train
    if not train.crop_mix or config.builders.name == "i2_features_map":
        reason = "arg_train.crop_mix is not True" if not train.crop_mix else "the builder learns no model"
        for key in _KEYS:
            checks.idle(("arg_train", key), reason)
        return
    needed = {
        "prev_features": "the output folder or the configuration of the previous year's project",
        "annual_crop": 'the classes that are learnt from it, e.g. ["11", "12"]',
    }
    missing = [f"arg_train.{key} ({what})" for key, what in needed.items() if not getattr(train, key)]
    if missing:
        checks.error(("arg_train", "crop_mix"), f"arg_train.crop_mix needs {' and '.join(missing)}")
    if train.prev_features is not None and train.prev_features.is_dir() and train.output_prev_features is not None:
        checks.error(
            ("arg_train", "output_prev_features"),
            "arg_train.prev_features is an output folder, so arg_train.output_prev_features says it twice: keep one",
        )
    replacement = train.a_crop_label_replacement
    if replacement is not None and replacement[0] in train.annual_crop:
        checks.error(
            ("arg_train", "a_crop_label_replacement"),
            f"arg_train.a_crop_label_replacement: label {replacement[0]} is one of arg_train.annual_crop itself",
        )
    if config.sample_table.is_used:
        checks.error(
            ("arg_train", "crop_mix"),
            "arg_train.crop_mix has no meaning for a table of series: its rows may be of several years anyway",
        )
