"""The IDL seen as what travels: the wire shape of each type, and the names that both sides share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from . import policy
from .header import Header
from .idl import Argument, Idl, Interface, Member, Operation, Type

Kind = Literal[
    "bool", "u16", "u32", "i32", "u64", "f32", "f64", "string", "enum", "object", "object_or_enum", "dictionary",
    "sequence", "record", "tagged", "opaque",
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


@dataclass(frozen=True)
class Shape:
    """How a value travels. `name`: the enum, interface, dictionary or typedef; `item`: of sequences and records."""

    kind: Kind
    name: str = ""
    item: Shape | None = None
    nullable: bool = False

    @property
    def words(self) -> int | None:
        """Words on the wire, None where it depends on the value."""
        if self.kind in ("bool", "u16", "u32", "i32", "f32", "enum", "object", "object_or_enum"):
            return 1
        return 2 if self.kind in ("u64", "f64") else None


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
        # Opcode 0 is padding.
        self.opcodes = ["pad", *policy.HAND_COMMANDS, *(command.name for command in self.commands)]

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
        for name in policy.HAND_DICTIONARIES:
            visit(Shape("dictionary", name))
        return order

    def made_by(self, operation: Operation) -> str | None:
        """The interface of the object that an operation makes."""
        shape = self.shape(operation.type)
        return shape.name if shape.kind == "object" else None

    def struct(self, dictionary: str) -> str:
        """The C struct of a dictionary."""
        return policy.STRUCTS.get(dictionary, "WGPU" + dictionary[3:].removesuffix("Dict"))
