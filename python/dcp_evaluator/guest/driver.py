"""Runs the slices of one job inside its sandbox: what python.js calls.

Values come and go as objects.py writes them: a header, and buffers beside it.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from . import console, errors

_FAILED = "!"

_work: Callable[..., Any] | None = None
_arguments: tuple[Any, ...] = ()
_keywords: dict[str, Any] = {}
_seed: int | None = None


def prepare(modules: Sequence[str], tell: Callable[[str, str], None]) -> None:
    """In the template: imports what jobs will want, and makes its memory one that forks can share."""
    console.install(tell)
    for name in modules:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def assign(header: str, buffers: Sequence[Any]) -> Any:
    """The job: a dict of ``source``, ``name``, ``file``, ``first_line``, ``globals``, ``arguments``, ``keywords``.

    And of ``env``, ``files`` and ``seed``. Returns None, or what is wrong with it.
    """
    global _work, _arguments, _keywords, _seed
    try:
        job = objects.loads(header, buffers)
        _renew_random_state()
        os.environ.update(job["env"])
        for name, content in job["files"].items():
            _write(Path(name), content)
        _work = slices.load(job)
        _arguments, _keywords, _seed = tuple(job["arguments"]), job["keywords"], job["seed"]
    except BaseException as error:
        return _failure(error)
    finally:
        console.flush()
    return None


def run(index: int, header: str, buffers: Sequence[Any]) -> Any:
    """The result of one slice: a header, or [header, *buffers]; [``!``, name, message, traceback] where it failed.

    Where the work function is a coroutine, one that gives these.
    """
    try:
        if _seed is not None:
            _sow(_seed, index)
        value = _work(objects.loads(header, buffers), *_arguments, **_keywords)
        if inspect.isawaitable(value):
            return _finish(value)
        return _packed(value)
    except BaseException as error:
        return _failure(error)
    finally:
        console.flush()


async def _finish(value: Awaitable[Any]) -> Any:
    try:
        return _packed(await value)
    except BaseException as error:
        return _failure(error)
    finally:
        console.flush()


def _packed(value: Any) -> Any:
    header, buffers = objects.dumps(value)
    return [header, *buffers] if buffers else header


def _failure(error: BaseException) -> list[str]:
    return [_FAILED, *errors.described(error)]


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _renew_random_state() -> None:
    """What the template has drawn is the same in all of its forks."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None


def _sow(seed: int, index: int) -> None:
    """Random numbers are a function of the job's seed and the slice's number, on every node."""
    random.seed(f"{seed}:{index}")
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(random.getrandbits(32))
