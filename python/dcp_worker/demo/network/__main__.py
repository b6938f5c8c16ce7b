"""A network on this machine for a minute: a scheduler, two workers, a job from Python and one from npm's client."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

import dcp_evaluator as dcp
from dcp_evaluator.commands.line import number
from dcp_evaluator.start.startup_files import find_dcp_client
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet.files import IDENTITY, keystore_path, save
from dcp_protocol.wallet.keystore import Keystore

from ...errors import WorkerError
from ..worker_process import WorkerProcess
from .pictures import JULIA, MANDELBROT, WORK, View, steps_with_numpy, write_picture
from .programs import DemoError, NpmClient, find_node, scheduler

_WORKERS = 2
_SMALLEST, _LARGEST = 16, 8192


@dataclass
class _Picture:
    """A job and what has come of it. ``rows``: by number; ``seconds``: that it took, once it is done."""

    source: str
    view: View
    file: Path
    rows: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    verdict: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where a program fails or a picture differs from numpy's, 2 for a wrong option."""
    options = _parse(arguments)
    try:
        return asyncio.run(_demo(options, Console()))
    except TimeoutError:
        print(f"demo: the jobs are not done after {options.deadline} s", file=sys.stderr)
    except (dcp.DcpError, WorkerError) as error:
        print(f"demo: {error}", file=sys.stderr)
    except OSError as error:
        print(f"demo: {error.filename or options.output}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


async def _demo(options: argparse.Namespace, console: Console) -> int:
    pictures = [_Picture("Python, job.exec()", MANDELBROT, options.output / "network-python.png")]
    if options.node:
        pictures.append(_Picture("npm's dcp-client", JULIA, options.output / "network-npm.png"))
    with tempfile.TemporaryDirectory(prefix="dcp-demo-") as home, Live(console=console, auto_refresh=False) as live:

        def show() -> None:
            live.update(_table(pictures, options.size), refresh=True)

        async with asyncio.timeout(options.deadline):
            await _run(options, Path(home), pictures, show)
        for picture in pictures:
            _judge(picture, options.size)
        show()
    if not console.is_terminal:
        console.line()  # rich ends a live table there without it
    if not options.node:
        console.print("Node is not there: no job from npm's dcp-client")
    agrees = all(picture.verdict == "agrees" for picture in pictures)
    if not agrees:
        print("demo: a picture differs from numpy's", file=sys.stderr)
    return 0 if agrees else 1


async def _run(options: argparse.Namespace, home: Path, pictures: Sequence[_Picture], show: Any) -> None:
    """Until all jobs are done and all programs have ended."""
    client = options.dcp_client or find_dcp_client(Path(sys.prefix))
    os.environ["DCP_RESOURCE_DIR"] = str(home / "keystores")
    save(Keystore.create(PrivateKey.generate(), ""), keystore_path(IDENTITY))
    async with AsyncExitStack() as stack:
        location = await stack.enter_async_context(scheduler(home))
        workers = [
            await stack.enter_async_context(_worker(location, home / f"worker{n}", client)) for n in range(_WORKERS)
        ]
        jobs = [_from_python(location, options.size, pictures[0])]
        if options.node:
            npm = NpmClient(options.node, location, home, client.parent)
            jobs.append(_from_npm(npm, options.size, pictures[1]))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
            while not all(task.done() for task in tasks):
                for worker in workers:
                    if worker.has_ended:
                        raise DemoError(f"a worker has ended before its work was done:\n{worker.said()}")
                show()
                await asyncio.wait(tasks, timeout=0.1)
        if any(await asyncio.gather(*(worker.stop() for worker in workers))):
            raise DemoError(f"a worker has failed:\n{workers[0].said()}")


def _worker(location: str, home: Path, client: Path) -> WorkerProcess:
    home.mkdir()
    own = str(Path(sys.executable).with_name("dcp-worker"))
    return WorkerProcess([own, f"--dcp-scheduler={location}", "--dialect", "5", "-c", "1,0"], home, client)


async def _from_python(location: str, size: int, picture: _Picture) -> None:
    rows: dict[int, NDArray[np.uint8]] = {}
    picture.rows, picture.begun = rows, time.monotonic()
    job = dcp.compute_for(range(size), WORK, picture.view.argument(size))
    results = await asyncio.to_thread(job.exec, location, public={"name": "a picture from Python"})
    try:
        async for index, row in results.as_completed():
            rows[index] = row
    finally:
        results.cancel()
    picture.seconds = time.monotonic() - picture.begun


async def _from_npm(client: NpmClient, size: int, picture: _Picture) -> None:
    picture.rows, picture.begun = client.rows, time.monotonic()
    await client.run(WORK, size, picture.view.argument(size))
    picture.seconds = time.monotonic() - picture.begun


def _judge(picture: _Picture, size: int) -> None:
    steps = np.stack([picture.rows[number] for number in range(size)])
    picture.verdict = "agrees" if np.array_equal(steps, steps_with_numpy(picture.view, size)) else "DIFFERS"
    write_picture(steps, picture.file)


def _table(pictures: Sequence[_Picture], size: int) -> Table:
    """A column for each job."""
    table = Table(title=f"a network of {_WORKERS} workers", title_justify="left", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    for _ in pictures:
        table.add_column(min_width=24, overflow="fold")
    table.add_row("job from", *(picture.source for picture in pictures))
    table.add_row("picture", *(f"{picture.view.name}, {size} x {size}" for picture in pictures))
    table.add_row("slices", *(ProgressBar(size, len(picture.rows), width=24) for picture in pictures))
    table.add_row("", *(f"{len(picture.rows)} of {size}" for picture in pictures))
    table.add_row("time", *(_time(picture) for picture in pictures))
    table.add_row("numpy's result", *(picture.verdict or "-" for picture in pictures))
    table.add_row("file", *(str(picture.file) for picture in pictures))
    return table


def _time(picture: _Picture) -> str:
    seconds = picture.seconds or time.monotonic() - picture.begun
    return f"{seconds:.1f} s, {len(picture.rows) / max(seconds, 0.001):.0f} slices/s"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dcp_worker.demo.network", description=__doc__)
    size, seconds = partial(number, low=_SMALLEST, high=_LARGEST), partial(number, low=1, high=86400)
    parser.add_argument("--size", metavar="PIXELS", type=size, default=256)
    parser.add_argument("--output", metavar="FOLDER", type=Path, default=Path("out"), help="of the pictures")
    parser.add_argument("--deadline", metavar="SECONDS", type=seconds, default=85, help="give up after that time")
    parser.add_argument("--node", metavar="FILE", type=Path, default=find_node(), help="the program; default: found")
    parser.add_argument(
        "--dcp-client", metavar="FOLDER", type=Path, help="of npm, 5.6.1, for client and sandboxes; default: found"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
