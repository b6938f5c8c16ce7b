"""Whether version, changelog, tags and work tree say the same, for a release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


def faults(version: str, changelog: str, tags: Iterable[str], tags_here: Iterable[str], changes: str) -> Iterator[str]:
    """What is wrong, with the remedy. ``tags``: all; ``tags_here``: of this commit; ``changes``: git's of the tree."""
    yield from _of_changelog(version, changelog)
    yield from _of_tags(f"v{version}", set(tags), set(tags_here))
    if changes:
        files = ", ".join(line[3:] for line in changes.splitlines()[:5])
        yield f"the work tree has changes, and a release is a commit: commit them, or put them away ({files})"


def _of_changelog(version: str, changelog: str) -> Iterator[str]:
    sections = dict(re.findall(r"^## \[?([^\s\]]+)\]?.*\n((?:(?!^## ).*\n?)*)", changelog, flags=re.MULTILINE))
    unreleased = sections.pop("Unreleased", "")
    newest = next(iter(sections), None)
    if newest != version:
        yield (
            f"the newest version of CHANGELOG.md is {newest or 'none'}, that of pyproject.toml is {version}: "
            f"give what is new the heading '## {version}', or correct pyproject.toml"
        )
    elif unreleased.strip():
        yield f"CHANGELOG.md has entries below 'Unreleased': put them below '## {version}', or raise the version"


def _of_tags(tag: str, tags: set[str], tags_here: set[str]) -> Iterator[str]:
    if tag in tags and tag not in tags_here:
        yield f"the tag {tag} is another commit's: raise the version in pyproject.toml, or check that commit out"
    for other in sorted(each for each in tags_here if re.fullmatch(r"v\d+(\.\d+)*.*", each) and each != tag):
        yield f"this commit has the tag {other}, and pyproject.toml the version {tag[1:]}: one of them is wrong"
