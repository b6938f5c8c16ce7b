"""Packages of a distribution of Pyodide, as DCP's Pyodide worktimes ask for them.

The worktime of dcp-client fetches a module ``pyodide-VERSION-NAME/pyodide-VERSION-NAME.js`` for each package that a
work function imports, and for all that it depends on (``pyodide-core.js``). Such a module puts the package's file where
that Pyodide looks for it: into ``DATA``, in Base64, under the name that the worktime's own lock file has for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from semantic_version import Version

from ..errors import SchedulerError
from ..model.package import Package

LOCK = "pyodide-lock.json"
WORKTIMES: Mapping[str, Sequence[str]] = {"2024_0": ("0.26.4",), "2025_0": ("0.28.2",)}
"""Versions that worktimes ask with, by the ABI of their packages: of dcp-client 4.4.29 and 5.6.1."""
_PURE = "-none-any.whl"
"""Files that any Python takes end so."""
_MODULE = """module.declare([], function (require, exports, module) {{
  const known = JSON.parse(atob(globalThis.DATA[{lock}])).packages[{name}];
  globalThis.DATA[known ? known.file_name : {file}] = "{content}";
  exports.readyPromise = Promise.resolve();
}});
"""


def read_distribution(folder: Path, worktimes: Sequence[str] = ()) -> Iterator[Package]:
    """A package for each file of the distribution that is in ``folder``, and for each version of worktimes.

    ``worktimes``: for which, where not for all whose Pyodide can load it. The version is that of the distribution.
    Raises SchedulerError.
    """
    lock = _read_lock(folder / LOCK)
    try:
        abi, version = str(lock["info"]["abi_version"]), str(Version.coerce(lock["info"]["version"]))
        entries = [
            (str(name), folder / Path(entry["file_name"]).name, str(entry["sha256"]))
            for name, entry in lock["packages"].items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise SchedulerError(f"{folder / LOCK} describes no distribution of Pyodide") from None
    found = [(name, path, digest) for name, path, digest in entries if path.is_file()]
    if not found:
        raise SchedulerError(f"{folder} has the lock file of a distribution of Pyodide, and none of its packages")
    if not worktimes and abi not in WORKTIMES:
        what = f"the worktimes that are known load {' and '.join(WORKTIMES)}; name the version of yours with --worktime"
        raise SchedulerError(f"{folder} has packages of Pyodide's ABI {abi}, and {what}")
    everywhere = [version for versions in WORKTIMES.values() for version in versions]
    for name, path, digest in found:
        content = _read(path, digest)
        for worktime in worktimes or (everywhere if path.name.endswith(_PURE) else WORKTIMES[abi]):
            yield _package(name, path.name, content, worktime, version)


def _package(name: str, file: str, content: bytes, worktime: str, version: str) -> Package:
    module = f"pyodide-{worktime}-{name}"
    text = _MODULE.format(
        lock=json.dumps(LOCK), name=json.dumps(name), file=json.dumps(file), content=base64.b64encode(content).decode()
    )
    return Package(module, version, {f"{module}.js": text.encode()})


def _read_lock(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        what = "a folder with a distribution of Pyodide has one"
        raise SchedulerError(f"{path} cannot be read: {error.strerror}; {what}") from None
    except (RecursionError, ValueError):
        raise SchedulerError(f"{path} is damaged: it is no JSON") from None


def _read(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SchedulerError(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise SchedulerError(f"{path} is damaged: it has not the SHA-256 that {LOCK} says; install it again")
    return content
