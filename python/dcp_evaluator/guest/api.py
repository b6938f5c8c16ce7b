"""The module ``dcp`` of work functions in Python, with the names of DCP's Pyodide worktime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_handler: Callable[..., Any] | None = None


def set_slice_handler(function: Callable[..., Any]) -> None:
    """Makes ``function`` the work function: it is called with the datum of each slice and the job's arguments."""
    global _handler
    if not callable(function):
        raise TypeError(f"the slice handler must be a function, not {type(function).__name__}")
    _handler = function


def slice_handler() -> Callable[..., Any] | None:
    return _handler
