"""Types of WGSL: their bytes in a buffer (the specification's "Memory Layout"), and Python values as such bytes."""

from __future__ import annotations

import operator
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_FORMATS = {"f32": "<f", "i32": "<i", "u32": "<I", "f16": "<e"}
_DTYPES = {"f32": "<f4", "i32": "<i4", "u32": "<u4", "f16": "<f2"}

# What numpy.dtype() takes for the smallest parts of a type, and how many of them it has along each axis.
Spec: TypeAlias = str | dict[str, Any]
Memory: TypeAlias = tuple[Spec, tuple[int, ...]]


def round_up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


@dataclass(frozen=True)
class Scalar:
    """``f32``, ``i32``, ``u32`` or ``f16``; ``atomic``: an ``atomic<u32>``, whose memory is the same."""

    name: str
    atomic: bool = False

    def __str__(self) -> str:
        return f"atomic<{self.name}>" if self.atomic else self.name

    @property
    def size(self) -> int:
        return struct.calcsize(_FORMATS[self.name])

    @property
    def alignment(self) -> int:
        return self.size

    @property
    def memory(self) -> Memory:
        return _DTYPES[self.name], ()

    def pack(self, value: Any) -> bytes:
        if self.name in ("i32", "u32"):
            value = operator.index(value)
        return struct.pack(_FORMATS[self.name], value)


@dataclass(frozen=True)
class Vector:
    """``vec3<f32>``, which is ``vec3f``."""

    count: int
    scalar: Scalar

    def __str__(self) -> str:
        return f"vec{self.count}<{self.scalar}>"

    @property
    def size(self) -> int:
        return self.count * self.scalar.size

    @property
    def alignment(self) -> int:
        return self.scalar.size * (4 if self.count == 3 else self.count)

    @property
    def memory(self) -> Memory:
        return self.scalar.memory[0], (self.count,)

    def pack(self, value: Any) -> bytes:
        return b"".join(map(self.scalar.pack, _items(value, self.count)))


@dataclass(frozen=True)
class Matrix:
    """``mat4x3<f32>``: four columns of three rows. In memory column stands behind column, as a vector each."""

    columns: int
    column: Vector

    def __str__(self) -> str:
        return f"mat{self.columns}x{self.column.count}<{self.column.scalar}>"

    @property
    def size(self) -> int:
        return self.columns * self._stride

    @property
    def alignment(self) -> int:
        return self.column.alignment

    @property
    def memory(self) -> Memory:
        scalar = self.column.scalar
        return scalar.memory[0], (self.columns, self._stride // scalar.size)

    @property
    def _stride(self) -> int:
        return round_up(self.column.size, self.alignment)

    def pack(self, value: Any) -> bytes:
        columns = map(self.column.pack, _items(value, self.columns))
        return b"".join(column.ljust(self._stride, b"\0") for column in columns)


@dataclass(frozen=True)
class Array:
    """``array<E, N>``; ``count`` is None where the size is that of the buffer."""

    element: Type
    count: int | None

    def __str__(self) -> str:
        return f"array<{self.element}>" if self.count is None else f"array<{self.element}, {self.count}>"

    @property
    def stride(self) -> int:
        return round_up(self.element.size, self.element.alignment)

    @property
    def size(self) -> int:
        """Without a count: of one element, the least that a buffer may have."""
        return self.stride * (1 if self.count is None else self.count)

    @property
    def alignment(self) -> int:
        return self.element.alignment

    @property
    def element_memory(self) -> Memory:
        """Of one element, with the bytes up to the next one."""
        spec, axes = self.element.memory
        if isinstance(self.element, Vector):
            axes = (self.stride // self.element.scalar.size,)
        return spec, axes

    @property
    def memory(self) -> Memory:
        spec, axes = self.element_memory
        return spec, (1 if self.count is None else self.count, *axes)

    def pack(self, value: Any) -> bytes:
        items = map(self.element.pack, value if self.count is None else _items(value, self.count))
        return b"".join(item.ljust(self.stride, b"\0") for item in items)


@dataclass(frozen=True)
class Member:
    name: str
    type: Type
    offset: int


@dataclass(frozen=True)
class Struct:
    name: str
    members: tuple[Member, ...]
    size: int
    alignment: int

    def __str__(self) -> str:
        return self.name

    @property
    def memory(self) -> Memory:
        memories = [member.type.memory for member in self.members]
        return {
            "names": [member.name for member in self.members],
            "formats": [(spec, axes) if axes else spec for spec, axes in memories],
            "offsets": [member.offset for member in self.members],
            "itemsize": self.size,
        }, ()

    def pack(self, value: Any) -> bytes:
        """``value``: a mapping with all members, by name; or one item of a structured array of numpy."""
        names = {member.name for member in self.members}
        if members := getattr(getattr(value, "dtype", None), "names", None):
            value = {name: value[name] for name in members}
        if not isinstance(value, Mapping) or value.keys() != names:
            raise TypeError(f"a dict with {', '.join(sorted(names))} is wanted")
        content = bytearray(self.size)
        for member in self.members:
            part = member.type.pack(value[member.name])
            content[member.offset : member.offset + len(part)] = part
        return bytes(content)


@dataclass(frozen=True)
class Opaque:
    """What lies in no buffer: textures and samplers; and what a buffer cannot hold, like bool."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def size(self) -> int:
        return 0

    @property
    def alignment(self) -> int:
        return 1

    @property
    def memory(self) -> Memory:
        raise TypeError(f"{self} lies in no buffer")

    def pack(self, value: Any) -> bytes:
        raise TypeError(f"{self} lies in no buffer")


Type: TypeAlias = Scalar | Vector | Matrix | Array | Struct | Opaque


def has_runtime_size(type_: Type) -> bool:
    """Whether the buffer says how large it is."""
    if isinstance(type_, Array):
        return type_.count is None
    return isinstance(type_, Struct) and any(has_runtime_size(member.type) for member in type_.members)


def natural_alignment(type_: Type) -> int:
    """The alignment that it has but for ``@align``."""
    if isinstance(type_, Struct):
        return max(natural_alignment(member.type) for member in type_.members)
    return natural_alignment(type_.element) if isinstance(type_, Array) else type_.alignment


def opaque_part(type_: Type) -> Opaque | None:
    """The first part that no buffer can hold."""
    if isinstance(type_, Opaque):
        return type_
    return next(filter(None, map(opaque_part, _parts(type_))), None)


def _parts(type_: Type) -> Iterator[Type]:
    if isinstance(type_, Array):
        yield type_.element
    elif isinstance(type_, Struct):
        yield from (member.type for member in type_.members)


def _items(value: Any, count: int) -> list[Any]:
    items = list(value)
    if len(items) != count:
        raise TypeError(f"{count} items are wanted, not {len(items)}")
    return items
