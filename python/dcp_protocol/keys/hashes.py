"""The hashes of DCP: Keccak-256 as Ethereum has it, and what is made of it (``common/hash.js``).

Messages may be given in pieces, which need not be joined. Other threads run meanwhile: a program with an event loop
hashes what is longer than a megabyte in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._native import keccak_256

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["eh1", "keccak_256", "personal_hash", "utf8"]


def personal_hash(*pieces: Buffer) -> bytes:
    """What is signed of a message: 32 bytes, ``hashPersonalMessage`` of ethereumjs-util."""
    size = sum(memoryview(piece).nbytes for piece in pieces)
    return keccak_256(b"\x19Ethereum Signed Message:\n%d" % size, *pieces)


def eh1(text: str) -> str:
    """``eh1-`` and 64 hexadecimal digits. The text is taken as UTF-8."""
    return f"eh1-{personal_hash(utf8(text)).hex()}"


def utf8(text: str) -> bytes:
    """As Node's ``Buffer.from(text)`` gives it: lone surrogates become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
