"""Textures, views, samplers, storage textures and copies, checked by the texels that come back."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_a_texture_has_its_attributes_and_reads_as_zero(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = device.createTexture({
          label: "mine", size: { width: 8, height: 4, depthOrArrayLayers: 2 }, mipLevelCount: 2, format: "rgba8unorm",
          usage: T.COPY_SRC | T.COPY_DST, textureBindingViewDimension: "2d-array",
        });
        const { label, width, height, depthOrArrayLayers, mipLevelCount, sampleCount, dimension, format,
          usage } = texture;
        results.attributes = [label, width, height, depthOrArrayLayers, mipLevelCount, sampleCount, dimension, format,
                              usage, texture.textureBindingViewDimension === undefined];
        results.zero = (await pixels(device, texture)).every((byte) => byte === 0);
        results.view = [texture.createView({ label: "view" }).label, String(texture.createView())];
        const sizes = [[3], [3, 2], [3, 2, 5], new Set([3, 2])];
        results.sizes = sizes.map((size) => device.createTexture({ size, format: "r8unorm", usage: T.COPY_SRC }))
          .map((made) => [made.width, made.height, made.depthOrArrayLayers].join());
        """,
    )
    assert found["attributes"] == ["mine", 8, 4, 2, 2, 1, "2d", "rgba8unorm", 3, True]
    assert found["zero"] is True
    assert found["view"] == ["view", "[object GPUTextureView]"]
    assert found["sizes"] == ["3,1,1", "3,2,1", "3,2,5", "3,2,1"]
    assert found["stderr"] == ""


def test_textures_are_written_and_copied(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const first = canvas(device, { size: [4, 2, 2] });
        const bytes = Uint8Array.from({ length: 72 }, (_, i) => i);
        device.queue.writeTexture({ texture: first, origin: [0, 0, 1] }, bytes, { offset: 8, bytesPerRow: 16 }, [4, 2]);
        results.written = await pixels(device, first, Uint8Array, { z: 1 });
        results.other = (await pixels(device, first)).every((byte) => byte === 0);
        const second = canvas(device, { size: [4, 4] });
        const encoder = device.createCommandEncoder();
        encoder.copyTextureToTexture({ texture: first, origin: [1, 0, 1] }, { texture: second, origin: { y: 3 } }, [2,
          1]);
        const buffer = device.createBuffer({ size: 512, usage: U.COPY_DST | U.COPY_SRC });
        device.queue.writeBuffer(buffer, 256, new Uint8Array([9, 8, 7, 6]));
        encoder.copyBufferToTexture({ buffer, offset: 256 }, { texture: second }, { width: 1 });
        device.queue.submit([encoder.finish()]);
        const all = await pixels(device, second);
        results.copied = [all.slice(48, 56), all.slice(0, 4), all.slice(4, 48).every((byte) => byte === 0)];
        const volume = device.createTexture({
          size: [2, 2, 2], dimension: "3d", format: "r32float", usage: T.COPY_SRC | T.COPY_DST,
        });
        device.queue.writeTexture({ texture: volume }, Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
                                  { bytesPerRow: 8, rowsPerImage: 2 }, [2, 2, 2]);
        results.volume = await pixels(device, volume, Float32Array, { z: 1 });
        device.queue.writeTexture({ texture: volume }, new Uint8Array(0), {}, [0, 0, 0]);
        device.queue.writeTexture({ texture: volume }, new Uint8Array(0), { bytesPerRow: 0, rowsPerImage: 0 }, [0, 0,
          0]);
        """,
    )
    assert found["written"] == list(range(8, 40))
    assert found["other"] is True
    assert found["copied"] == [[12, 13, 14, 15, 16, 17, 18, 19], [9, 8, 7, 6], True]
    assert found["volume"] == [5, 6, 7, 8]
    assert found["stderr"] == ""


def test_large_writes_go_in_parts(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["layers"] == [True, True] * 3
    assert found["small"] is True
    assert found["uncaptured"] == 2


def test_wrong_textures_are_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const made = (extra) => () =>
          device.createTexture({ size: [4, 4], format: "rgba8unorm", usage: T.TEXTURE_BINDING, ...extra });
        results.validation = await errors(device, {
          zero: made({ size: [0] }), mips: made({ mipLevelCount: 0 }), manyMips: made({ mipLevelCount: 9 }),
          samples: made({ sampleCount: 3, usage: 16 }), noUsage: made({ usage: 0 }), unknownUsage: made({ usage: 128 }),
          transient: made({ usage: T.TRANSIENT_ATTACHMENT | T.RENDER_ATTACHMENT }), large: made({ size: [1e5] }),
          depth1d: made({ dimension: "1d", size: [4], format: "depth16unorm" }),
          views: made({ viewFormats: ["r32float"] }), storage: made({ format: "rgba8unorm-srgb", usage: 8 }),
          destroyed: () => { const gone = canvas(device); gone.destroy(); paint(device, gone); },
        });
        results.types = [
          made({ format: "r16unorm" }), made({ format: "bc1-rgba-unorm" }), made({ viewFormats: ["astc-4x4-unorm"] }),
          made({ size: [] }), made({ size: [1, 1, 1, 1] }), made({ size: {} }), made({ size: [-1] }),
          made({ size: [1.5e10] }), made({ format: "nonsense" }), made({ dimension: "4d" }), made({ usage: -1 }),
          () => device.createTexture(), () => device.createTexture({ size: [1], usage: 1 }),
        ].map(thrown);
        """,
    )
    assert [name for name, error in found["validation"].items() if not error.startswith("GPUValidationError")] == []
    assert len(found["validation"]) == 12
    assert found["types"] == ["TypeError"] * 13
    assert found["stderr"] == ""


