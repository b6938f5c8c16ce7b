"""Random numbers that are a job's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

import dcp_evaluator as dcp

DRAW = "async (n) => { const a = Math.random(); await null; return [a, ...Array.from({ length: n }, Math.random)]; }"


def draw(evaluator: dcp.Evaluator, seed: int | None, sandboxes: int = 2, source: str = DRAW) -> list[list[float]]:
    return list(dcp.compute_for([3] * 6, source).local_exec(sandboxes, evaluator=evaluator, seed=seed))


def test_numbers_are_a_function_of_seed_and_slice(evaluator):
    numbers = draw(evaluator, 7)
    assert draw(evaluator, 7, sandboxes=1) == numbers
    assert draw(evaluator, 8) != numbers
    assert draw(evaluator, 7 + 2**32) != numbers
    flat = [number for row in numbers for number in row]
    assert len(set(flat)) == len(flat)
    assert all(0 <= number < 1 for number in flat)


def sfc32(seed: int, index: int) -> Iterator[float]:
    """Whose words are those of the seed and the slice's number, after 15 rounds."""
    mask = 2**32 - 1
    a, b, c, counter = seed & mask, seed >> 32, index & mask, 0

    def word() -> int:
        nonlocal a, b, c, counter
        total = (a + b + counter) & mask
        counter = (counter + 1) & mask
        a, b = b ^ (b >> 9), (c + (c << 3)) & mask
        c = ((c << 21 | c >> 11) + total) & mask
        return total

    for _ in range(15):
        word()
    while True:
        yield ((word() >> 5) * 2**26 + (word() >> 6)) / 2**53


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 1, 2**53 - 1])
def test_numbers_are_the_same_on_every_engine_and_machine(evaluator, seed):
    assert draw(evaluator, seed) == [list(islice(sfc32(seed, index), 4)) for index in range(6)]
    outside = "const before = Math.random();\n() => [before, Math.random()]"
    assert draw(evaluator, seed, source=outside)[0] == [next(sfc32(seed, -1)), next(sfc32(seed, 0))]


def test_without_a_seed_they_differ(evaluator):
    assert draw(evaluator, None) != draw(evaluator, None)


def test_numbers_are_spread_evenly(evaluator):
    source = """(n) => {
      const counts = new Array(16).fill(0);
      for (let i = 0; i < n; i++) counts[Math.floor(16 * Math.random())]++;
      return counts;
    }"""
    for counts in dcp.compute_for([16_000] * 4, source).local_exec(2, evaluator=evaluator, seed=1):
        chi_squared = sum((count - 1000) ** 2 / 1000 for count in counts)
        assert 3 < chi_squared < 45, "15 degrees of freedom"


@pytest.mark.parametrize("seed", [-1, 2**53, 1.5, "7", True])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match="seed must be a whole number of at"):
        dcp.compute_for([1], DRAW).local_exec(seed=seed)
