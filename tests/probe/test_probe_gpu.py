"""The probe on machines that seem to have a GPU: a driver in disguise, under the real seal and without it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_driver import one_message, run
from dcp_evaluator.gpu.options import GpuOptions
from dcp_evaluator.probe.explanation import scrub
from dcp_evaluator.probe.gpu import Findings, examine, gpu_adapters
from dcp_evaluator.probe.report import isolation_layers
from dcp_evaluator.probe.verdict import gpu_verdict
from dcp_evaluator.settings.settings import Settings
from disguised_driver import ID, describe, disguised_driver
from fake_kernel import FakeKernel
from reports import probe

pytestmark = pytest.mark.any_engine

ADDRESS = "0000:65:00.0"
READS_PASSWD = 'open("/etc/passwd", O_RDONLY) >= 0'
CONNECTS = "socket(AF_UNIX, SOCK_STREAM, 0) >= 0"
KEYS = "syscall(SYS_keyctl, 0, 0, 0, 0, 0);"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to all users: without the seal's own root, nobody reads the driver where it is."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    fake = FakeKernel(tmp_path / "kernel")
    fake.nvidia(ADDRESS, ID)
    return fake


@pytest.fixture
def examined(kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Findings]:
    """Probes the fake machine with these manifests alone."""

    def look(*manifests: Path, **options: Any) -> Findings:
        for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
            monkeypatch.setenv(name, ":".join(map(str, manifests)))
        return examine(Settings(), GpuOptions(), kernel.root, **options)

    return look


def diagnosis(findings: Findings) -> tuple[str, str]:
    (device,) = findings.report["devices"]
    return device["diagnosis"]["code"], device["diagnosis"]["text"]


def layers_in_force() -> set[str]:
    return {layer["layer"] for layer in isolation_layers("dcp-gpu-host")["layers"] if layer["in_force"]}


def test_a_driver_that_works(folder: Path, examined: Callable[..., Findings]) -> None:
    findings = examined(disguised_driver(folder))
    code, text = diagnosis(findings)
    assert code == "works"
    assert f"GPU {ID} (nvidia) at {ADDRESS} works" in text
    assert findings.trials.unsealed is None, "nothing runs without the seal where all works"
    assert gpu_verdict(findings.report) == "1 GPU"


def test_a_driver_that_needs_a_file_which_the_seal_hides(folder: Path, examined: Callable[..., Findings]) -> None:
    findings = examined(disguised_driver(folder, need=READS_PASSWD))
    code, text = diagnosis(findings)
    assert code == "profile_refuses"
    hiding = [layer for layer in ("landlock", "own root") if layer in layers_in_force()]
    blamed = "several layers together" if len(hiding) > 1 else f"the layer {hiding[0].removeprefix('own ')} refuses"
    assert blamed in text
    assert "/etc/passwd (" in text
    assert gpu_verdict(findings.report) == "no GPU, 1 GPU that cannot be used"


def test_a_driver_that_needs_a_call_which_the_filter_refuses(folder: Path, examined: Callable[..., Findings]) -> None:
    code, text = diagnosis(examined(disguised_driver(folder, need=CONNECTS)))
    assert code == "profile_refuses"
    assert "the layer seccomp refuses what it needs (system calls socket (EACCES))" in text


def test_a_driver_that_the_filter_ends(folder: Path, examined: Callable[..., Findings]) -> None:
    manifest = disguised_driver(folder, start=KEYS)
    findings = examined(manifest)
    code, text = diagnosis(findings)
    assert code == "profile_kills"
    assert "the system call keyctl (would end the process)" in text
    (driver,) = findings.report["drivers"]
    assert (driver["ok"], driver["diagnosis"]["code"]) == (False, "profile_kills")
    error = findings.report["error"]
    assert "signal 31 (SIGSYS)" in error and "keyctl" in error and "repair" not in error


def test_a_driver_whose_library_misses_a_symbol(folder: Path, examined: Callable[..., Findings]) -> None:
    start = "extern void no_such_function(void); static volatile Function function; function = no_such_function;"
    code, text = diagnosis(examined(disguised_driver(folder, start=start)))
    assert code == "fails_unsealed"
    assert "undefined symbol: no_such_function" in text


def test_a_driver_whose_library_is_not_there(folder: Path, examined: Callable[..., Findings]) -> None:
    manifest = folder / "nvidia.json"
    describe(manifest, "libGLX_nvidia_of_no_machine.so.0")
    code, text = diagnosis(examined(manifest))
    assert code == "library_missing"
    assert "libGLX_nvidia_of_no_machine.so.0 was not found" in text


def test_a_driver_that_is_not_conformant(folder: Path, examined: Callable[..., Findings]) -> None:
    code, text = diagnosis(examined(disguised_driver(folder, conformance=0)))
    assert (code, "not Vulkan compliant" in text) == ("hidden_by_wgpu", True)


def test_a_gpu_that_two_drivers_list(folder: Path, examined: Callable[..., Findings]) -> None:
    first, second = (disguised_driver(folder, name=name) for name in ("first", "second"))
    assert diagnosis(examined(first, second))[0] == "offered_twice"


def test_a_driver_that_another_takes_down(folder: Path, examined: Callable[..., Findings]) -> None:
    works = disguised_driver(folder, name="works")
    broken = disguised_driver(folder, start="abort();", name="broken")
    findings = examined(works, broken)
    code, text = diagnosis(findings)
    assert (code, str(broken) in text) == ("another_driver_fails", True)
    assert f"alone, {broken} fails: repair that driver" in findings.report["error"]


def test_every_trial_is_made_for_an_explanation(folder: Path, examined: Callable[..., Findings]) -> None:
    findings = examined(disguised_driver(folder), thorough=True)
    assert diagnosis(findings)[0] == "works"
    assert set(findings.trials.without) == {"landlock", "root", "seccomp", "rlimits"}
    assert findings.trials.unsealed is not None and findings.trials.unsealed.error is None


def test_the_evaluator_itself_runs_no_driver_without_the_seal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, examined: Callable[..., Findings]
) -> None:
    """Its adapters are asked for as sandboxes get them, also where a driver fails; the probe's are not."""
    mark = (
        f'int file = open("{folder}/loaded", O_WRONLY | O_CREAT | O_APPEND, 0666); if (file >= 0) write(file, "x", 1);'
    )
    folder.chmod(0o777)
    manifest = disguised_driver(folder, start=mark, need="0")
    monkeypatch.setenv("VK_DRIVER_FILES", str(manifest))
    assert gpu_adapters(Settings())["adapters"] == []
    assert not (folder / "loaded").exists()
    assert diagnosis(examined(manifest))[0] == "fails_unsealed"
    assert (folder / "loaded").exists()


