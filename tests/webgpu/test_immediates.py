"""Immediate data: a few bytes of a shader's own, set in the pass (setImmediates)."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_a_compute_shader_gets_its_bytes(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["error"] is None
    assert found["data"] == [7, 10, 9, 0] * 2
    assert found["wrong"]["odd"].startswith("GPUValidationError")
    assert found["thrown"] == ["OperationError"] * 4 + ["TypeError"] * 3 + ["nothing"]
    assert found["stderr"] == ""


def test_passes_and_bundles_draw_with_theirs(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device);
        const module = device.createShaderModule({ code: `${SHADERS}
          var<immediate> colour: vec4f;
          @fragment fn given() -> @location(0) vec4f { return colour; }` });
        const pipeline = device.createRenderPipeline({
          layout: device.createPipelineLayout({ bindGroupLayouts: [], immediateSize: 16 }),
          vertex: { module, entryPoint: "full" },
          fragment: { module, entryPoint: "given", targets: [{ format: "rgba8unorm" }] } });
        const draw = (encoder, ...colour) => {
          encoder.setPipeline(pipeline);
          encoder.setImmediates(0, new Float32Array(colour));
          encoder.draw(3);
        };
        const bundle = bundleOf(device, (encoder) => draw(encoder, 1, 0, 0, 1));
        results.error = await errorOf(device, () => paint(device, texture, (pass) => {
          pass.executeBundles([bundle]);
          pass.setScissorRect(0, 2, 4, 2);
          draw(pass, 0, 1, 0, 128 / 255);
        }));
        results.picture = picture(await pixels(device, texture));
        """,
    )
    assert found["error"] is None
    assert found["picture"] == "r" * 8 + "g" * 8
    assert found["stderr"] == ""
