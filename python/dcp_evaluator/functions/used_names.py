"""What a function's code asks its surroundings for."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType

_GLOBALS = frozenset(
    ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_GLOBAL_BUILTIN")
)
_ATTRIBUTES = frozenset(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"))


@dataclass
class UsedNames:
    """``globals`` are names, builtins among them; ``imports`` are dotted; ``relative``: it has a relative import."""

    globals: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)
    relative: bool = False


def used_names(code: CodeType) -> UsedNames:
    """Of ``code`` and all functions, classes and comprehensions within it."""
    used = UsedNames()
    for part in _with_inner(code):
        _look_at(part, used)
    return used


def names_of_class_statement(code: CodeType) -> set[str]:
    """What a class statement itself looks up when it runs, of the ``code`` of a function that has nothing else."""
    (body,) = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    steps = [*dis.get_instructions(code), *dis.get_instructions(body)]
    stored = {step.argval for step in steps if step.opname == "STORE_NAME"}
    looked_up = {step.argval for step in steps if step.opname in _GLOBALS}
    return {name for name in looked_up - stored if not name.startswith("__")}


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


def _look_at(code: CodeType, used: UsedNames) -> None:
    # An import's level and names are loaded just before it.
    instructions = [i for i in dis.get_instructions(code) if i.opname not in ("EXTENDED_ARG", "CACHE")]
    for index, instruction in enumerate(instructions):
        if instruction.opname in _GLOBALS:
            used.globals.add(instruction.argval)
        elif instruction.opname in _ATTRIBUTES:
            used.attributes.add(instruction.argval)
        elif instruction.opname == "IMPORT_NAME":
            level, names = (before.argval for before in instructions[index - 2 : index])
            _add_import(used, instruction.argval, level, names)


def _add_import(used: UsedNames, module: str, level: int, names: tuple[str, ...] | None) -> None:
    if level:
        used.relative = True
        return
    used.imports.add(module)
    used.imports.update(f"{module}.{name}" for name in names or () if name != "*")
