"""The jobs' pictures, a row a slice: how soon points of the plane run away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DEPTH = 255
WORK = """(y, { size, left, top, step, start, depth }) => {
  progress();
  const row = new Uint8Array(size);
  for (let x = 0; x < size; x++) {
    const [a, b] = [left + step * x, top + step * y];
    let [re, im] = start === null ? [0, 0] : [a, b];
    const [c, d] = start === null ? [a, b] : start;
    let steps = 0;
    while (steps < depth && re * re + im * im <= 4) {
      const next = re * re - im * im + c;
      im = 2 * (re * im) + d;
      re = next;
      steps++;
    }
    row[x] = steps;
  }
  return row;
}"""


@dataclass(frozen=True, slots=True)
class View:
    """A square of the plane. ``start``: of a Julia set; None: of the Mandelbrot set."""

    name: str
    left: float
    top: float
    width: float
    start: tuple[float, float] | None = None

    def argument(self, size: int) -> dict[str, Any]:
        """What the work function gets beside the number of a row."""
        step, start = self.width / size, None if self.start is None else list(self.start)
        return {"size": size, "left": self.left, "top": self.top, "step": step, "start": start, "depth": DEPTH}


MANDELBROT = View("Mandelbrot set", -2.1, -1.35, 2.7)
JULIA = View("Julia set", -1.6, -1.6, 3.2, (-0.8, 0.156))


def steps_with_numpy(view: View, size: int) -> NDArray[np.uint8]:
    """The same in the same double arithmetic: equal to the last bit."""
    step, axis = view.width / size, np.arange(size)
    a, b = np.meshgrid(view.left + step * axis, view.top + step * axis)
    re, im = (np.zeros_like(a), np.zeros_like(b)) if view.start is None else (a.copy(), b.copy())
    c, d = (a, b) if view.start is None else (np.full_like(a, view.start[0]), np.full_like(b, view.start[1]))
    steps = np.zeros(a.shape, np.uint8)
    for _ in range(DEPTH):
        inside = re * re + im * im <= 4
        if not inside.any():
            break
        x, y = re[inside], im[inside]
        re[inside], im[inside] = x * x - y * y + c[inside], 2 * (x * y) + d[inside]
        steps[inside] += 1
    return steps


def write_picture(steps: NDArray[np.uint8], path: Path) -> Path:
    """In colours. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = np.sqrt(steps / DEPTH)[..., None]
    colours = np.clip(np.concatenate([2.2 * shade - 0.5, 1.6 * shade, 0.35 + 1.1 * shade], axis=2), 0, 1)
    colours[steps == DEPTH] = 0.05
    Image.fromarray(np.rint(255 * colours).astype(np.uint8)).save(path)
    return path
