"""The classifiers of scikit-learn that i2db offers: their names, what their confidence is, how they are built."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from i2db.errors import InputError
from i2db.learn.specification import ClassifierSpec


@dataclass(frozen=True, slots=True)
class ModelType:
    """A class of scikit-learn: the module under sklearn, its kind in tables and cards, what its confidence is."""

    module: str
    kind: str
    confidence: str


_LEAVES = "mean leaf probability"
_NORMAL = "posterior probability under normal densities"

MODEL_TYPES: Mapping[str, ModelType] = {
    "RandomForestClassifier": ModelType("ensemble", "rf", _LEAVES),
    "ExtraTreesClassifier": ModelType("ensemble", "extra_trees", _LEAVES),
    "DecisionTreeClassifier": ModelType("tree", "decision_tree", "leaf probability"),
    "AdaBoostClassifier": ModelType("ensemble", "ada_boost", "softmax of the weighted votes"),
    "BaggingClassifier": ModelType("ensemble", "bagging", "mean probability of the members"),
    "GradientBoostingClassifier": ModelType("ensemble", "gradient_boosting", "softmax of the boosted scores"),
    "HistGradientBoostingClassifier": ModelType("ensemble", "hist_gradient_boosting", "softmax of the boosted scores"),
    "VotingClassifier": ModelType("ensemble", "voting", "mean probability of the members"),
    "SVC": ModelType("svm", "svc", "probability by Platt's scaling of the margins"),
    "KNeighborsClassifier": ModelType("neighbors", "knn", "share of the neighbours"),
    "GaussianNB": ModelType("naive_bayes", "gaussian_nb", _NORMAL),
    "QuadraticDiscriminantAnalysis": ModelType("discriminant_analysis", "qda", _NORMAL),
    "MLPClassifier": ModelType("neural_network", "mlp", "softmax of the output layer"),
}
#: iota2's name for it.
ALIASES = {"SupportVectorClassification": "SVC"}
#: What the chain itself sets.
CHAINS_OWN = {
    "n_jobs": "the chain says how many threads a model may use",
    "verbose": "the chain reports by itself",
    "probability": "the probability of the classes is always computed",
}
#: Keywords that hold other classifiers, as names or as mappings with model_type.
_MEMBERS = ("estimator", "estimators")
_CALIBRATION_FOLDS = 5


def model_type_of(name: str) -> str:
    """Today's name of a classifier; ValueError, with the nearest name, for one that there is not."""
    name = ALIASES.get(name, name)
    if name not in MODEL_TYPES:
        folded = {each.lower(): each for each in (*MODEL_TYPES, *ALIASES)}
        near = get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
        advice = f"did you mean {folded[near[0]]}?" if near else f"there are {', '.join(MODEL_TYPES)}"
        raise ValueError(f"{name} is no classifier that i2db offers: {advice}")
    return name


def kind_of(spec: ClassifierSpec) -> str:
    """The kind of a model as tables name it."""
    return MODEL_TYPES[spec.model_type].kind


def confidence_of(spec: ClassifierSpec) -> str:
    """What the confidence of a model is, in words."""
    if spec.model_type == "VotingClassifier" and is_hard_vote(spec):
        return "share of the members' votes"
    return MODEL_TYPES[spec.model_type].confidence


def is_hard_vote(spec: ClassifierSpec) -> bool:
    """Whether the members of a VotingClassifier vote by labels."""
    return str(spec.parameters.get("voting", "soft")) == "hard"


def class_of(model_type: str) -> Any:
    """The class itself (imports scikit-learn)."""
    return getattr(import_module(f"sklearn.{MODEL_TYPES[model_type].module}"), model_type)


def _check_known(model_type: str, name: str, known: Collection[str], beside: Collection[str] = ()) -> None:
    """ValueError, with the nearest of the known names and those beside them, unless a name is known."""
    if name in known:
        return
    folded = {each.lower(): each for each in (*beside, *known)}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    advice = f"did you mean {folded[near[0]]}?" if near else f"it has {', '.join(sorted(known))}"
    raise ValueError(f"{model_type} has no parameter {name}: {advice}")


