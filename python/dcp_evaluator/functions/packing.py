"""A function, and what it uses, as values that ``guest.functions`` makes a function of again."""

from __future__ import annotations

import builtins
import functools
import inspect
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from ..errors import FunctionError
from ..guest import functions as guest_functions
from ..guest import objects
from . import libraries, scripts
from .source_text import called, changed, futures_of, is_same_code, may_differ, source_of
from .used_names import UsedNames, used_names

_CACHED = type(functools.lru_cache(lambda: None))


@dataclass(frozen=True)
class Packed:
    """A work function in Python, ready to go.

    ``value`` is what goes over: ``objects.dumps`` takes it, and ``guest.functions.build`` makes the function of it.
    ``imports`` are dotted names of modules that it needs, as far as they are known: an import of a name out of a module
    stands there as both. ``globals`` has the values, without modules and functions, that the function itself uses.
    The rest says where it comes from; for a script ``name`` is empty.
    """

    value: dict[str, Any]
    name: str
    source: str
    file: str
    first_line: int
    globals: dict[str, Any]
    imports: frozenset[str]


def packed(work_function: Any) -> Packed:
    """Packs a function; or a script, its text or the path of a file, that calls ``dcp.set_slice_handler``.

    Values of globals and closures are taken as they are now. Raises FunctionError for what cannot go to a sandbox, with
    the reason and a remedy; OSError and ValueError for a file that cannot be read.
    """
    if isinstance(work_function, str | os.PathLike):
        return _packed_script(*scripts.read(work_function))
    _check(work_function)
    packer = _Packer()
    root = packer.bind(work_function, "the work function", None)
    value = {
        "kind": "function",
        "root": root,
        "functions": packer.functions,
        "spaces": packer.spaces,
        "cells": packer.cells,
    }
    first: dict[str, Any] = packer.functions[0] if packer.functions else {}
    bindings: dict[str, list[Any]] = packer.spaces[0]["bindings"] if packer.spaces else {}
    return Packed(
        value,
        str(first.get("name") or getattr(work_function, "__name__", "")),
        first.get("source", ""),
        first.get("file", ""),
        first.get("first_line", 1),
        {name: binding[1] for name, binding in bindings.items() if binding[0] == "value"},
        frozenset(packer.imports - {"builtins"}),
    )


def _packed_script(source: str, file: str) -> Packed:
    value = {"kind": "script", "source": source, "file": file}
    return Packed(value, "", source, file, 1, {}, scripts.imports_of(source))


def _check(function: Any) -> None:
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
        _check(function.func)
    elif isinstance(function, _CACHED):
        _check(_inner_function(function, "the work function"))
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


