"""Writes the encoding: a JavaScript function for each dictionary and each command.

A writer puts a converted value into the words `w` from index `n` on, and returns the index after it.
"""

from __future__ import annotations

from . import policy
from .idl import Type
from .model import Command, Model, Shape

# Arguments of send() in webgpu-wire.js behind the object.
MOST_SENT = 5


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
        for command in self.model.commands:
            self.command(command)
        return self.lines

    def out(self, line: str) -> None:
        self.lines.append(line)

    def encode(self, shape: Shape, value: str) -> str:
        """A statement that writes a converted value and moves `n`."""
        if shape.kind in ("bool", "u16", "u32", "i32"):
            return f"w[n++] = {'+' if shape.kind == 'bool' else ''}{value};"
        if shape.kind == "enum":
            index = f"enums.{shape.name}[{value}]"
            return f"w[n++] = {value} === null ? -1 : {index};" if shape.nullable else f"w[n++] = {index};"
        if shape.kind == "object":
            return f"w[n++] = {value} === null ? 0 : {value}.id;" if shape.nullable else f"w[n++] = {value}.id;"
        if shape.kind == "object_or_enum":
            return f'w[n++] = typeof {value} === "string" ? 0 : {value}.id;'
        if shape.kind == "u64":
            return f"w[n++] = {value}; w[n++] = high({value});"
        if shape.kind == "f32":
            return f"w[n++] = bitsOf({value});"
        if shape.kind == "f64":
            return f"n = writeF64(w, n, {value});"
        if shape.kind == "string":
            return f'if ({value} === "") w[n++] = 0; else n = writeString(w, n, {value});'
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

    def command(self, command: Command) -> None:
        """Sends one command; arguments are converted values, `id` names the object that it makes."""
        operation, makes = command.operation, self.model.made_by(command.operation)
        shapes = [(argument.name, self.model.shape(argument.type)) for argument in operation.arguments]
        names = [*(["id"] if makes else []), *(name for name, _ in shapes)]
        parameters = ", ".join(["self", *names])
        opcode = self.model.opcodes.index(command.name)
        fixed = all(shape.words is not None for _, shape in shapes)
        if not fixed:
            self.out(f"  const write_{command.name} = (w, n, {parameters}) => {{")
            self.out("    w[n++] = self.id;")
            if makes:
                self.out("    w[n++] = id;")
            for name, shape in shapes:
                self.out(f"    {self.encode(shape, name)}")
            self.out("    return n;\n  };")
        self.out(f"  commands.{command.name} = ({parameters}) => {{")
        self.out("    if (self.device.gone) return;")
        if fixed:
            self.fixed_command(opcode, makes, shapes)
        else:
            if len(names) > MOST_SENT:
                raise ValueError(f"{command.key} has {len(names)} arguments: widen send() of webgpu-wire.js")
            self.out(f"    send({opcode}, write_{command.name}, {parameters});")
        self.out("  };")

    def fixed_command(self, opcode: int, makes: str | None, shapes: list[tuple[str, Shape]]) -> None:
        """A command of known size goes straight into the ring."""
        values = ["self.id", *(["id"] if makes else [])]
        for name, shape in shapes:
            if shape.kind == "object":
                values.append(f"{name} === null ? 0 : {name}.id" if shape.nullable else f"{name}.id")
            elif shape.kind == "enum":
                values.append(f"enums.{shape.name}[{name}]")
            elif shape.kind == "u64":
                values += [name, f"high({name})"]
            elif shape.kind == "f32":
                values.append(f"bitsOf({name})")
            elif shape.kind == "f64":
                raise ValueError(f"the argument {name} is a double: teach fixed_command() to send it")
            else:
                values.append(name)
        size = len(values) + 1
        self.out(f"    var p = reserve({size}), ring = wire.ring;")
        self.out(f"    ring[p] = {opcode * 2**20 + size};")
        for i, value in enumerate(values):
            self.out(f"    ring[p + {i + 1}] = {value};")
        self.out(f"    commit({size});")
