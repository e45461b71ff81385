"""OTB's classifiers by their names and options, and what each is in scikit-learn.

iota2's otb_classifier_options go to OTB's TrainVectorClassifier. An option has a counterpart in scikit-learn, or none
that would change anything (it is idle, for a reason), or one that i2db refuses because the model would be another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

#: Larger numbers no option takes.
LARGEST = 2**31 - 1

OptionSetting = int | float | str | tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtbOption:
    """An option.

    Attributes:
        kind: whole, a number, one of `choices`, yes or no, or whole numbers with blanks between them.
        lowest: of numbers.
        choices: that scikit-learn has too.
        refused: choices of OTB that it has not.
        idle: why it changes nothing; empty where it has a counterpart.
    """

    kind: Literal["whole", "number", "choice", "flag", "sizes"] = "whole"
    lowest: float = 0
    choices: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    idle: str = ""


_ALL_TREES = "scikit-learn's forest grows all its trees and has no such option"
_NO_CATEGORIES = "features are numbers, not categories"
_NO_REGRESSION = "it is for regression"
_KERNEL = OtbOption(kind="choice", choices=("linear", "rbf", "poly", "sigmoid"))
_SUPPORT_VECTORS: dict[str, OtbOption] = {
    "m": OtbOption(kind="choice", choices=("csvc",), refused=("nusvc", "oneclass", "epssvr", "nusvr")),
    "k": _KERNEL,
    "c": OtbOption(kind="number", lowest=1e-12),
    "gamma": OtbOption(kind="number", lowest=1e-12),
    "coef0": OtbOption(kind="number", lowest=-LARGEST),
    "degree": OtbOption(lowest=1),
    "nu": OtbOption(kind="number", idle="only the nu-SVM reads it"),
    "opt": OtbOption(kind="flag", choices=("false",), refused=("true",)),
}
_NO_OPT = "scikit_models_parameters.cross_validation_parameters searches for the best parameters"

#: By classifier and option, without the prefix classifier.<name>.
OPTIONS: dict[str, dict[str, OtbOption]] = {
    "rf": {
        "nbtrees": OtbOption(lowest=1),
        "max": OtbOption(lowest=1),
        "min": OtbOption(),
        "var": OtbOption(),
        "acc": OtbOption(kind="number", idle=_ALL_TREES),
        "ra": OtbOption(kind="number", idle=_NO_REGRESSION),
        "cat": OtbOption(kind="number", idle=_NO_CATEGORIES),
    },
    "sharkrf": {
        "nbtrees": OtbOption(lowest=1),
        "nodesize": OtbOption(lowest=1),
        "mtry": OtbOption(),
        "oobr": OtbOption(kind="number", idle=_ALL_TREES),
    },
    "libsvm": _SUPPORT_VECTORS
    | {
        "eps": OtbOption(kind="number", lowest=1e-12),
        "prob": OtbOption(kind="flag", idle="the probability of the classes is always computed"),
    },
    "svm": _SUPPORT_VECTORS,
    "boost": {
        "t": OtbOption(kind="choice", choices=("discrete",), refused=("real", "logit", "gentle")),
        "w": OtbOption(lowest=1),
        "r": OtbOption(kind="number", idle="scikit-learn's AdaBoost trims no sample"),
        "m": OtbOption(lowest=1),
    },
    "dt": {
        "max": OtbOption(lowest=1),
        "min": OtbOption(),
        "ra": OtbOption(kind="number", idle=_NO_REGRESSION),
        "cat": OtbOption(idle=_NO_CATEGORIES),
        "f": OtbOption(idle="scikit-learn prunes no tree by cross-validation"),
        "r": OtbOption(kind="flag", idle="scikit-learn prunes no tree by cross-validation"),
        "t": OtbOption(kind="flag", idle="scikit-learn prunes no tree by cross-validation"),
    },
    "gbt": {
        "w": OtbOption(lowest=1),
        "s": OtbOption(kind="number", lowest=1e-12),
        "p": OtbOption(kind="number", lowest=1e-12),
        "max": OtbOption(lowest=1),
    },
    "ann": {
        "t": OtbOption(kind="choice", choices=("reg", "back")),
        "sizes": OtbOption(kind="sizes"),
        "f": OtbOption(kind="choice", choices=("ident", "sig"), refused=("gau",)),
        "a": OtbOption(kind="number", idle="the sigmoid of scikit-learn has no such factor"),
        "b": OtbOption(kind="number", idle="the sigmoid of scikit-learn has no such factor"),
        "bpdw": OtbOption(kind="number", lowest=1e-12),
        "bpms": OtbOption(kind="number"),
        "rdw": OtbOption(kind="number", idle="scikit-learn has no resilient back-propagation: Adam adapts its steps"),
        "rdwm": OtbOption(kind="number", idle="scikit-learn has no resilient back-propagation: Adam adapts its steps"),
        "term": OtbOption(
            kind="choice", choices=("iter", "eps", "all"), idle="scikit-learn heeds both the number and the tolerance"
        ),
        "eps": OtbOption(kind="number", lowest=1e-12),
        "iter": OtbOption(lowest=1),
    },
    "bayes": {},
    "normalbayes": {},
    "knn": {
        "k": OtbOption(lowest=1),
        "rule": OtbOption(kind="choice", choices=("mean", "median"), idle=_NO_REGRESSION),
    },
}
#: All options by their full name.
FULL_OPTIONS: dict[str, OtbOption] = {
    f"classifier.{classifier}.{name}": option for classifier, of in OPTIONS.items() for name, option in of.items()
}
_OPTION = re.compile(r"-(?P<name>[A-Za-z][\w.]*)\s+(?P<setting>[^\s-]\S*(?:\s+\d+)*|-\d\S*)\s*")


def parse_options(given: Any) -> Any:
    """Options of a classifier from a mapping, or from OTB's command line as iota2 of 2020 has it.

    Raises:
        ValueError: an option is unknown, given twice, or not set to something that it can take.
    """
    if isinstance(given, str):
        matches = list(_OPTION.finditer(given))
        if "".join(match[0] for match in matches).strip() != given.strip():
            raise ValueError("must be options with their numbers, such as '-classifier.rf.min 5 -classifier.rf.max 25'")
        pairs: list[tuple[str, object]] = [(match["name"], match["setting"]) for match in matches]
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("names an option twice")
    elif isinstance(given, dict):
        pairs = [(str(name).removeprefix("-"), setting) for name, setting in given.items()]
    else:
        raise ValueError('must be a mapping, such as {"classifier.rf.min": 5}')
    return {name: _option(name, setting) for name, setting in pairs}


def _option(name: str, given: object) -> OptionSetting:
    """The setting of an option, checked."""
    option = FULL_OPTIONS.get(name)
    if option is None:
        near = get_close_matches(name, FULL_OPTIONS, n=1, cutoff=0.6)
        own = [each for each in FULL_OPTIONS if each.startswith(name.rpartition(".")[0] + ".")] or list(FULL_OPTIONS)
        wanted = f"did you mean {near[0]}?" if near else f"known are {', '.join(own)}"
        raise ValueError(f"has an option {name} that i2db does not know: {wanted}")
    if option.kind == "sizes":
        return _sizes(name, given)
    if option.kind in ("choice", "flag"):
        return _choice(name, given, option)
    try:
        number = float(str(given)) if not isinstance(given, bool) else float("nan")
    except ValueError:
        number = float("nan")
    is_whole = option.kind == "whole"
    if not option.lowest <= number < LARGEST or (is_whole and number != int(number)):
        kind = "a whole number" if is_whole else "a number"
        raise ValueError(f"sets {name} to {given!r}: {kind}, at least {option.lowest:g}, is needed")
    return int(number) if number == int(number) else number


def _choice(name: str, given: object, option: OtbOption) -> str:
    word = str(given).lower()
    choices = option.choices or ("true", "false")
    word = {"1": "true", "0": "false", "yes": "true", "no": "false"}.get(word, word) if option.kind == "flag" else word
    if word in option.refused:
        why = _NO_OPT if name.endswith(".opt") else f"scikit-learn has only {', '.join(choices)}"
        raise ValueError(f"sets {name} to {given!r}, which has no counterpart here: {why}")
    if word not in choices:
        raise ValueError(f"sets {name} to {given!r}: one of {', '.join(choices)} is needed")
    return word


def _sizes(name: str, given: object) -> tuple[int, ...]:
    words = given if isinstance(given, list | tuple) else str(given).split()
    if not words or not all(str(word).isdigit() and int(str(word)) > 0 for word in words):
        raise ValueError(f"sets {name} to {given!r}: the units of each hidden layer are needed, such as '100 50'")
    return tuple(int(str(word)) for word in words)


def is_of(name: str, classifier: str) -> bool:
    """Whether an option is one of a classifier's."""
    return name.split(".")[1] == classifier


