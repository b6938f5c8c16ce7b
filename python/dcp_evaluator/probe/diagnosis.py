"""Why a GPU has no adapter, from what was observed: the kernel's devices, the loader's manifests, and trials of the
driver with and without the seal. Pure functions: nothing is read or run here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from signal import SIGSYS
from typing import Any

from ..processes.ask import Outcome
from ..processes.exit_status import ExitStatus
from .devices import Device, Node, Nvidia
from .manifests import Manifest

LAYERS = ("landlock", "root", "seccomp", "rlimits")
"""The layers of a GPU host's seal that a trial can leave out."""
SLOW_START = 1.0
"""Seconds to the first result above which NVIDIA's driver is thought to start anew each time."""
_REPORT = "please report it with the file that dcp-evaluator --probe --explain-gpu writes"
_MOST_LINES = 4

_LOADER_LINE = re.compile(r"(?:ERROR|WARNING)[^:]*:\s*(?:\[Loader Message\] Code \d+ : ?)?(.*)")
_LOADER_NOISE = re.compile("Failed to get executable path|implicit layer library|forced disabled|Found no drivers!")
_NOT_OPENED = re.compile(r"(\S+): cannot open shared object file: No such file")
_NOT_LOADED = re.compile(r"Failed loading library associated with ICD JSON (\S+)\. ")

# Kernel drivers and vendors of devices that draw a console and compute nothing.
_DISPLAY_DRIVERS = {
    *("ast", "mgag200", "bochs-drm", "cirrus", "cirrus-qemu", "qxl", "vboxvideo", "hyperv_drm", "gma500", "hibmc-drm"),
    *("simple-framebuffer", "simpledrm", "efifb", "vesafb"),
}
_DISPLAY_VENDORS = {"aspeed", "matrox", "qemu", "qxl", "cirrus", "virtualbox"}
_PACKAGES = {
    "nvidia": "libnvidia-gl-NNN of the kernel module's version (Ubuntu), nvidia-vulkan-icd (Debian) or "
    "nvidia-driver-libs (Fedora, RHEL)",
    "nouveau": "NVIDIA's driver, or Mesa's nvk: mesa-vulkan-drivers of Mesa 24.1 or newer",
    "amdgpu": "mesa-vulkan-drivers, on Arch vulkan-radeon",
    "i915": "mesa-vulkan-drivers, on Arch vulkan-intel",
    "xe": "mesa-vulkan-drivers, on Arch vulkan-intel",
}
_MESA = "mesa-vulkan-drivers"
_EGL_MANIFEST = (
    '{"file_format_version": "1.0.0", "ICD": {"library_path": "libEGL_nvidia.so.0", "api_version": "1.3.0"}}'
)


@dataclass(frozen=True)
class Diagnosis:
    code: str
    text: str
    """The cause, and the remedy where there is one."""

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "text": self.text}


@dataclass(frozen=True)
class Machine:
    """What was read before anything ran."""

    devices: Sequence[Device]
    manifests: Sequence[Manifest] = ()
    nvidia: Nvidia = field(default_factory=Nvidia)
    container: bool = False
    capabilities: str | None = None
    """NVIDIA_DRIVER_CAPABILITIES."""
    hidden_manifests: Sequence[str] = ()
    """In the user's home, where GPU hosts do not look."""


@dataclass(frozen=True)
class Trials:
    """Runs of the same drivers. Each one's answer is that of ``dcp-gpu-host --probe``."""

    sealed: Outcome
    unsealed: Outcome | None = None
    without: Mapping[str, Outcome] = field(default_factory=dict)
    """By the one layer that was left out."""
    refused: Sequence[str] = ()
    """System calls, each with what the filter does: ``mknod (would end the process)``."""
    files: Sequence[str] = ()
    """Files that only the seal keeps closed."""
    egl: Outcome | None = None
    """Without the seal, on a manifest that names libEGL_nvidia.so.0."""


def adapters(outcome: Outcome | None) -> list[dict[str, Any]]:
    """Those of Vulkan."""
    found = [] if outcome is None or outcome.answer is None else outcome.answer.get("adapters", [])
    return [adapter for adapter in found if adapter.get("backend") == "vulkan"]


