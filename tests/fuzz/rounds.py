"""Rounds of a fuzzer in Python: each has a seed, and bounds on memory, time and descriptors."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_MIB = 1 << 20
_MOST_MEMORY = 48 * _MIB
_MOST_SECONDS = 5.0  # of CPU time
_STALL = 60


class FaultError(Exception):
    """What must not happen."""


def run_rounds(description: str | None, play: Callable[[random.Random], None], name: str) -> int:
    """Plays rounds for as long as the arguments say; an exception shows the seed. ``name``: of many rounds."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="of the first round; each has the next number")
    parser.add_argument("--only", type=int, default=None, help="the seed of one round, to see it again")
    options = parser.parse_args()
    first = options.only if options.only is not None else options.seed
    first = random.SystemRandom().randrange(1 << 32) if first is None else first
    end = time.monotonic() + options.seconds
    for seed in itertools.count(first):
        try:
            with _bounded():
                play(random.Random(seed))
        except BaseException as error:
            print(f"seed {seed}: {type(error).__name__}: {error!s:.300}", file=sys.stderr)
            raise
        if options.only is not None or time.monotonic() > end:
            print(f"{seed - first + 1} {name} from seed {first}")
            return 0
    return 1


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Memory, time and descriptors."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
    before, begun, fds = _memory("VmRSS"), time.process_time(), _descriptors()
    faulthandler.dump_traceback_later(_STALL, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()
    if (took := time.process_time() - begun) > _MOST_SECONDS:
        raise FaultError(f"{took:.1f} s of CPU time")
    if (grown := _memory("VmHWM") - before) > _MOST_MEMORY:
        raise FaultError(f"{grown / _MIB:.0f} MiB of memory")
    if (left := _descriptors() - fds) != 0:
        raise FaultError(f"{left} descriptors are left")


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _memory(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) << 10
