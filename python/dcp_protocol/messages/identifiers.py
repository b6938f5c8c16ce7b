"""Random texts that name messages, acknowledgements, nonces and sessions (DCP: ``protocol/utils.js``)."""

from __future__ import annotations

import secrets
import string

_ALPHABET = (string.ascii_letters + string.digits).encode()
_CHARACTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


def random_text() -> str:
    """21 letters and digits, 124 bits that cannot be guessed."""
    return secrets.token_bytes(21).translate(_CHARACTERS).decode()
