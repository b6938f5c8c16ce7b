"""Capabilities and requirements as objects of truths, as evaluators and dialect 4 have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..tasks.capabilities import Capability
from .fields import truth

_PLACES: Final = (
    ("engine", "v8", Capability.V8),
    ("engine", "spidermonkey", Capability.SPIDERMONKEY),
    ("engine", "browser", Capability.BROWSER),
    ("environment", "offscreenCanvas", Capability.OFFSCREEN_CANVAS),
    ("environment", "fdlibm", Capability.FDLIBM),
    ("environment", "webgpu", Capability.WEBGPU),
)


def to_bits(described: object) -> Capability:
    """Of what ``describe`` answered, or of a job's ``requirements``; what is no such object has none."""
    if not isinstance(described, Mapping):
        return Capability.NONE
    bits = Capability.KVIN_V9 if truth(described.get("KVINv9")) else Capability.NONE
    for part, name, bit in _PLACES:
        members = described.get(part)
        if isinstance(members, Mapping) and truth(members.get(name)):
            bits |= bit
    return bits


def from_bits(bits: Capability) -> dict[str, Any]:
    """What an evaluator of dialect 4 with these capabilities describes."""
    return {
        "engine": {"es7": False, "spidermonkey": Capability.SPIDERMONKEY in bits},
        "environment": {
            "webgpu": Capability.WEBGPU in bits,
            "offscreenCanvas": Capability.OFFSCREEN_CANVAS in bits,
            "fdlibm": Capability.FDLIBM in bits,
        },
        "browser": {},
        "details": {
            "offscreenCanvas": dict.fromkeys(
                ("bigTexture4096", "bigTexture8192", "bigTexture16384", "bigTexture32768"), False
            )
        },
        "discrete": True,
        "useStrict": True,
    }
