"""Pipelines, bundles and passes must have the same attachments."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_pipelines_and_bundles_have_the_attachments_of_their_pass(tmp_path: Path, script: str) -> None:
    """Formats of colours and depth, samples, and what may be written (section 17.1.1.3, GPURenderPassLayout)."""
    found = run(
        tmp_path,
        script,
    )
    plain = ["plain", "tail"]
    same = {name: [name] for name in ("two", "gap", "samples", "stencil")} | {"plain": plain, "tail": plain}
    assert found["drawn"] == same | {"depth": ["depth", "readOnly"], "readOnly": ["readOnly"]}
    assert {name: sorted(fitting) for name, fitting in found["executed"].items()} == found["drawn"]
    assert found["recorded"] == found["drawn"]
    assert found["stderr"] == ""


def test_a_list_of_attachments_has_a_limit_and_is_not_empty(tmp_path: Path) -> None:
    """Nulls at its end count for the limit, which is maxColorAttachments, and are no attachment."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const pass = (colorAttachments) => () => {
          const encoder = device.createCommandEncoder();
          encoder.beginRenderPass({ colorAttachments }).end();
          encoder.finish();
        };
        const module = device.createShaderModule({ code: SHADERS });
        const pipeline = (targets) => () => device.createRenderPipeline({
          layout: "auto", vertex: { module, entryPoint: "full" }, fragment: { module, entryPoint: "red", targets } });
        const nulls = (count) => Array(count).fill(null);
        const attachment = { view: canvas(device), loadOp: "clear", storeOp: "store" };
        results.right = await errors(device, {
          pass: pass([attachment, ...nulls(7)]), pipeline: pipeline([{ format: "rgba8unorm" }, ...nulls(7)]),
          bundle: () => bundleOf(device, () => {}, { colorFormats: ["rgba8unorm", ...nulls(7)] }),
        });
        results.wrong = await errors(device, {
          pass: pass([attachment, ...nulls(8)]), noPass: pass([]), nullPass: pass(nulls(8)),
          pipeline: pipeline([{ format: "rgba8unorm" }, ...nulls(8)]),
          bundle: () => bundleOf(device, () => {}, { colorFormats: ["rgba8unorm", ...nulls(8)] }),
          noBundle: () => bundleOf(device, () => {}, { colorFormats: nulls(8) }),
        });
        """,
    )
    assert found["right"] == dict.fromkeys(found["right"])
    assert [name for name, error in found["wrong"].items() if not (error or "").startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 6
    assert found["stderr"] == ""
