"""The lines of a class in its file."""

from __future__ import annotations
import __future__

import ast
import functools
import linecache
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CellType, FunctionType
from typing import Any

from ..errors import FunctionError
from .source_text import futures_of


@dataclass(frozen=True)
class ClassText:
    """``source``: whole lines, from ``first_line`` of ``file``, decorators included. ``globals``: of its module.

    ``annotated``: names in the annotations of its variables, which dataclasses look up even where they are texts.
    """

    source: str
    file: str
    first_line: int
    futures: list[str]
    annotated: set[str]
    globals: dict[str, Any]


def class_source_of(kind: type, place: str) -> ClassText:
    """Raises FunctionError where the source is not there."""
    methods = list(_methods(kind))
    space = methods[0].__globals__ if methods else getattr(sys.modules.get(kind.__module__), "__dict__", {})
    for file in [methods[0].__code__.co_filename] if methods else _files(space):
        linecache.checkcache(file)
        lines = linecache.getlines(file, space)
        fitting = [node for path, node in _classes_in("".join(lines)) if path == kind.__qualname__]
        fitting = [node for node in fitting if _fits(node, kind) and all(_has(node, method) for method in methods)]
        if fitting:
            node = fitting[-1]  # of two, one below the other, the latter is in force
            first = _first_line(node)
            futures = futures_of(methods[0].__code__) if methods else _futures_in(space)
            source = "".join(lines[first - 1 : node.end_lineno])
            return ClassText(source, file, first, futures, _annotated(node), space)
    raise FunctionError(
        f"{place} is the class {kind.__qualname__}, whose source is not there or has changed since it was loaded; "
        f"define it within the function"
    )


def closure_of(kind: type) -> dict[str, CellType]:
    """The variables of functions around the class that its methods use."""
    cells: dict[str, CellType] = {}
    for method in _methods(kind):
        cells.update(zip(method.__code__.co_freevars, method.__closure__ or (), strict=True))
    cells.pop("__class__", None)
    return cells


def _methods(kind: type) -> Iterator[FunctionType]:
    """The functions that stand in the class's source."""
    for value in vars(kind).values():
        inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
        if (
            isinstance(inner, FunctionType)
            and inner.__code__.co_qualname == f"{kind.__qualname__}.{inner.__code__.co_name}"
            and not inner.__code__.co_filename.startswith("<string>")
        ):
            yield inner


def _files(space: dict[str, Any]) -> list[str]:
    """Where a class without methods may be, which does not know its file: in the module's, or in a notebook's cell."""
    cells = [name for name in linecache.cache if not Path(name).exists()]
    return [space.get("__file__", ""), *reversed(cells)]  # the latest cell is the last


def _fits(node: ast.ClassDef, kind: type) -> bool:
    """Whether ``kind`` has what its statement gives it."""
    line = getattr(kind, "__firstlineno__", None)  # since Python 3.13
    if line is not None:
        return bool(line == _first_line(node))
    assigned = [target for part in node.body if isinstance(part, ast.Assign) for target in part.targets]
    annotated = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
    has_all = all(hasattr(kind, target.id) for target in assigned if isinstance(target, ast.Name))
    names = {target.id for target in annotated if isinstance(target, ast.Name)}
    return has_all and names == set(vars(kind).get("__annotations__", ()))


def _has(node: ast.ClassDef, method: FunctionType) -> bool:
    code = method.__code__
    return code.co_name == "<lambda>" or any(
        isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        and part.name == code.co_name
        and _first_line(part) == code.co_firstlineno
        for part in ast.walk(node)
    )


def _first_line(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _annotated(node: ast.ClassDef) -> set[str]:
    names: set[str] = set()
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            for part in ast.walk(statement.annotation):
                if isinstance(part, ast.Name):
                    names.add(part.id)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    names.update(re.findall(r"\w+", part.value))
    return names


def _futures_in(space: dict[str, Any]) -> list[str]:
    return [name for name in __future__.all_feature_names if space.get(name) is getattr(__future__, name)]


@functools.lru_cache(maxsize=16)
def _classes_in(text: str) -> tuple[tuple[str, ast.ClassDef], ...]:
    try:
        return tuple(_walk(ast.parse(text), ""))
    except SyntaxError:
        return ()


def _walk(node: ast.AST, path: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """Classes with their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield path + child.name, child
            yield from _walk(child, f"{path}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk(child, f"{path}{child.name}.<locals>.")
        else:
            yield from _walk(child, path)
