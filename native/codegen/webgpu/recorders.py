"""Writes the plans of recorders: for each method whose arguments they can read, what the arguments have to be.

engine/recorder_support.hpp says what a recorder is, engine/quickjs/recorders.h what its fields are. The words are those
of encoding.py.
"""

from __future__ import annotations

from . import layouts, policy
from .conversion import quote
from .idl import Argument, Interface, Member, Operation, Type
from .model import Command, Model, Shape

_NUMBERS = ("u32", "i32", "u64")
_DEFAULTS = {"{}": 0, "[]": 0, '""': 0, "false": 0, "null": 0}


class RecorderWriter:
    """Builds that part of the client as a list of lines."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.idl = model.idl

    def write(self) -> list[str]:
        lines = ["  gpu.plans = { __proto__: null };"]
        for command in self.model.commands:
            lines += self.command(command)
        return lines

    def command(self, command: Command) -> list[str]:
        operation, interface = command.operation, command.interface
        plan = self.plan(command) if self.is_plain(interface, operation) else None
        if plan is None:
            return []
        makes = self.model.made_by(operation)
        if makes and command.key in policy.COMMAND_WITH_HOOK:
            return [f"  gpu.plans.{command.name} = {{ {plan} }};"]
        made = f", made: {self.made(makes)}" if makes else ""
        where = f"classes.{interface.name}, {quote(operation.name)}"
        return [f"  recordCalls({where}, {{ {plan}{made} }});"]

    def is_plain(self, interface: Interface, operation: Operation) -> bool:
        """Whether a call does nothing but to record, and maybe to make an object."""
        overloads = [o for o in interface.operations if o.name == operation.name]
        if len(overloads) > 1 and operation.name not in policy.RECORDED_OVERLOADS:
            return False
        return policy.CLOSERS.get(interface.name) != operation.name

    def plan(self, command: Command) -> str | None:
        """The members of a plan; None where an argument is of a type that recorders do not know."""
        kept = policy.KEPT.get(command.key, ["label"] if self.model.made_by(command.operation) else [])
        fields = [self.field(argument, kept) for argument in command.operation.arguments]
        if None in fields:
            return None
        opens = str(command.interface.name in policy.CLOSERS).lower()
        header = layouts.header(self.model.opcodes.index(command.name), 0)
        example = f"exampleOf.{command.interface.name}"
        listed = ", ".join(field for field in fields if field)
        return f"__proto__: null, example: {example}, header: {header}, open: {opens}, fields: [{listed}]"

    def made(self, makes: str) -> str:
        """What makes the object whose id a recorder has given."""
        opens = " state.open = true;" if makes in policy.CLOSERS else ""
        return (
            "(device, id, label) => { "
            f'var state = stateWithId(id, device, label === undefined ? "" : label);{opens} '
            f"return new classes.{makes}(secret, state); }}"
        )

    def field(self, value: Argument | Member, kept: list[str]) -> str | None:
        shape = self.model.shape(value.type)
        details = self.details(value.type, shape, kept)
        absent = self.absent(value, shape)
        if details is None or absent is None:
            return None
        if isinstance(value, Member):
            details += f", name: {quote(value.name)}"
            if value.name in kept:
                details += ", kept: true"
        return f"{{ __proto__: null, {details}{absent} }}"

    def absent(self, value: Argument | Member, shape: Shape) -> str | None:
        """What undefined is recorded as; None where recorders do not know that."""
        if shape.nullable:
            return None if shape.kind != "object" or self.model.is_optional(value) else ", nullable: true"
        required = value.required if isinstance(value, Member) else not value.optional
        if required:
            return ""
        if value.default is not None:
            number = _DEFAULTS.get(value.default)
            if number is None:
                try:
                    number = int(value.default, 0)
                except ValueError:
                    return None
            return f", instead: {number}"
        if isinstance(value, Member):
            return ", marked: true"
        return ", instead: -1" if shape.kind == "u64" else None

    def details(self, type_: Type, shape: Shape, kept: list[str]) -> str | None:
        resolved = self.idl.resolve(type_)
        if shape.kind == "tagged":
            return self.union(type_)
        if resolved.name == "union":
            return None
        if shape.kind in (*_NUMBERS, "string"):
            return f'kind: "{shape.kind}"'
        if shape.kind == "bool":  # those that are true are seldom
            return 'kind: "false"'
        if shape.kind == "object":
            return f'kind: "object", example: exampleOf.{shape.name}'
        if shape.kind == "sequence":
            item = resolved.arguments[0]
            inner = self.details(item, self.model.shape(item), [])
            nullable = ", nullable: true" if self.model.shape(item).nullable else ""
            if inner is None or (nullable and self.model.shape(item).kind != "object"):
                return None
            return f'kind: "sequence", inner: [{{ __proto__: null, {inner}{nullable} }}]'
        if shape.kind == "dictionary":
            members = [self.field(member, kept) for member in self.idl.members(shape.name)]
            if None in members:
                return None
            return f'kind: "dictionary", inner: [{", ".join(m for m in members if m)}]'
        return None

    def union(self, type_: Type) -> str | None:
        """The interfaces first, then the dictionary, as conversion tries them."""
        members, last = [], []
        for tag, member in enumerate(self.model.flat_union(type_)):
            name = self.idl.resolve(member).name
            if name in self.idl.dictionaries:
                inner = self.details(member, self.model.shape(member), [])
                if inner is None:
                    return None
                last.append(f"{{ __proto__: null, {inner}, tag: {tag} }}")
            else:
                # A texture becomes a view of it: another command.
                kind = "other" if name == "GPUTexture" else "object"
                members.append(f'{{ __proto__: null, kind: "{kind}", example: exampleOf.{name}, tag: {tag} }}')
        return f'kind: "union", inner: [{", ".join(members + last)}]'
