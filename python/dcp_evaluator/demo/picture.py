"""The picture of the demo: made from a formula, cut into bands, filtered by numpy for comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codec import pack

LEVELS = 4095  # 12 bits, as a camera gives them
RADIUS = 7
_SIGMA = 2.5

Image = NDArray[np.float32]


def make_picture(size: int) -> NDArray[np.uint16]:
    """Rings that get finer outwards, in squares of two brightnesses: (size, size) of levels 0 to LEVELS."""
    axis = np.linspace(-1.0, 1.0, size)
    squared = axis[:, None] ** 2 + axis[None, :] ** 2
    rings = 0.5 + 0.5 * np.cos(0.06 * np.pi * size * squared)
    steps = np.floor(4 * axis)
    squares = 0.6 + 0.4 * ((steps[:, None] + steps[None, :]) % 2)
    return np.rint(LEVELS * rings * squares).astype(np.uint16)


def as_float(levels: NDArray[np.uint16]) -> Image:
    """0 to 1, in the same float32 arithmetic as the WebAssembly module."""
    return np.multiply(levels, np.float32(1 / LEVELS), dtype=np.float32)


def gaussian() -> Image:
    """The 2 * RADIUS + 1 weights of the filter; their sum is 1."""
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / _SIGMA) ** 2)
    return np.asarray(weights / weights.sum(), dtype=np.float32)


class Bands:
    """The slices: ``count`` bands of rows, each with RADIUS more rows above and below, packed as they are taken."""

    def __init__(self, levels: NDArray[np.uint16], count: int) -> None:
        """Raises ValueError for more bands than rows."""
        if not 1 <= count <= len(levels):
            raise ValueError(f"{len(levels)} rows cannot make {count} bands")
        self.edges = [len(levels) * i // count for i in range(count + 1)]
        self.most_rows = max(np.diff(self.edges).tolist())
        self._padded = np.pad(levels, ((RADIUS, RADIUS), (0, 0)), mode="edge")

    def __len__(self) -> int:
        return len(self.edges) - 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for first, last in zip(self.edges, self.edges[1:], strict=False):
            packed = pack(self._padded[first : last + 2 * RADIUS])
            yield {"packed": np.frombuffer(packed, np.uint8), "rows": last - first}


def filter_with_numpy(image: Image, weights: Image) -> NDArray[np.float64]:
    """The same convolution in float64, edges repeated."""
    result = image.astype(np.float64)
    for axis in (1, 0):
        widths = [(0, 0), (0, 0)]
        widths[axis] = (RADIUS, RADIUS)
        padded = np.pad(result, widths, mode="edge")
        size = result.shape[axis]
        shifted = (np.take(padded, range(k, k + size), axis) for k in range(len(weights)))
        result = sum((float(w) * part for w, part in zip(weights, shifted, strict=True)), np.zeros(1))
    return result
