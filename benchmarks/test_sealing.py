"""What the isolation of a sandbox costs: its start, and messages as a slice makes them, against an unsealed child."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

_COSTS = Path(__file__).parents[1] / "build" / "package" / "tests" / "security" / "seal_costs"


def test_sealing(benchmark, measure):
    """Medians of 100 pairs of starts; the best of 61 rounds of 500 messages there and back."""
    costs = json.loads(benchmark.pedantic(lambda: subprocess.check_output([_COSTS]), rounds=1))
    measure("sealing adds to the start of a sandbox, median", costs["added_us"] / 1e3, "ms", "<= 1")
    ratio = costs["sealed_trip_us"] / costs["plain_trip_us"]
    measure("round trip of a message, sealed / unsealed", ratio, "", "<= 1.03")
