"""Runs the slices of one job inside its sandbox: what python.js calls. Values come and go as wire.py has them."""

from __future__ import annotations

import gc
import inspect
import os
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from . import api, console, event_loop, failures, functions
from .wire import from_wire, to_wire


class Job:
    """The work function, and what it is called with besides the datum."""

    def __init__(
        self, work: Callable[..., Any], arguments: Sequence[Any], keywords: dict[str, Any], seed: int | None
    ) -> None:
        self.work = work
        self.arguments = arguments
        self.keywords = keywords
        self.seed = seed


_jobs: list[Job] = []  # the one that this sandbox has


def prepare(modules: Sequence[str], host: Any) -> None:
    """In the template: imports what jobs will want, and makes its memory one that forks can share.

    ``host``: the functions ``tell``, ``progress`` and ``emit`` of python.js.
    """
    api.connect(host)
    for name in (*modules, "dcp"):
        _import(name)
    sys.modules["dcp_evaluator"] = sys.modules["dcp"]  # as the program outside calls it
    _renew_random_state()  # numpy loads its part only now
    console.install(host.tell)
    event_loop.install()
    gc.collect()
    gc.freeze()


def assign(surroundings: Any, function: Any, call: Any) -> list[str | int] | None:
    """The job. Returns None, or what is wrong with it as failures.py has it.

    ``surroundings``: a dict of ``public``, ``env`` and ``files``, which are there before any code of the job.
    ``function``: of functions.py; its classes are known before ``call``, which may have instances of them: a dict of
    ``arguments``, ``keywords`` and ``seed``.
    """
    try:
        _renew_random_state()
        _jobs.append(make_job(*(partial(_value, part) for part in (surroundings, function, call))))
    except BaseException as error:
        return failures.described(error)
    finally:
        console.flush()
    return None


def make_job(surroundings: Callable[[], Any], function: Callable[[], Any], call: Callable[[], Any]) -> Job:
    """Each gives a part, as ``assign`` has them, when those before it are in use. Raises what they raise."""
    _surround(**surroundings())
    work = functions.build(function()) or api.slice_handler()
    if work is None:
        raise TypeError("the script has no work function: end it with dcp.set_slice_handler(function)")
    return Job(work, **call())


def run(index: int, value: Any) -> Any:
    """The result of one slice, or its failure; where the work function is a coroutine, one that gives these."""
    try:
        (job,) = _jobs
        if job.seed is not None:
            _sow(job.seed, index)
        result = job.work(_value(value), *job.arguments, **job.keywords)
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


def _value(received: Any) -> Any:
    """Of buffers of JavaScript, as memory of Python."""
    return from_wire(received if isinstance(received, str) else [buffer.to_memoryview() for buffer in received])


def _import(name: str) -> None:
    """A name of a module's member, as ``scipy.optimize.minimize``, is none: the function's own import says so."""
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        parent = name.rpartition(".")[0]
        if not parent or error.name != name:
            raise
        _import(parent)


def _surround(public: dict[str, Any], env: dict[str, str], files: dict[str, bytes]) -> None:
    api.public.update(public)
    os.environ.update(env)
    for name, content in files.items():
        path = Path(name)
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
        # What default_rng() and its like begin with, where they are given no seed.
        numpy.random.bit_generator.randbits = random.Random(random.getrandbits(64)).getrandbits
