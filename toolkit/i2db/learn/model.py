"""Models on disk: a folder with a card that says what a model is and what it needs, and the files it is made of.

A forest is an archive of arrays; other models of scikit-learn, and what transforms the features first, are files of
skops. No pickle.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from i2db import __version__
from i2db.errors import ContractError, InputError
from i2db.learn.classifier import Classifier
from i2db.learn.estimator_file import from_bytes, to_bytes
from i2db.learn.forest import Forest, check_forest
from i2db.learn.scikit import ScikitModel

ARRAYS_FILE = "forest.npz"
ESTIMATOR_FILE = "estimator.skops"
TRANSFORM_FILE = "transform.skops"
CARD_FILE = "card.json"
CARD_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model is. Nothing in it depends on when or where it was made: equal input gives equal bytes.

    classes: (code, name) in the order of the probabilities. features: names in the order of the columns.
    parameters: what it was fitted with, as JSON can hold it. n_samples: (code, number of samples it was fitted on).
    libraries: (name, version) of what fitted it.
    """

    kind: str
    run: int
    region: str
    classes: tuple[tuple[int, str], ...]
    features: tuple[str, ...]
    parameters: Mapping[str, Any]
    n_samples: tuple[tuple[int, int], ...]
    confidence_kind: str
    libraries: tuple[tuple[str, str], ...]
    created_with: str

    @property
    def features_hash(self) -> str:
        """Hash of the feature names in their order: equal for models that can read the same rows."""
        return features_hash(self.features)


