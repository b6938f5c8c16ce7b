"""A function of the program outside, made again from its source: here its code is compiled by this Python.

``build`` takes what ``dcp_evaluator.functions`` packed, a dict. Of a script: ``{"kind": "script", "source", "file"}``.
Of a function::

    kind        "function"
    root        the binding of the work function
    functions   dicts of source (whole lines), file, first_line, span, name, qualname, free, cells, space,
                defaults, keyword_defaults, futures
    spaces      one for each module whose functions are here: its name, and the bindings of its globals
    cells       bindings of what closures hold; functions that share a variable share its cell

A binding is one of::

    ["value", value]                               ["module", name, submodules]
    ["from", module, qualified name]               ["function", number]
    ["cached", number, maxsize, typed]             ["partial", binding, bindings, {name: binding}]
    ["call", module, name, arguments]              ["nothing"]: a cell that is empty still
"""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
import importlib
import linecache
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any

_FACTORY, _INNER = "_closure", "_inner"


def build(parts: dict[str, Any]) -> Callable[..., Any] | None:
    """The function; None for a script, which has run then. Tracebacks have the lines of the user's file.

    Raises SyntaxError where this Python does not know what the source is written in, ImportError for a module that is
    not here, and whatever a script raises.
    """
    if parts["kind"] == "script":
        run_script(parts["source"], parts["file"])
        return None
    function: Callable[..., Any] = _Builder(parts).root()
    return function


def run_script(source: str, file: str) -> None:
    """Runs it as the main program. Raises SyntaxError, and whatever it raises."""
    show_lines(file, 1, source)
    namespace = {"__name__": "__main__", "__file__": file, "__builtins__": builtins}
    exec(compile(source, file, "exec", dont_inherit=True), namespace)


def code_of(function: dict[str, Any]) -> CodeType:
    """Compiles the source of one function: nothing of it runs, neither decorators nor defaults."""
    node, offset = _parsed(function)
    ast.increment_lineno(node, offset)
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    if not isinstance(node, ast.Lambda):
        node.name = _INNER  # else a call of itself would be one of the factory's variable
    factory: Any = ast.FunctionDef(_FACTORY, _parameters(function["free"]), [_statement(node)], [])
    if "type_params" in factory._fields:  # since Python 3.12
        factory.type_params = []
    ast.copy_location(factory, node)
    tree = ast.fix_missing_locations(ast.Module([factory], []))
    outer = compile(tree, function["file"], "exec", _flags(function["futures"]), dont_inherit=True)
    inner = _only_code(_only_code(outer))
    return inner.replace(co_name=name, co_qualname=function["qualname"])


def _parsed(function: dict[str, Any]) -> tuple[Any, int]:
    """The function's node without what belongs to its surroundings, and what its lines lack to those of the file."""
    source, first_line = function["source"], function["first_line"]
    try:
        if function["span"] is not None:
            node: Any = ast.parse(f"(\n{_cut(source, *function['span'])}\n)", mode="eval").body
            offset = first_line - 2
        else:
            indented = source[:1] in " \t"
            node = ast.parse(f"if 1:\n{source}" if indented else source).body[0]
            node, offset = (node.body[0], first_line - 2) if indented else (node, first_line - 1)
            node.decorator_list, node.returns, node.type_params = [], None, []
    except SyntaxError as error:
        raise _located(error, function) from None
    _strip(node.args)
    return node, offset


def _located(error: SyntaxError, function: dict[str, Any]) -> SyntaxError:
    wrapper = 1 if function["span"] is not None or function["source"][:1] in " \t" else 0
    line = (error.lineno or 1) - wrapper + function["first_line"] - 1
    return SyntaxError(error.msg, (function["file"], line, error.offset, error.text))


def _cut(source: str, start: int, end_line: int, end: int) -> str:
    """The lambda in ``source``, where it stands on its lines: columns are bytes of UTF-8, lines count from 0."""
    lines = source.encode().split(b"\n")[: end_line + 1]
    lines[end_line] = lines[end_line][:end]
    lines[0] = b" " * start + lines[0][start:]
    return b"\n".join(lines).decode()


def _strip(arguments: ast.arguments) -> None:
    """Takes defaults and annotations away: the former come as values, the latter mean nothing here."""
    arguments.defaults = []
    arguments.kw_defaults = [None] * len(arguments.kwonlyargs)
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    for variadic in (arguments.vararg, arguments.kwarg):
        if variadic is not None:
            variadic.annotation = None


def _parameters(names: list[str]) -> ast.arguments:
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])


