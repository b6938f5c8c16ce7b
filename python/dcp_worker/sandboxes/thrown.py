"""What sandboxes call an error: an Error, an object, or the text of a stack."""

from __future__ import annotations

import re
from typing import Any

from dcp_protocol import kvin

from .wire import shortened

MOST_TEXT, _MOST_NAME = 10_000, 100
"""Characters of a text about an error."""
_STACK = re.compile(r"(\w{1,80})(?::[^\n]*)?")


def parts_of(error: Any) -> tuple[str, str, str]:
    """Its name, its message behind its name, and its stack; empty where there are none."""
    if isinstance(error, kvin.JSError):
        error = {"name": error.name, "message": error.message, **error.properties}
    if isinstance(error, dict):
        name, message, stack = (error.get(member) for member in ("name", "message", "stack"))
        name, message, stack = (text if isinstance(text, str) else "" for text in (name, message, stack))
        return name[:_MOST_NAME], f"{name}: {message}"[:MOST_TEXT], stack[:MOST_TEXT]
    text = error[:MOST_TEXT] if isinstance(error, str) else ""
    found = _STACK.match(text)
    return (found[1] if found else ""), (found[0] if found else text) or "no reason is given", text


def text_of(error: Any) -> str:
    """One line for people."""
    return shortened(parts_of(error)[1])
