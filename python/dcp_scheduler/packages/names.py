"""What packages, their files and their versions may be called, and how modules are asked for.

Names become parts of URLs, of module ids and of messages: they have no character that means something there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from semantic_version import NpmSpec, Version

from ..errors import RefusedError

LONGEST_NAME = 128
LONGEST_FILE = 200
LONGEST_VERSION = 64
_PACKAGE = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9_+~-][A-Za-z0-9_.+~-]*(?:/[A-Za-z0-9_+~-][A-Za-z0-9_.+~-]*)*", re.ASCII)
_RANGE = re.compile(r"[A-Za-z0-9.+*^~<>=| -]+", re.ASCII)
_OF_JAVASCRIPT = frozenset(("__proto__", "constructor", "prototype"))
"""No member of an object is called so."""


@dataclass(frozen=True, slots=True)
class ModuleName:
    """``package@range/file``, or ``package/file`` for the newest. ``label``: what is ahead of the slash."""

    label: str
    file: str

    @property
    def package(self) -> str:
        return self.label.partition("@")[0]

    @property
    def versions(self) -> str:
        """A range as npm writes them; empty for any."""
        return self.label.partition("@")[2]


def check_package(name: str) -> None:
    """Raises RefusedError, ``EINVAL``."""
    if not _is_package(name):
        must = f"up to {LONGEST_NAME} letters and digits, with single dots, hyphens and underscores between them"
        raise RefusedError("EINVAL", f"the package's name must be {must}")


def check_file(name: str) -> None:
    """Raises RefusedError, ``EINVAL``."""
    if not _is_file(name):
        must = f"up to {LONGEST_FILE} letters, digits and _ + ~ - . with / between folders, and single dots, not first"
        raise RefusedError("EINVAL", f"the name of a file in a package must be {must}")


def read_version(text: str) -> Version:
    """Raises RefusedError, ``EINVAL``."""
    try:
        if len(text) <= LONGEST_VERSION:
            return Version(text)
    except ValueError:
        pass
    raise RefusedError("EINVAL", "the package's version must be one of Semantic Versioning, such as 1.0.0")


def read_module(identifier: str) -> ModuleName | None:
    """None for what can be no module of a package."""
    label, slash, file = identifier.partition("/")
    name, at, versions = label.partition("@")
    if not slash or not _is_package(name) or not _is_file(file):
        return None
    if at and (len(versions) > LONGEST_VERSION or not _RANGE.fullmatch(versions) or _read_range(versions) is None):
        return None
    return ModuleName(label, file)


def newest(versions: list[str], wanted: str) -> str | None:
    """The newest of these in a range; of any, one that is no pre-release goes first."""
    known = [Version(version) for version in versions]
    if wanted:
        range_ = _read_range(wanted)
        known = [version for version in known if range_ is not None and range_.match(version)]
    released = [version for version in known if not version.prerelease]
    return str(max(released or known)) if known else None


def _read_range(text: str) -> NpmSpec | None:
    try:
        return NpmSpec(text)
    except ValueError:
        return None


def _is_package(name: str) -> bool:
    return len(name) <= LONGEST_NAME and bool(_PACKAGE.fullmatch(name)) and name not in _OF_JAVASCRIPT


def _is_file(name: str) -> bool:
    allowed = len(name) <= LONGEST_FILE and ".." not in name and bool(_FILE.fullmatch(name))
    return allowed and _OF_JAVASCRIPT.isdisjoint(name.split("/"))
