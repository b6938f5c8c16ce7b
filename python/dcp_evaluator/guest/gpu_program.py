"""Compute shaders over arrays: what one call of a shader needs, from the shader's own declarations. Runs on both sides.

gpu.js carries it out. Its ``program`` and ``call`` are made here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import prod
from typing import Any, NamedTuple

from .wgsl import Binding, EntryPoint, Shader
from .wgsl_types import Array, Spec, Type, Vector, has_runtime_size, opaque_part, round_up

# WebGPU's name of what a shader enables.
_FEATURES = {"f16": "shader-f16"}
_MOST_WORKGROUPS = 65535
_WORDS = {"f4": "float32", "i4": "int32", "u4": "uint32", "f2": "float16"}
_VECTORS = {1: "u32", 2: "vec2u", 3: "vec3u", 4: "vec4u"}
_SHAPE = "_shape"

Shape = tuple[int, ...]


class Output(NamedTuple):
    """What a variable's bytes are. ``spec``: for numpy.dtype()."""

    name: str
    spec: Spec
    shape: Shape


class Call(NamedTuple):
    """``data``: what each variable begins as: an array, bytes, or None for zeros. ``sizes``: its bytes."""

    sizes: list[int]
    data: list[Any]
    workgroups: list[Shape]
    outputs: list[Output]


@dataclass(frozen=True)
class _Value:
    """``items``: the shape in elements of the WGSL array, () where it is none."""

    data: Any
    size: int
    shape: Shape
    items: Shape


