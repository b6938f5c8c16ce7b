"""Mapping as the specification's rules have it: section 5.2 (buffer mapping) and 3.4.2 (promise ordering)."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_a_refused_map_is_pending_until_the_device_timeline_has_refused_it(tmp_path: Path) -> None:
    """Only a buffer that is not unmapped is refused at once: its rejection comes before a microtask made after it."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        device.onuncapturederror = (event) => event.preventDefault();
        const buffer = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
        async function refusal(target, ...args) {
          const seen = [];
          const promise = target.mapAsync(...args);
          const caught = promise.catch((error) => seen.push(error.name));
          const { mapState } = target;
          queueMicrotask(() => seen.push("microtask"));
          await caught;
          return [mapState, ...seen, target.mapState];
        }
        results.usage = await refusal(buffer, GPUMapMode.WRITE);
        results.range = await refusal(buffer, GPUMapMode.READ, 8, 16);
        const invalid = device.createBuffer({ size: 4, usage: U.MAP_READ | U.STORAGE });
        results.invalid = await refusal(invalid, GPUMapMode.READ);
        const destroyed = device.createBuffer({ size: 4, usage: U.MAP_READ | U.COPY_DST });
        destroyed.destroy();
        results.destroyed = await refusal(destroyed, GPUMapMode.READ);
        await buffer.mapAsync(GPUMapMode.READ);
        results.mapped = await refusal(buffer, GPUMapMode.READ);
        results.range_of_it = buffer.getMappedRange().byteLength;
        buffer.unmap();
        await buffer.mapAsync(GPUMapMode.READ);
        results.again = buffer.mapState;
        """,
    )
    late = ["pending", "microtask", "OperationError", "unmapped"]
    assert [found[name] for name in ("usage", "range", "invalid", "destroyed")] == [late] * 4
    assert found["mapped"] == ["mapped", "OperationError", "microtask", "mapped"]
    assert found["range_of_it"] == 16
    assert found["again"] == "mapped"
    assert found["stderr"] == ""


def test_what_ends_a_pending_map_aborts_it(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        device.onuncapturederror = (event) => event.preventDefault();
        const make = () => device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
        const ends = { unmap: (b) => b.unmap(), destroy: (b) => b.destroy(), device: () => device.destroy() };
        results.found = [];
        for (const end in ends) {
          for (const mode of [GPUMapMode.READ, GPUMapMode.WRITE]) { // the second is not of the buffer's usage
            const buffer = make();
            const error = rejected(buffer.mapAsync(mode));
            ends[end](buffer);
            results.found.push([end, buffer.mapState, await error]);
          }
        }
        """,
    )
    ends = ["unmap", "unmap", "destroy", "destroy", "device"]
    assert found["found"][:5] == [[end, "unmapped", "AbortError"] for end in ends]
    assert found["found"][5] == ["device", "unmapped", "AbortError"]


def test_a_map_can_be_asked_for_again_at_once(tmp_path: Path) -> None:
    """What an aborted one brings does not end, or fulfil, the next one."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 16, usage: U.MAP_WRITE | U.COPY_SRC });
        results.errors = [];
        for (let round = 0; round < 100; round++) {
          const first = rejected(buffer.mapAsync(GPUMapMode.WRITE, 0, 8));
          buffer.unmap();
          await buffer.mapAsync(GPUMapMode.WRITE, 8, 8);
          results.errors.push(await first, thrown(() => buffer.getMappedRange(0, 8)));
          new Uint32Array(buffer.getMappedRange(8, 8)).fill(round);
          buffer.unmap();
        }
        results.contents = await read(device, buffer, Uint32Array);
        """,
    )
    assert found["errors"] == ["AbortError", "OperationError"] * 100
    assert found["contents"] == [0, 0, 99, 99]


def test_ranges_may_touch_and_not_overlap(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 64, usage: U.MAP_WRITE | U.COPY_SRC, mappedAtCreation: true });
        const range = (...args) => thrown(() => buffer.getMappedRange(...args));
        results.right = [range(8, 8), range(0, 8), range(16, 0), range(24, 40), range(64), range(64, 0)];
        results.wrong = [range(), range(8, 4), range(0, 12), range(56, 8), range(72), range(64, 4), range(16, 12)];
        results.types = [range(-1), range(0, -4), range(NaN)];
        """,
    )
    assert found["right"] == ["nothing"] * 6
    assert found["wrong"] == ["OperationError"] * 7
    assert found["types"] == ["TypeError"] * 3


def test_promises_settle_in_the_order_of_the_queue(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const { queue } = device;
        const pipeline = device.createComputePipeline({
          layout: "auto", compute: { module: device.createShaderModule({ code: DOUBLE }) } });
        const data = storage(device, new Float32Array(4096));
        const target = () => device.createBuffer({ size: 4, usage: U.MAP_READ | U.COPY_DST });
        const order = [], all = [];
        const watch = (name, promise) => all.push(promise.then(() => order.push(name)));
        for (let round = 0; round < 5; round++) {
          watch(`early ${round}`, queue.onSubmittedWorkDone());
          queue.submit([encodeDouble(device, pipeline, data)]);
          watch(`map ${round}`, target().mapAsync(GPUMapMode.READ));
          watch(`work ${round}`, queue.onSubmittedWorkDone());
          watch(`unused ${round}`, target().mapAsync(GPUMapMode.READ));
          watch(`late ${round}`, queue.onSubmittedWorkDone());
        }
        await Promise.all(all);
        results.order = order;
        """,
    )
    order = found["order"]
    assert len(order) == 25
    done = [name for name in order if name.split()[0] in ("early", "work", "late")]
    assert done == [f"{kind} {turn}" for turn in range(5) for kind in ("early", "work", "late")]
    for turn in range(5):
        assert order.index(f"map {turn}") < order.index(f"work {turn}")
        assert order.index(f"unused {turn}") < order.index(f"late {turn}")


def test_a_buffer_that_is_mapped_at_its_creation_reads_back_what_it_was_given(tmp_path: Path) -> None:
    """Nothing is submitted in between; what was not written is zero, whatever was in that memory before."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const READ = U.MAP_READ | U.COPY_DST;
        const words = async (buffer) => {
          await buffer.mapAsync(GPUMapMode.READ);
          const values = [...new Uint32Array(buffer.getMappedRange())];
          buffer.unmap();
          return values;
        };
        const filled = device.createBuffer({ size: 12, usage: READ, mappedAtCreation: true });
        new Uint32Array(filled.getMappedRange()).set([1, 2, 3]);
        filled.unmap();
        results.filled = await words(filled);
        results.again = await words(filled);
        for (let i = 0; i < 20; i++) {
          const old = device.createBuffer({ size: 65536, usage: READ });
          device.queue.writeBuffer(old, 0, new Uint32Array(16384).fill(0x5EC2E7));
          await device.queue.onSubmittedWorkDone();
          old.destroy();
        }
        results.stale = 0;
        for (let i = 0; i < 20; i++) {
          const buffer = device.createBuffer({ size: 65536, usage: READ, mappedAtCreation: true });
          buffer.unmap();
          results.stale += (await words(buffer)).filter((word) => word !== 0).length;
        }
        """,
    )
    assert found["filled"] == [1, 2, 3]
    assert found["again"] == [1, 2, 3]
    assert found["stale"] == 0
