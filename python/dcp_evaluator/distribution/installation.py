"""Puts files of a source into the user's folder: each when it has its hash, the lock file last.

So whoever reads the folder at any time, also after a process that was killed, finds a distribution, an older one or
none, and never half of a file. What has come so far is there for the next try.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..errors import InstallationError
from .addition import forget
from .distribution import Distribution
from .downloads import carried, source_of
from .exclusion import excluding_others
from .modules import UnknownModuleError, refusal
from .packages import Package, Packages, read_packages
from .parts import receive, writing
from .places import FOLDER_VARIABLE, distributions, folder_of, user_folder
from .progress import Progress
from .releases import LOCK, RELEASES, Release, release_of, supported
from .sources import Source
from .verification import Verification, write_whole

_LARGEST_LOCK = 8 << 20


def install(
    named: str | None, modules: Sequence[str], progress: Progress, *, releases: tuple[Release, ...] = RELEASES
) -> Distribution:
    """Installs the packages of ``modules`` and those that they need; where none are named, all that the source holds.

    ``named``: the source, a folder, an archive or an address; None: the package index, with pip.
    Raises InstallationError, UnknownModuleError, UsageError; OSError where the user's folder cannot be written.
    """
    with excluding_others(user_folder(), progress):
        if named is None and (complete := _complete(modules, releases)):
            return complete
        with _source(named, progress, releases) as source:
            return _install(source, modules, progress, releases)


def _complete(modules: Sequence[str], releases: tuple[Release, ...]) -> Distribution | None:
    """One that has already what its carrier would give for ``modules``."""
    for distribution in distributions(releases=releases)[0]:
        carrier = distribution.release.carrier
        if carrier is None or not (modules or distribution.lock_sha256 == carrier.lock):
            continue
        try:
            distribution.core()
            distribution.resolve(modules or distribution.lock)
        except (InstallationError, UnknownModuleError):
            continue
        return distribution
    return None


@contextmanager
def _source(named: str | None, progress: Progress, releases: tuple[Release, ...]) -> Iterator[Source]:
    if named is not None:
        with source_of(named, progress) as source:
            yield source
        return
    carrier = next((release.carrier for release in reversed(releases) if release.carrier), None)
    if carrier is None:
        raise InstallationError("no package index has a distribution: name a folder, archive or address with --from")
    with carried(carrier, progress) as source:
        yield source


def _install(source: Source, modules: Sequence[str], progress: Progress, releases: tuple[Release, ...]) -> Distribution:
    release, offered = _release_of(source, releases)
    folder = _folder(release)
    lock = _better_lock(folder, offered, release)
    chosen = _chosen(source, modules, release, lock, folder)
    files = release.core | {each.file: each.sha256 for each in chosen}
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    verification = Verification(folder)
    lacking = [name for name, sha256 in files.items() if verification.fault(folder / name, sha256)]
    _check_room(source, lacking, folder)
    with progress.during(source.name, sum(source.size(name) or 0 for name in lacking)):
        for name in sorted(lacking, key=source.order):
            _fetch(source, name, files[name], folder, progress)
            verification.fault(folder / name, files[name])  # which remembers it
    verification.keep()
    with writing(folder):
        write_whole(folder / LOCK, lock)
    distribution = Distribution(folder, releases=releases)
    if not distribution.added.keys().isdisjoint(each.name for each in chosen):
        forget(distribution, chosen)
        distribution = Distribution(folder, releases=releases)
    return distribution


def _release_of(source: Source, releases: tuple[Release, ...]) -> tuple[Release, bytes | None]:
    """The release of the source's lock file; where it has none, that of a distribution that its files belong to."""
    lock = source.read(LOCK, _LARGEST_LOCK)
    if lock is not None:
        if release := release_of(hashlib.sha256(lock).hexdigest(), releases):
            return release, lock
        raise InstallationError(
            f"{LOCK} of {source.name} is not that of a supported release of Pyodide ({supported(releases)})"
        )
    for distribution in distributions(releases=releases)[0]:
        if any(source.size(package.file) is not None for package in distribution.lock.values()):
            return distribution.release, None
    raise InstallationError(f"{source.name} holds no {LOCK}, and no packages of a distribution that is installed")


def _folder(release: Release) -> Path:
    """Raises InstallationError where the user's folder is a distribution of another release."""
    folder = folder_of(release)
    if folder == user_folder() and _sha256(folder / LOCK) not in release.locks:
        raise InstallationError(
            f"{folder} is a distribution itself, and not of Pyodide {release.version}: name another folder with "
            f"{FOLDER_VARIABLE}"
        )
    return folder


def _better_lock(folder: Path, offered: bytes | None, release: Release) -> bytes:
    """That with more packages, of the one that is installed and the one that is offered."""
    present = (folder / LOCK).read_bytes() if (folder / LOCK).exists() else None
    locks = {hashlib.sha256(lock).hexdigest(): lock for lock in (offered, present) if lock is not None}
    return next(locks[sha256] for sha256 in release.locks if sha256 in locks)


def _chosen(source: Source, modules: Sequence[str], release: Release, lock: bytes, folder: Path) -> Sequence[Package]:
    """Without names all packages but those of tests."""
    packages = Packages(read_packages(lock, folder, f"{LOCK} of {source.name}"))
    if modules:
        return packages.with_dependencies([_named(module, packages, release) for module in modules])
    return [each for each in packages.values() if source.size(each.file) is not None and not each.for_tests]


def _named(module: str, packages: Packages, release: Release) -> Package:
    if found := packages.find(module):
        return found
    raise UnknownModuleError(module, refusal(module, release.version, packages))


def _check_room(source: Source, files: Sequence[str], folder: Path) -> None:
    """Raises InstallationError where a file cannot be had, or all have no room."""
    sizes = {name: source.size(name) for name in files}
    if missing := sorted(name for name, size in sizes.items() if size is None):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InstallationError(
            f"{source.name} does not hold {', '.join(missing[:3])}{more}; "
            "name another folder, archive or address with --from"
        )
    needed, free = sum(size or 0 for size in sizes.values()), shutil.disk_usage(folder).free
    if needed > free:
        raise InstallationError(f"{folder} needs {needed >> 20} MiB more, and its disk has {free >> 20} MiB left")


def _fetch(source: Source, name: str, sha256: str, folder: Path, progress: Progress) -> None:
    """The file is there, with its hash, when this returns. What has come of it stays for the next try."""
    part, opened = folder / f".{name}.part", partial(source.open, name)
    if not source.continues:
        part.unlink(missing_ok=True)
    continued = part.exists()
    title = f"{name} of {source.name}"
    found = receive(opened, part, title, progress)
    if found != sha256 and continued:  # the part may have been that of another file
        part.unlink()
        found = receive(opened, part, title, progress)
    if found != sha256:
        part.unlink()
        raise InstallationError(f"{title} is damaged: its content is not that of the release")
    part.chmod(0o644)
    part.replace(folder / name)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
