"""Holds requirements/GROUP.txt against the group in pyproject.toml. Run by ``make lint``; ``make lock`` mends it.

A file has a line ``NAME==VERSION`` for each package, with its hashes, and names no registry.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")


def main(root: Path = ROOT) -> int:
    """Returns the exit status."""
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    wrong = [
        f"{path.relative_to(root)}: {fault}"
        for path in sorted((root / "requirements").glob("*.txt"))
        for fault in faults(path.read_text(encoding="utf-8"), wanted(groups, path.stem))
    ]
    for fault in wrong:
        print(f"{fault}; run: make lock", file=sys.stderr)
    return 1 if wrong else 0


def wanted(groups: dict[str, list[str | dict[str, str]]], name: str) -> Iterator[Requirement]:
    """What a group asks for, and the groups that it includes."""
    for item in groups[name]:
        if isinstance(item, dict):
            yield from wanted(groups, item["include-group"])
        else:
            yield Requirement(item)


def faults(text: str, requirements: Iterator[Requirement]) -> Iterator[str]:
    """What is wrong with the file of this text."""
    versions: defaultdict[str, list[Version]] = defaultdict(list)
    for entry in re.sub(r"#.*\n| \\\n", "\n", text).replace("\n    --hash", "    --hash").split("\n"):
        if not entry.strip():
            continue
        pin, *hashes = re.split(r"(?=    --hash)", entry)
        found = re.fullmatch(r"([a-z0-9-]+)==([a-z0-9.+!]+)(?: ; .+)?", pin)
        if found is None or not hashes or not all(_HASH.fullmatch(text) for text in hashes):
            yield f"no version with its hashes: {pin[:60]!r}"
        else:
            versions[found[1]].append(Version(found[2]))
    for requirement in requirements:
        pinned = versions[canonicalize_name(requirement.name)]
        if not pinned:
            yield f"{requirement.name} is missing"
        for version in pinned:
            if version not in requirement.specifier:
                yield f"{requirement.name} {version} is none of {requirement}"


if __name__ == "__main__":
    sys.exit(main())
