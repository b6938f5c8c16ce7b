"""What ``make lock`` has pinned for the packages: versions, hashes, and which package needs which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pythons import VERSIONS


@dataclass(frozen=True)
class Pin:
    """``hashes``: SHA-256, of each of its files. ``needed_by``: names of packages."""

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: frozenset[str]


def read_pins(text: str, pythons: Iterable[str] = VERSIONS) -> list[Pin]:
    """Of a file of ``requirements``: those for Linux, and for one of these versions of CPython.

    Of numpy, there is a version for old ones and one for the others.
    """
    entries = re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE)[1:]
    return [pin for entry in entries if (pin := _pin(entry, pythons))]


def needed(pins: Iterable[Pin], roots: Iterable[str]) -> list[Pin]:
    """``roots``, requirements of a project, and all that they need."""
    pins = list(pins)
    names = names_of(roots)
    while more := {pin.name for pin in pins if pin.needed_by & names} - names:
        names |= more
    return [pin for pin in pins if pin.name in names]


def names_of(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def needs(pins: Iterable[Pin]) -> Mapping[str, list[str]]:
    """By the name of each: names of what it needs."""
    pins = list(pins)
    return {pin.name: sorted({other.name for other in pins if pin.name in other.needed_by}) for pin in pins}


def _pin(entry: str, pythons: Iterable[str]) -> Pin | None:
    head, _, rest = entry.partition(" \\\n")
    requirement = Requirement(head)
    if requirement.marker is not None and not _is_wanted(requirement.marker, pythons):
        return None
    (version,) = requirement.specifier
    hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", rest))
    return Pin(canonicalize_name(requirement.name), version.version, hashes, frozenset(_needed_by(rest)))


def _is_wanted(marker: Marker, pythons: Iterable[str]) -> bool:
    machines = ({"python_version": python, "python_full_version": f"{python}.0"} for python in pythons)
    return any(marker.evaluate({"sys_platform": "linux", **machine}) for machine in machines)


def _needed_by(comments: str) -> Iterator[str]:
    """The lines after ``# via``, or the one on it."""
    for line in comments.partition("# via")[2].splitlines():
        if name := line.strip(" #").partition(" ")[0]:
            yield canonicalize_name(name)
