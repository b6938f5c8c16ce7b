"""Measures of a run of the benchmarks, kept as JSON with the machine, the commit and what was compared with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dcp_evaluator.benchmark.run import described_machine

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Measure:
    """``spread``: the quartiles of the value. ``peer``: the value is a ratio of speeds, ours to this peer's."""

    name: str
    value: float
    unit: str
    target: str = ""
    spread: tuple[float, float] | None = None
    peer: str | None = None


def write(folder: Path, measures: Sequence[Measure], *, full: bool, left_out: Mapping[str, str] | None = None) -> Path:
    """Writes a file named for the time and the commit. Nothing in it names the machine or its user.

    ``left_out``: what nothing was compared with, and why.
    """
    now = datetime.now(UTC)
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    report = {
        "date": now.strftime("%Y-%m-%d %H:%M"),
        "commit": commit,
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "full": full,
        "machine": described_machine(),
        "load": float(Path("/proc/loadavg").read_text(encoding="ascii").split()[1]),
        "left_out": dict(left_out or {}),
        "measures": [asdict(measure) for measure in measures],
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{now:%Y%m%d-%H%M%S}-{commit}.json"
    file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return file


def read(folder: Path) -> list[dict[str, Any]]:
    """All runs, the oldest first."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
