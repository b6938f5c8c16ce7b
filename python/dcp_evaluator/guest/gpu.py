"""``dcp.gpu`` in a sandbox: compute shaders over arrays. For all else of the GPU there is ``js.navigator.gpu``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from pyodide.code import run_js
from pyodide.ffi import JsException, to_js

import js

from .arrays import memoryview_of
from .gpu_program import Output, Program
from .wgsl_text import WgslError

__all__ = ["GpuError", "WgslError", "run"]

_MOST_PROGRAMS = 64


class GpuError(RuntimeError):
    """The GPU refused what it was told. ``name``: of the error in JavaScript, ``"WgslError"`` for a wrong shader."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


async def run(
    wgsl: str,
    *,
    bindings: Mapping[str, Any],
    outputs: str | Iterable[str] | Mapping[str, Any] | None = None,
    entry: str | Sequence[str] | None = None,
    workgroups: int | Sequence[int] | None = None,
    invocations: int | Sequence[int] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Any:
    """Runs a compute shader once. Pipelines are kept between slices.

    ``bindings``: values by the variable's name: arrays (numpy's, memoryviews, ``array.array``), numbers, sequences for
    vectors and matrices, dicts for structures. The other arguments are those of ``dcp_evaluator.gpu_map``, and so is
    the result: the only output, or a dict of several. An output whose shape nobody says has that of the first array in
    ``bindings``. Where numpy is not imported, arrays are memoryviews.

    Raises WgslError, ValueError and TypeError where the shader cannot be read or values do not fit, GpuError for what
    the GPU refuses.
    """
    program = _program(
        wgsl, entry=entry, outputs=outputs, workgroups=workgroups, invocations=invocations, constants=constants
    )
    program.check_names(bindings)
    call = program.call(bindings, bindings)
    sent = {"sizes": call.sizes, "data": [*map(_bytes, call.data)], "workgroups": call.workgroups}
    try:
        found = await _run_on_gpu()(
            to_js(sent, dict_converter=js.Object.fromEntries), _description(json.dumps(program.to_js()))
        )
    except JsException as error:
        raise GpuError(error.name, error.message) from None
    arrays = {
        output.name: _array(output, buffer.to_memoryview()) for output, buffer in zip(call.outputs, found, strict=True)
    }
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


_programs: dict[tuple[str, str], Program] = {}


def _program(code: str, **settings: Any) -> Program:
    key = code, repr(settings)
    if key not in _programs:
        if len(_programs) == _MOST_PROGRAMS:
            del _programs[next(iter(_programs))]
        _programs[key] = Program(code, **settings)
    return _programs[key]


@lru_cache(_MOST_PROGRAMS)
def _description(text: str) -> Any:
    """The same object for the same shader: gpu.js keeps its pipelines by it, also where shapes differ."""
    return js.JSON.parse(text)


@cache
def _run_on_gpu() -> Any:
    return run_js(files(__package__).joinpath("gpu.js").read_text(encoding="utf-8"))


def _bytes(value: Any) -> Any:
    """Of an array: a buffer of one dimension, as JavaScript copies it."""
    if value is None or isinstance(value, bytes):
        return value
    if hasattr(value, "dtype"):
        return sys.modules["numpy"].ascontiguousarray(value).reshape(-1).view("u1")
    view = memoryview(value)
    return view.cast("B") if view.c_contiguous else view.tobytes()


def _array(output: Output, data: memoryview) -> Any:
    data = data[: output.size]
    if numpy := sys.modules.get("numpy"):
        return numpy.frombuffer(data, numpy.dtype(output.spec)).reshape(output.shape)[()]
    view = memoryview_of(data, output.spec, list(output.shape), "C")
    return view[()] if view.ndim == 0 else view