class _Packer:
    """Follows a function into all that it uses. Each function, cell and module is packed once."""

    def __init__(self) -> None:
        self.functions: list[dict[str, Any]] = []
        self.spaces: list[dict[str, Any]] = []
        self.cells: list[list[Any]] = []
        self.imports: set[str] = set()
        self._numbers: dict[int, int] = {}  # by identity: of functions, dicts of globals, and cells

    def bind(self, value: Any, place: str, used: UsedNames | None) -> list[Any]:
        """The binding of ``value``. ``place`` says what it is, in messages; ``used``: what is done with it."""
        if isinstance(value, ModuleType):
            return self._module(value, place, used)
        if callable(value) and str(getattr(value, "__module__", "")).partition(".")[0] == libraries.HERE:
            raise FunctionError(f"{place} is {called(value)} of {libraries.HERE}, which the sandbox does not have")
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, _CACHED):
            parameters = value.cache_parameters()
            number = self._number_of(_inner_function(value, place))
            return ["cached", number, parameters["maxsize"], parameters["typed"]]
        if isinstance(value, functools.partial):
            return self._partial(value, place)
        if isinstance(value, re.Pattern):
            return ["call", "re", "compile", [value.pattern, value.flags]]
        if isinstance(value, logging.Logger):
            return ["call", "logging", "getLogger", [value.name]]
        if callable(value) and (found := libraries.place_of(value)) is not None:
            return self._from(*found)
        return ["value", _checked(value, place)]

    def _module(self, module: ModuleType, place: str, used: UsedNames | None) -> list[Any]:
        if module.__name__ == libraries.HERE:
            return ["module", "dcp", []]
        if not libraries.is_library(module):
            raise FunctionError(
                f"{place} is the module {module.__name__}, which is a file of yours and not in the sandbox; "
                f"import the functions that are used: from {module.__name__} import ..."
            )
        submodules = libraries.submodules_in_use(module, used.attributes) if used is not None else []
        self.imports.update([module.__name__, *submodules])
        return ["module", module.__name__, submodules]

    def _from(self, module: str, name: str) -> list[Any]:
        self.imports.add(module)
        return ["from", module, name]

    def _function(self, function: FunctionType) -> list[Any]:
        if libraries.is_library_file(function.__code__.co_filename):
            found = libraries.place_of(function)
            if found is not None:
                return self._from(*found)
        return ["function", self._number_of(function)]

    def _partial(self, value: functools.partial[Any], place: str) -> list[Any]:
        arguments = [
            self.bind(item, f"{place}: argument {n} of the partial", None) for n, item in enumerate(value.args)
        ]
        keywords = {
            name: self.bind(item, f"{place}: the argument {name!r} of the partial", None)
            for name, item in value.keywords.items()
        }
        return ["partial", self.bind(value.func, f"{place}: the function of the partial", None), arguments, keywords]

    def _number_of(self, function: FunctionType) -> int:
        number = self._numbers.get(id(function))
        if number is None:
            number = self._numbers[id(function)] = len(self.functions)
            self.functions.append({})  # in its place before it is complete: it may use itself
            self.functions[number].update(self._packed(function))
        return number

    def _packed(self, function: FunctionType) -> dict[str, Any]:
        code, name, text = function.__code__, called(function), source_of(function)
        packed: dict[str, Any] = {
            "source": text.source,
            "file": text.file,
            "first_line": text.first_line,
            "span": None if text.span is None else list(text.span),
            "name": function.__name__,
            "qualname": function.__qualname__,
            "free": list(code.co_freevars),
            "futures": futures_of(code),
            "space": self._space(function),
        }
        used = used_names(_compiled(function, packed))
        self._add_imports(used, name)
        self._add_globals(function, used, self.spaces[packed["space"]]["bindings"])
        packed["cells"] = [
            self._cell(cell, f"the variable {variable!r} of {name}", used)
            for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
        ]
        packed["defaults"] = self._defaults(function.__defaults__, name)
        packed["keyword_defaults"] = self._keyword_defaults(function.__kwdefaults__, name)
        return packed

    def _space(self, function: FunctionType) -> int:
        key = id(function.__globals__)
        if key not in self._numbers:
            self._numbers[key] = len(self.spaces)
            self.spaces.append({"name": function.__globals__.get("__name__", "__main__"), "bindings": {}})
        return self._numbers[key]

    def _add_imports(self, used: UsedNames, name: str) -> None:
        if used.relative:
            raise FunctionError(f"{name} has a relative import, which means nothing in the sandbox; use a whole name")
        self.imports.update(filter(libraries.may_be_loaded, used.imports))

    def _add_globals(self, function: FunctionType, used: UsedNames, bindings: dict[str, list[Any]]) -> None:
        for name in sorted(used.globals):
            if name in function.__globals__:
                place = f"the global variable {name!r} of {called(function)}"
                if bindings.get(name, ["module"])[0] == "module":  # again: other submodules may be used
                    bindings[name] = self._joined(
                        bindings.get(name), self.bind(function.__globals__[name], place, used)
                    )
            elif name == "dcp" and not hasattr(builtins, name):
                bindings[name] = ["module", "dcp", []]
            # Else a builtin, or what will be a NameError there as it is here.

    def _joined(self, before: list[Any] | None, binding: list[Any]) -> list[Any]:
        return binding if before is None else ["module", binding[1], sorted({*before[2], *binding[2]})]

    def _cell(self, cell: CellType, place: str, used: UsedNames) -> int:
        key = id(cell)
        if key not in self._numbers:
            number = self._numbers[key] = len(self.cells)
            self.cells.append(["nothing"])
            try:
                value = cell.cell_contents
            except ValueError:  # it is not assigned yet
                return number
            self.cells[number] = self.bind(value, place, used)
        return self._numbers[key]

    def _defaults(self, defaults: tuple[Any, ...] | None, name: str) -> list[Any] | None:
        if defaults is None:
            return None
        return [self.bind(value, f"a default of {name}", None) for value in defaults]

    def _keyword_defaults(self, defaults: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
        if defaults is None:
            return None
        return {key: self.bind(value, f"the default of {key!r} of {name}", None) for key, value in defaults.items()}


def _compiled(function: FunctionType, packed: dict[str, Any]) -> CodeType:
    """The code as the sandbox makes it, of the source. Raises FunctionError where that is not what runs here."""
    if "__class__" in packed["free"]:
        raise FunctionError(f"{called(function)} is a method that uses super(); write a function")
    try:
        code = guest_functions.code_of(packed)
    except SyntaxError:
        raise changed(function) from None
    if not may_differ(function) and not is_same_code(code, function.__code__):
        raise changed(function)
    return code


def _inner_function(value: Any, place: str) -> FunctionType:
    inner = value.__wrapped__
    if not isinstance(inner, FunctionType):
        raise FunctionError(f"{place} is a cache of {type(inner).__name__}, which has no source; {_inside(value)}")
    return inner


def _checked(value: Any, place: str) -> Any:
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
            f"{place} is an instance of {type(value).__qualname__}, which the sandbox does not know; "
            f"use a dict or a tuple of what is needed, or make it within the function"
        )
    return value


_REFUSED: dict[type, Callable[[Any], str]] = {
    type: lambda value: f"the class {value.__qualname__}, which is not in the sandbox; define it within the function",
    MethodType: lambda value: (
        f"a method of {type(value.__self__).__name__}, whose instances do not go to sandboxes; use a function"
    ),
    BuiltinFunctionType: lambda value: (
        f"a method of {type(value.__self__).__name__}, which does not go to sandboxes; call it within the function"
    ),
}
