"""Holds the #includes of native/ against the table of folders in docs/architecture.md: they point downwards only.

A folder may use what its row names, and what those may use in turn.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

_NATIVE = Path("native")
_TABLE = Path("docs/architecture.md")
_ROW = re.compile(r"^\| `native/([\w*/]+?)/?`[^|]*\|.*\| *([^|]*?) *\|$", re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
_SUFFIXES = frozenset((".cpp", ".hpp", ".h", ".c"))


def main() -> int:
    table = {folder: _names(cell) for folder, cell in _ROW.findall(_TABLE.read_text(encoding="utf-8"))}
    problems = [*_faults_of(table), *_violations(table)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _names(cell: str) -> list[str]:
    return [] if cell in ("", "nothing") else [name.strip(" `") for name in cell.split(",")]


def _faults_of(table: dict[str, list[str]]) -> Iterator[str]:
    """What is wrong with the table itself."""
    if not table:
        yield f"{_TABLE}: there is no table with rows that begin with | `native/"
    for folder, names in table.items():
        for name in names:
            if name not in table and not (_NATIVE / name).is_file():
                yield f"{_TABLE}: native/{folder} may use {name!r}, which is neither a folder here nor a file"
            elif folder in _reach(table, name):
                yield f"{_TABLE}: native/{folder} may use {name}, and {name} may use native/{folder}: a circle"


def _reach(table: dict[str, list[str]], folder: str) -> set[str]:
    """The folder and all that it may use."""
    found: set[str] = set()
    ahead = [folder]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += table.get(name, [])
    return found


def _violations(table: dict[str, list[str]]) -> Iterator[str]:
    for file in sorted(path for path in _NATIVE.rglob("*") if path.suffix in _SUFFIXES):
        folder = _folder(table, file)
        if folder is None:
            yield f"{file}: its folder has no row in the table of {_TABLE}; add one that says what it may use"
            continue
        text = file.read_text(encoding="utf-8")
        for include in _INCLUDE.finditer(text):
            target = _resolve(file, include[1])
            if target is not None and not _reach(table, folder) & {str(target), _folder(table, _NATIVE / target)}:
                line = text.count("\n", 0, include.start()) + 1
                allowed = ", ".join(table[folder]) or "nothing"
                yield (
                    f"{file}:{line}: includes {include[1]}, but native/{folder} may use: {allowed} ({_TABLE}); "
                    "move what both need down, or change the table"
                )


def _folder(table: dict[str, list[str]], file: Path) -> str | None:
    """The row of a file: that of a pattern of names comes before that of its folder."""
    relative = file.relative_to(_NATIVE)
    patterns = [name for name in table if "*" in name and fnmatch(str(relative), name)]
    return patterns[0] if patterns else next((name for name in table if name == relative.parts[0]), None)


def _resolve(file: Path, name: str) -> Path | None:
    """Below native/; None for what is generated or of a library."""
    for base in (file.parent, _NATIVE):
        if (base / name).is_file():
            return (base / name).resolve().relative_to(_NATIVE.resolve())
    return None


if __name__ == "__main__":
    sys.exit(main())
