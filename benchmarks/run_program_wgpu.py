"""Runs a program of gpu_programs.py with wgpu-py, in a process of its own: ``run_program_wgpu.py FOLDER``.

FOLDER has ``inputs.json``, and a file for each input that is bytes. Prints ``value`` and ``milliseconds`` as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import wgpu

_TYPES = {"u32": np.uint32, "i32": np.int32, "u16": np.uint16, "f32": np.float32}


class Program:
    """``program``, ``rounds`` and ``measure`` as gpu_programs.py describes them."""

    def __init__(self, device: wgpu.GPUDevice, inputs: dict[str, Any], folder: Path) -> None:
        described = json.loads(inputs["program"])
        self._device, self._queue = device, device.queue
        self._rounds = int(inputs["rounds"])
        self._dispatches, self._result = described["dispatches"], described["result"]
        self._size = described["buffers"][0]["size"]
        self._buffers = [self._buffer(buffer, folder) for buffer in described["buffers"]]

    def _buffer(self, buffer: dict[str, Any], folder: Path) -> wgpu.GPUBuffer:
        made = self._device.create_buffer(size=buffer["size"], usage="STORAGE|COPY_SRC|COPY_DST")
        if buffer["data"] is not None:
            self._queue.write_buffer(made, 0, (folder / buffer["data"]).read_bytes())
        return made

    def run(self) -> list[float]:
        steps = [self._prepare(dispatch, dispatch["code"]) for dispatch in self._dispatches]
        return self._times(lambda _: self._submit_steps(steps))

    def new(self) -> list[float]:
        return self._fresh()[0]

    def seen(self) -> list[float]:
        return self._fresh()[1]

    def trip(self) -> list[float]:
        target = self._target(4)

        def round_trip(index: int) -> None:
            self._queue.write_buffer(self._buffers[0], 0, np.array([index], np.int32))
            value = self._copied(self._buffers[0], target, 4, lambda data: int(data.cast("i")[0]))
            assert value == index, f"{value} came back instead of {index}"

        return self._times(round_trip)

    def upload(self) -> list[float]:
        data = np.full(self._size, 7, np.uint8)

        def write(_: int) -> None:
            self._queue.write_buffer(self._buffers[0], 0, data)
            self._queue.submit([])
            self._wait()

        return self._times(write)

    def readback(self) -> list[float]:
        self._queue.write_buffer(self._buffers[0], 0, np.full(self._size, 7, np.uint8))
        target = self._target(self._size)

        def read(_: int) -> None:
            last = self._copied(self._buffers[0], target, self._size, lambda data: data[-1])
            assert last == 7, f"{last} came back instead of 7"

        return self._times(read)

    def value(self) -> float:
        if not self._dispatches:
            return float(self._size)
        size = self._result["size"]
        data = self._copied(self._buffers[self._result["buffer"]], self._target(size), size, bytes)
        values = np.frombuffer(data, _TYPES[self._result["type"]])
        if self._result["type"] == "f32":
            return float(f"{np.abs(values.astype(np.float64)).sum():.4g}")
        return int(np.int64(values.astype(np.int64).sum()).astype(np.int32))

    def _fresh(self) -> tuple[list[float], list[float]]:
        (dispatch,) = self._dispatches
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(self._rounds):
            code = dispatch["code"].replace("SEED", str(1000 + random.randrange(1_000_000)))
            for found in times:
                begun = time.perf_counter()
                self._submit_steps([self._prepare(dispatch, code)])
                found.append(1e3 * (time.perf_counter() - begun))
        return times

    def _prepare(self, dispatch: dict[str, Any], code: str) -> Callable[[wgpu.GPUComputePassEncoder], None]:
        module = self._device.create_shader_module(code=code)
        compute = {"module": module, "entry_point": "main", "constants": dispatch["constants"]}
        pipeline = self._device.create_compute_pipeline(layout="auto", compute=compute)
        entries = [
            {"binding": binding, "resource": {"buffer": self._buffers[index]}}
            for binding, index in enumerate(dispatch["buffers"])
        ]
        group = self._device.create_bind_group(layout=pipeline.get_bind_group_layout(0), entries=entries)

        def encode(compute_pass: wgpu.GPUComputePassEncoder) -> None:
            compute_pass.set_pipeline(pipeline)
            compute_pass.set_bind_group(0, group)
            compute_pass.dispatch_workgroups(*dispatch["groups"])

        return encode

    def _submit_steps(self, steps: list[Callable[[wgpu.GPUComputePassEncoder], None]]) -> None:
        encoder = self._device.create_command_encoder()
        compute_pass = encoder.begin_compute_pass()
        for step in steps:
            step(compute_pass)
        compute_pass.end()
        self._queue.submit([encoder.finish()])
        self._wait()

    def _wait(self) -> None:
        """Until the GPU has done all. wgpu-py 0.32's on_submitted_work_done_sync() raises TypeError."""
        self._device._poll_wait()

    def _target(self, size: int) -> wgpu.GPUBuffer:
        return self._device.create_buffer(size=size, usage="COPY_DST|MAP_READ")

    def _copied(
        self, source: wgpu.GPUBuffer, target: wgpu.GPUBuffer, size: int, read: Callable[[memoryview], Any]
    ) -> Any:
        encoder = self._device.create_command_encoder()
        encoder.copy_buffer_to_buffer(source, 0, target, 0, size)
        self._queue.submit([encoder.finish()])
        target.map_sync("READ")
        value = read(target.read_mapped(copy=False))
        target.unmap()
        return value

    def _times(self, run: Callable[[int], None]) -> list[float]:
        milliseconds = []
        for index in range(-1, self._rounds):
            begun = time.perf_counter()
            run(index)
            milliseconds.append(1e3 * (time.perf_counter() - begun))
        return milliseconds[1:]


def main(folder: Path) -> dict[str, Any]:
    inputs = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
    adapter = wgpu.gpu.request_adapter_sync()
    if adapter is None:
        return {"value": "no adapter", "milliseconds": [1]}
    features = ["shader-f16"] if "enable f16" in inputs["program"] else []
    if not adapter.features.issuperset(features):
        return {"value": "missing", "milliseconds": [1]}
    program = Program(adapter.request_device_sync(required_features=features), inputs, folder)
    milliseconds = getattr(program, inputs["measure"])()
    return {"value": program.value(), "milliseconds": milliseconds}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
