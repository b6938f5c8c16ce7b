"""What a wheel says of itself."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from ..errors import InstallationError
from .packages import Package, normalised

_FILE = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.!+]+)(-[0-9][A-Za-z0-9_.]*)?(-[A-Za-z0-9_.]+){3}\.whl"
)
_NEEDED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_LARGEST_METADATA = 4 << 20


def read_wheel(wheel: Path, folder: Path) -> Package:
    """The package in ``wheel``, whose file is to lie in ``folder``; what it depends on, for whatever reason.

    Raises InstallationError where it is damaged.
    """
    named = _FILE.fullmatch(wheel.name)
    if named is None:
        raise InstallationError(f"{wheel.name} is not named as a wheel is")
    try:
        with wheel.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            needed = _needed(archive)
    except (OSError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InstallationError(f"{wheel.name} is damaged: {error}") from None
    return Package(
        name=normalised(named["name"]),
        version=named["version"],
        path=folder / wheel.name,
        sha256=sha256,
        imports=tuple(sorted({module for name in names if (module := _module(name))})),
        depends=needed,
        kind="package",
    )


def _needed(archive: zipfile.ZipFile) -> tuple[str, ...]:
    path = next((name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)), "METADATA")
    with archive.open(path) as file:
        text = file.read(_LARGEST_METADATA).decode("utf-8", "replace")
    lines = HeaderParser().parsestr(text).get_all("Requires-Dist") or []
    return tuple(sorted({normalised(found[0]) for line in lines if (found := _NEEDED.match(line.strip()))}))


def _module(name: str) -> str | None:
    """The module or package that a file of a wheel makes importable, at the top."""
    parts = PurePosixPath(name).parts
    if len(parts) > 2 and parts[0].endswith(".data") and parts[1] in ("purelib", "platlib"):
        parts = parts[2:]
    if not parts or parts[0].endswith((".data", ".dist-info")):
        return None
    if len(parts) == 1 and not name.endswith((".py", ".so")):
        return None
    module = parts[0].partition(".")[0]
    return module if module.isidentifier() else None
