"""``dcp-evaluator cluster``: the nodes of a Ray cluster."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..errors import UsageError
from .line import Parser, seconds

_DESCRIPTION = "Shows what the nodes of a Ray cluster offer to the sandboxes of job.cluster_exec."
_EPILOG = """\
actions:
  probe [ADDRESS]  run what dcp-evaluator --probe finds out on every node, and show it in one table

ADDRESS is HOST:PORT of the head, or ray://HOST:PORT of its server for Ray Client. Without, it is that of RAY_ADDRESS,
or of the cluster of which this machine is a node.

exit status:
  0  all nodes can run jobs
  1  the cluster cannot be reached; Ray is not installed here
  2  wrong command line; a node cannot run jobs"""
_SECONDS = 120.0


def run_cluster(arguments: Sequence[str]) -> int:
    """Returns the exit status. Raises DcpError."""
    options = _parse(arguments)
    from ..probe.cluster import run_cluster_probe

    return run_cluster_probe(options.address, options.timeout, as_json=options.json)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="dcp-evaluator cluster",
        usage="dcp-evaluator cluster probe [ADDRESS] [--timeout SECONDS] [--json]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("action", metavar="ACTION", nargs="?", choices=("probe",), help="see below")
    parser.add_argument("address", metavar="ADDRESS", nargs="?", default="auto", help="of the cluster; see below")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=_SECONDS,
        help=f"how long a node may take to answer (default: {_SECONDS:g})",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_intermixed_args(arguments)
    if options.action is None:
        raise UsageError(f"what to do is missing: probe; see {parser.prog} --help")
    return options
