"""Objects that are destroyed while they are used, layouts that differ, and scopes of errors within each other."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_what_is_destroyed_is_refused_at_submission_and_not_before(tmp_path: Path, script: str) -> None:
    """Destroyed after encoding: no submission. After submission: it is still used to its end (section 19.2)."""
    found = run(
        tmp_path,
        script,
    )
    assert found["later"] == dict.fromkeys(found["later"])
    wrong = {name for name, error in found["submitted"].items() if (error or "").startswith("GPUValidationError")}
    assert wrong == set(found["submitted"])
    for name in ("written", "imageWritten"):
        assert found[name].startswith("GPUValidationError")
    assert found["attributes"] == [8, 4, "rgba8unorm"]
    assert found["stderr"] == ""


def test_bind_groups_fit_their_pipeline(tmp_path: Path, script: str) -> None:
    """Group-equivalent layouts are the same; those of "auto" are their pipeline's own (sections 8.1.1 and 10.3)."""
    found = run(
        tmp_path,
        script,
    )
    assert found["right"] == dict.fromkeys(found["right"])
    assert [name for name, error in found["wrong"].items() if not (error or "").startswith("GPUValidationError")] == []
    assert len(found["wrong"]) == 13
    assert found["stderr"] == ""


def test_scopes_take_the_first_error_of_their_kind(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice({ requiredLimits: { maxBufferSize: 2 ** 28 } });
        const invalid = (label) => device.createBuffer({ label, size: 4, usage: 0 });
        const name = (error) => error === null ? null : error.constructor.name;
        device.pushErrorScope("internal");
        device.pushErrorScope("validation");
        device.pushErrorScope("out-of-memory");
        device.pushErrorScope("validation");
        invalid("first");
        device.createBindGroupLayout({ entries: [{ binding: 0, visibility: 1, buffer: {} },
          { binding: 0, visibility: 1, buffer: {} }] });
        const inner = device.popErrorScope();
        device.createBuffer({ size: 4, usage: U.MAP_READ | U.MAP_WRITE });
        const settled = [];
        const all = [inner, device.popErrorScope(), device.popErrorScope(), device.popErrorScope()];
        all.forEach((promise, i) => promise.then(() => settled.push(i)));
        results.found = (await Promise.all(all)).map(name);
        results.first = (await inner).message;
        results.settled = settled;
        results.none = await rejected(device.popErrorScope());
        const other = await newDevice();
        other.pushErrorScope("validation");
        const uncaptured = new Promise((resolve) => device.addEventListener("uncapturederror", (event) => {
          event.preventDefault(); resolve(name(event.error)); }));
        invalid("of another device");
        results.uncaptured = await uncaptured;
        results.other = await other.popErrorScope();
        device.pushErrorScope("validation");
        device.destroy();
        results.lost = [await device.popErrorScope(), (await device.lost).reason];
        """,
    )
    assert found["found"] == ["GPUValidationError", None, "GPUValidationError", None]
    assert found["first"].startswith("GPUDevice.createBuffer")
    assert found["settled"] == [0, 1, 2, 3]
    assert found["none"] == "OperationError"
    assert found["uncaptured"] == "GPUValidationError"
    assert found["other"] is None
    assert found["lost"] == [None, "destroyed"]
    assert found["stderr"] == ""


def test_clearing_nothing_is_checked_as_clearing_is(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 32, usage: U.COPY_DST | U.COPY_SRC });
        device.queue.writeBuffer(buffer, 0, new Uint32Array(8).fill(7));
        const other = device.createBuffer({ size: 32, usage: U.STORAGE });
        const attempt = (record) => () => {
          const encoder = device.createCommandEncoder();
          record(encoder);
          device.queue.submit([encoder.finish()]);
        };
        results.caught = await errors(device, {
          valid: attempt((encoder) => { encoder.clearBuffer(buffer, 0, 0); encoder.clearBuffer(buffer, 32, 0); }),
          behind: attempt((encoder) => encoder.clearBuffer(buffer, 36, 0)),
          unaligned: attempt((encoder) => encoder.clearBuffer(buffer, 2, 0)),
          usage: attempt((encoder) => encoder.clearBuffer(other, 0, 0)),
          open: attempt((encoder) => {
            const pass = encoder.beginComputePass();
            encoder.clearBuffer(buffer, 0, 0);
            pass.end();
          }),
        });
        results.kept = await read(device, buffer, Uint32Array);
        """,
    )
    wrong = [name for name, error in found["caught"].items() if error is not None]
    assert wrong == ["behind", "unaligned", "usage", "open"]
    assert found["kept"] == [7] * 8
