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
            lines.append(f"  const read{name} = (r) => ({self.fields(self.model.layout(name, line))});")
        # By their type.
        lines.append("  gpu.replies = [\n    null,")
        for layout in self.model.replies:
            read = f"(r) => ({self.fields(layout)})"
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
        members = [f"{field.name}: {self.read(field.shape)}" for field in layout.fields]
        return f"{{ __proto__: null, {', '.join(members)} }}"

    def read(self, shape: Shape) -> str:
        """An expression that reads a value off `r`."""
        if shape.kind == "bool":
            return "r.u32() === 1"
        if shape.kind in ("enum", "own_enum"):
            return f"names.{shape.name}[r.u32()]"
        if shape.kind == "own_record":
            return f"read{shape.name}(r)"
        if shape.kind == "limits":
            return "r.limits(gpu.limitNames)"
        if shape.kind == "sequence" and shape.item is not None:
            return f"r.sequence((r) => {self.read(shape.item)})"
        if shape.kind in ("u32", "u64", "string"):
            return f"r.{shape.kind}()"
        raise ValueError(f"no reply can have a {shape.kind}: teach ReplyWriter to read it")
