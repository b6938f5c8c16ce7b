"""Writes the C declarations of wasmtime's C API from the ctypes declarations of the Python package `wasmtime`.

    python wasmtime_header.py --package DIRECTORY_OF_THE_PACKAGE --output wasmtime_api.h

The wheel ships the shared library without headers; `_bindings.py` and `_ffi.py` in it declare every struct, function
and constant. The output has the types, the constants and `struct wasmtime_api`, a table of function pointers that
`wasmtime_api_load` fills through a caller's symbol look-up (dlsym). Functions of the component model, of WASI and of
asynchronous calls are left out. Callbacks that return a pointer are declared there as returning size_t, and so here.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

SCALARS = {
    "c_bool": "bool",
    "c_char": "char",
    "c_byte": "int8_t",
    "c_ubyte": "uint8_t",
    "c_int8": "int8_t",
    "c_uint8": "uint8_t",
    "c_int16": "int16_t",
    "c_uint16": "uint16_t",
    "c_int32": "int32_t",
    "c_uint32": "uint32_t",
    "c_int64": "int64_t",
    "c_uint64": "uint64_t",
    "c_int": "int",
    "c_uint": "unsigned",
    "c_size_t": "size_t",
    "c_ssize_t": "ptrdiff_t",
    "c_float": "float",
    "c_double": "double",
    "c_void_p": "void*",
}

LEFT_OUT = re.compile(
    r"component|wasi|async(?!_stack_size)|guestprofiler|call_future|linker|stack_creator|stack_memory|pooling"
)


class HeaderError(Exception):
    """The package holds something that this script does not understand."""


def dotted_tail(node: ast.expr) -> str:
    """`ctypes.c_int` and `c_int` give "c_int"."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    raise HeaderError(f"line {node.lineno}: expected a name, found {ast.unparse(node)}")


def declare(node: ast.expr | None, name: str, *, parameter: bool = False) -> str:
    """The C declaration of `name` with the ctypes type `node`; an empty name gives the abstract type."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return f"void {name}".strip()
    if isinstance(node, ast.Call):
        function = dotted_tail(node.func)
        if function == "POINTER":
            target = node.args[0]
            constant = parameter and isinstance(target, ast.Attribute | ast.Name) and dotted_tail(target) == "c_char"
            return ("const " if constant else "") + declare(target, f"*{name}")
        if function == "CFUNCTYPE":
            arguments = ", ".join(declare(a, "", parameter=True) for a in node.args[1:]) or "void"
            return declare(node.args[0], f"(*{name})({arguments})")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Constant):
        return declare(node.left, f"{name}[{node.right.value!r}]")
    if isinstance(node, ast.Attribute | ast.Name):
        tail = dotted_tail(node)
        return f"{SCALARS.get(tail, tail)} {name}".strip()
    raise HeaderError(f"line {node.lineno}: no C type for {ast.unparse(node)}")


def member_name(name: str) -> str:
    """Names with two leading underscores are reserved in C++."""
    return f"{name.lstrip('_')}_" if name.startswith("_") else name


def fields_of(body: list[ast.stmt]) -> list[ast.expr] | None:
    for statement in body:
        if isinstance(statement, ast.Assign) and dotted_tail(statement.targets[0]) == "_fields_":
            if not isinstance(statement.value, ast.List):
                raise HeaderError(f"line {statement.lineno}: _fields_ is no list")
            return statement.value.elts
    return None


def aggregate(node: ast.ClassDef) -> Iterator[str]:
    keyword = "union" if dotted_tail(node.bases[0]) == "Union" else "struct"
    yield f"typedef {keyword} {node.name} {node.name};"
    fields = fields_of(node.body)
    if fields is None:
        return
    yield f"{keyword} {node.name} {{"
    for field in fields:
        if not isinstance(field, ast.Tuple) or not isinstance(field.elts[0], ast.Constant):
            raise HeaderError(f"line {field.lineno}: a field that is no (name, type)")
        yield f"  {declare(field.elts[1], member_name(str(field.elts[0].value)))};"
    yield "};"


def enumeration(node: ast.ClassDef, seen: set[str]) -> Iterator[str]:
    """Enumerators count from 0 as in C, whatever Python's auto() gives; a name that is known already is left out."""
    value = 0
    for statement in node.body:
        if not isinstance(statement, ast.Assign):
            continue
        name = dotted_tail(statement.targets[0])
        if isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, int):
            value = statement.value.value
        if name not in seen:
            seen.add(name)
            yield f"#define {name} {value}"
        value += 1


