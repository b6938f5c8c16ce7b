"""Monte Carlo: what an Asian option is worth, from paths that sandboxes simulate with numpy.

    python examples/monte_carlo.py [PARTS [ADDRESS]]

Each slice simulates paths of its own and gives two sums. The same parts always give the same price. ADDRESS: of a Ray
cluster whose nodes run them, such as auto; without it they run on this machine.
"""

from __future__ import annotations

import math
import sys

import numpy as np

import dcp_evaluator as dcp

PRICE, STRIKE = 100.0, 105.0
RATE, VOLATILITY, YEARS = 0.03, 0.2, 1.0
PATHS, STEPS = 10_000, 50


def simulate(part: int) -> tuple[float, float]:
    """The sum of the payoffs of this part's paths, and of their squares."""
    random = np.random.default_rng([2026, part])
    step = YEARS / STEPS
    moves = (RATE - VOLATILITY**2 / 2) * step + VOLATILITY * math.sqrt(step) * random.standard_normal((PATHS, STEPS))
    means = PRICE * np.exp(np.cumsum(moves, axis=1)).mean(axis=1)
    payoffs = math.exp(-RATE * YEARS) * np.maximum(means - STRIKE, 0)
    return float(payoffs.sum()), float((payoffs**2).sum())


def estimate(sums: list[tuple[float, float]]) -> tuple[float, float]:
    """The price and its standard error."""
    count = PATHS * len(sums)
    mean = sum(total for total, _ in sums) / count
    variance = sum(squares for _, squares in sums) / count - mean**2
    return mean, math.sqrt(variance / count)


def main() -> None:
    parts = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    job = dcp.compute_for(range(parts), simulate)
    results = job.cluster_exec(sys.argv[2]) if len(sys.argv) > 2 else job.local_exec()
    price, error = estimate(list(results))
    print(f"the option is worth {price:.3f} (standard error {error:.3f}, {PATHS * parts} paths)")


if __name__ == "__main__":
    main()
