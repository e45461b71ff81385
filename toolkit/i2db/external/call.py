"""Calling a user's function: what it returns is checked, and what goes wrong is told with function, file and line."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2db.errors import InputError
from i2db.external.access import UnknownGetterError
from i2db.external.container import FunctionData
from i2db.external.labels import Labelled, labelled
from i2db.external.module import find_function, told


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as it is called; `arguments` are its keyword arguments as JSON, `margin` (rows, columns) around.

    Where the file lies is not in its `repr`: what it computes depends on its code alone, which `digest` stands for.
    """

    name: str
    arguments: str
    digest: str
    margin: tuple[int, int] = (0, 0)
    #: Path of the user's module, or None for those of i2db.
    module: str | None = None

    def __repr__(self) -> str:
        return f"Function({self.name}, {self.arguments}, {self.digest}, {self.margin})"

    def load(self) -> tuple[Callable[..., Any], Path]:
        """The function and its file.

        Raises:
            InputError: the module is not what it was when the work was planned.
        """
        module, function = find_function(self.name, Path(self.module) if self.module else None)
        if module.digest != self.digest:
            raise InputError(
                f"{module.path} has changed while the chain was running", hint="run again: what depends on it is redone"
            )
        return function, module.path


@dataclass(frozen=True, slots=True)
class Result:
    """What a function returned: (rows, columns, n) float32, and n labels; labels that it left out are None."""

    numbers: NDArray[np.float32]
    labels: tuple[Labelled, ...] | None


def call(function: Function, data: FunctionData, shape: tuple[int, int]) -> Result:
    """Call a function on a window of (rows, columns) and check what it returns.

    Raises:
        InputError: it fails, or what it returns is no array of the window's shape with one label per feature. NaN and
            infinite numbers are let through.
    """
    action, path = function.load()
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # 0 / 0 where a pixel has no data is what functions do; such pixels are masked.
            warnings.simplefilter("ignore", RuntimeWarning)
            returned = action(data, **json.loads(function.arguments))
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        hint = error.hint if isinstance(error, InputError) else _hint(error, path)
        if isinstance(error, UnknownGetterError):
            hint = _sensor_hint(function, action, list(data.interpolated_dates)) or hint
        raise InputError(f"function {function.name} fails: {told(error, path)}", hint=hint) from error
    where = f"function {function.name} ({path}:{_line(action)})"
    return _checked(returned, shape, where)


def _hint(error: BaseException, path: Path) -> str | None:
    name = (error.name or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if name and path.with_name(f"{name}.py").exists():
        return f"import {name} at the top of {path.name}: files beside it are found, and hashed, while it is loaded"
    return None


def _sensor_hint(function: Function, action: Callable[..., Any], known: Sequence[str]) -> str | None:
    """What to do where a function takes the sensor as an argument and got one that is not configured."""
    parameter = inspect.signature(action).parameters.get("sensor")
    if parameter is None or not known or json.loads(function.arguments).get("sensor", parameter.default) in known:
        return None
    given = json.dumps([function.name, {**json.loads(function.arguments), "sensor": known[0]}])
    return f"it takes the sensor as an argument, and the configuration has {', '.join(known)}: functions: [{given}]"


def _line(action: Callable[..., Any]) -> int:
    code = getattr(action, "__code__", None)
    return int(code.co_firstlineno) if code is not None else 1


def _checked(returned: Any, shape: tuple[int, int], where: str) -> Result:
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise InputError(f"{where} must return (array, labels), not {_described(returned)}")
    array, labels = returned
    if not isinstance(array, np.ndarray):
        raise InputError(f"{where} must return (array, labels), and its array is {_described(array)}")
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    rows, columns = shape
    if array.ndim != 3 or array.shape[:2] != (rows, columns) or array.shape[2] < 1:
        raise InputError(
            f"{where} returns an array of shape {tuple(returned[0].shape)} for a window of {rows} rows and {columns} "
            "columns",
            hint="it must be (rows, columns), or (rows, columns, n) for n features; dates are the last axis",
        )
    if array.dtype.kind not in "buif":
        raise InputError(f"{where} returns an array of {array.dtype}, which are no real numbers")
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32)
    too_large = np.isinf(numbers) & np.isfinite(array) if array.dtype.kind == "f" else np.False_
    if np.any(too_large):
        worst = float(np.abs(array[too_large]).max())
        raise InputError(
            f"{where} returns {worst:.3g}, which 32-bit floating point cannot hold (up to 3.4e38)",
            hint="features are kept as 32-bit numbers; scale what it returns",
        )
    return Result(numbers, _labels(labels, numbers.shape[2], where))


def _described(found: Any) -> str:
    return "nothing (there is no return)" if found is None else f"a {type(found).__name__}"


def _labels(labels: Any, n: int, where: str) -> tuple[Labelled, ...] | None:
    if isinstance(labels, str) or not isinstance(labels, Sequence | np.ndarray):
        raise InputError(f"{where} must return its labels as a list, not {_described(labels)}")
    if len(labels) == 0:
        return None
    if len(labels) != n:
        raise InputError(
            f"{where} returns {len(labels)} labels for {n} features",
            hint="one label per feature; an empty list has i2db name them",
        )
    try:
        return tuple(labelled(label) for label in labels)
    except ValueError as error:
        raise InputError(f"{where} has {error} among its labels") from error
