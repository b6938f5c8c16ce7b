"""What a URI has, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import canonical_json, kvin
from .failures import UndecodableError
from .media_type import MediaType


@dataclass(frozen=True)
class Resource:
    """``value`` is a str, bytes, or what JSON or KVIN stand for.

    ``size`` is what DCP counts as the size of the data: the UTF-16 units of the serialized text, of a ``data:`` URI
    those of the URI.
    """

    value: Any
    media_type: MediaType
    size: int


def utf16_length(text: str) -> int:
    """What ``length`` of the same string is in JavaScript."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def deserialize(text: str, media_type: MediaType, memory: int = kvin.MEMORY) -> Any:
    """The value of the text of an HTTP answer or file (``decodeData`` in ``utils/fetch-uri.js``).

    That is a value for ``application/json`` and ``application/x-kvin``, else the text. Raises UndecodableError.
    """
    try:
        if media_type.name in ("application/json", "JSON"):
            return canonical_json.decode(text.encode())
        if media_type.name == "application/x-kvin":
            return kvin.deserialize(text, memory=memory)
    except ValueError as error:
        raise UndecodableError(f"this is no {media_type.name}: {error}") from error
    return text
