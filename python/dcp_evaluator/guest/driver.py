"""Runs the slices of one job inside its sandbox: what python.js calls. Values come and go as wire.py has them."""

from __future__ import annotations

import gc
import inspect
import os
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from . import api, console, failures, functions
from .wire import from_wire, to_wire


class _Job:
    """The work function, and what it is called with besides the datum."""

    def __init__(self, fields: dict[str, Any]) -> None:
        work = functions.build(fields["function"]) or api.slice_handler()
        if work is None:
            raise TypeError("the script has no work function: end it with dcp.set_slice_handler(function)")
        self.work: Callable[..., Any] = work
        self.arguments: Sequence[Any] = fields["arguments"]
        self.keywords: dict[str, Any] = fields["keywords"]
        self.seed: int | None = fields["seed"]


_jobs: list[_Job] = []  # the one that this sandbox has


def prepare(modules: Sequence[str], host: Any) -> None:
    """In the template: imports what jobs will want, and makes its memory one that forks can share.

    ``host``: the functions ``tell``, ``progress`` and ``emit`` of python.js.
    """
    api.connect(host)
    for name in (*modules, "dcp"):
        _import(name)
    _renew_random_state()  # numpy loads its part only now
    console.install(host.tell)
    gc.collect()
    gc.freeze()


def assign(value: Any) -> list[str | int] | None:
    """The job, a dict of ``function``, ``arguments``, ``keywords``, ``public``, ``env``, ``files`` and ``seed``.

    Returns None, or what is wrong with it as failures.py has it.
    """
    try:
        fields = from_wire(_received(value))
        _renew_random_state()
        os.environ.update(fields["env"])
        for name, content in fields["files"].items():
            _write(Path(name), content)
        api.public.update(fields["public"])
        _jobs.append(_Job(fields))
    except BaseException as error:
        return failures.described(error)
    finally:
        console.flush()
    return None


def run(index: int, value: Any) -> Any:
    """The result of one slice, or its failure; where the work function is a coroutine, one that gives these."""
    try:
        (job,) = _jobs
        if job.seed is not None:
            _sow(job.seed, index)
        result = job.work(from_wire(_received(value)), *job.arguments, **job.keywords)
        return _finish(result) if inspect.isawaitable(result) else to_wire(result)
    except BaseException as error:
        return failures.described(error)
    finally:
        console.flush()


async def _finish(result: Awaitable[Any]) -> Any:
    try:
        return to_wire(await result)
    except BaseException as error:
        return failures.described(error)
    finally:
        console.flush()


def _received(value: Any) -> Any:
    """Buffers of JavaScript as memory of Python."""
    return value if isinstance(value, str) else [buffer.to_memoryview() for buffer in value]


def _import(name: str) -> None:
    """A name of a module's member, as ``scipy.optimize.minimize``, is none: the function's own import says so."""
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        parent = name.rpartition(".")[0]
        if not parent or error.name != name:
            raise
        _import(parent)


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _renew_random_state() -> None:
    """What the template has drawn is the same in all of its forks."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if tempfile := sys.modules.get("tempfile"):
        vars(tempfile)["_name_sequence"] = None


def _sow(seed: int, index: int) -> None:
    """Random numbers are a function of the job's seed and the slice's number, on every node."""
    random.seed(f"{seed}:{index}")
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(random.getrandbits(32))
