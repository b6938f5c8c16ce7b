"""Writes what reads the replies of the GPU host in the client."""

from __future__ import annotations

from . import layouts
from .conversion import quote
from .model import Layout, Model, Shape


class ReplyWriter:
    """Builds what reads replies: a function for each, which gives an object with its fields."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def write(self) -> list[str]:
        shift = layouts.TYPE_SHIFT
        lines = [
            f"  gpu.messageType = (header) => header >>> {shift};",
            f"  gpu.messageWords = (header) => header & {layouts.header(1, 0) - 1};",
            "  const names = {\n    __proto__: null,",
            *(f"    {name}: [{', '.join(map(quote, values))}]," for name, values in self.enums().items()),
            "  };",
        ]
        for name, line in layouts.RECORDS.items():
            fields = self.model.layout(name, line).fields
            members = ", ".join(f"{field.name}: {self.read(field.shape, 'r')}" for field in fields)
            lines.append(f"  const read{name} = (r) => ({{ __proto__: null, {members} }});")
        # By their type.
        lines.append("  gpu.replies = [\n    null,")
        for layout in self.model.replies:
            read = f"(m, n, r) => ({self.fields(layout)})"
            lines.append(f"    {{ __proto__: null, name: {quote(layout.name)}, read: {read} }},")
        lines.append("  ];")
        for layout in self.model.replies:
            lines.append(f"  keepShapes([{', '.join(quote(field.name) for field in layout.fields)}]);")
        return lines

    def enums(self) -> dict[str, list[str]]:
        """The enums that replies have, and their values."""
        shapes = [field.shape.item or field.shape for layout in self.model.replies for field in layout.fields]
        used = {shape.name: shape.kind for shape in shapes if shape.kind in ("enum", "own_enum")}
        return {name: (self.model.idl.enums if kind == "enum" else layouts.ENUMS)[name] for name, kind in used.items()}

    def fields(self, layout: Layout) -> str:
        """An object literal: of the words `m` from index `n` on, and where their place depends on others, of the
        reader `r`."""
        members, place = [], 0
        in_place = True
        for field in layout.fields:
            size = field.shape.words
            if in_place and size is not None:
                value = self.read_at(field.shape, place)
                place += size
            else:
                value = self.read(field.shape, f"r.from(n + {place})" if in_place else "r")
                in_place = False
            members.append(f"{field.name}: {value}")
        return f"{{ __proto__: null, {', '.join(members)} }}"

    def read_at(self, shape: Shape, place: int) -> str:
        """An expression for a value of known size."""
        word = f"m[n + {place}]" if place else "m[n]"
        if shape.kind == "u64":
            return f"{word} + m[n + {place + 1}] * {2**32}"
        return self.value(shape, word)

    def read(self, shape: Shape, reader: str) -> str:
        """An expression that reads a value where the reader is."""
        if shape.kind == "own_record":
            return f"read{shape.name}({reader})"
        if shape.kind == "limits":
            return f"{reader}.limits(gpu.limitNames)"
        if shape.kind == "sequence" and shape.item is not None:
            return f"{reader}.sequence((r) => {self.read(shape.item, 'r')})"
        if shape.kind in ("u64", "string"):
            return f"{reader}.{shape.kind}()"
        return self.value(shape, f"{reader}.u32()")

    def value(self, shape: Shape, word: str) -> str:
        """An expression for a value of one word."""
        if shape.kind == "u32":
            return word
        if shape.kind == "bool":
            return f"{word} === 1"
        if shape.kind in ("enum", "own_enum"):
            return f"names.{shape.name}[{word}]"
        raise ValueError(f"no reply can have a {shape.kind}: teach ReplyWriter to read it")
