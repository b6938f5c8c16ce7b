"""What the module ``dcp`` offers work functions in Python, with the names of DCP's Pyodide worktime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .failures import WorkReject
from .wire import to_wire

public: dict[str, Any] = {}
"""What the job's owner has put into ``job.public``."""


class _Connection:
    """``host``: the functions ``progress`` and ``emit`` of python.js."""

    host: Any = None
    handler: Callable[..., Any] | None = None


def connect(host: Any) -> None:
    """Makes the functions of this module those of ``host``."""
    _Connection.host = host


def progress(value: Any = None) -> bool:
    """The slice is alive, and as far as ``value``: the job's event ``progress``. Raises TypeError for what cannot be
    sent."""
    _Connection.host.progress(_sent(value))
    return True


def emit(name: str, value: Any = None) -> None:
    """An event of that name for ``job.work.on(name, ...)``. Raises TypeError for what cannot be sent."""
    _Connection.host.emit(str(name), _sent(value))


def reject(reason: object = "false", retries: int = 0) -> None:
    """Gives the slice back, which runs again elsewhere ``retries`` times."""
    raise WorkReject(str(reason), int(retries))


def set_slice_handler(function: Callable[..., Any]) -> None:
    """Makes ``function`` the work function: it is called with the datum of each slice and the job's arguments."""
    if not callable(function):
        raise TypeError(f"the slice handler must be a function, not {type(function).__name__}")
    _Connection.handler = function


def slice_handler() -> Callable[..., Any] | None:
    """What ``set_slice_handler`` was given."""
    return _Connection.handler


def _sent(value: Any) -> Any:
    """As JavaScript takes it."""
    sent = to_wire(value)
    if isinstance(sent, str):
        return sent
    from pyodide.ffi import to_js

    return to_js([memoryview(buffer).cast("B") for buffer in sent])
