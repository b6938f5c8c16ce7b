"""A scheduler with one job, the filter of a picture, and a worker that does it; compares the picture with numpy's."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.live import Live

from dcp_evaluator import DcpError
from dcp_evaluator.commands.line import number
from dcp_evaluator.demo.job import NAME, TOLERANCE, argument, work_function, write_png
from dcp_evaluator.demo.picture import Bands, Image, as_float, filter_with_numpy, gaussian, make_picture
from dcp_evaluator.start.startup_files import find_dcp_client
from dcp_protocol.keys.private_key import PrivateKey

from ..errors import WorkerError
from .display import table
from .job import Job, State
from .scheduler import Scheduler
from .serving import serving
from .worker_process import WorkerProcess

_SLICES = 64
_LARGEST_SIZE = 16384
_REFRESH = 0.1


class DemoError(WorkerError):
    """The demo has not come to its end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where the worker fails or the picture differs from numpy's, 2 for a wrong option."""
    options = _parse(arguments)
    try:
        return asyncio.run(_demo(options, Console(stderr=False)))
    except (DcpError, WorkerError) as error:
        print(f"demo: {error}", file=sys.stderr)
    except OSError as error:
        print(f"demo: {error.filename or options.output}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


async def _demo(options: argparse.Namespace, console: Console) -> int:
    levels, weights = make_picture(options.size), gaussian()
    bands = Bands(levels, _SLICES)

    def arguments(gpu: bool) -> list[Any]:
        return [argument(bands, weights, options.size, gpu=gpu and options.gpu)]

    scheduler = Scheduler(PrivateKey.generate(), Job(NAME, work_function(), arguments, bands))
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dcp-demo-") as home, Live(console=console, auto_refresh=False) as live:
        live.update(table(scheduler, begun))
        await _work(scheduler, options, Path(home), lambda: live.update(table(scheduler, begun), refresh=True))
        picture = _assembled(scheduler, options.size)
        difference = float(np.abs(picture - filter_with_numpy(as_float(levels), weights)).max())
        agrees = difference <= options.tolerance
        verdict = f"{'agrees' if agrees else 'DIFFERS'}: largest difference {difference:.1e} of {options.tolerance:.0e}"
        live.update(table(scheduler, begun, verdict), refresh=True)
    if not console.is_terminal:
        console.line()  # rich ends a live table there without it
    console.print(f"Picture: {write_png(picture, options.output)}", soft_wrap=True, highlight=False)
    if not agrees:
        print("demo: the worker's result differs from numpy's", file=sys.stderr)
    return 0 if agrees else 1


async def _work(scheduler: Scheduler, options: argparse.Namespace, home: Path, show: Any) -> None:
    """Until the worker has done the job and ended."""
    client = options.dcp_client or find_dcp_client(Path(sys.prefix))
    async with serving(scheduler, scheduler.key, options.dialect) as location:
        command = [*options.worker, f"--dcp-scheduler={location}", "-c", f"{options.sandboxes},1"]
        async with WorkerProcess(command, home, client) as worker:
            done, since = 0, time.monotonic()
            while not scheduler.job.is_done:
                if (count := scheduler.job.count(State.DONE)) > done:
                    done, since = count, time.monotonic()
                if worker.has_ended:
                    raise DemoError(f"the worker has ended before its work was done:\n{worker.said()}")
                if time.monotonic() > since + options.deadline:
                    raise DemoError(f"the worker has finished no slice in {options.deadline} s:\n{worker.said()}")
                show()
                await asyncio.sleep(_REFRESH)
            if status := await worker.stop():
                raise DemoError(f"the worker has ended with status {status}:\n{worker.said()}")


def _assembled(scheduler: Scheduler, width: int) -> Image:
    """Raises DemoError for what are no pixels, such as the error of a work function."""
    bands = []
    for key, one in scheduler.job.slices.items():
        if not isinstance(one.result, np.ndarray) or one.result.dtype != np.float32 or one.result.size % width:
            raise DemoError(f"the result of slice {key} is no band of the picture: {one.result!s:.200}")
        bands.append(one.result.reshape(-1, width))
    picture = np.concatenate(bands)
    if picture.shape != (width, width):
        raise DemoError(f"the bands make a picture of {picture.shape[0]} rows, which has {width}")
    return picture


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    sandboxes, size = partial(number, low=1, high=1024), partial(number, low=_SLICES, high=_LARGEST_SIZE)
    parser = argparse.ArgumentParser(prog="python -m dcp_worker.demo", description=__doc__)
    cpus = len(os.sched_getaffinity(0))
    parser.add_argument("--sandboxes", metavar="N", type=sandboxes, default=cpus, help="default: one per CPU")
    parser.add_argument("--no-gpu", dest="gpu", action="store_false", help="filter in JavaScript")
    parser.add_argument("--size", metavar="PIXELS", type=size, default=1024)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="largest difference from numpy's result")
    parser.add_argument("--output", metavar="FILE", type=Path, default=Path("out/demo-worker.png"), help="the picture")
    parser.add_argument("--dialect", type=int, choices=(4, 5), default=4, help="of which dcp-client the scheduler is")
    parser.add_argument(
        "--dcp-client", metavar="FOLDER", type=Path, help="whose start-up files sandboxes load; default: found"
    )
    deadline = partial(number, low=1, high=86400)
    parser.add_argument(
        "--deadline", metavar="SECONDS", type=deadline, default=50, help="give up where no slice is done in that time"
    )
    own = shlex.quote(str(Path(sys.executable).with_name("dcp-worker")))
    parser.add_argument(
        "--worker", metavar="COMMAND", type=shlex.split, default=own, help="another worker, with npm's options"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
