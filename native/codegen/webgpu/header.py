"""Reads what the generator needs to know of webgpu.h and wgpu.h: structs, enums, functions, initializers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRUCT = re.compile(r"typedef struct (WGPU\w+)\s*\{(.*?)\}\s*\w+", re.S)
ENUM = re.compile(r"typedef enum (WGPU\w+)\s*\{(.*?)\}\s*\w+", re.S)
ENUMERATOR = re.compile(r"(WGPU\w+?)_(\w+)\s*=\s*(0x[0-9A-Fa-f]+|\d+)")
FUNCTION = re.compile(r"\b(?:WGPU_NULLABLE )?([A-Za-z_][\w ]*?[\w*])\s+\**\s*(wgpu[A-Z]\w*)\s*\(([^;{}]*)\)[^;{}]*;")
INITIALIZER = re.compile(r"#define (WGPU_\w+_INIT) _wgpu_MAKE_INIT_STRUCT\((WGPU\w+),")
FIELD = re.compile(r"^(?:WGPU_NULLABLE )?(.*?)(\w+)$")


@dataclass(frozen=True)
class Field:
    """A member of a struct: its C type as written, without the name."""

    name: str
    type: str

    @property
    def pointer(self) -> bool:
        return "*" in self.type

    @property
    def target(self) -> str:
        """The type without const and pointers."""
        return self.type.replace("const", "").replace("*", "").strip()


@dataclass
class Header:
    structs: dict[str, dict[str, Field]] = field(default_factory=dict)
    enums: dict[str, dict[str, int]] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    initializers: dict[str, str] = field(default_factory=dict)

    def enumerator(self, enum: str, value: str) -> str | None:
        """The C name of an IDL enum value ("read-only-storage" -> WGPU..._ReadOnlyStorage), None where missing."""
        wanted = value.replace("-", "").lower()
        for name in self.enums.get(enum, {}):
            if name.replace("_", "").lower() == wanted:
                return f"{enum}_{name}"
        return None


def parse(*texts: str) -> Header:
    """Parses header texts, in order of inclusion."""
    header = Header()
    for original in texts:
        header.initializers |= {struct: macro for macro, struct in INITIALIZER.findall(original)}
        text = COMMENT.sub("", original)
        for name, body in STRUCT.findall(text):
            fields = {}
            for line in body.split(";"):
                match = FIELD.match(" ".join(line.split()))
                if match:
                    fields[match[2]] = Field(match[2], match[1].strip())
            header.structs[name] = fields
        for name, body in ENUM.findall(text):
            header.enums[name] = {value: int(number, 0) for _, value, number in ENUMERATOR.findall(body)}
        header.functions |= {name for _, name, _ in FUNCTION.findall(text)}
    return header
