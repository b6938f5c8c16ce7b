"""Writes the encoding: a JavaScript function for each dictionary and each command.

A writer puts a converted value into the words `w` from index `n` on, and returns the index after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import layouts, policy
from .idl import Type
from .model import Command, Field, Model, Shape

# Arguments that send() in webgpu-wire.js passes on.
MOST_SENT = 6


class EncodingWriter:
    """Builds that part of the client as a list of lines."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.lines: list[str] = []

    def write(self) -> list[str]:
        self.lines = []
        for name in self.model.used_dictionaries():
            self.dictionary_writer(name)
        for alias in policy.TAGGED_UNIONS:
            self.tagged_writer(alias)
        for layout in self.model.hand_commands:
            self.command(layout.name, layout.self, layout.makes, layout.fields)
        for command in self.model.commands:
            self.generated_command(command)
        return self.lines

    def out(self, line: str) -> None:
        self.lines.append(line)

    def words(self, shape: Shape, value: str) -> list[str] | None:
        """Expressions for the words of a converted value; None where it takes a statement to write it."""
        if shape.kind in ("u16", "u32", "i32", "kind", "flag"):
            return [value]
        if shape.kind == "bool":
            return [f"+{value}"]
        if shape.kind == "enum":
            index = f"enums.{shape.name}[{value}]"
            return [f"{value} === null ? -1 : {index}" if shape.nullable else index]
        if shape.kind in ("object", "id"):
            return [f"{value} === null ? 0 : {value}.id" if shape.nullable else f"{value}.id"]
        if shape.kind == "object_or_enum":
            return [f'typeof {value} === "string" ? 0 : {value}.id']
        if shape.kind in ("u64", "heap"):
            return [value, f"high({value})"]
        if shape.kind == "f32":
            return [f"bitsOf({value})"]
        return None

    def encode(self, shape: Shape, value: str) -> str:
        """A statement that writes a converted value and moves `n`."""
        words = self.words(shape, value)
        if words is not None:
            return " ".join(f"w[n++] = {word};" for word in words)
        if shape.kind == "f64":
            return f"n = writeF64(w, n, {value});"
        if shape.kind == "string":
            return f'if ({value} === "") w[n++] = 0; else n = writeString(w, n, {value});'
        if shape.kind in ("bytes", "words"):
            return f"n = write{shape.kind.capitalize()}(w, n, {value});"
        if shape.kind == "limits":
            return f"n = writeLimits(w, n, {value}, gpu.limitNames);"
        if shape.kind == "dictionary" and shape.nullable:
            return f"if ({value} === null) w[n++] = 0; else {{ w[n++] = 1; n = write.{shape.name}(w, n, {value}); }}"
        if shape.kind in ("dictionary", "tagged"):
            return f"n = write.{shape.name}(w, n, {value});"
        if shape.item is None:
            raise ValueError(f"{shape.kind} {shape.name} cannot be sent: widen model.py or leave the operation out")
        loop = f"w[n++] = {value}.length; for (let i = 0; i < {value}.length; i++)"
        if shape.kind == "record":
            return f"{loop} {{ n = writeString(w, n, {value}[i][0]); {self.encode(shape.item, f'{value}[i][1]')} }}"
        return f"{loop} {{ {self.encode(shape.item, f'{value}[i]')} }}"

    def dictionary_writer(self, name: str) -> None:
        self.out(f"  write.{name} = (w, n, d) => {{")
        for member in self.model.idl.members(name):
            shape = self.model.shape(member.type)
            encoded = self.encode(shape, f"d.{member.name}")
            if self.model.is_optional(member):
                encoded = f"if (d.{member.name} === undefined) w[n++] = 0; else {{ w[n++] = 1; {encoded} }}"
            self.out(f"    {encoded}")
        self.out("    return n;\n  };")

    def tagged_writer(self, alias: str) -> None:
        cases = [
            f"if (u.tag === {tag}) {{ {self.encode(self.model.shape(member), 'u.value')} return n; }}"
            for tag, member in enumerate(self.model.flat_union(Type(alias)))
            if self.model.shape(member).kind != "opaque"
        ]
        self.out(f"  write.{alias} = (w, n, u) => {{\n    w[n++] = u.tag;")
        for case in cases:
            self.out(f"    {case}")
        self.out("  };")

    def generated_command(self, command: Command) -> None:
        operation = command.operation
        fields = [Field(argument.name, self.model.shape(argument.type)) for argument in operation.arguments]
        makes = self.model.made_by(operation) or ""
        self.command(command.name, command.interface.name, makes, fields, "if (self.device.gone) return;")

    def command(self, name: str, on: str, makes: str, fields: Sequence[Field], before: str = "") -> None:
        """Sends one command; arguments are converted values, `id` names the object that it makes.

        `on`, `makes`: interfaces, "" where there is none.
        """
        names = [*(["self"] if on else []), *(["id"] if makes else []), *(field.name for field in fields)]
        ids = [*(["self.id"] if on else []), *(["id"] if makes else [])]
        parameters = ", ".join(names)
        words = self.fixed_words(fields)
        if words is None:
            self.out(f"  const write_{name} = (w, n, {parameters}) => {{")
            self.lines += [f"    w[n++] = {value};" for value in ids]
            self.lines += [f"    {self.encode(field.shape, field.name)}" for field in fields]
            self.out("    return n;\n  };")
        self.out(f"  commands.{name} = ({parameters}) => {{")
        if before:
            self.out(f"    {before}")
        opcode = self.model.opcodes.index(name)
        if words is not None:
            self.fixed_command(opcode, ids + words)
        elif len(names) <= MOST_SENT:
            self.out(f"    send({layouts.header(opcode, 0)}, write_{name}, {parameters});")
        else:
            self.out(f"    send({layouts.header(opcode, 0)}, (w, n) => write_{name}(w, n, {parameters}));")
        self.out("  };")

    def fixed_words(self, fields: Sequence[Field]) -> list[str] | None:
        """Expressions for the words of all fields; None where one takes a statement."""
        words: list[str] = []
        for field in fields:
            expressions = self.words(field.shape, field.name)
            if expressions is None:
                return None
            words += expressions
        return words

    def fixed_command(self, opcode: int, values: list[str]) -> None:
        """A command of known size goes straight into the ring."""
        size = len(values) + 1
        self.out(f"    var p = reserve({size}), ring = wire.ring;")
        self.out(f"    ring[p] = {layouts.header(opcode, size)};")
        for i, value in enumerate(values):
            self.out(f"    ring[p + {i + 1}] = {value};")
        self.out(f"    commit({size});")
