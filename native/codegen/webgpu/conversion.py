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
            return f"toU32({value}, {where})" if "EnforceRange" in resolved.attributes else f"toUint32({value})"
        if name == "long":
            return f"toI32({value}, {where})"
        if name == "unsigned long long":
            return f"toU64({value}, {where})"
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
            item = self.convert(resolved.arguments[0], "item", what)
            return f"toSequence({value}, (item) => {item}, {where})"
        if name == "record":
            item = self.convert(resolved.arguments[1], "item", what)
            return f"toRecord({value}, (item) => {item}, {where})"
        return value  # a type of another specification: the hook converts it

    def convert_union(self, type_: Type, resolved: Type, value: str, what: str) -> str:
        members = self.model.flat_union(resolved)
        where = quote(what)
        shape = self.model.shape(type_)
        if type_.name in policy.SEQUENCE_LENGTHS:
            low, high = policy.SEQUENCE_LENGTHS[type_.name]
            names = [member.name for member in self.idl.dictionaries[shape.name].members]
            sequence = next(m for m in members if self.idl.resolve(m).name == "sequence")
            item = self.convert(self.idl.resolve(sequence).arguments[0], "item", what)
            return (
                f"toSequenceWith({value}, {json.dumps(names)}, {low}, {high}, (item) => {item}, "
                f"dict.{shape.name}, {where})"
            )
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
        parts = []
        last = f"(() => {{ throw new TypeError({quote(what + ' is of none of the expected types')}); }})()"
        for tag, member in enumerate(members):
            name = self.idl.resolve(member).name
            if name in self.idl.dictionaries:
                last = f"{{ __proto__: null, tag: {tag}, value: dict.{name}({value}, {where}) }}"
            elif name == "GPUTexture":
                view = f"viewOf(take.GPUTexture({value}))"
                view_tag = next(i for i, m in enumerate(members) if self.idl.resolve(m).name == "GPUTextureView")
                parts.append(f"is.GPUTexture({value}) ? {{ __proto__: null, tag: {view_tag}, value: {view} }} : ")
            elif name in self.idl.interfaces:
                parts.append(
                    f"is.{name}({value}) ? {{ __proto__: null, tag: {tag}, value: take.{name}({value}, {where}) }} : "
                )
        return "(" + "".join(parts) + last + ")"

    def default(self, value: Argument | Member) -> str:
        """The JavaScript of a default value, as conversion would give it."""
        text = value.default or "undefined"
        if text == "{}" and self.model.shape(value.type).kind == "dictionary":
            return f"dict.{self.model.shape(value.type).name}(undefined, {quote(value.name)})"
        return "[]" if text == "{}" else text
