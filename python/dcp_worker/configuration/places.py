"""Where configuration files lie, in the order in which they are read (``createConfigFragments`` of dcp-client)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dcp_protocol.wallet.files import resource_folder

PROGRAM = "dcp-worker"
"""By this name files and folders are found, whatever the program that runs is called."""

_OWN_FILE = "../etc/dcp-worker-config"
"""Seen from the folder of the program: in npm's dcp-worker, the file with its defaults."""


@dataclass(frozen=True, slots=True)
class Places:
    """Files without their suffixes. Those of ``below`` are weaker than variables and options, ``above`` stronger."""

    below: tuple[Path, ...]
    above: tuple[Path, ...]


def places(environment: Mapping[str, str], program: Path | None = None) -> Places:
    """``program``: the file of the program, to which the variable ``DCP_CONFIG`` is relative."""
    etc = environment.get("DCP_ETCDIR") or "/etc"
    user = str(resource_folder(environment))
    folder = (program or Path(sys.argv[0])).resolve().parent
    own = os.path.normpath(folder / (environment.get("DCP_CONFIG") or _OWN_FILE))
    beside = [os.path.normpath(folder / "../etc/dcp/dcp-config")] if folder.name == "bin" else []
    below = [f"{etc}/dcp/dcp-config", *beside, own, f"{user}/dcp-config", f"{user}/{PROGRAM}/dcp-config"]
    above = [f"{etc}/dcp/{PROGRAM}/dcp-config", f"{etc}/dcp/override-dcp-config"]
    if scope := environment.get("DCP_CONFIG_SCOPE"):
        below.append(f"{user}/scope/{scope}")
        above.append(f"{etc}/dcp/scope/{scope}")
    root = environment.get("DCP_CLIENT_FILESYSTEM_ROOT", "")
    return Places(_rooted(root, below), _rooted(root, above))


def _rooted(root: str, names: list[str]) -> tuple[Path, ...]:
    return tuple(Path(f"{root}/{name}" if root else name).absolute() for name in names)


def users_file(environment: Mapping[str, str]) -> Path:
    """The file of our form that holds what the user has set for the worker."""
    root = environment.get("DCP_CLIENT_FILESYSTEM_ROOT", "")
    (stem,) = _rooted(root, [f"{resource_folder(environment)}/{PROGRAM}/dcp-config"])
    return stem.with_name(f"{stem.name}.toml")


def own_folder(variable: str, below_home: str, environment: Mapping[str, str]) -> Path | None:
    """The worker's folder below that of an XDG ``variable``, or ``below_home``; None where there is no home folder."""
    base = environment.get(variable) or ""
    if not base.startswith("/"):
        home = environment.get("HOME") or ""
        if not home.startswith("/"):
            return None
        base = f"{home}/{below_home}"
    return Path(base, PROGRAM)