class Program:
    """A shader, and how it is called.

    ``entry``: the name of its entry point, or several, which run one after the other; not needed where there is one.
    ``outputs``: the variables that come back, all ``read_write`` ones if None; as a dict, with their shapes, None for
    the usual one. ``workgroups``, ``invocations``: how many along x, y, z. ``constants``: values of overrides. Raises
    WgslError, ValueError, TypeError.
    """

    def __init__(
        self,
        code: str,
        *,
        name: str = "shader",
        entry: str | Sequence[str] | None = None,
        outputs: Iterable[str] | Mapping[str, Any] | None = None,
        workgroups: int | Sequence[int] | None = None,
        invocations: int | Sequence[int] | None = None,
        constants: Mapping[str, float] | None = None,
    ) -> None:
        self.code = code
        self.name = name
        self.constants = dict(constants or {})
        shader = Shader(code, self.constants)
        for constant in self.constants:
            _check_known(constant, shader.overrides, "override of the shader")
        self.features = [_FEATURES.get(extension, extension) for extension in shader.enabled]
        self.entry_points = _entry_points(shader, entry)
        used = frozenset[str]().union(*(point.bindings for point in self.entry_points))
        self.variables = [variable for variable in shader.bindings if variable.name in used]
        self._declared = [variable.name for variable in shader.bindings]
        for variable in self.variables:
            _check_buffer(variable)
        self._shapes = dict(outputs) if isinstance(outputs, Mapping) else dict.fromkeys(outputs or ())
        self.outputs = self._chosen_outputs()
        if workgroups is not None and invocations is not None:
            raise TypeError("say workgroups or invocations, not both")
        self._workgroups = None if workgroups is None else _three("workgroups", workgroups)
        self._invocations = None if invocations is None else _three("invocations", invocations)

    def index(self, name: str) -> int:
        """Of a variable. Raises ValueError where the entry points use none of that name."""
        names = [variable.name for variable in self.variables]
        _check_known(name, names, "variable that the shader uses")
        return names.index(name)

    def check_names(self, names: Iterable[str]) -> None:
        """Raises ValueError for one that the shader does not declare."""
        for name in names:
            _check_known(name, self._declared, "variable of the shader")

    def unbound(self, names: Iterable[str]) -> Binding | None:
        """The variable that a datum without a name is for: the first that is only read and not among ``names``.

        Where there is none, the first that is an output.
        """
        free = [v for v in self.variables if v.name not in names and not self._is_shape(v)]
        read = [v for v in free if v.name not in self.outputs and v.access == "read"]
        written = [v for v in free if v.access != "read" and self._shapes.get(v.name) is None]
        return next(iter(read + written), None)

    def fixed(self, values: Mapping[str, Any]) -> dict[int, Any]:
        """What those variables begin as, by their index, that ``values`` has and that are only read."""
        used = [(i, v) for i, v in enumerate(self.variables) if v.access == "read" and v.name in values]
        return {i: _value(v, values[v.name]).data for i, v in used}

    def to_js(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name,
            "features": self.features,
            "constants": self.constants,
            "entryPoints": [point.name for point in self.entry_points],
            "variables": [{"group": v.group, "binding": v.binding, "type": _buffer_type(v)} for v in self.variables],
            "outputs": [self.index(name) for name in self.outputs],
            "fixed": [],
        }

    def call(self, values: Mapping[str, Any], data: Iterable[str]) -> Call:
        """One call with these values of variables, by name. Raises ValueError, TypeError.

        ``data``: the names of those whose shape outputs have for which none is told: the first that is an array whose
        size the shader does not say.
        """
        found = {v.name: _value(v, values[v.name]) for v in self.variables if v.name in values}
        sized = {v.name for v in self.variables if has_runtime_size(v.type)}
        like = next((found[name] for name in data if name in found and name in sized), None)
        for variable in self.variables:
            if variable.name not in found and variable.access != "read":
                found[variable.name] = self._zeros(variable, like)
        for variable in self.variables:
            if variable.name not in found:
                found[variable.name] = self._shape_of(variable, found)
        ordered = [found[variable.name] for variable in self.variables]
        return Call(
            [round_up(value.size, 4) for value in ordered],
            [value.data for value in ordered],
            [self._dispatch(point, found, like) for point in self.entry_points],
            [Output(name, _spec(self.variables[self.index(name)].type), found[name].shape) for name in self.outputs],
        )

    # --- Variables ---

    def _chosen_outputs(self) -> list[str]:
        written = [variable.name for variable in self.variables if variable.access != "read"]
        for name in self._shapes:
            if name in self._declared and name not in written:
                raise ValueError(f"the shader does not write to {name}: it must be var<storage, read_write>, and used")
            _check_known(name, written, "variable that the shader writes to")
        if not written:
            raise ValueError("the shader has no result: no variable that it uses is var<storage, read_write>")
        return list(self._shapes) or written

    def _is_shape(self, variable: Binding) -> bool:
        return variable.name.endswith(_SHAPE) and variable.name.removesuffix(_SHAPE) in self._declared

    def _zeros(self, variable: Binding, like: _Value | None) -> _Value:
        type_ = variable.type
        if not isinstance(type_, Array):
            _, axes = type_.memory
            return _Value(None, type_.size, axes, ())
        _, axes = type_.element_memory
        shape = self._shapes.get(variable.name)
        if shape is not None:
            shape = (shape,) if isinstance(shape, int) else tuple(shape)
        elif type_.count is not None:
            shape = (type_.count, *axes)
        elif like is not None:
            shape = like.shape
        else:
            raise ValueError(f"how large is {variable.name}? say outputs={{{variable.name!r}: its shape}}")
        items = _items(variable, type_, shape)
        return _Value(None, prod(items) * type_.stride, shape, items)

    def _shape_of(self, variable: Binding, found: Mapping[str, _Value]) -> _Value:
        """Of a variable ``NAME_shape`` that has no value."""
        if not self._is_shape(variable):
            raise ValueError(f"there is no value for {variable}; give one: bindings={{{variable.name!r}: ...}}")
        shape = found[name].shape if (name := variable.name.removesuffix(_SHAPE)) in found else None
        if shape is None:
            raise ValueError(f"{variable}: the shader does not use {name}")
        count = variable.type.count if isinstance(variable.type, Vector) else 1
        if len(shape) != count or _spec(variable.type) != "<u4" or isinstance(variable.type, Array):
            wanted = _VECTORS.get(len(shape), "no variable")
            raise ValueError(f"{variable}: {name} has the shape {shape}, for which this is {wanted}")
        return _Value(struct.pack(f"<{count}I", *shape), 4 * count, (), ())

    # --- Dispatch ---

    def _dispatch(self, point: EntryPoint, found: Mapping[str, _Value], like: _Value | None) -> Shape:
        if self._workgroups is not None:
            counts = self._workgroups
        else:
            sizes = point.workgroup_size
            counts_wanted = self._invocations or self._covered(point, found, like)
            counts = tuple(-(-wanted // size) for wanted, size in zip(counts_wanted, sizes, strict=True))
        for axis, count in zip("xyz", counts, strict=True):
            if count > _MOST_WORKGROUPS:
                raise ValueError(
                    f"{point.name} would run in {count} workgroups along {axis}, and GPUs take {_MOST_WORKGROUPS}: "
                    "give it a larger @workgroup_size or one of two axes, or smaller arrays"
                )
        return counts

    def _covered(self, point: EntryPoint, found: Mapping[str, _Value], like: _Value | None) -> Shape:
        """One invocation per item of the first output that is as large as the data, else of the datum."""
        sized = [name for name in self.outputs if has_runtime_size(self.variables[self.index(name)].type)]
        named = [found[name].items for name in sized]
        items = next(iter([*named, *([like.items] if like else []), *(found[name].items for name in self.outputs)]))
        axes = max([1, *(axis for axis, size in enumerate(point.workgroup_size, 1) if size > 1)])
        if axes == 1:
            return prod(items), 1, 1
        if len(items) != axes:
            raise ValueError(
                f"{point.name} has a @workgroup_size of {axes} axes and its array {len(items)}: {items}; say how many "
                f"invocations there are: invocations=({', '.join('xyz'[:axes])})"
            )
        x, y, z = [*reversed(items), 1][:3]
        return x, y, z


def _entry_points(shader: Shader, entry: str | Sequence[str] | None) -> list[EntryPoint]:
    known = list(shader.entry_points)
    if not known:
        raise ValueError("the shader has no entry point: a function with @compute and @workgroup_size")
    if entry is None:
        if len(known) > 1:
            raise ValueError(f"the shader has several entry points: say entry={known[0]!r}, or entry={known}")
        entry = known
    names = [entry] if isinstance(entry, str) else list(entry)
    if not names:
        raise ValueError("entry is empty")
    for name in names:
        _check_known(name, known, "entry point of the shader")
    return [shader.entry_points[name] for name in names]


def _check_known(name: str, known: Sequence[str], what: str) -> None:
    if name in known:
        return
    near = get_close_matches(name, known, 1)
    there = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
    raise ValueError(f"{name!r} is no {what}; {there}")


def _check_buffer(variable: Binding) -> None:
    place = f"line {variable.line}: {variable}"
    if opaque := opaque_part(variable.type):
        if variable.space == "handle":
            raise ValueError(f"{place}: only buffers are bound here; for textures use navigator.gpu")
        raise ValueError(f"{place}: {opaque} cannot be in a buffer")
    if has_runtime_size(variable.type) and not isinstance(variable.type, Array):
        raise ValueError(f"{place}: an array without a size in a structure; make it a variable of its own")


def _buffer_type(variable: Binding) -> str:
    if variable.space == "uniform":
        return "uniform"
    return "read-only-storage" if variable.access == "read" else "storage"


def _three(name: str, value: int | Sequence[int]) -> Shape:
    counts = (value,) if isinstance(value, int) else tuple(value)
    if not 1 <= len(counts) <= 3 or not all(isinstance(count, int) and count >= 1 for count in counts):
        raise ValueError(f"{name} must be one to three whole numbers from 1 on, not {value!r}")
    x, y, z = [*counts, 1, 1][:3]
    return x, y, z


# --- Values ---


def _spec(type_: Type) -> Spec:
    return (type_.element_memory if isinstance(type_, Array) else type_.memory)[0]


def _value(variable: Binding, value: Any) -> _Value:
    """Raises TypeError, ValueError where it does not fit the variable."""
    type_ = variable.type
    if isinstance(type_, Array) and (dtype := _dtype(value)):
        _check_dtype(variable, type_, dtype, value)
        shape = tuple(value.shape) if hasattr(value, "shape") else memoryview(value).shape or ()
        items = _items(variable, type_, shape)
        return _Value(value, prod(items) * type_.stride, shape, items)
    try:
        packed = type_.pack(value)
    except (TypeError, ValueError, OverflowError, struct.error) as error:
        raise TypeError(f"{variable}: {type(value).__name__} does not fit: {error}") from None
    if not isinstance(type_, Array):
        return _Value(packed, len(packed), type_.memory[1], ())
    if not packed:
        raise ValueError(f"{variable.name} is empty")
    items = (len(packed) // type_.stride,)
    return _Value(packed, len(packed), (*items, *type_.element_memory[1]), items)


def _dtype(value: Any) -> str:
    """As numpy writes it, ``"<f4"``; empty for what is no array."""
    if hasattr(value, "dtype"):
        return str(value.dtype.str) if value.shape else ""
    try:
        view = memoryview(value)
    except TypeError:
        return ""
    kind = next((kind for kind, codes in _KINDS.items() if view.format in codes), "O")
    return f"{'<' if view.itemsize > 1 else '|'}{kind}{view.itemsize}"


_KINDS = {"i": tuple("bhilqn"), "u": tuple("BHILQNc"), "f": tuple("efd"), "b": ("?",)}


def _check_dtype(variable: Binding, type_: Array, dtype: str, value: Any) -> None:
    spec, _ = type_.element_memory
    if isinstance(spec, dict):
        import numpy as np  # whoever has a structured array has it

        wanted = np.dtype(spec)  # type: ignore[call-overload]
        if getattr(value, "dtype", None) != wanted:
            raise TypeError(
                f"{variable}: an array of {getattr(value, 'dtype', dtype)} does not fit; its dtype is {wanted}"
            )
    elif dtype != spec:
        name = _WORDS[spec[1:]]
        remedy = f"use .astype(np.{name})"
        if dtype[1:] in ("u1", "i1", "b1"):
            remedy += ", or .view(np.uint32) if the shader unpacks four from each item"
        raise TypeError(f"{variable}: an array of {getattr(value, 'dtype', dtype)} does not fit; {remedy}")


def _items(variable: Binding, type_: Array, shape: Shape) -> Shape:
    """The shape in elements of the WGSL array. Raises ValueError where there is no such number of them."""
    _, axes = type_.element_memory
    size, each = prod(shape), prod(axes)
    if size == 0:
        raise ValueError(f"{variable.name} is empty: its shape is {shape}")
    inner = shape[len(shape) - len(axes) :] if len(axes) <= len(shape) else None
    if inner == axes:
        items = shape[: len(shape) - len(axes)]
    elif len(shape) == 1 and size % each == 0:
        items = (size // each,)
    else:
        hint = ""
        if isinstance(type_.element, Vector) and type_.element.count == 3:
            hint = "; a vec3 takes the place of four numbers: add a fourth, or use an array of scalars"
        raise ValueError(f"{variable}: the shape {shape} does not end with {axes}, as {type_.element} does{hint}")
    if type_.count is not None and prod(items) != type_.count:
        raise ValueError(f"{variable}: {prod(items)} elements do not fit, the shape is {shape}")
    return items
