"""``python -m dcp_worker.dashboard SOCKET LIFELINE``: how a worker begins the dashboard on its own terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from .run import run

if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
