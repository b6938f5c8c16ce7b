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
    assert len(found["wrong"]) == 16
    assert len(found["timing"]) == 5
    assert found["types"] == ["TypeError"] * 3
    assert found["stderr"] == ""
