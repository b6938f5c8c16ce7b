"""Values to and from their JSON texts, without holding up the event loop for large ones."""

from __future__ import annotations

import asyncio
from typing import Any

from .. import canonical_json
from ..messages.bodies import JsonText
from ..messages.json_parts import Text

_LARGE = 1 << 18
_MANY = 1000


async def encoded(value: object) -> Text:
    """What JSON.stringify prints; a ``JsonText`` is taken as such a text. Raises ValueError and TypeError."""
    if isinstance(value, JsonText):
        return value.text
    if _is_large(value):
        return await asyncio.to_thread(canonical_json.encode, value)
    return canonical_json.encode(value)


async def decoded(text: JsonText) -> Any:
    """Raises ValueError for what is nested too deep or would take too much memory."""
    if len(text) > _LARGE:
        return await asyncio.to_thread(lambda: text.value)
    return text.value


def _is_large(value: object) -> bool:
    """Whether it has many parts or long texts: looks at ``_MANY`` at most."""
    waiting, seen, size = [value], 0, 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if isinstance(part, (str, bytes)):
            size += len(part)
        elif isinstance(part, (list, tuple, dict)):
            if len(part) > _MANY:
                return True
            waiting.extend(part)
            if isinstance(part, dict):
                waiting.extend(part.values())
        if seen > _MANY or size > _LARGE:
            return True
    return False
