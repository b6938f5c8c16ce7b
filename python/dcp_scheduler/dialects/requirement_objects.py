"""Requirements and capabilities as objects of truths, as dialect 4 has them."""

from __future__ import annotations

from ..model.requirements import Requirements
from .fields import Fields

_PLACES = (
    ("engine", "spidermonkey", Requirements.SPIDERMONKEY),
    ("browser", "chrome", Requirements.CHROME),
    ("environment", "offscreenCanvas", Requirements.OFFSCREEN_CANVAS),
    ("environment", "fdlibm", Requirements.FDLIBM),
    ("environment", "webgpu", Requirements.WEBGPU),
)


def read_requirements(described: Fields) -> Requirements:
    """Of a job, or of a worker's sandboxes. Raises RefusedError."""
    bits = Requirements.NONE
    for part, name, bit in _PLACES:
        if described.inner(part).flag(name):
            bits |= bit
    return bits
