"""Shaders over arrays: dcp.gpu_map()."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies

import dcp_evaluator as dcp
from dcp_evaluator.frames import table
from lying_sandbox import LyingEvaluator, after_assignment, pack

SCALE = """
@group(0) @binding(0) var<storage, read> data: array<f32>;
@group(0) @binding(1) var<storage, read_write> scaled: array<f32>;
@group(0) @binding(2) var<uniform> factor: f32;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&data)) { scaled[id.x] = factor * data[id.x]; }
}
"""
SHAPED = SCALE.replace("factor: f32", "data_shape: vec2u").replace("factor *", "f32(data_shape.x) *")
IMAGES = np.random.default_rng(1).random((5, 30, 50), np.float32)


def run(evaluator: dcp.Evaluator, inputs: Any, wgsl: Any, **options: Any) -> list[Any]:
    return list(dcp.gpu_map(inputs, wgsl, evaluator=evaluator, sandboxes=1, **options))


def test_rows_of_an_array_keep_shape_and_dtype(evaluator: dcp.Evaluator, tmp_path: Path) -> None:
    found = run(evaluator, IMAGES, SCALE, bindings={"factor": 3})
    assert {(array.shape, array.dtype) for array in found} == {((30, 50), np.dtype(np.float32))}
    assert np.array_equal(np.array(found), IMAGES * np.float32(3))
    path = tmp_path / "scale.wgsl"
    path.write_text(SCALE, encoding="utf-8")
    assert np.array_equal(run(evaluator, IMAGES[:1], str(path), bindings={"factor": 2})[0], IMAGES[0] * 2)


def test_arrays_of_different_shapes_are_used_in_turn(evaluator: dcp.Evaluator) -> None:
    arrays = [np.full(shape, i, np.float32) for i, shape in enumerate([(3,), (200, 7), (1, 2, 3), (3,)])]

    def generated() -> Iterator[Any]:
        yield from arrays

    for inputs in (arrays, generated()):
        found = run(evaluator, inputs, SCALE, bindings={"factor": 0.5})
        assert [array.tolist() for array in found] == [(array * 0.5).tolist() for array in arrays]
    (turned,) = run(evaluator, [IMAGES[0].T], SCALE, bindings={"factor": 1})  # not contiguous
    assert np.array_equal(turned, IMAGES[0].T)


def test_a_shape_is_there_for_a_shader_of_two_axes(evaluator: dcp.Evaluator) -> None:
    transpose = """
    @group(0) @binding(0) var<storage, read> image: array<f32>;
    @group(0) @binding(1) var<storage, read_write> turned: array<f32>;
    @group(0) @binding(2) var<uniform> image_shape: vec2u;
    @compute @workgroup_size(8, 8)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      let rows = image_shape.x;
      let columns = image_shape.y;
      if (id.x < rows && id.y < columns) { turned[id.y * rows + id.x] = image[id.x * columns + id.y]; }
    }"""
    found = run(evaluator, IMAGES, transpose, outputs={"turned": (50, 30)})
    assert np.array_equal(np.array(found), IMAGES.transpose(0, 2, 1))


def test_structures_vectors_and_matrices_are_what_the_shader_sees(evaluator: dcp.Evaluator) -> None:
    shader = """
    struct Particle { at: vec3f, mass: f32, tags: array<u32, 3>, turn: mat2x3f }
    struct World { pull: vec3f, step: f16_or_f32, kind: vec2i }
    alias f16_or_f32 = f32;
    @group(0) @binding(0) var<storage, read_write> particles: array<Particle>;
    @group(1) @binding(3) var<uniform> world: World;
    @group(1) @binding(1) var<storage, read> offsets: array<vec4f>;
    @compute @workgroup_size(4)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&particles)) { return; }
      let p = &particles[id.x];
      (*p).at += world.pull * world.step + offsets[id.x].xyz;
      (*p).tags[2] = u32(world.kind.y) + (*p).tags[0];
      (*p).turn[1].z = (*p).mass;
    }"""
    dtype = np.dtype(
        {
            "names": ["at", "mass", "tags", "turn"],
            "formats": [("<f4", (3,)), "<f4", ("<u4", (3,)), ("<f4", (2, 4))],
            "offsets": [0, 12, 16, 32],
            "itemsize": 64,
        }
    )
    particles = np.zeros((2, 3), dtype)
    particles["mass"] = np.arange(6).reshape(2, 3)
    particles["tags"][..., 0] = 40
    world = {"pull": (1, 2, 3), "step": 2.0, "kind": np.array([-1, 2])}
    offsets = np.arange(12, dtype=np.float32).reshape(3, 4)
    for inputs in (particles, list(particles)):
        found = run(evaluator, inputs, shader, bindings={"world": world, "offsets": offsets})
        assert [array.dtype for array in found] == [dtype, dtype]
        for array, before in zip(found, particles, strict=True):
            assert array["at"].tolist() == [[2, 5, 8], [6, 9, 12], [10, 13, 16]]
            assert array["tags"][:, 2].tolist() == [42] * 3
            assert array["turn"][:, 1, 2].tolist() == before["mass"].tolist()
    with pytest.raises(TypeError, match=r"particles.* does not fit; its dtype is"):
        dcp.gpu_map(np.zeros((2, 3), [("at", "f4", 3)]), shader, bindings={"world": world, "offsets": offsets})


class Layouts:
    """A random structure: its declarations, a value of it, and for each number in it the WGSL that reads it."""

    def __init__(self, draw: Callable[[strategies.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.declarations: list[str] = []
        self.numbers: list[int] = []
        self.places: list[str] = []
        self.type, self.value = self._structure("v", 0)

    def __repr__(self) -> str:
        return f"{' '.join(self.declarations)} = {self.value}"

    def _structure(self, place: str, depth: int) -> tuple[str, Any]:
        members, value = [], {}
        for name in "abcd"[: self._draw(strategies.integers(1, 4))]:
            kind, value[name] = self._any(f"{place}.{name}", depth + 1)
            attributes = ["", "@size(72) ", "@align(32) "]
            if kind.startswith(("array", "S")):
                attributes = ["@align(32) " if "@align" in "".join(self.declarations) else ""]
            members.append(self._draw(strategies.sampled_from(attributes)) + f"{name}: {kind}")
        name = f"S{len(self.declarations)}"
        self.declarations.append(f"struct {name} {{ {', '.join(members)} }}")
        return name, value

    def _any(self, place: str, depth: int) -> tuple[str, Any]:
        kinds = [self._scalar, self._vector, self._matrix, *([self._array, self._structure] if depth < 3 else [])]
        return self._draw(strategies.sampled_from(kinds))(place, depth)

    def _scalar(self, place: str, depth: int) -> tuple[str, Any]:
        return self._draw(strategies.sampled_from(["f32", "u32", "i32"])), self._number(place)

    def _vector(self, place: str, depth: int) -> tuple[str, Any]:
        count = self._draw(strategies.integers(2, 4))
        kind = self._draw(strategies.sampled_from("fui"))
        return f"vec{count}{kind}", [self._number(f"{place}[{i}]") for i in range(count)]

    def _matrix(self, place: str, depth: int) -> tuple[str, Any]:
        columns, rows = self._draw(strategies.tuples(strategies.integers(2, 4), strategies.integers(2, 4)))
        value = [[self._number(f"{place}[{c}][{r}]") for r in range(rows)] for c in range(columns)]
        return f"mat{columns}x{rows}f", value

    def _array(self, place: str, depth: int) -> tuple[str, Any]:
        kind, first = self._any(f"{place}[0]", depth + 1)
        # Items have one type: the others are the first with other numbers.
        return f"array<{kind}, 2>", [first, self._again(first, f"{place}[0]", f"{place}[1]")]

    def _again(self, value: Any, first: str, place: str) -> Any:
        if isinstance(value, dict):
            return {name: self._again(part, f"{first}.{name}", f"{place}.{name}") for name, part in value.items()}
        if isinstance(value, list):
            return [self._again(part, f"{first}[{i}]", f"{place}[{i}]") for i, part in enumerate(value)]
        return self._number(place)

    def _number(self, place: str) -> int:
        self.numbers.append(len(self.numbers) + 1)
        self.places.append(place)
        return self.numbers[-1]


@settings(max_examples=12)
@given(strategies.composite(Layouts)())
def test_values_lie_where_the_compiler_looks_for_them(layout: Layouts) -> None:
    statements = "".join(f"numbers[{i}] = f32({place});" for i, place in enumerate(layout.places))
    shader = f"""{"".join(layout.declarations)}
    @group(0) @binding(0) var<storage, read> v: {layout.type};
    @group(0) @binding(1) var<storage, read_write> numbers: array<f32, {len(layout.places)}>;
    @compute @workgroup_size(1) fn main() {{ {statements} }}"""
    (found,) = dcp.gpu_map([{"v": layout.value}], shader, sandboxes=1)
    assert found.tolist() == layout.numbers


def test_several_data_and_outputs_have_their_names(evaluator: dcp.Evaluator) -> None:
    shader = """
    override bins: u32 = 4;
    @group(0) @binding(0) var<storage, read> values: array<u32>;
    @group(0) @binding(1) var<uniform> modulus: u32;
    @group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>, 4>;
    @group(0) @binding(3) var<storage, read_write> total: atomic<u32>;
    @group(0) @binding(4) var<storage, read_write> scratch: array<u32>;
    @compute @workgroup_size(32)
    fn count(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&values)) { return; }
      scratch[id.x] = values[id.x] % modulus;
    }
    @compute @workgroup_size(16)
    fn add(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&values)) { return; }
      atomicAdd(&counts[scratch[id.x] % bins], 1);
      atomicAdd(&total, scratch[id.x]);
    }"""
    data = [{"values": np.arange(100, dtype=np.uint32) + i, "modulus": 3 + i % 2} for i in range(4)]
    found = run(evaluator, data, shader, entry=["count", "add"], outputs=["counts", "total"], constants={"bins": 4})
    for datum, result in zip(data, found, strict=True):
        rest = datum["values"] % datum["modulus"]
        assert result["counts"].tolist() == np.bincount(rest, minlength=4).tolist()
        assert result["total"] == rest.sum()
    again = run(evaluator, data[:1], shader, entry=["count", *["add"] * 9], constants={"bins": 4})
    assert again[0]["total"] == 9 * found[0]["total"]
    with pytest.raises(ValueError, match=r"several entry points: say entry='count', or entry=\['count', 'add'\]"):
        dcp.gpu_map(data, shader)


def test_numbers_make_arrays_of_a_shape_that_is_told(evaluator: dcp.Evaluator) -> None:
    shader = """
    @group(0) @binding(0) var<uniform> seed: u32;
    @group(0) @binding(1) var<storage, read_write> made: array<vec2u>;
    @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { made[id.x] = vec2u(seed, id.x); }"""
    found = run(evaluator, range(3), shader, outputs={"made": (6, 2)})
    assert [array.tolist() for array in found] == [[[seed, i] for i in range(6)] for seed in range(3)]
    with pytest.raises(ValueError, match="how large is made"):
        dcp.gpu_map(range(3), shader)


def test_rows_may_be_vectors_and_items_numbers(evaluator: dcp.Evaluator) -> None:
    shader = """
    @group(0) @binding(0) var<uniform> at: vec3f;
    @group(0) @binding(1) var<storage, read_write> sum: f32;
    @compute @workgroup_size(1) fn main() { sum = at.x + 10 * at.y + 100 * at.z; }"""
    for rows in (
        np.arange(6).reshape(2, 3),
        np.arange(6.0).reshape(2, 3),
        np.arange(6, dtype=np.float32).reshape(2, 3),
    ):
        assert run(evaluator, rows, shader) == [210, 543]
    numbers = shader.replace("vec3f", "u32").replace("at.x + 10 * at.y + 100 * at.z", "f32(at)")
    assert run(evaluator, np.arange(3), numbers) == [0, 1, 2]
    assert run(evaluator, np.empty((0, 3)), shader) == []


def test_a_shader_that_is_wrong_fails_with_its_line(evaluator: dcp.Evaluator) -> None:
    wrong = SCALE.replace("factor * data", "factr * data")
    results = dcp.gpu_map(IMAGES, wrong, bindings={"factor": 3}, evaluator=evaluator, sandboxes=1)
    with pytest.raises(dcp.SliceError) as caught:
        list(results)
    assert caught.value.name == "WgslError"
    line = wrong.splitlines()[6]
    assert f"7:{line.index('factr') + 1}: " in caught.value.message
    assert f"7 │ {line}\n" in caught.value.message
    assert len(results.wait().errors) == len(IMAGES)
    with pytest.raises(dcp.SliceError, match=r"shader\.wgsl: Entry point main .*\n = Workgroup size is out of range"):
        run(evaluator, IMAGES[:1], SCALE.replace("(64)", "(64000)"), bindings={"factor": 3})
    with pytest.raises(dcp.SliceError, match=r"the GPU \(.*\) does not have what the shader enables: no-such-thing"):
        run(evaluator, IMAGES[:1], "enable no_such_thing;" + SCALE, bindings={"factor": 3})
    late = SCALE.replace("data[id.x];", "data[id.x / (id.x - id.x)] + f32(1u / 0u);")
    with pytest.raises(dcp.SliceError, match=r"division|divide|zero"):
        run(evaluator, IMAGES[:1], late, bindings={"factor": 3})


def test_what_the_gpu_refuses_is_an_error_and_no_zeros() -> None:
    with dcp.Evaluator(gpu=dcp.GpuOptions(memory_limit=1 << 20)) as small:
        results = dcp.gpu_map(
            [np.ones(1 << 18, np.float32), np.ones(100, np.float32)], SCALE, bindings={"factor": 2}, evaluator=small,
            sandboxes=1,
        )  # fmt: skip
        assert results.wait().errors.keys() == {0}
        assert results.errors[0].name == "GPUOutOfMemoryError"
        assert results[1].tolist() == [2] * 100


def test_a_gpu_that_hangs_fails_its_slice_and_the_next_one_has_another() -> None:
    # A GPU does not end these loops in years. llvmpipe ends each after 65,535 rounds; the number of invocations counts.
    rounds = """
    @group(0) @binding(0) var<storage, read_write> counts: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x >= arrayLength(&counts)) { return; }
      let count = counts[id.x];
      var x = 1u;
      for (var i = 0u; i < count; i++) { for (var j = 0u; j < count; j++) { for (var k = 0u; k < count; k++) {
        x = x * 1664525u + 1013904223u + k;
      } } }
      counts[id.x] = x;
    }"""
    with dcp.Evaluator(gpu=dcp.GpuOptions(timeout=2.0)) as evaluator:
        data = [np.full(4_000_000, 60000, np.uint32), np.ones(3, np.uint32)]
        results = dcp.gpu_map(data, rounds, evaluator=evaluator, sandboxes=1)
        assert results.wait().errors.keys() == {0}
        assert results.errors[0].name == "GPUDeviceLostError"
        assert results[1].tolist() == [1664525 + 1013904223] * 3


def test_where_there_is_no_gpu_the_error_says_how_to_find_out_why() -> None:
    with dcp.Evaluator(gpu=dcp.GpuOptions(ban=[".*"])) as evaluator:
        results = dcp.gpu_map(IMAGES[:1], SCALE, bindings={"factor": 1}, evaluator=evaluator)
        with pytest.raises(dcp.SliceError, match="no GPU can be used here; dcp-evaluator --probe says why"):
            list(results)


LIES = [
    None, 7, [], [None], [7], {"scaled": 7}, ["x" * 6000], [b"\0" * 6000],
    [msgspec.msgpack.Ext(1, b"\x01" + bytes(5999))], [msgspec.msgpack.Ext(1, b"\x01" + bytes(6004))],
    [msgspec.msgpack.Ext(1, b"\x0a" + bytes(6000))], [msgspec.msgpack.Ext(1, b"\x01" + bytes(6000))] * 2,
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_a_sandbox_that_lies_fails_its_slice(lie: Any) -> None:
    with LyingEvaluator(after_assignment(pack(table.RESULT, 0, lie, {}))) as evaluator:
        results = dcp.gpu_map(IMAGES[:1], SCALE, bindings={"factor": 1}, evaluator=evaluator, sandboxes=1)
        assert results.wait().errors[0].code == "ERESULT"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: dcp.gpu_map(IMAGES.astype(float), SCALE, bindings={"factor": 1}),
            r"float64 .*\.astype\(np\.float32\)",
        ),
        (lambda: dcp.gpu_map(IMAGES.astype(np.uint8), SCALE, bindings={"factor": 1}), r"uint8 .*\.view\(np\.uint32\)"),
        (lambda: dcp.gpu_map(IMAGES, SCALE), "no value for var<uniform> factor: f32; give one"),
        (lambda: dcp.gpu_map(IMAGES, SCALE, bindings={"factr": 1}), "'factr' is no .*; did you mean 'factor'?"),
        (lambda: dcp.gpu_map(IMAGES, SCALE, bindings={"factor": "x"}), "factor: f32: str does not fit"),
        (lambda: dcp.gpu_map([IMAGES[0], IMAGES[1:1]], SCALE, bindings={"factor": 1}), "input 1: data is empty"),
        (lambda: dcp.gpu_map(IMAGES[0, 0], SCALE, bindings={"factor": 1}), "one dimension"),
        (
            lambda: dcp.gpu_map(IMAGES[0], SHAPED),
            r"shape \(50,\), for which it is u32; .* for a single array give \[array\]",
        ),
        (lambda: dcp.gpu_map(IMAGES, SCALE, bindings={"factor": 1}, outputs=["data"]), "does not write to data"),
        (lambda: dcp.gpu_map(IMAGES, SCALE, bindings={"factor": 1}, entry="mainn"), "did you mean 'main'?"),
        (lambda: dcp.gpu_map(IMAGES, SCALE, bindings={"factor": 1}, constants={"n": 1}), "'n' is no override"),
        (lambda: dcp.gpu_map(IMAGES, SCALE.replace("(64)", "(8, 8, 2)"), bindings={"factor": 1}), "3 axes .* 2: "),
        (lambda: dcp.gpu_map(IMAGES, SCALE.replace("<f32>", "<vec3f>"), bindings={"factor": 1}), "a vec3 takes"),
        (lambda: dcp.gpu_map(IMAGES, SCALE.replace("(64)", "(1)"), bindings={"factor": 1}, workgroups=70000), "65535"),
        (lambda: dcp.gpu_map(IMAGES, SCALE.replace("@compute", ""), bindings={"factor": 1}), "no entry point"),
        (lambda: dcp.gpu_map(IMAGES, "fn main() {"), "WGSL line 1:11"),
    ],
)
def test_what_does_not_fit_is_told_before_it_runs(call: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_generator_ends_the_job_where_its_datum_does_not_fit(evaluator: dcp.Evaluator) -> None:
    results = dcp.gpu_map(iter([IMAGES[0], IMAGES[0].astype(int)]), SCALE, bindings={"factor": 1}, evaluator=evaluator)
    with pytest.raises(TypeError, match=r"input 1: .*int64 does not fit"):
        results.wait()


def test_what_only_sandboxes_have_is_told() -> None:
    with pytest.raises(AttributeError, match=r"dcp\.gpu\.run is for work functions: .*; here there is dcp\.gpu_map"):
        dcp.gpu.run(SCALE)
    with pytest.raises(AttributeError, match=r"dcp\.progress is for work functions"):
        dcp.progress()
    assert not hasattr(dcp.gpu, "rum")
