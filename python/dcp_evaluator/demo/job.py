"""The job of the demo: its work function and argument, and what a right result is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PngImage
from wasmtime import wat2wasm

from .picture import Bands, Image

# Sums of 30 float32 products on values up to 1, in another order than numpy's float64.
TOLERANCE = 1e-5
NAME = "demo: 15 x 15 Gaussian filter"


def work_function() -> str:
    return _text("work.js")


def argument(bands: Bands, weights: Image, width: int, *, gpu: bool) -> dict[str, Any]:
    """What the work function gets beside a band."""
    return {
        "wasm": bytes(wat2wasm(_text("decode.wat"))),
        "wgsl": _text("filter.wgsl"),
        "weights": weights,
        "width": width,
        "mostRows": bands.most_rows,
        "gpu": gpu,
    }


def write_png(picture: Image, path: Path) -> Path:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PngImage.fromarray(np.rint(255 * picture.clip(0, 1)).astype(np.uint8)).save(path)
    return path


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
