"""Encoders, submissions, error scopes, and devices that are destroyed."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_encoders_end_and_submissions_are_checked(tmp_path: Path, script: str) -> None:
    found = run(
        tmp_path,
        script,
    )
    assert found["errors"] == dict.fromkeys(found["errors"], "GPUValidationError")
    assert len(found["errors"]) == 12
    assert found["alive"] is None


def test_error_scopes_nest_and_uncaptured_errors_are_events(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const bad = () => device.createBuffer({ size: 4, usage: 0, label: "bad" });
        device.pushErrorScope("validation");
        device.pushErrorScope("out-of-memory");
        bad();
        device.pushErrorScope("validation");
        results.scopes = [await device.popErrorScope(), await device.popErrorScope()];
        results.outer = (await device.popErrorScope()) instanceof GPUValidationError;
        results.empty = await rejected(device.popErrorScope());
        const seen = [];
        device.addEventListener("uncapturederror", (event) => {
          event.preventDefault();
          const { error, target } = event;
          seen.push([event instanceof GPUUncapturedErrorEvent, error instanceof GPUError, target === device]);
        });
        device.onuncapturederror = (event) => seen.push(event.type);
        bad();
        await device.queue.onSubmittedWorkDone();
        results.seen = seen;
        results.filter = thrown(() => device.pushErrorScope("nonsense"));
        """,
    )
    assert found["scopes"] == [None, None]
    assert found["outer"] is True
    assert found["empty"] == "OperationError"
    assert found["seen"] == [[True, True, True], "uncapturederror"]
    assert found["filter"] == "TypeError"
    assert found["stderr"] == ""


def test_an_error_that_nobody_handles_is_told(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        device.createBuffer({ size: 4, usage: 0 });
        await device.queue.onSubmittedWorkDone();
        """,
    )
    assert "uncaptured error: GPUDevice.createBuffer" in found["stderr"]


def test_a_destroyed_device_is_lost(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = device.createBuffer({ size: 16, usage: U.MAP_READ | U.COPY_DST });
        const mapping = rejected(buffer.mapAsync(GPUMapMode.READ));
        device.destroy();
        device.destroy();
        const lost = await device.lost;
        results.lost = [lost instanceof GPUDeviceLostInfo, lost.reason];
        results.mapping = await mapping;
        const after = device.createBuffer({ size: 8, usage: U.COPY_SRC, mappedAtCreation: true });
        results.range = after.getMappedRange().byteLength;
        after.unmap();
        device.queue.writeBuffer(after, 0, new Uint8Array(4));
        device.queue.submit([device.createCommandEncoder().finish()]);
        results.done = await device.queue.onSubmittedWorkDone() === undefined;
        results.scope = await device.popErrorScope();
        results.map = await rejected(buffer.mapAsync(GPUMapMode.READ));
        results.pipeline = String(await device.createComputePipelineAsync({
          layout: "auto", compute: { module: device.createShaderModule({ code: "" }) } }));
        results.fresh = (await read(await newDevice(), storage(await newDevice(), new Float32Array([1])))
          .catch((error) => error.name));
        """,
    )
    assert found["lost"] == [True, "destroyed"]
    assert found["mapping"] == "AbortError"
    assert found["range"] == 8
    assert found["done"] is True
    assert found["scope"] is None
    assert found["map"] == "AbortError"
    assert found["pipeline"] == "[object GPUComputePipeline]"


def test_a_hundred_thousand_error_scopes(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        for (let i = 0; i < 100000; i++) device.pushErrorScope("validation");
        device.createBuffer({ size: 4, usage: 0 });
        results.inner = (await device.popErrorScope()).constructor.name;
        for (let i = 0; i < 99998; i++) device.popErrorScope();
        results.outer = await device.popErrorScope();
        results.empty = await rejected(device.popErrorScope());
        """,
    )
    assert (found["inner"], found["outer"], found["empty"]) == ("GPUValidationError", None, "OperationError")


def test_error_scopes_have_an_end(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        let open = 0;
        results.thrown = thrown(() => { for (; open < 2 ** 21; open++) device.pushErrorScope("internal"); });
        results.open = open;
        results.inner = await device.popErrorScope();
        device.pushErrorScope("validation");
        """,
    )
    assert (found["thrown"], found["open"], found["inner"]) == ("RangeError", 2**20, None)
    assert found["stderr"] == ""


def test_a_write_of_no_bytes_is_looked_at(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const buffer = (usage) => device.createBuffer({ size: 16, usage });
        const write = (target, offset) =>
          errorOf(device, () => device.queue.writeBuffer(target, offset, new Uint8Array(0)));
        const mapped = device.createBuffer({ size: 16, usage: U.COPY_DST, mappedAtCreation: true });
        const gone = buffer(U.COPY_DST);
        gone.destroy();
        results.valid = [await write(buffer(U.COPY_DST), 0), await write(buffer(U.COPY_DST), 16)];
        results.wrong = [await write(buffer(U.COPY_DST), 20), await write(buffer(U.COPY_DST), 3),
          await write(buffer(U.STORAGE), 0), await write(mapped, 0), await write(gone, 0)];
        """,
    )
    assert found["valid"] == [None, None]
    assert [str(error).split(":")[0] for error in found["wrong"]] == ["GPUValidationError"] * 5


def test_a_pipeline_whose_device_is_destroyed_meanwhile_resolves(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const module = device.createShaderModule({ code: "no shader" });
        const made = device.createComputePipelineAsync({ layout: "auto", compute: { module } });
        device.destroy();
        results.lost = (await device.lost).reason;
        results.made = `${await made}`;
        """,
    )
    assert (found["lost"], found["made"]) == ("destroyed", "[object GPUComputePipeline]")
