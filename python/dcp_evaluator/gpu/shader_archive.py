"""Compiled shaders of one job as the bytes of a file: they stand in it only for the job and the drivers of its key."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping

_MAGIC = b"dcp-evaluator shaders 1\n"
_ENTRY = struct.Struct("<HI")  # bytes of the name, of the shader
_DIGEST = hashlib.sha256().digest_size


def pack(key: bytes, shaders: Mapping[str, bytes]) -> bytes:
    """``key``: of 32 bytes."""
    parts = [_MAGIC, key]
    for name, data in shaders.items():
        parts += [_ENTRY.pack(len(name), len(data)), name.encode("ascii"), data]
    content = b"".join(parts)
    return content + hashlib.sha256(content).digest()


def unpack(key: bytes, data: bytes) -> dict[str, bytes]:
    """Empty where the file is torn, or another key's: names of files are shorter than keys."""
    content, digest = data[:-_DIGEST], data[-_DIGEST:]
    head = _MAGIC + key
    if not content.startswith(head) or hashlib.sha256(content).digest() != digest:
        return {}
    shaders, at = {}, len(head)
    while at < len(content):
        name_size, size = _ENTRY.unpack_from(content, at)
        name_end = at + _ENTRY.size + name_size
        at, name = name_end + size, content[at + _ENTRY.size : name_end].decode("ascii")
        shaders[name] = content[name_end:at]
    return shaders
