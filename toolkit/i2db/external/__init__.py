"""Functions of the user as features: what a module of functions may import.

A function `f(self, **kwargs)` is given the pixels of a window through `self` and returns `(array, labels)`: an array of
(rows, columns) or (rows, columns, n) numbers, and n labels, each a text, an `I2Label` or an `I2TemporalLabel`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from i2db.external.labels import I2Label, I2TemporalLabel

__all__ = ["I2Label", "I2TemporalLabel", "radius"]

_Function = TypeVar("_Function", bound=Callable[..., object])


def radius(pixels: int) -> Callable[[_Function], _Function]:
    """Declare how many pixels around a pixel a function's numbers depend on: so many are read around every window.

    Raises:
        ValueError: the radius is no whole number of at least 0.
    """
    if isinstance(pixels, bool) or not isinstance(pixels, int) or pixels < 0:
        raise ValueError(f"the radius must be a whole number of pixels, at least 0, not {pixels!r}")

    def declare(function: _Function) -> _Function:
        function.radius = pixels  # type: ignore[attr-defined]
        return function

    return declare
