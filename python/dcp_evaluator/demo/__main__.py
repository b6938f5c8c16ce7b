"""Filters a picture in sandboxes, measures it there in Python, compares with numpy, and shows what it took."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import dcp_evaluator as dcp

from ..commands.line import number
from ..settings.settings import ENGINES
from .detail import measure
from .job import NAME, TOLERANCE, argument, work_function, write_png
from .picture import Bands, Image, as_float, filter_with_numpy, gaussian, make_picture
from .report import Summary, show

_SLICES = 64
_LARGEST_SIZE = 16384


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where the job fails or its result differs from numpy's, 2 for a wrong option."""
    options = _parse(arguments)
    console = Console(stderr=False)
    try:
        return _demo(options, console)
    except dcp.DcpError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"demo: cannot write {error.filename or options.output}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _demo(options: argparse.Namespace, console: Console) -> int:
    levels = make_picture(options.size)
    weights = gaussian()
    bands = Bands(levels, _SLICES)
    console.print(
        f"Filtering a {options.size} x {options.size} picture in {len(bands)} slices, {options.sandboxes} sandboxes"
    )
    with dcp.Evaluator(engine=options.engine) as evaluator:
        filtered, summary = _run(bands, weights, options, console, evaluator)
        if options.python:
            pictures = [as_float(levels), np.asarray(filtered, np.float32)]
            summary.detail = measure(pictures, _SLICES // 2, options.sandboxes, evaluator)
    expected = filter_with_numpy(as_float(levels), weights)
    summary.difference = float(np.abs(filtered - expected).max())
    summary.tolerance = options.tolerance
    show(summary, console)
    path = write_png(filtered, options.output)
    console.print(f"Picture: {path}", soft_wrap=True, highlight=False)
    if not summary.agrees:
        print("demo: the sandboxes' result differs from numpy's", file=sys.stderr)
        return 1
    return 0


def _run(
    bands: Bands, weights: Image, options: argparse.Namespace, console: Console, evaluator: dcp.Evaluator
) -> tuple[Image, Summary]:
    """Runs the job and puts its bands together."""
    task = argument(bands, weights, options.size, gpu=options.gpu)
    summary = Summary(
        evaluator.engine, evaluator.settings, slices=len(bands), sandboxes=options.sandboxes, gpu_wanted=options.gpu
    )
    job = dcp.compute_for(bands, work_function(), task)
    job.public["name"] = NAME
    job.work.on("adapter", lambda event: summary.adapters.add(event.value))
    with _progress_bar(console) as bar:
        follow = _Follow(bar, len(bands))
        job.on("console", lambda event: bar.console.print(f"  console.{event.level}: {event.message}", style="dim"))
        job.on("progress", follow.progress)
        job.on("result", follow.result)
        begun = time.perf_counter()
        results = job.local_exec(sandboxes=options.sandboxes, on_error="stop", evaluator=evaluator)
        filtered = np.concatenate([band.reshape(-1, options.size) for band in results])
        summary.seconds = time.perf_counter() - begun
    summary.metrics = job.metrics
    return filtered, summary


class _Follow:
    """Moves the bar with each slice's own progress."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("slices", total=total)
        self._running: dict[int, float] = {}
        self._done = 0

    def progress(self, event: dcp.ProgressEvent) -> None:
        self._running[event.index] = float(event.value)
        self._move()

    def result(self, event: dcp.ResultEvent) -> None:
        self._running.pop(event.index, None)
        self._done += 1
        self._move()

    def _move(self) -> None:
        self._bar.update(self._task, completed=self._done + 0.99 * sum(self._running.values()))


def _progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    sandboxes, size = partial(number, low=1, high=1024), partial(number, low=_SLICES, high=_LARGEST_SIZE)
    parser = argparse.ArgumentParser(prog="python -m dcp_evaluator.demo", description=__doc__)
    cpus = len(os.sched_getaffinity(0))
    parser.add_argument("--sandboxes", metavar="N", type=sandboxes, default=cpus, help="default: one per CPU")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="auto: V8 where it is installed")
    parser.add_argument("--no-gpu", dest="gpu", action="store_false", help="filter in JavaScript")
    parser.add_argument("--no-python", dest="python", action="store_false", help="no job in Python")
    parser.add_argument("--size", metavar="PIXELS", type=size, default=2048)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="largest difference from numpy's result")
    parser.add_argument("--output", metavar="FILE", type=Path, default=Path("out/demo.png"), help="the picture")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
