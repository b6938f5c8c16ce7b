"""Adds wheels of a package index to a distribution: their hashes are kept when they come, and hold from then on."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InstallationError, UsageError
from . import pip
from .distribution import ADDED, INSTALL, Distribution
from .downloads import downloads_folder
from .exclusion import excluding_others
from .packages import Package, Packages, normalised, write_packages
from .parts import writing
from .places import installed, user_folder
from .progress import Progress
from .releases import RELEASES, Release
from .wheels import read_wheel

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._,-]+\])?(==[A-Za-z0-9.!+]+)?"
)


def add(
    wanted: Sequence[str],
    progress: Progress,
    *,
    version: str | None = None,
    folder: Path | None = None,
    releases: tuple[Release, ...] = RELEASES,
) -> list[Package]:
    """Adds wheels and those that they need and that are not there; gives all that are new.

    ``wanted``: names, as ``"name"`` or ``"name==1.0"``, or paths of wheels. ``version``: of Pyodide, the newest
    that is installed where None. ``folder``: where the wheels are; the package index where None.
    Raises UsageError; InstallationError where there is no such wheel that a sandbox could load.
    """
    requirements = [_requirement(text) for text in wanted]
    if folder is not None and not folder.is_dir():
        raise UsageError(f"wheels are added from a folder, and {str(folder)!r} is none")
    with excluding_others(user_folder(), progress):
        distribution = installed(version=version, releases=releases)
        for requirement in requirements:
            _check_new(requirement, distribution)
        with tempfile.TemporaryDirectory(dir=downloads_folder()) as fetched:
            progress.waits(f"pip fetches {', '.join(wanted)} for {_accepted(distribution.release)}")
            _download(requirements, distribution, folder, Path(fetched))
            return _take(Path(fetched), distribution)


def _requirement(text: str) -> str:
    """Not an option of pip, nor an address. Raises UsageError."""
    if text.endswith(".whl"):
        return str(Path(text).absolute())
    if not _REQUIREMENT.fullmatch(text):
        raise UsageError(f"{text!r} is no name of a package, as in name or name==1.0, and no file that ends in .whl")
    return text


def _name(requirement: str) -> str:
    """Of the package."""
    found = _REQUIREMENT.fullmatch(requirement)
    return normalised(found["name"] if found else Path(requirement).name.partition("-")[0])


def _check_new(requirement: str, distribution: Distribution) -> None:
    package = distribution.lock.get(_name(requirement))
    if package and package.path.exists():
        raise InstallationError(
            f"{package.name} {package.version} of Pyodide {distribution.version} itself is installed; "
            f"to add another one, first run: dcp-evaluator python remove {package.name}"
        )


def _accepted(release: Release) -> str:
    return f"Python {release.python} on {' or '.join(release.platforms)}"


def _download(requirements: Sequence[str], distribution: Distribution, folder: Path | None, into: Path) -> None:
    """Packages that the distribution has stay as they are, and are found in it."""
    release, asked = distribution.release, {_name(text) for text in requirements}
    constraints = into / "constraints"
    fixed = [each for each in distribution.installed_packages() if each.kind == "package" and each.name not in asked]
    constraints.write_text("".join(f"{each.name}=={each.version}\n" for each in fixed))
    options = ["--implementation", "cp", "--python-version", release.python, "--constraint", str(constraints)]
    for abi in (f"cp{release.python.replace('.', '')}", "abi3", "none"):
        options += ["--abi", abi]
    for platform in release.platforms:
        options += ["--platform", platform]
    options += ["--find-links", str(distribution.folder)]
    options += ["--no-index", "--find-links", str(folder)] if folder is not None else []
    try:
        pip.download(", ".join(map(_name, requirements)), [*options, *requirements], into)
    except InstallationError as error:
        raise InstallationError(
            f"{error}. A wheel has to be for {_accepted(release)}, or for any machine (py3-none-any); packages of "
            f"Pyodide that it needs have to be installed: {INSTALL}"
        ) from None


def _take(fetched: Path, distribution: Distribution) -> list[Package]:
    """The wheels first, then what is known of them: a wheel that nobody knows is not loaded."""
    read = [read_wheel(path, distribution.folder) for path in sorted(fetched.glob("*.whl"))]
    names = {package.name for package in read}
    packages = [replace(each, depends=tuple(name for name in each.depends if name in names)) for each in read]
    lock, known = distribution.lock, distribution.added
    new = [each for each in packages if each.sha256 not in _hashes(each, lock, known)]
    if not new:
        return []
    with writing(distribution.folder):
        for package in new:
            wheel = fetched / package.file
            wheel.chmod(0o644)
            wheel.replace(package.path)
        write_packages(distribution.folder / ADDED, ({**known} | {package.name: package for package in new}).values())
    for package in new:
        if (old := known.get(package.name)) and old.path != package.path:
            old.path.unlink(missing_ok=True)
    return new


def _hashes(package: Package, *places: Packages) -> set[str]:
    """Of those of the same name whose files are there."""
    found = (packages.get(package.name) for packages in places)
    return {each.sha256 for each in found if each is not None and each.path.exists()}


def forget(distribution: Distribution, packages: Collection[Package]) -> None:
    """Those of ``packages`` are no longer added ones; their files go where nothing else has them."""
    names = {package.name for package in packages}
    gone = [package for package in distribution.added.values() if package.name in names]
    left = [package for package in distribution.added.values() if package not in gone]
    with writing(distribution.folder):
        write_packages(distribution.folder / ADDED, left)
    needed = {package.path for package in distribution.lock.values()}
    for package in gone:
        if package.path not in needed:
            package.path.unlink(missing_ok=True)
