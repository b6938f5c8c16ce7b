"""Modules that somebody asks for, with all that these need."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache

import msgspec
from sqlalchemy import Connection, Row, select

from ..errors import RefusedError
from ..store.schema import package_files, package_versions, packages
from .declarations import joined
from .names import ModuleName, newest, read_module
from .publishing import StoredFile

MOST_MODULES = 2000
"""In one answer."""
_SCRIPT = ".js"

Located = dict[str, dict[str, str]]
"""By packages' labels and by the names of files, as they are called by: names of contents."""


def locate(connection: Connection, identifiers: Iterable[str]) -> Located:
    """Raises RefusedError: ``ENOENT`` for a module that there is not; ``EMODULETOOBIG`` where they are too many.

    What a module declares to need and is in no package is left out: its ``require`` tells it.
    """
    return _Search(connection).run(identifiers)


def is_published(connection: Connection, content: str) -> bool:
    """Whether these are the bytes of a package's file, which everybody may read."""
    query = select(package_files.c.content).where(package_files.c.content == content).limit(1)
    return connection.execute(query).first() is not None


class _Search:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: Located = {}
        self._count = 0
        self._pending: deque[ModuleName] = deque()
        self._files = cache(self._read_files)

    def run(self, identifiers: Iterable[str]) -> Located:
        for identifier in identifiers:
            name = read_module(identifier)
            if name is None or not self._take(name):
                raise RefusedError("ENOENT", _missing(name))
        while self._pending:
            self._take_needs(self._pending.popleft())
        return self._found

    def _take(self, name: ModuleName) -> bool:
        """Whether there is such a module."""
        file = self._file(name)
        if file is None:
            return False
        files = self._found.setdefault(name.label, {})
        if name.file not in files:
            self._count += 1
            if self._count > MOST_MODULES:
                raise RefusedError("EMODULETOOBIG", f"these modules need more than {MOST_MODULES} others")
            files[name.file] = file.content
            self._pending.append(name)
        return True

    def _take_needs(self, name: ModuleName) -> None:
        file = self._file(name)
        for need in file.needs if file else ():
            for candidate in _candidates(name, need):
                self._take(candidate)

    def _file(self, name: ModuleName) -> StoredFile | None:
        """The script may be called by its name with or without its ending."""
        files = self._files(name.package, name.versions)
        return files.get(name.file) or files.get(name.file + _SCRIPT)

    def _read_files(self, package: str, wanted: str) -> dict[str, StoredFile]:
        """Of the newest version in the range."""
        versions = (
            select(package_versions)
            .join(packages, packages.c.number == package_versions.c.package)
            .where(packages.c.name == package)
        )
        numbers = {row.version: row.package for row in self._connection.execute(versions)}
        version = newest(list(numbers), wanted)
        if version is None:
            return {}
        here = (package_files.c.package == numbers[version], package_files.c.version == version)
        return {row.name: _stored(row) for row in self._connection.execute(select(package_files).where(*here))}


def _stored(row: Row[tuple[object, ...]]) -> StoredFile:
    return StoredFile(row.name, row.content, row.size, msgspec.json.decode(row.needs, type=list[str]))


def _candidates(of: ModuleName, need: str) -> Iterator[ModuleName]:
    """What ``need`` may mean in a sandbox: beside the module; or in another package, or at the top of its own."""
    beside = need.startswith(("./", "../"))
    meant = [joined(f"{of.label}/{of.file}", need)] if beside else [need, f"{of.label}/{need}"]
    for identifier in meant:
        if identifier and (name := read_module(identifier)):
            yield name


def _missing(name: ModuleName | None) -> str:
    if name is None:
        return "there is no such module: modules are asked for as PACKAGE/FILE or PACKAGE@RANGE/FILE"
    where = f"the versions {name.versions} of {name.package}" if name.versions else f"the package {name.package}"
    return f"there is no module {name.file} in {where}; dcp-scheduler package list shows what there is"
