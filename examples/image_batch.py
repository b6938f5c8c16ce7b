"""Images of strangers: sandboxes decode them, brighten them and measure them; what is broken fails alone.

    python examples/image_batch.py [FOLDER]

Decoders of images have had many holes. Here a file is only bytes until it is in a sandbox, and what comes back are
numbers and a new file. Without a FOLDER the program draws a few pictures, and adds a file that is none.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import dcp_evaluator as dcp

SIZE = 64


def thumbnail(data: bytes, size: int) -> dict[str, object]:
    """A picture of at most ``size`` pixels a side, as PNG, with equal contrast; and what the original was."""
    with Image.open(io.BytesIO(data)) as image:
        shape, kind = image.size, image.format
        grey = np.asarray(image.convert("L"), dtype=np.float32)
    low, high = np.percentile(grey, [1, 99])
    stretched = np.clip((grey - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)
    small = Image.fromarray(stretched)
    small.thumbnail((size, size))
    file = io.BytesIO()
    small.save(file, "PNG")
    return {"png": file.getvalue(), "format": kind, "size": shape, "mean": grey.mean()}


def draw(folder: Path, count: int) -> None:
    """Pictures to try this with, and a file that only looks like one."""
    y, x = np.mgrid[0:240, 0:320]
    for number in range(count):
        waves = 100 + 60 * np.sin(x / (8 + number)) * np.cos(y / (5 + number))
        Image.fromarray(waves.astype(np.uint8)).save(folder / f"waves-{number}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")


def work_through(folder: Path, target: Path) -> None:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".gif"))
    results = dcp.compute_for([path.read_bytes() for path in paths], thumbnail, SIZE).local_exec()
    for index, value in sorted(results.as_completed(errors="skip")):
        (target / f"{paths[index].stem}.png").write_bytes(value["png"])
        width, height = value["size"]
        print(f"{paths[index].name}: {value['format']}, {width}x{height}, mean {value['mean']:.1f}")
    for index, error in sorted(results.errors.items()):
        print(f"{paths[index].name}: {error.name}: {error.message}")


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        if len(sys.argv) > 1:
            folder, target = Path(sys.argv[1]), Path("thumbnails")
        else:
            folder, target = Path(made) / "pictures", Path(made) / "thumbnails"
            folder.mkdir()
            draw(folder, 6)
        target.mkdir(exist_ok=True)
        work_through(folder, target)


if __name__ == "__main__":
    main()
