"""A job on a scheduler that runs, for a worker that this starts: ``try_scheduler.py LOCATION START-UP-FILES``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import dcp_evaluator as dcp

_PAYEE = "0x" + "2" * 40


def main(location: str, files: str) -> None:
    configuration = {"DCP_CONFIG_NODE": json.dumps({"startupFiles": files})}
    command = ["dcp-worker", f"--dcp-scheduler={location}", f"--paymentAddress={_PAYEE}", "-c", "1,0", "-o", "console"]
    worker = subprocess.Popen(command, env=os.environ | configuration, stdin=subprocess.DEVNULL)
    try:
        results = list(dcp.compute_for(range(5), "(x) => { progress(); return 2 * x; }").exec(location))
    finally:
        worker.terminate()
        worker.wait()
    assert results == [0, 2, 4, 6, 8], results


if __name__ == "__main__":
    main(*sys.argv[1:])
