"""The memory of workgroups: it begins as zeros, and has a limit."""

from __future__ import annotations

from pathlib import Path

from gpu_script import run


def test_workgroup_variables_start_at_zero(tmp_path: Path, script: str) -> None:
    found = run(tmp_path, script)
    assert found["found"] == {}
    assert found["stderr"] == ""


def test_the_errors_of_a_shader_have_its_own_lines_and_columns(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const code = "override n = 4; /* \\u{1F600} */ var<workgroup> w: array<u32, n>;\\n"
          + "@compute @workgroup_size(1) fn main() { w[0] = 1; w[1] = /* here */ nothing; }";
        let module;
        results.error = await errorOf(device, () => { module = device.createShaderModule({ code }); });
        const [message, ...more] = (await module.getCompilationInfo()).messages;
        results.message = [message.type, message.lineNum, message.linePos, message.offset, message.length];
        results.more = more.length;
        results.at = code.indexOf("nothing");
        results.line = results.at - code.indexOf("\\n");
        const right = device.createShaderModule({ code: code.replace("nothing", "2") });
        results.none = (await right.getCompilationInfo()).messages.length;
        """,
    )
    assert found["error"].startswith("GPUValidationError: GPUDevice.createShaderModule: ")
    assert "zero" not in found["error"]
    assert found["message"] == ["error", 2, found["line"], found["at"], len("nothing")]
    assert (found["more"], found["none"]) == (0, 0)


def test_a_shader_that_cannot_be_made_to_set_zeros_is_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const device = await newDevice();
        const code = `fn workgroupBarrier() { } var<workgroup> w: u32;
          @compute @workgroup_size(1) fn main() { w = 1; workgroupBarrier(); }`;
        let module;
        results.error = await errorOf(device, () => { module = device.createShaderModule({ code }); });
        results.messages = (await module.getCompilationInfo()).messages.map((each) => [each.type, each.message]);
        results.pipeline = await errorOf(device, () =>
          device.createComputePipeline({ layout: "auto", compute: { module } }));
        """,
    )
    reason = "its workgroup variables cannot be set to zero: it declares workgroupBarrier anew"
    assert found["error"] == f"GPUValidationError: createShaderModule: {reason}"
    [[kind, message]] = found["messages"]
    assert kind == "error"
    assert message.endswith(reason)
    assert "GPUShaderModule is invalid" in found["pipeline"]


def test_an_entry_point_has_the_memory_of_the_limit_and_no_more(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const main = "@compute @workgroup_size(1) fn main() { w[0] = 1; v = 1; }";
        async function refused(device, declarations, constants) {
          const errors = [];
          const code = declarations + main;
          let module;
          errors.push(await errorOf(device, () => { module = device.createShaderModule({ code }); }));
          const descriptor = { layout: "auto", compute: { module, constants } };
          errors.push(await errorOf(device, () => device.createComputePipeline(descriptor)));
          errors.push(await device.createComputePipelineAsync(descriptor).then(() => null, (error) => error.reason
            + ": " + error.message));
          return errors;
        }
        const adapter = await navigator.gpu.requestAdapter();
        const { maxComputeWorkgroupStorageSize: most } = adapter.limits;
        const wide = await newDevice({ requiredLimits: { maxComputeWorkgroupStorageSize: most } });
        results.most = most;
        for (const [name, device, limit] of [["default", await newDevice(), 16384], ["wide", wide, most]]) {
          const words = limit / 4;
          const array = (count) => `var<workgroup> v: u32; var<workgroup> w: array<u32, ${count}>;`;
          const override = "override n: u32 = 4;" + array("n * 4 + 0");
          results[name] = {
            fits: await refused(device, array(words - 4)),
            exceeds: await refused(device, array(words - 3)),
            constant: await refused(device, array("min(N, 100000)") + `const N = ${words - 4};`),
            large: await refused(device, array("min(N, 100000)") + `const N = ${words};`),
            small: await refused(device, override),
            given: await refused(device, override, { n: words / 4 - 1 }),
            tooMuch: await refused(device, override, { n: words / 4 }),
            overflows: await refused(device, override, { n: 2 ** 28 - 1 }),
          };
        }
        const device = await newDevice();
        const module = device.createShaderModule({ code: `var<workgroup> w: array<u32, 10000>;
          @compute @workgroup_size(1) fn large() { w[0] = 1; } @compute @workgroup_size(1) fn none() { }
          fn used() { w[1] = 1; }` });
        const pipeline = (entryPoint) => () => device.createComputePipeline({ layout: "auto",
          compute: { module, entryPoint } });
        results.points = await errors(device, { large: pipeline("large"), none: pipeline("none") });
        """,
    )
    assert found["most"] > 16384, "the test has no adapter that offers more"
    for name, limit in (("default", 16384), ("wide", found["most"])):
        cases = found[name]
        for fits in ("fits", "constant", "small", "given"):
            assert cases[fits] == [None, None, None], (name, fits)
        for exceeds in ("exceeds", "large", "tooMuch", "overflows"):
            module, pipeline, later = cases[exceeds]
            assert module is None
            assert pipeline.startswith("GPUValidationError: GPUDevice.createComputePipeline: "), (name, exceeds)
            assert "maxComputeWorkgroupStorageSize" in pipeline
            assert later.startswith("validation: ")
            assert "maxComputeWorkgroupStorageSize" in later
        assert f" {limit + 16} bytes" in cases["exceeds"][1]
    assert "take 40000 bytes" in found["points"]["large"]
    assert found["points"]["none"] is None
