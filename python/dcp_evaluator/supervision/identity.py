"""What a job is, for what is kept for its next run."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Sequence

_MOST_BYTES = 256 << 20


def identity(payload: bytes, descriptors: Sequence[int]) -> bytes | None:
    """A digest of the frame of its assignment: work function, arguments, public data and files, to the last bit. None
    where that would take long: more than 256 MiB.
    """
    sizes = [os.fstat(descriptor).st_size for descriptor in descriptors]
    if len(payload) + sum(sizes) > _MOST_BYTES:
        return None
    digests = [hashlib.sha256(payload).digest()]
    for descriptor, size in zip(descriptors, sizes, strict=True):
        digest = hashlib.sha256()
        if size > 0:
            with mmap.mmap(descriptor, size, mmap.MAP_PRIVATE, mmap.PROT_READ) as content:
                digest.update(content)
        digests.append(digest.digest())
    return hashlib.sha256(b"".join(digests)).digest()
