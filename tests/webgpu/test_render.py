"""Render pipelines, passes and bundles, checked by the pixels that come back."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run

FULL_RED = "r" * 16


def test_a_triangle_covers_the_attachment(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device);
        const painted = async (draw, options) => {
          paint(device, texture, draw, options);
          return picture(await pixels(device, texture));
        };
        results.cleared = await painted();
        const red = painter(device);
        results.red = await painted((pass) => { pass.setPipeline(red); pass.draw(3); });
        results.scissor = await painted((pass) => {
          pass.setPipeline(red); pass.setScissorRect(1, 0, 2, 2); pass.draw(3);
        });
        results.viewport = await painted((pass) => {
          pass.setPipeline(red); pass.setViewport(0, 2, 4, 2, 0, 1); pass.draw(3);
        });
        results.loaded = await painted(() => {}, { color: { loadOp: "load" } });
        const blend = { color: { srcFactor: "zero", dstFactor: "constant" }, alpha: { srcFactor: "zero",
          dstFactor: "one" } };
        const blended = painter(device, { fragment: { targets: [{ format: "rgba8unorm", blend }] } });
        results.blended = await painted((pass) => {
          pass.setPipeline(blended); pass.setBlendConstant({ r: 0, g: 0, b: 0.2, a: 0 }); pass.draw(3);
        }).then(() => pixels(device, texture)).then((bytes) => bytes.slice(0, 4));
        const masked = painter(device, { fragment: { targets: [{ format: "rgba8unorm",
          writeMask: GPUColorWrite.ALPHA }] } });
        results.masked = await painted((pass) => { pass.setPipeline(masked); pass.draw(3); },
          { color: { clearValue: [0, 0, 1, 0] } });
        const async = await device.createRenderPipelineAsync({
          layout: "auto", vertex: { module: device.createShaderModule({ code: SHADERS }), entryPoint: "full" },
          fragment: { module: device.createShaderModule({ code: SHADERS }), entryPoint: "green",
            targets: [{ format: "rgba8unorm" }] },
        });
        results.async = await painted((pass) => { pass.setPipeline(async); pass.draw(3); });
        const views = [null, { view: texture.createView(), loadOp: "clear", storeOp: "store" }];
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginRenderPass({ label: "two", colorAttachments: views });
        pass.setPipeline(painter(device, { fragment: { targets: [null, { format: "rgba8unorm" }],
          module: device.createShaderModule({
          code: "@fragment fn second() -> @location(1) vec4f { return vec4f(1, 0, 0, 1); }" }),
            entryPoint: "second" } }));
        pass.draw(3);
        pass.end();
        device.queue.submit([encoder.finish({ label: "done" })]);
        results.second = picture(await pixels(device, texture));
        """,
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


