"""What a call of a shader needs: guest/gpu_program.py, without a GPU."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pytest

from dcp_evaluator.guest.gpu_program import Call, Program

pytestmark = pytest.mark.any_engine

SHADER = """
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(1) @binding(0) var<uniform> gain: f32;
@group(0) @binding(2) var<uniform> unused: f32;
@compute @workgroup_size(SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) { out[id.x] = image[id.x] * gain; }
"""
IMAGE = np.zeros((20, 30), np.float32)


def call_of(size: str = "64", image: Any = IMAGE, **settings: Any) -> Call:
    return Program(SHADER.replace("SIZE", size), **settings).call({"image": image, "gain": 2}, ["image"])


@pytest.mark.parametrize(
    ("size", "settings", "workgroups"),
    [
        ("64", {}, (10, 1, 1)),
        ("64, 1, 1", {}, (10, 1, 1)),
        ("8, 4", {}, (4, 5, 1)),
        ("8, 4", {"invocations": (9, 9, 2)}, (2, 3, 2)),
        ("64", {"workgroups": 7}, (7, 1, 1)),
        ("64", {"outputs": {"out": 65}}, (2, 1, 1)),
        ("2, 1, 4", {"outputs": {"out": (9, 5, 3)}}, (2, 5, 3)),
    ],
)
def test_there_is_an_invocation_for_each_item_along_each_axis(
    size: str, settings: dict[str, Any], workgroups: tuple[int, ...]
) -> None:
    assert call_of(size, **settings).workgroups == [workgroups]


def test_sizes_are_those_of_the_values_in_whole_words() -> None:
    call = call_of(outputs="out")
    assert call.sizes == [2400, 2400, 4]
    assert call.data[0] is IMAGE
    assert call.data[1:] == [None, b"\0\0\0\x40"]
    assert [tuple(output) for output in call.outputs] == [("out", "<f4", (20, 30))]
    halves = Program(
        "enable f16; @group(0) @binding(0) var<storage, read_write> h: array<f16>;"
        "@compute @workgroup_size(1) fn main() { h[0] = 1h; }"
    )
    call = halves.call({"h": np.ones(3, np.float16)}, ["h"])
    assert (halves.features, call.sizes, call.outputs[0].size) == (["shader-f16"], [8], 6)


def test_values_need_no_numpy() -> None:
    for image in (array("f", range(6)), memoryview(array("f", range(6))), [0, 1, 2, 3, 4, 5], range(6)):
        call = call_of(image=image)
        assert call.sizes == [24, 24, 4]
        assert call.outputs[0].shape == (6,)
    view = memoryview(array("f", range(6))).cast("B").cast("f", (2, 3))
    assert call_of(image=view).outputs[0].shape == (2, 3)
    with pytest.raises(TypeError, match=r"image: array<f32>: an array of <f8 does not fit"):
        call_of(image=array("d", [1.0]))
    with pytest.raises(TypeError, match=r"image: array<f32>: an array of \|u1 does not fit"):
        call_of(image=b"1234")


def test_a_program_is_described_by_what_the_pipeline_needs() -> None:
    code = "@id(7) override n: u32 = 4; override m: f32 = 1; " + SHADER.replace("SIZE", "n").replace(
        "gain;", "gain * m;"
    )
    described = Program(code, constants={"n": 16, "m": 2}).to_js()
    assert described["constants"] == {"7": 16, "m": 2}
    assert described["variables"] == [
        {"group": 0, "binding": 0, "type": "read-only-storage"},
        {"group": 0, "binding": 1, "type": "storage"},
        {"group": 1, "binding": 0, "type": "uniform"},
    ]
    assert (described["entryPoints"], described["outputs"]) == (["main"], [1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"outputs": {"out": (3, 0)}}, r"the shape of out must be whole numbers from 1 on, not \(3, 0\)"),
        ({"outputs": {"out": "x"}}, "the shape of out must be whole numbers"),
        ({"outputs": {"image": 3}}, "does not write to image"),
        ({"outputs": "outs"}, "did you mean 'out'?"),
        ({"workgroups": (1, 2, 3, 4)}, "workgroups must be one to three whole numbers"),
        ({"invocations": 0}, "invocations must be one to three whole numbers"),
        ({"entry": []}, "entry is empty"),
    ],
)
def test_settings_that_make_no_sense_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call_of(**settings)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (
            "var t: texture_2d<f32>",
            "line 1: var t: texture_2d: only buffers are bound here; for textures use navigator.gpu",
        ),
        ("var<storage> t: array<bool>", "bool cannot be in a buffer"),
        ("var<storage, read_write> t: List", "an array without a size in a structure; make it a variable of its own"),
    ],
)
def test_variables_that_cannot_be_bound_are_told(variable: str, message: str) -> None:
    code = f"@group(0) @binding(0) {variable}; struct List {{ n: u32, items: array<f32> }}"
    with pytest.raises(ValueError) as caught:
        Program(code + "@compute @workgroup_size(1) fn main() { let x = &t; }")
    assert message in str(caught.value)


def test_a_shape_variable_has_the_type_for_the_dimensions() -> None:
    shader = (
        SHADER.replace("SIZE", "64").replace("gain: f32", "image_shape: vec2u").replace("gain", "f32(image_shape.x)")
    )
    call = Program(shader).call({"image": IMAGE}, ["image"])
    assert call.data[2] == np.array([20, 30], np.uint32).tobytes()
    with pytest.raises(ValueError, match=r"image has the shape \(600,\), for which it is u32"):
        Program(shader).call({"image": IMAGE.ravel()}, ["image"])
    with pytest.raises(ValueError, match="for which there is no type"):
        Program(shader).call({"image": IMAGE.reshape(1, 1, 1, 20, 30)}, ["image"])


def test_a_value_keeps_its_shape() -> None:
    program = Program(SHADER.replace("SIZE", "64"), outputs={"out": (600,)})
    with pytest.raises(ValueError, match="out has a value, and so its shape"):
        program.call({"image": IMAGE, "gain": 1, "out": IMAGE}, ["image"])
