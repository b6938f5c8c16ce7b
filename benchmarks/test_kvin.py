"""KVIN here and in npm's kvin 9.0.0 on Node, in turn: a typed array of 16 MiB, 10,000 small objects.

Texts are bytes of UTF-8 on both sides, as they go to the wire and come from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import peers
from dcp_protocol import kvin
from npm_packages import installed

_PASSES = 5
_NUMBERS = 1 << 21
_OBJECTS = 10_000

_RANDOM = f"Float64Array.from({{ length: {_NUMBERS} }}, Math.random)"
_SMALL = (
    f"Array.from({{ length: {_OBJECTS} }}, "
    "(_, i) => ({ id: i, name: `item ${i}`, at: { x: i / 3, y: null }, good: true }))"
)
_SMALL_WITH_ARRAYS = _SMALL.replace("good: true", "tags: ['a', 'b']")

_TIMES = """async ({ folder, source }) => {
  const kvin = require(folder + "/kvin");
  const value = eval(source);
  const time = (work) => {
    work();
    const times = [];
    for (let i = 0; i < 5; i++) {
      const begun = performance.now();
      work();
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b)[2];
  };
  const text = Buffer.from(kvin.serialize(value));
  return {
    encode: time(() => Buffer.from(kvin.serialize(value))),
    decode: time(() => kvin.deserialize(text.toString())),
  };
}"""


def _random() -> Any:
    return np.random.default_rng(1).random(_NUMBERS)


def _small(**more: Any) -> Any:
    return [{"id": i, "name": f"item {i}", "at": {"x": i / 3, "y": None}, **more} for i in range(_OBJECTS)]


def _median(work: Callable[[], object]) -> float:
    """Milliseconds."""
    work()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - begun))
    return float(np.median(times))


_VALUES = {
    "Float64Array of 16 MiB": (_random, _RANDOM),
    "10,000 small objects": (lambda: _small(good=True), _SMALL),
    "10,000 small objects with arrays": (lambda: _small(tags=["a", "b"]), _SMALL_WITH_ARRAYS),
}

_QUICK = ("10,000 small objects",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in _QUICK else pytest.mark.full) for name in _VALUES]
)
def test_kvin(benchmark, measure, left_out, full, name):
    if installed("dcp5") is None:
        left_out("npm's kvin", "not installed: make npm-packages")
        pytest.skip("npm's kvin is not installed")
    make, source = _VALUES[name]
    value = make()
    text = kvin.serialize(value)
    inputs = {"folder": str(peers.folder("dcp5")), "source": source}
    ratios: dict[str, list[float]] = {"encode": [], "decode": []}

    def run() -> None:
        theirs = peers.node(_TIMES, inputs)
        ratios["encode"].append(theirs["encode"] / _median(lambda: kvin.serialize(value)))
        ratios["decode"].append(theirs["decode"] / _median(lambda: kvin.deserialize(text)))

    benchmark.pedantic(run, rounds=_PASSES if full else 3)
    for step, found in ratios.items():
        spread = (float(np.quantile(found, 0.25)), float(np.quantile(found, 0.75)))
        measure(f"KVIN, {step}: {name}", float(np.median(found)), "x", "1.0", spread=spread, peer="npm's kvin on Node")
