"""A version of a package is published: once, and never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from ..errors import RefusedError
from ..model.package import Package
from ..store.contents import Contents
from ..store.database import Database
from ..store.schema import package_files, package_versions, packages
from ..store.transaction import Transaction
from .declarations import dependencies
from .names import check_file, check_package, read_version
from .ownership import EVERYBODY, OPERATOR, check_owner, owner_of

MOST_FILES = 1000
MOST_BYTES = 128 << 20
"""Of a package."""
MOST_VERSIONS = 1000
MOST_OWNED = 20 << 30
"""Bytes of all packages of one owner."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """``content``: its name among the contents; ``size``: bytes; ``needs``: modules that it declares to need."""

    name: str
    content: str
    size: int
    needs: Sequence[str]


async def publish(database: Database, package: Package, publisher: str) -> None:
    """The same version again with the same files is no fault. ``publisher``: an address, or ``OPERATOR``.

    Raises RefusedError, OSError.
    """
    _check(package)
    owner = owner_of(package, publisher)
    await database.read(lambda connection: _check_owner(connection, package, owner))
    files = await asyncio.to_thread(_store, database.contents, package)
    try:
        await database.write(lambda transaction: _record(transaction, package, files, owner))
    except IntegrityError:  # another process has published it at the same moment
        await database.write(lambda transaction: _record(transaction, package, files, owner))


def _check_owner(connection: Connection, package: Package, owner: str) -> None:
    """Before its files are kept. Raises RefusedError."""
    check_owner(connection, package.name, owner)
    if owner in (EVERYBODY, OPERATOR):
        return
    again = (packages.c.name == package.name) & (package_files.c.version == package.version)
    mine = select(func.coalesce(func.sum(package_files.c.size), 0)).join(packages)
    mine = mine.where(packages.c.owner == owner, ~again)
    if connection.execute(mine).scalar_one() + sum(map(len, package.files.values())) > MOST_OWNED:
        raise RefusedError("EDQUOT", f"the packages of an identity have {MOST_OWNED} bytes at most")


def _check(package: Package) -> None:
    """Names and sizes. Raises RefusedError."""
    check_package(package.name)
    read_version(package.version)
    if not package.files:
        raise RefusedError("EINVAL", f"the package {package.name} has no files")
    if len(package.files) > MOST_FILES:
        raise RefusedError("E2BIG", f"a package has {MOST_FILES} files at most")
    for name in package.files:
        check_file(name)
    if sum(map(len, package.files.values())) > MOST_BYTES:
        raise RefusedError("E2BIG", f"a package has {MOST_BYTES} bytes at most")


def _store(contents: Contents, package: Package) -> list[StoredFile]:
    """On disk when this returns. Raises OSError."""
    return [
        StoredFile(name, contents.put(content), len(content), dependencies(content.decode("utf-8", "replace")))
        for name, content in package.files.items()
    ]


def _record(transaction: Transaction, package: Package, files: Sequence[StoredFile], owner: str) -> None:
    connection = transaction.connection
    check_owner(connection, package.name, owner)
    number = connection.execute(select(packages.c.number).where(packages.c.name == package.name)).scalar()
    if number is None:
        made = connection.execute(insert(packages).values(name=package.name, owner=owner))
        (number,) = made.inserted_primary_key or (0,)
    here = (package_files.c.package == number, package_files.c.version == package.version)
    known = connection.execute(select(package_files.c.name, package_files.c.content).where(*here)).all()
    if known:
        if {(row.name, row.content) for row in known} != {(file.name, file.content) for file in files}:
            what = f"version {package.version} of {package.name} has other files"
            raise RefusedError("EEXIST", f"{what}, and versions do not change; publish another")
        return
    count = select(func.count()).select_from(package_versions).where(package_versions.c.package == number)
    if connection.execute(count).scalar_one() >= MOST_VERSIONS:
        raise RefusedError("EDQUOT", f"a package has {MOST_VERSIONS} versions at most")
    named = {"package": number, "version": package.version}
    connection.execute(insert(package_versions).values(**named, published=transaction.now))
    connection.execute(
        insert(package_files),
        [
            {
                **named, "name": file.name, "content": file.content, "size": file.size,
                "needs": msgspec.json.encode(list(file.needs)).decode(),
            }
            for file in files
        ],
    )  # fmt: skip
