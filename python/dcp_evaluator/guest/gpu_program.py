"""Compute shaders over arrays: what one call of a shader needs, from the shader's own declarations. Runs on both sides.

gpu.js carries it out. Its ``program`` and ``call`` are made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from operator import index
from typing import Any, NamedTuple

from .gpu_values import Shape, Value, shape_value, spec_of, value_of, zeros
from .wgsl import Binding, EntryPoint, Shader
from .wgsl_types import Array, Spec, has_runtime_size, opaque_part, round_up

_FEATURES = {"f16": "shader-f16"}
"""WebGPU's name of what a shader enables, where it is another."""
_MOST_WORKGROUPS = 65535
_SHAPE = "_shape"


class Output(NamedTuple):
    """What a variable's bytes are. ``spec``: for numpy.dtype()."""

    name: str
    spec: Spec
    shape: Shape

    @property
    def size(self) -> int:
        """In bytes."""
        each = self.spec["itemsize"] if isinstance(self.spec, dict) else int(self.spec[2:])
        return prod(self.shape) * int(each)


class Call(NamedTuple):
    """``data``: what each variable begins as: an array, bytes, or None for zeros. ``sizes``: its bytes."""

    sizes: list[int]
    data: list[Any]
    workgroups: list[Shape]
    outputs: list[Output]


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
        outputs: str | Iterable[str] | Mapping[str, Any] | None = None,
        workgroups: int | Sequence[int] | None = None,
        invocations: int | Sequence[int] | None = None,
        constants: Mapping[str, float] | None = None,
    ) -> None:
        self.code = code
        self.name = name
        given = {constant: float(value) for constant, value in (constants or {}).items()}
        shader = Shader(code, given)
        for constant in given:
            _check_known(constant, list(shader.overrides), "override of the shader")
        self.constants = {shader.overrides[constant]: value for constant, value in given.items()}
        self.features = [_FEATURES.get(name, name.replace("_", "-")) for name in shader.enabled]
        self.entry_points = _entry_points(shader, entry)
        used = frozenset[str]().union(*(point.bindings for point in self.entry_points))
        self.variables = [variable for variable in shader.bindings if variable.name in used]
        self._declared = [variable.name for variable in shader.bindings]
        for variable in self.variables:
            _check_buffer(variable)
        self._shapes = _told_shapes(outputs)
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
        return {i: value_of(v, values[v.name]).data for i, v in used}

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
        found = {v.name: value_of(v, values[v.name]) for v in self.variables if v.name in values}
        for name in found:
            if self._shapes.get(name) is not None:
                raise ValueError(f"{name} has a value, and so its shape: say no other in outputs")
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
            [Output(name, spec_of(self.variables[self.index(name)].type), found[name].shape) for name in self.outputs],
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

    def _zeros(self, variable: Binding, like: Value | None) -> Value:
        shape = self._shapes.get(variable.name)
        if shape is None and like is not None and has_runtime_size(variable.type):
            shape = like.shape
        return zeros(variable, shape)

    def _shape_of(self, variable: Binding, found: Mapping[str, Value]) -> Value:
        """Of a variable ``NAME_shape`` that has no value."""
        if not self._is_shape(variable):
            raise ValueError(f"there is no value for {variable}; give one: bindings={{{variable.name!r}: ...}}")
        name = variable.name.removesuffix(_SHAPE)
        if name not in found:
            raise ValueError(f"{variable}: the shader does not use {name}")
        return shape_value(variable, name, found[name].shape)

    # --- Dispatch ---

    def _dispatch(self, point: EntryPoint, found: Mapping[str, Value], like: Value | None) -> Shape:
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

    def _covered(self, point: EntryPoint, found: Mapping[str, Value], like: Value | None) -> Shape:
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
    from difflib import get_close_matches  # only here: templates begin sooner without it

    near = get_close_matches(name, known, 1)
    there = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
    raise ValueError(f"{name!r} is no {what}; {there}")


def _told_shapes(outputs: str | Iterable[str] | Mapping[str, Any] | None) -> dict[str, Shape | None]:
    """By the names of outputs; None where no shape is told."""
    if isinstance(outputs, Mapping):
        return {name: None if shape is None else _shape(name, shape) for name, shape in outputs.items()}
    return dict.fromkeys([outputs] if isinstance(outputs, str) else outputs or ())


def _shape(name: str, given: Any) -> Shape:
    try:
        shape = tuple(map(index, given)) if isinstance(given, Sequence) else (index(given),)
    except TypeError:
        shape = ()
    if not shape or min(shape) < 1:
        raise ValueError(f"outputs: the shape of {name} must be whole numbers from 1 on, not {given!r}")
    return shape


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
