"""Models as they lie on disk: which there are, how far each is believed, and those of a region as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from i2db.chain.project import Project
from i2db.learn.model import load_model, require_features
from i2db.learn.reduction import FeatureKey
from i2db.raster.fusion import Belief, beliefs
from i2db.stages.ensemble import Ensemble, Member, Rule
from i2db.stages.models_of_regions import RegionModels

#: How far every label is believed where no model was put to the test: any number above a half makes a vote of it.
UNTESTED = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model on disk: which pixels it is for, of which sensor's features it is (None for all), and how far to believe
    it, per class, where several are fused."""

    run: int
    region: str
    model: str
    sensor: str | None
    kind: str
    path: str
    checksum: str
    beliefs: tuple[tuple[int, float], ...] = ()

    def within(self, folder: Path) -> ModelFile:
        """The same with its path in an output folder."""
        return replace(self, path=str(folder / self.path))

    @property
    def identity(self) -> list[Any]:
        """What a map depends on."""
        return [self.run, self.region, self.model, self.sensor, self.kind, self.checksum, self.beliefs]


def model_files(project: Project) -> list[ModelFile]:
    """All models, each believed as far as its out-of-fold confusion says, where there is one."""
    database, measure = project.database, project.config.arg_classification.dempstershafer_mob
    codes = [int(row["class_code"]) for row in database.rows("classify/class_codes")]
    confusions: dict[tuple[int, str], list[tuple[int, int, int]]] = {}
    for row in database.rows("classify/model_confusion"):
        cell = row["reference_code"], row["predicted_code"], row["n"]
        confusions.setdefault((row["run"], row["model"]), []).append(cell)
    believed = {key: beliefs_of(cells, measure, codes) for key, cells in confusions.items()}
    # Models whose classes have one polygon each are believed as the others on average.
    masses = [mass for of_model in believed.values() for _, mass in of_model]
    untested = tuple((code, math.fsum(masses) / len(masses) if masses else UNTESTED) for code in codes)
    return [
        ModelFile(**row, beliefs=believed.get((row["run"], row["model"]), untested))
        for row in database.rows("classify/models")
    ]


def beliefs_of(
    cells: Sequence[tuple[int, int, int]], measure: Belief, codes: Sequence[int] = ()
) -> tuple[tuple[int, float], ...]:
    """How far each label is believed, from cells (reference, predicted, n) of a confusion matrix.

    A label that is no reference was never put to the test, and is believed as far as the others on average: so are
    those of `codes` that the matrix lacks. Where nothing was tested nothing is believed.
    """
    labels = sorted({code for reference, predicted, _ in cells for code in (reference, predicted)})
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for reference, predicted, n in cells:
        counts[labels.index(reference), labels.index(predicted)] += n
    tested = {reference for reference, _, n in cells if n > 0}
    # A kappa below 0 believes no label.
    believed = {code: max(0.0, mass) for code, mass in beliefs(counts, labels, measure).items() if code in tested}
    if not believed:
        return ()
    mean = math.fsum(believed.values()) / len(believed)
    return tuple(sorted((dict.fromkeys([*codes, *labels], mean) | believed).items()))


def load_ensembles(
    files: Sequence[ModelFile], keys: Sequence[FeatureKey], sensor_names: Sequence[str], rule: Rule
) -> dict[tuple[int, str], Ensemble]:
    """The models of every run and region, in the order of the files.

    Args:
        files: models, paths as they are.
        keys: all features that there are for a pixel, in their order.
        sensor_names: the sensors.
        rule: how several models of a region come to one label.

    Raises:
        ContractError: a model needs other features.
    """
    models = RegionModels({file.model: (file.region, file.sensor) for file in files}, keys, sensor_names)
    members: dict[tuple[int, str], list[Member]] = {}
    for file in files:
        model, card = load_model(Path(file.path))
        require_features(card, [key.name for key in models.features(file.sensor)])
        member = Member(model=model, columns=models.columns(file.sensor), beliefs=dict(file.beliefs))
        members.setdefault((file.run, file.region), []).append(member)
    return {key: Ensemble(members=found, rule=rule) for key, found in members.items()}
