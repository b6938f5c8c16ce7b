"""Values of results, whichever worker wrote them in whatever way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from dcp_protocol import kvin
from dcp_protocol.uris.data_uri import decode_data_uri
from dcp_protocol.uris.failures import UndecodableError

from ..scheduling.agreement import is_close


def kind_of(uri: str) -> str:
    """A hash that is the same for the same value: of its KVIN, or of the URI itself where that has no value."""
    try:
        text = kvin.serialize(decode_data_uri(uri).value, 9)
    except (UndecodableError, TypeError, ValueError, RecursionError):
        text = uri.encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()


def kind_among(uri: str, known: Iterable[tuple[str, str]], tolerance: float) -> str:
    """The kind of that one of the ``known`` URIs, each after its kind, that has the same value but for small
    differences of numbers; else a new one.
    """
    own, value = kind_of(uri), _value(uri)
    for kind, other in known:
        try:
            if kind == own or is_close(value, _value(other), tolerance):
                return kind
        except (RecursionError, OverflowError):
            continue
    return own


def _value(uri: str) -> Any:
    try:
        return decode_data_uri(uri).value
    except UndecodableError:
        return uri
