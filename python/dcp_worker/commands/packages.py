"""The packages of npm that hold start-up files: which they are, that they are intact, and their files on disk."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ..errors import WorkerError

_LARGEST: Final = 256 << 20
"""Bytes of all files of a package, and of one .tgz."""

_MOST_FILES: Final = 20_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,100}")
_VERSION: Final = re.compile(r"\d[\w.+-]{0,50}", re.ASCII)
_CLIENT: Final = "dcp-client"
_WANTED_OF_CLIENT: Final = re.compile(r"generated/.*|libexec/sandbox/.*|package\.json|LICENSE.*")


@dataclass(frozen=True, slots=True)
class Package:
    """``integrity``: its hash as npm writes it, sha512 in base64."""

    name: str
    version: str
    integrity: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


_BRAVOJS: Final = Package(
    "bravojs",
    "1.0.16",
    "sha512-08N9nBCErNicgD70SiIpXzuzr9wkkAevpBTlOczesmwnSOjzYqucG4L5KxaXSMXPx5N4I+Ot5T2o6Yo1x5XKrw==",
)
_KVIN: Final = {
    "4": Package(
        "kvin",
        "1.2.17",
        "sha512-rIH9szS3SyfcDuuZuTZB70Yz3Mu7PiIPUuDxlEkCVFEEL4S+iSYhhA9S3HZ+8iv9ivg/C6K60J4plUY6W88bgQ==",
    ),
    "5": Package(
        "kvin",
        "9.0.0",
        "sha512-NbHveCb/LI7e/YNJwlJzIW3U38RDvmh2isUy6gProKKoJn7CNIC8lI4rRsD5mb6QcPMOUz0lWrPNuqb+DBZrYA==",
    ),
}
_CLIENTS: Final = {
    "4.4.29": "sha512-TbQhRdf0wkzafMQkGuGvWGNr4Nubr4fQXcJpiBe+QzA3H4IizBAXj9ZDsk9HN0F/PkbK2YgTcYurvOe2bWBVwQ==",
    "5.6.1": "sha512-4jjHFuLPJO8xyZmh550VY/BSPmrUXZfemAsRg7N9L0DCiyS0fveDmnvzv2XiKOqkrQgYjbx+L5xJrDW0jO2HsA==",
}

DEFAULT_VERSION: Final = "4.4.29"
"""Of dcp-client: what npm's dcp-worker has."""

KNOWN_VERSIONS: Final = tuple(_CLIENTS)


def packages_of(version: str, integrity: str | None = None) -> list[Package]:
    """dcp-client, and the packages that its start-up files come from too. Raises WorkerError."""
    known = integrity or _CLIENTS.get(version)
    if not known or not known.startswith("sha512-"):
        raise WorkerError(
            f"the hash of dcp-client {version} is not known here: say --integrity sha512-..., as npm shows it "
            f"(npm view dcp-client@{version} dist.integrity), or take one of {', '.join(KNOWN_VERSIONS)}"
        )
    major = version.partition(".")[0]
    if major not in _KVIN:
        raise WorkerError(f"dcp-client {version} is neither a version 4 nor a version 5")
    return [Package(_CLIENT, version, known), _KVIN[major], _BRAVOJS]


def check(package: Package, tarball: bytes, source: str) -> None:
    """Raises WorkerError where it is not what it should be."""
    if (found := sha512(tarball)) != package.integrity:
        raise WorkerError(
            f"{package} from {source} is not what it should be: its hash is {found}, and not {package.integrity}; "
            "nothing of it is used"
        )


def sha512(data: bytes) -> str:
    """As npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def described(tarball: bytes, source: str) -> Package:
    """Which package it is, as it says itself. Raises WorkerError."""
    for name, data in _files(tarball, source):
        if name == "package.json":
            try:
                about: Any = json.loads(data)
                found = Package(str(about["name"]), str(about["version"]), sha512(tarball))
            except (ValueError, LookupError, TypeError):
                break
            if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,100}", found.name) and re.fullmatch(
                r"[\w.+-]{1,50}", found.version
            ):
                return found
    raise WorkerError(f"{source} is no package of npm: there is no package.json in it that says which")


def unpack(tarballs: dict[Package, bytes], folder: Path) -> None:
    """Their files, as npm lays them out, in ``folder/node_modules``; all or none. Raises WorkerError, OSError."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        made.chmod(0o755)
        for package, tarball in tarballs.items():
            for name, data in _files(tarball, str(package)):
                if package.name == _CLIENT and not _WANTED_OF_CLIENT.fullmatch(name):
                    continue
                path = made / "node_modules" / package.name / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _files(tarball: bytes, source: str) -> Iterator[tuple[str, bytes]]:
    """Its plain files, by their path in the package. Raises WorkerError for what npm would not have made."""
    size = count = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
            for member in archive:
                count += 1
                size += member.size
                if size > _LARGEST or count > _MOST_FILES:
                    raise WorkerError(f"{source} holds more than any package of npm should")
                parts = PurePosixPath(member.name).parts
                if not member.isfile() or len(parts) < 2:
                    continue
                if ".." in parts or parts[0] == "/" or "\0" in member.name:
                    raise WorkerError(f"{source} holds a file of which the path leads out of the package")
                file = archive.extractfile(member)
                assert file is not None
                yield "/".join(parts[1:]), file.read()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise WorkerError(f"{source} is no package of npm, or is damaged: {error}") from None
