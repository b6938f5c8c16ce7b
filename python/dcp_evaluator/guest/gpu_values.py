"""Values of a shader's variables: whether they fit, and their bytes."""

from __future__ import annotations

import struct
from math import prod
from typing import Any, NamedTuple, TypeAlias

from .wgsl import Binding
from .wgsl_types import Array, Scalar, Spec, Type, Vector

Shape: TypeAlias = tuple[int, ...]

_WORDS = {"f4": "float32", "i4": "int32", "u4": "uint32", "f2": "float16"}
_KINDS = {"i": tuple("bhilqn"), "u": tuple("BHILQNc"), "f": tuple("efd"), "b": ("?",)}
"""numpy's kinds of items by the formats of memoryviews."""
_SHAPES = {1: "u32", 2: "vec2u", 3: "vec3u", 4: "vec4u"}


class Value(NamedTuple):
    """What a variable begins as.

    ``data``: an array, bytes, or None for zeros; ``size`` in bytes. ``shape``: as numpy has it. ``items``: the same in
    elements of the WGSL array, () where it is none.
    """

    data: Any
    size: int
    shape: Shape
    items: Shape


def spec_of(type_: Type) -> Spec:
    """What numpy.dtype() takes for the items of a variable."""
    return (type_.element_memory if isinstance(type_, Array) else type_.memory)[0]


def value_of(variable: Binding, value: Any) -> Value:
    """An array as it is, anything else as bytes. Raises TypeError, ValueError where it does not fit the variable."""
    type_ = variable.type
    if isinstance(type_, Array) and (dtype := _dtype(value)):
        _check_dtype(variable, type_, dtype, value)
        shape = tuple(value.shape if hasattr(value, "shape") else memoryview(value).shape or ())
        items = _items(variable, type_, shape)
        return Value(value, prod(items) * type_.stride, shape, items)
    try:
        packed = type_.pack(value)
    except (TypeError, ValueError, OverflowError, struct.error) as error:
        raise TypeError(f"{variable}: {type(value).__name__} does not fit: {error}") from None
    if not isinstance(type_, Array):
        return Value(packed, len(packed), type_.memory[1], ())
    if not packed:
        raise ValueError(f"{variable.name} is empty")
    items = (len(packed) // type_.stride,)
    return Value(packed, len(packed), (*items, *type_.element_memory[1]), items)


def zeros(variable: Binding, shape: Shape | None) -> Value:
    """``shape``: where the shader does not say it. Raises ValueError where nobody does, or where it does not fit."""
    type_ = variable.type
    if not isinstance(type_, Array):
        if shape is not None:
            raise ValueError(f"outputs: {variable} is no array, it has no shape")
        return Value(None, type_.size, type_.memory[1], ())
    if shape is None:
        if type_.count is None:
            raise ValueError(f"how large is {variable.name}? say outputs={{{variable.name!r}: its shape}}")
        shape = (type_.count, *type_.element_memory[1])
    items = _items(variable, type_, shape)
    return Value(None, prod(items) * type_.stride, shape, items)


def shape_value(variable: Binding, name: str, shape: Shape) -> Value:
    """The shape of the variable ``name`` as ``variable``'s value. Raises ValueError where that has another type."""
    wanted: Type = Scalar("u32") if len(shape) == 1 else Vector(len(shape), Scalar("u32"))
    if variable.type != wanted:
        remedy = f"for which it is {_SHAPES[len(shape)]}" if len(shape) in _SHAPES else "for which there is no type"
        raise ValueError(f"{variable}: {name} has the shape {shape}, {remedy}")
    return Value(wanted.pack(shape[0] if len(shape) == 1 else shape), wanted.size, (), ())


def _dtype(value: Any) -> str:
    """As numpy writes it, ``"<f4"``; empty for what is no array."""
    if hasattr(value, "dtype"):
        return str(value.dtype.str) if value.shape else ""
    try:
        view = memoryview(value)
    except TypeError:
        return ""
    kind = next((kind for kind, formats in _KINDS.items() if view.format in formats), "V")
    return f"{'<' if view.itemsize > 1 else '|'}{kind}{view.itemsize}"


def _check_dtype(variable: Binding, type_: Array, dtype: str, value: Any) -> None:
    spec, _ = type_.element_memory
    given = getattr(value, "dtype", dtype)
    if isinstance(spec, dict):
        import numpy as np  # whoever has an array of structures has it

        wanted = np.dtype(spec)  # type: ignore[call-overload]
        if given != wanted:
            raise TypeError(f"{variable}: an array of {given} does not fit; its dtype is {wanted}")
    elif dtype != spec:
        remedy = f"use .astype(np.{_WORDS[spec[1:]]})"
        if dtype[1:] in ("u1", "i1", "b1"):
            remedy += ", or .view(np.uint32) if the shader unpacks four from each item"
        raise TypeError(f"{variable}: an array of {given} does not fit; {remedy}")


def _items(variable: Binding, type_: Array, shape: Shape) -> Shape:
    """The shape in elements of the WGSL array. Raises ValueError where there is no such number of them."""
    _, axes = type_.element_memory
    size, each = prod(shape), prod(axes)
    outer, inner = shape[: len(shape) - len(axes)], shape[len(shape) - len(axes) :]
    if size == 0:
        raise ValueError(f"{variable.name} is empty: its shape is {shape}")
    if inner == axes:
        items = outer
    elif len(shape) == 1 and size % each == 0:
        items = (size // each,)
    else:
        hint = ""
        if isinstance(type_.element, Vector) and type_.element.count == 3:
            hint = "; a vec3 takes the place of four numbers: add a fourth, or use an array of scalars"
        raise ValueError(f"{variable}: the shape {shape} does not end with {axes}, as {type_.element} does{hint}")
    if type_.count is not None and prod(items) != type_.count:
        raise ValueError(f"{variable}: {prod(items)} elements do not fit; the shape is {shape}")
    return items
