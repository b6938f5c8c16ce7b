"""Takes distributions and packages out of the user's folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from ..errors import InstallationError
from .addition import forget
from .distribution import ADDED, COMPILED, Distribution
from .exclusion import excluding_others
from .packages import Package
from .places import distributions, user_folder
from .progress import Progress
from .releases import LOCK, RELEASES, Release
from .verification import STAMPS


def remove(names: Sequence[str], progress: Progress, *, releases: tuple[Release, ...] = RELEASES) -> list[str]:
    """``names``: versions of Pyodide, or packages and modules of any release. A line for each thing that is gone.

    A sandbox that has begun keeps what it has. Raises InstallationError where a name is not installed, or where a
    package that stays needs it; then nothing is removed.
    """
    with excluding_others(user_folder(), progress):
        usable, _ = distributions(releases=releases)
        versions = [each for each in usable if each.version in names]
        packages = [(each, _packages_of(each, names)) for each in usable if each not in versions]
        _check_all_found(names, versions, packages)
        gone = [_remove_whole(distribution) for distribution in versions]
        for distribution, chosen in packages:
            gone += _remove_packages(distribution, chosen)
        return gone


def _packages_of(distribution: Distribution, names: Sequence[str]) -> list[Package]:
    here = distribution.installed_packages()
    found = [distribution.packages.find(name) for name in names]
    chosen = [package for package in here if package in found]
    for package in here:
        if package not in chosen and (needed := [each for each in chosen if each.name in package.depends]):
            raise InstallationError(f"{package.name} needs {needed[0].name}: remove both, or none")
    return chosen


def _check_all_found(
    names: Sequence[str], versions: list[Distribution], packages: list[tuple[Distribution, list[Package]]]
) -> None:
    for name in names:
        found = any(each.version == name for each in versions) or any(
            distribution.packages.find(name) in chosen for distribution, chosen in packages
        )
        if not found:
            raise InstallationError(f"{name!r} is not installed; dcp-evaluator python list shows what is")


def _remove_whole(distribution: Distribution) -> str:
    """The lock file first: without it the folder is no distribution."""
    folder = distribution.folder
    (folder / LOCK).unlink()
    if folder == user_folder():  # which may hold other things
        ours = [*distribution.core_paths().values(), *(package.path for package in distribution.packages.values())]
        for path in (*ours, folder / ADDED, folder / STAMPS, *folder.glob(".*.part")):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder / COMPILED, ignore_errors=True)
    else:
        shutil.rmtree(folder)
    return f"Pyodide {distribution.version} is removed from {folder}"


def _remove_packages(distribution: Distribution, chosen: Sequence[Package]) -> list[str]:
    if not distribution.added.keys().isdisjoint(package.name for package in chosen):
        forget(distribution, chosen)
    for package in chosen:
        package.path.unlink(missing_ok=True)
        distribution.forget_compiled(package.file, package.sha256)
    return [f"{package.name} {package.version} is removed from Pyodide {distribution.version}" for package in chosen]
