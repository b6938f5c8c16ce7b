"""A parser for the part of WebIDL (the WHATWG standard) that webgpu.idl uses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>"[^"]*")|(?P<number>-?0[xX][0-9A-Fa-f]+|-?\d+(\.\d+)?)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<punct>\.\.\.|[{}()\[\]<>,;:=?])""",
    re.S | re.X,
)


@dataclass(frozen=True)
class Type:
    """A type: a name with arguments; unions are called "union"."""

    name: str
    arguments: tuple[Type, ...] = ()
    nullable: bool = False
    attributes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        inner = f"<{', '.join(map(str, self.arguments))}>" if self.arguments else ""
        return f"{self.name}{inner}{'?' if self.nullable else ''}"


@dataclass(frozen=True)
class Argument:
    """An argument of an operation. `default` is IDL text, None where there is none."""

    name: str
    type: Type
    optional: bool
    default: str | None


@dataclass(frozen=True)
class Member:
    """A dictionary member."""

    name: str
    type: Type
    required: bool
    default: str | None


@dataclass(frozen=True)
class Attribute:
    name: str
    type: Type
    readonly: bool


@dataclass(frozen=True)
class Operation:
    name: str
    type: Type
    arguments: tuple[Argument, ...]


@dataclass
class Dictionary:
    name: str
    base: str | None
    members: list[Member] = field(default_factory=list)


@dataclass
class Interface:
    name: str
    kind: Literal["interface", "mixin", "namespace"]
    base: str | None = None
    attributes: list[Attribute] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    constructor: tuple[Argument, ...] | None = None
    setlike: bool = False
    constants: dict[str, int] = field(default_factory=dict)


@dataclass
class Idl:
    """Everything that one file declares, in its order. `includes` are already merged into the interfaces."""

    interfaces: dict[str, Interface] = field(default_factory=dict)
    dictionaries: dict[str, Dictionary] = field(default_factory=dict)
    enums: dict[str, list[str]] = field(default_factory=dict)
    typedefs: dict[str, Type] = field(default_factory=dict)
    external_includes: list[tuple[str, str]] = field(default_factory=list)

    def resolve(self, type_: Type) -> Type:
        """The type behind typedefs; their extended attributes are kept."""
        while type_.name in self.typedefs:
            target = self.typedefs[type_.name]
            type_ = Type(
                target.name,
                target.arguments,
                target.nullable or type_.nullable,
                target.attributes | type_.attributes,
            )
        return type_

    def chain(self, name: str) -> list[Dictionary]:
        """A dictionary and those it inherits from, least derived first."""
        dictionary = self.dictionaries[name]
        if dictionary.base is None or dictionary.base not in self.dictionaries:
            return [dictionary]
        return [*self.chain(dictionary.base), dictionary]

    def members(self, name: str) -> list[Member]:
        """All members in the order in which WebIDL reads them."""
        return [member for part in self.chain(name) for member in sorted(part.members, key=lambda m: m.name)]


