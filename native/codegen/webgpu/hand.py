"""Writes the C++ of layouts.py: structs, what reads one for each command, what writes one for each reply."""

from __future__ import annotations

from . import layouts
from .model import Field, Layout, Model, Shape, snake

_SCALARS = {
    "bool": "bool",
    "u32": "std::uint32_t",
    "u64": "std::uint64_t",
    "limits": "WGPULimits",
    "id": "std::uint32_t",
}
_COMMAND_TYPES = {
    **_SCALARS,
    "string": "WGPUStringView",
    "bytes": "std::span<const std::byte>",
    "words": "std::span<const std::uint32_t>",
    "heap": "std::byte*",
    "kind": "Kind",
}
_REPLY_TYPES = {**_SCALARS, "string": "std::string"}


def struct_name(layout: Layout) -> str:
    """GPUComputePassEncoder_setImmediates -> ComputePassEncoderSetImmediates"""
    return "".join(part[0].upper() + part[1:] for part in layout.name.removeprefix("GPU").split("_"))


class HandWriter:
    def __init__(self, model: Model) -> None:
        self.model = model

    # --- Header ---

    def declarations(self) -> list[str]:
        lines = []
        for name, values in layouts.ENUMS.items():
            lines.append(f"enum class {name} : std::uint32_t {{ {', '.join(values)} }};")
        for name, line in layouts.RECORDS.items():
            lines += [f"struct {name} {{", *self.members(self.model.layout(name, line).fields, _REPLY_TYPES), "};\n"]
        lines.append(
            "/// Commands that commands_*.cpp carries out. What stands here is checked: bounds, kinds, values."
        )
        lines.append("namespace command {")
        for layout in self.model.hand_commands:
            lines.append(f"struct {struct_name(layout)} {{")
            if layout.self:
                lines.append(f"  WGPU{layout.self[3:]} self;")
            lines += [*self.members(layout.fields, _COMMAND_TYPES), "};"]
        lines.append("}  // namespace command\n")
        for layout in self.model.hand_commands:
            lines.append(f"void {snake(layout.name)}(Call& call, const command::{struct_name(layout)}& command);")
        lines.append("\nclass Reply;\n\nnamespace reply {")
        for layout in self.model.replies:
            lines.append(f"struct {struct_name(layout)} {{")
            lines += self.members(layout.fields, _REPLY_TYPES)
            lines.append("  Reply encode() const;\n};")
        return [*lines, "}  // namespace reply\n"]

    def members(self, fields: tuple[Field, ...], types: dict[str, str]) -> list[str]:
        return [f"  {self.type(field.shape, types)} {field.name};" for field in fields]

    def type(self, shape: Shape, types: dict[str, str]) -> str:
        """The C++ type of a value."""
        if shape.kind in types:
            return types[shape.kind]
        if shape.kind == "sequence" and shape.item is not None:
            return f"std::vector<{self.type(shape.item, types)}>"
        if shape.kind == "dictionary":
            return self.model.struct(shape.name)
        if shape.kind in ("own_enum", "own_record"):
            return shape.name
        if shape.kind in ("object", "enum", "flag"):
            return f"WGPU{shape.name[3:]}"
        raise ValueError(f"no line of layouts.py can have a {shape.kind} here: teach HandWriter its C++ type")

    # --- Commands ---

    def command(self, layout: Layout) -> list[str]:
        """A function that reads a command and has it carried out."""
        lines = [f"void {layout.name}(Call& call) {{", f"  command::{struct_name(layout)} command{{}};"]
        if layout.self:
            lines.append(f"  command.self = static_cast<WGPU{layout.self[3:]}>(call.self({self.kind(layout.self)}));")
        if layout.makes:
            lines.append(f"  call.result({self.kind(layout.makes)});")
        for field in layout.fields:
            lines += [f"  {line}" for line in self.read(field.shape, f"command.{field.name}")]
        return [*lines, "  call.finish();", f"  {snake(layout.name)}(call, command);", "}\n"]

    def kind(self, interface: str) -> str:
        return f"Kind::{snake(interface)}"

    def read(self, shape: Shape, target: str) -> list[str]:
        """Statements that read a value."""
        if shape.kind == "dictionary":
            return [f"read_{shape.name}(call, {target});"]
        if shape.kind == "sequence" and shape.item is not None:
            return [
                f"{target}.resize(call.count());",
                f"for (auto& item : {target}) item = {self.value(shape.item)};",
            ]
        return [f"{target} = {self.value(shape)};"]

    def value(self, shape: Shape) -> str:
        """An expression that reads one value."""
        if shape.kind == "bool":
            return "call.boolean()"
        if shape.kind in ("u32", "u64", "string", "bytes", "words", "limits", "kind"):
            return f"call.{shape.kind}()"
        if shape.kind == "heap":
            return f"call.heap(call.u64(), command.{shape.name})"
        if shape.kind == "id":
            return f"call.id({self.kind(shape.name)})"
        if shape.kind == "object":
            return f"static_cast<WGPU{shape.name[3:]}>(call.object({self.kind(shape.name)}))"
        if shape.kind == "flag":
            flags = self.model.idl.interfaces[shape.name].constants.values()
            return f"call.flag({' | '.join(map(hex, flags))})"
        if shape.kind == "enum":
            table = f"k{shape.name}, WGPU{shape.name[3:]}_Force32"
            if shape.nullable:
                return f"call.enumerated_or({table}, WGPU{shape.name[3:]}_Undefined)"
            return f"call.enumerated({table})"
        raise ValueError(f"no command can have a {shape.kind}: teach HandWriter to read it")

    # --- Replies ---

    def reply(self, layout: Layout) -> list[str]:
        lines = [f"Reply reply::{struct_name(layout)}::encode() const {{", f"  Reply reply(ReplyType::{layout.name});"]
        for field in layout.fields:
            lines += [f"  {line}" for line in self.put(field.shape, field.name)]
        return [*lines, "  return reply;", "}\n"]

    def put(self, shape: Shape, value: str) -> list[str]:
        """Statements that append a value to `reply`."""
        if shape.kind in ("bool", "u32"):
            return [f"reply.u32({value});"]
        if shape.kind == "u64":
            return [f"reply.u64({value});"]
        if shape.kind == "string":
            return [f"reply.text({value});"]
        if shape.kind == "enum":
            return [f"reply.u32(index_of(k{shape.name}, {value}));"]
        if shape.kind == "own_enum":
            return [f"reply.u32(static_cast<std::uint32_t>({value}));"]
        if shape.kind == "limits":
            return [f"for_each_limit({value}, [&reply](auto& limit) {{ reply.u64(limit); }});"]
        if shape.kind == "own_record":
            fields = self.model.layout(shape.name, layouts.RECORDS[shape.name]).fields
            return [line for field in fields for line in self.put(field.shape, f"{value}.{field.name}")]
        if shape.kind == "sequence" and shape.item is not None:
            return [
                f"reply.u32(static_cast<std::uint32_t>({value}.size()));",
                f"for (const auto& item : {value}) {{",
                *(f"  {line}" for line in self.put(shape.item, "item")),
                "}",
            ]
        raise ValueError(f"no reply can have a {shape.kind}: teach HandWriter to write it")
