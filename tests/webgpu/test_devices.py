"""Devices end when they are destroyed: a sandbox may make as many as it likes, one after the other."""

from __future__ import annotations

from pathlib import Path

import dcp_evaluator as dcp
from gpu_script import run


def test_many_devices_one_after_the_other(tmp_path: Path) -> None:
    """More than the host may have threads; each with objects that are still referred to when it ends."""
    found = run(
        tmp_path,
        """
        const seen = new Set(), kept = [];
        for (let i = 0; i < 300; i++) {
          const device = await newDevice();
          const buffer = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
          device.queue.writeBuffer(buffer, 0, new Uint32Array([i]));
          if (i % 2) await device.queue.onSubmittedWorkDone();
          kept.push(buffer, device.createCommandEncoder().beginComputePass());
          device.destroy();
          const { reason, message } = await device.lost;
          seen.add(`${reason}: ${message}`);
        }
        results.seen = [...seen];
        results.kept = kept.length;
        """,
    )
    assert found["seen"] == ["destroyed: device.destroy() was called"]
    assert found["kept"] == 600
    assert found["stderr"] == ""


def test_a_device_for_each_slice() -> None:
    work = """async (n) => {
      const device = await (await navigator.gpu.requestAdapter()).requestDevice();
      const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      device.queue.writeBuffer(buffer, 0, new Uint32Array([n]));
      await buffer.mapAsync(GPUMapMode.READ);
      const [value] = new Uint32Array(buffer.getMappedRange());
      device.destroy();
      return value;
    }"""
    results = dcp.compute_for(range(200), work).local_exec(sandboxes=1).wait()
    assert results.errors == {}
    assert list(results) == list(range(200))


def test_devices_that_nobody_destroys(tmp_path: Path) -> None:
    """The host has room for a part of them; those that are still in use stay."""
    found = run(
        tmp_path,
        """
        const kept = await newDevice();
        let lost = 0;
        for (let i = 0; i < 400; i++) {
          const device = await newDevice();
          device.lost.then(() => ++lost);
          const buffer = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
          device.queue.writeBuffer(buffer, 0, new Uint32Array([i]));
          await buffer.mapAsync(GPUMapMode.READ);
          if (new Uint32Array(buffer.getMappedRange())[0] !== i) throw new Error(`device ${i}`);
        }
        results.lost = lost;
        results.kept = await read(kept, storage(kept, new Float32Array([1, 2])));
        """,
    )
    assert found["lost"] == 0
    assert found["kept"] == [1, 2]
    assert found["stderr"] == ""


def test_a_device_for_each_slice_that_is_not_destroyed() -> None:
    work = """async (n) => {
      const device = await (await navigator.gpu.requestAdapter()).requestDevice();
      const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      device.queue.writeBuffer(buffer, 0, new Uint32Array([n]));
      await buffer.mapAsync(GPUMapMode.READ);
      return new Uint32Array(buffer.getMappedRange())[0];
    }"""
    results = dcp.compute_for(range(300), work).local_exec(sandboxes=1).wait()
    assert results.errors == {}
    assert list(results) == list(range(300))


def test_what_a_device_was_asked_is_answered_when_it_ends(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const pipeline = device.createComputePipeline({
          layout: "auto", compute: { module: device.createShaderModule({ code: DOUBLE }) },
        });
        const buffer = storage(device, new Float32Array(1 << 16));
        const target = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
        for (let i = 0; i < 20; i++) device.queue.submit([encodeDouble(device, pipeline, buffer)]);
        const done = device.queue.onSubmittedWorkDone();
        const mapped = rejected(target.mapAsync(GPUMapMode.READ));
        device.destroy();
        results.done = String(await done);
        results.mapped = await mapped;
        results.popped = await device.popErrorScope();
        // Its objects do nothing any more, and another device works.
        device.createCommandEncoder().finish();
        target.destroy();
        const other = await newDevice();
        results.other = await read(other, storage(other, new Float32Array([1, 2])));
        """,
    )
    assert found["done"] == "undefined"
    assert found["done"] == "undefined"
    assert found["mapped"] == "AbortError"
    assert found["popped"] is None
    assert found["other"] == [1, 2]
    assert found["stderr"] == ""


def test_devices_that_live_at_the_same_time_have_a_limit(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const devices = [];
        for (let i = 0; i < 129; i++) devices.push(await newDevice());
        results.last = await devices[128].lost.then(({ reason, message }) => `${reason}: ${message}`);
        devices[0].destroy();
        const next = await newDevice();
        results.next = await read(next, storage(next, new Float32Array([3])));
        results.others = await Promise.all(devices.slice(1, 128).map((device) =>
          Promise.race([device.lost.then(() => "lost"), device.queue.onSubmittedWorkDone().then(() => "works")])));
        """,
    )
    assert found["last"] == "unknown: a sandbox has no more devices at a time: destroy() those that are not needed"
    assert found["next"] == [3]
    assert set(found["others"]) == {"works"}


def test_limits_of_one_stage_are_those_of_all(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        for (const kind of ["StorageBuffers", "StorageTextures"]) {
          const names = [`max${kind}PerShaderStage`, `max${kind}InVertexStage`, `max${kind}InFragmentStage`];
          const adapter = await navigator.gpu.requestAdapter();
          results[kind] = [adapter.limits[names[0]]];
          for (const name of names) {
            const device = await newDevice({ requiredLimits: { [name]: adapter.limits[name] } });
            results[kind].push(...names.map((each) => device.limits[each]));
          }
        }
        """,
    )
    for kind in ("StorageBuffers", "StorageTextures"):
        assert len(set(found[kind])) == 1
        assert len(found[kind]) == 10


def test_a_device_has_an_adapter_info_of_its_own(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const adapter = await navigator.gpu.requestAdapter();
        const device = await adapter.requestDevice();
        results.same = [device.adapterInfo === adapter.info, device.adapterInfo === device.adapterInfo];
        const facts = ({ vendor, device, description, isFallbackAdapter }) =>
          [vendor, device, description, isFallbackAdapter];
        results.facts = [facts(adapter.info), facts(device.adapterInfo)];
        """,
    )
    assert found["same"] == [False, True]
    assert found["facts"][0] == found["facts"][1]
