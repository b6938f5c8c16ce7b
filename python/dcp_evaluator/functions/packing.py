"""A function, and what it uses, as values that ``guest.functions`` makes a function of again."""

from __future__ import annotations

import builtins
import contextlib
import functools
import logging
import os
import re
from dataclasses import dataclass
from enum import Enum
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from ..errors import FunctionError
from ..guest import functions as guest_functions
from ..guest import objects
from . import libraries, scripts
from .class_text import ClassText, class_source_of, closure_of
from .refusals import CACHED, check, checked, inner_function
from .source_text import called, changed, futures_of, is_same_code, may_differ, source_of
from .used_names import UsedNames, names_of_class_statement, used_names


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
    check(work_function)
    packer = _Packer(work_function)
    root = packer.bind(work_function, "the work function", None)
    packer.add_registered_classes()
    value = {
        "kind": "function",
        "root": root,
        "functions": packer.functions,
        "classes": packer.classes,
        "spaces": packer.spaces,
        "cells": packer.cells,
        "values": list(objects.dumps(packer.values)),
    }
    first: dict[str, Any] = packer.functions[0] if packer.functions else {}
    bindings: dict[str, list[Any]] = packer.spaces[0]["bindings"] if packer.spaces else {}
    return Packed(
        value,
        str(first.get("name") or getattr(work_function, "__name__", "")),
        first.get("source", ""),
        first.get("file", ""),
        first.get("first_line", 1),
        {name: packer.values[binding[1]] for name, binding in bindings.items() if binding[0] == "value"},
        frozenset(packer.imports - {"builtins"}),
    )


def _packed_script(source: str, file: str) -> Packed:
    value = {"kind": "script", "source": source, "file": file}
    return Packed(value, "", source, file, 1, {}, scripts.imports_of(source))


