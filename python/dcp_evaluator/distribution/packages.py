"""What a lock file says of packages: their files, what they need, and what a program imports of them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InstallationError
from .verification import write_whole

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]{0,250}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Package:
    """One package of a distribution.

    ``name``: as Python's package indexes normalise it. ``path``: where its file is, or has to be. ``sha256``: the
    file's hash. ``imports``: the modules that it has. ``depends``: the names of the packages that it needs.
    ``kind``: ``"package"``, ``"shared_library"`` (which is loaded ahead of all others, into the folder of libraries),
    or ``"cpython_module"`` (a part of the standard library that is not in ``python_stdlib.zip``).
    """

    name: str
    version: str
    path: Path
    sha256: str
    imports: tuple[str, ...]
    depends: tuple[str, ...]
    kind: str

    @property
    def file(self) -> str:
        """The name of its file."""
        return self.path.name

    @property
    def for_tests(self) -> bool:
        """Whether it holds but the tests of another package."""
        return self.name.endswith("-tests")


class Packages(Mapping[str, Package]):
    """By name, of the packages that a distribution can have, whether their files are there or not.

    Of two with one name the last counts, of two with one module the first.
    """

    def __init__(self, packages: Iterable[Package]) -> None:
        self._packages = {package.name: package for package in packages}
        latest_first = reversed(self._packages.values())
        self._imports = {name: package for package in latest_first for name in package.imports}

    def __getitem__(self, name: str) -> Package:
        return self._packages[normalised(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packages)

    def __len__(self) -> int:
        return len(self._packages)

    def find(self, module: str) -> Package | None:
        """The package that has a module, as ``"sklearn.svm"``, or that is named so, as ``"scikit-learn"``."""
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            if found := self._imports.get(".".join(parts[:length])):
                return found
        return self.get(module)

    def near(self, module: str) -> list[str]:
        """Up to three names of packages and modules that a misspelled one may have meant."""
        names = {name.lower(): name for name in (*self._packages, *self._imports)}
        found = difflib.get_close_matches(module.lower(), names, n=3, cutoff=0.7)
        return [names[name] for name in found]

    def with_dependencies(self, wanted: Iterable[Package]) -> tuple[Package, ...]:
        """In the order in which they are loaded: shared libraries first, and each after those that it needs.

        Raises InstallationError where none is of a name that one needs.
        """
        ordered: dict[str, Package] = {}
        pending = [(package, False) for package in reversed(list(wanted))]
        begun: set[str] = set()
        while pending:
            package, ready = pending.pop()
            if ready:
                ordered[package.name] = package
            elif package.name not in begun:
                begun.add(package.name)
                pending.append((package, True))
                pending.extend((self._needed(name, package), False) for name in reversed(package.depends))
        return tuple(sorted(ordered.values(), key=lambda package: package.kind != "shared_library"))

    def _needed(self, name: str, package: Package) -> Package:
        if found := self.get(name):
            return found
        raise InstallationError(f"the package {package.name} needs {name}; run: dcp-evaluator python add {name}")


def normalised(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_packages(text: bytes, folder: Path, source: object) -> list[Package]:
    """Those of a lock file or of a file of the same form, with paths in ``folder``.

    ``source``: what messages call it. Raises InstallationError where it is not of that form.
    """
    try:
        entries = json.loads(text)["packages"]
        return [_package(entry, folder) for entry in entries.values()]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise InstallationError(f"{source} is damaged: it does not describe packages of Pyodide") from None


def _package(entry: Mapping[str, Any], folder: Path) -> Package:
    """Raises KeyError, TypeError, ValueError. A file's name has no folder: what is written stays in ours."""
    file = _matching(_FILE_NAME, entry["file_name"].rpartition("/")[2])
    return Package(
        name=normalised(entry["name"]),
        version=str(entry["version"]),
        path=folder / file,
        sha256=_matching(_HASH, entry["sha256"]),
        imports=tuple(map(str, entry["imports"])),
        depends=tuple(normalised(name) for name in entry["depends"]),
        kind=str(entry["package_type"]),
    )


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def write_packages(path: Path, packages: Iterable[Package]) -> None:
    """A file that ``read_packages`` reads; at any time it is the old or the new one. Raises OSError."""
    entries = {package.name: _described(package) for package in packages}
    write_whole(path, json.dumps({"packages": entries}, indent=2).encode())


def _described(package: Package) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "file_name": package.file,
        "sha256": package.sha256,
        "imports": list(package.imports),
        "depends": list(package.depends),
        "package_type": package.kind,
    }
