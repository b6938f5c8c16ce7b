"""The lines of a function in its file, as Python has them for tracebacks: notebooks have theirs there as well."""

from __future__ import annotations
import __future__

import ast
import dis
import functools
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import BuiltinImporter, SourceFileLoader
from types import CodeType, FunctionType
from typing import Any

from ..errors import FunctionError

_JUMPS = frozenset((*dis.hasjrel, *dis.hasjabs))
_PREPARATION = frozenset(("CACHE", "CALL", "EXTENDED_ARG", "NOP", "PRECALL", "PUSH_NULL"))
_PLACES = frozenset(("__qualname__", "__firstlineno__"))
"""What a class knows about where it stands."""
_Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class SourceText:
    """``source``: whole lines, from ``first_line`` of ``file``.

    ``span``, of a lambda: where it starts on the first of them; which is its last line, from 0; where it ends on that.
    """

    source: str
    file: str
    first_line: int
    span: tuple[int, int, int] | None


def source_of(function: FunctionType) -> SourceText:
    """Raises FunctionError where the source is not there, or is not what runs."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise FunctionError(
            f"the source of {called(function)} is not there (its file is {code.co_filename}), and functions go to "
            f"sandboxes as source; define it in a file or in a notebook"
        )
    node = _node_of(function, "".join(lines))
    first, last = _first_line(node), node.end_lineno or node.lineno
    text = "".join(lines[first - 1 : last])
    span = (node.col_offset, last - first, node.end_col_offset or 0) if isinstance(node, ast.Lambda) else None
    return SourceText(text, code.co_filename, first, span)


def called(function: Any) -> str:
    """How messages name a function."""
    name = getattr(function, "__name__", None) or type(function).__name__
    return "the lambda function" if name == "<lambda>" else f"{name}()"


def futures_of(code: CodeType) -> list[str]:
    """Names of ``from __future__`` that are in force in ``code``."""
    return [name for name in __future__.all_feature_names if code.co_flags & getattr(__future__, name).compiler_flag]


def may_differ(function: FunctionType) -> bool:
    """Whether the code that runs may be another than that of its source: a loader has rewritten it on its way."""
    loader = function.__globals__.get("__loader__")
    return not (loader is None or loader is BuiltinImporter or type(loader) is SourceFileLoader)


def is_same_code(left: CodeType, right: CodeType) -> bool:
    """Whether both do the same, wherever they stand."""
    if left.co_varnames != right.co_varnames or list(_steps(left)) != list(_steps(right)):
        return False
    inner = [[c for c in code.co_consts if isinstance(c, CodeType)] for code in (left, right)]
    return len(inner[0]) == len(inner[1]) and all(map(is_same_code, *inner))


def _steps(code: CodeType) -> Iterator[tuple[str, str]]:
    """What it does, without how a call is prepared: that depends on whether the file imports what is called."""
    steps = list(dis.get_instructions(code))
    for step, following in zip(steps, [*steps[1:], steps[-1]], strict=True):
        if following.opname == "STORE_NAME" and following.argval in _PLACES:
            continue
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            yield "attribute", step.argval
        elif step.opcode in _JUMPS or isinstance(step.argval, CodeType):
            yield step.opname, ""
        elif step.opname not in _PREPARATION:
            yield step.opname, repr(step.argval)


def changed(function: FunctionType) -> FunctionError:
    return FunctionError(
        f"the source of {called(function)} in {function.__code__.co_filename} is not what runs: the file has changed "
        f"since it was loaded; load it again"
    )


def _node_of(function: FunctionType, text: str) -> _Node:
    code = function.__code__
    found = [node for node in _functions_in(text) if _is_at(node, code)]
    if len(found) > 1:
        found = [node for node in found if _has_positions_of(node, code)]
    if not found:
        raise changed(function)
    if len(found) > 1:
        raise FunctionError(
            f"{called(function)} on line {code.co_firstlineno} of {code.co_filename} cannot be told from another on "
            f"the same line; give it a line of its own"
        )
    return found[0]


@functools.lru_cache(maxsize=16)
def _functions_in(text: str) -> tuple[_Node, ...]:
    return tuple(_walk(text))


def _walk(text: str) -> Iterator[_Node]:
    try:
        tree = ast.parse(text)
    except SyntaxError:  # it was loaded once, and has been changed
        return
    for node in ast.walk(tree):
        if isinstance(node, _Node):
            yield node


def _is_at(node: _Node, code: CodeType) -> bool:
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    return name == code.co_name and _first_line(node) == code.co_firstlineno


def _first_line(node: _Node) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _has_positions_of(node: _Node, code: CodeType) -> bool:
    """Whether an instruction of ``code`` stands for the whole body of ``node``, a lambda: the last one does."""
    if not isinstance(node, ast.Lambda):
        return True
    body = node.body
    return (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in set(code.co_positions())
