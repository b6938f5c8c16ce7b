"""dcp.gpu.run() in work functions in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dcp_evaluator as dcp

Compute = Callable[..., list[Any]]

SCALE = """
struct Settings { gain: f32, offset: f32 }
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> scaled: array<f32>;
@group(0) @binding(2) var<uniform> settings: Settings;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x < arrayLength(&image)) { scaled[at.x] = settings.gain * image[at.x] + settings.offset; }
}
"""
IMAGES = np.random.default_rng(1).random((6, 20, 30), np.float32)


async def scale(image: Any, wgsl: str, gain: float) -> Any:
    import dcp

    return await dcp.gpu.run(wgsl, bindings={"image": image, "settings": {"gain": gain, "offset": 1}})


def test_arrays_of_numpy_keep_shape_and_dtype(compute: Compute) -> None:
    found = compute(IMAGES, scale, SCALE, 2.0)
    assert {(array.shape, array.dtype) for array in found} == {((20, 30), np.dtype(np.float32))}
    assert np.allclose(np.array(found), 2 * IMAGES + 1)


def test_calls_of_one_slice_may_run_at_the_same_time(compute: Compute) -> None:
    async def both(image: Any, wgsl: str) -> Any:
        import asyncio

        import dcp

        def scaled(gain: float) -> Any:
            return dcp.gpu.run(wgsl, bindings={"image": image, "settings": {"gain": gain, "offset": 0}})

        return sum(await asyncio.gather(*map(scaled, range(8))))

    for found, image in zip(compute(IMAGES[:2], both, SCALE), IMAGES, strict=False):
        assert np.allclose(found, image * sum(range(8)))


def test_where_numpy_is_not_imported_there_are_memoryviews(compute: Compute) -> None:
    async def squared(count: int, wgsl: str) -> Any:
        import sys
        from array import array

        import dcp

        del sys.modules["numpy"]
        out = await dcp.gpu.run(
            wgsl, bindings={"image": array("f", range(count)), "settings": {"gain": 2, "offset": 0}}
        )
        return type(out).__name__, out.shape, out.tolist()

    assert compute([5], squared, SCALE)[0] == ("memoryview", (5,), [0, 2, 4, 6, 8])


def test_errors_have_the_line_of_the_shader_or_the_remedy(pythons: dcp.Evaluator) -> None:
    def error_of(image: Any, wgsl: str, gain: Any) -> dcp.SliceError:
        return dcp.compute_for([image], scale, wgsl, gain).local_exec(1, evaluator=pythons).wait().errors[0]

    error = error_of(IMAGES[0], SCALE.replace("settings.gain *", "factor *"), 1.0)
    assert error.name == "GpuError"
    assert "shader:8:" in error.message
    error = error_of(IMAGES[0].astype(float), SCALE, 1.0)
    assert error.name == "TypeError"
    assert error.message.endswith("use .astype(np.float32)")
    error = error_of(IMAGES[0], SCALE, "x")
    assert error.name == "TypeError"
    assert "settings: Settings: dict does not fit" in error.message


def test_everything_else_of_webgpu_is_there(compute: Compute) -> None:
    async def adapter(datum: int) -> Any:
        from js import navigator

        found = await navigator.gpu.requestAdapter()
        device = await found.requestDevice()
        return found.info.description, device.limits.maxBufferSize > 0

    name, has_limits = compute([0], adapter)[0]
    assert name
    assert has_limits
