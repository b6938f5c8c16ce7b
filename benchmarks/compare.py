"""Whether the work tree is slower than a commit, on a machine that others use too: ``make bench-compare BASE=COMMIT``.

Both builds run the same measures in turns, so that what disturbs the machine disturbs both; the ratio of each pair is
looked at, and the median of the ratios has a confidence interval from a bootstrap. A difference counts where the whole
interval lies beyond it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

_ROOT = Path(__file__).parents[1]
_ONCE = Path(__file__).with_name("compare_once.py")
_RESAMPLES = 4000
_MARGIN = 0.03
"""A change of speed below this is none."""
_DEADLINE = 600.0

Times = Mapping[str, float]
"""Milliseconds by measure."""


@dataclass(frozen=True)
class Ratio:
    """The work tree's speed to the base's: its median over the pairs, with a 95 % confidence interval."""

    name: str
    median: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        if self.high < 1 - _MARGIN:
            return "slower"
        return "faster" if self.low > 1 + _MARGIN else ""


def ratios(pairs: Sequence[tuple[Times, Times]]) -> list[Ratio]:
    """``pairs``: of the base and of the work tree, run one after the other. Measures that one lacks are left out."""
    names = [name for name in pairs[0][0] if all(name in one and name in other for one, other in pairs)]
    found = []
    for name in names:
        speed = np.log([base[name] / tree[name] for base, tree in pairs])
        low, high = interval(speed)
        found.append(Ratio(name, float(np.exp(np.median(speed))), low, high))
    return found


def interval(logarithms: np.ndarray) -> tuple[float, float]:
    """Of the median, with 95 %, by the percentiles of its bootstrap; the same values give the same interval.

    ``logarithms``: of ratios. The interval is one of ratios.
    """
    random = np.random.default_rng(1)
    medians = np.median(random.choice(logarithms, (_RESAMPLES, len(logarithms))), axis=1)
    low, high = np.exp(np.percentile(medians, [2.5, 97.5]))
    return float(low), float(high)


def main() -> int:
    """Returns the exit status: 1 where a measure is slower, 2 where the base cannot be built."""
    options = _options()
    console = Console()
    try:
        base = build(options.base)
        pairs = [_pair(base, options.only, turn) for turn in track(range(options.rounds), "comparing", console=console)]
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or "").strip().splitlines()[-1:] or [f"exit {error.returncode}"]
        print(f"bench-compare: {' '.join(map(str, error.cmd[:4]))} ... failed: {reason[0]}", file=sys.stderr)
        return 2
    found = ratios(pairs)
    show(found, options.base, len(pairs), console)
    return 1 if any(ratio.verdict == "slower" for ratio in found) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", help="a commit, as git names it")
    parser.add_argument("--rounds", type=int, default=12, help="pairs of runs; half a minute each (default: 12)")
    parser.add_argument("--only", default="", help="measures whose name contains this")
    options = parser.parse_args()
    if options.rounds < 5:
        parser.error("--rounds: an interval needs 5 pairs or more")
    return options


def build(commit: str) -> Path:
    """A folder with the package as it was at ``commit``; built once. Raises CalledProcessError."""
    name = _run(["git", "rev-parse", "--verify", f"{commit}^{{commit}}"]).strip()
    folder = _ROOT / "build" / "compare" / name
    site = folder / "site"
    if site.exists():
        return site
    sources, made = folder / "sources", folder / "unfinished"
    if not sources.exists():
        _run(["git", "worktree", "add", "--force", "--detach", str(sources), name])
    try:
        print(f"bench-compare: building {name[:10]}", flush=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        _run(
            [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps",
             "--no-build-isolation", "--target", str(made), f"-Cbuild-dir={folder / 'build'}", str(sources)],
            {**os.environ, "PATH": path}, timeout=3600,
        )  # fmt: skip
        made.rename(site)
    finally:
        _run(["git", "worktree", "remove", "--force", str(sources)])
    return site


def _pair(base: Path, only: str, turn: int) -> tuple[Times, Times]:
    """One run of each; who is first changes, since the first one finds the machine colder."""
    if turn % 2:
        tree, before = _once(None, only), _once(base, only)
    else:
        before, tree = _once(base, only), _once(None, only)
    return before, tree


def _once(site: Path | None, only: str) -> Times:
    """The work tree is what is installed; ``site`` comes before it."""
    environment = {**os.environ, "DCP_EVALUATOR_CACHE": "off"}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    answer: dict[str, float] = json.loads(_run([sys.executable, str(_ONCE), only], environment).splitlines()[-1])
    return answer


def _run(command: list[str], environment: Mapping[str, str] | None = None, timeout: float = _DEADLINE) -> str:
    done = subprocess.run(
        command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=True
    )
    return done.stdout


def show(found: Sequence[Ratio], base: str, pairs: int, console: Console) -> None:
    table = Table("measure", box=None, pad_edge=False, header_style="bold")
    for title in (f"speed / {base}'s", "95 %", ""):
        table.add_column(title, justify="right")
    for ratio in found:
        table.add_row(ratio.name, f"{ratio.median:.3f}", f"{ratio.low:.3f} to {ratio.high:.3f}", ratio.verdict)
    console.print(table)
    console.print(f"{pairs} pairs; less than {_MARGIN:.0%} is no difference", highlight=False, style="dim")


if __name__ == "__main__":
    sys.exit(main())
