"""A function of the program outside, made again from its source: here its code is compiled by this Python.

``build`` takes what ``dcp_evaluator.functions`` packed, a dict. Of a script: ``{"kind": "script", "source", "file"}``.
Of a function::

    kind        "function"
    root        the binding of the work function
    functions   dicts of source (whole lines), file, first_line, span, name, qualname, free, cells, space,
                defaults, keyword_defaults, futures
    classes     likewise, with needs, names of globals, and registered: None, or [name, fields, make]
    spaces      one for each module whose functions are here: its name, and the bindings of its globals
    cells       bindings of what closures hold; functions that share a variable share its cell
    values      a header and buffers, of a list: instances in it are read when their classes are there

A binding is one of::

    ["value", number]                              ["module", name, submodules]
    ["from", module, qualified name]               ["function", number]         ["class", number]
    ["cached", number, maxsize, typed]             ["partial", binding, bindings, {name: binding}]
    ["call", module, name, arguments]              ["member", binding, name]: of an Enum
    ["table", list, tuple or dict, keys, bindings] ["nothing"]: of a cell that is empty still
"""

from __future__ import annotations
import __future__

import ast
import builtins
import functools
import importlib
import linecache
import sys
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from . import objects

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
    namespace = vars(sys.modules["__main__"])
    namespace["__file__"] = file
    exec(compile(source, file, "exec", dont_inherit=True), namespace)


def code_of(function: dict[str, Any]) -> CodeType:
    """Compiles the source of one function: nothing of it runs, neither decorators nor defaults."""
    node, offset = _parsed(function)
    ast.increment_lineno(node, offset)
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    if not isinstance(node, ast.Lambda):
        node.name = _INNER  # else a call of itself would be one of the factory's variable
    inner = _only_code(_factory_code([_statement(node)], function))
    return inner.replace(co_name=name, co_qualname=function["qualname"])


def class_code_of(kind: dict[str, Any]) -> CodeType:
    """The code of a function that makes the class. Its parameters are the variables that the class uses."""
    try:
        node, offset = _first_statement(kind)
    except SyntaxError as error:
        raise _located(error, kind) from None
    ast.increment_lineno(node, offset)
    has_text = ast.get_docstring(node, clean=False) is not None
    qualname = ast.Assign([ast.Name("__qualname__", ast.Store())], ast.Constant(kind["qualname"]))
    node.body.insert(1 if has_text else 0, ast.copy_location(qualname, node))
    made = ast.Return(ast.Name(node.name, ast.Load()))
    return _factory_code([node, ast.copy_location(made, node)], kind)


def _factory_code(body: list[ast.stmt], described: dict[str, Any]) -> CodeType:
    """The code of a function around ``body``, whose parameters are what the body finds around itself."""
    factory: Any = ast.FunctionDef(_FACTORY, _parameters(described["free"]), body, [])
    if "type_params" in factory._fields:  # since Python 3.12
        factory.type_params = []
    ast.copy_location(factory, body[0])
    tree = ast.fix_missing_locations(ast.Module([factory], []))
    outer = compile(tree, described["file"], "exec", _flags(described["futures"]), dont_inherit=True)
    return _only_code(outer)


def _parsed(function: dict[str, Any]) -> tuple[Any, int]:
    """The function's node without what belongs to its surroundings, and what its lines lack to those of the file."""
    source, first_line = function["source"], function["first_line"]
    try:
        if function["span"] is not None:
            node: Any = ast.parse(f"(\n{_cut(source, *function['span'])}\n)", mode="eval").body
            offset = first_line - 2
        else:
            node, offset = _first_statement(function)
            node.decorator_list, node.returns, node.type_params = [], None, []
    except SyntaxError as error:
        raise _located(error, function) from None
    _strip(node.args)
    return node, offset


def _first_statement(described: dict[str, Any]) -> tuple[Any, int]:
    source, first_line = described["source"], described["first_line"]
    if source[:1] not in " \t":
        return ast.parse(source).body[0], first_line - 1
    around: Any = ast.parse(f"if 1:\n{source}").body[0]
    return around.body[0], first_line - 2


