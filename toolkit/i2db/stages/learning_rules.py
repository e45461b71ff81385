"""What the user says about samples and models, held against the regions and classes that there are."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from i2db.config.model import Config
from i2db.errors import InputError
from i2db.learn.reduction import FeatureKey, reduction_of
from i2db.learn.specification import Augmentation, LearningSpec
from i2db.stages.select import read_class_counts


@dataclass(frozen=True, slots=True)
class CopyRule:
    """Samples of a class that a model gets from another region; quantity -1 is all of them."""

    source: str
    destination: str
    class_code: int
    quantity: int


def read_copies(path: Path, regions: Collection[str], codes: Collection[int]) -> list[CopyRule]:
    """The rules of a file of `source,destination,class,quantity` lines (iota2's sample_management); # begins a comment.

    Raises:
        InputError: the file is missing, a line cannot be read, names no region or class of the project, or repeats one.
    """
    if not path.is_file():
        raise InputError(f"arg_train.sample_management {path} does not exist")
    rules: dict[tuple[str, str, int], CopyRule] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        cells = [cell.strip() for cell in next(csv.reader([text], skipinitialspace=True))]
        try:
            source, destination, code, quantity = cells[0], cells[1], int(cells[2]), int(cells[3])
            is_whole = len(cells) == 4 and quantity >= -1
        except (IndexError, ValueError):
            is_whole = False
        where = f"{path}:{number}: "
        if not is_whole:
            raise InputError(f"{where}{text!r} is not source,destination,class,quantity (-1 for all of them)")
        for region in (source, destination):
            check_region(region, regions, where)
        check_class(code, codes, where)
        if source == destination:
            raise InputError(f"{where}model {source} has its own samples already")
        if (source, destination, code) in rules:
            raise InputError(f"{where}samples of class {code} are copied from {source} to {destination} twice")
        rules[source, destination, code] = CopyRule(source, destination, code, quantity)
    return list(rules.values())


def check_region(region: str, regions: Collection[str], where: str) -> None:
    """InputError for a region that there is not, with the nearest that there is."""
    if region in regions:
        return
    near = get_close_matches(region, regions, n=1)
    shown = sorted(regions)[:10]
    advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(shown)}"
    raise InputError(f"{where}there is no model {region}", hint=f"models are named as their regions: {advice}")


def check_class(code: int, codes: Collection[int], where: str) -> None:
    """InputError for a class that the nomenclature has not."""
    if code not in codes:
        known = ", ".join(map(str, sorted(codes)[:20]))
        raise InputError(f"{where}there is no class {code}", hint=f"the nomenclature has {known}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningRules:
    """How the models of each region are learnt, and what is copied between them."""

    specs: Mapping[str, LearningSpec]
    copies: Sequence[CopyRule]


def learning_rules(
    config: Config, regions: Sequence[str], codes: Sequence[int], features: Sequence[FeatureKey]
) -> LearningRules:
    """The rules of a project.

    Raises:
        InputError: a file, a region, a class or a number of components does not go with what there is.
    """
    train, reduced = config.arg_train, config.dim_red
    rules = read_copies(train.sample_management, regions, codes) if train.sample_management is not None else []
    augmentation = _augmentation(config, regions, codes)
    targets = train.sample_augmentation.target_models
    weights = train.class_weights
    if isinstance(weights, dict):
        for code in weights:
            check_class(int(code), codes, "arg_train.class_weights: ")
    own_weights = config.classifier.parameters.get("class_weight")
    if isinstance(own_weights, Mapping):
        for code in own_weights:
            check_class(int(code), codes, "scikit_models_parameters.class_weight: ")
    specs = {
        region: LearningSpec(
            classifier=config.classifier,
            reduction=reduction_of(features, reduced.reduction_mode, reduced.target_dimension)
            if reduced.dim_red and features
            else None,
            augmentation=augmentation if "all" in targets or region in targets else None,
            class_weights=tuple(sorted((int(code), weight) for code, weight in weights.items()))
            if isinstance(weights, dict)
            else weights,
            importance=train.feature_importance,
            n_repeats=train.permutation_repeats,
            is_cross_validated=config.fuses_models and config.arg_classification.fusion_method == "dempstershafer",
        )
        for region in regions
    }
    return LearningRules(specs=specs, copies=rules)


def _augmentation(config: Config, regions: Collection[str], codes: Collection[int]) -> Augmentation | None:
    asked = config.arg_train.sample_augmentation
    if not asked.activate:
        return None
    for region in asked.target_models:
        if region != "all":
            check_region(region, regions, "arg_train.sample_augmentation.target_models: ")
    wanted: dict[int, int] = {}
    if asked.samples_strategy == "byClass" and asked.by_class is not None:
        wanted = read_class_counts(asked.by_class, "samples.strategy.byClass")
        for code in wanted:
            check_class(code, codes, f"{asked.by_class}: ")
    return Augmentation(
        method=asked.strategy,
        target=asked.samples_strategy,
        minimum=(asked.min_number or 0) if asked.samples_strategy == "minNumber" else 0,
        wanted=tuple(sorted(wanted.items())),
        std_factor=asked.std_factor if asked.strategy == "jitter" else 1.0,
        n_neighbors=asked.n_neighbors if asked.strategy == "smote" else 1,
    )