def _statement(node: Any) -> ast.stmt:
    return ast.copy_location(ast.Return(node), node) if isinstance(node, ast.Lambda) else node


def _flags(futures: list[str]) -> int:
    return sum(getattr(__future__, name).compiler_flag for name in futures if hasattr(__future__, name))


def _only_code(outer: CodeType) -> CodeType:
    (inner,) = (constant for constant in outer.co_consts if isinstance(constant, CodeType))
    return inner


def show_lines(file: str, first_line: int, source: str) -> None:
    """Lets tracebacks show ``source`` as lines of ``file``, which is not here."""
    new = [line + "\n" for line in source.removesuffix("\n").split("\n")]
    known = linecache.cache.get(file)
    lines = list(known[2]) if known is not None and len(known) == 4 else []
    lines += ["\n"] * (first_line - 1 + len(new) - len(lines))
    lines[first_line - 1 : first_line - 1 + len(new)] = new
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)  # None: it is not looked for on a disk


class _Builder:
    def __init__(self, parts: dict[str, Any]) -> None:
        self._parts = parts
        self._cells = [CellType() for _ in parts["cells"]]
        self._spaces: list[dict[str, Any]] = [
            {"__name__": space["name"], "__builtins__": builtins} for space in parts["spaces"]
        ]
        self._functions = [self._function(function) for function in parts["functions"]]
        self._cached: dict[int, Any] = {}

    def root(self) -> Any:
        """The work function, when all that it uses is bound."""
        for space, described in zip(self._spaces, self._parts["spaces"], strict=True):
            for name, binding in described["bindings"].items():
                space[name] = self._bound(binding)
        for cell, binding in zip(self._cells, self._parts["cells"], strict=True):
            if binding[0] != "nothing":
                cell.cell_contents = self._bound(binding)
        for made, function in zip(self._functions, self._parts["functions"], strict=True):
            self._set_defaults(made, function)
        return self._bound(self._parts["root"])

    def _function(self, function: dict[str, Any]) -> FunctionType:
        show_lines(function["file"], function["first_line"], function["source"])
        code, space = code_of(function), self._spaces[function["space"]]
        cells = dict(zip(function["free"], function["cells"], strict=True))
        closure = tuple(self._cells[cells[name]] for name in code.co_freevars)
        made = FunctionType(code, space, function["name"], None, closure)
        made.__qualname__, made.__module__ = function["qualname"], space["__name__"]
        return made

    def _set_defaults(self, made: FunctionType, function: dict[str, Any]) -> None:
        if function["defaults"] is not None:
            made.__defaults__ = tuple(map(self._bound, function["defaults"]))
        if function["keyword_defaults"] is not None:
            made.__kwdefaults__ = {n: self._bound(default) for n, default in function["keyword_defaults"].items()}

    def _bound(self, binding: list[Any]) -> Any:
        kind, *fields = binding
        return _BINDINGS[kind](self, *fields)

    def _value(self, value: Any) -> Any:
        return value

    def _module(self, name: str, submodules: list[str]) -> Any:
        for submodule in submodules:
            _imported(submodule)
        return _imported(name)

    def _from(self, module: str, qualified: str) -> Any:
        try:
            return functools.reduce(getattr, qualified.split("."), _imported(module))
        except AttributeError:
            raise ImportError(f"{module} has no {qualified} here, which the work function uses", name=module) from None

    def _numbered(self, number: int) -> Any:
        return self._functions[number]

    def _cached_function(self, number: int, maxsize: int | None, typed: bool) -> Any:
        if number not in self._cached:
            self._cached[number] = functools.lru_cache(maxsize, typed)(self._functions[number])
        return self._cached[number]

    def _partial(self, function: list[Any], arguments: list[Any], keywords: dict[str, Any]) -> Any:
        named = {name: self._bound(value) for name, value in keywords.items()}
        return functools.partial(self._bound(function), *map(self._bound, arguments), **named)

    def _call(self, module: str, name: str, arguments: list[Any]) -> Any:
        return self._from(module, name)(*arguments)


_BINDINGS: dict[str, Callable[..., Any]] = {
    "value": _Builder._value,
    "module": _Builder._module,
    "from": _Builder._from,
    "function": _Builder._numbered,
    "cached": _Builder._cached_function,
    "partial": _Builder._partial,
    "call": _Builder._call,
}


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        message = f"no module named {missing!r} in the sandbox; the work function uses it: add it to job.modules"
        raise ModuleNotFoundError(message, name=missing) from None