def check_setting(spec: ClassifierSpec, name: str, beside: Collection[str] = ()) -> None:
    """ValueError unless the class takes this keyword with its setting; scikit-learn's own words say what it takes.

    `beside` are names that may be meant although they are no keywords of the class.
    """
    keywords = [each for each in inspect.signature(class_of(spec.model_type)).parameters if each != "self"]
    _check_known(spec.model_type, name, keywords, beside)
    if name in CHAINS_OWN:
        return
    built = _class_with(spec.model_type, {name: spec.parameters[name]} | _needed(spec))
    _check_parameters(built)
    if spec.model_type == "AdaBoostClassifier" and name == "estimator" and not takes_weights(spec):
        raise ValueError("AdaBoostClassifier weighs the samples, which its estimator cannot learn from")
    if spec.model_type == "SVC" and spec.parameters.get("kernel") == "precomputed":
        raise ValueError("kernel precomputed takes distances of samples in the place of features")
    if name == "oob_score" and spec.parameters[name] and not spec.parameters.get("bootstrap", built.bootstrap):
        # scikit-learn says so only when it fits.
        raise ValueError(f"{spec.model_type} has samples out of the bag only where bootstrap is True")
    if name == "class_weight" and spec.model_type.startswith("Hist") and isinstance(spec.parameters[name], Mapping):
        # It looks the weights up by the place of a class, whatever its code.
        raise ValueError("class_weight by codes is what arg_train.class_weights takes, for any model")


def check_search(spec: ClassifierSpec, name: str) -> None:
    """ValueError unless a parameter, perhaps of a member as estimator__max_depth, can be searched over its settings."""
    from sklearn.base import BaseEstimator, clone

    built = _class_with(spec.model_type, _own_keywords(spec))
    known = built.get_params(deep=True)
    _check_known(spec.model_type, name, known)
    owner, _, last = name.rpartition("__")
    if last in CHAINS_OWN:
        raise ValueError(f"{name} cannot be searched: {CHAINS_OWN[last]}")
    if isinstance(known[name], BaseEstimator) or last in (*_MEMBERS, "voting"):
        raise ValueError(f"{name} cannot be searched: it makes another kind of model; run the chain for each")
    for setting in spec.search[name]:
        _check_parameters(clone(known[owner] if owner else built).set_params(**{last: as_it_takes(setting, last)}))


def _check_parameters(built: Any) -> None:
    """ValueError, in one line, unless scikit-learn takes the parameters; of a vote also its names and weights."""
    try:
        built._validate_params()
        if hasattr(built, "_validate_names"):
            built._validate_names([name for name, _ in built.estimators])
    except ValueError as error:
        raise ValueError(_in_one_line(error)) from error
    weights = getattr(built, "weights", None)
    if hasattr(built, "estimators") and weights is not None and len(weights) != len(built.estimators):
        raise ValueError(f"there are {len(built.estimators)} estimators and {len(weights)} weights")


def takes_weights(spec: ClassifierSpec) -> bool:
    """Whether the class, and for a vote each member, can learn from weighted samples."""
    from sklearn.utils.validation import has_fit_parameter

    built = _class_with(spec.model_type, _own_keywords(spec))
    members = [member for _, member in built.estimators] if spec.model_type == "VotingClassifier" else [built]
    members += [built.estimator] if getattr(built, "estimator", None) is not None else []
    return all(has_fit_parameter(member, "sample_weight") for member in members)


def build(spec: ClassifierSpec, *, random_state: int, n_threads: int = 1) -> Any:
    """An unfitted classifier of scikit-learn; where the specification seeds none, all of it is seeded by random_state.

    An SVC comes inside a CalibratedClassifierCV, which is what scikit-learn recommends for its probabilities; the
    number of its folds is only known once there are samples (see `set_calibration`).
    """
    built = _class_with(spec.model_type, _own_keywords(spec))
    own = {name: given for name, given in built.get_params(deep=True).items() if name.split("__")[-1] == "random_state"}
    built.set_params(**{name: random_state for name, given in own.items() if given is None})
    if kind_of(spec) in ("rf", "extra_trees"):
        built.set_params(n_jobs=n_threads)
    return _calibrated(built) if spec.model_type == "SVC" else built


