"""Section arg_classification: what is made of the models, map by map."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from i2db.config.fields import ConfigSection, Names, Text

FusionMethod = Literal["majorityvoting", "dempstershafer"]
#: What the belief in a label is taken from (iota2's dempstershafer_mob).
MassOfBelief = Literal["precision", "recall", "accuracy", "kappa"]
Smoothing = Literal["bayes", "majority"]

#: Pixels around each that smoothing looks at, where smoothing_radius is not set.
DEFAULT_RADIUS: dict[str, int] = {"bayes": 3, "majority": 1}


def _fusion_options(given: Any) -> Any:
    """The method of OTB's FusionOfClassifications in a text such as '-nodatalabel 0 -method majorityvoting'."""
    if not isinstance(given, str):
        raise ValueError("must be options in one text, such as '-nodatalabel 0 -method majorityvoting'")
    words = given.split()
    method = "majorityvoting"
    for name, setting in zip(words[::2], [*words[1::2], ""], strict=False):
        if name == "-method":
            method = setting
        elif name not in ("-nodatalabel", "-undecidedlabel") or setting != "0":
            raise ValueError(
                f"has {name} {setting}".rstrip() + "; known are -method majorityvoting or dempstershafer, "
                "-nodatalabel 0 and -undecidedlabel 0"
            )
    if method not in ("majorityvoting", "dempstershafer"):
        raise ValueError(f"has -method {method or 'without a name'}; known are majorityvoting and dempstershafer")
    return f"-nodatalabel 0 -method {method}"


class ArgClassification(ConfigSection):
    """What is made of the models."""

    classif_mode: Literal["separate", "fusion"] = Field(
        default="separate",
        description="How a region is classified: by the one model of its own, or by several whose labels are fused: "
        "those of its parts (chain.mode_outside_regionsplit).",
    )
    fusion_options: Annotated[Text, BeforeValidator(_fusion_options, json_schema_input_type=str)] = Field(
        default="-nodatalabel 0 -method majorityvoting",
        description="How the labels of several models of a region become one, as options of OTB's "
        "FusionOfClassifications: -method majorityvoting, or dempstershafer, whose masses of belief "
        "(dempstershafer_mob) come from folds of the models' own samples.",
    )
    no_label_management: Literal["maxConfidence", "learningPriority"] = Field(
        default="maxConfidence",
        description="Which label a pixel gets where the models of a region are undecided: that of the surest model, or "
        "that of the model with most samples on the pixel's tile.",
    )
    enable_probability_map: bool = Field(
        default=False, description="Whether a map of the probability of every class is written."
    )
    generate_final_probability_map: bool = Field(
        default=False, description="The same under iota2's later name: one of the two is enough."
    )
    uncertainty_maps: Annotated[tuple[Literal["margin", "entropy"], ...], Names] = Field(
        default=(),
        description="Maps beside the confidence, 'margin entropy' or one of them, in percent: the largest probability "
        "less the second, and Shannon's entropy in parts of its maximum.",
    )
    smoothing: Smoothing | None = Field(
        default=None,
        description="How maps are smoothed, beside those that are not: bayes, from the probabilities around each pixel "
        "(Camara et al. 2024), or majority, the most frequent label around it.",
    )
    smoothing_radius: int | None = Field(
        default=None,
        ge=1,
        le=50,
        description="Pixels around each that smoothing looks at: 3 is a window of 7 x 7; majority looks at a ball. "
        "Not set: 3 for bayes, 1 for majority.",
    )
    smoothing_variance: float = Field(
        default=10.0,
        gt=0,
        description="Variance of a pixel's own evidence in smoothing bayes (smoothness of sits): more is smoother.",
    )
    smoothing_fraction: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the pixels around, those where a class is likeliest, that say what is expected of it in "
        "smoothing bayes; below 1 the borders of fields stay.",
    )
    merge_final_classifications: bool = Field(
        default=False, description="Whether the maps of all runs are fused into one."
    )
    merge_final_classifications_method: FusionMethod = Field(
        default="majorityvoting",
        description="How: by the most frequent label, or by combining the evidence of all (Dempster and Shafer).",
    )
    merge_final_classifications_undecidedlabel: int = Field(
        default=255,
        ge=1,
        le=65535,
        description="Label of pixels where the fusion of runs is undecided; it must be no class.",
    )
    merge_final_classifications_ratio: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Share of the polygons of each class that neither learn nor validate in any run, and validate the "
        "fused map.",
    )
    dempstershafer_mob: MassOfBelief = Field(
        default="precision",
        description="How far a classification is believed where it says a class, from its confusion matrix.",
    )
    fusionofclassification_all_samples_validation: bool = Field(
        default=False,
        description="Whether the fused map is validated on all polygons, those that learnt among them, so that none is "
        "held back.",
    )
    keep_runs_results: bool = Field(
        default=True, description="Whether RESULTS_seeds.txt tells of the runs, where RESULTS.txt is of the fused map."
    )

    @property
    def has_probability_map(self) -> bool:
        """Whether a probability map is made, under either of its keys."""
        return self.enable_probability_map or self.generate_final_probability_map

    @property
    def keeps_probabilities(self) -> bool:
        """Whether the probabilities of all classes are kept for the maps that are made of them."""
        of_fusion = self.merge_final_classifications and bool(self.uncertainty_maps)
        return self.has_probability_map or self.smoothing == "bayes" or of_fusion

    @property
    def fusion_method(self) -> str:
        """How the labels of several models of a region become one."""
        return self.fusion_options.rsplit(maxsplit=1)[-1]

    @property
    def holds_polygons_back(self) -> bool:
        """Whether polygons are kept aside to validate the fused map."""
        return self.merge_final_classifications and not self.fusionofclassification_all_samples_validation

    @property
    def radius(self) -> int:
        """Pixels around each that smoothing looks at; 0 without smoothing."""
        if self.smoothing is None:
            return 0
        return self.smoothing_radius or DEFAULT_RADIUS[self.smoothing]