def test_vertex_index_and_indirect_buffers(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device, { size: [4, 1] });
        const filled = (values, usage) => {
          const buffer = device.createBuffer({ size: values.byteLength, usage: usage | U.COPY_DST });
          device.queue.writeBuffer(buffer, 0, values);
          return buffer;
        };
        const buffers = [null, { arrayStride: 8, attributes: [{ format: "float32x2", offset: 0, shaderLocation: 0 }] }];
        const primitive = { topology: "point-list" };
        const bare = painter(device, {
          vertex: { entryPoint: "at", buffers: [{ arrayStride: 8, attributes: [] }, buffers[1]] }, primitive,
        });
        const points = painter(device, { vertex: { entryPoint: "at", buffers }, primitive });
        // The middle of each pixel.
        const vertices = filled(new Float32Array([-0.75, 0, -0.25, 0, 0.25, 0, 0.75, 0]), U.VERTEX);
        const indices = filled(new Uint16Array([3, 1, 0, 0]), U.INDEX);
        const counts = filled(new Uint32Array([0, 1, 1, 2, 0, 2, 1, 0, 0, 0]), U.INDIRECT);
        const drawn = async (draw) => {
          paint(device, texture, (pass) => { pass.setPipeline(points); pass.setVertexBuffer(1, vertices); draw(pass);
            });
          return picture(await pixels(device, texture));
        };
        results.some = await drawn((pass) => pass.draw(2, 1, 1));
        const elsewhere = filled(new Float32Array([0.75, 0, 0.75, 0, 0.75, 0, 0.75, 0]), U.VERTEX);
        results.bare = await drawn((pass) => {
          pass.setPipeline(bare); pass.setVertexBuffer(0, elsewhere); pass.draw(2, 1, 1);
        });
        results.offset = await drawn((pass) => { pass.setVertexBuffer(1, vertices, 8, 8); pass.draw(1); });
        results.indexed = await drawn((pass) => { pass.setIndexBuffer(indices, "uint16", 0, 4); pass.drawIndexed(2); });
        results.base = await drawn((pass) => { pass.setIndexBuffer(indices, "uint16"); pass.drawIndexed(1, 1, 1, -1);
          });
        results.indirect = await drawn((pass) => pass.drawIndirect(counts, 4));
        results.indexedIndirect = await drawn((pass) => { pass.setIndexBuffer(indices, "uint16");
          pass.drawIndexedIndirect(counts, 20); });
        results.nothing = await drawn((pass) => {
          pass.setVertexBuffer(0, null); pass.setVertexBuffer(2, vertices, 0, 0); pass.draw(0);
        });
        """,
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


def test_depth_stencil_and_multisampling(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device);
        const format = "depth24plus-stencil8";
        const depth = device.createTexture({ size: [4, 4], format, usage: T.RENDER_ATTACHMENT | T.COPY_SRC });
        const attachment = (depthClearValue) => ({
          view: depth, depthClearValue, depthLoadOp: "clear", depthStoreOp: "store", stencilClearValue: 3,
          stencilLoadOp: "clear", stencilStoreOp: "store",
        });
        const near = painter(device, { depthStencil: { format, depthWriteEnabled: true, depthCompare: "less" } });
        const at = async (depth) => {
          paint(device, texture, (pass) => { pass.setPipeline(near); pass.draw(3); },
            { depthStencilAttachment: attachment(depth) });
          return picture(await pixels(device, texture));
        };
        results.depth = [await at(0.75), await at(0.25)];
        const face = { compare: "equal", passOp: "increment-clamp" };
        const counting = painter(device, {
          depthStencil: { format, depthWriteEnabled: false, depthCompare: "always", stencilFront: face,
            stencilBack: face },
        });
        paint(device, texture, (pass) => {
          pass.setPipeline(counting); pass.setStencilReference(3); pass.setScissorRect(0, 0, 4, 1); pass.draw(3);
            pass.draw(3);
        }, { depthStencilAttachment: attachment(1) });
        results.stencil = (await pixels(device, depth, Uint8Array, { texel: 1, aspect: "stencil-only" })).join("");
        const samples = canvas(device, { sampleCount: 4, usage: T.RENDER_ATTACHMENT });
        const many = painter(device, { multisample: { count: 4, mask: 3 } });
        paint(device, samples, (pass) => { pass.setPipeline(many); pass.draw(3); },
              { color: { resolveTarget: texture, storeOp: "discard" } });
        results.resolved = (await pixels(device, texture)).slice(0, 4);
        const small = device.createTexture({ size: [2, 2], format: "depth32float",
          usage: T.RENDER_ATTACHMENT | T.COPY_SRC });
        const encoder = device.createCommandEncoder();
        encoder.beginRenderPass({ colorAttachments: [], depthStencilAttachment: {
          view: small, depthLoadOp: "clear", depthClearValue: 0.125, depthStoreOp: "store" } }).end();
        encoder.beginRenderPass({ colorAttachments: [], depthStencilAttachment: { view: small,
          depthReadOnly: true } }).end();
        device.queue.submit([encoder.finish()]);
        results.cleared = await pixels(device, small, Float32Array);
        """,
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