def in_scikit(classifier: str, options: Mapping[str, OptionSetting]) -> tuple[str, dict[str, Any], bool]:
    """Class of scikit-learn, its keywords, and whether features are standardised, for a classifier of OTB.

    What is not set is as in OTB, or in iota2 where that sets it (rf: min 5, max 25).
    """
    prefix = f"classifier.{classifier}."
    given = {name.removeprefix(prefix): setting for name, setting in options.items() if name.startswith(prefix)}
    return {
        "rf": _forest,
        "sharkrf": _shark_forest,
        "libsvm": _support_vectors,
        "svm": _support_vectors,
        "boost": _boosted,
        "dt": _tree,
        "gbt": _gradient_boosted,
        "ann": _network,
        "bayes": _normal_densities,
        "normalbayes": _normal_densities,
        "knn": _neighbours,
    }[classifier](given)


def _forest(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """OpenCV's forest splits a node of more than `min` samples, scikit-learn one of at least min_samples_split."""
    return (
        "RandomForestClassifier",
        {
            "n_estimators": given.get("nbtrees", 100),
            "max_depth": given.get("max", 25),
            "min_samples_split": max(2, given.get("min", 5) + 1),
            "min_samples_leaf": 1,
            "max_features": given.get("var", 0) or "sqrt",
        },
        False,
    )


def _shark_forest(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """Shark's `nodesize` is the smallest leaf; `mtry` 0 is the root of the number of features."""
    return (
        "RandomForestClassifier",
        {
            "n_estimators": given.get("nbtrees", 100),
            "max_depth": None,
            "min_samples_split": 2,
            "min_samples_leaf": given.get("nodesize", 25),
            "max_features": given.get("mtry", 0) or "sqrt",
        },
        False,
    )


def _support_vectors(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """OTB's defaults: linear kernel, C and gamma 1, coef0 0, degree 3; iota2 standardises the features."""
    keywords = {
        "kernel": given.get("k", "linear"),
        "C": given.get("c", 1),
        "gamma": given.get("gamma", 1),
        "coef0": given.get("coef0", 0),
        "degree": given.get("degree", 3),
        "tol": given.get("eps", 1e-3),
    }
    return "SVC", keywords, True


def _boosted(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """SAMME is discrete AdaBoost for more than two classes (Zhu et al. 2009)."""
    weak = {"model_type": "DecisionTreeClassifier", "max_depth": given.get("m", 1)}
    return "AdaBoostClassifier", {"n_estimators": given.get("w", 100), "estimator": weak}, False


def _tree(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    return (
        "DecisionTreeClassifier",
        {"max_depth": given.get("max", 10), "min_samples_split": max(2, given.get("min", 10) + 1)},
        False,
    )


def _gradient_boosted(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    return (
        "GradientBoostingClassifier",
        {
            "n_estimators": given.get("w", 200),
            "learning_rate": given.get("s", 0.01),
            "subsample": given.get("p", 0.8),
            "max_depth": given.get("max", 3),
        },
        False,
    )


def _network(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """OpenCV's symmetric sigmoid with factors 1 is tanh(x / 2), so tanh stands for it; Adam for RPROP."""
    keywords: dict[str, Any] = {
        "hidden_layer_sizes": list(given.get("sizes", ())),
        "activation": {"sig": "tanh", "ident": "identity"}[given.get("f", "sig")],
        "tol": given.get("eps", 0.01),
        "max_iter": given.get("iter", 1000),
    }
    if given.get("t", "reg") == "back":
        keywords |= {
            "solver": "sgd",
            "learning_rate_init": given.get("bpdw", 0.1),
            "momentum": given.get("bpms", 0.1),
        }
    return "MLPClassifier", keywords, True


def _normal_densities(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """A normal density with its own covariance per class; OTB's classifier has no option."""
    return "QuadraticDiscriminantAnalysis", dict(given), False


def _neighbours(given: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    return "KNeighborsClassifier", {"n_neighbors": given.get("k", 32)}, False
