"""Section arg_train: split of the polygons, choice of samples, features, classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from i2db.config.fields import ConfigSection, FilePath, Names, Text
from i2db.config.learning import (
    AnnualClasses,
    ClassWeights,
    ImportanceNames,
    LabelReplacement,
    SampleAugmentation,
)
from i2db.config.otb import parse_options

Strategy = Literal["smallest", "constant", "byclass", "percent", "total", "all"]
Sampler = Literal["random", "periodic"]
SplitBy = Literal["polygon", "block", "tile", "region", "year", "field"]
Classifier = Literal["rf", "sharkrf", "libsvm", "svm", "boost", "dt", "gbt", "ann", "bayes", "normalbayes", "knn"]
Index = Literal["NDVI", "NDWI", "Brightness"]

#: Largest number that seeds the generators in use.
LARGEST_SEED = 2**31 - 1


def _sizes(given: Any) -> Any:
    """Numbers of samples in a list; a single one may stand alone."""
    sizes = given if isinstance(given, list | tuple) else [given]
    if not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes):
        raise ValueError("must be a list of whole numbers above 0, e.g. [25, 50, 100, 200]")
    if len(set(sizes)) < len(sizes):
        raise ValueError("names a number twice")
    return tuple(sizes)


Sizes = Annotated[tuple[int, ...], BeforeValidator(_sizes, json_schema_input_type=int | list[int])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How samples are chosen for the model of one region, with nothing left open (OTB's SampleSelection).

    Attributes:
        percent: share of the pixels of each class, 0 to 1; for strategy percent.
        count: samples of each class; for strategy constant.
        total: samples of all classes together; for strategy total.
        byclass_path: CSV of class code and count; for strategy byclass.
        jitter: pixels by which a periodic pick may be late.
        rand: number that seeds the choice; None for the run's own.
    """

    sampler: Sampler
    strategy: Strategy
    percent: float
    count: int | None
    total: int
    byclass_path: Path | None
    jitter: int
    rand: int | None


class SelectionKeys(ConfigSection):
    """What can be set for all models, and again for the model of one region."""

    sampler: Sampler | None = Field(default=None, description="How pixels are picked: at random, or at even steps.")
    strategy: Strategy | None = Field(
        default=None,
        description="How many samples a class gets: the smallest class's number, a constant, a number by class, "
        "a share, its part of a total, or all.",
    )
    percent: float | None = Field(
        default=None,
        alias="strategy.percent.p",
        ge=0,
        le=1,
        description="Share of the pixels of each class, 0 to 1, for strategy percent; 0.5 where it is not set.",
    )
    count: int | None = Field(
        default=None, alias="strategy.constant.nb", ge=1, description="Samples of each class, for strategy constant."
    )
    byclass_path: FilePath | None = Field(
        default=None,
        alias="strategy.byclass.in",
        description="CSV file of class code and number of samples, for strategy byclass.",
    )
    total: int | None = Field(
        default=None,
        alias="strategy.total.v",
        ge=1,
        description="Samples of all classes together, for strategy total; 1000 where it is not set.",
    )
    jitter: int | None = Field(
        default=None,
        alias="sampler.periodic.jitter",
        ge=0,
        description="Pixels by which a pick of the periodic sampler may be late; 0 where it is not set.",
    )
    rand: int | None = Field(
        default=None,
        ge=0,
        le=LARGEST_SEED,
        description="Number that seeds the choice of samples; where it is not set, arg_train.random_seed does.",
    )


class RegionSelection(SelectionKeys):
    """What the model of one region does otherwise; it inherits what it does not set."""

    target_model: Annotated[
        Text,
        BeforeValidator(
            lambda given: str(given) if isinstance(given, int) and not isinstance(given, bool) else given,
            json_schema_input_type=str | int,
        ),
    ] = Field(description="Region whose model this is for.")


