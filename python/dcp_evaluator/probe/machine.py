"""The machine's part of the probe: operating system, CPU, memory, and the limits that are set for this process."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path
from typing import Any

from ..gpu.options import GpuOptions
from ..processes import control_groups
from ..settings.memory import cgroup_numbers, of_control_groups, of_machine


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
    memory = of_control_groups()
    return {
        "cpu_quota": _cgroup_cpus(),
        "memory_mib": None if memory is None else memory >> 20,
        "processes": _rlimit(resource.RLIMIT_NPROC),
        "open_files": _rlimit(resource.RLIMIT_NOFILE),
        "control_groups": _control_groups(),
        "gpu_memory_mib": None if gpu.memory_limit is None else gpu.memory_limit >> 20,
        "gpu_staging_mib": gpu.staging_limit >> 20,
        "gpu_timeout_s": gpu.timeout,
    }


def _control_groups() -> dict[str, Any]:
    """Whether each sandbox gets one of its own. Made, and removed again."""
    found = control_groups.find()
    groups = control_groups.ControlGroups(of_machine(), found)
    in_force = groups.in_force
    groups.close()
    reason = found.reason if in_force or found.folder is None else f"no group can be made in {found.folder}"
    return {"in_force": in_force, "reason": reason}


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


def _cgroup_cpus() -> float | None:
    """CPUs that the control groups grant at a time, as 1.5."""
    words = cgroup_numbers("cpu", "cpu.max") + cgroup_numbers("cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us")
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
