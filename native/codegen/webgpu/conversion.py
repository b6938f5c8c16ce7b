"""Writes the conversions of WebIDL: a JavaScript expression for each type."""

from __future__ import annotations

import json

from . import policy
from .idl import Argument, Member, Type
from .model import Model


def quote(text: str) -> str:
    return json.dumps(text)


class Converter:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.idl = model.idl
        self.functions: dict[str, str] = {}

    def helpers(self) -> list[str]:
        """The functions `(value, what) => ...` that expressions of convert() name."""
        return [f"  const {name} = {code};" for code, name in self.functions.items()]

    def function(self, type_: Type, what: str) -> str:
        """The name of a function `(value, what)` that converts to the IDL type."""
        resolved = self.idl.resolve(type_)
        if not resolved.nullable and resolved.name in self.idl.dictionaries:
            return f"dict.{resolved.name}"
        if not resolved.nullable and resolved.name in self.model.kinds:
            return f"take.{resolved.name}"
        return self.named(f"(value) => {self.convert(type_, 'value', what)}")

    def named(self, code: str) -> str:
        return self.functions.setdefault(code, f"convert{len(self.functions)}")

    def refuses_undefined(self, type_: Type) -> bool:
        """Whether undefined, which an argument that is not given is, converts to a TypeError."""
        resolved = self.idl.resolve(type_)
        if resolved.nullable:
            return False
        if resolved.name in self.idl.dictionaries:
            return any(member.required for member in self.idl.members(resolved.name))
        enforced = "EnforceRange" in resolved.attributes
        return enforced or resolved.name in self.idl.interfaces or resolved.name == "sequence"

    def convert(self, type_: Type, value: str, what: str) -> str:
        """A JavaScript expression that converts `value`, a name, to the IDL type."""
        resolved = self.idl.resolve(type_)
        if resolved.nullable:
            inner = Type(resolved.name, resolved.arguments, False, resolved.attributes)
            return f"({value} === null || {value} === undefined ? null : {self.convert(inner, value, what)})"
        name = resolved.name
        where = quote(what)
        if name == "union":
            return self.convert_union(type_, resolved, value, what)
        if name == "boolean":
            return f"!!{value}"
        if name == "unsigned long":
            if "EnforceRange" not in resolved.attributes:
                return f"toUint32({value})"
            return f'(typeof {value} === "number" && {value} >>> 0 === {value} ? {value} : toU32({value}, {where}))'
        if name == "long":
            return f"toI32({value}, {where})"
        if name == "unsigned long long":
            return f'(typeof {value} === "number" && {value} >>> 0 === {value} ? {value} : toU64({value}, {where}))'
        if name == "unsigned short":
            return f"clampU16({value})"
        if name == "double":
            return f"toDouble({value}, {where})"
        if name == "float":
            return f"toFloat({value}, {where})"
        if name == "DOMString":
            return f"toDOMString({value}, {where})"
        if name == "USVString":
            return f"toString({value}, {where})"
        if name in self.idl.enums:
            return f"toEnum({value}, enums.{name}, {quote(name)}, {where})"
        if name in self.idl.dictionaries:
            return f"dict.{name}({value}, {where})"
        if name in self.model.kinds:
            return f"take.{name}({value}, {where})"
        if name in self.idl.interfaces:  # it stays in the sandbox: the object itself is wanted
            return f"(take.{name}({value}, {where}), {value})"
        if name == "sequence":
            return f"toSequence({value}, {self.function(resolved.arguments[0], what)}, {where})"
        if name == "record":
            return f"toRecord({value}, {self.function(resolved.arguments[1], what)}, {where})"
        return value  # a type of another specification: the hook converts it

    def convert_union(self, type_: Type, resolved: Type, value: str, what: str) -> str:
        members = self.model.flat_union(resolved)
        where = quote(what)
        shape = self.model.shape(type_)
        if type_.name in policy.SEQUENCE_LENGTHS:
            low, high = policy.SEQUENCE_LENGTHS[type_.name]
            names = [member.name for member in self.idl.dictionaries[shape.name].members]
            sequence = next(m for m in members if self.idl.resolve(m).name == "sequence")
            item = self.function(self.idl.resolve(sequence).arguments[0], what)
            return f"toSequenceWith({value}, {json.dumps(names)}, {low}, {high}, {item}, dict.{shape.name}, {where})"
        if shape.kind == "object_or_enum":
            enum = next(self.idl.resolve(m).name for m in members if self.idl.resolve(m).name in self.idl.enums)
            return (
                f"(is.{shape.name}({value}) ? take.{shape.name}({value}, {where}) : "
                f"toEnum({value}, enums.{enum}, {quote(enum)}, {where}))"
            )
        if shape.kind == "object":
            return f"(is.GPUTexture({value}) ? viewOf(take.GPUTexture({value})) : take.{shape.name}({value}, {where}))"
        if any(m.name == "undefined" for m in members):
            other = next(m for m in members if m.name != "undefined")
            return f"({value} === undefined ? undefined : {self.convert(other, value, what)})"
        return f"{self.named(self.tagged_union(members, what))}({value})"

    def tagged_union(self, members: list[Type], what: str) -> str:
        """A function that converts to `{ tag, value }`: the number of a member of the union, and the value as it."""
        where = quote(what)
        names = [self.idl.resolve(member).name for member in members]
        lines = []
        last = f"throw new TypeError({quote(what + ' is of none of the expected types')});"
        for tag, name in enumerate(names):
            if name in self.idl.dictionaries:
                last = f"return {{ __proto__: null, tag: {tag}, value: dict.{name}(value, {where}) }};"
            elif name in self.idl.interfaces:
                found = (tag, "state")
                if name == "GPUTexture":
                    found = (names.index("GPUTextureView"), "viewOf(state)")
                lines.append(
                    f"      if ((state = stateOf.{name}(value)) !== undefined) "
                    f"return {{ __proto__: null, tag: {found[0]}, value: {found[1]} }};"
                )
        brands = "\n".join(["      let state;", *lines])
        is_object = 'typeof value === "object" && value !== null'
        return f"(value) => {{\n    if ({is_object}) {{\n{brands}\n    }}\n    {last}\n  }}"

    def default(self, value: Argument | Member) -> str:
        """The JavaScript of a default value, as conversion would give it."""
        text = value.default or "undefined"
        if text == "{}" and self.model.shape(value.type).kind == "dictionary":
            return f"dict.{self.model.shape(value.type).name}(undefined, {quote(value.name)})"
        return "[]" if text == "{}" else text