class SampleSelection(SelectionKeys):
    """Which pixels of the learning polygons become samples (OTB's SampleSelection)."""

    sampler: Sampler = Field(default="random", description="How pixels are picked: at random, or at even steps.")
    strategy: Strategy = Field(
        default="all",
        description="How many samples a class gets: the smallest class's number, a constant, a number by class, "
        "a share, its part of a total, or all.",
    )
    per_model: Annotated[
        tuple[RegionSelection, ...],
        BeforeValidator(
            lambda given: tuple(given) if isinstance(given, list) else (given,) if isinstance(given, dict) else given,
            json_schema_input_type=RegionSelection | list[RegionSelection],
        ),
    ] = Field(
        default=(), description="What the models of single regions do otherwise: a list of mappings with target_model."
    )

    @field_validator("per_model")
    @classmethod
    def _is_once_per_region(cls, entries: tuple[RegionSelection, ...]) -> tuple[RegionSelection, ...]:
        regions = [entry.target_model for entry in entries]
        if twice := sorted({region for region in regions if regions.count(region) > 1}):
            raise ValueError(f"has several entries for model {', '.join(twice)}; keep one for each")
        return entries

    def for_region(self, region: str) -> Selection:
        """How samples of one region are chosen: its own entry of `per_model`, else the general choice.

        In iota2 an entry replaces the general choice as a whole; here it inherits what it does not set.
        """
        own = next((entry for entry in self.per_model if entry.target_model == str(region)), None)

        def resolved(name: str, default: Any) -> Any:
            for keys in (own, self):
                found = getattr(keys, name, None)
                if found is not None:
                    return found
            return default

        return Selection(
            sampler=resolved("sampler", "random"),
            strategy=resolved("strategy", "all"),
            percent=resolved("percent", 0.5),
            count=resolved("count", None),
            total=resolved("total", 1000),
            byclass_path=resolved("byclass_path", None),
            jitter=resolved("jitter", 0),
            rand=resolved("rand", None),
        )


