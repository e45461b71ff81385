"""Expressions over the bands of a pixel as vectors: the essentials of OTB's BandMathX (muParserX).

Every number is an array (components, rows, columns): a band has one component, an image as many as bands, a
neighbourhood as many as pixels, row by row. Arithmetic is component by component; a single component goes with any
number. `;` puts results one after the other, as `cat` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from i2db.errors import ConfigError
from i2db.raster.expression import OPERATIONS, Parser, scalar_functions

Array = NDArray[np.float64]
_Operation = Callable[..., Array]


def _cat(*parts: Array) -> Array:
    shape = np.broadcast_shapes(*(part.shape[1:] for part in parts))
    joined: Array = np.concatenate([np.broadcast_to(part, (part.shape[0], *shape)) for part in parts])
    return joined


def _each(reduce: Callable[[Array], Array]) -> _Operation:
    """A number for each of several vectors, one after the other."""
    return lambda *vectors: _cat(*(reduce(vector)[np.newaxis] for vector in vectors))


def _bands(vector: Array, places: Array) -> Array:
    wanted = places[:, 0, 0]
    if not ((wanted == np.floor(wanted)) & (wanted >= 1) & (wanted <= len(vector))).all():
        raise ConfigError(f"bands(): the vector has the components 1 to {len(vector)}, not {wanted.tolist()}")
    chosen: Array = vector[wanted.astype(np.int64) - 1]
    return chosen


def _dot_product(first: Array, *others: Array) -> Array:
    return _cat(*((first * other).sum(axis=0)[np.newaxis] for other in others))


def _majority(vector: Array) -> Array:
    """The most frequent component; the smallest of several."""
    ordered = np.sort(vector, axis=0)
    best: Array = ordered[0].copy()
    n_best = np.zeros(ordered.shape[1:])
    for component in ordered:
        n = (ordered == component).sum(axis=0)
        better = n > n_best
        best[better], n_best[better] = component[better], n[better]
    return best


def _correlation(one: Array, other: Array) -> Array:
    left, right = one - one.mean(axis=0), other - other.mean(axis=0)
    scale = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
    return np.asarray((left * right).sum(axis=0) / scale)[np.newaxis]


#: Functions of vectors: number of arguments (None: one or more), and what they compute.
_FUNCTIONS: Mapping[str, tuple[int | None, _Operation]] = {
    "cat": (None, _cat),
    "bands": (2, _bands),
    "dotpr": (None, _dot_product),
    "mean": (None, _each(lambda vector: np.asarray(vector.mean(axis=0)))),
    "var": (None, _each(lambda vector: np.asarray(vector.var(axis=0)))),
    "median": (None, _each(lambda vector: np.asarray(np.median(vector, axis=0)))),
    "maj": (None, _each(_majority)),
    "corr": (2, _correlation),
    "vmin": (1, lambda vector: vector.min(axis=0)[np.newaxis]),
    "vmax": (1, lambda vector: vector.max(axis=0)[np.newaxis]),
    "vnorm": (1, lambda vector: np.sqrt((vector**2).sum(axis=0))[np.newaxis]),
    "vect2scal": (1, lambda vector: vector[:1]),
    "vabs": (1, np.abs),
    "vsqrt": (1, np.sqrt),
    "vexp": (1, np.exp),
    "vlog": (1, np.log),
    "vlog10": (1, np.log10),
    "vcos": (1, np.cos),
    "vsin": (1, np.sin),
    "vtan": (1, np.tan),
    "vacos": (1, np.arccos),
    "vasin": (1, np.arcsin),
    "vatan": (1, np.arctan),
}
#: Operators between vectors: by component, and by a number.
_BETWEEN: Mapping[str, _Operation] = {
    "mult": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "mlt": np.multiply,
    "dv": np.divide,
    "pw": np.power,
}
#: Those that need vectors of one length (where neither is a single number).
_ALIKE = frozenset({"dotpr", "corr"})


@dataclass(frozen=True, slots=True)
class VectorExpression:
    """A parsed expression of vectors: its text, the variables that it uses, and its program (see `Expression`)."""

    text: str
    variables: tuple[str, ...]
    _program: tuple[tuple[str, float | str, int], ...]

    def evaluate(self, values: Mapping[str, Array], shape: tuple[int, int]) -> Array:
        """(components, rows, columns) float64, of arrays (components, rows, columns) by variable.

        Raises:
            ConfigError: vectors of different lengths are computed with each other, or a component does not exist.
        """
        stack: list[Array] = []
        with np.errstate(all="ignore"):
            for kind, content, n_arguments in self._program:
                if kind == "number":
                    stack.append(np.full((1, 1, 1), float(content)))
                elif kind == "variable":
                    stack.append(np.asarray(values[str(content)], dtype=np.float64))
                else:
                    arguments = stack[-n_arguments:]
                    del stack[-n_arguments:]
                    stack.append(self._called(str(content), arguments))
        return np.array(np.broadcast_to(stack[0], (stack[0].shape[0], *shape)))

    def _called(self, name: str, arguments: list[Array]) -> Array:
        lengths = {len(argument) for argument in arguments} - {1}
        is_own = name in _FUNCTIONS
        if len(lengths) > 1 and (not is_own or name in _ALIKE):
            told = " and ".join(str(length) for length in sorted(lengths))
            raise ConfigError(f"in {self.text!r} {name} is given vectors of {told} components", hint="bands() chooses")
        operation = _FUNCTIONS[name][1] if is_own else _BETWEEN.get(name) or OPERATIONS[name]
        return np.asarray(operation(*arguments))


def compile_vector_expression(text: str, variables: Sequence[str]) -> VectorExpression:
    """Parse a BandMathX expression over variables of the given names.

    Raises:
        ConfigError: it is not one; the message points at the character.
    """
    functions = scalar_functions() | {name: n for name, (n, _) in _FUNCTIONS.items()}
    parser = Parser(text, variables, functions)
    parser.parse()
    used = tuple(name for name in dict.fromkeys(variables) if name in parser.used)
    return VectorExpression(text=text, variables=used, _program=tuple(parser.program))