def test_wrong_views_and_samplers_are_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device, { mipLevelCount: 3 });
        const view = (descriptor) => () => texture.createView(descriptor);
        const sampler = (descriptor) => () => device.createSampler(descriptor);
        results.wrong = await errors(device, {
          noMips: view({ mipLevelCount: 0 }), noLayers: view({ arrayLayerCount: 0 }), far: view({ baseMipLevel: 9 }),
          most: view({ mipLevelCount: 4294967295 }), format: view({ format: "r32uint" }),
            cube: view({ dimension: "cube" }),
          usage: view({ usage: T.STORAGE_BINDING }), swizzle: view({ swizzle: "bgra" }),
          aspect: view({ aspect: "depth-only" }), lod: sampler({ lodMinClamp: 5, lodMaxClamp: 2 }),
          negative: sampler({ lodMinClamp: -1 }), anisotropy: sampler({ maxAnisotropy: 4 }),
          none: sampler({ maxAnisotropy: 0 }),
        });
        results.right = await errors(device, {
          mip: view({ baseMipLevel: 1, mipLevelCount: 2, usage: T.TEXTURE_BINDING }),
            array: view({ dimension: "2d-array" }),
          swizzle: view({ swizzle: "rgba" }), plain: sampler(), nothing: sampler(null),
          compare: sampler({ compare: "less", addressModeU: "mirror-repeat", label: "shadow" }),
          anisotropy: sampler({ magFilter: "linear", minFilter: "linear", mipmapFilter: "linear", maxAnisotropy: 1e9 }),
        });
        results.types = [
          sampler({ lodMinClamp: NaN }), sampler({ compare: "more" }), sampler({ magFilter: null }), sampler(5),
          view({ aspect: "colour" }), view({ mipLevelCount: -1 }), view({ format: "bc1-rgba-unorm" }),
        ].map(thrown);
        """,
    )
    assert [name for name, error in found["wrong"].items() if not error.startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 13
    assert found["right"] == dict.fromkeys(found["right"])
    assert found["types"] == ["TypeError"] * 7
    assert found["stderr"] == ""


def test_wrong_copies_are_refused(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert [name for name, error in found["wrong"].items() if not error.startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 17
    assert found["types"] == ["TypeError"] * 7
    assert found["untouched"] is True
    assert found["stderr"] == ""


def test_shaders_sample_load_and_store_textures(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["target"] == [0] * 8 + [255] * 8
    assert abs(found["level"] - 0.2) < 1e-6
    assert [name for name, error in found["wrong"].items() if not error.startswith("GPUValidationError")] == []
    assert found["types"] == ["TypeError"] * 3
    assert found["stderr"] == ""


def test_a_sandbox_has_no_images(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device);
        results.types = [
          () => device.importExternalTexture({ source: {} }), () => device.importExternalTexture({}),
          () => device.queue.copyExternalImageToTexture({ source: {} }, { texture }, [1]),
          () => device.queue.copyExternalImageToTexture({ source: texture }, { texture, colorSpace: "srgb" }, [1]),
          () => GPUCanvasContext.prototype.configure.call({}, { device, format: "bgra8unorm" }),
          () => GPUCanvasContext.prototype.getCurrentTexture.call({}), () => new GPUCanvasContext(),
          () => GPUCanvasContext.prototype.canvas,
        ].map(thrown);
        results.preferred = navigator.gpu.getPreferredCanvasFormat();
        """,
    )
    assert found["types"] == ["TypeError"] * 8
    assert found["preferred"] == "bgra8unorm"


