"""Who may publish a package: the identity that has published its first version.

Two kinds of names are nobody's. A sideloader, which npm's client makes of a program's local modules, is named for the
hash of what is in it. What Pyodide's worktime asks for runs in the jobs of all, so that the network alone publishes it.
"""

from __future__ import annotations

import hashlib
import re

from sqlalchemy import Connection, func, select, update

from ..errors import RefusedError
from ..model.package import Package
from ..store.schema import packages
from ..store.transaction import Transaction

MOST_NAMES = 1000
"""Of one owner."""
EVERYBODY, OPERATOR = "", "operator"
"""The owner of a sideloader, and who publishes on the scheduler's machine; others are addresses."""
_SIDELOADER = re.compile(r"dcp-pkg-v1-localhost-([0-9a-f]{32})")
_SIDELOADER_FILE, _SIDELOADER_VERSION = "sideloader-v1.js", "1.0.0"
_OF_THE_NETWORK = "pyodide-"


def owner_of(package: Package, publisher: str) -> str:
    """Whose the package is or would be. Raises RefusedError."""
    if sideloader := _SIDELOADER.fullmatch(package.name):
        _check_sideloader(package, sideloader[1])
        return EVERYBODY
    if package.name.startswith(_OF_THE_NETWORK) and publisher != OPERATOR:
        raise RefusedError("EPERM", f"packages named {_OF_THE_NETWORK}... are published by the network's operator")
    return publisher


def check_owner(connection: Connection, name: str, owner: str) -> None:
    """Whether ``owner`` may publish ``name``. Raises RefusedError."""
    known = connection.execute(select(packages.c.owner).where(packages.c.name == name)).scalar()
    if known is not None and known != owner:
        raise RefusedError("EPERM", f"the package {name} belongs to another identity; choose another name")
    if known is None and owner not in (EVERYBODY, OPERATOR):
        owned = select(func.count()).select_from(packages).where(packages.c.owner == owner)
        if connection.execute(owned).scalar_one() >= MOST_NAMES:
            raise RefusedError("EDQUOT", f"an identity has {MOST_NAMES} packages at most")


def is_sideloader(name: str) -> bool:
    return bool(_SIDELOADER.fullmatch(name))


def _check_sideloader(package: Package, digest: str) -> None:
    """Otherwise somebody could publish other code under the name that a program will have."""
    content = package.files.get(_SIDELOADER_FILE)
    if content is None or len(package.files) != 1 or package.version != _SIDELOADER_VERSION:
        what = f"{_SIDELOADER_FILE} alone, version {_SIDELOADER_VERSION}"
        raise RefusedError("EINVAL", f"a package of local modules has {what}")
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
        raise RefusedError("EINVAL", "the name of a package of local modules must be the MD5 of its file")


def give(transaction: Transaction, name: str, owner: str) -> None:
    """The package belongs to ``owner``, an address, from now on. Raises RefusedError."""
    mine = (packages.c.name == name, packages.c.owner != EVERYBODY)
    if not transaction.connection.execute(update(packages).where(*mine).values(owner=owner)).rowcount:
        raise RefusedError("ENOENT", "there is no package of this name that somebody could own")
