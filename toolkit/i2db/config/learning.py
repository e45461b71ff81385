"""What a user may say about models: scikit-learn's classifiers, augmentation, class weights, fewer features."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from i2db.config.fields import ConfigSection, FilePath, Names, Text
from i2db.learn.specification import ImportanceMethod, ReductionMode

#: Parameters of OTB's SampleAugmentation that the chain fills in by itself.
RESERVED_AUGMENTATION_KEYS = frozenset(["in", "out", "field", "layer", "label", "seed", "inxml", "progress", "exclude"])


def none_as_text(given: Any) -> Any:
    """The same with 'None' for None, which is a setting of scikit-learn that TOML has no word for."""
    if isinstance(given, dict):
        return {name: none_as_text(each) for name, each in given.items()}
    if isinstance(given, list | tuple):
        return [none_as_text(each) for each in given]
    return "None" if given is None else given


def _models(given: Any) -> Any:
    """Names of models, which a user may also write as numbers."""
    items = given if isinstance(given, list | tuple) else [given]
    texts = [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in items]
    return tuple(texts) if len(texts) != 1 or not isinstance(texts[0], str) else tuple(texts[0].split())


def _weights(given: Any) -> Any:
    """A weight per class code, with the codes as texts."""
    if given == "balanced":
        return given
    if not isinstance(given, dict) or not given:
        raise ValueError('must be "balanced", or a mapping of class codes to weights, such as {"11": 2, "12": 0.5}')
    made = {}
    for code, weight in given.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight < 1e12
        if not (str(code).isdigit() and int(code) > 0 and is_number):
            raise ValueError(f"sets {code!r} to {weight!r}: a class code and a weight, 0 or more, are needed")
        made[str(int(code))] = float(weight)
    if not any(made.values()):
        raise ValueError("gives all classes the weight 0")
    return made


def _searches(given: Any) -> Any:
    if not isinstance(given, dict):
        raise ValueError('must be a mapping of parameters to lists, such as {"n_estimators": [50, 100]}')
    for name, settings in given.items():
        if not isinstance(settings, list | tuple) or not settings:
            raise ValueError(f"sets {name} to {settings!r}: a list of settings to try is needed")
    return {str(name): none_as_text(list(settings)) for name, settings in given.items()}


def _annual_classes(given: Any) -> Any:
    """Class codes, as numbers or as iota2's texts; in a list, or in one text with blanks between them."""
    items = given.replace(",", " ").split() if isinstance(given, str) else given
    items = items if isinstance(items, list | tuple) else [items]
    if not all(_is_code(item) for item in items):
        raise ValueError('must be class codes, e.g. ["11", "12"]')
    codes = tuple(int(item) for item in items)
    if len(set(codes)) < len(codes):
        raise ValueError("names a class twice")
    return codes


def _label_replacement(given: Any) -> Any:
    """A label and a name; None for an empty list."""
    if given is None or given in ([], ()):
        return None
    is_pair = isinstance(given, list | tuple) and len(given) == 2
    if not (is_pair and _is_code(given[0]) and isinstance(given[1], str) and given[1].strip()):
        raise ValueError('must be a label and a name, e.g. ["10", "annualCrop"]')
    return int(given[0]), given[1].strip()


def _is_code(given: Any) -> bool:
    return not isinstance(given, bool) and isinstance(given, int | str) and str(given).isdecimal() and int(given) > 0


class SampleAugmentation(ConfigSection):
    """How small classes are filled up before a model is fitted (OTB's SampleAugmentation)."""

    activate: bool = Field(default=False, description="Whether samples are added at all.")
    target_models: Annotated[
        tuple[Text, ...], BeforeValidator(_models, json_schema_input_type=str | int | list[str | int])
    ] = Field(default=("all",), min_length=1, description="Regions whose models get them, or 'all'.")
    strategy: Literal["replicate", "jitter", "smote"] = Field(
        default="replicate",
        description="How samples are made: as copies, as copies with noise, or between neighbours of the same class.",
    )
    std_factor: float = Field(
        default=10,
        gt=0,
        alias="strategy.jitter.stdfactor",
        description="For jitter: the noise of a feature has its deviation within the class divided by this.",
    )
    n_neighbors: int = Field(
        default=5, ge=1, alias="strategy.smote.neighbors", description="For smote: neighbours that are drawn towards."
    )
    samples_strategy: Literal["minNumber", "balance", "byClass"] = Field(
        default="balance",
        alias="samples.strategy",
        description="How many samples a class gets: a number at least, as many as the largest class, or by a file.",
    )
    min_number: int | None = Field(
        default=None,
        ge=1,
        alias="samples.strategy.minNumber",
        description="For minNumber: samples that each class has in the end, unless it has more.",
    )
    by_class: FilePath | None = Field(
        default=None,
        alias="samples.strategy.byClass",
        description="For byClass: CSV file of class code and number of samples in the end.",
    )


class ScikitModels(ConfigSection):
    """A classifier of scikit-learn in the place of arg_train.classifier.

    Every other key is a parameter of the class, e.g. `n_estimators : 200`.
    """

    # In TOML the parameters of the class may stand among the section's own keys.
    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    model_type: Text | None = Field(
        default=None,
        description="Class of scikit-learn: RandomForestClassifier, ExtraTreesClassifier, SupportVectorClassification "
        "(or SVC), AdaBoostClassifier, BaggingClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier, "
        "VotingClassifier, DecisionTreeClassifier, KNeighborsClassifier, GaussianNB, QuadraticDiscriminantAnalysis, "
        "MLPClassifier; not set: arg_train.classifier.",
    )
    standardization: bool = Field(
        default=False, description="Whether each feature is brought to mean 0 and standard deviation 1."
    )
    cross_validation_parameters: Annotated[
        dict[str, list[Any]], BeforeValidator(_searches, json_schema_input_type=dict[str, list[Any]])
    ] = Field(default={}, description='Settings to try for parameters, e.g. {"C": [1, 10]}; the best on folds is used.')
    cross_validation_folds: int = Field(
        default=5, ge=2, description="Folds of the search, and of the importance by permutation."
    )
    cross_validation_grouped: bool = Field(
        default=False, description="Whether all samples of a polygon are in the same fold of the search."
    )
    parameters: dict[str, Any] = Field(
        default={}, description="The parameters of the class; they may also stand in the section itself."
    )


class DimRed(ConfigSection):
    """Fewer features: principal components in the place of the features."""

    dim_red: bool = Field(default=False, description="Whether components take the place of features.")
    target_dimension: int = Field(default=4, ge=1, description="Components that each group of features keeps.")
    reduction_mode: ReductionMode = Field(
        default="global",
        description="Groups of features: all together, or those of each band of each sensor, of each date of each "
        "sensor, of each date, of each band.",
    )


ClassWeights = Annotated[
    Literal["balanced"] | dict[str, float],
    BeforeValidator(_weights, json_schema_input_type=Literal["balanced"] | dict[str, float]),
]
AnnualClasses = Annotated[
    tuple[int, ...],
    BeforeValidator(_annual_classes, json_schema_input_type=int | str | list[int | str]),
]
LabelReplacement = Annotated[
    tuple[int, str] | None, BeforeValidator(_label_replacement, json_schema_input_type=list[int | str])
]
ImportanceNames = Annotated[tuple[ImportanceMethod, ...], Names]
