"""Render pipelines, passes and bundles, checked by the pixels that come back."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run

FULL_RED = "r" * 16


def test_a_triangle_covers_the_attachment(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["cleared"] == "b" * 16
    assert found["red"] == FULL_RED
    assert found["scissor"] == "brrb" * 2 + "b" * 8
    assert found["viewport"] == "b" * 8 + "r" * 8
    assert found["loaded"] == found["viewport"]
    assert found["blended"] == [0, 0, 51, 255]
    assert found["masked"] == "b" * 16
    assert found["async"] == "g" * 16
    assert found["second"] == FULL_RED
    assert found["stderr"] == ""


def test_vertex_index_and_indirect_buffers(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["some"] == "brrb"
    assert found["bare"] == found["some"]
    assert found["offset"] == "brbb"
    assert found["indexed"] == "brbr"
    assert found["base"] == "rbbb"
    assert found["indirect"] == "bbrb"
    assert found["indexedIndirect"] == "brbr"
    assert found["nothing"] == "bbbb"
    assert found["stderr"] == ""


def test_depth_stencil_and_multisampling(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["depth"] == [FULL_RED, "b" * 16]
    assert found["stencil"] == "4444" + "3" * 12
    assert found["resolved"] in ([128, 0, 128, 255], [127, 0, 127, 255], [128, 0, 127, 255], [127, 0, 128, 255])
    assert found["cleared"] == [0.125] * 4
    assert found["stderr"] == ""


def test_bundles_draw_what_they_recorded(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device);
        const red = painter(device);
        const bundle = bundleOf(device, (encoder) => {
          encoder.pushDebugGroup("group"); encoder.setPipeline(red); encoder.insertDebugMarker("marker");
          encoder.setVertexBuffer(0, null); encoder.setBindGroup(0, null); encoder.draw(3); encoder.popDebugGroup();
        }, { label: "all" });
        paint(device, texture, (pass) => { pass.setScissorRect(0, 0, 4, 2); pass.executeBundles(new Set([bundle])); });
        results.bundle = picture(await pixels(device, texture));
        // The objects that a bundle uses live as long as it does.
        const encoder = device.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] });
        (() => {
          const indices = device.createBuffer({ size: 8, usage: U.INDEX, mappedAtCreation: true });
          new Uint16Array(indices.getMappedRange()).set([0, 1, 2]);
          indices.unmap();
          encoder.setPipeline(painter(device, { fragment: { entryPoint: "green" } }));
          encoder.setIndexBuffer(indices, "uint16");
        })();
        for (let i = 0; i < 1000; i++) device.createBuffer({ size: 4, usage: U.INDEX });
        await device.queue.onSubmittedWorkDone();
        encoder.drawIndexed(3);
        const late = encoder.finish({ label: "late" });
        paint(device, texture, (pass) => pass.executeBundles([late, late]));
        results.late = picture(await pixels(device, texture));
        results.label = late.label;
        """,
    )
    assert found["bundle"] == "r" * 8 + "b" * 8
    assert found["late"] == "g" * 16
    assert found["label"] == "late"
    assert found["stderr"] == ""


def test_wrong_pipelines_are_refused(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert [name for name, error in found["wrong"].items() if not error.startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 21
    assert found["async"] == [["GPUPipelineError", "validation"]] * 2
    assert found["scope"] is None
    assert found["types"] == ["TypeError"] * 9
    assert found["stderr"] == ""


def test_wrong_passes_are_refused_at_finish(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert [name for name, error in found["wrong"].items() if not error.startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 17
    assert found["right"] == {"slice": None, "readOnly": None}
    assert found["before"] is None
    assert "another device" in found["late"]
    assert found["buffer"] == "[object GPUCommandBuffer]"
    assert found["types"] == ["TypeError"] * 6
    assert found["stderr"] == ""


def test_wrong_commands_are_refused_in_passes_and_in_bundles(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    for part, count in (("inPass", 28), ("inBundle", 28), ("bundles", 9), ("state", 5)):
        wrong = found[part]
        assert [name for name, error in wrong.items() if not (error or "").startswith("GPUValidationError")] == [], part
        assert len(wrong) == count
    assert found["types"] == ["TypeError"] * 8
    assert found["still"] is None
    assert found["stderr"] == ""


def test_the_blend_constant_of_a_pass_begins_as_zero(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const part = { srcFactor: "constant", dstFactor: "one", operation: "add" };
        const targets = [{ format: "rgba8unorm", blend: { color: part, alpha: part } }];
        const pipeline = painter(device, { fragment: { targets } });
        const texture = canvas(device);
        const draw = (pass) => { pass.setPipeline(pipeline); pass.draw(3); };
        const colour = async (record) => {
          const error = await errorOf(device, () => paint(device, texture.createView(), record));
          return error ?? (await pixels(device, texture)).slice(0, 4);
        };
        results.first = await colour(draw);
        results.set = await colour((pass) => { pass.setBlendConstant([1, 1, 1, 1]); draw(pass); });
        results.next = await colour(draw);
        const bundle = bundleOf(device, draw);
        results.bundle = await colour((pass) => pass.executeBundles([bundle]));
        """,
    )
    blue, magenta = [0, 0, 255, 255], [255, 0, 255, 255]
    assert found["first"] == blue
    assert found["set"] == magenta
    assert found["next"] == blue
    assert found["bundle"] == blue


def test_layouts_without_attributes_take_no_location_behind_the_last_that_has_some(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const count = device.limits.maxVertexAttributes;
        const attributes = Array.from({ length: count },
          (_, i) => ({ format: "float32", offset: 0, shaderLocation: i }));
        const full = { arrayStride: 4, attributes }, bare = { arrayStride: 4, attributes: [] };
        const made = (buffers) => () => painter(device, { vertex: { buffers } });
        results.caught = await errors(device, {
          full: made([full]), bare: made([full, bare]), hole: made([full, null]), more: made([full, bare, null, bare]),
          only: made([bare, null]), before: made([bare, full]),
          stride: made([full, { arrayStride: 3, attributes: [] }]),
        });
        // What is drawn is the same, whatever stands behind.
        const vertices = device.createBuffer({ size: 24, usage: U.VERTEX | U.COPY_DST });
        device.queue.writeBuffer(vertices, 0, new Float32Array([-1, -1, 3, -1, -1, 3]));
        const position = { arrayStride: 8, attributes: [{ format: "float32x2", offset: 0, shaderLocation: 0 }] };
        const texture = canvas(device);
        results.pictures = [];
        for (const buffers of [[position], [position, bare], [position, null]]) {
          const pipeline = painter(device, { vertex: { entryPoint: "at", buffers } });
          paint(device, texture.createView(), (pass) => {
            pass.setPipeline(pipeline);
            pass.setVertexBuffer(0, vertices);
            pass.draw(3);
          });
          results.pictures.push(picture(await pixels(device, texture)));
        }
        """,
    )
    caught = found["caught"]
    assert [name for name, error in caught.items() if error is not None] == ["before", "stride"]
    assert "location" in caught["before"]
    assert set(found["pictures"]) == {"r" * 16}
