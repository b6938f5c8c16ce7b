"""What cannot go to a sandbox, and what to do instead."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from ..errors import FunctionError
from ..guest import objects
from . import libraries
from .source_text import called

CACHED = type(functools.lru_cache(lambda: None))


def check(function: Any) -> None:
    """Raises FunctionError for what is no function of the user's."""
    name = called(function)
    if isinstance(function, MethodType):
        raise FunctionError(
            f"{name} is a method of {type(function.__self__).__name__}, whose instances do not go to sandboxes; "
            f"write a function that takes what it needs as arguments"
        )
    if isinstance(function, type):
        raise FunctionError(f"{function.__name__} is a class; write a function that makes it: {_wrapped(function)}")
    if isinstance(function, FunctionType):
        _check_function(function)
    elif isinstance(function, functools.partial):
        check(function.func)
    elif isinstance(function, CACHED):
        check(inner_function(function, "the work function"))
    else:
        if isinstance(function, BuiltinFunctionType) or libraries.place_of(function) is not None:
            raise FunctionError(
                f"{name} is not written in Python and has no source to send; write {_wrapped(function)}"
            )
        if not callable(function):
            raise FunctionError(f"the work function must be a function, not {type(function).__name__}")
        raise FunctionError(f"the work function is an instance of {type(function).__qualname__}; {_inside(function)}")


def _check_function(function: FunctionType) -> None:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise FunctionError(
            f"{called(function)} is a generator, and a slice has one result; return a list of the values"
        )


def _wrapped(function: Any) -> str:
    place = libraries.place_of(function)
    name = function.__name__ if place is None or place[0] == "builtins" else ".".join(place)
    return f"lambda x: {name}(x)"


def _inside(function: Any) -> str:
    """Where the function is that a decorator has put into an object."""
    for attribute in ("py_func", "__wrapped__", "func"):
        if isinstance(getattr(function, attribute, None), FunctionType):
            return f"if a decorator made it, pass .{attribute}, the function inside"
    return "pass a function"


def inner_function(value: Any, place: str) -> FunctionType:
    inner = value.__wrapped__
    if not isinstance(inner, FunctionType):
        raise FunctionError(f"{place} is a cache of {type(inner).__name__}, which has no source; {_inside(value)}")
    return inner


def checked(value: Any, place: str) -> Any:
    """``value``, where it arrives in a sandbox as what it is."""
    for kind, reason in _REFUSED.items():
        if isinstance(value, kind):
            raise FunctionError(f"{place} is {reason(value)}")
    try:
        objects.dumps(value)
    except TypeError as error:
        raise FunctionError(f"{place} cannot go to a sandbox: {error}") from None
    if not objects.keeps_its_type(value):
        raise FunctionError(
            f"{place} is an instance of {type(value).__qualname__}, which would arrive as something else; "
            f"use a dict or a tuple, make it within the function, or register its class: dcp.register(...)"
        )
    return value


_REFUSED: dict[type, Callable[[Any], str]] = {
    MethodType: lambda value: (
        f"a method of {type(value.__self__).__name__}, whose instances do not go to sandboxes; use a function"
    ),
    BuiltinFunctionType: lambda value: (
        f"a method of {type(value.__self__).__name__}, which does not go to sandboxes; call it within the function"
    ),
}
