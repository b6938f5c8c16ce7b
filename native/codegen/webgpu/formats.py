"""Writes the check of texture formats: one whose feature the device lacks is a TypeError (WebGPU, 26.1)."""

from __future__ import annotations

from .model import Model, Shape


class FormatChecks:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.dictionaries: list[str] = []

    def write(self) -> list[str]:
        """A function for each dictionary that has a texture format somewhere; call it before of()."""
        lines = []
        for name in self.model.used_dictionaries():
            checks = []
            for member in self.model.idl.members(name):
                check = self.of(self.model.shape(member.type), f"d.{member.name}")
                if check:
                    checks.append(f"    if (d.{member.name} !== undefined) {check}")
            if checks:
                self.dictionaries.append(name)
                lines += [f"  formats.{name} = (d, device) => {{", *checks, "  };"]
        return lines

    def of(self, shape: Shape, value: str, device: str = "device") -> str | None:
        """A statement that checks the formats in `value`; None where there can be none."""
        if shape.kind == "enum" and shape.name == "GPUTextureFormat":
            return f"checkFormat({value}, {device});"
        if shape.kind == "dictionary" and shape.name in self.dictionaries:
            return f"formats.{shape.name}({value}, {device});"
        if shape.kind == "sequence" and shape.item is not None:
            item = f"{value}[i]"
            check = self.of(shape.item, item, device)
            guard = f"if ({item} !== null) " if shape.item.nullable else ""
            return check and f"for (let i = 0; i < {value}.length; i++) {guard}{check}"
        return None
