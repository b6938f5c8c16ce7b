"""The kinds of frames (docs/protocol.md section 1)."""

from __future__ import annotations

# To the sandbox.
ASSIGN = 0
RUN = 1
SCRIPT = 2
NO_MORE_SCRIPTS = 3
MODULE_SOURCE = 4

# From the sandbox.
READY = 16
ASSIGNED = 17
ASSIGNMENT_FAILED = 18
PROGRESS = 19
CONSOLE = 20
EMIT = 21
RESULT = 22
FAILED = 23
REJECTED = 24
OUTPUT = 25
FINISHED = 26
WANT_MODULE = 27
STARVED = 28