def adapters_of(device: Device, devices: Sequence[Device], found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those adapters that are this device. Where no address tells equal devices apart, each driver's order does."""
    if device.address is not None and (there := [each for each in found if each.get("pci") == device.address]):
        return there
    placeless = [adapter for adapter in found if not adapter.get("pci")]
    own = [adapter for adapter in placeless if adapter.get("pci_id") == device.id] if device.id is not None else []
    if own or (device.id is not None and device.vendor not in ("virtio", "microsoft")):
        same = [other for other in devices if other.id == device.id]
        return own[same.index(device) :: len(same)]
    # A driver without PCI, or of a virtual GPU, tells numbers of its own.
    known = {other.id for other in devices}
    return [each for each in placeless if each.get("type") != "cpu" and each.get("pci_id") not in known]


def before_trials(device: Device, machine: Machine) -> Diagnosis | None:
    """What the kernel's files and the manifests tell about a device that has no adapter; None: trials must."""
    if device.kernel_driver in _DISPLAY_DRIVERS or device.vendor in _DISPLAY_VENDORS:
        return Diagnosis("display_only", f"{device.name} draws the console only: there is no Vulkan driver for it")
    if device.kernel_driver == "dxgkrnl":
        return _wsl(device)
    diagnosis = _without_kernel_driver(device)
    if diagnosis is None and not device.nodes:
        diagnosis = _without_render_node(device)
    if diagnosis is None:
        diagnosis = _nodes(device, machine)
    fitting = [manifest for manifest in machine.manifests if manifest.fits(device.kernel_driver)]
    if diagnosis is None and not fitting:
        diagnosis = _library_missing(device, machine, "no manifest of a Vulkan driver for it was found")
    return diagnosis


def after_trials(device: Device, machine: Machine, trials: Trials) -> Diagnosis:
    """The one diagnosis of a device, also of one that works."""
    found = adapters_of(device, machine.devices, adapters(trials.sealed))
    if found and (broken := next((a for a in found if not _computes(a)), None)) is None:
        return _works(device, found)
    if not found and (told := before_trials(device, machine)) is not None:
        return told

    def works(outcome: Outcome | None) -> bool:
        these = adapters_of(device, machine.devices, adapters(outcome))
        return bool(these) and all(map(_computes, these))

    if (refusal := _refusal(f"the driver of {device.name}", trials, works)) is not None:
        return refusal
    if found:
        return _fails_check(device, broken or found[0])
    if trials.unsealed is None:
        return Diagnosis("not_tried", f"{device.name} was not tried: {trials.sealed.error or 'for an unknown reason'}")
    if (hidden := _hidden_line(trials)) is not None:
        return Diagnosis("hidden_by_wgpu", f"{device.name}: {hidden}: a driver that is not conformant is not offered")
    return _fails_unsealed(device, machine, trials, works)


def of_driver(trials: Trials) -> Diagnosis:
    """Of a driver that fails alone."""

    def works(outcome: Outcome | None) -> bool:
        return outcome is not None and outcome.error is None and bool(adapters(outcome))

    if (refusal := _refusal("this driver", trials, works)) is not None:
        return refusal
    remedy = "repair that driver, or name others in VK_DRIVER_FILES"
    return Diagnosis("fails_unsealed", f"{remedy}; without the seal it does not work either{_last_lines(trials)}")


def beside_broken(device: Device, broken: Sequence[str]) -> Diagnosis:
    """Of a device whose own driver works alone, while those of the manifests ``broken`` end every GPU host."""
    text = f"{device.name}: its driver works alone, but {_and(broken)} ends each GPU host, see there"
    return Diagnosis("another_driver_fails", text)


def loader_lines(outcome: Outcome | None) -> list[str]:
    """Errors and warnings of the Vulkan loader without their decoration, each once, in order."""
    found = (_LOADER_LINE.match(line) for line in ([] if outcome is None else outcome.log))
    return list(dict.fromkeys(line[1] for line in found if line and not _LOADER_NOISE.search(line[1])))


def _computes(adapter: Mapping[str, Any]) -> bool:
    return (adapter.get("compute") or {}).get("ok") is True


def _works(device: Device, found: Sequence[dict[str, Any]]) -> Diagnosis:
    drivers = [str(adapter.get("driver")) for adapter in found]
    if len(found) > 1:
        return Diagnosis(
            "offered_twice",
            f"{device.name} works, but {len(found)} drivers list it ({', '.join(drivers)}): choose one with "
            "VK_DRIVER_FILES, else slices share one GPU that counts as several",
        )
    seconds = (found[0].get("compute") or {}).get("seconds")
    text = f"{device.name} works: {found[0].get('device')}"
    if isinstance(seconds, (int, float)):
        text += f", {seconds:.2f} s to the first result"
        if seconds > SLOW_START and device.vendor == "nvidia":
            text += "; enable nvidia-persistenced, so that the driver need not start the GPU anew each time"
    return Diagnosis("works", text)


def _without_kernel_driver(device: Device) -> Diagnosis | None:
    code, driver = "no_kernel_driver", device.kernel_driver
    install = "install NVIDIA's driver" if device.vendor == "nvidia" else "load its kernel module (see dmesg)"
    if driver is None:
        return Diagnosis(code, f"{device.name} has no kernel driver in use: {install}")
    if driver == "vfio-pci" or driver.startswith("vfio"):
        return Diagnosis(code, f"{device.name} is kept for a virtual machine ({driver}): it is not this system's")
    if driver == "nouveau":
        return Diagnosis(code, f"{device.name} has the kernel driver nouveau: install {_PACKAGES['nouveau']}")
    return None


def _without_render_node(device: Device) -> Diagnosis:
    if device.vendor in ("virtio", "vmware"):
        text = "has no render node: the virtual machine has no 3D; turn it on in its settings (venus), or pass a GPU on"
        return Diagnosis("display_only", f"{device.name} {text}")
    text = f"has no render node, so its kernel driver {device.kernel_driver} did not start: see dmesg"
    return Diagnosis("nodes_missing", f"{device.name} {text}")


def _nodes(device: Device, machine: Machine) -> Diagnosis | None:
    missing = [node.path for node in device.nodes if not node.exists]
    if missing:
        if machine.container:
            remedy = "if this container is to have that GPU, start it with --gpus or --device"
        elif device.kernel_driver == "nvidia":
            remedy = "run nvidia-modprobe -c 0 -u as root, or enable nvidia-persistenced"
        else:
            remedy = "restart udev, or see why it does not make them"
        return Diagnosis("nodes_missing", f"{device.name}: {_and(missing)} is missing: {remedy}")
    closed = [node for node in device.nodes if not node.may_open]
    if not closed:
        return None
    return Diagnosis("nodes_closed", f"{device.name}: {_closed(closed)}")


def _closed(nodes: Sequence[Node]) -> str:
    paths = _and(node.path for node in nodes)
    groups = list(dict.fromkeys(node.group for node in nodes if node.group is not None))
    if not groups:
        return f"GPU hosts may not open {paths}, which belongs to root alone: give it a group, and its user that group"
    return (
        f"this user may not open {paths} (group {_and(groups)}): add the user to that group, as with usermod -aG "
        f"{','.join(groups)}, and log in again"
    )


def _library_missing(device: Device, machine: Machine, cause: str) -> Diagnosis:
    driver = device.kernel_driver or ""
    text = f"{device.name}: {cause}: install {_PACKAGES.get(driver, _MESA)}"
    if driver == "nvidia":
        if machine.container or machine.capabilities is not None:
            told = "" if machine.capabilities is None else f" (it is {machine.capabilities})"
            text += f"; in a container, start it with NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility{told}"
        if machine.nvidia.cuda_library:
            text += "; only NVIDIA's compute libraries are here, with which nvidia-smi and CUDA work, and Vulkan not"
    if machine.hidden_manifests:
        text += f"; GPU hosts do not look into home folders: name {machine.hidden_manifests[0]} in VK_DRIVER_FILES"
    return Diagnosis("library_missing", text)


def _wsl(device: Device) -> Diagnosis:
    text = "WSL2's only Vulkan driver for it (dzn) is not conformant, and wgpu offers no such driver: WebGPU is not "
    return Diagnosis("hidden_by_wgpu", f"{device.name}: {text}available on WSL2's GPU; run on Windows' host or Linux")


def _refusal(what: str, trials: Trials, works: Callable[[Outcome | None], bool]) -> Diagnosis | None:
    """Whether the seal is to blame."""
    if trials.sealed.status == ExitStatus(-SIGSYS):
        ending = [call for call in trials.refused if "end" in call] or list(trials.refused)
        call = f"the system call {_and(ending)}" if ending else "a system call, which dmesg names (type=1326)"
        text = f"the GPU host's filter ended {what} for {call}: that is this evaluator's fault, {_REPORT}"
        return Diagnosis("profile_kills", text)
    if not works(trials.unsealed):
        return None
    layers = [layer for layer in LAYERS if works(trials.without.get(layer))]
    text = f"{what} works, but not inside the GPU host: {_blame(layers, trials)}; {_REPORT}"
    return Diagnosis("profile_refuses", text)


def _blame(layers: Sequence[str], trials: Trials) -> str:
    """Without any one of ``layers`` it works."""
    if not layers:
        blamed = "several layers together refuse what it needs"
    else:
        blamed = f"the layer {' or '.join(layers)} refuses what it needs"
    details = []
    if trials.refused and (not layers or "seccomp" in layers):
        details.append(f"system calls {_and(trials.refused)}")
    if trials.files and (not layers or {"landlock", "root"} & set(layers)):
        details.append(f"files {_and(trials.files[:_MOST_LINES])}")
    return blamed + (f" ({'; '.join(details)})" if details else "")


def _fails_check(device: Device, adapter: Mapping[str, Any]) -> Diagnosis:
    error = str((adapter.get("compute") or {}).get("error") or "unknown")
    if error.startswith("device lost"):
        text = f"{device.name} was lost while it computed ({error}): look for Xid or a reset in dmesg"
        return Diagnosis("device_lost", text)
    return Diagnosis("fails_check", f"{device.name} has an adapter that does not compute right: {error}")


def _hidden_line(trials: Trials) -> str | None:
    """What wgpu's log says of an adapter that it hides."""
    for line in trials.sealed.log:
        if "hiding adapter" in line:
            return line.removeprefix("wgpu: ")
    return None


def _fails_unsealed(
    device: Device, machine: Machine, trials: Trials, works: Callable[[Outcome | None], bool]
) -> Diagnosis:
    fitting = [manifest for manifest in machine.manifests if manifest.fits(device.kernel_driver)]
    if device.vendor == "nvidia" and (told := _nvidia(device, machine, works(trials.egl))) is not None:
        return told
    for library, missing in _not_opened(trials.unsealed):
        if any(library == manifest.library for manifest in fitting):
            if library == missing:
                return _library_missing(device, machine, f"its Vulkan driver {library} was not found")
            return Diagnosis("library_missing", f"{device.name}: {library} needs {missing}, which is not installed")
    text = f"{device.name}: its driver gives no adapter without the seal either"
    return Diagnosis("fails_unsealed", text + (_last_lines(trials, fitting) or ": see dmesg and vulkaninfo"))


def _nvidia(device: Device, machine: Machine, egl_works: bool) -> Diagnosis | None:
    """What makes NVIDIA's library fail in ways that its message does not tell."""
    code, told = "fails_unsealed", machine.nvidia
    libraries = told.library_versions
    if libraries and told.module_version and told.module_version not in libraries:
        versions = f"libraries {', '.join(libraries)}, kernel module {told.module_version}"
        return Diagnosis(code, f"{device.name}: NVIDIA's parts are of different versions ({versions}): reboot")
    if egl_works:
        return Diagnosis(
            code,
            f"{device.name}: NVIDIA's GLX library fails without an X server, its EGL library works: write the line "
            f"{_EGL_MANIFEST} to /etc/vulkan/icd.d/nvidia_egl.json, and set VK_DRIVER_FILES to that path",
        )
    if told.mig:
        return Diagnosis(code, f"{device.name} is divided into MIG slices, which offer no Vulkan: turn MIG off")
    without_files = [other.name for other in machine.devices if not all(node.exists for node in other.nodes)]
    if machine.container and without_files:
        text = "NVIDIA's library finds no GPU at all where a container has only some of them"
        remedy = "update the NVIDIA container toolkit, or give the container all"
        return Diagnosis(code, f"{device.name}: {text}, here not {_and(without_files)}: {remedy}")
    return None


def _not_opened(outcome: Outcome | None) -> Iterator[tuple[str, str]]:
    """Pairs of a driver's library that could not be loaded, and the file that is missing: itself, or one it needs."""
    lines = loader_lines(outcome)
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        if (missing := _NOT_OPENED.search(line)) is not None:
            failed = _NOT_LOADED.search(following)
            yield (missing[1] if failed is None else failed[1]), missing[1]


def _last_lines(trials: Trials, fitting: Sequence[Manifest] = ()) -> str:
    """The loader's last lines about these drivers, or about all."""
    lines = loader_lines(trials.unsealed)
    names = [name for manifest in fitting for name in (manifest.path, manifest.library) if name]
    about = [
        line
        for line, following in zip_longest(lines, lines[1:], fillvalue="")
        if any(name in line or (name in following and _NOT_LOADED.search(following)) for name in names)
    ]
    shown = (about or lines)[-_MOST_LINES:]
    if trials.unsealed is not None and trials.unsealed.error is not None:
        shown.append(trials.unsealed.error)
    return f": {' | '.join(shown)}" if shown else ""


def _and(items: Iterable[str]) -> str:
    return ", ".join(items)