class ArgTrain(ConfigSection):
    """Split of the ground truth, choice of samples, features and classifier."""

    runs: int = Field(
        default=1,
        ge=1,
        description="Number of random splits of the ground truth, each with its own map; where split_by leaves one out "
        "after the other there is a run for each, and this stays unset.",
    )
    ratio: float = Field(default=0.5, ge=0, le=1, description="Share of the polygons of each class that learn, 0 to 1.")
    random_seed: int | None = Field(
        default=None,
        ge=0,
        le=LARGEST_SEED,
        description="Number that seeds the split and all that is drawn; where it is not set, one is drawn and kept.",
    )
    split_ground_truth: bool = Field(
        default=True,
        description="False: all polygons learn and validate alike, which says little about the map's accuracy.",
    )
    lone_polygon: Literal["learn", "both"] = Field(
        default="learn", description="What the only polygon of a class does: it learns, or it learns and validates."
    )
    group_field: Text | None = Field(
        default=None, description="Field of the ground truth whose equal values keep polygons on one side of the split."
    )
    min_distance: float = Field(
        default=0.0,
        ge=0,
        description="Distance in metres below which polygons stay on one side of the split.",
    )
    split_by: SplitBy = Field(
        default="polygon",
        description="What goes to one side as a whole: a polygon, drawn within its class and region; a block, drawn; "
        "or each tile, region, year or field value, left out by one run after the other.",
    )
    block_size: float | None = Field(
        default=None, gt=0, description="Side in metres of the square blocks of split_by block."
    )
    split_field: Text | None = Field(
        default=None,
        description="Field of the ground truth with the values (split_by field) or the dates or years (split_by year).",
    )
    split_region_path: FilePath | None = Field(
        default=None, description="File of the regions of split_by region, which have nothing to do with models."
    )
    split_region_field: Text = Field(
        default="region", description="Field of split_region_path that holds the region's name."
    )
    split_buffer: float = Field(
        default=0.0,
        ge=0,
        description="Distance in metres from a val polygon within which polygons do not learn, whatever split_by is.",
    )
    erode: float = Field(
        default=0.0,
        ge=0,
        description="Distance in metres from the polygon's edge below which pixels are no candidates.",
    )
    sample_selection: SampleSelection = Field(
        default=SampleSelection(), description="Which pixels of the learning polygons become samples."
    )
    extraction: Literal["auto", "selected", "all"] = Field(
        default="auto",
        description="Whose features are stored: the selected pixels', all candidates', or as the numbers suggest.",
    )
    learning_curve: Sizes = Field(
        default=(),
        description="Samples per class, e.g. [25, 50, 100, 200], from which models are learnt beside those of the map, "
        "to see how accuracy grows; each holds the samples of all smaller ones.",
    )
    features: Annotated[tuple[Index, ...], Names] = Field(
        default=("NDVI", "NDWI", "Brightness"), description="Indices computed for every date beside the bands."
    )
    classifier: Classifier = Field(
        default="rf",
        description="Classifier by OTB's name: rf and sharkrf are random forests grown by depth or by size of leaf, "
        "libsvm and svm support vectors, boost AdaBoost, dt a tree, gbt gradient boosting, ann a network, bayes and "
        "normalbayes normal densities, knn neighbours.",
    )
    otb_classifier_options: Annotated[
        dict[str, int | float | str | tuple[int, ...]],
        BeforeValidator(parse_options, json_schema_input_type=str | dict[str, int | float | str | list[int]]),
    ] = Field(
        default={},
        description='Options of the classifier by the names of OTB, e.g. {"classifier.rf.min": 5}.',
    )
    class_weights: ClassWeights | None = Field(
        default=None,
        description="Weight of the samples of each class: 'balanced' is inverse to their number; or a mapping of codes "
        "to weights, 1 for those that it lacks; not set: all weigh the same.",
    )
    late_fusion: bool = Field(
        default=False,
        description="Whether each region has a model per sensor, whose labels are fused "
        "(arg_classification.fusion_options); features of no sensor, such as user rasters, go with all of them.",
    )
    sample_management: FilePath | None = Field(
        default=None,
        description="CSV file of source model, destination model, class and quantity: samples that a model gets from "
        "another region, -1 for all of them.",
    )
    crop_mix: bool = Field(
        default=False,
        description="Whether the classes of annual_crop learn from the samples of the previous year's project.",
    )
    prev_features: FilePath | None = Field(
        default=None,
        description="The previous year's project, for crop_mix: its output folder, or its configuration file.",
    )
    output_prev_features: FilePath | None = Field(
        default=None,
        description="Output folder of the previous year's project, where it is not the one that the configuration "
        "prev_features names.",
    )
    annual_crop: AnnualClasses = Field(
        default=(), description="Codes of the classes that are learnt from the previous year's samples, for crop_mix."
    )
    a_crop_label_replacement: LabelReplacement = Field(
        default=(10, "annualCrop"),
        description="Label and name that stand for all of annual_crop in the accuracy, for crop_mix; an empty list "
        "keeps them apart.",
    )
    sample_augmentation: SampleAugmentation = Field(
        default=SampleAugmentation(), description="How small classes are filled up before a model is fitted."
    )
    feature_importance: ImportanceNames = Field(
        default=("impurity",),
        description="How the importance of features is measured: impurity (for models made of trees), permutation (on "
        "polygons left out of the fit, which takes a fit per fold); an empty list for neither.",
    )
    permutation_repeats: int = Field(
        default=5, ge=1, description="How often a feature is shuffled for its importance by permutation."
    )

    @property
    def leaves_one_out(self) -> bool:
        """Whether each run leaves a tile, region, year or value out, so that there are as many runs as these."""
        return self.split_ground_truth and self.split_by in ("tile", "region", "year", "field")
