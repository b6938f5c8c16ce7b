"""What is computed on GPUs, for each runner alike: run_program.js in our sandboxes, Deno and Dawn; run_program_wgpu.py;
run_program_native.cpp. A runner takes these inputs:

``program``: JSON with ``buffers``, each with its ``size`` in bytes and the name of the input that fills it, or null;
``dispatches``, each with ``code``, ``constants``, ``buffers`` by their bindings and ``groups``; and the ``result``: its
``buffer``, ``size`` and ``type``. ``rounds``: how many times are wanted. ``measure`` says of what:

- ``run``: a submission of all dispatches, until it is done;
- ``new``: from the text of a shader that nobody has seen to the end of its first run; ``seen``: the same text again;
- ``trip``: writeBuffer, copy, submit, map of 4 bytes; ``upload``, ``readback``: of the first buffer.

It gives ``milliseconds`` and ``value``, a sum over the result: of absolute values to 4 digits for floats, else modulo
2**32. ``value`` is "missing" where the adapter lacks ``shader-f16`` and the program needs it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

_KERNELS = Path(__file__).parent / "kernels"
_MATRIX_PRODUCT = files("dcp_evaluator.benchmark").joinpath("matrix_product.wgsl").read_text(encoding="utf-8")

Inputs = dict[str, bytes | int | float | str]

UNITS = {"f32": "GFLOP/s", "f16": "GFLOP/s", "reduction": "GB/s", "convolution": "Gop/s", "nbody": "GFLOP/s"}


def work(what: str, n: int) -> float:
    """What one run of a program does, in units of 1e6: a millisecond of that is one of ``UNITS``."""
    amount = {
        "f32": 2 * n**3,
        "f16": 2 * n**3,
        "reduction": 4 * n,
        "convolution": 2 * 225 * n * n,
        "nbody": 20 * n * n,  # 20 a pair, as is the custom
    }[what]
    return amount / 1e6


def inputs(what: str, n: int, rounds: int) -> Inputs:
    """Those of a runner. ``what``: a key of ``UNITS``, or a measure other than ``run``; then n is the buffer's size."""
    if what in ("new", "seen"):
        made = _program([4], [_dispatch(_kernel("short"), [0], [1])], (0, "u32"))
    elif what in ("trip", "upload", "readback"):
        made = _program([n], [], (0, "u32"))
    else:
        made = _COMPUTATIONS[what](n)
    return {**made, "rounds": rounds, "measure": "run" if what in UNITS else what}


def _program(buffers: Sequence[np.ndarray | int], dispatches: list[dict[str, Any]], result: tuple[int, str]) -> Inputs:
    """``buffers``: their contents, or their sizes in bytes."""
    described = [
        {"size": buffer, "data": None} if isinstance(buffer, int) else {"size": buffer.nbytes, "data": f"data{i}"}
        for i, buffer in enumerate(buffers)
    ]
    data = {f"data{i}": buffer.tobytes() for i, buffer in enumerate(buffers) if isinstance(buffer, np.ndarray)}
    index, kind = result
    read = {"buffer": index, "size": described[index]["size"], "type": kind}
    return {"program": json.dumps({"buffers": described, "dispatches": dispatches, "result": read}), **data}


def _dispatch(code: str, buffers: list[int], groups: list[int], **constants: int) -> dict[str, Any]:
    return {"code": code, "constants": constants, "buffers": buffers, "groups": [*groups, 1, 1][:3]}


def _kernel(name: str) -> str:
    return (_KERNELS / f"{name}.wgsl").read_text(encoding="utf-8")


def _product(prefix: str, values: np.ndarray, kind: str, n: int) -> Inputs:
    """Entries are -1, 0 and 1, so that their sums are exact in each format."""
    index = np.arange(n * n, dtype=np.uint32)
    chosen = values[(((index ^ (index >> 7)) * np.uint32(0x9E3779B1)) >> 20) % 3]
    multiply = _dispatch(prefix + _MATRIX_PRODUCT, [0, 1, 2], [n // 64, n // 64], n=n)
    return _program([chosen, chosen, chosen.nbytes], [multiply], (2, kind))


def _f32(n: int) -> Inputs:
    return _product("alias real = f32;\n", np.array([-1, 0, 1], np.float32), "f32", n)


def _f16(n: int) -> Inputs:
    return _product("enable f16;\nalias real = f16;\n", np.array([-1, 0, 1], np.float16), "u16", n)


def _reduction(n: int) -> Inputs:
    code = _kernel("reduction")
    numbers = (np.arange(n) % 11).astype(np.uint32)
    return _program([numbers, 1024, 4], [_dispatch(code, [0, 1], [256]), _dispatch(code, [1, 2], [1])], (2, "u32"))


def _convolution(n: int) -> Inputs:
    picture = (np.arange(n * n) * 7919 % 255).astype(np.int32)
    weights = (np.arange(225) % 5).astype(np.int32)
    step = _dispatch(_kernel("convolution"), [0, 1, 2], [n // 8, n // 8], n=n)
    return _program([picture, weights, picture.nbytes], [step], (2, "i32"))


def _nbody(n: int) -> Inputs:
    bodies = (np.arange(4 * n) * 7919 % 1009 / 1009).astype(np.float32)
    return _program([bodies, bodies.nbytes], [_dispatch(_kernel("nbody"), [0, 1], [n // 64])], (1, "f32"))


_COMPUTATIONS = {
    "f32": _f32, "f16": _f16, "reduction": _reduction, "convolution": _convolution, "nbody": _nbody,
}  # fmt: skip
