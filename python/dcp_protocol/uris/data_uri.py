"""``data:`` URIs: a value inside a URI."""

from __future__ import annotations

from typing import Any

from .. import canonical_json, kvin
from .base64 import atob, btoa
from .failures import UndecodableError
from .media_type import MediaType, split_data_uri
from .percent import decode_uri, encode_uri
from .resource import Resource, deserialize, utf16_length

_BYTES_AS_CHARACTERS = (None, "iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii")
_UTF8 = ("utf8", "utf-8")
# What JavaScript's escape() leaves, of the characters that decodeURI() does not decode.
_ESCAPED = str.maketrans({character: f"%{ord(character):02X}" for character in ";?:&=$,#"})


def decode_data_uri(uri: str, memory: int = kvin.MEMORY) -> Resource:
    """The value that a ``data:`` URI has (``parseDataURI`` in ``utils/fetch-uri.js``).

    =================== ====================================================
    media type          value
    =================== ====================================================
    none, ``text/*``    str
    application/json    what the JSON stands for
    application/x-kvin  what the KVIN stands for
    any other           bytes
    =================== ====================================================

    What follows the comma is base64 where the type says ``;base64``, else percent sequences, of which those of
    ``; / ? : @ & = + $ , #`` stay as they are. A text is UTF-8 with ``charset=utf-8``, else its bytes are its
    characters. dcp-client's answer is kept where it is odd: ``;`` ``?`` ``:`` ``&`` ``=`` ``$`` ``,`` and ``#`` in
    base64 with ``charset=utf-8`` come out as percent sequences.

    ``memory``: how many bytes the value of a KVIN may take.

    Takes linear time, about 20 ns a character. Raises UndecodableError.
    """
    try:
        media_type, payload = split_data_uri(uri)
        value = _decode(payload, media_type, memory)
    except ValueError as error:
        raise UndecodableError(f"this data: URI cannot be decoded: {error}") from error
    return Resource(value, media_type, utf16_length(uri))


def _decode(payload: str, media_type: MediaType, memory: int) -> Any:
    if media_type.major == "text":
        return _payload_text(payload, media_type)
    if media_type.name in ("application/json", "application/x-kvin"):
        return deserialize(_payload_text(payload, media_type), media_type, memory)
    if media_type.base64:
        return atob(payload)
    return _low_bytes(decode_uri(payload))


def _payload_text(payload: str, media_type: MediaType) -> str:
    charset = media_type.charset
    if charset in _UTF8:
        return atob(payload).decode().translate(_ESCAPED) if media_type.base64 else decode_uri(payload)
    if charset not in _BYTES_AS_CHARACTERS:
        raise ValueError(f"the character set {charset[:40]!r} is not known; there are utf-8 and latin-1")
    return atob(payload).decode("latin-1") if media_type.base64 else decode_uri(payload)


def _low_bytes(text: str) -> bytes:
    """The low byte of each character; of one beyond U+FFFF that of its first surrogate."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return bytes((ord(c) if ord(c) < 0x10000 else (ord(c) - 0x10000) >> 10) & 0xFF for c in text)


def encode_data_uri(value: Any, media_type: str | None = None, *, kvin_version: kvin.Version = 8) -> str:
    """A ``data:`` URI of the value (``utils/encodeDataURI.js``); a str that is one already stays as it is.

    Without a media type a str is text, a bool JSON, and anything else KVIN of the version. A str for
    ``application/json`` or ``application/x-kvin`` is taken for the text of such; bytes go into any type as base64.
    Work functions are text too: ``application/javascript`` gives the same as ``text/plain``.

    Raises ValueError for what cannot be of the type, such as text with a lone surrogate; TypeError for what is in no
    KVIN.
    """
    if isinstance(value, str) and value.startswith("data:"):
        return value
    name, _, parameter = (media_type or _default_type(value)).partition(";")
    if isinstance(value, bytes | bytearray | memoryview) and not name.startswith("application/x-kvin"):
        return f"data:{name};base64,{btoa(value)}"
    text = _text_of(value, name, kvin_version)
    if name in ("text/plain", "application/javascript"):
        if parameter == "base64":
            return f"data:text/plain;base64,{btoa(text.encode('latin-1'))}"
        name = ""
    return f"data:{name},{encode_uri(text)}"


def _default_type(value: Any) -> str:
    if isinstance(value, str):
        return "text/plain"
    return "application/json" if isinstance(value, bool) else "application/x-kvin"


def _text_of(value: Any, name: str, kvin_version: kvin.Version) -> str:
    if isinstance(value, str):
        return value
    if name == "application/json":
        return canonical_json.encode(value).decode()
    if name == "application/x-kvin":
        return kvin.serialize(value, kvin_version).decode()
    raise ValueError(f"a value of type {type(value).__name__} is no {name}: give str or bytes, or application/x-kvin")
