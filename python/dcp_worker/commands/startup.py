"""The start-up files of sandboxes: those that are there, or fetched ones."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dcp_evaluator.errors import UsageError
from dcp_evaluator.start.startup_files import find_dcp_client
from dcp_protocol.wallet.files import resource_folder

from ..errors import WorkerError
from ..node.startup import Startup, startup_at
from . import packages
from .packages import Package
from .registry import find_registry


def find(environment: Mapping[str, str]) -> Startup | None:
    """One that ``setup`` has fetched, else one that npm has installed; None where there is neither."""
    for version in packages.KNOWN_VERSIONS:
        folder = _stored(version, environment)
        if folder.is_dir():
            return startup_at(folder)
    try:
        return startup_at(find_dcp_client(Path(sys.argv[0]).resolve().parent.parent))
    except (UsageError, WorkerError):
        return None


def take(sources: Sequence[Path], registry: str | None, environment: Mapping[str, str]) -> Startup:
    """From files and folders; what other packages they need is fetched. Raises WorkerError, OSError."""
    tarballs: dict[str, bytes] = {}
    for source in sources:
        if source.is_dir():
            return startup_at(source.absolute())
        tarball = _read(source)
        tarballs[packages.described(tarball, str(source)).name] = tarball
    if "dcp-client" not in tarballs:
        raise WorkerError(f"there is no dcp-client in {', '.join(map(str, sources))}")
    client = packages.described(tarballs["dcp-client"], "dcp-client")
    return _kept(packages.packages_of(client.version, client.integrity), tarballs, registry, environment)


def fetch(version: str, integrity: str | None, registry: str | None, environment: Mapping[str, str]) -> Startup:
    """Of the registry. Raises WorkerError, OSError."""
    return _kept(packages.packages_of(version, integrity), {}, registry, environment)


def _kept(
    wanted: Sequence[Package], given: Mapping[str, bytes], registry: str | None, environment: Mapping[str, str]
) -> Startup:
    found: dict[Package, bytes] = {}
    for package in wanted:
        if package.name in given:
            found[package] = given[package.name]
            packages.check(package, found[package], "the file that was given")
            continue
        where = find_registry(registry, environment)
        found[package] = where.tarball(package.name, package.version)
        packages.check(package, found[package], where.location)
    folder = _stored(wanted[0].version, environment)
    packages.unpack(found, folder.parents[1])
    return startup_at(folder)


def _stored(version: str, environment: Mapping[str, str]) -> Path:
    """The folder of dcp-client; beside it are the packages that it needs."""
    store = resource_folder(environment).absolute() / "dcp-worker" / f"dcp-client-{version}"
    return store / "node_modules" / "dcp-client"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WorkerError(f"{path}: it cannot be read: {error.strerror}") from None
