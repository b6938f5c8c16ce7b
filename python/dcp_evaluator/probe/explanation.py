"""The file of ``--probe --explain-gpu``: all that a maintainer needs to know why a GPU has no adapter.

An owner sends it to others, so it has no host or user name, no serial number or UUID, and of the environment the
variables that set drivers up, no others.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..gpu.environment import DRIVER_VARIABLES
from ..processes.ask import Outcome
from .gpu import Findings

_FACTS = (
    "/proc/driver/nvidia/version",
    "/proc/driver/nvidia/params",
    "/sys/module/nvidia/version",
    "/sys/module/nvidia/initstate",
    "/sys/kernel/security/lsm",
    "/sys/kernel/security/lockdown",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
)
_FOLDERS = ("/dev/dri", "/dev/nvidia-caps", "/sys/class/drm")
_LIBRARIES = re.compile(r"libvulkan|lib(GLX|EGL)_nvidia|libnvidia-glcore|libcuda\.|libdrm|libXext|libGL\.|libEGL\.")
_KERNEL_LINES = re.compile(
    r"type=1326.*dcp-gpu-host|type=1423|NVRM|\bXid\b|\b(nvidia|amdgpu|i915|xe|nouveau|drm|vfio)\b", re.IGNORECASE
)
_MOST_KERNEL_LINES = 60
_MOST_LOG_LINES = 400
_UUID = re.compile(r"\b(GPU-|MIG-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_SERIAL = re.compile(r"(serial(?: ?(?:number|no\.?))?\s*[:=]\s*)\S+", re.IGNORECASE)
_SHORTEST_NAME = 3


def explanation(findings: Findings, report: dict[str, Any]) -> str:
    """The text of the file. ``report``: of the whole probe."""
    parts = [
        ("Verdict", [report["verdict"]]),
        ("Versions", [f"{name}: {value}" for name, value in report["versions"].items()]),
        ("GPUs that the kernel has, and what is wrong with them", _devices(findings)),
        ("Drivers that GPU hosts read", _manifests(findings)),
        ("Facts", _facts()),
        ("Variables that set drivers up", _variables(os.environ)),
        *_trials(findings),
        ("Isolation of GPU hosts", _isolation(report)),
        ("Kernel log (a line with syscall=101 is of the probe's own check of the seal)", _kernel_log()),
    ]
    text = "\n".join(line for title, lines in parts for line in (f"== {title}", *(lines or ["(nothing)"]), ""))
    return scrub(f"What dcp-evaluator --probe --explain-gpu found\n\n{text}")


def scrub(text: str) -> str:
    """Without names of the host and the user, serial numbers and UUIDs."""
    text = _SERIAL.sub(r"\1(removed)", _UUID.sub("(UUID)", text))
    home = str(Path.home())
    if home not in ("/", "/root"):
        text = text.replace(home, "~")
    for name, shown in ((platform.node(), "(host)"), (_user(), "(user)")):
        if len(name) >= _SHORTEST_NAME and name not in ("root", "localhost"):
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", shown, text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _devices(findings: Findings) -> Iterator[str]:
    for device in findings.report["devices"]:
        yield f"{device['id']} at {device['address']}: kernel driver {device['kernel_driver']}"
        for node in device["nodes"]:
            yield f"  {node['path']}: {node}"
        yield f"  {device['diagnosis']['code']}: {device['diagnosis']['text']}"
    if not findings.report["devices"]:
        yield "no GPU"


def _manifests(findings: Findings) -> Iterator[str]:
    for manifest in findings.machine.manifests:
        yield f"{manifest.path}: {manifest.library}"
    for path in findings.machine.hidden_manifests:
        yield f"{path}: in a home folder, GPU hosts do not read it"


def _facts() -> Iterator[str]:
    yield f"kernel: {platform.system()} {platform.release()} {platform.machine()}"
    yield f"user: {'root' if os.geteuid() == 0 else 'an ordinary one'}"
    for fact in _FACTS:
        yield from (f"{fact}: {line}" for line in _read(fact))
    nodes = [*_entries("/dev"), *(entry for folder in _FOLDERS for entry in _entries(folder))]
    for path in nodes:
        if path.parent.name != "dev" or path.name.startswith(("nvidia", "dxg", "kfd")):
            yield _node(path)
    yield from (line.strip() for line in _output("ldconfig", "-p") if _LIBRARIES.search(line))


def _node(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return f"{path}: mode {status.st_mode & 0o7777:o}, user {status.st_uid}, group {status.st_gid}"


def _variables(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(environment.items()) if name in DRIVER_VARIABLES]


def _trials(findings: Findings) -> Iterator[tuple[str, list[str]]]:
    trials = findings.trials
    runs = {"sealed, as sandboxes have it": trials.sealed, "without the seal": trials.unsealed}
    runs |= {f"without the layer {layer}": outcome for layer, outcome in trials.without.items()}
    runs |= {"without the seal, NVIDIA's EGL library": trials.egl}
    for manifest, alone in findings.alone.items():
        runs |= {f"{manifest} alone, sealed": alone.sealed, f"{manifest} alone, without the seal": alone.unsealed}
        runs |= {f"{manifest} alone, without the layer {layer}": each for layer, each in alone.without.items()}
    for name, outcome in runs.items():
        if outcome is not None:
            yield f"All drivers {name}" if " alone, " not in name else name, _outcome(outcome)
    for name, each in (("all drivers", trials), *findings.alone.items()):
        yield f"System calls that the filter refuses to {name}", list(each.refused)
        yield f"Files that the seal keeps from {name}", list(each.files)


def _outcome(outcome: Outcome) -> list[str]:
    lines = [f"{outcome.status or 'no end'}: {outcome.error or 'an answer'}"]
    for adapter in (outcome.answer or {}).get("adapters", []):
        shown = {key: value for key, value in adapter.items() if key not in ("features", "limits")}
        lines.append(f"adapter {shown}")
    once = list(dict.fromkeys(outcome.log))  # the loader repeats itself
    return lines + [f"  {line}" for line in once[-_MOST_LOG_LINES:]]


def _isolation(report: dict[str, Any]) -> list[str]:
    part = report["gpu_isolation"]
    layers = [f"{each['layer']}: {each['in_force']}, {each['reason']}" for each in part["layers"]]
    return layers + ([part["error"]] if part["error"] else [])


def _kernel_log() -> list[str]:
    lines = list(_output("dmesg"))
    return [line for line in lines if _KERNEL_LINES.search(line)][-_MOST_KERNEL_LINES:] or [
        "it has no line about GPUs" if lines else "this user may not read it: add the output of dmesg as root"
    ]


def _read(path: str) -> Iterable[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError as error:
        return [f"({error.strerror})"]


def _entries(folder: str) -> list[Path]:
    try:
        return sorted(Path(folder).iterdir())
    except OSError:
        return []


def _output(*command: str) -> list[str]:
    """Lines of a system's tool; none where it is not there."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    try:
        done = subprocess.run(
            command, env={"PATH": path, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True, timeout=10,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.decode("utf-8", "replace").splitlines()