# --- The command ---


def test_explain_gpu_writes_a_file_without_secrets(folder: Path) -> None:
    manifest = disguised_driver(folder, need=READS_PASSWD)
    environment = {"VK_DRIVER_FILES": str(manifest), "VK_ICD_FILENAMES": str(manifest), "DCP_SECRET": "do not tell"}
    done = run("--probe", "--explain-gpu", folder=folder, environment=environment)
    assert done.returncode == 0
    file = folder / "dcp-gpu-explained.txt"
    assert one_message(done, 0) == f"what it found out about GPUs is in {file.resolve()}"
    text = file.read_text(encoding="utf-8")
    for title in ("GPUs that the kernel has", "Drivers that GPU hosts read", "Facts", "All drivers without the seal"):
        assert f"== {title}" in text
    assert "== All drivers without the layer landlock" in text
    assert f"VK_DRIVER_FILES={manifest}" in text
    assert "/etc/passwd (" in text
    assert "do not tell" not in text and "DCP_SECRET" not in text
    assert os.uname().nodename not in text or len(os.uname().nodename) < 3


def test_explain_gpu_takes_a_name_and_goes_with_json(tmp_path: Path) -> None:
    file = tmp_path / "named.txt"
    done = run("--probe", "--json", f"--explain-gpu={file}")
    assert (done.returncode, done.stdout.startswith("{")) == (0, True)
    assert file.read_text(encoding="utf-8").startswith("What dcp-evaluator --probe --explain-gpu found")


def test_explain_gpu_to_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "none" / "file.txt"
    assert one_message(run("--probe", f"--explain-gpu={file}"), 2).startswith(f"cannot write '{file}': ")
    assert "needs --probe" in one_message(run("--explain-gpu", "--", "a.js"), 2)


def test_what_an_explanation_leaves_out() -> None:
    uuid = "12345678-9abc-def0-1234-56789abcdef0"
    text = scrub(f"GPU-{uuid} Serial Number: 1322621000 uuid {uuid}")
    assert "1322621000" not in text and "9abc" not in text


def test_the_report_of_this_machine_has_a_diagnosis_for_each_device() -> None:
    gpu = probe()["gpu"]
    assert all(device["diagnosis"]["text"] for device in gpu["devices"])
    assert gpu["opengl_error"] is None
    shown = run("--probe").stdout
    section = shown[shown.index("\nGPU\n") :]
    if not gpu["devices"]:
        assert "no GPU" in section.splitlines()[2]
        assert "is software" in section.splitlines()[2] + section.splitlines()[3]
