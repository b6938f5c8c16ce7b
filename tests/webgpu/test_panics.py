"""Shaders that make wgpu-native's compiler panic, or recurse deep, cost an error each; device and buffers live on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gpu_script import run

# A function gets a pointer to a part of a variable: naga sees no fault in it, and panics where it writes SPIR-V.
POINTER = """
fn put(p: ptr<function, u32>) { *p = 5u; }
fn panic() { var s: array<u32, 3>; put(&s[1]); }
@compute @workgroup_size(1) fn compute() { panic(); }
@vertex fn vertex() -> @builtin(position) vec4f { return vec4f(); }
@fragment fn fragment() -> @location(0) vec4f { panic(); return vec4f(); }
"""
SHARED = f"""
const POINTER = `{POINTER}`;
const compute = (module, entryPoint) => ({{ layout: "auto", compute: {{ module, entryPoint }} }});
const render = (module) => ({{ layout: "auto", vertex: {{ module }},
  fragment: {{ module, targets: [{{ format: "rgba8unorm" }}] }} }});
const reasonOf = (promise) => promise.then(() => "nothing", (error) => `${{error.constructor.name}} ${{error.reason}}`);
async function doubled(device, buffer) {{
  const module = device.createShaderModule({{ code: DOUBLE }});
  const pipeline = device.createComputePipeline(compute(module));
  device.queue.submit([encodeDouble(device, pipeline, buffer)]);
  return read(device, buffer);
}}
"""
MESSAGE = "the shader compiler has failed: "


def lines_of_panics(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if "panic in wgpu-native: " in line]


def test_a_panic_costs_the_pipeline_and_nothing_else(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        SHARED
        + """
        const device = await newDevice();
        const before = storage(device, new Float32Array([1, 2, 3, 4]));
        const module = device.createShaderModule({ code: POINTER });
        results.module = (await module.getCompilationInfo()).messages.length;
        results.errors = [
          await errorOf(device, () => device.createComputePipeline(compute(module))),
          await errorOf(device, () => device.createRenderPipeline(render(module))),
        ];
        results.rejected = [
          await reasonOf(device.createComputePipelineAsync(compute(module))),
          await reasonOf(device.createRenderPipelineAsync(render(module))),
        ];
        let invalid;
        await errorOf(device, () => { invalid = device.createComputePipeline(compute(module)); });
        results.used = await errorOf(device, () => encodeDouble(device, invalid, before));
        results.values = await doubled(device, before);
        results.lost = await Promise.race([device.lost.then(() => true), false]);
        """,
    )
    assert found["module"] == 0
    names = ["GPUDevice.createComputePipeline", "GPUDevice.createRenderPipeline"]
    for name, error in zip(names, found["errors"], strict=True):
        assert error.startswith(f"GPUValidationError: {name}: {MESSAGE}"), error
    assert found["rejected"] == ["GPUPipelineError validation"] * 2
    assert found["used"].startswith("GPUValidationError")
    assert found["values"] == [2, 4, 6, 8]
    assert found["lost"] is False
    lines = lines_of_panics(found["stderr"])
    assert len(lines) == 5
    digest = hashlib.sha256(POINTER.encode()).hexdigest()
    for line in lines:
        assert f"sha256 {digest}" in line
        assert line.startswith("dcp-gpu-host: ")
    assert "stack backtrace" not in found["stderr"]


@pytest.mark.parametrize(
    ("declared", "used"),
    [
        ("", "var s: array<u32, 3>; let p = &s[1]; put(p);"),
        ("struct S { a: u32, b: u32 }", "var s: S; put(&s.b);"),
        ("var<private> s: array<u32, 3>; fn keep(p: ptr<private, u32>) { *p = 5u; }", "keep(&s[1]);"),
        ("fn fill(p: ptr<function, vec3f>) { *p = vec3f(1); }", "var s: mat3x3f; fill(&s[1]);"),
        ("", "var s: array<array<u32, 3>, 3>; put(&s[1][2]);"),
    ],
)
def test_pointers_to_parts_of_variables(tmp_path: Path, declared: str, used: str) -> None:
    shader = (
        f"{declared} fn put(p: ptr<function, u32>) {{ *p = 5u; }} @compute @workgroup_size(1) fn main() {{ {used} }}"
    )
    found = run(
        tmp_path,
        SHARED
        + f"""
        const device = await newDevice();
        const module = device.createShaderModule({{ code: `{shader}` }});
        results.error = await errorOf(device, () => device.createComputePipeline(compute(module)));
        results.values = await doubled(device, storage(device, new Float32Array([1, 2])));
        """,
    )
    assert found["error"].startswith(f"GPUValidationError: GPUDevice.createComputePipeline: {MESSAGE}")
    assert found["values"] == [2, 4]


def test_many_panics_leave_the_device_and_few_lines(tmp_path: Path) -> None:
    """Also what is released after a panic is: its memory is there again."""
    found = run(
        tmp_path,
        SHARED
        + """
        const device = await newDevice();
        results.uncaptured = 0;
        device.onuncapturederror = (event) => { event.preventDefault(); results.uncaptured++; };
        const kept = storage(device, new Float32Array([1, 2]));
        for (let i = 0; i < 300; i++) {
          const module = device.createShaderModule({ code: `${POINTER} // ${i}` });
          device.createComputePipeline(compute(module));
          const large = device.createBuffer({ size: 1 << 26, usage: U.STORAGE });
          await device.queue.onSubmittedWorkDone();
          large.destroy();
        }
        results.values = await doubled(device, kept);
        """,
    )
    assert found["uncaptured"] == 300
    assert found["values"] == [2, 4]
    assert len(lines_of_panics(found["stderr"])) == 16


def test_a_device_made_after_a_panic_has_errors_and_pipelines(tmp_path: Path) -> None:
    """The host goes on in another thread, which is the one whose errors belong to calls."""
    found = run(
        tmp_path,
        SHARED
        + """
        const first = await newDevice();
        const module = first.createShaderModule({ code: POINTER });
        results.first = await errorOf(first, () => first.createComputePipeline(compute(module)));
        const second = await newDevice();
        results.wrong = await reasonOf(second.createComputePipelineAsync(
          compute(second.createShaderModule({ code: DOUBLE }), "nobody")));
        const wrong = second.createShaderModule({ code: "no shader" });
        results.messages = (await wrong.getCompilationInfo()).messages.length;
        results.values = [await doubled(second, storage(second, new Float32Array([3]))),
          await doubled(first, storage(first, new Float32Array([4])))];
        """,
    )
    assert found["first"].startswith("GPUValidationError")
    assert found["wrong"] == "GPUPipelineError validation"
    assert found["messages"] == 1
    assert found["values"] == [[6], [8]]


# What makes naga recurse, `n` deep.
DEEP = {
    "brackets": "body(`x = ${'('.repeat(n)}x${')'.repeat(n)};`)",
    "calls": "body(`x = ${'abs('.repeat(n)}x${')'.repeat(n)};`)",
    "elements": "body(`var a = array(0, 0); x = ${'a['.repeat(n)}0${']'.repeat(n)};`)",
    "blocks": "body('{'.repeat(n) + '}'.repeat(n))",
    "operators": "body(`x = x${'+x'.repeat(n)};`)",
    "logic": "body(`var y = true; y = y${'|y'.repeat(n)};`)",
    "signs": "body(`x = ${'- '.repeat(n)}x;`)",
    "members": "body(`var v = vec4f(); v = v${'.xyzw'.repeat(n)};`)",
    "elses": "body('if x == 1 {} ' + 'else if x == 1 {} /* */ '.repeat(n))",
    "types": "`var<private> v: ${'array<'.repeat(n)}u32${',1>'.repeat(n)};` + body('')",
    "constants": "each((i) => `const c${i + 1} = c${i};`) + 'const c0 = 1;' + body('')",
    "functions": "each((i) => `fn f${i + 1}() { f${i}(); }`) + 'fn f0() {}' + body('')",
    "structs": "each((i) => `struct S${i + 1} { a: S${i} }`) + 'struct S0 { a: u32 }' + body('')",
    "aliases": "each((i) => `alias T${i + 1} = T${i};`) + 'alias T0 = u32;' + body('')",
}


@pytest.mark.parametrize("kind", DEEP)
def test_a_shader_that_nests_deep_costs_an_error_at_most(tmp_path: Path, kind: str) -> None:
    """Some ten thousand levels overflowed the stack; some hundred compile as before."""
    found = run(
        tmp_path,
        SHARED
        + f"""
        const device = await newDevice();
        const body = (text) => `@compute @workgroup_size(1) fn main() {{ var x = 1; ${{text}} }}`;
        const shader = (n) => {{
          const each = (one) => Array.from({{ length: n }}, (_, i) => one(n - 1 - i)).join("");
          return {DEEP[kind]};
        }};
        const kept = storage(device, new Float32Array([1, 2]));
        let module;
        results.few = await errorOf(device, () => {{ module = device.createShaderModule({{ code: shader(100) }}); }});
        results.made = await errorOf(device, () => device.createComputePipeline(compute(module)));
        results.many = await errorOf(device, () => {{
          module = device.createShaderModule({{ code: shader(30000) }});
        }});
        results.messages = (await module.getCompilationInfo()).messages.length;
        results.values = await doubled(device, kept);
        """,
    )
    assert (found["few"], found["made"]) == (None, None)
    assert found["many"].startswith("GPUValidationError: createShaderModule: ")
    assert found["messages"] == 1
    assert found["values"] == [2, 4]


def test_long_shaders_that_do_not_nest_are_compiled(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const code = `/* ((((( ${"(".repeat(5000)} */ // ${"[".repeat(5000)}
          const table = array<f32, 5000>(${"-1.5 + 2, ".repeat(5000)});
          fn f(x: f32) -> f32 { var y = x; ${"y += x * -2.0; if y > 1 { y -= 1; } ".repeat(500)} return y; }
          @compute @workgroup_size(1) fn main() { _ = f(1); }`;
        results.error = await errorOf(device, () => device.createShaderModule({ code }));
        """,
    )
    assert found["error"] is None
