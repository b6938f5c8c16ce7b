"""The IDL seen as what travels: the wire shape of each type, and the names that both sides share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from . import layouts, policy
from .header import Header
from .idl import Argument, Idl, Interface, Member, Operation, Type

Kind = Literal[
    "bool", "u16", "u32", "i32", "u64", "f32", "f64", "string", "enum", "object", "object_or_enum", "dictionary",
    "sequence", "record", "tagged", "opaque",
    # Of hand-written commands and replies only.
    "bytes", "flag", "heap", "id", "kind", "limits", "own_enum", "own_record", "words",
]  # fmt: skip

SCALARS: dict[str, Kind] = {
    "boolean": "bool",
    "unsigned short": "u16",
    "unsigned long": "u32",
    "long": "i32",
    "unsigned long long": "u64",
    "float": "f32",
    "double": "f64",
    "DOMString": "string",
    "USVString": "string",
}


# Types of layouts.py.
LAYOUT_KINDS: dict[str, Kind] = {
    "bool": "bool",
    "u32": "u32",
    "u64": "u64",
    "string": "string",
    "bytes": "bytes",
    "words": "words",
    "limits": "limits",
    "kind": "kind",
    "id ...": "id",
    "flag ...": "flag",
}


def snake(name: str) -> str:
    """GPUBindGroupLayout -> bind_group_layout"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removeprefix("GPU")).lower()


@dataclass(frozen=True)
class Shape:
    """How a value travels.

    `name`: the enum, interface, dictionary or typedef; of "heap" the field with its size. `item`: of sequences and
    records.
    """

    kind: Kind
    name: str = ""
    item: Shape | None = None
    nullable: bool = False

    @property
    def words(self) -> int | None:
        """Words on the wire, None where it depends on the value."""
        if self.kind in ("bool", "u16", "u32", "i32", "f32", "enum", "object", "object_or_enum", *_OWN_WORDS):
            return 1
        return 2 if self.kind in ("u64", "f64", "heap") else None


_OWN_WORDS = ("flag", "id", "kind", "own_enum")


@dataclass(frozen=True)
class Command:
    """One opcode with a generated decoder."""

    key: str
    interface: Interface
    operation: Operation
    function: str

    @property
    def name(self) -> str:
        return self.key.replace(".", "_")


@dataclass(frozen=True)
class Field:
    name: str
    shape: Shape


@dataclass(frozen=True)
class Layout:
    """A line of layouts.py. `self` and `makes` are interfaces, "" where there is none."""

    name: str
    self: str
    makes: str
    fields: tuple[Field, ...]

    @property
    def words(self) -> int | None:
        """Of the whole message, its header included; None where it depends on the values."""
        sizes = [field.shape.words for field in self.fields]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            return None
        return 1 + bool(self.self) + bool(self.makes) + sum(known)


