"""What the isolation of a sandbox costs: its start, and messages as a slice makes them, against an unsealed child."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import compare
import numpy as np

_COSTS = Path(__file__).parents[1] / "build" / "package" / "tests" / "security" / "seal_costs"


def test_sealing(benchmark, measure):
    """Medians of 100 pairs of starts, and of 24 pairs of children of each 60 rounds of 100 messages there and back."""
    costs = json.loads(benchmark.pedantic(lambda: subprocess.check_output([_COSTS]), rounds=1))
    measure("sealing adds to the start of a sandbox, median", costs["added_us"] / 1e3, "ms", "<= 1")
    measure("round trip of a message, sealed, the shortest", costs["sealed_trip_us"], "us")
    logarithms = np.log(costs["trip_ratios"])
    low, high = compare.interval(logarithms)
    ratio = float(np.exp(np.median(logarithms)))
    measure("round trip of a message, sealed / unsealed", ratio, "", f"<= 1.03; with 95 % {low:.3f} to {high:.3f}")
