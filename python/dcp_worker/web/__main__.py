"""``python -m dcp_worker.web OPTIONS LIFELINE``: how a worker begins its page. OPTIONS: ``WebOptions`` as JSON.

The first line that it prints is where the page is; all others say what is wrong.
"""

from __future__ import annotations

import sys

import msgspec

from ..errors import WorkerError
from .server import WebOptions, run

if __name__ == "__main__":
    options = msgspec.json.decode(sys.argv[1], type=WebOptions, dec_hook=lambda kind, value: kind(value))  # paths
    try:
        run(options, lambda url: print(url, flush=True), int(sys.argv[2]))
    except WorkerError as error:
        sys.exit(str(error))
