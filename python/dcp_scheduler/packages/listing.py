"""Which packages there are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from semantic_version import Version
from sqlalchemy import Connection, select

from ..store.schema import package_files, package_versions, packages
from .ownership import EVERYBODY

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A version of a package. ``published``: seconds since 1970; ``files``: bytes of each by its name."""

    name: str
    version: str
    owner: str
    published: float
    files: dict[str, int]


def find(connection: Connection, part: str, skip: int, most: int) -> list[Listed]:
    """The newest versions of packages with ``part`` in their names, in the order of these, from the ``skip``-th on.

    Sideloaders are no packages that somebody would look for.
    """
    named = select(packages).where(packages.c.name.contains(part, autoescape=True), packages.c.owner != EVERYBODY)
    page = connection.execute(named.order_by(packages.c.name).offset(skip).limit(most)).all()
    numbers = [row.number for row in page]
    newest: dict[int, tuple[Version, float]] = {}
    for row in connection.execute(select(package_versions).where(package_versions.c.package.in_(numbers))):
        this = (Version(row.version), row.published)
        newest[row.package] = max(newest.get(row.package, this), this)
    sizes: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for row in connection.execute(select(package_files).where(package_files.c.package.in_(numbers))):
        sizes[row.package, row.version][row.name] = row.size
    return [
        Listed(row.name, str(version), row.owner, published, sizes[row.number, str(version)])
        for row in page
        for version, published in [newest[row.number]]
    ]


def versions(connection: Connection, name: str) -> list[Listed]:
    """All of the package with this name, the newest first; none where there is no such package."""
    package = connection.execute(select(packages).where(packages.c.name == name, packages.c.owner != EVERYBODY)).first()
    if package is None:
        return []
    sizes: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(select(package_files).where(package_files.c.package == package.number)):
        sizes[row.version][row.name] = row.size
    rows = connection.execute(select(package_versions).where(package_versions.c.package == package.number))
    found = sorted(rows, key=lambda row: Version(row.version), reverse=True)
    return [Listed(name, row.version, package.owner, row.published, sizes[row.version]) for row in found]
