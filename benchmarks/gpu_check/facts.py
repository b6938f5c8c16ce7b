"""What the machine is, from files and a few programs; no driver runs. No names of hosts or users, no serial numbers."""

from __future__ import annotations

import ctypes.util
import grp
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dcp_evaluator.benchmark.run import described_machine

from .step import Outcome, Settings, wrapped

_NODES = ("dev/dri/*", "dev/nvidia*", "dev/nvidia-caps/*", "dev/dxg", "dev/kfd", "dev/nvmap", "dev/mali*", "dev/kgsl*")
_MANIFESTS = (
    "etc/vulkan/icd.d", "usr/share/vulkan/icd.d", "usr/local/share/vulkan/icd.d", "usr/local/nvidia/vulkan/icd.d",
    "run/opengl-driver/share/vulkan/icd.d",
)  # fmt: skip
_LIBRARIES = ("vulkan", "GLX_nvidia", "EGL_nvidia", "Xext", "X11", "xcb", "drm")
_SMI = "name,driver_version,persistence_mode,memory.total,power.limit,clocks.max.sm,mig.mode.current"
_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel", "0x1af4": "virtio", "0x1414": "Microsoft"}


def facts(settings: Settings) -> Outcome:
    del settings
    found: dict[str, Any] = {
        "uptime": time.monotonic(),
        "machine": described_machine(),
        "user": {"root": os.geteuid() == 0, "groups": sorted(_group(gid) for gid in os.getgroups())},
        "container": _container(),
        "security_modules": _text("sys/kernel/security/lsm"),
        "user_namespaces": _text("proc/sys/user/max_user_namespaces"),
        "nodes": [_node(path) for pattern in _NODES for path in sorted(Path("/").glob(pattern)) if not path.is_dir()],
        "devices": list(_pci_devices()),
        "modules": sorted(path.name for path in Path("/sys/module").glob("nvidia*")),
        "nvidia": _nvidia(),
        "manifests": [_manifest(file) for folder in _MANIFESTS for file in sorted(Path("/", folder).glob("*.json"))],
        "libraries": {name: ctypes.util.find_library(name) for name in _LIBRARIES},
        "environment": {name: value for name, value in os.environ.items() if name.startswith(("VK_", "NVIDIA_"))},
    }
    return Outcome(list(_lines(found)), found)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    about = found["machine"]
    yield (
        f"{about['os']['name']}, Linux {about['kernel']['release']}, {about['cpu']}, {about['cpus_usable']} CPUs, "
        f"{about['memory_mib'] / 1024:.0f} GiB{found['container'] and ', in ' + found['container']}"
    )
    user = "root" if found["user"]["root"] else "an ordinary user"
    yield f"run by {user}, groups {', '.join(found['user']['groups']) or 'none'}"
    yield f"Linux security modules: {found['security_modules'] or 'unknown, securityfs is not mounted'}"
    yield from wrapped("GPUs of the kernel  ", [
        f"{device['vendor']} {device['id']} at {device['address']}, kernel driver {device['driver']}"
        for device in found["devices"]
    ])  # fmt: skip
    yield from wrapped("device files        ", [
        f"{node['path']} {node['mode']} group {node['group']}, {'open' if node['open'] else 'CLOSED'} to this user"
        for node in found["nodes"]
    ])  # fmt: skip
    yield from wrapped("Vulkan drivers      ", [f"{each['file']}: {each['library']}" for each in found["manifests"]])
    missing = [f"lib{name}" for name, library in found["libraries"].items() if library is None]
    yield f"libraries that are not there: {', '.join(missing) or 'none'}"
    for line in found["nvidia"].get("gpus", []):
        yield f"nvidia-smi          {line}"
    if version := found["nvidia"].get("module"):
        yield f"NVIDIA kernel module {version}, libraries {', '.join(found['nvidia']['libraries']) or 'none found'}"


def _pci_devices() -> Iterator[dict[str, str]]:
    """Display controllers: class 03xx."""
    for device in sorted(Path("/sys/bus/pci/devices").glob("*")):
        if (_text(device / "class") or "").startswith("0x03"):
            vendor, driver = _text(device / "vendor") or "", device / "driver"
            yield {
                "address": device.name,
                "vendor": _VENDORS.get(vendor, vendor),
                "id": f"{vendor}:{_text(device / 'device')}",
                "driver": driver.resolve().name if driver.exists() else "none",
            }


def _node(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {
        "path": str(path),
        "mode": f"{status.st_mode & 0o777:o}",
        "group": _group(status.st_gid),
        "open": os.access(path, os.R_OK | os.W_OK),
    }


def _manifest(file: Path) -> dict[str, str]:
    try:
        return {"file": str(file), "library": str(json.loads(file.read_text(encoding="utf-8"))["ICD"]["library_path"])}
    except (OSError, ValueError, LookupError, TypeError) as error:
        return {"file": str(file), "library": f"unreadable, {type(error).__name__}"}


def _nvidia() -> dict[str, Any]:
    module = _text("sys/module/nvidia/version")
    params = _text("proc/driver/nvidia/params") or ""
    libraries = [
        path.name for folder in ("usr/lib", "usr/lib64", "usr/local/nvidia")
        for path in Path("/", folder).glob("**/libnvidia-glcore.so.*")
    ] if module else []  # fmt: skip
    found = {
        "module": module,
        "libraries": sorted(set(libraries)),
        "params": [line for line in params.splitlines() if re.match("Modify|DeviceFile", line)],
    }
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return found
    try:
        done = subprocess.run(
            [smi, f"--query-gpu={_SMI}", "--format=csv"], capture_output=True, text=True, timeout=15, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {**found, "gpus": [f"gives no answer ({type(error).__name__})"]}
    return {**found, "gpus": (done.stdout or done.stderr).splitlines()}


def _container() -> str:
    """What this is a container or machine of, as far as it tells; empty where it tells nothing."""
    if Path("/dev/dxg").exists():
        return "WSL2"
    for mark, name in (("/.dockerenv", "a Docker container"), ("/run/.containerenv", "a Podman container")):
        if Path(mark).exists():
            return name
    product = _text("sys/class/dmi/id/product_name") or ""
    return f"a virtual machine ({product})" if re.search("virtual|kvm|qemu|vmware", product, re.IGNORECASE) else ""


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _text(path: str | Path) -> str | None:
    """What the file says, None where it cannot be read."""
    try:
        return Path("/", path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
