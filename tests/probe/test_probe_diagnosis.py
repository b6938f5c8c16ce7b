"""Which diagnosis follows from which observations: a table of machines that the tests' own has not."""

from __future__ import annotations

from typing import Any

import pytest

from dcp_evaluator.probe.devices import Device, Node, Nvidia
from dcp_evaluator.probe.diagnosis import Machine, Trials, after_trials, of_driver
from dcp_evaluator.probe.manifests import Manifest
from dcp_evaluator.processes.ask import Outcome
from dcp_evaluator.processes.exit_status import ExitStatus

pytestmark = pytest.mark.any_engine

H200, RADEON, INTEL = "10de:2335", "1002:73bf", "8086:46a6"
GLX = Manifest("/usr/share/vulkan/icd.d/nvidia_icd.json", "libGLX_nvidia.so.0")
RADV = Manifest("/usr/share/vulkan/icd.d/radeon_icd.json", "/usr/lib/libvulkan_radeon.so")
NOTHING = Outcome({"version": "29", "adapters": []}, status=ExitStatus(0))
KILLED = Outcome(error="dcp-gpu-host failed (signal 31 (SIGSYS))", status=ExitStatus(-31))
HUNG = Outcome(error="dcp-gpu-host gave no answer within 60 s")


def open_node(path: str) -> Node:
    return Node(path, exists=True, may_open=True, group="render")


def gpu(number: str = H200, driver: str | None = "nvidia", *nodes: Node, address: str = "0000:65:00.0") -> Device:
    return Device(number, address, driver, nodes or (open_node("/dev/nvidia0"),))


def has(*ids: str, driver: str = "NVIDIA", log: tuple[str, ...] = (), **compute: Any) -> Outcome:
    """A run that found working adapters with these ids."""
    check = {"ok": True, "error": "", "seconds": 0.4, **compute}
    found = [
        {
            "backend": "vulkan",
            "type": "discrete",
            "device": "H200",
            "driver": driver,
            "pci_id": number,
            "compute": check,
        }
        for number in ids
    ]
    return Outcome({"version": "29", "adapters": found}, status=ExitStatus(0), log=log)


def loader(*lines: str) -> Outcome:
    """A run without an adapter, with these errors of the loader."""
    return Outcome(NOTHING.answer, status=ExitStatus(0), log=tuple(f"ERROR:            {line}" for line in lines))


def diagnose(device: Device, trials: Trials, *manifests: Manifest, **known: Any) -> tuple[str, str]:
    machine = Machine([device], manifests or (GLX, RADV), **known)
    diagnosis = after_trials(device, machine, trials)
    return diagnosis.code, diagnosis.text


LLVMPIPE = {
    "backend": "vulkan",
    "type": "cpu",
    "device": "llvmpipe",
    "driver": "llvmpipe",
    "pci_id": "",
    "compute": {"ok": True, "error": "", "seconds": 0.2},
}
ONLY_LLVMPIPE = Outcome({"version": "29", "adapters": [LLVMPIPE]}, status=ExitStatus(0))


@pytest.mark.parametrize("sealed", [NOTHING, ONLY_LLVMPIPE])
@pytest.mark.parametrize(
    ("device", "code", "texts"),
    [
        (gpu(driver=None), "no_kernel_driver", ["10de:2335", "install NVIDIA's driver"]),
        (gpu(RADEON, None), "no_kernel_driver", ["load its kernel module"]),
        (gpu(driver="nouveau"), "no_kernel_driver", ["nouveau", "NVIDIA's driver"]),
        (gpu(driver="vfio-pci"), "no_kernel_driver", ["kept for a virtual machine"]),
        (gpu("1a03:2000", "ast"), "display_only", ["draws the console only"]),
        (gpu("1234:1111", None), "display_only", ["draws the console only"]),
        (gpu("1414:008e", "dxgkrnl"), "hidden_by_wgpu", ["dzn", "WSL2"]),
        (Device(RADEON, "0000:03:00.0", "amdgpu"), "nodes_missing", ["did not start", "dmesg"]),
        (Device("1af4:1050", "0000:00:02.0", "virtio-pci"), "display_only", ["no 3D"]),
        (
            gpu(H200, "nvidia", Node("/dev/nvidia0", exists=False, may_open=False, group=None)),
            "nodes_missing",
            ["/dev/nvidia0 is missing", "nvidia-modprobe -c 0 -u"],
        ),
        (
            gpu(RADEON, "amdgpu", Node("/dev/dri/renderD128", exists=True, may_open=False, group="render")),
            "nodes_closed",
            ["may not open /dev/dri/renderD128 (group render)", "usermod -aG render"],
        ),
        (
            gpu(RADEON, "amdgpu", Node("/dev/dri/renderD128", exists=True, may_open=False, group=None)),
            "nodes_closed",
            ["belongs to root alone"],
        ),
        (gpu(INTEL, "xe"), "library_missing", ["no manifest", "mesa-vulkan-drivers"]),
    ],
)
def test_what_the_kernel_tells(device: Device, code: str, texts: list[str], sealed: Outcome) -> None:
    found, text = diagnose(device, Trials(sealed))
    assert found == code
    assert all(part in text for part in texts), text


