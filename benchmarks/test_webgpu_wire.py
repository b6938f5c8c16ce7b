"""The GPU host's decoder, without a GPU behind it."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

_PROGRAM = Path(__file__).parents[1] / "build/package/decode_commands"


def test_decoding(benchmark, measure):
    done = benchmark.pedantic(subprocess.run, ([_PROGRAM],), {"capture_output": True, "text": True, "check": True})
    rates = [float(line) for line in done.stdout.splitlines()]
    measure("wire: commands decoded a second, median", statistics.median(rates) / 1e6, "million/s", ">= 5")
