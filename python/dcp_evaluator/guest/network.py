"""Runs the slices of one job in the worktime ``pyodide`` of dcp-client: what the script of networks/python.py calls.

That worktime gives a module ``dcp`` that has ``set_slice_handler`` and ``progress``; jobs get the one of this package.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import api, console, failures
from .driver import Job, make_job
from .wire import from_wire, to_wire


class _Host:
    """The functions that ``api`` needs, by what DCP's sandboxes have. ``tell`` is the console's."""

    def __init__(self, progress: Callable[..., Any]) -> None:
        import js

        self._progress = progress
        self._emit = js.work.emit
        self._console = js.console
        self.reject: Callable[..., Any] = js.work.reject

    def progress(self, value: Any = None) -> None:
        """Of how far it is, networks are told nothing."""
        self._progress()

    def emit(self, name: str, value: Any) -> None:
        """Events are JSON."""
        if not isinstance(value, str):
            from pyodide.ffi import to_js

            value = to_js([bytes(buffer).decode("latin-1") for buffer in value.to_py()])
        self._emit(name, value)

    def tell(self, level: str, text: str) -> None:
        getattr(self._console, level)(text)


def start(folder: str) -> None:
    """Makes the job whose parts are in ``folder``, and gives its slices to the worktime. Raises what they raise."""
    worktime = sys.modules["dcp"]
    host = _Host(worktime.progress)
    api.connect(host)
    _load_own_module(Path(folder, "dcp"))
    console.install(host.tell)
    parts = Path(folder, "parts")
    try:
        job = make_job(*(partial(_part, parts, name) for name in ("surroundings", "workFunction", "call")))
    except BaseException as error:
        described = failures.described(error)
        worktime.set_slice_handler(lambda _: _for_javascript(described))
        return
    worktime.set_slice_handler(lambda datum: _run(job, host, datum))


def _load_own_module(package: Path) -> None:
    """In the place of the worktime's, which finders would find first."""
    spec = importlib.util.spec_from_file_location("dcp", package / "__init__.py")
    assert spec and spec.loader
    own = importlib.util.module_from_spec(spec)
    sys.modules["dcp"] = sys.modules["dcp_evaluator"] = own
    spec.loader.exec_module(own)


def _part(folder: Path, name: str) -> Any:
    """A value of wire.py."""
    whole = folder / name
    if whole.exists():
        return from_wire(whole.read_text(encoding="utf-8"))
    count = len(list(folder.glob(f"{name}.*")))
    return from_wire([memoryview(bytearray((folder / f"{name}.{i}").read_bytes())) for i in range(count)])


def _run(job: Job, host: _Host, datum: Any) -> Any:
    """The result of one slice for JavaScript, or an awaitable that gives it. A number is one of a range."""
    host.progress()  # networks give up slices that never say so
    try:
        value = from_wire(datum) if isinstance(datum, (str, list)) else int(datum)
        result = job.work(value, *job.arguments, **job.keywords)
        return _finish(result, host) if inspect.isawaitable(result) else _for_javascript(to_wire(result))
    except BaseException as error:
        return _failed(error, host)
    finally:
        console.flush()


async def _finish(result: Awaitable[Any], host: _Host) -> Any:
    try:
        return _for_javascript(to_wire(await result))
    except BaseException as error:
        return _failed(error, host)
    finally:
        console.flush()


def _failed(error: BaseException, host: _Host) -> Any:
    """``work.reject`` does not return."""
    described = failures.described(error)
    if described[0] == failures.REJECTED:
        return host.reject(*described[1:])
    return _for_javascript(described)


def _for_javascript(value: Any) -> Any:
    if isinstance(value, str):
        return value
    from pyodide.ffi import to_js

    return to_js([item if isinstance(item, str) else memoryview(item).cast("B") for item in value])
