"""What code in a sandbox sees of time: in steps."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from public_copies import PublicCopies

# Thirty readings, in microseconds: their distances are whole steps of the clock, and timers are never early on it.
SCRIPT = """
const raw = new Set();
while (raw.size < 30) raw.add(Math.round(performance.now() * 1000));
const began = performance.now();
setTimeout(() => print(JSON.stringify({
  distances: [...new Set([...raw].slice(1).map((time, i) => time - [...raw][i]))],
  waited: performance.now() - began,
})), 20);
"""


def run(public: PublicCopies, folder: Path, *options: str) -> dict[str, float]:
    script = folder / "clock.js"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [public.command, "--shell", *options, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("options", "step"), [((), 5), (("--clock-step", "100"), 100), (("--clock-step", "1000"), 1000)]
)
def test_clocks_go_in_steps(public: PublicCopies, tmp_path: Path, options: tuple[str, ...], step: int) -> None:
    seen = run(public, tmp_path, *options)
    assert all(distance % step == 0 and distance > 0 for distance in seen["distances"]), seen
    assert seen["waited"] >= 20


@pytest.mark.parametrize("step", ["4", "1001", "fine"])
def test_other_steps_are_refused(public: PublicCopies, tmp_path: Path, step: str) -> None:
    script = tmp_path / "clock.js"
    script.write_text("")
    done = subprocess.run(
        [public.command, "--shell", "--clock-step", step, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "is not a number from 5 to 1000" in done.stderr
