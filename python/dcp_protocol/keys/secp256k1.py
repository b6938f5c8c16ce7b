"""The curve of DCP's keys: libsecp256k1, as wallycore has it. Public keys are 64 bytes, secrets and digests 32."""

from __future__ import annotations

import os

import wallycore

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141

_RECOVERABLE = wallycore.EC_FLAG_ECDSA | wallycore.EC_FLAG_RECOVERABLE
# A compact signature begins with this, and which of the two points it is of.
_HEADER = 27 + 4

# Blinds the secrets in the library against those who measure its time.
wallycore.secp_randomize(os.urandom(wallycore.WALLY_SECP_RANDOMIZE_LEN))


def public_key(secret: bytes) -> bytes:
    """Raises ValueError for what is no secret."""
    return _uncompressed(wallycore.ec_public_key_from_private_key(secret))


def sign(secret: bytes, digest: bytes) -> tuple[bytes, bytes, int]:
    """ECDSA with the nonce of RFC 6979: ``r``, the lower ``s``, and 0 or 1, which of two keys ``recover`` gives."""
    signature: bytes = wallycore.ec_sig_from_bytes(secret, digest, _RECOVERABLE)
    return signature[1:33], signature[33:], signature[0] - _HEADER


def recover(r: bytes, s: bytes, which: int, digest: bytes) -> bytes:
    """The public key whose signature it is. Raises ValueError where there is none."""
    try:
        return _uncompressed(wallycore.ec_sig_to_public_key(digest, bytes([_HEADER + which]) + r + s))
    except ValueError:
        raise ValueError("no public key can be recovered from this signature") from None


def _uncompressed(key: bytes) -> bytes:
    point: bytes = wallycore.ec_public_key_decompress(key)
    return point[1:]
