"""Every kind of WebGPU object used after its end, in the midst of a call, or with those of another device.

What comes of it is an error of the device or an exception; the host of the sandbox stays, and computes what is right.
Needs a Vulkan driver.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from target import Attacks, Target, check_attacks

PRELUDE = Path(__file__).with_name("js").joinpath("gpu_handles.js").read_text(encoding="utf-8")

HANDLES: Attacks = {
    "adapter, that has given its device": (
        """
        const adapter = await navigator.gpu.requestAdapter();
        await adapter.requestDevice();
        return adapter.requestDevice().then(() => 1, (error) => error.name);
        """,
        "OperationError",
    ),
    "device, destroyed": (
        """
        const gone = await open();
        gone.destroy();
        const buffer = gone.createBuffer({ size: 4, usage: U.MAP_READ | U.COPY_DST });
        const encoder = gone.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer, 0, buffer, 0, 4);
        gone.queue.submit([encoder.finish()]);
        return [await buffer.mapAsync(1).catch((e) => e.name), (await gone.lost).reason,
          await gone.queue.onSubmittedWorkDone()];
        """,
        ["AbortError", "destroyed", None],
    ),
    "device, destroyed in the midst of a pass": (
        """
        const gone = await open();
        const pass = gone.createCommandEncoder().beginComputePass();
        gone.destroy();
        pass.dispatchWorkgroups(1);
        pass.end();
        return (await gone.lost).reason;
        """,
        "destroyed",
    ),
    "buffer, destroyed and written, copied, submitted": (
        """
        const buffer = newBuffer(), encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer, 0, newBuffer(), 0, 256);
        buffer.destroy();
        const commands = encoder.finish();
        return [await failed(() => device.queue.submit([commands])),
                await failed(() => device.queue.writeBuffer(buffer, 0, new Uint8Array(256)))];
        """,
        [True, True],
    ),
    "buffer, destroyed while it is mapped": (
        """
        const buffer = newBuffer(U.MAP_WRITE | U.COPY_SRC);
        await buffer.mapAsync(GPUMapMode.WRITE);
        const view = new Uint8Array(buffer.getMappedRange());
        buffer.destroy();
        return [view.length, thrown(() => buffer.getMappedRange()), view[0] ?? null];
        """,
        [0, "OperationError", None],
    ),
    "buffer, whose mapped range is moved away": (
        """
        const buffer = device.createBuffer({ size: 1 << 16, usage: U.COPY_SRC | U.MAP_WRITE, mappedAtCreation: true });
        const range = buffer.getMappedRange();
        let moved = null;
        const how = thrown(() => { moved = range.transfer(1 << 17); });
        buffer.unmap();
        for (let i = 0; i < 50; i++) newBuffer(U.COPY_DST, 1 << 16).destroy();
        if (moved) new Uint8Array(moved).fill(1);
        return how === null ? range.byteLength : how;
        """,
        0,
    ),
    "buffer, unmapped while its mapping is under way": (
        """
        const buffer = newBuffer(U.MAP_READ | U.COPY_DST);
        const all = [];
        for (let i = 0; i < 20; i++) { all.push(buffer.mapAsync(1).catch((e) => e.name)); buffer.unmap(); }
        return [...new Set(await Promise.all(all))];
        """,
        ["AbortError"],
    ),
    "texture, destroyed": (
        """
        const texture = newTexture(), view = texture.createView();
        texture.destroy();
        const other = { texture: newTexture() };
        return [await failed(() => submit((e) => e.beginRenderPass(attachment(view)).end())),
                await failed(() => submit((e) => e.copyTextureToTexture({ texture }, other, [1, 1])))];
        """,
        [True, True],
    ),
    "texture view, of a texture that is collected": (
        """
        const view = (() => newTexture().createView())();
        await collect();
        return failed(() => submit((e) => e.beginRenderPass(attachment(view)).end()));
        """,
        False,
    ),
    "sampler, layouts and group of another device": (
        """
        const other = await open();
        const layout = device.createBindGroupLayout({ entries: [{ binding: 0, visibility: 4, sampler: {} }] });
        const entries = [{ binding: 0, resource: other.createSampler() }];
        const wrong = [await failed(() => device.createBindGroup({ layout, entries })),
          await failed(() => other.createPipelineLayout({ bindGroupLayouts: [layout] }), other)];
        other.destroy();
        return wrong;
        """,
        [True, True],
    ),
    "bind group, whose buffer is destroyed": (
        """
        const buffer = newBuffer(U.STORAGE), pipeline = newPipeline(), group = newGroup(pipeline, buffer);
        buffer.destroy();
        return failed(() => compute(pipeline, group));
        """,
        True,
    ),
    "bind group and pipeline, whose parts are all collected": (
        """
        const [pipeline, group] = (() => { const p = newPipeline(); return [p, newGroup(p, newBuffer(U.STORAGE))]; })();
        await collect();
        return failed(() => compute(pipeline, group));
        """,
        False,
    ),
    "shader module, that is not valid": (
        """
        const results = [];
        let module;
        results.push(await failed(() => { module = device.createShaderModule({ code: "fn (" }); }));
        results.push(await failed(() => newPipeline(module)));
        const descriptor = { layout: "auto", compute: { module } };
        results.push(await device.createComputePipelineAsync(descriptor).catch((error) => error.name));
        return results;
        """,
        [True, True, "GPUPipelineError"],
    ),
    "pipeline, that is not valid": (
        """
        device.pushErrorScope("validation");
        const compute = { module: newModule(), entryPoint: "none" };
        const pipeline = device.createComputePipeline({ layout: "auto", compute });
        const layout = pipeline.getBindGroupLayout(0);
        device.createBindGroup({ layout, entries: [] });
        submit((encoder) => {
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline); pass.dispatchWorkgroups(1); pass.end();
        });
        return (await device.popErrorScope()) !== null;
        """,
        True,
    ),
    "render pipeline, of another device": (
        """
        const other = await open(), module = other.createShaderModule({ code: WGSL });
        const pipeline = other.createRenderPipeline({ layout: "auto", vertex: { module },
          fragment: { module, targets: [{ format: "rgba8unorm" }] } });
        return failed(() => submit((e) => {
          const pass = e.beginRenderPass(attachment(newTexture().createView()));
          pass.setPipeline(pipeline); pass.draw(3); pass.end();
        }));
        """,
        True,
    ),
    "command encoder, finished": (
        """
        const encoder = device.createCommandEncoder();
        encoder.finish();
        return [await failed(() => encoder.beginComputePass().end()), await failed(() => encoder.finish()),
                await failed(() => encoder.clearBuffer(newBuffer()))];
        """,
        [True, True, True],
    ),
    "compute pass, ended, and its encoder finished": (
        """
        const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
        pass.end();
        encoder.finish();
        return [await failed(() => pass.setPipeline(newPipeline())), await failed(() => pass.end())];
        """,
        [True, True],
    ),
    "render pass, open while another is begun": (
        """
        const encoder = device.createCommandEncoder(), view = newTexture().createView();
        const first = encoder.beginRenderPass(attachment(view)), second = encoder.beginRenderPass(attachment(view));
        second.draw(3); first.end(); second.end();
        return failed(() => encoder.finish());
        """,
        True,
    ),
    "render bundle encoder, finished": (
        """
        const encoder = device.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] });
        encoder.finish();
        return [await failed(() => encoder.draw(3)), await failed(() => encoder.finish())];
        """,
        [True, True],
    ),
    "render bundle, whose encoder and parts are collected": (
        """
        const bundle = (() => device.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] }).finish())();
        await collect();
        return failed(() => submit((e) => {
          const pass = e.beginRenderPass(attachment(newTexture().createView()));
          pass.executeBundles(Array(100).fill(bundle));
          pass.end();
        }));
        """,
        False,
    ),
    "command buffer, submitted twice": (
        """
        const commands = device.createCommandEncoder().finish();
        device.queue.submit([commands]);
        return [await failed(() => device.queue.submit([commands])), await failed(() => {
          const other = device.createCommandEncoder().finish(); device.queue.submit([other, other]); })];
        """,
        [True, True],
    ),
    "query set, destroyed": (
        """
        const queries = device.createQuerySet({ type: "occlusion", count: 4 });
        queries.destroy();
        return failed(() => submit((e) => e.resolveQuerySet(queries, 0, 4, newBuffer(U.QUERY_RESOLVE), 0)));
        """,
        True,
    ),
    "queue, of a device that is collected": (
        """
        const queue = await (async () => (await open()).queue)();
        await collect();
        return (await queue.onSubmittedWorkDone()) ?? null;
        """,
        None,
    ),
}

MIDST: Attacks = {
    "a size that destroys the device": (
        """
        const gone = await open();
        gone.createBuffer({ get size() { gone.destroy(); return 64; }, usage: U.COPY_DST, mappedAtCreation: true });
        return (await gone.lost).reason;
        """,
        "destroyed",
    ),
    "an offset that detaches the data": (
        """
        const buffer = newBuffer(), data = new Uint8Array(256);
        const offset = { valueOf() { data.buffer.transfer(); return 0; } };
        return thrown(() => device.queue.writeBuffer(buffer, 0, data, offset, 64));
        """,
        "TypeError",
    ),
    "an offset that shrinks the data": (
        """
        const memory = new ArrayBuffer(256, { maxByteLength: 256 }), data = new Uint8Array(memory);
        const offset = { valueOf() { memory.resize(4); return 0; } };
        return thrown(() => device.queue.writeBuffer(newBuffer(), 0, data, offset, 64));
        """,
        "OperationError",
    ),
    "an iterator that destroys what is submitted": (
        """
        const buffer = newBuffer(), encoder = device.createCommandEncoder();
        encoder.clearBuffer(buffer);
        const commands = encoder.finish();
        return failed(() => device.queue.submit({ *[Symbol.iterator]() { yield commands; buffer.destroy(); } }));
        """,
        True,
    ),
    "an offset that unmaps": (
        """
        const buffer = device.createBuffer({ size: 256, usage: U.COPY_DST, mappedAtCreation: true });
        return thrown(() => buffer.getMappedRange({ valueOf() { buffer.unmap(); return 0; } }));
        """,
        "OperationError",
    ),
    "an entry that destroys its buffer": (
        """
        const pipeline = newPipeline(), layout = pipeline.getBindGroupLayout(0);
        let group;
        const destroyed = () => { const buffer = newBuffer(U.STORAGE); buffer.destroy(); return { buffer }; };
        const entry = { binding: 0, get resource() { return destroyed(); } };
        const made = await failed(() => { group = device.createBindGroup({ layout, entries: [entry] }); });
        return made || await failed(() => compute(pipeline, group));
        """,
        True,
    ),
    "dynamic offsets that are taken away": (
        """
        const offsets = new Uint32Array(16), pipeline = newPipeline(), group = newGroup(pipeline, newBuffer(U.STORAGE));
        return failed(() => submit((encoder) => {
          const pass = encoder.beginComputePass();
          thrown(() => pass.setBindGroup(0, group, offsets, { valueOf() { offsets.buffer.transfer(); return 0; } }, 1));
          pass.end();
        }));
        """,
        False,
    ),
    "a label that encodes": (
        """
        const encoder = device.createCommandEncoder();
        const label = {
          toString() { encoder.beginComputePass({ label: "x" }).end(); device.queue.submit([]); return "y"; },
        };
        encoder.beginComputePass({ label }).end();
        return failed(() => device.queue.submit([encoder.finish({ label: { toString() { return "z"; } } })]));
        """,
        False,
    ),
    "a texture's size that makes textures": (
        """
        let left = 20;
        const descriptor = { get size() { if (left-- > 0) device.createTexture(descriptor); return [4, 4]; },
                             format: "rgba8unorm", usage: T.COPY_DST };
        return failed(() => device.createTexture(descriptor));
        """,
        False,
    ),
    "a loss that asks for the next device": (
        """
        let current = await open();
        for (let i = 0; i < 5; i++) { const next = current.lost.then(open); current.destroy(); current = await next; }
        return current.limits.maxBindGroups;
        """,
        4,
    ),
}

ALL = {**HANDLES, **MIDST}


@pytest.mark.parametrize("name", ALL)
def test_gpu_handles(target: Target, name: str) -> None:
    body, expected = ALL[name]
    found = target.attack(
        f"{PRELUDE}\nconst found = await (async () => {{ {body} }})();\nreturn [found, await right()];"
    )
    check_attacks(found, [expected, 42])