def constant(statement: ast.Assign, seen: set[str]) -> Iterator[str]:
    """`NAME = c_uint8(5)` of _ffi.py."""
    name = dotted_tail(statement.targets[0])
    value = statement.value
    is_scalar = isinstance(value, ast.Call) and dotted_tail(value.func) in SCALARS and len(value.args) == 1
    if is_scalar and isinstance(value, ast.Call) and isinstance(value.args[0], ast.Constant) and name not in seen:
        seen.add(name)
        yield f"#define {name} {value.args[0].value!r}"


class Bindings:
    """Collects types and functions in the order of the file."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.results: dict[str, ast.expr] = {}
        self.functions: dict[str, str] = {}
        self.constants: set[str] = set()

    def read_ffi(self, tree: ast.Module) -> None:
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                self.types += aggregate(statement)
            elif isinstance(statement, ast.Assign) and not LEFT_OUT.search(ast.unparse(statement.targets[0]).lower()):
                self.types += constant(statement, self.constants)

    def read_bindings(self, tree: ast.Module) -> None:
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                self.read_class(statement)
            elif isinstance(statement, ast.Assign):
                self.read_assignment(statement)

    def read_class(self, node: ast.ClassDef) -> None:
        if LEFT_OUT.search(node.name):
            return
        if dotted_tail(node.bases[0]) == "Enum":
            self.types += enumeration(node, self.constants)
        else:
            self.types += aggregate(node)

    def read_assignment(self, statement: ast.Assign) -> None:
        target = statement.targets[0]
        if LEFT_OUT.search(ast.unparse(target)):
            return
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            function = target.value.id.lstrip("_")
            if target.attr == "restype":
                self.results[function] = statement.value
            elif target.attr == "argtypes":
                self.read_function(function, statement.value)
        elif isinstance(target, ast.Name) and not target.id.startswith("_"):
            self.types.append(f"typedef {declare(statement.value, target.id)};")

    def read_function(self, function: str, arguments: ast.expr) -> None:
        if not isinstance(arguments, ast.List):
            raise HeaderError(f"line {arguments.lineno}: argtypes is no list")
        parameters = ", ".join(declare(a, "", parameter=True) for a in arguments.elts) or "void"
        self.functions[function] = declare(self.results.get(function), f"(*{function})({parameters})")


def package_version(package: Path) -> str:
    """The version of the installed distribution that `package` belongs to."""
    found = sorted(package.parent.glob("wasmtime-*.dist-info"))
    if len(found) != 1:
        raise HeaderError(f"{package.parent} holds {len(found)} wasmtime-*.dist-info folders; one is needed")
    return found[0].name.removeprefix("wasmtime-").removesuffix(".dist-info")


def header(bindings: Bindings, version: str) -> str:
    names = list(bindings.functions)
    lines = [
        "/* Generated by native/codegen/wasmtime_header.py: do not edit. */",
        "#pragma once",
        "#include <stdbool.h>",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        f'#define WASMTIME_API_VERSION "{version}"',
        f'#define WASMTIME_API_MAJOR "{version.split(".")[0]}"',
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        *bindings.types,
        "",
        "/* The functions, once wasmtime_api_load has filled the table. */",
        "typedef struct wasmtime_api {",
        *(f"  {bindings.functions[name]};" for name in names),
        "} wasmtime_api;",
        "",
        "/* Fills the table; returns the name of the first function that `symbol` does not know, or NULL. */",
        "typedef void* (*wasmtime_api_symbol)(void* context, const char* name);",
        "static inline const char* wasmtime_api_load(wasmtime_api* api, wasmtime_api_symbol symbol, void* context) {",
        "  static const char* const names[] = {",
        *(f'      "{name}",' for name in names),
        "  };",
        "  void** const slots = (void**)api;",
        "  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {",
        "    slots[i] = symbol(context, names[i]);",
        "    if (slots[i] == NULL) return names[i];",
        "  }",
        "  return NULL;",
        "}",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def read(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise HeaderError(f"cannot read {path}: {error.strerror}; --package must name the folder of wasmtime") from None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--package", type=Path, required=True, help="folder of the installed package wasmtime")
    parser.add_argument("--output", type=Path, required=True, help="header to write")
    options = parser.parse_args(arguments)
    bindings = Bindings()
    try:
        bindings.read_ffi(read(options.package / "_ffi.py"))
        bindings.read_bindings(read(options.package / "_bindings.py"))
        text = header(bindings, package_version(options.package))
    except HeaderError as error:
        print(f"wasmtime_header.py: {error}", file=sys.stderr)
        return 1
    options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
