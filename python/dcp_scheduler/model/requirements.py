"""What a job needs of a sandbox, and what a worker's sandboxes have: bits of dialect 5."""

from __future__ import annotations

import enum


class Requirements(enum.IntFlag, boundary=enum.FlagBoundary.KEEP):
    """Bits that are not named here are kept: a worker must have all that a job asks for."""

    NONE = 0
    SPIDERMONKEY = 2
    CHROME = 4
    OFFSCREEN_CANVAS = 8
    FDLIBM = 16
    WEBGPU = 32
    KVIN_V9 = 64
    """Values are written in KVIN v9, as dcp-client 5 does."""
