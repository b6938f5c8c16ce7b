"""The frame protocol (docs/protocol.md section 1): each number, name, field and bound of it is written here, once.

The build writes JavaScript's ``runtime.frames`` and C++'s ``frame_protocol.hpp`` from this file
(native/codegen/frame_protocol.py), so it imports nothing of the package. A test holds docs/protocol.md against it, and
``make lint`` refuses a frame number anywhere else.
"""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    """One kind of frame: an array of ``number`` and the values of ``fields``.

    ``most_bytes``, ``most_values``: what one from a sandbox may have besides the user's value, which has its own limit.
    """

    number: int
    name: str
    from_sandbox: bool
    fields: tuple[str, ...]
    most_bytes: int = 0
    most_values: int = 0

    @property
    def has_value(self) -> bool:
        """Whether it brings a value of the user's."""
        return self.from_sandbox and "value" in self.fields


FRAMES: dict[int, Frame] = {}
"""By number."""


def _to_sandbox(name: str, number: int, *fields: str) -> int:
    return _add(Frame(number, name, False, fields))


def _from_sandbox(name: str, number: int, *fields: str, most_bytes: int = 0, most_values: int = 0) -> int:
    return _add(Frame(number, name, True, fields, most_bytes, most_values))


def _add(frame: Frame) -> int:
    assert frame.number not in FRAMES
    FRAMES[frame.number] = frame
    return frame.number


LEAST_BOUND = 64
"""Bytes that a frame of any kind may have: one that is as short is judged when all of it is here."""
_TEXT, _THREE_TEXTS = 4 << 20, 10 << 20

ASSIGN = _to_sandbox("ASSIGN", 0, "assignment")
RUN = _to_sandbox("RUN", 1, "slice", "datum")
SCRIPT = _to_sandbox("SCRIPT", 2, "name", "source", "kind")
NO_MORE_SCRIPTS = _to_sandbox("NO_MORE_SCRIPTS", 3)
MODULE_SOURCE = _to_sandbox("MODULE_SOURCE", 4, "source")
TAKEN = _to_sandbox("TAKEN", 5, "frames")

READY = _from_sandbox("READY", 16, most_bytes=LEAST_BOUND, most_values=1)
ASSIGNED = _from_sandbox("ASSIGNED", 17, most_bytes=LEAST_BOUND, most_values=1)
ASSIGNMENT_FAILED = _from_sandbox("ASSIGNMENT_FAILED", 18, "error", most_bytes=_THREE_TEXTS, most_values=32)
PROGRESS = _from_sandbox("PROGRESS", 19, "slice", "value", most_bytes=LEAST_BOUND, most_values=2)
CONSOLE = _from_sandbox("CONSOLE", 20, "slice", "level", "text", most_bytes=_TEXT, most_values=4)
EMIT = _from_sandbox("EMIT", 21, "slice", "name", "value", most_bytes=_TEXT, most_values=3)
RESULT = _from_sandbox("RESULT", 22, "slice", "value", "metrics", most_bytes=1 << 10, most_values=32)
FAILED = _from_sandbox("FAILED", 23, "slice", "error", "metrics", most_bytes=_THREE_TEXTS, most_values=32)
REJECTED = _from_sandbox("REJECTED", 24, "slice", "reason", "retries", most_bytes=_TEXT, most_values=4)
OUTPUT = _from_sandbox("OUTPUT", 25, "stream", "text", most_bytes=_TEXT, most_values=3)
FINISHED = _from_sandbox("FINISHED", 26, "status", most_bytes=LEAST_BOUND, most_values=2)
WANT_MODULE = _from_sandbox("WANT_MODULE", 27, "name", most_bytes=_TEXT, most_values=2)
SPENT = _from_sandbox("SPENT", 28, "slice", "error", "metrics", most_bytes=_THREE_TEXTS, most_values=32)

LARGEST_PAYLOAD = 1 << 30
"""Bytes of a frame without its header; also the largest line, and the default bound of a result."""
LARGEST_INLINE = 64 << 10
"""Bytes of a buffer that travels in the payload; larger ones go in shared memory."""
MOST_DESCRIPTORS = 64
"""Of one frame."""
MOST_CHARACTERS = 1 << 20
"""Units of UTF-16 in a text. A sandbox cuts those that may be longer, and writes a shell's output in pieces."""
DEEPEST_VALUE = 512
"""How many arrays and objects may lie in each other."""
MOST_BIGINT_DIGITS = 1 << 20
"""Hexadecimal ones."""
MOST_KEYS = 1 << 20
"""Of one object."""
VALUE_COST = 64
"""Bytes that a value costs besides those that it has in the frame: what an object of Python takes."""
CONTAINER_COST = 512
"""The same of an array or an object."""

EXIT_OUT_OF_MEMORY = 86
"""The exit status of a sandbox whose engine ran out of memory and could say so to no JavaScript."""
EXIT_OTHER_PROTOCOL = 87
"""The exit status of a sandbox whose peer sent no lines, but an HTTP request, a TLS hello or the like."""

CONSTANTS = {
    "LARGEST_PAYLOAD": LARGEST_PAYLOAD,
    "LARGEST_INLINE": LARGEST_INLINE,
    "MOST_DESCRIPTORS": MOST_DESCRIPTORS,
    "MOST_CHARACTERS": MOST_CHARACTERS,
    "DEEPEST_VALUE": DEEPEST_VALUE,
    "MOST_BIGINT_DIGITS": MOST_BIGINT_DIGITS,
    "MOST_KEYS": MOST_KEYS,
    "VALUE_COST": VALUE_COST,
    "CONTAINER_COST": CONTAINER_COST,
    "LEAST_BOUND": LEAST_BOUND,
    "EXIT_OUT_OF_MEMORY": EXIT_OUT_OF_MEMORY,
    "EXIT_OTHER_PROTOCOL": EXIT_OTHER_PROTOCOL,
}
"""What C++ shares besides the kinds; JavaScript has MOST_CHARACTERS of them."""