def test_a_texture_without_memory_is_an_out_of_memory_error(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const { limits } = await navigator.gpu.requestAdapter();
        const { maxTextureDimension2D, maxTextureArrayLayers } = limits;
        const device = await newDevice({ requiredLimits: { maxTextureDimension2D, maxTextureArrayLayers } });
        const size = [maxTextureDimension2D, maxTextureDimension2D, maxTextureArrayLayers];
        const make = () => device.createTexture({ format: "rgba32float", usage: T.COPY_DST, size });
        device.pushErrorScope("validation");
        results.memory = await errorOf(device, make, "out-of-memory");
        results.validation = await device.popErrorScope();
        const told = new Promise((resolve) => {
          device.onuncapturederror = (event) => { event.preventDefault(); resolve(nameOf(event.error)); };
        });
        make();
        results.uncaptured = await told;
        """,
    )
    assert found["memory"].startswith("GPUOutOfMemoryError: GPUDevice.createTexture: ")
    assert found["validation"] is None
    assert found["uncaptured"] == "GPUOutOfMemoryError"


def test_copies_of_nothing_need_no_bytes(tmp_path: Path, script: str) -> None:
    """And have the errors of other copies."""
    found = run(
        tmp_path,
        script,
    )
    for kind, caught in found["caught"].items():
        valid = {name for name, error in caught.items() if error is None}
        assert valid == {"width", "height", "both", "depth", "layers", "level", "edge"}, kind


def test_a_view_has_the_usages_that_it_was_given(tmp_path: Path) -> None:
    """Each usage of a view: may it be sampled, stored to, attached? With explicit layouts and with a pipeline's own."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = device.createTexture({ format: "rgba8unorm", size: [4, 4], usage: 31 });
        const entry = (binding) => ({ binding, visibility: GPUShaderStage.COMPUTE });
        const layout = (extra) => device.createBindGroupLayout({ entries: [{ ...entry(0), ...extra }] });
        const sampled = layout({ texture: {} }), stored = layout({ storageTexture: { format: "rgba8unorm" } });
        const own = (declaration, use) => device.createComputePipeline({
          layout: "auto", compute: { module: device.createShaderModule({ code: `
            @group(0) @binding(0) var t: ${declaration};
            @compute @workgroup_size(1) fn main() { ${use} }` }) },
        }).getBindGroupLayout(0);
        const ownSampled = own("texture_2d<f32>", "_ = textureLoad(t, vec2u(), 0);");
        const ownStored = own("texture_storage_2d<rgba8unorm, write>", "textureStore(t, vec2u(), vec4f());");
        const bound = (view, layout) => () => device.createBindGroup({ layout, entries: [{ binding: 0,
          resource: view }] });
        for (const usage of [0, 4, 8, 12, 16, 20, 24, 28, 31, 11]) {
          const view = texture.createView({ usage });
          const caught = await errors(device, {
            sampled: bound(view, sampled), ownSampled: bound(view, ownSampled),
            stored: bound(view, stored), ownStored: bound(view, ownStored),
            attached: () => paint(device, view),
          });
          results[usage] = Object.values(caught).map((error) => error === null);
        }
        // A view for storage works, and its texture is looked at when it is used.
        const view = texture.createView({ usage: 8 });
        const group = device.createBindGroup({ layout: ownStored, entries: [{ binding: 0, resource: view }] });
        const pipeline = device.createComputePipeline({
          layout: device.createPipelineLayout({ bindGroupLayouts: [stored] }),
          compute: { module: device.createShaderModule({ code: `
            @group(0) @binding(0) var t: texture_storage_2d<rgba8unorm, write>;
            @compute @workgroup_size(4, 4) fn main(@builtin(local_invocation_id) id: vec3u) {
              textureStore(t, id.xy, vec4f(0, 1, 0, 0.5)); }` }) },
        });
        const store = (bindGroup) => {
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline); pass.setBindGroup(0, bindGroup); pass.dispatchWorkgroups(1); pass.end();
          device.queue.submit([encoder.finish()]);
        };
        const usable = device.createBindGroup({ layout: stored, entries: [{ binding: 0, resource: view }] });
        results.stored = await errorOf(device, () => store(usable));
        results.picture = picture(await pixels(device, texture));
        texture.destroy();
        results.destroyed = await errorOf(device, () => store(usable));
        """,
    )
    for usage in (0, 4, 8, 12, 16, 20, 24, 28, 31, 11):
        may = [usage == 0 or usage & bit != 0 for bit in (4, 4, 8, 8, 16)]
        assert found[str(usage)] == may, usage
    assert found["stored"] is None
    assert found["picture"] == "g" * 16
    assert "destroyed" in found["destroyed"]
