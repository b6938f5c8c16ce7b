"""``dcp-evaluator --probe`` on machines whose Vulkan driver is missing, crashes or hangs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from broken_driver import BODIES, broken_driver
from cli_driver import run
from dcp_evaluator.errors import InstallationError
from dcp_evaluator.gpu.options import list_adapters
from dcp_evaluator.settings.settings import Settings
from disguised_driver import describe
from reports import probe

pytestmark = pytest.mark.any_engine

TIMEOUT = ("--gpu-timeout", "1.5")
ENDS = {"aborts": "signal 6 (SIGABRT)", "crashes": "signal 11 (SIGSEGV)", "exits": "exit 0"}


def chosen(*manifests: Path | str) -> dict[str, str]:
    files = ":".join(map(str, manifests))
    return {"VK_DRIVER_FILES": files, "VK_ICD_FILENAMES": files}


def working_driver() -> str:
    """The manifest of Mesa's driver on the CPU, which works on every machine that has it."""
    manifests = sorted(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))
    assert manifests, "Mesa's driver on the CPU is missing: apt-get install mesa-vulkan-drivers"
    return str(manifests[0])


def assert_the_rest_is_whole(report: dict[str, Any]) -> None:
    assert report["slice"]["ok"] is True
    assert report["features"]["webassembly"]["MVP"] is True
    assert report["isolation"]["error"] is None


def test_without_a_driver_a_slice_still_runs(missing: Path) -> None:
    report = probe(**chosen(missing))
    assert_the_rest_is_whole(report)
    assert report["gpu"]["error"] is None
    assert report["gpu"]["drivers"] == []
    assert not any(adapter["offered"] for adapter in report["gpu"]["adapters"])


@pytest.mark.parametrize("how", ENDS)
def test_a_driver_that_ends_the_process_takes_the_child_alone(tmp_path: Path, how: str) -> None:
    manifest = broken_driver(tmp_path, BODIES[how])
    report = probe(**chosen(manifest))
    assert_the_rest_is_whole(report)
    gpu = report["gpu"]
    assert gpu["error"].startswith(f"dcp-gpu-host failed ({ENDS[how]})")
    assert f"alone, {manifest} fails: repair that driver" in gpu["error"]
    assert not any(adapter["offered"] for adapter in gpu["adapters"])
    (driver,) = gpu["drivers"]
    assert (driver["manifest"], driver["ok"]) == (str(manifest), False)
    assert driver["diagnosis"]["code"] == "fails_unsealed"


def test_a_driver_that_hangs_costs_a_bounded_time(tmp_path: Path) -> None:
    manifest = broken_driver(tmp_path, BODIES["hangs"])
    report = probe(options=TIMEOUT, **chosen(manifest))
    assert_the_rest_is_whole(report)
    assert report["gpu"]["error"].startswith("dcp-gpu-host gave no answer within 1.5 s; alone, ")


def test_the_broken_one_of_two_drivers_is_named(tmp_path: Path) -> None:
    manifest, works = broken_driver(tmp_path, BODIES["aborts"]), working_driver()
    report = probe(**chosen(manifest, works))
    drivers = {driver["manifest"]: driver["ok"] for driver in report["gpu"]["drivers"]}
    assert drivers == {str(manifest): False, works: True}
    assert works not in report["gpu"]["error"]
    shown = run("--probe", environment=chosen(manifest, works))
    assert (shown.returncode, shown.stderr) == (0, "")
    text = " ".join(shown.stdout.split())
    assert f"{works} works alone" in text
    assert f"{manifest} fails alone: dcp-gpu-host failed (signal 6 (SIGABRT))" in text


def test_a_choice_of_adapters_on_a_broken_driver_is_still_a_report(tmp_path: Path) -> None:
    report = probe(options=("--gpu-ban", "llvmpipe"), **chosen(broken_driver(tmp_path, BODIES["aborts"])))
    assert "SIGABRT" in report["gpu"]["error"]
    assert_the_rest_is_whole(report)


def test_a_list_of_adapters_that_cannot_be_had_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in chosen(broken_driver(tmp_path, BODIES["aborts"])).items():
        monkeypatch.setenv(name, value)
    reason = r"dcp-gpu-host failed \(signal 6 \(SIGABRT\)\).*; dcp-evaluator --probe tells more"
    with pytest.raises(InstallationError, match=f"^the GPU adapters cannot be listed: {reason}$"):
        list_adapters(Settings())


def test_a_crash_of_opengl_blames_no_vulkan_driver(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # GPU hosts of root run as nobody
    source, library, manifest = (tmp_path / f"opengl{suffix}" for suffix in (".c", ".so", ".json"))
    source.write_text("#include <stdlib.h>\n__attribute__((constructor)) static void start(void) { abort(); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    describe(manifest, library)
    gpu = probe(__EGL_VENDOR_LIBRARY_FILENAMES=str(manifest), LD_LIBRARY_PATH=str(tmp_path))["gpu"]
    assert "signal 6 (SIGABRT)" in gpu["opengl_error"]
    assert (gpu["error"], gpu["drivers"]) == (None, [])
    assert any(adapter["offered"] for adapter in gpu["adapters"])
