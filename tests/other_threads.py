"""Whether other threads run while one is at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def others_run_beside(work: Callable[[], object]) -> bool:
    """``work`` takes some 10 milliseconds. A busy machine may give others no turn at one time, but not at all times."""
    return any(_turns_beside(work) > 3 for _ in range(20))


def _turns_beside(work: Callable[[], object]) -> int:
    thread = threading.Thread(target=work)
    thread.start()
    turns = 0
    while thread.is_alive():
        turns += 1
        time.sleep(0.001)
    return turns