def test_wrong_pipelines_are_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const depth = (state) => () => painter(device, { depthStencil: { format: "depth24plus", ...state } });
        const target = (state) => () => painter(device, { fragment: { targets: [{ format: "rgba8unorm",
          ...state }] } });
        const attribute = { format: "float32x2", offset: 0, shaderLocation: 0 };
        const vertex = (layout) => () => painter(device, { vertex: { entryPoint: "at", buffers: [{ arrayStride: 8,
          attributes: [attribute], ...layout }] } });
        results.wrong = await errors(device, {
          noWrite: depth({ depthCompare: "less" }), noCompare: depth({ depthWriteEnabled: true }),
          noDepth: depth({ format: "stencil8", depthWriteEnabled: true, depthCompare: "less" }),
          color: depth({ format: "rgba8unorm", depthWriteEnabled: true, depthCompare: "less" }),
          compare: depth({ format: "stencil8", depthCompare: "less" }),
          mask: target({ writeMask: 16 }), format: target({ format: "depth24plus" }),
          blend: target({ format: "rgba8uint", blend: { color: {}, alpha: {} } }),
          dual: target({ blend: { color: { srcFactor: "src1" }, alpha: {} } }),
          stride: vertex({ arrayStride: 7 }), huge: vertex({ arrayStride: 2 ** 52 }),
            twice: vertex({ attributes: [attribute, attribute] }),
          bgra: vertex({ attributes: [{ ...attribute, format: "unorm8x4-bgra" }] }),
            missing: vertex({ attributes: [] }),
          buffers: () => painter(device, { vertex: { buffers: Array(20).fill({ arrayStride: 4, attributes: [] }) } }),
          entry: () => painter(device, { vertex: { entryPoint: "none" } }), nothing: () => painter(device,
            { fragment: null }),
          many: () => painter(device, { fragment: { targets: Array(9).fill({ format: "rgba8unorm" }) } }),
          samples: () => painter(device, { multisample: { count: 3 } }),
          strip: () => painter(device, { primitive: { stripIndexFormat: "uint16" } }),
          layout: () => painter(device).getBindGroupLayout(9),
        });
        const module = device.createShaderModule({ code: SHADERS });
        const async = (descriptor) => device.createRenderPipelineAsync({ layout: "auto", vertex: { module,
          entryPoint: "full" }, ...descriptor })
          .then(() => "made", (error) => [error.constructor.name, error.reason]);
        device.pushErrorScope("validation");
        results.async = [await async({}), await async({ depthStencil: { format: "depth24plus" } })];
        results.scope = await device.popErrorScope();
        results.types = [
          () => device.createRenderPipeline({ layout: "auto" }),
            () => device.createRenderPipeline({ vertex: { module } }),
          target({ blend: { color: {} } }), target({ format: "r16unorm" }),
            vertex({ attributes: [{ format: "float32" }] }),
          vertex({ stepMode: "none" }), () => painter(device, { primitive: { topology: "quads" } }),
          () => painter(device, { multisample: { mask: -1 } }),
          () => painter(device, { depthStencil: { format: "depth24plus", depthBias: 2 ** 31 } }),
        ].map(thrown);
        """,
    )
    assert [name for name, error in found["wrong"].items() if not error.startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 21
    assert found["async"] == [["GPUPipelineError", "validation"]] * 2
    assert found["scope"] is None
    assert found["types"] == ["TypeError"] * 9
    assert found["stderr"] == ""


def test_wrong_passes_are_refused_at_finish(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device);
        const volume = device.createTexture({ size: [4, 4, 4], dimension: "3d", format: "rgba8unorm",
          usage: T.RENDER_ATTACHMENT });
        const depth = device.createTexture({ size: [4, 4], format: "depth24plus", usage: T.RENDER_ATTACHMENT });
        const onto = (view, options) => () => paint(device, view, () => {}, options);
        const clears = { depthLoadOp: "clear", depthStoreOp: "store" };
        const depthOf = (attachment) => onto(texture, { depthStencilAttachment: { view: depth, ...attachment } });
        const foreign = canvas(await newDevice());
        results.wrong = await errors(device, {
          none: onto(texture, { colorAttachments: [] }), many: onto(texture, { colorAttachments: Array(9).fill(null) }),
          sizes: onto(texture, { colorAttachments: [texture, canvas(device, { size: [8, 8] })].map((view) => ({ view,
            loadOp: "clear", storeOp: "store" })) }),
          slice: onto(texture, { color: { depthSlice: 1 } }), mostSlice: onto(volume,
            { color: { depthSlice: 4294967295 } }),
          noSlice: onto(volume), farSlice: onto(volume, { color: { depthSlice: 9 } }), resolve: onto(texture,
            { color: { resolveTarget: texture } }),
          asColor: onto(depth), asDepth: onto(texture, { depthStencilAttachment: { view: texture, depthClearValue: 1,
            ...clears } }),
          noClear: depthOf(clears), farClear: depthOf({ depthClearValue: 5, ...clears }), noOps: depthOf({}),
          readOnly: depthOf({ depthReadOnly: true, ...clears }), foreign: onto(foreign),
        });
        results.right = await errors(device, { slice: onto(volume, { color: { depthSlice: 3 } }),
          readOnly: depthOf({ depthReadOnly: true }) });
        // An error comes with finish(), not with the command.
        device.pushErrorScope("validation");
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginRenderPass({ colorAttachments: [{ view: foreign, loadOp: "clear",
          storeOp: "store" }] });
        pass.setStencilReference(1);
        pass.end();
        results.before = await device.popErrorScope();
        results.late = await errorOf(device, () => { results.buffer = String(encoder.finish()); });
        const view = { view: texture, loadOp: "clear", storeOp: "store" };
        results.types = [
          () => encoder.beginRenderPass({}), () => encoder.beginRenderPass({ colorAttachments: [{ ...view,
            loadOp: undefined }] }),
          () => encoder.beginRenderPass({ colorAttachments: [{ ...view, view: null }] }),
            () => encoder.beginRenderPass({ colorAttachments: [{ ...view, clearValue: [1, 2, 3] }] }),
          () => encoder.beginRenderPass({ colorAttachments: [{ ...view, clearValue: { r: 1, g: 1, b: 1 } }] }),
            () => encoder.beginRenderPass({ colorAttachments: 5 }),
        ].map(thrown);
        """,
    )
    assert [name for name, error in found["wrong"].items() if not error.startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 15
    assert found["right"] == {"slice": None, "readOnly": None}
    assert found["before"] is None
    assert "another device" in found["late"]
    assert found["buffer"] == "[object GPUCommandBuffer]"
    assert found["types"] == ["TypeError"] * 6
    assert found["stderr"] == ""


def test_wrong_commands_are_refused_in_passes_and_in_bundles(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const texture = canvas(device);
        const buffer = (usage, size = 24) => device.createBuffer({ size, usage });
        const vertices = buffer(U.VERTEX), indices = buffer(U.INDEX, 16), counts = buffer(U.INDIRECT, 64);
        const buffers = [{ arrayStride: 8, attributes: [{ format: "float32x2", offset: 0, shaderLocation: 0 }] }];
        const at = painter(device, { vertex: { entryPoint: "at", buffers } }), full = painter(device);
        const bound = (...args) => (e) => { e.setPipeline(at); e.setVertexBuffer(...args); e.draw(3); };
        const indexed = (set, ...args) => (e) => { e.setPipeline(full); if (set) e.setIndexBuffer(...set);
          e.drawIndexed(...args); };
        const indirect = (...args) => (e) => { e.setPipeline(full); e.drawIndirect(...args); };
        const empty = device.createBindGroup({ layout: device.createBindGroupLayout({ entries: [] }), entries: [] });
        const samples = painter(device, { multisample: { count: 4 } });
        const deep = painter(device, { depthStencil: { format: "depth24plus", depthWriteEnabled: true,
          depthCompare: "less" } });
        const commands = {
          noPipeline: (e) => e.draw(3), noVertices: (e) => { e.setPipeline(at); e.draw(3); }, unset: bound(0, null),
            zero: bound(0, vertices, 0, 0),
          slot: bound(4000, vertices), odd: bound(0, vertices, 2), far: bound(0, vertices, 1000), end: bound(0,
            vertices, 24),
          huge: bound(0, vertices, 2 ** 52, 2 ** 52), usage: bound(0, indices), nullOffset: bound(0, null, 8),
          short: (e) => { e.setPipeline(at); e.setVertexBuffer(0, vertices); e.draw(4); },
          noIndices: indexed(null, 3), zeroIndices: indexed([indices, "uint16", 0, 0], 3), most: indexed([indices,
            "uint32"], 4294967295),
          first: indexed([indices, "uint32"], 1, 1, 4294967295), indexUsage: indexed([vertices, "uint16"], 3),
          oddIndirect: indirect(counts, 2), farIndirect: indirect(counts, 60), hugeIndirect: indirect(counts,
            2 ** 53 - 4),
          indirectUsage: indirect(indices, 0), group: (e) => e.setBindGroup(9, empty),
            offsets: (e) => e.setBindGroup(0, empty, [256]),
          pop: (e) => e.popDebugGroup(), open: (e) => e.pushDebugGroup("open"), immediates: (e) => e.setImmediates(0,
            new Uint8Array(8)),
          samples: (e) => e.setPipeline(samples), deep: (e) => e.setPipeline(deep),
        };
        const inPass = {}, inBundle = {};
        for (const name in commands) {
          inPass[name] = () => paint(device, texture, commands[name]);
          inBundle[name] = () => bundleOf(device, commands[name]);
        }
        results.inPass = await errors(device, inPass);
        results.inBundle = await errors(device, inBundle);
        const bundle = (extra) => () => bundleOf(device, () => {}, extra);
        results.bundles = await errors(device, {
          none: bundle({ colorFormats: [] }), nulls: bundle({ colorFormats: [null] }),
            many: bundle({ colorFormats: Array(9).fill("r8unorm") }),
          format: bundle({ colorFormats: ["depth24plus"] }), depth: bundle({ depthStencilFormat: "r8unorm" }),
            samples: bundle({ sampleCount: 3 }),
          other: () => paint(device, texture, (pass) => pass.executeBundles([bundleOf(device, () => {},
            { colorFormats: ["r8unorm"] })])),
          ended: () => { const encoder = device.createRenderBundleEncoder({ colorFormats: ["r8unorm"] });
            encoder.finish(); encoder.draw(3); },
          destroyed: () => { const gone = buffer(U.VERTEX); const made = bundleOf(device, (e) => e.setVertexBuffer(0,
            gone)); gone.destroy();
                             paint(device, texture, (pass) => pass.executeBundles([made])); },
        });
        results.state = await errors(device, {
          viewport: () => paint(device, texture, (pass) => pass.setViewport(0, 0, -4, 4, 0, 1)),
            depths: () => paint(device, texture, (pass) => pass.setViewport(0, 0, 4, 4, 1, 0)),
          scissor: () => paint(device, texture, (pass) => pass.setScissorRect(1, 0, 4294967295, 4)),
          locked: () => { const e = device.createCommandEncoder();
            const pass = e.beginRenderPass({ colorAttachments: [{ view: texture, loadOp: "clear",
            storeOp: "store" }] });
                          e.pushDebugGroup("x"); pass.end(); e.finish(); },
          endTwice: () => paint(device, texture, (pass) => pass.end()),
        });
        results.types = [];
        paint(device, texture, (pass) => {
          results.types = [() => pass.draw(), () => pass.draw(-1), () => pass.setViewport(NaN, 0, 1, 1, 0, 1),
            () => pass.setIndexBuffer(indices, "uint8"), () => pass.setVertexBuffer(0, 5),
                           () => pass.executeBundles([{}]), () => pass.setBlendConstant([1]),
                             () => pass.setStencilReference(-1)].map(thrown);
        });
        results.still = await errorOf(device, () => paint(device, texture));
        """,
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
