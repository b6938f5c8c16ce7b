"""Query sets: occlusion and timestamps."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run

SHARED = """
const set = (device, type, count = 4) => device.createQuerySet({ type, count });
async function resolved(device, querySet, count) {
  const buffer = device.createBuffer({ size: 256, usage: U.QUERY_RESOLVE | U.COPY_SRC });
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(querySet, 0, count, buffer, 0);
  device.queue.submit([encoder.finish()]);
  return (await read(device, buffer, BigUint64Array)).slice(0, count);
}
"""


def test_occlusion_queries_count_samples(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        SHARED
        + """
        const device = await newDevice();
        const querySet = set(device, "occlusion", 3);
        const red = painter(device);
        paint(device, canvas(device), (pass) => {
          pass.setPipeline(red);
          pass.beginOcclusionQuery(0); pass.draw(3); pass.endOcclusionQuery();
          pass.beginOcclusionQuery(1); pass.draw(0); pass.endOcclusionQuery();
        }, { occlusionQuerySet: querySet });
        results.passed = (await resolved(device, querySet, 3)).map((samples) => samples > 0n);
        results.attributes = [querySet.type, querySet.count];
        """,
    )
    assert found["passed"] == [True, False, False]
    assert found["attributes"] == ["occlusion", 3]
    assert found["stderr"] == ""


def test_timestamps_grow(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        SHARED
        + """
        const device = await newDevice({ requiredFeatures: ["timestamp-query"] });
        const querySet = set(device, "timestamp");
        paint(device, canvas(device), () => {}, {
          timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } });
        const encoder = device.createCommandEncoder();
        encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 2,
          endOfPassWriteIndex: 3 } }).end();
        device.queue.submit([encoder.finish()]);
        const times = await resolved(device, querySet, 4);
        results.grow = times[0] > 0n && times[0] <= times[1] && times[1] <= times[2] && times[2] <= times[3];
        """,
    )
    assert found["grow"] is True
    assert found["stderr"] == ""


def test_wrong_queries_are_refused(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        SHARED + script,
    )
    wrong = found["wrong"] | found["timing"]
    assert [name for name, error in wrong.items() if not (error or "").startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 14
    assert len(found["timing"]) == 5
    assert found["types"] == ["TypeError"] * 4
    assert found["stderr"] == ""


def test_queries_that_nothing_wrote_are_zero(tmp_path: Path) -> None:
    """Whatever was in the memory of the buffer, and whatever the program had there."""
    found = run(
        tmp_path,
        SHARED
        + """
        const device = await newDevice({ requiredFeatures: ["timestamp-query"] });
        const count = 4096, size = count * 8;
        for (let i = 0; i < 20; i++) {
          const old = device.createBuffer({ size, usage: U.COPY_DST });
          device.queue.writeBuffer(old, 0, new Uint32Array(size / 4).fill(0x5EC2E7));
          await device.queue.onSubmittedWorkDone();
          old.destroy();
        }
        results.words = 0;
        const resolve = async (querySet, buffer) => {
          const encoder = device.createCommandEncoder();
          encoder.resolveQuerySet(querySet, 0, count, buffer, 0);
          device.queue.submit([encoder.finish()]);
          results.words += (await read(device, buffer, Uint32Array)).filter((word) => word !== 0).length;
        };
        for (const type of ["timestamp", "occlusion", "timestamp"]) {
          const buffer = device.createBuffer({ size, usage: U.QUERY_RESOLVE | U.COPY_SRC });
          await resolve(set(device, type, count), buffer);
        }
        const used = device.createBuffer({ size, usage: U.QUERY_RESOLVE | U.COPY_SRC | U.COPY_DST });
        device.queue.writeBuffer(used, 0, new Uint32Array(size / 4).fill(7));
        await resolve(set(device, "timestamp", count), used);
        // The host may write there; the program may not.
        const only = device.createBuffer({ size: 256, usage: U.QUERY_RESOLVE });
        const source = device.createBuffer({ size: 256, usage: U.COPY_SRC });
        const texture = canvas(device);
        const encoded = (record) => () => {
          const encoder = device.createCommandEncoder();
          record(encoder);
          encoder.finish();
        };
        results.usage = only.usage;
        results.caught = await errors(device, {
          write: () => device.queue.writeBuffer(only, 0, new Uint32Array(4)),
          copy: encoded((e) => e.copyBufferToBuffer(source, 0, only, 0, 16)),
          clear: encoded((e) => e.clearBuffer(only)),
          texture: encoded((e) => e.copyTextureToBuffer({ texture }, { buffer: only, bytesPerRow: 256 }, [1, 1])),
        });
        """,
    )
    assert found["words"] == 0
    assert found["usage"] == 0x200
    assert all("COPY_DST" in error for error in found["caught"].values()), found["caught"]


def test_a_set_of_no_queries_can_be_made_and_not_used(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        SHARED
        + """
        const device = await newDevice();
        let none;
        results.made = await errorOf(device, () => { none = set(device, "occlusion", 0); });
        results.count = none.count;
        const buffer = device.createBuffer({ size: 256, usage: U.QUERY_RESOLVE });
        results.used = await errorOf(device, () => {
          const encoder = device.createCommandEncoder();
          encoder.resolveQuerySet(none, 0, 1, buffer, 0);
          encoder.finish();
        });
        results.many = await errorOf(device, () => { set(device, "occlusion", 4097); });
        none.destroy();
        """,
    )
    assert (found["made"], found["count"]) == (None, 0)
    assert found["used"] == "GPUValidationError: GPUCommandEncoder.resolveQuerySet: GPUQuerySet has no queries"
    assert found["many"].startswith("GPUValidationError")
