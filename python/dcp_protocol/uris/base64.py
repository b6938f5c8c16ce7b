"""JavaScript's ``atob`` and ``btoa``."""

from __future__ import annotations

import binascii

_WHITESPACE = str.maketrans("", "", "\t\n\f\r ")


def atob(text: str) -> bytes:
    """The bytes; white space is left out, the padding may be missing. Raises ValueError for other characters.

    So do browsers and dcp-client 4.4.29. 5.6.1 skips what is not base64, and takes ``-`` and ``_`` for ``+`` and ``/``.
    """
    packed = text.translate(_WHITESPACE) if any(space in text for space in "\t\n\f\r ") else text
    if len(packed) % 4 == 0:
        packed = packed[:-2] if packed.endswith("==") else packed.removesuffix("=")
    if "=" in packed:
        raise ValueError("padding that does not fit")
    if len(packed) % 4 == 1:
        raise ValueError(f"base64 of {len(packed)} characters is one too long, or one short")
    try:
        return binascii.a2b_base64(packed.encode("ascii") + b"=" * (-len(packed) % 4), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("a character that is not of base64") from None


def btoa(data: bytes | bytearray | memoryview) -> str:
    """Base64 on one line, padded."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")
