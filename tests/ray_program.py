"""Programs that tests start, which connect to a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from ray_cluster import QUIET

_BEGIN = """
import sys
import dcp_evaluator as dcp
from dcp_evaluator.clusters.connection import connect, connected

def said(function, *arguments):
    try:
        return function(*arguments)
    except (dcp.DcpError, ValueError) as error:
        return f"{type(error).__name__}: {error}"

address = sys.argv[1]
"""


def run(script: str, address: str = "", **environment: str) -> list[str]:
    """The lines that a program prints; anything on stderr is a failure.

    Its ``script`` has ``address``; ``connect`` and ``connected``; and ``said``, which calls a function and gives its
    value or what it raises, as text.
    """
    variables = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + textwrap.dedent(script), address], capture_output=True, text=True,
        env={**variables, **QUIET, **environment}, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()
