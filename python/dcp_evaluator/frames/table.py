"""The frame protocol (docs/protocol.md section 1): each number, name, field and bound of it is written here, once.

The build writes JavaScript's ``runtime.frames`` and C++'s ``frame_protocol.hpp`` from this file
(native/codegen/frame_protocol.py), so it imports nothing of the package. A test holds docs/protocol.md against it, and
``make lint`` refuses a frame number anywhere else.
"""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    """One kind of frame: an array of ``number`` and the values of ``fields``."""

    number: int
    name: str
    from_sandbox: bool
    fields: tuple[str, ...]

    @property
    def has_value(self) -> bool:
        """Whether it brings a value of the user's, which result_limit bounds."""
        return self.from_sandbox and "value" in self.fields


FRAMES: dict[int, Frame] = {}
"""By number."""


def _to_sandbox(name: str, number: int, *fields: str) -> int:
    return _add(Frame(number, name, False, fields))


def _from_sandbox(name: str, number: int, *fields: str) -> int:
    return _add(Frame(number, name, True, fields))


def _add(frame: Frame) -> int:
    assert frame.number not in FRAMES
    FRAMES[frame.number] = frame
    return frame.number


ASSIGN = _to_sandbox("ASSIGN", 0, "assignment")
RUN = _to_sandbox("RUN", 1, "slice", "datum")
SCRIPT = _to_sandbox("SCRIPT", 2, "name", "source", "kind")
NO_MORE_SCRIPTS = _to_sandbox("NO_MORE_SCRIPTS", 3)
MODULE_SOURCE = _to_sandbox("MODULE_SOURCE", 4, "source")
TAKEN = _to_sandbox("TAKEN", 5, "frames")

READY = _from_sandbox("READY", 16)
ASSIGNED = _from_sandbox("ASSIGNED", 17)
ASSIGNMENT_FAILED = _from_sandbox("ASSIGNMENT_FAILED", 18, "error")
PROGRESS = _from_sandbox("PROGRESS", 19, "slice", "value")
CONSOLE = _from_sandbox("CONSOLE", 20, "slice", "level", "text")
EMIT = _from_sandbox("EMIT", 21, "slice", "name", "value")
RESULT = _from_sandbox("RESULT", 22, "slice", "value", "metrics")
FAILED = _from_sandbox("FAILED", 23, "slice", "error", "metrics")
REJECTED = _from_sandbox("REJECTED", 24, "slice", "reason", "retries")
OUTPUT = _from_sandbox("OUTPUT", 25, "stream", "text")
FINISHED = _from_sandbox("FINISHED", 26, "status")
WANT_MODULE = _from_sandbox("WANT_MODULE", 27, "name")
OUT_OF_MEMORY = _from_sandbox("OUT_OF_MEMORY", 28, "slice", "error", "metrics")

LARGEST_PAYLOAD = 1 << 30
"""Bytes of a frame without its header; also the largest line, and the default bound of a result."""
LARGEST_INLINE = 64 << 10
"""Bytes of a buffer that travels in the payload; larger ones go in shared memory."""
MOST_DESCRIPTORS = 64
"""Of one frame."""
MOST_CHARACTERS = 1 << 20
"""Characters of a text. A sandbox cuts those that may be longer, and writes a shell's output in pieces."""

EXIT_OUT_OF_MEMORY = 86
"""The exit status of a sandbox whose engine ran out of memory and could say so to no JavaScript."""
EXIT_OTHER_PROTOCOL = 87
"""The exit status of a sandbox whose peer sent no lines, but an HTTP request, a TLS hello or the like."""

CONSTANTS = {
    "LARGEST_PAYLOAD": LARGEST_PAYLOAD,
    "LARGEST_INLINE": LARGEST_INLINE,
    "MOST_DESCRIPTORS": MOST_DESCRIPTORS,
    "MOST_CHARACTERS": MOST_CHARACTERS,
    "EXIT_OUT_OF_MEMORY": EXIT_OUT_OF_MEMORY,
    "EXIT_OTHER_PROTOCOL": EXIT_OTHER_PROTOCOL,
}
"""What C++ shares besides the kinds; JavaScript has MOST_CHARACTERS of them."""
