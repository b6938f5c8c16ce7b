"""DistributionRange: values of a statistical distribution, some of them random."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from .failures import RangeError
from .lazy import LazySequence
from .numbers import LONGEST_TEXT, count, plain

Uniform = Callable[[], float]
"""What ``Math.random`` is: a number from 0 to below 1."""

_CALL = r"(\w+?)\((\d+?)(?:,(.+?))?\)"
_TEXTS = [re.compile(pattern, re.ASCII) for pattern in (rf"\[object DistributionRange {_CALL}\]", _CALL)]
_FLOAT = re.compile(r"\s*([+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))")


class DistributionRange(LazySequence):
    """``length`` values of a distribution by name (``range-object.js``, ``stats-ranges.js``).

    ======================================== =============================================================
    distribution, parameters                 element ``k`` of ``n``
    ======================================== =============================================================
    random min max                           a random number from min to below max
    randomInt min max                        the same, rounded down
    normalRNG mean deviation                 a random number of a normal distribution
    identity                                 ``k``
    poisson rate                             the probability of ``k`` events
    normal mean deviation [start [end]]      the density at ``k``, or at ``k`` of ``n`` steps from start to end
    binomial p                               the probability of ``k`` in ``n``
    ======================================== =============================================================

    The random ones give another value each time they are asked, as dcp-client's do, which also forgets values that an
    object brings. Probabilities agree with JavaScript's to a relative 1e-9.
    """

    def __init__(self, length: int, dist: str, *params: Any, uniform: Uniform = random.random) -> None:
        """``params`` are numbers, bool or None, which counts as 0. Raises RangeError for other names and lengths."""
        if not isinstance(dist, str) or dist not in _DISTRIBUTIONS:
            raise RangeError(f"there is no such distribution; there are {', '.join(_DISTRIBUTIONS)}")
        if isinstance(length, bool) or not isinstance(length, int | float):
            raise RangeError("the length of a distribution must be a number")
        if not all(value is None or isinstance(value, int | float) for value in params):
            raise RangeError("the parameters of a distribution must be numbers")
        self._length = count(length, dist)
        self.dist = dist
        self.params = params
        self._uniform = uniform

    def __len__(self) -> int:
        return self._length

    def _at(self, index: int) -> Any:
        try:
            value = _DISTRIBUTIONS[self.dist](
                _Parameters(self.params), float(index), float(self._length), self._uniform
            )
        except OverflowError:
            value = math.inf
        return plain(value)

    def as_json(self) -> dict[str, Any]:
        """What JSON.stringify has of it in JavaScript, where NaN is null."""
        shown = [None if isinstance(value, float) and not math.isfinite(value) else value for value in self.params]
        return {"distributor": {}, "length": self._length, "dist": self.dist, "params": shown}


def distribution_range(obj: Any) -> DistributionRange | None:
    """Of ``{length, dist, params}`` or a text such as ``random(10,0,1)``; None where it is neither."""
    if isinstance(obj, str) and len(obj) <= LONGEST_TEXT:
        for pattern in _TEXTS:
            if parts := pattern.fullmatch(obj):
                params = [_parse_float(text) for text in (parts[3] or "").split(",")]
                return DistributionRange(int(parts[2]), parts[1], *params)
    if isinstance(obj, dict) and isinstance(obj.get("dist"), str) and isinstance(obj.get("params"), list):
        length = obj.get("length")
        if isinstance(length, int | float) and not isinstance(length, bool):
            return DistributionRange(length, obj["dist"], *obj["params"])  # type: ignore[arg-type]
    return None


def _parse_float(text: str) -> float:
    found = _FLOAT.match(text)
    return float(found[1].replace("Infinity", "inf")) if found else math.nan


class _Parameters:
    """Parameters by position, as JavaScript takes them for numbers."""

    def __init__(self, given: Sequence[Any]) -> None:
        self._given = given

    def number(self, position: int, default: float = math.nan) -> float:
        value = self._given[position] if position < len(self._given) else default
        return 0.0 if value is None else float(value)

    def is_number(self, position: int) -> bool:
        value = self._given[position] if position < len(self._given) else None
        return value is not None and not isinstance(value, bool)

    def is_missing(self, position: int) -> bool:
        return position >= len(self._given)

    def flag(self, position: int) -> bool:
        value = self._given[position] if position < len(self._given) else None
        return bool(value) and value == value  # NaN is none

    def no_flag(self, position: int) -> None:
        """dcp-client throws where random values of such a distribution are asked for."""
        if self.flag(position):
            raise RangeError("dcp-client has no random values of this distribution")


def _random(params: _Parameters, k: float, n: float, uniform: Uniform) -> float:
    low, high = params.number(0), params.number(1)
    return uniform() * (high - low) + low


def _random_int(params: _Parameters, k: float, n: float, uniform: Uniform) -> float:
    value = _random(params, k, n, uniform)
    return float(math.floor(value)) if math.isfinite(value) else value


def _normal_rng(params: _Parameters, k: float, n: float, uniform: Uniform) -> float:
    square = 0.0
    while square == 0 or square >= 1:
        u, v = uniform() * 2 - 1, uniform() * 2 - 1
        square = u**2 + v**2
    value = u * math.sqrt(-2 * math.log(square) / square)
    return value * params.number(1) + params.number(0)


def _identity(params: _Parameters, k: float, n: float, uniform: Uniform) -> float:
    return k


def _poisson(params: _Parameters, k: float, n: float, uniform: Uniform) -> float:
    params.no_flag(1)
    rate = params.number(0)
    if math.isnan(rate) or rate < 0:
        return math.nan
    return _exp(-rate + k * _log(rate) - math.lgamma(k + 1))


def _normal(params: _Parameters, k: float, n: float, uniform: Uniform) -> float:
    mean, deviation = params.number(0, 0.0), params.number(1, 1.0)
    start = params.number(2)
    if params.flag(4):
        start = 0.0 if params.is_missing(2) else start
        end = start + n if params.is_missing(3) else params.number(3)
        x = uniform() * (end - start) + start
    elif params.is_number(2) and params.is_missing(3):
        x = start + k
    elif params.is_number(2) and params.is_number(3):
        x = k * ((params.number(3) - start) / n) + start
    else:
        x = k
    return _exp(-((x - mean) ** 2) / 2 * deviation**2)


def _binomial(params: _Parameters, k: float, n: float, uniform: Uniform) -> float:
    params.no_flag(1)
    p = params.number(0)
    logarithm = _sum_of_logs(n - k + 1, n) - _sum_of_logs(2, k) + k * _log(p) + (n - k) * _log(1 - p)
    return _exp(logarithm)


def _sum_of_logs(low: float, high: float) -> float:
    return math.lgamma(high + 1) - math.lgamma(low) if low <= high else 0.0


def _log(x: float) -> float:
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


_DISTRIBUTIONS: dict[str, Callable[[_Parameters, float, float, Uniform], float]] = {
    "random": _random,
    "randomInt": _random_int,
    "identity": _identity,
    "poisson": _poisson,
    "normal": _normal,
    "binomial": _binomial,
    "normalRNG": _normal_rng,
}
