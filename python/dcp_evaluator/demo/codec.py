"""The packed form of pixels: what decode.wat reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pack(levels: NDArray[np.uint16]) -> bytes:
    """(rows, width) of levels below 4096, row by row: differences along x, zigzag, LEB128."""
    rows = np.pad(levels.astype(np.int32), ((0, 0), (1, 0)))
    differences = (rows[:, 1:] - rows[:, :-1]).ravel()
    codes = (differences << 1) ^ (differences >> 31)
    is_long = codes > 0x7F  # all are below 1 << 14: one byte or two
    parts = np.stack([(codes & 0x7F) | is_long << 7, codes >> 7], axis=1).astype(np.uint8)
    packed: bytes = parts[np.stack([np.ones_like(is_long), is_long], axis=1)].tobytes()
    return packed