class _Packer:
    """Follows a function into all that it uses. Each function, cell and module is packed once."""

    def __init__(self, root: Any) -> None:
        module = str(getattr(root, "__module__", ""))
        self._home = module if module.startswith(f"{libraries.HERE}.") else None  # our own demo is a user, too
        self.functions: list[dict[str, Any]] = []
        self.classes: list[dict[str, Any]] = []
        self.values: list[Any] = []
        self.spaces: list[dict[str, Any]] = []
        self.cells: list[list[Any]] = []
        self.imports: set[str] = set()
        self._numbers: dict[int, int] = {}  # by identity: of functions, classes, dicts of globals, and cells

    def bind(self, value: Any, place: str, used: UsedNames | None) -> list[Any]:
        """The binding of ``value``. ``place`` says what it is, in messages; ``used``: what is done with it."""
        if isinstance(value, ModuleType):
            return self._module(value, place, used)
        if value is objects.register:
            return ["from", "dcp", "register"]
        if callable(value) and self._is_ours(str(getattr(value, "__module__", ""))):
            raise FunctionError(f"{place} is {called(value)} of {libraries.HERE}, which the sandbox does not have")
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, CACHED):
            parameters = value.cache_parameters()
            number = self._number_of(inner_function(value, place))
            return ["cached", number, parameters["maxsize"], parameters["typed"]]
        if isinstance(value, functools.partial):
            return self._partial(value, place)
        if isinstance(value, re.Pattern):
            return ["call", "re", "compile", [value.pattern, value.flags]]
        if isinstance(value, logging.Logger):
            return ["call", "logging", "getLogger", [value.name]]
        if callable(value) and (found := libraries.place_of(value)) is not None:
            return self._from(*found)
        if type(value) in (list, tuple, dict) and any(map(callable, value.values() if type(value) is dict else value)):
            return self._table(value, place)
        if isinstance(value, Enum):
            return ["member", self.bind(type(value), f"{place}, of", None), value.name]
        if isinstance(value, type):
            return ["class", self._number_of_class(value, place)]
        return ["value", self._add_value(value, place)]

    def _add_value(self, value: Any, place: str) -> int:
        self.values.append(checked(value, place))
        return len(self.values) - 1

    def _table(self, value: Any, place: str) -> list[Any]:
        """A list, tuple or dict that has functions in it, one deep."""
        keys = list(value) if type(value) is dict else list(range(len(value)))
        items = [self._item(value[key], f"{place}[{key!r:.40}]") for key in keys]
        return ["table", type(value).__name__, self._add_value(keys, place), items]

    def _item(self, item: Any, place: str) -> list[Any]:
        return self.bind(item, place, None) if callable(item) else ["value", self._add_value(item, place)]

    def _is_ours(self, module: str) -> bool:
        return module.partition(".")[0] == libraries.HERE and module != self._home

    def add_registered_classes(self) -> None:
        """Their instances may be among inputs. One without source, or which needs packages that the function does not
        need, is a dict there, as those of other classes: it must not stop a job that has nothing to do with it."""
        for known in objects.registered():
            with contextlib.suppress(FunctionError):
                alone = _Packer(None)  # what fails leaves no traces here
                alone.bind(known.kind, "a registered class", None)
                if all(name in self.imports or libraries.is_usual(name) for name in alone.imports):
                    self.bind(known.kind, "a registered class", None)

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
        if function.__module__ != self._home and libraries.is_library_file(function.__code__.co_filename):
            found = libraries.place_of(function)
            if found is not None:
                return self._from(*found)
        return ["function", self._number_of(function)]

    def _partial(self, value: functools.partial[Any], place: str) -> list[Any]:
        function = self.bind(value.func, f"{place}: the function of the partial", None)
        arguments = [
            self.bind(item, f"{place}: argument {n} of the partial", None) for n, item in enumerate(value.args)
        ]
        keywords = {
            name: self.bind(item, f"{place}: the argument {name!r} of the partial", None)
            for name, item in value.keywords.items()
        }
        return ["partial", function, arguments, keywords]

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
            "space": self._space(function.__globals__),
        }
        used = used_names(_compiled(function, packed))
        self._add_uses(packed, used, function.__globals__, name)
        closure = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        packed["cells"] = self._cells(closure, used, name)
        values = function.__defaults__ or ()
        names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
        packed["defaults"] = list(self._defaults(dict(zip(names, values, strict=True)), name).values())
        packed["keyword_defaults"] = self._defaults(function.__kwdefaults__ or {}, name)
        return packed

    def _number_of_class(self, kind: type, place: str) -> int:
        number = self._numbers.get(id(kind))
        if number is None:
            text = class_source_of(kind, place)
            number = self._numbers[id(kind)] = len(self.classes)
            self.classes.append({})
            self.classes[number].update(self._packed_class(kind, text))
        return number

    def _packed_class(self, kind: type, text: ClassText) -> dict[str, Any]:
        name, closure = f"the class {kind.__name__}", closure_of(kind)
        packed: dict[str, Any] = {
            "source": text.source,
            "file": text.file,
            "first_line": text.first_line,
            "name": kind.__name__,
            "qualname": kind.__qualname__,
            "free": list(closure),
            "futures": text.futures,
            "space": self._space(text.globals),
        }
        closure |= _bases_around(kind, packed, text)
        packed["free"] = list(closure)
        used = used_names(guest_functions.class_code_of(packed))
        used.globals |= {part for part in text.annotated if libraries.has(text.globals.get(part))}
        self._add_uses(packed, used, text.globals, name)
        packed["needs"] = sorted(used.globals & self.spaces[packed["space"]]["bindings"].keys())
        packed["cells"] = self._cells(closure, used, name)
        packed["registered"] = self._registration(kind, name)
        return packed

    def _registration(self, kind: type, name: str) -> list[Any] | None:
        known = objects.registered_type(kind)
        if known is None:
            return None
        if known.is_plain:
            return [known.name, None, None]
        both = {"fields": known.fields, "make": known.make}
        return [known.name, *(self.bind(part, f"{key}= of {name}", None) for key, part in both.items())]

    def _space(self, space: dict[str, Any]) -> int:
        key = id(space)
        if key not in self._numbers:
            self._numbers[key] = len(self.spaces)
            self.spaces.append({"name": space.get("__name__", "__main__"), "bindings": {}})
        return self._numbers[key]

    def _add_uses(self, packed: dict[str, Any], used: UsedNames, space: dict[str, Any], name: str) -> None:
        self._add_imports(used, name)
        self._add_globals(space, used, self.spaces[packed["space"]]["bindings"], name)

    def _cells(self, closure: dict[str, CellType], used: UsedNames, name: str) -> list[int]:
        return [self._cell(cell, f"the variable {variable!r} of {name}", used) for variable, cell in closure.items()]

    def _add_imports(self, used: UsedNames, name: str) -> None:
        if used.relative:
            raise FunctionError(f"{name} has a relative import, which means nothing in the sandbox; use a whole name")
        self.imports.update(filter(libraries.may_be_loaded, used.imports))

    def _add_globals(self, space: dict[str, Any], used: UsedNames, bindings: dict[str, list[Any]], owner: str) -> None:
        for name in sorted(used.globals - {"__name__"}):
            if name in space:
                place = f"the global variable {name!r} of {owner}"
                if bindings.get(name, ["module"])[0] == "module":  # again: other submodules may be used
                    bindings[name] = self._joined(bindings.get(name), self.bind(space[name], place, used))
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

    def _defaults(self, defaults: dict[str, Any], name: str) -> dict[str, list[Any]]:
        return {key: self.bind(value, f"the default of {key!r} of {name}", None) for key, value in defaults.items()}


def _bases_around(kind: type, packed: dict[str, Any], text: ClassText) -> dict[str, CellType]:
    """Bases that are variables of a function around the class: the class knows them no more by these names."""
    names = names_of_class_statement(guest_functions.class_code_of(packed)) - text.globals.keys() - set(dir(builtins))
    bases = {base.__name__: CellType(base) for base in kind.__bases__ if base.__name__ in names}
    if missing := names - bases.keys() - {"dcp"}:
        raise FunctionError(
            f"the class {kind.__qualname__} needs {', '.join(sorted(missing))} of the function around it; "
            f"put the class outside of it, or all into the work function"
        )
    return bases


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
