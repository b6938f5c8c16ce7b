"""A folder with ``package.dcp``, which says what is published of it, as DCP's own ``publish`` reads it."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import SchedulerError
from ..model.package import Package

NAME = "package.dcp"


def read_folder(path: Path) -> Package:
    """``path``: the folder, or the descriptor itself. Raises SchedulerError.

    The descriptor is JSON: ``name``, ``version``, and ``files``: from paths beside it to names in the package.
    """
    descriptor = path / NAME if path.is_dir() else path
    try:
        described = json.loads(descriptor.read_text("utf-8"))
        name, version, files = described["name"], described["version"], dict(described["files"])
        pairs = [(str(source), str(target)) for source, target in files.items()]
    except OSError as error:
        raise SchedulerError(f"{descriptor} cannot be read: {error.strerror}") from None
    except (KeyError, RecursionError, TypeError, ValueError):
        what = '{"name": "shapes", "version": "1.0.0", "files": {"square.js": "square.js"}}'
        raise SchedulerError(f"{descriptor} describes no package; it must be like {what}") from None
    targets = [target for _, target in pairs]
    if len(set(targets)) != len(targets):
        raise SchedulerError(f"{descriptor} gives one name to two files")
    return Package(str(name), str(version), {target: _read(descriptor.parent / source) for source, target in pairs})


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        content.decode()
    except OSError as error:
        raise SchedulerError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SchedulerError(f"{path} is no text of UTF-8, and modules are texts") from None
    return content