def test_missing_device_files_in_a_container() -> None:
    device = gpu(H200, "nvidia", Node("/dev/nvidia0", exists=False, may_open=False, group=None))
    _, text = diagnose(device, Trials(NOTHING), container=True)
    assert "--gpus" in text and "modprobe" not in text


def test_nvidia_without_its_graphics_libraries() -> None:
    told = Nvidia(module_version="570.86.15", cuda_library=True)
    code, text = diagnose(gpu(), Trials(NOTHING), RADV, nvidia=told, container=True, capabilities="compute,utility")
    assert code == "library_missing"
    assert "NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility (it is compute,utility)" in text
    assert "only NVIDIA's compute libraries are here" in text and "libnvidia-gl-NNN" in text


def test_a_driver_in_a_home_folder_only() -> None:
    code, text = diagnose(gpu(), Trials(NOTHING), RADV, hidden_manifests=["/home/me/.local/share/a.json"])
    assert code == "library_missing"
    assert "name /home/me/.local/share/a.json in VK_DRIVER_FILES" in text


FAILED_GLX = "loader_icd_scan: Failed loading library associated with ICD JSON libGLX_nvidia.so.0. Ignoring this JSON"


@pytest.mark.parametrize(
    ("missing", "part"),
    [
        ("libGLX_nvidia.so.0", "its Vulkan driver libGLX_nvidia.so.0 was not found"),
        ("libXext.so.6", "libGLX_nvidia.so.0 needs libXext.so.6, which is not installed"),
    ],
)
def test_a_library_that_is_not_there(missing: str, part: str) -> None:
    line = f"{missing}: cannot open shared object file: No such file or directory"
    code, text = diagnose(gpu(), Trials(NOTHING, loader(line, FAILED_GLX)))
    assert (code, part in text) == ("library_missing", True)


def test_the_loaders_lines_are_told_where_nothing_is_known() -> None:
    noise = "remove_all_non_valid_override_layers: Failed to get executable path and name"
    lines = ("libGLX_nvidia.so.0: undefined symbol: drmSomething", FAILED_GLX, "/usr/lib/libother.so: is odd", noise)
    code, text = diagnose(gpu(), Trials(NOTHING, loader(*lines)))
    assert code == "fails_unsealed"
    assert "undefined symbol: drmSomething" in text
    assert "libother" not in text and "override" not in text


@pytest.mark.parametrize(
    ("known", "trials", "part"),
    [
        (Nvidia("570.86.15", ("565.57.01",)), Trials(NOTHING, NOTHING), "565.57.01, kernel module 570.86.15): reboot"),
        (Nvidia("570.86.15", ("570.86.15",), mig=True), Trials(NOTHING, NOTHING), "MIG"),
        (Nvidia(egl_library=True), Trials(NOTHING, NOTHING, egl=has(H200)), "/etc/vulkan/icd.d/nvidia_egl.json"),
        (Nvidia(), Trials(HUNG, HUNG), "gave no answer within 60 s"),
    ],
)
def test_nvidia_fails_without_the_seal(known: Nvidia, trials: Trials, part: str) -> None:
    code, text = diagnose(gpu(), trials, nvidia=known)
    assert (code, part in text) == ("fails_unsealed", True), text


def test_a_container_that_has_some_of_the_gpus() -> None:
    missing = Node("/dev/nvidia1", exists=False, may_open=False, group=None)
    device, other = gpu(), gpu(H200, "nvidia", missing, address="0000:66:00.0")
    machine = Machine([device, other], [GLX], container=True)
    diagnosis = after_trials(device, machine, Trials(NOTHING, NOTHING))
    assert (diagnosis.code, "0000:66:00.0" in diagnosis.text) == ("fails_unsealed", True)
    assert "container toolkit" in diagnosis.text


def without(*layers: str) -> dict[str, Outcome]:
    """One layer off each time; without these the GPU is found."""
    return {name: has(H200) if name in layers else NOTHING for name in ("landlock", "root", "seccomp", "rlimits")}


@pytest.mark.parametrize("sealed", [NOTHING, ONLY_LLVMPIPE, HUNG, has(H200, ok=False, error="wrong result at 3")])
@pytest.mark.parametrize(
    ("layers", "part"),
    [
        (("landlock",), "the layer landlock refuses what it needs (files /dev/dri (EACCES))"),
        (("seccomp",), "the layer seccomp refuses what it needs (system calls timer_create (ENOSYS))"),
        (("rlimits",), "the layer rlimits refuses what it needs;"),
        ((), "several layers together"),
    ],
)
def test_the_seal_refuses_a_driver(sealed: Outcome, layers: tuple[str, ...], part: str) -> None:
    trials = Trials(sealed, has(H200), without(*layers), ("timer_create (ENOSYS)",), ("/dev/dri (EACCES)",))
    code, text = diagnose(gpu(), trials)
    assert code == "profile_refuses"
    assert part in text and "report it" in text and "repair" not in text