class Model:
    def __init__(self, idl: Idl, header: Header) -> None:
        self.idl = idl
        self.header = header
        idl.enums |= policy.EXTERNAL_ENUMS
        self.kinds = [name for name in idl.interfaces if f"wgpu{name[3:]}Release" in header.functions]
        operations = [f"{kind}.{o.name}" for kind in self.kinds for o in idl.interfaces[kind].operations]
        self.check_policy(operations)
        not_generated = {*policy.HOOKED, *policy.COMMAND_WITH_HOOK, *policy.WITHOUT_A_SCREEN}
        self.generated = [key for key in dict.fromkeys(operations) if key not in not_generated]
        self.commands = [self.command(key) for key in [*self.generated, *policy.COMMAND_WITH_HOOK]]
        self.hand_commands = [self.layout(name, line) for name, line in layouts.COMMANDS.items()]
        self.replies = [self.layout(name, line) for name, line in layouts.REPLIES.items()]
        # Opcode 0 is padding.
        self.opcodes = ["pad", *layouts.COMMANDS, *(command.name for command in self.commands)]

    def check_policy(self, operations: list[str]) -> None:
        """Raises ValueError for an operation that only policy.py knows."""
        known = {*operations, *(f"{i.name}.{o.name}" for i in self.idl.interfaces.values() for o in i.operations)}
        for key in [*policy.HOOKED, *policy.COMMAND_WITH_HOOK, *policy.WITHOUT_A_SCREEN, *policy.GUARDS]:
            if key not in known:
                raise ValueError(f"policy names {key}, which webgpu.idl does not declare")

    def command(self, key: str) -> Command:
        interface_name, operation_name = key.split(".")
        interface = self.idl.interfaces[interface_name]
        overloads = [o for o in interface.operations if o.name == operation_name]
        # The longest overload has everything; setBindGroup's takes its offsets as a plain sequence on the wire.
        operation = max(overloads, key=lambda o: len(o.arguments))
        if operation_name == "setBindGroup":
            operation = min(overloads, key=lambda o: len(o.arguments))
        function = f"wgpu{interface_name[3:]}{operation_name[0].upper()}{operation_name[1:]}"
        if function not in self.header.functions:
            raise ValueError(f"the headers have no {function} for {key}: give it a hook in policy.HOOKED")
        return Command(key, interface, operation, function)

    def layout(self, name: str, line: str) -> Layout:
        """Reads a line of layouts.py. Raises ValueError for a type that nobody knows."""
        words: dict[str, str] = {"self": "", "new": ""}
        fields: list[Field] = []
        for part in line.split(", "):
            field, colon, type_ = part.partition(": ")
            if colon:
                fields.append(Field(field, self.layout_shape(type_)))
            else:
                role, interface = part.split(" ")
                words[role] = interface
        return Layout(name, words["self"], words["new"], tuple(fields))

    def layout_shape(self, text: str) -> Shape:
        word, _, name = text.partition(" ")
        if text.startswith("["):
            return Shape("sequence", item=self.layout_shape(text[1:-1]))
        if text.startswith("heap["):
            return Shape("heap", text[5:-1])
        if text in LAYOUT_KINDS:
            return Shape(LAYOUT_KINDS[text])
        if name:
            return Shape(LAYOUT_KINDS[f"{word} ..."], name)
        if text in layouts.ENUMS:
            return Shape("own_enum", text)
        if text in layouts.RECORDS:
            return Shape("own_record", text)
        shape = self.shape(Type(text.removesuffix("?"), nullable=text.endswith("?")))
        if shape.kind == "opaque":
            raise ValueError(f"layouts.py has the type {text}, which nobody knows")
        return shape

    def shape(self, type_: Type) -> Shape:
        alias = type_.name
        resolved = self.idl.resolve(type_)
        name = resolved.name
        if alias in policy.TAGGED_UNIONS:
            return Shape("tagged", alias)
        if name == "union":
            return self.union_shape(alias, resolved)
        if name in SCALARS:
            return Shape(SCALARS[name], nullable=resolved.nullable)
        if name in self.idl.enums:
            return Shape("enum", name, nullable=resolved.nullable)
        if name in self.idl.dictionaries:
            return Shape("dictionary", name, nullable=resolved.nullable)
        if name in self.kinds:
            return Shape("object", name, nullable=resolved.nullable)
        if name == "sequence":
            return Shape("sequence", item=self.shape(resolved.arguments[0]))
        if name == "record":
            return Shape("record", item=self.shape(resolved.arguments[1]))
        return Shape("opaque", name)

    def union_shape(self, alias: str, union: Type) -> Shape:
        members = [self.idl.resolve(member) for member in union.arguments]
        if alias in policy.SEQUENCE_LENGTHS:
            return Shape("dictionary", next(m.name for m in members if m.name in self.idl.dictionaries))
        objects = [m.name for m in members if m.name in self.kinds]
        if objects == ["GPUTexture", "GPUTextureView"]:  # the client makes the view of a texture
            return Shape("object", "GPUTextureView")
        if len(objects) == 1 and len(members) == 2 and any(m.name in self.idl.enums for m in members):
            return Shape("object_or_enum", objects[0])
        return Shape("opaque", alias)

    def flat_union(self, type_: Type) -> list[Type]:
        """The members of a union, nested unions dissolved."""
        resolved = self.idl.resolve(type_)
        if resolved.name != "union":
            return [type_]
        return [inner for member in resolved.arguments for inner in self.flat_union(member)]

    def is_optional(self, value: Argument | Member) -> bool:
        """Whether a value can be absent after conversion."""
        if isinstance(value, Argument):
            return value.optional and value.default is None
        return not value.required and value.default is None

    def used_dictionaries(self) -> list[str]:
        """The dictionaries that commands carry, the inner ones first."""
        order: list[str] = []

        def visit(shape: Shape) -> None:
            if shape.item:
                visit(shape.item)
            if shape.kind == "tagged":
                for alternative in self.flat_union(Type(shape.name)):
                    visit(self.shape(alternative))
            if shape.kind == "dictionary" and shape.name not in order:
                for member in self.idl.members(shape.name):
                    visit(self.shape(member.type))
                order.append(shape.name)

        for command in self.commands:
            for argument in command.operation.arguments:
                visit(self.shape(argument.type))
        for layout in self.hand_commands:
            for field in layout.fields:
                visit(field.shape)
        return order

    def opcode_words(self) -> list[int]:
        """The words of each command, by opcode; 0 where they depend on its values."""
        sizes = {layout.name: layout.words for layout in self.hand_commands}
        for command in self.commands:
            fields = tuple(Field(a.name, self.shape(a.type)) for a in command.operation.arguments)
            makes = self.made_by(command.operation) or ""
            sizes[command.name] = Layout(command.name, command.interface.name, makes, fields).words
        return [sizes.get(name) or 0 for name in self.opcodes]

    def made_by(self, operation: Operation) -> str | None:
        """The interface of the object that an operation makes."""
        shape = self.shape(operation.type)
        return shape.name if shape.kind == "object" else None

    def struct(self, dictionary: str) -> str:
        """The C struct of a dictionary."""
        return policy.STRUCTS.get(dictionary, "WGPU" + dictionary[3:].removesuffix("Dict"))
