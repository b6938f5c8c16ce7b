"""A package as its publisher sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Package:
    """``files``: the texts of modules, UTF-8, by their names within the package."""

    name: str
    version: str
    files: Mapping[str, bytes]
