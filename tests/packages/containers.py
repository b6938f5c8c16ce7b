"""Runs commands as root in a Debian root, with systemd-nspawn: writable, without a network, and without a trace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from debian_roots import require, run

# /run gets folders that systemd-nspawn leaves behind.
_ALONE = ["unshare", "--mount", "sh", "-euc", 'mount -t tmpfs tmpfs /run; exec "$@"', "sh"]
_NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--volatile=overlay"]
# As on a machine: sandboxes seal themselves with Landlock too, which systemd-nspawn would refuse.
_NSPAWN += ["--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self"]
_VARIABLES = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}


def run_as_root(root: Path, mounts: Mapping[str, Path], writable: Mapping[str, Path], *command: str) -> None:
    """``mounts``, ``writable``: files and folders of the machine, by their paths in the root. Exits where it fails."""
    _nspawn(root, mounts, writable, ["--pipe", *command])


def boot(root: Path, mounts: Mapping[str, Path], program: str) -> None:
    """Boots the root's systemd, which runs ``program`` as root and ends with its exit status."""
    quiet = ["systemd.log_target=journal", "systemd.show_status=0"]
    ends = [f"systemd.run_{how}_action=exit" for how in ("success", "failure")]
    _nspawn(root, mounts, {}, ["--boot", "--console=read-only", *quiet, f"systemd.run={program}", *ends])


def _nspawn(root: Path, mounts: Mapping[str, Path], writable: Mapping[str, Path], rest: list[str]) -> None:
    require("systemd-nspawn")
    binds = [f"--bind-ro={outside.resolve()}:{inside}" for inside, outside in mounts.items()]
    binds += [f"--bind={outside.resolve()}:{inside}" for inside, outside in writable.items()]
    command = [*_ALONE, *_NSPAWN, f"--directory={root.resolve()}", *binds, *rest]
    run(*command, env=os.environ | _VARIABLES)
