"""What keys about models contradict, lack, or change nothing beside others; parameters that a class does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from i2db.config.findings import key_name
from i2db.config.otb import FULL_OPTIONS, is_of
from i2db.learn.catalogue import CHAINS_OWN, check_search, check_setting, model_type_of, takes_weights

if TYPE_CHECKING:
    from i2db.config.check import Checks
    from i2db.config.learning import SampleAugmentation
    from i2db.config.resolve import KeyPath

_SCIKIT = "scikit_models_parameters"


def check_learning(checks: Checks) -> None:
    """Check the classifier, augmentation and reduction."""
    scikit = checks.config.scikit_models_parameters
    if scikit.model_type is None:
        _check_otb(checks)
        _check_unused_scikit(checks)
    else:
        _check_scikit(checks, scikit.model_type)
        for key in ("classifier", "otb_classifier_options"):
            checks.idle(("arg_train", key), f"{_SCIKIT}.model_type names the classifier")
    _check_augmentation(checks)
    if not checks.config.dim_red.dim_red:
        for key in ("target_dimension", "reduction_mode"):
            checks.idle(("dim_red", key), "dim_red.dim_red is not True")
    if "permutation" not in checks.config.arg_train.feature_importance:
        checks.idle(("arg_train", "permutation_repeats"), "arg_train.feature_importance does not have permutation")


def _check_otb(checks: Checks) -> None:
    train = checks.config.arg_train
    for name in train.otb_classifier_options:
        path: KeyPath = ("arg_train", "otb_classifier_options", name)
        if not is_of(name, train.classifier):
            checks.findings.idle(checks.place(*path), key_name(path), f"the classifier is {train.classifier}")
        elif FULL_OPTIONS[name].idle:
            checks.findings.idle(checks.place(*path), key_name(path), FULL_OPTIONS[name].idle)
    options = train.otb_classifier_options
    if train.classifier == "ann" and "classifier.ann.sizes" not in options:
        checks.error(
            ("arg_train", "classifier"),
            "arg_train.classifier ann needs the units of its hidden layers: arg_train.otb_classifier_options = "
            '{"classifier.ann.sizes": "100 50"}',
        )
    elif train.classifier == "ann" and options.get("classifier.ann.t", "reg") == "reg":
        for name in ("classifier.ann.bpdw", "classifier.ann.bpms"):
            if name in options:
                path = ("arg_train", "otb_classifier_options", name)
                checks.findings.idle(checks.place(*path), key_name(path), "only classifier.ann.t back reads it")
    _check_weights(checks)


def _check_unused_scikit(checks: Checks) -> None:
    scikit = checks.config.scikit_models_parameters
    needed = f"{_SCIKIT}.model_type is not set"
    for key in ("standardization", "cross_validation_parameters", "cross_validation_grouped"):
        checks.idle((_SCIKIT, key), needed)
    if "permutation" not in checks.config.arg_train.feature_importance:
        checks.idle((_SCIKIT, "cross_validation_folds"), needed)
    for name in scikit.parameters:
        path: KeyPath = (_SCIKIT, "parameters", name)
        checks.findings.idle(checks.place(*path), f"{_SCIKIT}.{name}", needed)


def _check_scikit(checks: Checks, model_type: str) -> None:
    """The class, its parameters and what is searched, by name and by what they can be set to."""
    if not _attempt(checks, (_SCIKIT, "model_type"), lambda: model_type_of(model_type)):
        return
    scikit, spec = checks.config.scikit_models_parameters, checks.config.classifier
    is_sound, beside = True, [each for each in type(scikit).model_fields if each != "parameters"]
    for name in scikit.parameters:
        path: KeyPath = (_SCIKIT, "parameters", name)
        if name in CHAINS_OWN:
            checks.findings.idle(checks.place(*path), f"{_SCIKIT}.{name}", CHAINS_OWN[name])
        else:
            is_sound &= _attempt(checks, path, lambda name=name: check_setting(spec, name, beside))  # type: ignore[misc]
    if spec.model_type == "VotingClassifier" and "estimators" not in scikit.parameters:
        is_sound &= _attempt(checks, (_SCIKIT, "model_type"), lambda: takes_weights(spec))
    if not is_sound:
        return
    for name in spec.search:
        path = (_SCIKIT, "cross_validation_parameters", name)
        _attempt(checks, path, lambda name=name: check_search(spec, name))  # type: ignore[misc]
        if name in scikit.parameters:
            checks.error(path, f"{key_name(path)} is searched, and set as {_SCIKIT}.{name}: keep one of them")
    if not spec.search:
        checks.idle((_SCIKIT, "cross_validation_grouped"), f"{_SCIKIT}.cross_validation_parameters has none")
        if "permutation" not in checks.config.arg_train.feature_importance:
            checks.idle((_SCIKIT, "cross_validation_folds"), f"{_SCIKIT}.cross_validation_parameters has none")
    _check_weights(checks)


def _attempt(checks: Checks, path: KeyPath, step: Callable[[], object]) -> bool:
    """Whether a check ends well; a ValueError becomes a finding at the place of a key."""
    try:
        step()
    except ValueError as error:
        written = key_name(path).replace(f"{_SCIKIT}.parameters.", f"{_SCIKIT}.")
        checks.error(path, f"{written}: {error}")
        return False
    return True


def _check_weights(checks: Checks) -> None:
    train, spec = checks.config.arg_train, checks.config.classifier
    if train.class_weights is None:
        return
    if not takes_weights(spec):
        checks.error(
            ("arg_train", "class_weights"),
            f"arg_train.class_weights: {spec.model_type} cannot learn from weighted samples; "
            "arg_train.sample_augmentation can even out the classes instead",
        )
    if spec.parameters.get("class_weight") not in (None, "None"):
        checks.error(
            ("arg_train", "class_weights"),
            f"arg_train.class_weights and {_SCIKIT}.class_weight both weigh the classes: keep one of them",
        )


def _check_augmentation(checks: Checks) -> None:
    augmentation = checks.config.arg_train.sample_augmentation
    base: KeyPath = ("arg_train", "sample_augmentation")
    if not augmentation.activate:
        for name, field in type(augmentation).model_fields.items():
            path: KeyPath = (*base, field.alias or name)
            if checks.is_given(*path) and _is_set(augmentation, name):
                checks.findings.idle(checks.place(*path), key_name(path), f"{key_name(base)}.activate is not True")
        return
    for key, setting, target in (
        ("samples.strategy.minNumber", augmentation.min_number, "minNumber"),
        ("samples.strategy.byClass", augmentation.by_class, "byClass"),
    ):
        if augmentation.samples_strategy == target and setting is None:
            checks.error(base, f'{key_name(base)} has "samples.strategy" {target}, which needs "{key}"')
    for key, reader, used in (
        ("strategy.jitter.stdfactor", "jitter", augmentation.strategy),
        ("strategy.smote.neighbors", "smote", augmentation.strategy),
        ("samples.strategy.minNumber", "minNumber", augmentation.samples_strategy),
        ("samples.strategy.byClass", "byClass", augmentation.samples_strategy),
    ):
        if used != reader and checks.is_given(*base, key) and _is_set(augmentation, key):
            checks.findings.idle(checks.place(*base, key), key_name((*base, key)), f"the strategy is {used}")
    if "all" in augmentation.target_models and len(augmentation.target_models) > 1:
        checks.error((*base, "target_models"), f"{key_name(base)}.target_models has 'all' beside other models")


def _is_set(augmentation: SampleAugmentation, key: str) -> bool:
    """Whether a key is set to something else than its default."""
    fields = type(augmentation).model_fields
    name, field = next((name, field) for name, field in fields.items() if key in (field.alias, name))
    return bool(getattr(augmentation, name) != field.get_default())
