"""Where distributions are on this machine, and which of them a job gets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import DcpError, InstallationError
from .distribution import INSTALL, Distribution
from .modules import UnknownModuleError
from .releases import LOCK, RELEASES, Release

FOLDER_VARIABLE = "DCP_EVALUATOR_PYTHON"
"""Names the folder of distributions, or of one."""


def user_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The folder with a folder for each release, which may not be there yet. Raises InstallationError."""
    variables = os.environ if environment is None else environment
    if named := variables.get(FOLDER_VARIABLE):
        return Path(named).absolute()
    base = Path(variables.get("XDG_DATA_HOME") or "")
    if not base.is_absolute():  # the XDG specification: others are invalid
        home = Path(os.path.expanduser("~"))  # noqa: PTH111  Path.home() raises where there is none
        if not home.is_absolute():
            raise InstallationError(f"there is no home folder for Python distributions: set {FOLDER_VARIABLE}")
        base = home / ".local" / "share"
    return base / "dcp-evaluator" / "python"


def installed(
    modules: Iterable[str] = (), version: str | None = None, *, releases: tuple[Release, ...] = RELEASES
) -> Distribution:
    """The newest usable distribution that has ``modules``, of the release ``version`` where that is given.

    Its core is whole. Raises InstallationError where there is none, with the command that installs one; where there
    are some and none has the modules, what one says of it: InstallationError where a package of it is missing, else
    UnknownModuleError.
    """
    wanted = tuple(modules)
    missing: list[DcpError] = []
    unknown: list[DcpError] = []
    usable, failed = distributions(releases=releases)
    for distribution in usable:
        if version in (None, distribution.version):
            try:
                distribution.core()
                distribution.resolve(wanted)
                return distribution
            except InstallationError as error:
                missing.append(error)
            except UnknownModuleError as error:
                unknown.append(error)
    for reason in (*missing, *unknown, *(failed if version is None else ())):
        raise reason
    which = "no Python distribution" if version is None else f"no Pyodide {version}"
    raise InstallationError(f"{which} is installed in {user_folder()}; run: {INSTALL}")


def distributions(*, releases: tuple[Release, ...] = RELEASES) -> tuple[list[Distribution], list[InstallationError]]:
    """Those of the user's folder, the newest first; and why others cannot be used."""
    found, failed = [], []
    for folder in _folders():
        try:
            found.append(Distribution(folder, releases=releases))
        except InstallationError as error:
            failed.append(error)
    return sorted(found, key=lambda each: each.release.order, reverse=True), failed


def _folders() -> list[Path]:
    top = user_folder()
    if (top / LOCK).exists():
        return [top]
    try:
        return sorted(path for path in top.iterdir() if (path / LOCK).exists() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InstallationError(f"{top} cannot be read: {error.strerror}") from None


def folder_of(release: Release) -> Path:
    """Where a distribution of ``release`` is, or is to be installed."""
    top = user_folder()
    return top if (top / LOCK).exists() else top / release.version
