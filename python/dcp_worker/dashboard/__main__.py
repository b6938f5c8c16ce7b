"""``python -m dcp_worker.dashboard SOCKET LIFELINE``: how a worker begins the dashboard on its own terminal."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from .run import run

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C before the keyboard is its own is the worker's
    run(Path(sys.argv[1]), int(sys.argv[2]))
