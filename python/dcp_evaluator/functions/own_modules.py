"""Modules that a program has beside itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .scripts import imported_names


def own_modules(source: str, folder: Path) -> dict[str, bytes]:
    """The files below ``folder`` of the modules that the program, and these modules, import: by name below it.

    Of a package all its ``.py`` files. Links do not lead out of the folder. Raises OSError.
    """
    folder = folder.resolve()
    found: dict[str, bytes] = {}
    waiting = [source]
    while waiting:
        for name in {name.partition(".")[0] for name in imported_names(waiting.pop())}:
            for path in _files(name, folder):
                place = path.relative_to(folder).as_posix()
                if place not in found and path.resolve().is_relative_to(folder) and path.is_file():
                    found[place] = path.read_bytes()
                    waiting.append(found[place].decode("utf-8", "replace"))
    return found


def _files(module: str, folder: Path) -> Iterator[Path]:
    package, file = folder / module, folder / f"{module}.py"
    if package.is_dir():
        yield from sorted(package.rglob("*.py"))
    elif file.is_file():
        yield file
