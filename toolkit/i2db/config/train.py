"""Section arg_train: split of the polygons, choice of samples, features, classifier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from i2db.config.fields import ConfigSection, FilePath, Names, Text

Strategy = Literal["smallest", "constant", "byclass", "percent", "total", "all"]
Sampler = Literal["random", "periodic"]
SplitBy = Literal["polygon", "block", "tile", "region", "year", "field"]
Index = Literal["NDVI", "NDWI", "Brightness"]

#: Largest number that seeds the generators in use.
LARGEST_SEED = 2**31 - 1


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestParameters:
    """A random forest in scikit-learn's terms; `max_depth` None is no limit, `max_features` "sqrt" the root of all."""

    n_trees: int
    max_depth: int | None
    min_samples_split: int
    min_samples_leaf: int
    max_features: int | Literal["sqrt"]


#: Options of OTB's forests: their lowest number, and whether they have a counterpart in scikit-learn's forest.
FOREST_OPTIONS: dict[str, tuple[int, bool]] = {
    "classifier.rf.nbtrees": (1, True),
    "classifier.rf.max": (1, True),
    "classifier.rf.min": (0, True),
    "classifier.rf.var": (0, True),
    "classifier.rf.acc": (0, False),
    "classifier.rf.ra": (0, False),
    "classifier.rf.cat": (0, False),
    "classifier.sharkrf.nbtrees": (1, True),
    "classifier.sharkrf.nodesize": (1, True),
    "classifier.sharkrf.mtry": (0, True),
    "classifier.sharkrf.oobr": (0, False),
}
_OPTION = re.compile(r"-(?P<name>[A-Za-z][\w.]*)\s+(?P<number>\S+)\s*")


def parse_options(given: Any) -> Any:
    """Options of a classifier from a mapping, or from OTB's command line as iota2 of 2020 has it.

    Raises:
        ValueError: an option is unknown, given twice, or not set to a number that it can take.
    """
    if isinstance(given, str):
        matches = list(_OPTION.finditer(given))
        if "".join(match[0] for match in matches).strip() != given.strip():
            raise ValueError("must be options with their numbers, such as '-classifier.rf.min 5 -classifier.rf.max 25'")
        pairs: list[tuple[str, object]] = [(match["name"], match["number"]) for match in matches]
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("names an option twice")
    elif isinstance(given, dict):
        pairs = [(str(name).removeprefix("-"), number) for name, number in given.items()]
    else:
        raise ValueError('must be a mapping, such as {"classifier.rf.min": 5}')
    return {name: _option(name, number) for name, number in pairs}


def _option(name: str, given: object) -> int | float:
    """The number of an option, checked."""
    if name not in FOREST_OPTIONS:
        near = get_close_matches(name, FOREST_OPTIONS, n=1, cutoff=0.6)
        wanted = f"did you mean {near[0]}?" if near else f"known are {', '.join(FOREST_OPTIONS)}"
        raise ValueError(f"has an option {name} that i2db does not know: {wanted}")
    lowest, is_mapped = FOREST_OPTIONS[name]
    try:
        number = float(str(given)) if not isinstance(given, bool) else -1.0
    except ValueError:
        number = -1.0
    if not lowest <= number < LARGEST_SEED or (is_mapped and number != int(number)):
        kind = "a whole number" if is_mapped else "a number"
        raise ValueError(f"sets {name} to {given!r}: {kind}, at least {lowest}, is needed")
    return int(number) if number == int(number) else number


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
    features: Annotated[tuple[Index, ...], Names] = Field(
        default=("NDVI", "NDWI", "Brightness"), description="Indices computed for every date beside the bands."
    )
    classifier: Literal["rf", "sharkrf"] = Field(
        default="rf", description="Kind of random forest, by OTB's name: rf grows by depth, sharkrf by size of leaf."
    )
    otb_classifier_options: Annotated[
        dict[str, int | float], BeforeValidator(parse_options, json_schema_input_type=str | dict[str, int | float])
    ] = Field(
        default={},
        description='Options of the classifier by the names of OTB, e.g. {"classifier.rf.min": 5}.',
    )

    @property
    def leaves_one_out(self) -> bool:
        """Whether each run leaves a tile, region, year or value out, so that there are as many runs as these."""
        return self.split_ground_truth and self.split_by in ("tile", "region", "year", "field")

    @property
    def forest_parameters(self) -> ForestParameters:
        """The forest in scikit-learn's terms.

        OTB's rf splits a node that holds more than `min` samples (iota2: 5), scikit-learn one that holds at least
        `min_samples_split`. Shark's `nodesize` is the smallest leaf. `var` and `mtry` 0 are the root of the number
        of features.
        """
        options = {name: int(number) for name, number in self.otb_classifier_options.items()}

        def option(name: str, default: int) -> int:
            return options.get(f"classifier.{self.classifier}.{name}", default)

        if self.classifier == "sharkrf":
            return ForestParameters(
                n_trees=option("nbtrees", 100),
                max_depth=None,
                min_samples_split=2,
                min_samples_leaf=option("nodesize", 25),
                max_features=option("mtry", 0) or "sqrt",
            )
        return ForestParameters(
            n_trees=option("nbtrees", 100),
            max_depth=option("max", 25),
            min_samples_split=max(2, option("min", 5) + 1),
            min_samples_leaf=1,
            max_features=option("var", 0) or "sqrt",
        )
