"""The machine's part of the probe: operating system, CPU, memory, and the limits that are set for this process."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path
from typing import Any

from ..gpu.options import GpuOptions

_CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # cgroup 1 writes "no limit" as a number near 2 ** 63


def machine() -> dict[str, Any]:
    """CPU and memory. What the kernel does not tell is None, or an empty list."""
    return {
        "os": operating_system(),
        "kernel": {"name": platform.system(), "release": platform.release()},
        "cpu": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "cpus_usable": len(os.sched_getaffinity(0)),
        "cores": _cores(),
        "cpu_features": sorted(
            set((_field("/proc/cpuinfo", "flags") or _field("/proc/cpuinfo", "Features") or "").split())
        ),
        "memory_mib": _mebibytes("MemTotal"),
        "memory_available_mib": _mebibytes("MemAvailable"),
    }


def operating_system() -> dict[str, Any]:
    """As os-release(5) names it."""
    try:
        found = platform.freedesktop_os_release()
    except OSError:
        found = {}
    return {"id": found.get("ID"), "version": found.get("VERSION_ID"), "name": found.get("PRETTY_NAME")}


def limits(gpu: GpuOptions | None = None) -> dict[str, Any]:
    """What bounds the sandboxes of this user here; None: no limit is set."""
    gpu = gpu or GpuOptions()
    memory = _cgroup_memory()
    return {
        "cpu_quota": _cgroup_cpus(),
        "memory_mib": None if memory is None else memory >> 20,
        "processes": _rlimit(resource.RLIMIT_NPROC),
        "open_files": _rlimit(resource.RLIMIT_NOFILE),
        "gpu_memory_mib": None if gpu.memory_limit is None else gpu.memory_limit >> 20,
        "gpu_staging_mib": gpu.staging_limit >> 20,
        "gpu_timeout_s": gpu.timeout,
    }


def _rlimit(kind: int) -> int | None:
    soft, _ = resource.getrlimit(kind)
    return None if soft == resource.RLIM_INFINITY else soft


def _cores() -> int | None:
    """Cores of the usable CPUs: two CPUs of one core share its units."""
    siblings = set()
    for cpu in os.sched_getaffinity(0):
        try:
            siblings.add(Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text())
        except OSError:
            return None
    return len(siblings)


def _cgroup_folders(controller: str) -> list[Path]:
    """The folders of our control group and those above it, for cgroup 2 or a controller of cgroup 1."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = _CGROUPS / controller if controllers else _CGROUPS
        below = Path(path.lstrip("/"))
        folders += [root / below, *(root / parent for parent in below.parents)]
    return folders


def _cgroup_numbers(controller: str, *names: str) -> list[list[str]]:
    """The words of those files, in each folder that has them."""
    found = []
    for folder in _cgroup_folders(controller):
        try:
            found.append([word for name in names for word in (folder / name).read_text(encoding="ascii").split()])
        except (OSError, ValueError):
            continue
    return found


def _cgroup_memory() -> int | None:
    """Bytes."""
    words = _cgroup_numbers("memory", "memory.max") + _cgroup_numbers("memory", "memory.limit_in_bytes")
    sizes = [int(word) for (word,) in words if word.isdigit()]
    return min((size for size in sizes if size < _UNLIMITED), default=None)


def _cgroup_cpus() -> float | None:
    """CPUs that the control groups grant at a time, as 1.5."""
    words = _cgroup_numbers("cpu", "cpu.max") + _cgroup_numbers("cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us")
    return min((int(quota) / int(period) for quota, period in words if quota.isdigit()), default=None)


def _mebibytes(name: str) -> int | None:
    value = (_field("/proc/meminfo", name) or "").partition(" ")[0]
    return int(value) // 1024 if value.isdigit() else None


def _field(path: str, name: str) -> str | None:
    """The value of the first line ``name: value`` of a file of the kernel's."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return None