class Parser:
    """Recursive descent over the tokens of one file. Raises SyntaxError with the line."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise SyntaxError(f"line {text.count(chr(10), 0, position) + 1}: unexpected {text[position]!r}")
            kind = match.lastgroup or "space"
            if match["space"] is None:
                kind = next(k for k in ("string", "number", "name", "punct") if match[k] is not None)
                self.tokens.append((kind, match[0], text.count("\n", 0, position) + 1))
            position = match.end()
        self.tokens.append(("end", "", text.count("\n") + 1))
        self.at = 0
        self.idl = Idl()
        self.includes: list[tuple[str, str]] = []

    def peek(self) -> str:
        return self.tokens[self.at][1]

    def next(self) -> str:
        text = self.tokens[self.at][1]
        self.at += 1
        return text

    def accept(self, text: str) -> bool:
        if self.tokens[self.at][1] == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        _, found, line = self.tokens[self.at]
        if found != text:
            raise SyntaxError(f"line {line}: expected {text!r}, found {found!r}")
        self.at += 1

    def parse(self) -> Idl:
        while self.tokens[self.at][0] != "end":
            self.extended_attributes()
            self.definition()
        for target, mixin in self.includes:
            if target not in self.idl.interfaces:
                self.idl.external_includes.append((target, mixin))
                continue
            self.idl.interfaces[target].attributes += self.idl.interfaces[mixin].attributes
            self.idl.interfaces[target].operations += self.idl.interfaces[mixin].operations
        return self.idl

    def definition(self) -> None:
        word = self.next()
        if word == "partial":
            word = self.next()
        if word == "interface":
            kind: Literal["interface", "mixin"] = "mixin" if self.accept("mixin") else "interface"
            self.interface(kind)
        elif word == "namespace":
            self.interface("namespace")
        elif word == "dictionary":
            self.dictionary()
        elif word == "enum":
            self.enum()
        elif word == "typedef":
            type_ = self.type()
            self.idl.typedefs[self.next()] = type_
            self.expect(";")
        elif self.accept("includes"):
            self.includes.append((word, self.next()))
            self.expect(";")
        else:
            raise SyntaxError(f"line {self.tokens[self.at][2]}: unknown definition {word!r}")

    def interface(self, kind: Literal["interface", "mixin", "namespace"]) -> None:
        name = self.next()
        base = self.next() if self.accept(":") else None
        into = self.idl.interfaces.setdefault(name, Interface(name, kind))
        into.base = base or into.base
        self.expect("{")
        while not self.accept("}"):
            self.extended_attributes()
            self.interface_member(into)
        self.expect(";")

    def interface_member(self, into: Interface) -> None:
        if self.accept("const"):
            self.type()
            name = self.next()
            self.expect("=")
            into.constants[name] = int(self.next(), 0)
        elif self.accept("constructor"):
            into.constructor = self.argument_list()
        else:
            readonly = self.accept("readonly")
            if self.accept("setlike"):
                self.expect("<")
                self.type()
                self.expect(">")
                into.setlike = True
            elif self.accept("attribute"):
                type_ = self.type()
                into.attributes.append(Attribute(self.next(), type_, readonly))
            else:
                type_ = self.type()
                name = self.next()
                into.operations.append(Operation(name, type_, self.argument_list()))
        self.expect(";")

    def argument_list(self) -> tuple[Argument, ...]:
        arguments = []
        self.expect("(")
        while not self.accept(")"):
            attributes = self.extended_attributes()
            optional = self.accept("optional")
            type_ = self.type(attributes)
            name = self.next()
            arguments.append(Argument(name, type_, optional, self.default()))
            self.accept(",")
        return tuple(arguments)

    def dictionary(self) -> None:
        name = self.next()
        base = self.next() if self.accept(":") else None
        into = self.idl.dictionaries.setdefault(name, Dictionary(name, base))
        self.expect("{")
        while not self.accept("}"):
            attributes = self.extended_attributes()
            required = self.accept("required")
            type_ = self.type(attributes)
            member = self.next()
            into.members.append(Member(member, type_, required, self.default()))
            self.expect(";")
        self.expect(";")

    def enum(self) -> None:
        name = self.next()
        values = []
        self.expect("{")
        while not self.accept("}"):
            values.append(self.next().strip('"'))
            self.accept(",")
        self.expect(";")
        self.idl.enums[name] = values

    def default(self) -> str | None:
        if not self.accept("="):
            return None
        text = self.next()
        if text in "{[":
            text += self.next()
        return text

    def extended_attributes(self) -> frozenset[str]:
        """Names of the extended attributes; their arguments mean nothing here."""
        names = []
        if self.accept("["):
            depth = 1
            names.append(self.peek())
            while depth:
                token = self.next()
                depth += (token in "([") - (token in ")]")
                if depth == 1 and token == ",":
                    names.append(self.peek())
        return frozenset(names)

    def type(self, attributes: frozenset[str] = frozenset()) -> Type:
        attributes |= self.extended_attributes()
        arguments: list[Type] = []
        if self.accept("("):
            name = "union"
            arguments.append(self.type())
            while self.accept("or"):
                arguments.append(self.type())
            self.expect(")")
        else:
            name = self.next()
            if name in ("unsigned", "unrestricted"):
                name += " " + self.next()
            if name.endswith("long") and self.accept("long"):
                name += " long"
            if self.accept("<"):
                arguments.append(self.type())
                while self.accept(","):
                    arguments.append(self.type())
                self.expect(">")
        return Type(name, tuple(arguments), self.accept("?"), attributes)


def parse(text: str) -> Idl:
    """Parses the text of an IDL file. Raises SyntaxError with the line of what it does not know."""
    return Parser(text).parse()
