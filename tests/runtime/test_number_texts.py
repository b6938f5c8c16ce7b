"""Numbers as text: the fewest digits that give the number back, and digits as many as are asked for."""

from __future__ import annotations

import math
import random
import struct
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import numpy as np
import pytest

import dcp_evaluator as dcp

POWERS = [2.0**power for power in range(-1074, 1024)]


def doubles(count: int) -> list[float]:
    """Powers of two and ten and their neighbours, doubles of all magnitudes, decimal numbers."""
    chosen = random.Random(15)
    found = [neighbour for x in POWERS for neighbour in (x, math.nextafter(x, 0), math.nextafter(x, math.inf))]
    found += [10.0**power for power in range(-323, 309)]
    found += [struct.unpack("<d", chosen.randbytes(8))[0] for _ in range(count)]
    found += [chosen.random() for _ in range(count // 4)]
    found += [round(chosen.uniform(-1e6, 1e6), chosen.randrange(9)) for _ in range(count // 4)]
    return [x for x in found if math.isfinite(x)]


def texts(evaluator: dcp.Evaluator, numbers: list[float], expression: str, *arguments: list[int]) -> list[str]:
    """``expression`` of each number ``x``; it may name the item ``n`` of ``arguments`` that stands beside it."""
    source = f"(all, beside) => Array.from(all, (x, i) => {{ const n = beside?.[i]; return {expression}; }})"
    results = dcp.compute_for([np.array(numbers)], source, *arguments).local_exec(1, evaluator=evaluator)
    found: list[str] = results[0]
    return found


def ecmascript(x: float) -> str:
    """Number::toString (ECMA-262, 6.1.6.1.20) of the digits that Python finds."""
    if x == 0:
        return "0"
    sign, tuple_of_digits, exponent = Decimal(repr(x)).normalize().as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, tuple_of_digits))
    k, n = len(digits), len(digits) + exponent
    if k <= n <= 21:
        text = digits + "0" * (n - k)
    elif 0 < n <= 21:
        text = f"{digits[:n]}.{digits[n:]}"
    elif -6 < n <= 0:
        text = "0." + "0" * -n + digits
    else:
        text = f"{digits[0]}{'.' * (k > 1)}{digits[1:]}e{n - 1:+d}"
    return "-" * sign + text


def test_a_number_prints_with_the_fewest_digits(evaluator: dcp.Evaluator) -> None:
    numbers = doubles(200_000)
    found = zip(numbers, texts(evaluator, numbers, "String(x)"), strict=True)
    assert [(x, text) for x, text in found if text != ecmascript(x)] == []
    assert texts(evaluator, [2.0**-24, 2.0**149, 2.0**-569], "JSON.stringify(x)") == [
        *("5.960464477539063e-8", "7.1362384635298e+44", "5.17526350329881e-172"),
    ]


def test_digits_as_many_as_are_asked_for(evaluator: dcp.Evaluator) -> None:
    """Where two numbers are as near, the larger one is taken (ECMA-262, 21.1.3)."""
    chosen = random.Random(16)
    numbers = [abs(x) for x in [*chosen.sample(doubles(10_000), 5_000), 0.5, 2.5, 1.005, 25.0, 1e21, 123.456] if x]
    counts = [chosen.randrange(1, 101) for _ in numbers]
    small = [x if x < 1e21 else 1.5 for x in numbers]
    exact = Context(prec=1200, Emin=-2000, Emax=2000)
    fixed = [
        f"{Decimal(x).quantize(Decimal(1).scaleb(-n), ROUND_HALF_UP, context=exact):f}"
        for x, n in zip(small, counts, strict=True)
    ]
    assert texts(evaluator, small, "x.toFixed(n)", counts) == fixed
    rounded = [Context(prec=n, rounding=ROUND_HALF_UP).create_decimal(x) for x, n in zip(numbers, counts, strict=True)]
    exponential = []
    for value, n in zip(rounded, counts, strict=True):
        digits = "".join(map(str, value.as_tuple().digits)).ljust(n, "0")
        exponential.append(f"{digits[0]}{'.' * (n > 1)}{digits[1:]}e{value.adjusted():+d}")
    assert texts(evaluator, numbers, "x.toExponential(n - 1)", counts) == exponential
    precise = texts(evaluator, numbers, "x.toPrecision(n)", counts)
    assert [Decimal(text) for text in precise] == rounded
    assert [("e" in text) for text in precise] == [
        not -7 < value.adjusted() < n for value, n in zip(rounded, counts, strict=True)
    ]


@pytest.mark.engine("quickjs")  # V8 cuts where it likes
def test_a_number_prints_in_any_base_with_the_fewest_digits(evaluator: dcp.Evaluator) -> None:
    chosen = random.Random(17)
    numbers = [abs(x) for x in [*chosen.sample(doubles(10_000), 3_000), *POWERS] if 1e-30 < abs(x) < 1e30]
    bases = [chosen.choice([*range(2, 10), *range(11, 37)]) for _ in numbers]
    for x, base, text in zip(numbers, bases, texts(evaluator, numbers, "x.toString(n)", bases), strict=True):
        whole, _, rest = text.partition(".")
        assert float(Fraction(int(whole + rest, base)) / base ** len(rest)) == x, (x, base, text)
        zeros = len(whole + rest) - len((whole + rest).rstrip("0"))
        coarser = Fraction(base) ** (zeros + 1 - len(rest))  # the last place of a number with a digit less
        below = math.floor(Fraction(x) / coarser)
        assert all(float((below + step) * coarser) != x for step in (0, 1)), (x, base, text)
