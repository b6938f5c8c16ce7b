"""What an evaluator can do, and what jobs need."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Capability(enum.IntFlag):
    """The bits of dialect 5 (``needCapabilities``); dialect 4 has the same as objects of booleans."""

    NONE = 0
    V8 = 1
    SPIDERMONKEY = 2
    BROWSER = 4
    OFFSCREEN_CANVAS = 8
    FDLIBM = 16
    WEBGPU = 32
    KVIN_V9 = 64


@dataclass(frozen=True, slots=True)
class Worktime:
    """A kind of work function and its version. In a job of dialect 5 the version may be a range of versions."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Worktimes:
    """The versions of one worktime that an evaluator has."""

    name: str
    versions: tuple[str, ...]
