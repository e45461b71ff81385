"""Estimators of scikit-learn as bytes, by skops: no pickle, only listed types, equal bytes for equal estimators."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from i2db.errors import ContractError

#: Types beyond skops's own list that the models of i2db are made of. All are data of scikit-learn without code to run.
TRUSTED = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64",
    "sklearn.metrics._dist_metrics.ChebyshevDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)
_SCHEMA = "schema.json"
#: The earliest time that a ZIP file can hold.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def to_bytes(estimator: Any) -> bytes:
    """The estimator in skops's format; ContractError where a type in it is not in TRUSTED."""
    import skops.io

    content = _without_addresses(skops.io.dumps(estimator))
    _check_types(content)
    return content


def from_bytes(content: bytes) -> Any:
    """The estimator; ContractError for a type that is not trusted."""
    import skops.io

    _check_types(content)
    return skops.io.loads(content, trusted=list(TRUSTED))


def _check_types(content: bytes) -> None:
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED))
    if unknown:
        raise ContractError(
            f"a model with {', '.join(unknown)} is not among the types that i2db saves and loads",
            hint="choose another setting of the classifier; i2db.learn.estimator_file.TRUSTED lists the types",
        )


def _without_addresses(content: bytes) -> bytes:
    """The same archive with numbers in order in the place of addresses in memory, and without times."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}

    def renumbered(node: Any) -> Any:
        if isinstance(node, list):
            return [renumbered(each) for each in node]
        if not isinstance(node, dict):
            return node
        made: dict[str, Any] = {}
        for key, held in node.items():
            if key == "__id__" and isinstance(held, int):
                made[key] = numbers.setdefault(held, len(numbers) + 1)
            elif key == "file" and isinstance(held, str) and held in files:
                suffix = held[held.index(".") :] if "." in held else ""
                made[key] = names.setdefault(held, f"{len(names) + 1}{suffix}")
            else:
                made[key] = renumbered(held)
        return made

    schema = renumbered(json.loads(files.pop(_SCHEMA)))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files, key=lambda each: int(names[each].split(".")[0])):
            archive.writestr(zipfile.ZipInfo(names[name], _NO_TIME), files[name])
        archive.writestr(zipfile.ZipInfo(_SCHEMA, _NO_TIME), json.dumps(schema, sort_keys=True))
    return buffer.getvalue()