def features_hash(names: Sequence[str]) -> str:
    """SHA-256 of feature names in order, hexadecimal."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def model_card(
    model: Classifier,
    *,
    run: int,
    region: str,
    features: Sequence[str],
    class_names: Mapping[int, str],
    parameters: Mapping[str, Any],
    n_samples: Mapping[int, int],
) -> ModelCard:
    """The card of a model that was just fitted; ContractError where names and model do not go together."""
    codes = [int(code) for code in model.classes]
    if len(features) != model.n_features:
        raise ContractError(f"{len(features)} feature names for a model of {model.n_features} features")
    for what, mapping in (("name", class_names), ("number of samples", n_samples)):
        missing = [code for code in codes if code not in mapping]
        if missing:
            raise ContractError(f"no {what} for class {missing[0]} of the model of region {region}, run {run}")
    return ModelCard(
        kind=model.kind,
        run=run,
        region=region,
        classes=tuple((code, class_names[code]) for code in codes),
        features=tuple(features),
        parameters=dict(sorted(parameters.items())),
        n_samples=tuple((code, int(n_samples[code])) for code in codes),
        confidence_kind=model.confidence_kind,
        libraries=(
            ("numpy", metadata.version("numpy")),
            ("python", platform.python_version()),
            ("scikit-learn", metadata.version("scikit-learn")),
        ),
        created_with=f"i2db {__version__}",
    )


def require_features(card: ModelCard, names: Sequence[str]) -> None:
    """ContractError that names the first differences unless `names` are the model's features in the model's order."""
    if features_hash(names) == card.features_hash:
        return
    differences = []
    if missing := [name for name in card.features if name not in set(names)]:
        differences.append(f"missing: {_some(missing)}")
    if extra := [name for name in names if name not in set(card.features)]:
        differences.append(f"unknown to the model: {_some(extra)}")
    pairs = zip(card.features, names, strict=False)
    if first := next(((i, a, b) for i, (a, b) in enumerate(pairs) if a != b), None):
        differences.append(f"column {first[0]} should be {first[1]} and is {first[2]}")
    if len(names) != len(card.features):
        differences.append(f"{len(names)} features instead of {len(card.features)}")
    raise ContractError(
        f"the {card.kind} model of region {card.region}, run {card.run} needs other features; "
        + "; ".join(differences),
        hint="fit the model again on these features, or classify with those it was fitted on",
    )


def _some(names: Sequence[str], n: int = 3) -> str:
    return ", ".join(names[:n]) + (f" and {len(names) - n} more" if len(names) > n else "")


def save_model(folder: Path, model: Classifier, card: ModelCard) -> None:
    """Write the model to `folder`, which appears whole or not at all; one that is there is replaced.

    Raises:
        ContractError: it is made of types that could not be read again.
    """
    contents = _contents(model)
    inner = model.estimator if isinstance(model, ScikitModel) else model
    is_wide = isinstance(inner, Forest) and inner.is_wide
    text = _card_to_text(card, {name: hashlib.sha256(held).hexdigest() for name, held in contents.items()}, is_wide)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    retired = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    for leftover in (temporary, retired):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir()
    for name, content in contents.items():
        _write_synced(temporary / name, content)
    _write_synced(temporary / CARD_FILE, text.encode())
    _sync_folder(temporary)
    if folder.exists():
        folder.rename(retired)
    temporary.rename(folder)
    _sync_folder(folder.parent)
    shutil.rmtree(retired, ignore_errors=True)


def load_model(folder: Path) -> tuple[Classifier, ModelCard]:
    """Read a model and its card; ContractError for a flipped byte, InputError for a folder without a model."""
    document = _card_from_text(_read(folder, CARD_FILE), folder)
    contents = {}
    for name, digest in document["files"].items():
        contents[name] = _read(folder, name)
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise _damaged(folder, f"{name} is not what its card says")
    card = _card_from_document(document)
    model = _model_from_bytes(contents, card, is_wide=document["is_wide"], folder=folder)
    codes = [code for code, _ in card.classes]
    if codes != model.classes.tolist() or len(card.features) != model.n_features or card.kind != model.kind:
        raise _damaged(folder, "card and arrays belong to different models")
    return model, card


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise InputError(f"no model in {folder}: {error.strerror}", hint="run the learning stage") from error


def _contents(model: Classifier) -> dict[str, bytes]:
    """The files of a model without its card."""
    if isinstance(model, Forest):
        return {ARRAYS_FILE: _arrays_to_bytes(model)}
    if not isinstance(model, ScikitModel):
        raise ContractError(f"a {type(model).__name__} cannot be saved")
    contents = {} if model.transform is None else {TRANSFORM_FILE: to_bytes(model.transform)}
    if isinstance(model.estimator, Forest):
        return contents | {ARRAYS_FILE: _arrays_to_bytes(model.estimator)}
    return contents | {ESTIMATOR_FILE: to_bytes(model.estimator)}


def _model_from_bytes(contents: Mapping[str, bytes], card: ModelCard, *, is_wide: bool, folder: Path) -> Classifier:
    """The model of verified files."""
    transform = from_bytes(contents[TRANSFORM_FILE]) if TRANSFORM_FILE in contents else None
    if ESTIMATOR_FILE in contents:
        estimator = from_bytes(contents[ESTIMATOR_FILE])
        classes = np.asarray(estimator.classes_, np.uint16)
    elif ARRAYS_FILE in contents:
        estimator = _arrays_from_bytes(contents[ARRAYS_FILE], is_wide=is_wide, kind=card.kind, folder=folder)
        classes = estimator.classes
        if transform is None:
            forest: Classifier = estimator
            return forest
    else:
        raise _damaged(folder, "its card names no file of a model")
    return ScikitModel(
        kind=card.kind,
        classes=classes,
        n_features=int((transform or estimator).n_features_in_),
        confidence_kind=card.confidence_kind,
        transform=transform,
        estimator=estimator,
    )


def _damaged(folder: Path, what: str) -> ContractError:
    return ContractError(f"the model in {folder} is damaged: {what}", hint="delete the folder and learn again")


def _arrays_to_bytes(forest: Forest) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {
        "classes": forest.classes,
        "nodes": forest.nodes,
        "offsets": forest.offsets,
        "leaf_values": forest.leaf_values,
        "importances": forest.importances,
    }
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _arrays_from_bytes(content: bytes, *, is_wide: bool, kind: str, folder: Path) -> Forest:
    expected: dict[str, tuple[type[np.generic], int]] = {
        "classes": (np.uint16, 1),
        "nodes": (np.int64, 1),
        "offsets": (np.int64, 1),
        "leaf_values": (np.float64, 2),
        "importances": (np.float64, 1),
    }
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in expected}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise _damaged(folder, f"{ARRAYS_FILE} cannot be read ({error})") from error
    for name, (dtype, n_dimensions) in expected.items():
        if arrays[name].dtype != dtype or arrays[name].ndim != n_dimensions:
            raise _damaged(folder, f"{name} is {arrays[name].dtype} with {arrays[name].ndim} dimensions")
        arrays[name].flags.writeable = False
    forest = Forest(is_wide=is_wide, kind=kind, **arrays)
    if problems := check_forest(forest):
        raise _damaged(folder, "; ".join(problems))
    return forest


def _card_to_text(card: ModelCard, files: Mapping[str, str], is_wide: bool) -> str:
    document = asdict(card) | {
        "card_version": CARD_VERSION,
        "features_sha256": card.features_hash,
        "files": dict(files),
        "is_wide": is_wide,
    }
    return _to_json(document | {"card_sha256": hashlib.sha256(_to_json(document).encode()).hexdigest()})


def _to_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _card_from_text(text: bytes, folder: Path) -> dict[str, Any]:
    try:
        document = json.loads(text.decode())
    except ValueError as error:
        raise _damaged(folder, f"{CARD_FILE} is not JSON ({error})") from error
    if not isinstance(document, dict) or _to_json(document).encode() != text:
        raise _damaged(folder, f"{CARD_FILE} was edited")
    checksum = document.pop("card_sha256", None)
    if checksum != hashlib.sha256(_to_json(document).encode()).hexdigest():
        raise _damaged(folder, f"{CARD_FILE} does not match its own checksum")
    if document.get("card_version") != CARD_VERSION:
        raise ContractError(
            f"the model in {folder} has a card of version {document.get('card_version')}, "
            f"this i2db reads version {CARD_VERSION}",
            hint="learn again, or use the version of i2db that the card names",
        )
    return document


def _card_from_document(document: Mapping[str, Any]) -> ModelCard:
    values = {field.name: document[field.name] for field in fields(ModelCard)}
    for name in ("classes", "n_samples", "libraries"):
        values[name] = tuple((first, second) for first, second in values[name])
    return ModelCard(**values | {"features": tuple(values["features"])})


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