def searched_name(spec: ClassifierSpec, name: str) -> str:
    """The name of a parameter as `build` nests it."""
    return f"estimator__{name}" if spec.model_type == "SVC" else name


def set_calibration(estimator: Any, n_smallest: int) -> None:
    """Let each calibration have as many folds as the smallest class has samples, at most five."""
    from sklearn.calibration import CalibratedClassifierCV

    nested = {"": estimator, **estimator.get_params(deep=True)}
    wanted = [name for name, each in nested.items() if isinstance(each, CalibratedClassifierCV)]
    if wanted and n_smallest < 2:
        raise InputError(
            "a class has one sample: the probabilities of an SVC need two of each",
            hint="draw more of it, copy or augment its samples (arg_train.sample_augmentation), or leave it out",
        )
    folds = min(_CALIBRATION_FOLDS, n_smallest)
    estimator.set_params(**{f"{name}__cv" if name else "cv": folds for name in wanted})


def _calibrated(support_vectors: Any) -> Any:
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(support_vectors, method="sigmoid", ensemble=False, cv=_CALIBRATION_FOLDS)


def _own_keywords(spec: ClassifierSpec) -> dict[str, Any]:
    return {name: setting for name, setting in spec.parameters.items() if name not in CHAINS_OWN} | _needed(spec)


def _needed(spec: ClassifierSpec) -> dict[str, Any]:
    """What a class cannot be built without, and what i2db chooses otherwise than scikit-learn: votes by probability."""
    if spec.model_type != "VotingClassifier":
        return {}
    needed = {"voting": spec.parameters.get("voting", "soft")}
    if "estimators" not in spec.parameters:
        raise ValueError(
            "VotingClassifier needs estimators: a list of names of classifiers, or a mapping of names to mappings with "
            'model_type, e.g. {"forest": {"model_type": "RandomForestClassifier"}, "bayes": "GaussianNB"}'
        )
    return needed | {"estimators": spec.parameters["estimators"]}


def _class_with(model_type: str, keywords: Mapping[str, Any]) -> Any:
    """The class with keywords; those that name other classifiers become these."""
    given = {name: as_it_takes(setting, name) for name, setting in keywords.items()}
    if isinstance(given.get("estimator"), str | dict):
        given["estimator"] = _member(given["estimator"])
    if "estimators" in given:
        members = given["estimators"]
        if not isinstance(members, list | dict) or not members:
            raise ValueError("estimators must be a list of names of classifiers, or a mapping of names to them")
        named = members.items() if isinstance(members, dict) else [(str(each), each) for each in members]
        given["estimators"] = [(str(name).lower(), _member(each)) for name, each in named]
    return class_of(model_type)(**given)


def _member(given: Any) -> Any:
    """A classifier inside another one, from its name or from a mapping of model_type and keywords."""
    keywords = {"model_type": given} if isinstance(given, str) else dict(given) if isinstance(given, dict) else {}
    name = keywords.pop("model_type", None)
    if not isinstance(name, str):
        raise ValueError(f"a member must be the name of a classifier, or a mapping with model_type, not {given!r}")
    model_type = model_type_of(name)
    spec = ClassifierSpec(model_type=model_type, parameters=keywords)
    for each in keywords:
        check_setting(spec, each)
    built = _class_with(model_type, _own_keywords(spec))
    return _calibrated(built) if model_type == "SVC" else built


def as_it_takes(setting: Any, name: str) -> Any:
    """iota2's 'None' as None, lists of a configuration as lists; the weights of classes by numbers, not by texts."""
    if isinstance(setting, tuple):
        return [as_it_takes(each, name) for each in setting]
    if name == "class_weight" and isinstance(setting, Mapping):
        return {_class_code(code): weight for code, weight in setting.items()}
    return None if setting == "None" else setting


def _class_code(code: Any) -> int:
    try:
        return int(code)
    except ValueError as error:
        raise ValueError(f"class_weight takes codes of classes with their weights, not {code!r}") from error


def _in_one_line(error: ValueError) -> str:
    return " ".join(str(error).split())
