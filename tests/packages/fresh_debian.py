"""Runs a script in a Debian root as an ordinary user: without a network, and without a trace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from debian_roots import run

_USER = "1000"
_BECOME_USER = """
user=$1 script=$2
shift 2
install --directory --mode=700 --owner="$user" --group="$user" "$HOME"
cd "$HOME"
exec setpriv --reuid="$user" --regid="$user" --clear-groups sh -euc "$script" sh "$@"
"""
# For scripts: what a command prints is shown if it fails.
_QUIETLY = """
quietly() { "$@" >log 2>&1 || { status=$?; cat log >&2; exit $status; }; }
"""
# Packages for pip are in /run/wheels. A CPython of the machine's own, in /run/python, may have a library. Sandboxes,
# which have a low priority, would wait for minutes on a busy machine.
_VARIABLES = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/user",
    "LC_ALL": "C.UTF-8",
    "LD_LIBRARY_PATH": "/run/python/lib",
    "DCP_EVALUATOR_PRIORITY": "normal",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "/run/wheels",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


def run_inside(root: Path, mounts: Mapping[str, Path], script: str, *arguments: str) -> None:
    """Runs the shell's ``script``, with ``$1`` and so on; exits if it fails.

    ``mounts`` has files and folders of the machine, by their paths in the root, which are below ``/run``.
    """
    # The root is read only. All that is written is gone afterwards.
    options = [
        *("--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--ro-bind", "/sys", "/sys"),
        *("--perms", "1777", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/home"),
        *("--unshare-net", "--unshare-pid", "--die-with-parent", "--new-session", "--clearenv"),
        *(word for name, value in _VARIABLES.items() for word in ("--setenv", name, value)),
        *(word for inside, outside in mounts.items() for word in ("--ro-bind", outside, inside)),
    ]
    run("bwrap", *options, "sh", "-euc", _BECOME_USER, "sh", _USER, _QUIETLY + script, *arguments)
