"""What is asked of which band: iota2's `band:method`, parsed and checked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from i2db.errors import ConfigError

#: As iota2 writes it, in a string, a list of strings, or a mapping of bands to methods.
Params = str | Sequence[str] | Mapping[int, str]


class Method(StrEnum):
    """What can be asked of a band."""

    RATE = "rate"
    STATS = "stats"
    STATSMAJ = "statsmaj"
    STATS_CLASS = "stats_class"
    VAL = "val"
    COUNT = "count"
    MEAN = "mean"
    STD = "std"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    PERCENTILE = "percentile"
    MAJORITY = "majority"
    VARIETY = "variety"


#: Methods that are made from moments, from counts per number, and those that need the band of classes as well.
OF_MOMENTS = frozenset({Method.STATS, Method.COUNT, Method.MEAN, Method.STD, Method.MIN, Method.MAX})
OF_NUMBERS = frozenset({Method.MEDIAN, Method.PERCENTILE, Method.MAJORITY, Method.VARIETY})
OF_CLASSES = frozenset({Method.STATSMAJ, Method.STATS_CLASS})

_NAMED = sorted(
    {str(method) for method in Method} - {"stats_class", "percentile"} | {"stats_<class>", "percentile_<p>"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """One method on one band.

    Attributes:
        band: number over the bands of all rasters, from 1.
        method: what is asked.
        argument: the class of stats_<class>, the p of percentile_<p>.
    """

    band: int
    method: Method
    argument: float | None = None

    @property
    def fraction(self) -> float:
        """The fraction below a percentile; the median's is a half."""
        return 0.5 if self.argument is None else self.argument / 100

    def __str__(self) -> str:
        if self.method is Method.STATS_CLASS:
            return f"{self.band}:stats_{self.argument:g}"
        return f"{self.band}:{self.method}" + ("" if self.argument is None else f"_{self.argument:g}")


def parse_params(params: Params) -> tuple[Request, ...]:
    """The requests of `1:rate 2:statsmaj`, of a list of such words, or of {1: "rate", 2: "statsmaj"}.

    Raises:
        ConfigError: a word of another form, an unknown method, nothing at all, the same twice, or a method that needs
            classes where no band has the method rate.
    """
    if isinstance(params, Mapping):
        words = [f"{band}:{method}" for band, text in params.items() for method in str(text).replace(",", " ").split()]
    elif isinstance(params, str):
        words = params.replace(",", " ").split()
    else:
        words = [word for text in params for word in str(text).replace(",", " ").split()]
    requests = tuple(_request(word) for word in words)
    if not requests:
        raise ConfigError("no statistic is asked for", hint="e.g. --params '1:rate 2:statsmaj'")
    twice = next((request for i, request in enumerate(requests) if request in requests[:i]), None)
    if twice is not None:
        raise ConfigError(f"params: {twice} is asked for twice")
    needy = next((request for request in requests if request.method in OF_CLASSES), None)
    if needy is not None and class_band(requests) is None:
        raise ConfigError(
            f"params: {needy} needs classes, and no band has the method rate", hint="name the band of classes: '1:rate'"
        )
    return requests


def class_band(requests: Sequence[Request]) -> int | None:
    """The band whose classes `statsmaj` and `stats_<class>` mean: the first that has the method rate."""
    return next((request.band for request in requests if request.method is Method.RATE), None)


def _request(word: str) -> Request:
    found = re.fullmatch(r"(\d+):(\S+)", word)
    if found is None or int(found[1]) < 1:
        raise ConfigError(f"params: {word!r} is not 'band:method'", hint="bands count from 1, e.g. '1:rate 2:stats'")
    band, text = int(found[1]), found[2].lower()
    if match := re.fullmatch(r"stats_(-?\d+)", text):
        return Request(band, Method.STATS_CLASS, int(match[1]))
    if match := re.fullmatch(r"(?:percentile_|p)(\d+(?:\.\d+)?)", text):
        if float(match[1]) > 100:
            raise ConfigError(f"params: {word!r}: a percentile lies between 0 and 100")
        return Request(band, Method.PERCENTILE, float(match[1]))
    if text in (Method.STATS_CLASS, Method.PERCENTILE) or text not in list(Method):
        near = difflib.get_close_matches(text, _NAMED, n=1)
        raise ConfigError(
            f"params: {word!r}: there is no method {text}",
            hint=f"did you mean {near[0]}?" if near else "methods are " + ", ".join(_NAMED),
        )
    return Request(band, Method(text))