def _located(error: SyntaxError, function: dict[str, Any]) -> SyntaxError:
    wrapper = 1 if function.get("span") is not None or function["source"][:1] in " \t" else 0
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
        self._spaces = [_space(space["name"]) for space in parts["spaces"]]
        self._functions = [self._function(function) for function in parts["functions"]]
        self._classes: dict[int, Any] = {}
        self._cached: dict[int, Any] = {}
        self._values: list[Any] | None = None

    def root(self) -> Any:
        """The work function, when all that it uses is bound."""
        for number in range(len(self._parts["classes"])):
            self._class(number)  # before values, where instances may be
        for number, space in enumerate(self._parts["spaces"]):
            for name in space["bindings"]:
                self._bind_global(number, name)
        for number in range(len(self._cells)):
            self._filled(number)
        for made, function in zip(self._functions, self._parts["functions"], strict=True):
            self._set_defaults(made, function)
        return self._bound(self._parts["root"])

    def _bind_global(self, number: int, name: str) -> None:
        self._spaces[number][name] = self._bound(self._parts["spaces"][number]["bindings"][name])

    def _filled(self, number: int) -> CellType:
        binding = self._parts["cells"][number]
        if binding[0] != "nothing":
            self._cells[number].cell_contents = self._bound(binding)
        return self._cells[number]

    def _class(self, number: int) -> Any:
        if number not in self._classes:
            self._classes[number] = None  # what is asked for meanwhile is bound later
            self._classes[number] = self._made_class(self._parts["classes"][number])
            self._register(number)
        return self._classes[number]

    def _made_class(self, kind: dict[str, Any]) -> Any:
        show_lines(kind["file"], kind["first_line"], kind["source"])
        for name in kind["needs"]:
            self._bind_global(kind["space"], name)
        around = {
            name: None if name == kind["name"] else self._filled(cell).cell_contents
            for name, cell in zip(kind["free"], kind["cells"], strict=True)
        }
        return FunctionType(class_code_of(kind), self._spaces[kind["space"]])(**around)

    def _register(self, number: int) -> None:
        registered = self._parts["classes"][number]["registered"]
        if registered is not None:
            name, fields, make = registered
            parts = {key: self._bound(part) for key, part in (("fields", fields), ("make", make)) if part is not None}
            objects.register(self._classes[number], name, **parts)

    def _function(self, function: dict[str, Any]) -> FunctionType:
        show_lines(function["file"], function["first_line"], function["source"])
        code, space = code_of(function), self._spaces[function["space"]]
        cells = dict(zip(function["free"], function["cells"], strict=True))
        closure = tuple(self._cells[cells[name]] for name in code.co_freevars)
        made = FunctionType(code, space, function["name"], None, closure)
        made.__qualname__, made.__module__ = function["qualname"], space["__name__"]
        return made

    def _set_defaults(self, made: FunctionType, function: dict[str, Any]) -> None:
        made.__defaults__ = tuple(map(self._bound, function["defaults"]))
        made.__kwdefaults__ = {name: self._bound(default) for name, default in function["keyword_defaults"].items()}

    def _bound(self, binding: list[Any]) -> Any:
        kind, *fields = binding
        return _BINDINGS[kind](self, *fields)

    def _value(self, number: int) -> Any:
        if self._values is None:
            self._values = objects.loads(*self._parts["values"])
        return self._values[number]

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

    def _member(self, kind: list[Any], name: str) -> Any:
        return self._bound(kind)[name]

    def _table(self, kind: str, keys: int, bindings: list[list[Any]]) -> Any:
        items = list(map(self._bound, bindings))
        if kind == "dict":
            return dict(zip(self._value(keys), items, strict=True))
        return tuple(items) if kind == "tuple" else items

    def _call(self, module: str, name: str, arguments: list[Any]) -> Any:
        return self._from(module, name)(*arguments)


_BINDINGS: dict[str, Callable[..., Any]] = {
    "value": _Builder._value,
    "class": _Builder._class,
    "module": _Builder._module,
    "from": _Builder._from,
    "function": _Builder._numbered,
    "cached": _Builder._cached_function,
    "partial": _Builder._partial,
    "call": _Builder._call,
    "member": _Builder._member,
    "table": _Builder._table,
}


def _space(name: str) -> dict[str, Any]:
    """The globals of a module of the user's, which is there as a module too: dataclasses look their own one up."""
    if name == "__main__":
        return vars(sys.modules[name])
    module = ModuleType(name)
    vars(module)["__builtins__"] = builtins
    sys.modules.setdefault(name, module)
    return vars(module)


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        message = f"no module named {missing!r} in the sandbox; the work function uses it: add it to job.modules"
        raise ModuleNotFoundError(message, name=missing) from None
