"""Buffers: mapped, written, copied; much data, and many commands."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_buffers_are_mapped_written_and_copied(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const source = storage(device, new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]));
        device.queue.writeBuffer(source, 4, new Float32Array([0, 20, 30, 0]), 1, 2);
        results.whole = await read(device, source);
        const target = device.createBuffer({ size: 32, usage: U.COPY_SRC | U.COPY_DST });
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(source, 8, target, 16, 8);
        encoder.copyBufferToBuffer(source, target, 4);
        encoder.clearBuffer(target, 20, 4);
        device.queue.submit([encoder.finish()]);
        results.part = await read(device, target);
        results.attributes = [source.size, source.usage === (U.STORAGE | U.COPY_SRC | U.COPY_DST), source.mapState];
        """,
    )
    assert found["whole"] == [1, 20, 30, 4, 5, 6, 7, 8]
    assert found["part"] == [1, 0, 0, 0, 30, 0, 0, 0]
    assert found["attributes"] == [32, True, "unmapped"]


def test_map_states_and_mapped_ranges(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 64, usage: U.MAP_WRITE | U.COPY_SRC });
        results.states = [buffer.mapState];
        const mapping = buffer.mapAsync(GPUMapMode.WRITE, 8, 32);
        results.states.push(buffer.mapState);
        results.twice = await errorOf(device, () => { results.second = rejected(buffer.mapAsync(GPUMapMode.WRITE)); });
        results.second = await results.second;
        await mapping;
        results.states.push(buffer.mapState);
        const range = buffer.getMappedRange(8, 16);
        results.range = [range.byteLength, range instanceof ArrayBuffer];
        results.errors = [
          thrown(() => buffer.getMappedRange(0, 8)), thrown(() => buffer.getMappedRange(12, 4)),
          thrown(() => buffer.getMappedRange(24, 6)), thrown(() => buffer.getMappedRange(16, 16)),
          thrown(() => buffer.getMappedRange(24, 24)), thrown(() => buffer.getMappedRange(24, 16)),
        ];
        new Uint32Array(range).set([1, 2, 3, 4]);
        buffer.unmap();
        buffer.unmap();
        results.states.push(buffer.mapState);
        results.detached = [range.byteLength, range.detached];
        results.after = thrown(() => buffer.getMappedRange());
        results.contents = await read(device, buffer, Uint32Array);
        const aborted = rejected(buffer.mapAsync(GPUMapMode.WRITE));
        buffer.unmap();
        results.aborted = await aborted;
        await buffer.mapAsync(GPUMapMode.WRITE);
        const last = buffer.getMappedRange();
        buffer.destroy();
        results.destroyed = [last.detached, buffer.mapState, await rejected(buffer.mapAsync(GPUMapMode.WRITE))];
        """,
    )
    assert found["states"] == ["unmapped", "pending", "mapped", "unmapped"]
    assert found["second"] == "OperationError"
    assert "pending" in found["twice"]
    assert found["range"] == [16, True]
    assert found["errors"] == ["OperationError"] * 5 + ["nothing"]
    assert found["detached"] == [0, True]
    assert found["after"] == "OperationError"
    assert found["contents"] == [0, 0, 1, 2, 3, 4] + [0] * 10
    assert found["aborted"] == "AbortError"
    assert found["destroyed"] == [True, "unmapped", "OperationError"]


def test_wrong_mappings_are_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const readable = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
        const maps = [[3], [0], [GPUMapMode.WRITE], [1, 4], [1, 0, 6], [1, 8, 16], [1, 24]];
        results.errors = [];
        for (const args of maps) {
          const error = await errorOf(device, () => { results.last = rejected(readable.mapAsync(...args)); });
          results.errors.push([await results.last, error !== null && error.startsWith("GPUValidationError")]);
        }
        results.range = await rejected(readable.mapAsync(1, -1));
        results.odd = thrown(() => device.createBuffer({ size: 6, usage: U.COPY_SRC, mappedAtCreation: true }));
        results.invalid = await errorOf(device, () => {
          const invalid = device.createBuffer({ size: 4, usage: U.MAP_READ | U.STORAGE });
          results.last = rejected(invalid.mapAsync(GPUMapMode.READ));
        });
        results.last = await results.last;
        results.huge = await errorOf(device, () => { device.createBuffer({ size: 2 ** 40, usage: U.STORAGE }); });
        results.unmappable = thrown(() =>
          device.createBuffer({ size: 2 ** 40, usage: U.STORAGE, mappedAtCreation: true }));
        """,
    )
    assert found["errors"] == [["OperationError", True]] * 7
    assert found["range"] == "TypeError"
    assert found["odd"] == "RangeError"
    assert found["invalid"].startswith("GPUValidationError")
    assert found["last"] == "OperationError"
    assert found["huge"].startswith("GPUValidationError")
    assert found["unmappable"] == "RangeError"


def test_write_buffer_checks_its_source(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 64, usage: U.COPY_DST | U.COPY_SRC });
        const write = (...args) => thrown(() => device.queue.writeBuffer(buffer, ...args));
        results.errors = [write(0, [1]), write(0, "text"), write(0, new Uint8Array(3)),
                          write(0, new Uint8Array(8), 6, 4), write(0, new Float64Array(2), 0, 3),
                          write(-1, new Uint8Array(4))];
        results.fine = [write(0, new ArrayBuffer(4)), write(0, new DataView(new ArrayBuffer(8), 4)),
                        write(0, new Uint8Array(0)), write(8, new Float64Array([1.5, 2.5]), 1)];
        results.outside = await errorOf(device, () => device.queue.writeBuffer(buffer, 60, new Uint8Array(8)));
        results.contents = (await read(device, buffer, Float64Array)).slice(0, 3);
        """,
    )
    assert found["errors"] == ["TypeError"] * 2 + ["OperationError"] * 3 + ["TypeError"]
    assert found["fine"] == ["nothing"] * 4
    assert found["outside"].startswith("GPUValidationError")
    assert found["contents"] == [0, 2.5, 0]


def test_much_data_goes_through_the_shared_memory(tmp_path: Path) -> None:
    """More than the shared heap holds in all, and one write that is longer than a part."""
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const words = 24 << 20;
        const data = new Uint32Array(words);
        for (let i = 0; i < words; i += 1 << 20) data[i] = i + 1;
        data[words - 1] = 77;
        const buffer = device.createBuffer({ size: data.byteLength, usage: U.COPY_DST | U.COPY_SRC });
        for (let i = 0; i < 8; i++) device.queue.writeBuffer(buffer, 0, data);
        const target = device.createBuffer({ size: data.byteLength, usage: U.MAP_READ | U.COPY_DST });
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(buffer, target);
        device.queue.submit([encoder.finish()]);
        await target.mapAsync(GPUMapMode.READ);
        const back = new Uint32Array(target.getMappedRange());
        results.last = back[words - 1];
        results.wrong = 0;
        for (let i = 0; i < words; i += 1 << 20) if (back[i] !== data[i]) results.wrong++;
        """,
    )
    assert found["last"] == 77
    assert found["wrong"] == 0


def test_many_commands_wrap_around_the_ring(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 4, usage: U.COPY_DST | U.COPY_SRC });
        for (let i = 0; i < 60000; i++) device.queue.writeBuffer(buffer, 0, new Uint32Array([i]));
        results.value = await read(device, buffer, Uint32Array);
        """,
    )
    assert found["value"] == [59999]