def test_the_filter_ends_a_driver() -> None:
    refused = ("timer_create (ENOSYS)", "mknod (would end the process)")
    for told, part in ((refused, "the system call mknod"), ((), "dmesg")):
        code, text = diagnose(gpu(), Trials(KILLED, has(H200), without("seccomp"), told))
        assert (code, part in text) == ("profile_kills", True)
        assert "repair" not in text and "timer_create" not in text
        driver = of_driver(Trials(KILLED, NOTHING, {}, told))
        assert (driver.code, part in driver.text, "repair" in driver.text) == ("profile_kills", True, False)


def test_an_adapter_that_wgpu_hides() -> None:
    sealed = Outcome(
        NOTHING.answer, status=ExitStatus(0), log=("wgpu: Adapter is not Vulkan compliant, hiding adapter: X",)
    )
    code, text = diagnose(gpu(), Trials(sealed, NOTHING))
    assert (code, "not Vulkan compliant" in text) == ("hidden_by_wgpu", True)


def test_devices_that_work() -> None:
    code, text = diagnose(gpu(), Trials(has(H200)))
    assert code == "works"
    assert "H200, 0.40 s to the first result" in text and "persistenced" not in text
    _, text = diagnose(gpu(), Trials(has(H200, seconds=4.1)))
    assert "enable nvidia-persistenced" in text
    _, text = diagnose(gpu(RADEON, "amdgpu"), Trials(has(RADEON, seconds=4.1)))
    assert "persistenced" not in text


def test_nouveau_works_with_mesas_driver() -> None:
    assert diagnose(gpu(driver="nouveau"), Trials(has(H200)))[0] == "works"


def test_a_device_that_is_lost_in_the_check() -> None:
    sealed = has(H200, ok=False, error="device lost: parent device is lost")
    code, text = diagnose(gpu(), Trials(sealed, sealed))
    assert (code, "Xid" in text) == ("device_lost", True)
    wrong = has(H200, ok=False, error="wrong result at 3")
    code, text = diagnose(gpu(), Trials(wrong, wrong))
    assert (code, "wrong result at 3" in text) == ("fails_check", True)


def test_a_gpu_that_two_drivers_list() -> None:
    twice = [*has(RADEON, driver="radv").answer["adapters"], *has(RADEON, driver="amdvlk").answer["adapters"]]
    sealed = Outcome({"version": "29", "adapters": twice}, status=ExitStatus(0))
    code, text = diagnose(gpu(RADEON, "amdgpu"), Trials(sealed))
    assert code == "offered_twice"
    assert "radv, amdvlk" in text and "VK_DRIVER_FILES" in text


def test_equal_gpus_are_told_apart_by_their_order() -> None:
    first, second = gpu(), gpu(address="0000:66:00.0")
    machine = Machine([first, second], [GLX])
    assert {after_trials(device, machine, Trials(has(H200, H200))).code for device in (first, second)} == {"works"}
    one = Trials(has(H200), has(H200))
    assert after_trials(first, machine, one).code == "works"
    assert after_trials(second, machine, one).code == "fails_unsealed"


def test_a_place_on_pci_tells_equal_gpus_apart() -> None:
    first, second = gpu(), gpu(address="0000:66:00.0")
    machine = Machine([first, second], [GLX])
    found = has(H200)
    found.answer["adapters"][0]["pci"] = "0000:66:00.0"
    assert after_trials(second, machine, Trials(found, found)).code == "works"
    assert after_trials(first, machine, Trials(found, found)).code == "fails_unsealed"


def test_a_gpu_that_is_not_on_pci_has_the_adapters_without_a_number() -> None:
    device = Device(None, None, "panthor", (open_node("/dev/dri/renderD128"),))
    assert diagnose(device, Trials(has("13b5:a867")))[0] == "works"
    assert diagnose(device, Trials(ONLY_LLVMPIPE))[0] == "library_missing"


def test_a_gpu_that_no_program_tried() -> None:
    code, text = diagnose(gpu(), Trials(Outcome(error="the program dcp-gpu-host is missing")))
    assert (code, "the program dcp-gpu-host is missing" in text) == ("not_tried", True)


def test_a_driver_that_fails_everywhere_is_the_owners_to_repair() -> None:
    crash = Outcome(error="dcp-gpu-host failed (signal 11 (SIGSEGV))", status=ExitStatus(-11))
    driver = of_driver(Trials(crash, crash))
    assert driver.code == "fails_unsealed"
    assert driver.text.startswith("repair that driver, or name others in VK_DRIVER_FILES")
