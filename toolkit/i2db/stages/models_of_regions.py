"""Which models a region has: one, or several whose labels are fused, and what each learns from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from i2db.chain.project import Project
from i2db.errors import InputError
from i2db.learn.reduction import FeatureKey


@dataclass(frozen=True, slots=True)
class RegionModels:
    """The models of all regions, and which features each has.

    Attributes:
        models: (region, sensor or None) by the name of the model.
        keys: all features, in their order.
        sensor_names: the sensors that there are; features of none of them go with every model.
    """

    models: Mapping[str, tuple[str, str | None]]
    keys: Sequence[FeatureKey]
    sensor_names: Sequence[str]

    @classmethod
    def of(
        cls, rows: Sequence[Mapping[str, Any]], keys: Sequence[FeatureKey], sensor_names: Sequence[str]
    ) -> RegionModels:
        """From rows with model, region and sensor."""
        return cls({row["model"]: (row["region"], row["sensor"]) for row in rows}, keys, sensor_names)

    @property
    def regions(self) -> list[str]:
        """The regions, each once."""
        return list(dict.fromkeys(region for region, _ in self.models.values()))

    @property
    def sensors(self) -> list[str | None]:
        """The sensors that models are for, each once; None stands for all of them."""
        return list(dict.fromkeys(sensor for _, sensor in self.models.values()))

    def region_of(self, model: str) -> str:
        """The region whose pixels a model classifies."""
        return self.models[model][0]

    def sensor_of(self, model: str) -> str | None:
        """The sensor that a model is for; None for all."""
        return self.models[model][1]

    def has_several(self, region: str) -> bool:
        """Whether a region has more than one model."""
        return sum(of_model == region for of_model, _ in self.models.values()) > 1

    def columns(self, sensor: str | None) -> tuple[int, ...] | None:
        """Places of the features of a sensor, and of those of no sensor, among all; None for all of them."""
        if sensor is None:
            return None
        return tuple(
            place for place, key in enumerate(self.keys) if key.sensor == sensor or key.sensor not in self.sensor_names
        )

    def features(self, sensor: str | None) -> list[FeatureKey]:
        """These features themselves."""
        columns = self.columns(sensor)
        return list(self.keys) if columns is None else [self.keys[place] for place in columns]


def several_models(project: Project) -> list[Any] | None:
    """Why regions have several models, with all that decides which; None where each has one."""
    config = project.config
    if config.arg_train.late_fusion:
        return ["sensor", list(project.sensor_names)]
    if config.arg_classification.classif_mode == "fusion":
        return ["part", config.chain.mode_outside_regionsplit]
    return None


def deal_out(project: Project) -> None:
    """Fill tables `region_model` and `polygon_model` from those of the split.

    A region whose polygons have more than chain.mode_outside_regionsplit square kilometres has ceil(area / that) models
    (iota2's rule), but no more than its largest class has groups to learn from. With arg_train.late_fusion it has a
    model per sensor, all of which learn from the same pixels.
    """
    database = project.database
    sizes = database.rows("split/region_sizes")
    reason: Literal["sensor", "part"] | None = (several_models(project) or [None])[0]
    models: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for row in sizes:
        region = str(row["region"])
        of_region: list[dict[str, Any]]
        if reason == "sensor":
            of_region = [
                {"region": region, "model": f"{region}_{sensor}", "sensor": sensor} for sensor in project.sensor_names
            ]
            dealt = [(str(model["model"]), 0, 1) for model in of_region]
        else:
            limit = project.config.chain.mode_outside_regionsplit * 1e6 if reason == "part" else math.inf
            n = max(1, min(math.ceil(row["area"] / limit), int(row["n_groups"])))
            names = [f"{region}f{number}" for number in range(1, n + 1)] if n > 1 else [region]
            of_region = [{"region": region, "model": name, "sensor": None} for name in names]
            dealt = [(name, number, n) for number, name in enumerate(names)] if n > 1 else []
        models += of_region
        parts += [{"region": region, "model": name, "part": k, "n_parts": n} for name, k, n in dealt]
    names = [model["model"] for model in models]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"two models would have the name {twice[0]}, of a region and of a part of another",
            hint="give the regions names that do not end as the parts of others do (1f2, 1_Landsat8)",
        )
    database.replace("region_model", models)
    database.run("split/deal", parts=parts, random_seed=project.random_seed)
