"""A day of a node in half an hour: the same rounds of work again and again, and what is left after each.

``make soak`` runs it, ``MINUTES=5`` is shorter. It fails where a result is wrong, or where something grows: processes,
descriptors, mappings of memfds, temporary files, entries of /dev/shm, control groups, or memory.
``out/benchmarks/soak.png`` draws them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from soak_rounds import Rounds

from process_tree import descendants, is_running, memory_bytes

_OUT = Path(__file__).parents[1] / "out" / "benchmarks"
_SETTLES = 0.5  # seconds after a round in which what was told to end does so
_MEMORY_MAY_GROW = 1.05
"""From the second quarter to the last: allocators keep what they had at most."""
Sample = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--pause", type=float, default=0, help="seconds between rounds, to leave room to others")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    samples = run(60 * options.minutes, options.pause, options.seed)
    _OUT.mkdir(parents=True, exist_ok=True)
    (_OUT / "soak.json").write_text(json.dumps(samples), encoding="utf-8")
    draw(samples, _OUT / "soak.png")
    grown = leaks(samples)
    for name, (early, late) in sorted(quarters(samples).items()):
        print(f"{name:28} {early:12,.1f} {late:12,.1f}{'   GROWS' if name in grown else ''}")
    print(f"{len(samples)} rounds; second quarter and last; drawn in {_OUT / 'soak.png'}")
    return 1 if grown else 0


def run(seconds: float, pause: float, seed: int) -> list[Sample]:
    """A sample after each round."""
    samples, begun = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        with Rounds(seed) as rounds:
            while (elapsed := time.monotonic() - begun) < seconds:
                rounds.next()
                time.sleep(_SETTLES + pause)
                samples.append({"minutes": elapsed / 60, **sample(Path(folder))})
                if sys.stderr.isatty():
                    print(f"\rround {rounds.done}, {elapsed / 60:.1f} minutes", end="", file=sys.stderr)
    return samples


def sample(temporary: Path) -> Sample:
    """What there is at rest, of this process and all below it; memory in MB. What this program's allocator only keeps
    in store goes back first: with a thread for each job that grows for an hour, ever more slowly.
    """
    ctypes.CDLL(None).malloc_trim(0)
    pids = [pid for pid in (os.getpid(), *descendants(os.getpid())) if is_running(pid)]
    links = [link for pid in pids for link in _links(pid)]
    return {
        "processes": len(pids),
        "descriptors": len(links),
        "memfds": sum("memfd:" in link for link in links),
        "memory, MB": sum(map(memory_bytes, pids)) / 1e6,
        "memory of this program, MB": memory_bytes(os.getpid()) / 1e6,
        "temporary files": sum(1 for _ in temporary.rglob("*")),
        "entries of /dev/shm": len(list(Path("/dev/shm").iterdir())),
        "control groups": sum(1 for _ in Path("/sys/fs/cgroup").rglob("sandbox-*")),
    }


def leaks(samples: Sequence[Sample]) -> set[str]:
    """What grows: counts at all, memory by more than an allocator's whims."""
    return {
        name
        for name, (early, late) in quarters(samples).items()
        if late > early * (_MEMORY_MAY_GROW if "MB" in name else 1)
    }


def quarters(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """Of the second and of the last quarter, since in the first all becomes warm: the medians of memory, and the least
    of what is counted, as what ends may take a moment.
    """
    size = max(1, len(samples) // 4)
    second, last = samples[size : 2 * size] or samples, samples[-size:]

    def typical(name: str, part: Sequence[Sample]) -> float:
        values = [each[name] for each in part]
        return statistics.median(values) if "MB" in name else min(values)

    return {name: (typical(name, second), typical(name, last)) for name in samples[0] if name != "minutes"}


def draw(samples: Sequence[Sample], file: Path) -> None:
    names = [name for name in samples[0] if name != "minutes"]
    figure = Figure(figsize=(9, 1.5 * len(names)), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), sharex=True), names, strict=True):
        axes.plot([each["minutes"] for each in samples], [each[name] for each in samples], linewidth=1)
        axes.set_title(name, fontsize=8, loc="left")
        axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes")
    figure.savefig(file, dpi=110)


def _links(pid: int) -> list[str]:
    """What the descriptors of a process stand for; each may close at any moment."""
    found = []
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            found.append(str(entry.readlink()))
    except OSError:
        pass
    return found


if __name__ == "__main__":
    sys.exit(main())
