"""Which modules a module needs: the list of its ``module.declare([...], function ...)``.

Sandboxes note these lists and fetch nothing for them: whoever asks for a module must get all that it needs at once.
"""

from __future__ import annotations

import re

_CALL = re.compile(r"module\s*\.\s*declare\s*\(\s*\[")
_PART = re.compile(
    r"""\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|'(?P<single>[^'\\\n]*)'|"(?P<double>[^"\\\n]*)"|(?P<mark>[\[\]{},:])|[\w$]+"""
)
_MOST_CALLS = 16
_LONGEST_LIST = 1 << 16
_MOST = 500


def dependencies(text: str) -> list[str]:
    """Identifiers as they are written, each once; those of labels too. What is no list of texts ends it."""
    found: dict[str, None] = {}
    for count, call in enumerate(_CALL.finditer(text)):
        if count == _MOST_CALLS:
            break
        found |= dict.fromkeys(_listed(text[call.end() : call.end() + _LONGEST_LIST]))
    return list(found)[:_MOST]


def _listed(text: str) -> list[str]:
    """Up to the bracket that ends the list. A text that a colon follows is a label."""
    found: list[str] = []
    place, last_is_text = 0, False
    while part := _PART.match(text, place):
        place = part.end()
        value, mark = part["single"] if part["single"] is not None else part["double"], part["mark"]
        if mark == "]":
            break
        if mark == ":" and last_is_text:
            found.pop()
        if value is not None:
            found.append(value)
        if value is not None or mark:
            last_is_text = value is not None
    return found


def joined(module: str, identifier: str) -> str | None:
    """The id of what ``module`` calls by a relative name, as BravoJS makes it; None where it leaves the root."""
    parts = module.split("/")[:-1]
    for part in identifier.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
