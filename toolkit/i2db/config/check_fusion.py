"""What no single key can tell about fusion and smoothing: what they lack, and what has no meaning beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from i2db.config.findings import key_name
from i2db.config.resolve import KeyPath
from i2db.config.sensors import configured_sensors

if TYPE_CHECKING:
    from i2db.config.check import Checks

_SECTION = "arg_classification"
_MERGE_KEYS = (
    "merge_final_classifications_method",
    "merge_final_classifications_undecidedlabel",
    "merge_final_classifications_ratio",
    "fusionofclassification_all_samples_validation",
    "keep_runs_results",
)
_BAYES_KEYS = ("smoothing_variance", "smoothing_fraction")


def check(checks: Checks) -> None:
    """Add what is contradictory (errors) or idle (warnings) about several models and maps to the findings."""
    config = checks.config
    if config.builders.name == "i2_features_map":
        return
    _check_models(checks)
    _check_runs(checks)
    section = config.arg_classification
    if section.smoothing is None:
        checks.idle((_SECTION, "smoothing_radius"), f"{_SECTION}.smoothing is not set")
    if section.smoothing != "bayes":
        for key in _BAYES_KEYS:
            checks.idle((_SECTION, key), f"{_SECTION}.smoothing is not bayes")
    if config.sample_table.is_used:
        made = [key for key in ("uncertainty_maps", "smoothing") if getattr(section, key)]
        for key in made:
            checks.error((_SECTION, key), f"{_SECTION}.{key} is about maps, and a table of series makes none")


def _check_models(checks: Checks) -> None:
    """Several models per region: the parts of a region, or the sensors."""
    config = checks.config
    train, section = config.arg_train, config.arg_classification
    is_fusion = section.classif_mode == "fusion"
    if not is_fusion:
        checks.idle(("chain", "mode_outside_regionsplit"), f"{_SECTION}.classif_mode is not fusion")
    if not config.fuses_models:
        for key in ("fusion_options", "no_label_management"):
            checks.idle((_SECTION, key), f"{_SECTION}.classif_mode is not fusion, and arg_train.late_fusion is False")
        return
    subject: KeyPath = (_SECTION, "classif_mode") if is_fusion else ("arg_train", "late_fusion")
    name = key_name(subject)
    if is_fusion and train.late_fusion:
        checks.error(
            ("arg_train", "late_fusion"),
            f"arg_train.late_fusion makes models of sensors and {_SECTION}.classif_mode fusion models of parts of "
            "regions: keep one of them",
        )
    if train.late_fusion and len(configured_sensors(config)) < 2:
        checks.error(subject, "arg_train.late_fusion needs two sensors: set another path of products in section chain")
    for other, is_set in (
        ("arg_train.learning_curve", bool(train.learning_curve)),
        ("arg_train.sample_management", train.sample_management is not None),
        ("arg_train.crop_mix", train.crop_mix),
        ("section sample_table", config.sample_table.is_used),
    ):
        if is_set:
            checks.error(subject, f"{other} knows one model per region, and {name} makes several: keep one of them")


def _check_runs(checks: Checks) -> None:
    """The fusion of runs."""
    config = checks.config
    train, section = config.arg_train, config.arg_classification
    if not section.merge_final_classifications:
        for key in _MERGE_KEYS:
            checks.idle((_SECTION, key), f"{_SECTION}.merge_final_classifications is not True")
    of_models = section.fusion_method if config.fuses_models else ""
    of_runs = section.merge_final_classifications_method if section.merge_final_classifications else ""
    if "dempstershafer" not in (of_models, of_runs):
        checks.idle((_SECTION, "dempstershafer_mob"), "nothing is fused by dempstershafer")
    if not section.merge_final_classifications:
        return
    subject: KeyPath = (_SECTION, "merge_final_classifications")
    if config.sample_table.is_used:
        checks.error(subject, f"{_SECTION}.merge_final_classifications fuses maps, and a table of series makes none")
    if not train.split_ground_truth:
        checks.error(
            subject,
            f"{_SECTION}.merge_final_classifications has nothing to fuse: arg_train.split_ground_truth False makes "
            "one run",
        )
    elif train.runs < 2 and not train.leaves_one_out:
        checks.error(
            subject,
            f"{_SECTION}.merge_final_classifications needs two runs at least, and arg_train.runs is {train.runs}",
        )
    elif train.runs == 2 and not train.leaves_one_out and of_runs == "majorityvoting":
        checks.findings.warn(
            checks.place(_SECTION, "merge_final_classifications"),
            f"{_SECTION}.merge_final_classifications lets two runs vote: pixels on which they differ are undecided; "
            "take more runs, or merge_final_classifications_method dempstershafer",
        )
    if section.fusionofclassification_all_samples_validation:
        checks.idle(
            (_SECTION, "merge_final_classifications_ratio"),
            f"{_SECTION}.fusionofclassification_all_samples_validation is True: no polygon is held back",
        )
