"""Shaders over arrays: ``gpu_map`` runs a WGSL shader once for each array, as a job."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np

from ..guest.gpu_program import Call, Output, Program
from ..guest.wgsl import Binding
from ..guest.wgsl_types import Array as WgslArray
from .job import Job
from .results import Results

_WORK_FUNCTION = Path(__file__).parents[1] / "guest" / "gpu.js"
# Each sandbox has a device of its own, and they share the GPU.
_MOST_SANDBOXES = 4

Array = np.ndarray[Any, Any]


def gpu_map(
    inputs: Iterable[Any],
    wgsl: str | os.PathLike[str],
    *,
    bindings: Mapping[str, Any] | None = None,
    outputs: str | Iterable[str] | Mapping[str, Any] | None = None,
    entry: str | Sequence[str] | None = None,
    workgroups: int | Sequence[int] | None = None,
    invocations: int | Sequence[int] | None = None,
    constants: Mapping[str, float] | None = None,
    sandboxes: int | None = None,
    **options: Any,
) -> Results:
    """Runs a compute shader once for each of ``inputs``; the results are numpy arrays.

    ``inputs``: a numpy array, each row of which is a datum; or any iterable of arrays, of numbers, or of dicts with
    values for several variables of the shader. A datum that is no dict is for the first variable that is only read and
    not among ``bindings``; where there is none, for the first ``read_write`` one. ``wgsl``: the shader's text, or the
    path of a file with it. ``bindings``: values that are the same for all data, by the variable's name: arrays,
    numbers, sequences for vectors and matrices, dicts for structures. A variable ``NAME_shape`` has the shape of NAME
    unless it is given.

    ``outputs``: which variables come back, all ``read_write`` ones if None; as a dict, with their shapes. Otherwise an
    output has the size that the shader says, or the datum's shape. It begins as zeros. One output is the result itself,
    several are a dict.

    ``entry``: the entry point, where there are several; or several of them, which run in turn. ``workgroups``: how many
    along x, y, z. ``invocations``: or how many of these there must be; by default one for each item of the output.
    ``constants``: values of the shader's overrides. ``sandboxes``: how many run at a time; one per CPU if None, but 4
    at most. ``options``: as of ``Job.local_exec``.

    Raises ValueError and TypeError, before anything runs, where the shader cannot be read or values do not fit. Those
    of an iterable that is no sequence are seen when they are read, and end the job.
    """
    code, name = _read(wgsl)
    program = Program(
        code, name=name, entry=entry, outputs=outputs, workgroups=workgroups, invocations=invocations,
        constants=constants,
    )  # fmt: skip
    if sandboxes is None:
        sandboxes = min(_MOST_SANDBOXES, len(os.sched_getaffinity(0)))
    return _GpuJob(inputs, program, dict(bindings or {})).local_exec(sandboxes, **options)


def _read(wgsl: str | os.PathLike[str]) -> tuple[str, str]:
    """The text of a shader, and its name for messages."""
    if isinstance(wgsl, os.PathLike) or ("\n" not in wgsl and wgsl.endswith(".wgsl")):
        path = Path(wgsl)
        return path.read_text(encoding="utf-8"), path.name
    return wgsl, "shader.wgsl"


class _GpuJob(Job):
    """Its work function is gpu.js. ``_outputs``: what each slice that is out gives; ``_usual``: what all do."""

    def __init__(self, inputs: Iterable[Any], program: Program, bindings: dict[str, Any]) -> None:
        program.check_names(bindings)
        self._program = program
        self._bindings = bindings
        self._datum = program.unbound(bindings)
        self._outputs: dict[int, list[Output]] = {}
        self._usual: list[Output] = []
        fixed = program.fixed(bindings)
        self._fixed = fixed.keys()
        description = program.to_js() | {"fixed": [[index, _sendable(data)] for index, data in fixed.items()]}
        if isinstance(inputs, np.ndarray) and self._datum and _are_data(inputs, self._datum):
            call = self._call_of_rows(inputs)
            self._usual = call.outputs
            common = self._sent(call)
            description["datum"] = program.variables.index(self._datum)
            common["data"][description["datum"]] = None
            rows = _sendable(inputs).reshape(len(inputs), -1) if inputs.dtype.names else inputs
            super().__init__(rows, _WORK_FUNCTION, (description, common))
            return
        data = list(inputs) if isinstance(inputs, Sequence | np.ndarray) else inputs
        if isinstance(data, list):
            for index, datum in enumerate(data):
                self._call(datum, index)
        super().__init__(_Calls(self, data), _WORK_FUNCTION, (description, None))

    def sent(self, index: int, datum: Any) -> dict[str, Any]:
        """What slice ``index`` gets. Raises ValueError, TypeError."""
        call = self._call(datum, index)
        self._outputs[index] = call.outputs
        return self._sent(call)

    def received(self, index: int, value: Any) -> Any:
        outputs = self._outputs.pop(index, self._usual)
        if not isinstance(value, list) or len(value) != len(outputs):
            raise ValueError(f"{len(outputs)} arrays were wanted")
        arrays = {output.name: _array(output, buffer) for output, buffer in zip(outputs, value, strict=True)}
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays

    def failed(self, index: int) -> None:
        self._outputs.pop(index, None)

    def _call(self, datum: Any, index: int | None = None) -> Call:
        """Raises ValueError, TypeError with the index of the datum, where it has one."""
        try:
            named = self._named(datum)
            return self._program.call(self._bindings | named, named)
        except (TypeError, ValueError) as error:
            raise error if index is None else type(error)(f"input {index}: {error}") from None

    def _call_of_rows(self, inputs: Array) -> Call:
        """That of the first row, and so of all. Raises ValueError, TypeError."""
        try:
            return self._call(inputs[0])
        except ValueError as error:
            if inputs.ndim != 2:
                raise
            raise ValueError(f"{error}; each row of inputs is a datum: for a single array give [array]") from None

    def _named(self, datum: Any) -> dict[str, Any]:
        if not isinstance(datum, Mapping):
            if self._datum is None:
                raise ValueError("the shader has no variable left for the datum; leave one out of bindings")
            return {self._datum.name: datum}
        self._program.check_names(datum)
        if twice := self._bindings.keys() & datum.keys():
            raise ValueError(f"{', '.join(sorted(twice))}: a value is among bindings too")
        return dict(datum)

    def _sent(self, call: Call) -> dict[str, Any]:
        data = [None if index in self._fixed else _sendable(value) for index, value in enumerate(call.data)]
        return {"sizes": call.sizes, "data": data, "workgroups": call.workgroups}


class _Calls:
    """What the slices get, made when they are sent. Its length is that of the inputs, where these have one."""

    def __init__(self, job: _GpuJob, inputs: Iterable[Any]) -> None:
        self._job = job
        self._inputs = inputs

    def __iter__(self) -> Iterator[Any]:
        for index, datum in enumerate(self._inputs):
            yield self._job.sent(index, datum)

    def __len__(self) -> int:
        if not isinstance(self._inputs, Sized):
            raise TypeError("the inputs have no length")
        return len(self._inputs)


def _are_data(rows: Array, variable: Binding) -> bool:
    """Whether each row is a value of ``variable`` as it is. Raises ValueError where a number would be an array."""
    if not isinstance(variable.type, WgslArray) or len(rows) == 0:
        return False
    if rows.ndim == 1:
        raise ValueError("inputs has one dimension, so that each datum is one number: for one datum give [inputs]")
    return True


def _sendable(value: Any) -> Any:
    """Arrays of structures have no typed array in JavaScript: they go as bytes."""
    if isinstance(value, np.ndarray) and value.dtype.names:
        return np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    return value


def _array(output: Output, buffer: Any) -> Any:
    """Raises ValueError where the sandbox has sent something else."""
    size = output.size
    if not isinstance(buffer, np.ndarray) or buffer.dtype != np.uint8 or not size <= buffer.size < size + 4:
        raise ValueError(f"{output.name} should have {size} bytes")
    dtype: np.dtype[Any] = np.dtype(output.spec)  # type: ignore[arg-type]
    return buffer[:size].view(dtype).reshape(output.shape)[()]
